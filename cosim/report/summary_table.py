"""The numbers of ``summary.json`` as a reader wants them: a name, a value with sensible digits, a unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cosim.core.numbers import Described
from cosim.engine.wings import catalogue

THIN_SPACE = "\u2009"
NO_VALUE = "–"


class SummaryRow(NamedTuple):
    """One line of the table."""

    section: str
    name: str
    value: str
    unit: str


def summary_rows(
    summary: Mapping[str, float | int | None],
    start: datetime | None = None,
    communities: Sequence[str] = (),
) -> list[SummaryRow]:
    """The summary's numbers, section by section, as the catalogue orders them.

    Parameters
    ----------
    summary : mapping
        Name to number; None for a number that does not exist in this run.
    start : datetime
        The run's first instant, UTC: times are shown as dates then.
    communities : sequence of str
        Names of the communities, each of which has a section of its own.
    """
    numbers = catalogue()
    rows = [_row(numbers.describe(key, communities), value, start) for key, value in summary.items()]
    order = numbers.sections(communities)
    return sorted(rows, key=lambda row: order.index(row.section))


def _row(found: Described, value: float | int | None, start: datetime | None) -> SummaryRow:
    if found.number.kind == "time" and value is not None:
        hours = f"{number_text(value)} h"
        date = "" if start is None else _date(start, float(value))
        return SummaryRow(
            found.section, found.name, date or hours, f"{hours if date else ''} after the start"
        )
    return SummaryRow(found.section, found.name, shown_value(value, found), found.unit)


def _date(start: datetime, hours: float) -> str:
    try:
        return f"{start + timedelta(hours=hours):%Y-%m-%d %H:%M} UTC"
    except OverflowError:  # no year has four digits then
        return NO_VALUE


def shown_value(value: float | int | None, found: Described) -> str:
    """A number in the unit it is shown in."""
    return number_text(None if value is None else value * found.scale, found.number.digits)


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
