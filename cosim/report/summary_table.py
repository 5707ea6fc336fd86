"""The numbers of ``summary.json`` as a reader wants them: a name, a value with sensible digits, a unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

_UNITS = {
    "_eur_per_kwh": "EUR/kWh",
    "_eur": "EUR",
    "_bytes": "bytes",
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


_BEGINNINGS = {
    "Bills and trading": ("bill", "energy_value", "welfare", "trade", "offer", "schedule", "settle"),
    "Messages": ("message",),
    "Peaks": ("peak",),
    "Faults": ("fault",),
    "Feeder": ("voltage", "line", "trafo", "energy_feeder", "energy_lost", "intervals"),
    "Energy": ("energy", "self"),
}
"""How the names of each section begin; the first section that fits counts."""
_SECTIONS = ("Bills and trading", "Messages", "Energy", "Peaks", "Feeder", "Faults", "Others")


class Heading(NamedTuple):
    """What a number is called.

    Attributes
    ----------
    section, name, unit : str
        As a reader wants them.
    scale : float
        What the number is multiplied by to be in this unit.
    digits : int
        Significant digits that are shown at least.
    """

    section: str
    name: str
    unit: str
    scale: int
    digits: int


class SummaryRow(NamedTuple):
    """One line of the table."""

    section: str
    name: str
    value: str
    unit: str


def summary_rows(
    summary: Mapping[str, float | int | None], start: datetime, communities: Sequence[str] = ()
) -> list[SummaryRow]:
    """The summary's numbers, section by section, as `sections` orders them.

    Parameters
    ----------
    summary : mapping
        Name with unit to number; None for a number that does not exist in this run.
    start : datetime
        The run's first instant, UTC: times are shown as dates too.
    communities : sequence of str
        Names of the communities: their numbers begin with them.
    """
    rows = [_row(key, value, start, communities) for key, value in summary.items()]
    order = sections(communities)
    return sorted(rows, key=lambda row: order.index(row.section))


def sections(communities: Sequence[str] = ()) -> list[str]:
    """Every section in its order: the communities, then what all runs have in common."""
    return [*(f"Community {name}" for name in communities), *_SECTIONS]


def heading(key: str, communities: Sequence[str] = ()) -> Heading:
    """Section, name, unit and scale of a number.

    Parameters
    ----------
    key : str
        Its name in ``summary.json``, which ends in the unit.
    communities : sequence of str
        Names of the communities: their numbers begin with them.
    """
    section, name = _place(key, communities)
    if name.endswith(_SHARE):
        return Heading(section, _words(name.removesuffix(_SHARE)), "%", 100, 4)
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return Heading(section, _words(name.removesuffix(ending)), unit, 1, 5 if unit == "pu" else 4)
    return Heading(section, _words(name), "", 1, 4)


def _place(key: str, communities: Sequence[str]) -> tuple[str, str]:
    """Section of a number, and its name without what the section says already."""
    for name in sorted(communities, key=len, reverse=True):
        if key.startswith(f"{name}_"):
            return f"Community {name}", key.removeprefix(f"{name}_")
    for section, beginnings in _BEGINNINGS.items():
        if key.startswith(beginnings):
            return section, key
    return "Others", key


def _row(key: str, value: float | int | None, start: datetime, communities: Sequence[str]) -> SummaryRow:
    found = heading(key, communities)
    if key.endswith(_TIME) and value is not None:
        text = f"{number_text(value)} h after the start"
        return SummaryRow(found.section, found.name, _date(start, float(value)), text)
    shown = None if value is None else value * found.scale
    return SummaryRow(found.section, found.name, number_text(shown, found.digits), found.unit)


def _date(start: datetime, hours: float) -> str:
    try:
        return f"{start + timedelta(hours=hours):%Y-%m-%d %H:%M} UTC"
    except OverflowError:  # no year has four digits then
        return NO_VALUE


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
