"""Whether the sun can feed what the batteries are asked for: an estimate before the run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.clock import MS_PER_DAY, to_hours
from cosim.config.devices import CsvLoad, CsvPv, FeederLoad, FeederPv
from cosim.config.load import LoadedScenario, load_network
from cosim.config.network import PlaceByList, PlaceSpread, SimbenchSource
from cosim.config.scenario import Scenario
from cosim.engine.build import placed
from cosim.engine.demand import DemandBuilder, household_demand, slots_of
from cosim.engine.design import capacity_reader, tick_times
from cosim.engine.placement import Placement, nowhere
from cosim.engine.population import Population, batteries
from cosim.errors import InputError, Problem, count
from cosim.grid.elements_file import read_elements
from cosim.grid.placement import spread_order
from cosim.streams import Streams

_SHORT = 1.0
_IDLE = 3.0
_REFUSED = 0.1
_DAYS = 7


class Balance(NamedTuple):
    """Energy of one community, day by day.

    Attributes
    ----------
    asked_kwh : ndarray, shape (n_days,)
        What its capacities take out of the batteries, at the terminals; for own load, what that can take.
    available_kwh : ndarray, shape (n_days,)
        What the batteries could give of each day's surplus: at most what a battery takes in, less its losses.
    for_own_load_kwh, refused_kwh : ndarray, shape (n_days,)
        What the capacities for own load ask for, and what of it the homes cannot take at that time.
    """

    asked_kwh: NDArray[np.float64]
    available_kwh: NDArray[np.float64]
    for_own_load_kwh: NDArray[np.float64]
    refused_kwh: NDArray[np.float64]

    def weekly(self, run_days: float) -> Balance:
        """Daily means over weeks, for batteries even out a day and not a season.

        Parameters
        ----------
        run_days : float
            Length of the run, days; the last day and the last week may be short.
        """
        starts = np.arange(0, len(self.asked_kwh), _DAYS)
        lengths = np.diff([*starts, run_days])
        return Balance(*(np.add.reduceat(series, starts) / lengths for series in self))


def balance_problems(loaded: LoadedScenario, population: Population, streams: Streams) -> list[Problem]:
    """Warnings where a community's batteries will stand empty or idle, and errors of its profiles."""
    scenario = loaded.scenario
    regulated = [
        number
        for number, community in enumerate(scenario.communities)
        if any(resource.unit_kwh for resource in community.resources)
    ]
    if not regulated and not any(group.load or group.pv for group in scenario.groups):
        return []
    try:
        placement = _placement(loaded, population, streams)
        if placement is None:
            return _profile_problems(loaded, population)
        demand = household_demand(scenario, loaded.folder, population, placement, streams)
    except InputError as error:
        return [placed(problem, loaded) for problem in error.problems]
    n_slots = slots_of(scenario).n_slots
    net_kw = demand.load_kw.block(0, n_slots) - demand.pv_kw.block(0, n_slots)
    problems = []
    for number in regulated:
        balance = estimate(scenario, number, population, streams, net_kw)
        problems += _judge(loaded, number, balance)
    return problems


def estimate(
    scenario: Scenario, number: int, population: Population, streams: Streams, net_kw: NDArray[np.float64]
) -> Balance:
    """The daily energy balance of community `number`.

    Parameters
    ----------
    net_kw : ndarray, shape (n_slots, N)
        Load minus generation of every household.
    """
    community = scenario.communities[number]
    capacities = capacity_reader(community, scenario)
    units = [resource.unit_kwh for resource in community.resources]
    slots = slots_of(scenario)
    slots_per_day = MS_PER_DAY // slots.slot_ms
    starts = np.arange(0, len(net_kw), slots_per_day)
    asked, available, for_own_load, refused = np.zeros((4, len(starts)))
    ticks = tick_times(scenario)
    wanted_kwh = np.array([capacities(t) for t in ticks]) * units
    days = np.array(ticks) // MS_PER_DAY
    for resource, config in enumerate(community.resources):
        usable_kwh = wanted_kwh[:, resource]
        if config.serves == "own_load" and config.unit_kwh:
            takes_kwh = _own_load_takes(scenario, number, population, net_kw, config.unit_kwh)
            usable_kwh = np.minimum(usable_kwh, takes_kwh)
            np.add.at(for_own_load, days, wanted_kwh[:, resource])
            np.add.at(refused, days, wanted_kwh[:, resource] - usable_kwh)
        np.add.at(asked, days, usable_kwh)
    for group in population.groups:
        if group.community != number or group.config.battery is None:
            continue
        made, _ = batteries(group.config.battery, group, streams, population.size)
        for household, battery in zip(group.members, made, strict=True):
            round_trip = battery.charge_efficiency * battery.discharge_efficiency
            most_kwh = (battery.capacity_kwh - battery.floor_kwh) / battery.charge_efficiency
            limited_kw = np.clip(-net_kw[:, household], 0.0, battery.charge_kw)
            per_day = np.add.reduceat(limited_kw, starts) * to_hours(slots.slot_ms)
            available += round_trip * np.minimum(per_day, most_kwh)
    return Balance(asked, available, for_own_load, refused)


