"""Who is in a run: every household with its name, its group, its community and its own parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.config.values import AnyValue, draw
from cosim.core.clock import MS_PER_HOUR, to_ms
from cosim.core.streams import Streams
from cosim.devices.battery import Battery, leak_rate
from cosim.devices.schema import BatteryConfig
from cosim.engine.scenario import GroupConfig, Scenario

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """The households of one group.

    Attributes
    ----------
    config : GroupConfig
        As configured.
    first, last : int
        Its households are ``first ... last - 1``.
    community : int
        Number of its community; -1 for none.
    """

    config: GroupConfig
    first: int
    last: int
    community: int

    @property
    def members(self) -> range:
        """Numbers of its households."""
        return range(self.first, self.last)


@dataclass(frozen=True)
class Population:
    """All households of a scenario.

    Attributes
    ----------
    names : tuple of str
        ``h001``, ``h002`` ...
    groups : tuple of Group
        In the scenario's order, which numbers the households.
    """

    names: tuple[str, ...]
    groups: tuple[Group, ...]

    @property
    def size(self) -> int:
        """Number of households."""
        return len(self.names)

    def group_of(self, household: int) -> Group:
        """The group of a household."""
        return next(group for group in self.groups if household < group.last)


def build_population(scenario: Scenario) -> Population:
    """Number and name the households of a scenario."""
    community_of = {
        name: index for index, community in enumerate(scenario.communities) for name in community.groups
    }
    groups, first = [], 0
    for config in scenario.groups:
        last = first + config.households
        groups.append(Group(config, first, last, community_of.get(config.name, -1)))
        first = last
    return Population(scenario.household_names, tuple(groups))


def household_values(
    streams: Streams, purpose: str, value: AnyValue, group: Group, n_households: int
) -> Array:
    """A parameter of a group's households, drawn where it is a distribution.

    The column of a household is its number in the whole population, so a later group changes no earlier one.

    Parameters
    ----------
    streams : Streams
        Randomness of the run.
    purpose : str
        What the numbers are for.
    value : Value
        As configured.
    group : Group
        Whose.
    n_households : int
        Size of the population.
    """
    uniforms = streams.field(f"household/{purpose}").row(0, n_households)
    return draw(value, uniforms[group.first : group.last])


def batteries(config: BatteryConfig, group: Group, streams: Streams, n: int) -> tuple[list[Battery], Array]:
    """The batteries of a group, and what is stored in each at the start, kWh."""

    def values(name: str) -> Array:
        return household_values(streams, f"battery.{name}", getattr(config, name), group, n)

    capacity, charge, discharge = values("capacity_kwh"), values("charge_kw"), values("discharge_kw")
    with_grid = config.charge_from == "surplus_and_grid"
    made = [
        Battery(
            capacity_kwh=float(capacity[i]),
            floor_kwh=float(capacity[i]) * config.soc_min,
            charge_kw=float(charge[i]),
            discharge_kw=float(discharge[i]),
            charge_efficiency=config.charge_efficiency,
            discharge_efficiency=config.discharge_efficiency,
            leak_per_hour=leak_rate(config.self_discharge_per_day),
            grid_charge_kw=config.grid_charge_kw if with_grid else 0.0,
            grid_charge_below_kwh=float(capacity[i]) * config.grid_charge_soc if with_grid else 0.0,
        )
        for i in range(len(capacity))
    ]
    return made, values("soc_initial") * capacity


@dataclass(frozen=True)
class Membership:
    """When each household takes part in its community, ms since the start; shape (n,) each.

    `leaves_ms` is -1 for a household that stays.
    """

    joins_ms: NDArray[np.int64]
    leaves_ms: NDArray[np.int64]


def membership(population: Population, streams: Streams) -> Membership:
    """When the households join and leave."""
    joins = np.zeros(population.size, np.int64)
    leaves = np.full(population.size, -1, np.int64)
    for group in population.groups:
        config = group.config.membership
        hours = household_values(streams, "membership.joins_h", config.joins_h, group, population.size)
        joins[group.first : group.last] = [to_ms(float(hour), MS_PER_HOUR) for hour in hours]
        if config.leaves_h is not None:
            hours = household_values(streams, "membership.leaves_h", config.leaves_h, group, population.size)
            leaves[group.first : group.last] = [to_ms(float(hour), MS_PER_HOUR) for hour in hours]
    return Membership(joins, leaves)
