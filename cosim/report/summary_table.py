"""The numbers of ``summary.json`` as a reader wants them: a name, a value with sensible digits, a unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cosim.core.numbers import Described, names_in
from cosim.core.shown import NO_VALUE, date_text, number_text
from cosim.engine.scenario import Scenario
from cosim.engine.wings import catalogue
from cosim.grid.named_elements import Elements, element_name
from cosim.regulation.units_in_kw import kw_per_unit

_TABLES = ("bus", "line", "trafo", "trafo3w")


class SummaryRow(NamedTuple):
    """One line of the table; its meaning is a sentence without a full stop."""

    section: str
    name: str
    value: str
    unit: str
    meaning: str


def summary_rows(
    summary: Mapping[str, float | int | None],
    scenario: Scenario | None = None,
    elements: Elements | None = None,
) -> list[SummaryRow]:
    """The summary's numbers, section by section, as the catalogue orders them.

    Parameters
    ----------
    summary : mapping
        Name to number; None for a number that does not exist in this run.
    scenario : Scenario
        What was run: times are shown as dates then, units of a resource that are energy in kW, and each
        community has a section of its own.
    elements : mapping
        As from `cosim.engine.answer.read_elements`: elements are called by their names then.
    """
    numbers, known = catalogue(), elements or {}
    communities = [community.name for community in scenario.communities] if scenario else []
    kw = _kw_per_unit(scenario) if scenario else {}
    rows = [
        _row(key, numbers.describe(key, communities), value, scenario, known, kw)
        for key, value in summary.items()
    ]
    order = numbers.sections(communities)
    return sorted(rows, key=lambda row: order.index(row.section))


def _kw_per_unit(scenario: Scenario) -> dict[str, float]:
    """What a unit is in kW, by a community's and a resource's name together, the longest first."""
    found = {
        f"{community.name}_{resource.name}": kw
        for community in scenario.communities
        for resource in community.resources
        if (kw := kw_per_unit(resource, scenario.time.step_ms)) is not None
    }
    return {names: found[names] for names in sorted(found, key=len, reverse=True)}


def _row(
    key: str,
    found: Described,
    value: float | int | None,
    scenario: Scenario | None,
    elements: Elements,
    kw: Mapping[str, float],
) -> SummaryRow:
    kind, name, meaning = found.number.kind, found.name, found.number.meaning.replace("`", "")
    if value is None:
        return SummaryRow(found.section, name, NO_VALUE, "" if kind == "time" else found.unit, meaning)
    if kind == "time":
        hours = f"{number_text(value)} h after the start"
        date = "" if scenario is None else date_text(scenario.time.start, float(value))
        return SummaryRow(found.section, name, date or hours, hours if date else "", meaning)
    if kind == "place":
        table = key.rsplit("_", 1)[-1]
        called = element_name(table, int(value), elements) if table in _TABLES else ""
        index = f"index {value}" if called else ""
        return SummaryRow(found.section, name, called or str(value), index, meaning)
    if found.unit == "units":
        of = f"_{names_in(key, found.number)}"
        factor = next((each for names, each in kw.items() if of.endswith(f"_{names}")), None)
        if factor is not None:
            units = f"kW ({shown_value(value, found)} units)"
            shown = number_text(value * factor, found.number.digits)
            return SummaryRow(found.section, name, shown, units, meaning)
    return SummaryRow(found.section, name, shown_value(value, found), found.unit, meaning)


def shown_value(value: float | int | None, found: Described) -> str:
    """A number in the unit it is shown in."""
    return number_text(None if value is None else value * found.scale, found.number.digits)