def _own_load_takes(
    scenario: Scenario, number: int, population: Population, net_kw: NDArray[np.float64], unit_kwh: float
) -> NDArray[np.float64]:
    """What the homes of a community can use in each step if each is given a unit, kWh; shape (n_steps,)."""
    slot_ms = slots_of(scenario).slot_ms
    edges_ms = np.arange(len(net_kw) + 1) * slot_ms
    bounds_ms = np.append(tick_times(scenario), scenario.time.duration_ms)
    takes = np.zeros(len(bounds_ms) - 1)
    members = [m for group in population.groups if group.community == number for m in group.members]
    for member in members:
        residual_kwh = np.append(0.0, np.cumsum(np.maximum(net_kw[:, member], 0.0))) * to_hours(slot_ms)
        takes += np.minimum(np.diff(np.interp(bounds_ms, edges_ms, residual_kwh)), unit_kwh)
    return takes


def _judge(loaded: LoadedScenario, number: int, balance: Balance) -> list[Problem]:
    """Warnings for the weeks in which the batteries cannot follow the capacities, or have little to do."""
    weekly = balance.weekly(loaded.scenario.time.duration_ms / MS_PER_DAY)
    asked, available, for_own_load, refused = weekly
    weeks = len(asked)
    take = "capacities take {0:.0f} kWh a day from them, and the sun can leave about {1:.0f}"
    own = "capacities ask {2:.0f} kWh a day for it, and the homes cannot take {3:.0f} of them then"
    cases = (
        (asked - _SHORT * available, "the batteries will stand empty", take),
        (available - _IDLE * asked, "the batteries will stand full most of the time", take),
        (refused - _REFUSED * for_own_load, "own use falls short", own),
    )
    remedies = (
        "Lower capacities or unit_kwh, or add generation.",
        "Raise capacities or unit_kwh.",
        "Lower them where the load is small or the sun covers it.",
    )
    problems = []
    for (excess, consequence, measure), remedy in zip(cases, remedies, strict=True):
        n = int(np.count_nonzero(excess > 0))
        if n:
            worst = int(np.argmax(excess))
            numbers = measure.format(*(series[worst] for series in weekly))
            message = f"in {n} of {count(weeks, 'week')} {consequence}; in week {worst + 1} {numbers}"
            path = f"communities.{number}.resources"
            problems.append(loaded.problem(path, message, remedy, warning=True))
    return problems


def _profile_problems(loaded: LoadedScenario, population: Population) -> list[Problem]:
    """What is wrong with the CSV files of a scenario whose other profiles only the grid knows."""
    builder = DemandBuilder(slots_of(loaded.scenario), loaded.folder, population.size)
    problems: list[Problem] = []
    for number, group in enumerate(loaded.scenario.groups):
        for part, device in (("load", group.load), ("pv", group.pv)):
            if isinstance(device, CsvLoad | CsvPv):
                try:
                    builder.read_csv_columns(device.file, device.columns, f"groups.{number}.{part}.file")
                except InputError as error:
                    problems += [placed(problem, loaded) for problem in error.problems]
    return problems


def _placement(loaded: LoadedScenario, population: Population, streams: Streams) -> Placement | None:
    """Where the households stand, as far as it can be told without loading the grid; None where it cannot."""
    scenario = loaded.scenario
    needs_feeder = any(
        isinstance(group.load, FeederLoad) or isinstance(group.pv, FeederPv) for group in scenario.groups
    )
    if scenario.grid is None or not needs_feeder:
        return nowhere(population)
    network, _ = load_network(scenario.grid.network, loaded.folder)
    plain = isinstance(network.source, SimbenchSource) and network.households == "loads"
    if not plain or isinstance(scenario.grid.placement, PlaceByList):
        return None
    assert isinstance(network.source, SimbenchSource)
    elements = read_elements(network.source.code)
    loads = [element for element in elements if element.is_load]
    order = list(range(len(loads)))
    if isinstance(scenario.grid.placement, PlaceSpread):
        order = spread_order(len(loads), streams)
    places = [loads[position] for position in order[: population.size]]
    sgens = tuple(tuple(e for e in elements if e.is_sgen and e.bus == place.bus) for place in places)
    return Placement(tuple(place.bus for place in places), tuple(places), sgens, ())
