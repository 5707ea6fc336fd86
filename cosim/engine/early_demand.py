"""What households draw and generate, as far as it is known before a grid is loaded."""

from __future__ import annotations

from cosim.config.devices import CsvLoad, CsvPv, FeederLoad, FeederPv
from cosim.config.load import LoadedScenario, load_network
from cosim.config.network import PlaceByList, PlaceSpread, SimbenchSource
from cosim.engine.build import placed
from cosim.engine.demand import DemandBuilder, household_demand, slots_of
from cosim.engine.placement import Placement, nowhere
from cosim.engine.population import Population
from cosim.errors import InputError, Problem
from cosim.grid.elements_file import read_elements
from cosim.grid.placement import spread_order
from cosim.households.profile_book import Demand
from cosim.streams import Streams


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
