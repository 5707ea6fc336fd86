"""From a scenario to the parts of a run, or to every problem that only building can find."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import simpy

from cosim.comms.latency import TraceReader
from cosim.comms.network import Network
from cosim.comms.trace import read_trace
from cosim.core.errors import InputError, Problem
from cosim.core.message import PLATFORM, Address
from cosim.core.streams import Streams
from cosim.csv_files.found import CsvFound
from cosim.devices.battery import ANYTHING, OWN_LOAD, InstalledBattery
from cosim.devices.interface import ActiveDevice
from cosim.engine.check import check_configuration
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario
from cosim.faults.plan import FaultEvent, plan_faults
from cosim.households.connection import GridParts, build_grid
from cosim.households.demand import household_demand, slots_of
from cosim.households.household import Household
from cosim.households.meters import Meters
from cosim.households.placement import Placement, nowhere
from cosim.households.population import Membership, Population, batteries, build_population, membership
from cosim.households.profile_book import Demand, ProfileBook
from cosim.regulation.community import Market, build_market
from cosim.regulation.controller import Report
from cosim.regulation.design import Design, design
from cosim.regulation.energy_balance import balance_problems
from cosim.regulation.loop_warnings import loop_problems
from cosim.trading.build import build_energy_market
from cosim.trading.latency_doubts import latency_problems
from cosim.trading.market import EnergyMarket

_Part = TypeVar("_Part")


@dataclass
class Parts:
    """Everything a run consists of, in its initial state.

    Attributes
    ----------
    meters : Meters or None
        None where no household has any device and there is no feeder: then there is nothing to meter.
    warnings : tuple of Problem
        What is doubtful about the scenario, each once.
    csv_files : tuple of CsvFound
        How each file of profiles or prices was understood.
    """

    env: simpy.Environment
    population: Population
    placement: Placement
    membership: Membership
    network: Network
    markets: list[Market]
    households: list[Household]
    devices: dict[str, list[tuple[int, ActiveDevice]]]
    meters: Meters | None
    grid: GridParts | None
    energy_market: EnergyMarket | None
    fault_events: tuple[FaultEvent, ...]
    streams: Streams
    warnings: tuple[Problem, ...]
    csv_files: tuple[CsvFound, ...]


def trace_reader(folder: Path) -> TraceReader:
    """Reads files of measured latencies that lie in `folder`, each once."""
    return cache(partial(read_trace, folder))


def build(loaded: LoadedScenario) -> Parts:
    """Build a scenario, all but the first event: the one path of ``check``, ``explain`` and ``run``.

    Returns
    -------
    Parts
        With the warnings that came up on the way.

    Raises
    ------
    InputError
        With every error of its parts, and the warnings as well.
    """
    problems = check_configuration(loaded)
    _raise_errors(problems)
    scenario, folder = loaded.scenario, loaded.folder
    streams, trace_of = Streams(scenario.seed), trace_reader(folder)
    population = build_population(scenario)
    present = membership(population, streams)

    def collect(make: Callable[[], _Part]) -> _Part | None:
        """What `make` gives; its problems are kept."""
        try:
            return make()
        except InputError as error:
            problems.extend(placed(problem, loaded) for problem in error.problems)
            return None

    def warn(warnings: Iterable[Problem]) -> None:
        problems.extend(placed(problem, loaded) for problem in warnings)

    grid = collect(lambda: build_grid(scenario, folder, population, streams))
    if grid is not None:
        warn(grid.warnings)
    placement = grid.placement if grid is not None else nowhere(population)
    known = None if grid is None and scenario.grid is not None else placement
    events = collect(lambda: plan_faults(scenario, folder, known, streams))
    demand = None
    if scenario.is_electrical:
        demand = collect(lambda: household_demand(scenario, folder, population, known, streams))
        warn(demand.warnings if demand is not None else ())
    market = collect(lambda: build_energy_market(scenario, folder, population, demand, streams))
    energy_market, doubts = market or (None, [])
    warn(doubts)
    numbers = range(len(scenario.communities))
    designs = [
        collect(lambda n=n: design(n, scenario, population, streams, trace_of))  # type: ignore[misc]
        for n in numbers
    ]
    env = simpy.Environment(initial_time=0)
    addresses = [Address(name, population.group_of(i).config.name) for i, name in enumerate(population.names)]
    network = collect(lambda: Network(env, scenario.comms, addresses, streams, trace_of))
    _raise_errors(problems)
    assert network is not None
    made = [each for each in designs if each is not None]
    warn(latency_problems(scenario, population, trace_of))
    problems += [
        *loop_problems(loaded, made, population.names),
        *balance_problems(loaded, population, streams, demand),
    ]
    book = _book(scenario, demand) if demand is not None else None
    batteries_of = _batteries(population, streams) if book is not None else []
    homes = _households(population, batteries_of, book) if book is not None else []
    return Parts(
        env=env,
        population=population,
        placement=placement,
        membership=present,
        network=network,
        markets=[
            _market(number, designed, scenario, population, present, homes, streams, network)
            for number, designed in enumerate(made)
        ],
        households=homes,
        devices={"battery": batteries_of},
        meters=Meters(homes, {"battery": batteries_of}, book, scenario.interval_ms)
        if book is not None
        else None,
        grid=grid,
        energy_market=energy_market,
        fault_events=events or (),
        streams=streams,
        warnings=tuple(dict.fromkeys(problems)),
        csv_files=(
            *(demand.files if demand is not None else ()),
            *(energy_market.price_files if energy_market is not None else ()),
        ),
    )


def _raise_errors(problems: list[Problem]) -> None:
    if any(problem.severity == "error" for problem in problems):
        raise InputError(dict.fromkeys(problems))


def placed(problem: Problem, loaded: LoadedScenario) -> Problem:
    """The problem with file and line of its path in the scenario, where it has none of its own."""
    in_the_scenario = problem.path.partition(".")[0] in Scenario.model_fields
    if problem.line or (problem.file and not in_the_scenario):
        return problem
    # What is wrong within a network stands nowhere in the scenario but where the scenario names it.
    file, line = loaded.document.place_of(problem.path if in_the_scenario else "grid.network")
    value = problem.value or problem.file
    return Problem(problem.message, problem.remedy, problem.path, file, line, value, problem.severity)


def _book(scenario: Scenario, demand: Demand) -> ProfileBook:
    slots = slots_of(scenario)
    per_interval = scenario.interval_ms // slots.slot_ms
    ahead = -(-scenario.time.step_ms // scenario.interval_ms)
    return ProfileBook(demand, slots.slot_ms, per_interval, intervals_ahead=ahead)


def _batteries(population: Population, streams: Streams) -> list[tuple[int, ActiveDevice]]:
    return [
        (household, InstalledBattery(battery, float(kwh)))
        for group in population.groups
        if group.config.battery is not None
        for made, stored in [batteries(group.config.battery, group, streams, population.size)]
        for household, battery, kwh in zip(group.members, made, stored, strict=True)
    ]


def _households(
    population: Population, batteries_of: list[tuple[int, ActiveDevice]], book: ProfileBook
) -> list[Household]:
    of = dict(batteries_of)
    return [
        Household(
            household,
            [of[household]] if household in of else [],
            dict.fromkeys((OWN_LOAD, ANYTHING), of[household]) if household in of else {},
            book,
        )
        for household in range(population.size)
    ]


def _market(
    number: int,
    designed: Design,
    scenario: Scenario,
    population: Population,
    present: Membership,
    households: list[Household],
    streams: Streams,
    network: Network,
) -> Market:
    def report(household: int, step: int, delivered: tuple[float, ...], signal_step: int) -> None:
        network.send("uplink", household, PLATFORM, "report", step, Report(delivered, signal_step))

    deliver = households if any(resource.unit_kwh for resource in designed.config.resources) else None
    return build_market(number, designed, scenario, population, present, deliver, streams, report)
