"""The numbers of ``summary.json`` as a reader wants them: a name, a value with sensible digits, a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from cosim.core.numbers import Described
from cosim.core.shown import date_text, number_text
from cosim.engine.wings import catalogue


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
        date = "" if start is None else date_text(start, float(value))
        return SummaryRow(
            found.section, found.name, date or hours, f"{hours if date else ''} after the start"
        )
    return SummaryRow(found.section, found.name, shown_value(value, found), found.unit)


def shown_value(value: float | int | None, found: Described) -> str:
    """A number in the unit it is shown in."""
    return number_text(None if value is None else value * found.scale, found.number.digits)
