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
from cosim.households.profile_book import Demand
from cosim.streams import Streams

_SHORT = 1.0
_IDLE = 3.0
_DAYS = 7


class Balance(NamedTuple):
    """Energy of one community, day by day.

    Attributes
    ----------
    asked_kwh : ndarray, shape (n_days,)
        What its capacities take out of the batteries, at the terminals.
    available_kwh : ndarray, shape (n_days,)
        What the batteries could give of each day's surplus: at most what a battery takes in, less its losses.
    """

    asked_kwh: NDArray[np.float64]
    available_kwh: NDArray[np.float64]

    def weekly(self, run_days: float) -> Balance:
        """Daily means over weeks, for batteries even out a day and not a season.

        Parameters
        ----------
        run_days : float
            Length of the run, days; the last day and the last week may be short.
        """
        starts = np.arange(0, len(self.asked_kwh), _DAYS)
        lengths = np.diff([*starts, run_days])
        asked, available = (np.add.reduceat(series, starts) / lengths for series in self)
        return Balance(asked, available)


def balance_problems(
    loaded: LoadedScenario, population: Population, streams: Streams, demand: Demand | None
) -> list[Problem]:
    """Warnings where a community's batteries will stand empty or idle.

    Parameters
    ----------
    demand : Demand or None
        From `demand_before_the_run`; without it nothing can be said.
    """
    scenario = loaded.scenario
    regulated = [
        number
        for number, community in enumerate(scenario.communities)
        if any(resource.unit_kwh for resource in community.resources)
    ]
    if not regulated or demand is None:
        return []
    surplus_kw = _surplus(demand.load_kw.block, demand.pv_kw.block, slots_of(scenario).n_slots)
    problems = []
    for number in regulated:
        balance = estimate(scenario, number, population, streams, surplus_kw)
        problems += _judge(loaded, number, balance)
    return problems


def demand_before_the_run(
    loaded: LoadedScenario, population: Population, streams: Streams
) -> tuple[Demand | None, list[Problem]]:
    """What households draw and generate, and errors of their profiles.

    None where the profiles have errors, where only the grid's data knows them, which is not loaded here, or
    where nobody has any.
    """
    scenario = loaded.scenario
    if scenario.energy_value is None and not any(group.load or group.pv for group in scenario.groups):
        has_batteries = any(resource.unit_kwh for each in scenario.communities for resource in each.resources)
        if not has_batteries:
            return None, []
    try:
        placement = _placement(loaded, population, streams)
        if placement is None:
            return None, _profile_problems(loaded, population)
        return household_demand(scenario, loaded.folder, population, placement, streams), []
    except InputError as error:
        return None, [placed(problem, loaded) for problem in error.problems]


def estimate(
    scenario: Scenario, number: int, population: Population, streams: Streams, surplus_kw: NDArray[np.float64]
) -> Balance:
    """The daily energy balance of community `number`.

    Parameters
    ----------
    surplus_kw : ndarray, shape (n_slots, N)
        Generation minus load of every household where positive, else 0.
    """
    community = scenario.communities[number]
    capacities = capacity_reader(community, scenario)
    units = np.array([resource.unit_kwh for resource in community.resources])
    slots = slots_of(scenario)
    slots_per_day = MS_PER_DAY // slots.slot_ms
    starts = np.arange(0, len(surplus_kw), slots_per_day)
    asked = np.zeros(len(starts))
    for t in tick_times(scenario):
        asked[t // MS_PER_DAY] += float(np.dot(capacities(t), units))
    available = np.zeros(len(starts))
    for group in population.groups:
        if group.community != number or group.config.battery is None:
            continue
        made, _ = batteries(group.config.battery, group, streams, population.size)
        for household, battery in zip(group.members, made, strict=True):
            round_trip = battery.charge_efficiency * battery.discharge_efficiency
            most_kwh = (battery.capacity_kwh - battery.floor_kwh) / battery.charge_efficiency
            limited_kw = np.minimum(surplus_kw[:, household], battery.charge_kw)
            per_day = np.add.reduceat(limited_kw, starts) * to_hours(slots.slot_ms)
            available += round_trip * np.minimum(per_day, most_kwh)
    return Balance(asked, available)


def _judge(loaded: LoadedScenario, number: int, balance: Balance) -> list[Problem]:
    """Warnings for the weeks in which the batteries cannot follow the capacities, or have little to do."""
    asked, available = balance.weekly(loaded.scenario.time.duration_ms / MS_PER_DAY)
    weeks = len(asked)
    cases = (
        (asked - _SHORT * available, "will stand empty", "Lower capacities or unit_kwh, or add generation."),
        (available - _IDLE * asked, "will stand full most of the time", "Raise capacities or unit_kwh."),
    )
    problems = []
    for excess, consequence, remedy in cases:
        n = int(np.count_nonzero(excess > 0))
        if n:
            worst = int(np.argmax(excess))
            message = (
                f"in {n} of {count(weeks, 'week')} the batteries {consequence}; in week {worst + 1} "
                f"capacities take {asked[worst]:.0f} kWh a day from them, and the sun can leave about "
                f"{available[worst]:.0f}"
            )
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


def _surplus(load: object, pv: object, n_slots: int) -> NDArray[np.float64]:
    difference = pv(0, n_slots) - load(0, n_slots)  # type: ignore[operator]
    return np.asarray(np.maximum(difference, 0.0))
