"""The numbers of ``summary.json`` as a reader wants them: a name, a value with sensible digits, a unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

_UNITS = {
    "_kwh": "kWh",
    "_kw": "kW",
    "_pu": "pu",
    "_percent": "%",
    "_ms": "ms",
    "_h": "h",
    "_units": "units",
}
"""Endings of names that are units."""
_SHARE = "_fraction"
_TIME = "_time_h"
THIN_SPACE = "\u2009"
NO_VALUE = "–"


_FEEDER = ("voltage", "line", "trafo", "energy_feeder", "energy_lost", "intervals")
_ENERGY = ("energy", "self")


class SummaryRow(NamedTuple):
    """One line of the table."""

    section: str
    name: str
    value: str
    unit: str


def summary_rows(
    summary: Mapping[str, float | int | None], start: datetime, communities: Sequence[str] = ()
) -> list[SummaryRow]:
    """The summary's numbers, section by section: communities, messages, energy, feeder, others.

    Parameters
    ----------
    summary : mapping
        Name with unit to number; None for a number that does not exist in this run.
    start : datetime
        The run's first instant, UTC: times are shown as dates too.
    communities : sequence of str
        Names of the communities: their numbers begin with them.
    """
    rows = [_row(key, value, start, *_place(key, communities)) for key, value in summary.items()]
    order = [*(f"Community {name}" for name in communities), "Messages", "Energy", "Feeder", "Others"]
    return sorted(rows, key=lambda row: order.index(row.section))


def _place(key: str, communities: Sequence[str]) -> tuple[str, str]:
    """Section of a number, and its name without what the section says already."""
    for name in sorted(communities, key=len, reverse=True):
        if key.startswith(f"{name}_"):
            return f"Community {name}", key.removeprefix(f"{name}_")
    for section, beginnings in (("Messages", ("messages",)), ("Feeder", _FEEDER), ("Energy", _ENERGY)):
        if key.startswith(beginnings):
            return section, key
    return "Others", key


def _row(key: str, value: float | int | None, start: datetime, section: str, name: str) -> SummaryRow:
    if key.endswith(_TIME) and value is not None:
        when = start + timedelta(hours=float(value))
        text = f"{number_text(value)} h after the start"
        return SummaryRow(section, _words(name.removesuffix("_h")), f"{when:%Y-%m-%d %H:%M} UTC", text)
    if key.endswith(_SHARE):
        shown = NO_VALUE if value is None else number_text(100 * value)
        return SummaryRow(section, _words(name.removesuffix(_SHARE)), shown, "%")
    for ending, unit in _UNITS.items():
        if key.endswith(ending):
            digits = 5 if unit == "pu" else 4
            return SummaryRow(section, _words(name.removesuffix(ending)), number_text(value, digits), unit)
    return SummaryRow(section, _words(name), number_text(value), "")


def _words(name: str) -> str:
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def number_text(value: float | int | None, digits: int = 4) -> str:
    """A number with at least so many significant digits, thousands set apart; its whole part in full."""
    if value is None:
        return NO_VALUE
    if isinstance(value, int):
        return f"{value:,}".replace(",", THIN_SPACE)
    size = abs(value)
    if size == 0:
        return "0"
    if not 1e-4 <= size < 1e9:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(",", THIN_SPACE)
