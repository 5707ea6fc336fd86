"""The subsystems of a run, one line each, and all that they leave: tables, numbers, doubts about results.

In this order they are shown. When they act, each comes after those that it looked up when it was built.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, reduce
from pkgutil import resolve_name
from typing import Any

from cosim.core.errors import Problem
from cosim.core.numbers import Catalogue, Described, Number, Summary
from cosim.core.registry import Registry, is_own, refused, registrations
from cosim.core.subsystem import Subsystem, Uses
from cosim.core.tables import Column, Table
from cosim.devices.interface import DEVICES, Device
from cosim.engine.scenario import Scenario, add_key
from cosim.results.metrics import METRICS, Metric

Wing = type[Subsystem[Scenario]]


def _welcome(name: str, wing: Wing) -> None:
    """One with a schema has a key of its own in a scenario, and writes no table of another one."""
    _refuse_taken(SUBSYSTEMS, name, wing, wing.tables, wing.numbers)
    if not (is_own(wing) and wing.schema is None):  # else the scenario says itself what the key holds
        add_key(name, wing)


def _welcome_device(name: str, device: type[Device]) -> None:
    """A kind of device writes no table of another one, nor of a subsystem, and gives no number of theirs."""
    _refuse_taken(DEVICES, name, device, device.tables(), device.numbers)


def _welcome_metric(name: str, metric: type[Metric]) -> None:
    """A metric gives no number that there is already."""
    _refuse_taken(METRICS, name, metric, (), metric.NUMBERS)


def _refuse_taken(
    registry: Registry[Any], name: str, cls: type, tables: Iterable[Table], numbers: Iterable[Number]
) -> None:
    called = f"the {registry.noun} '{name}'"
    given = {number.pattern: owner for owner, number in _declared() if owner != (registry.noun, name)}
    for number in numbers:
        if number.pattern in given:
            noun, owner = given[number.pattern]
            message = f"{called} gives the number '{number.pattern}', as the {noun} '{owner}' does"
            raise refused(cls, message, "Give the number another name.")
    taken = {table.name: owner for owner, table in _written() if owner != (registry.noun, name)}
    for table in tables:
        if table.name in taken:
            noun, owner = taken[table.name]
            message = f"{called} writes the table '{table.name}', as the {noun} '{owner}' does"
            raise refused(cls, message, "Give the table another name.")


SUBSYSTEMS: Registry[Subsystem[Scenario]] = Registry(
    "subsystem",
    Subsystem,  # type: ignore[type-abstract]
    in_schema=False,
    welcome=_welcome,
)
"""The wings, by their keys in a scenario; plugins join them."""

_BUILT_IN = {
    "communities": "cosim.regulation.subsystem:Regulation",
    "groups": "cosim.households.subsystem:Households",
    "energy_value": "cosim.trading.subsystem:Trading",
    "dimming": "cosim.dimming.subsystem:Dimming",
    "firm": "cosim.firm.subsystem:Firm",
    "ties": "cosim.ties.subsystem:Ties",
    "comms": "cosim.comms.subsystem:Comms",
    "grid": "cosim.grid.subsystem:PowerGrid",
    "faults": "cosim.faults.subsystem:Faults",
}


def wings() -> tuple[Wing, ...]:
    """All subsystems, in the order in which they are shown."""
    return SUBSYSTEMS.classes()


def uses(scenario: Scenario) -> Uses:
    """What all subsystems of a scenario together take for granted."""
    return reduce(_together, (_uses(name, wing, scenario) for name, wing in SUBSYSTEMS.items()))


def _uses(name: str, wing: Wing, scenario: Scenario) -> Uses:
    """One from outside may do anything with a community."""
    used = wing.uses(scenario)
    if is_own(wing) or getattr(scenario, name) is None:
        return used
    return used._replace(one_by_one=(*used.one_by_one, f"there is the subsystem '{name}' from outside"))


def _together(one: Uses, other: Uses) -> Uses:
    links = {
        direction: one.links.get(direction, frozenset()) | other.links.get(direction, frozenset())
        for direction in (*one.links, *other.links)
    }
    return Uses(
        links,
        one.meters or other.meters,
        one.brings_load or other.brings_load,
        (*one.one_by_one, *other.one_by_one),
    )


def files(scenario: Scenario) -> Iterator[str]:
    """The files that a scenario names, but for its network."""
    for wing in wings():
        yield from (file for _, file in wing.files(scenario))


def tables() -> dict[str, Table]:
    """Every table that a run can leave, by name, in the order of the documentation."""
    return _tables(registrations())


@cache
def _tables(_: int) -> dict[str, Table]:
    return {table.name: table for _, table in _written()}


def _written() -> Iterator[tuple[tuple[str, str], Table]]:
    """Every table, with what writes it, a subsystem or a kind of device, and the name of that."""
    for name, wing in SUBSYSTEMS.items():
        yield from (((SUBSYSTEMS.noun, name), table) for table in wing.tables)
    for name, device in DEVICES.items():
        yield from (((DEVICES.noun, name), table) for table in device.tables())


def columns_of(table: str) -> tuple[Column, ...]:
    """The columns that a table has whatever the scenario; none of a table that no wing writes."""
    return tables()[table].columns if table in tables() else ()


def catalogue() -> Catalogue:
    """Every number that a summary can hold, section by section; those of metrics last."""
    return _catalogue(wings(), DEVICES.classes(), METRICS.classes())


@cache
def _catalogue(*_: tuple[type, ...]) -> Catalogue:
    return Catalogue(number for _, number in _declared())


def _declared() -> Iterator[tuple[tuple[str, str], Number]]:
    """Every number of a summary, with what gives it and the name of that."""
    for name, wing in SUBSYSTEMS.items():
        yield from (((SUBSYSTEMS.noun, name), number) for number in wing.numbers)
    for name, device in DEVICES.items():
        yield from (((DEVICES.noun, name), number) for number in device.numbers)
    for name, metric in METRICS.items():
        yield from (((METRICS.noun, name), number) for number in metric.NUMBERS)


def describe(key: str, communities: Sequence[str] = ()) -> Described:
    """What a number of a summary is; see `Catalogue.describe`."""
    return catalogue().describe(key, communities)


def doubts(summary: Summary) -> list[Problem]:
    """What in a summary says that results are not whole or not right, as warnings."""
    return [problem for wing in wings() for problem in wing.result_doubts(summary)]


for _key, _place in _BUILT_IN.items():
    SUBSYSTEMS.register(_key)(resolve_name(_place))
DEVICES.ask_too(_welcome_device)
METRICS.ask_too(_welcome_metric)
