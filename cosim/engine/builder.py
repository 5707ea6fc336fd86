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
from cosim.core.context import Context, TimeAxis
from cosim.core.errors import InputError, Problem
from cosim.core.message import PLATFORM, Address
from cosim.core.tables import ColumnData, Parameters, Table
from cosim.csv_files.found import CsvFound
from cosim.engine.check import check_configuration, surroundings
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario
from cosim.faults.plan import FaultEvent, plan_faults
from cosim.grid.connected_feeder import ConnectedFeeder
from cosim.households.connection import connect
from cosim.households.demand import household_demand, slots_of
from cosim.households.household import Equipment, equip
from cosim.households.meters import Meters
from cosim.households.placement import Placement, nowhere
from cosim.households.profile_book import Demand, ProfileBook
from cosim.households.prosumer_table import device_parameters, profile_parameters, prosumer_table
from cosim.regulation.aggregates.reports import Report
from cosim.regulation.capacity_rule_doubts import rule_doubts
from cosim.regulation.community import Market, build_market
from cosim.regulation.design import Design, design
from cosim.regulation.energy_balance import balance_problems
from cosim.regulation.loop_warnings import loop_problems
from cosim.regulation.membership_times import Membership, membership
from cosim.regulation.record import agent_parameters
from cosim.trading.build import build_energy_market
from cosim.trading.latency_doubts import latency_problems
from cosim.trading.market import EnergyMarket
from cosim.trading.record import participant_parameters

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

    context: Context
    env: simpy.Environment
    placement: Placement
    membership: Membership
    network: Network
    markets: list[Market]
    equipment: Equipment | None
    meters: Meters | None
    grid: ConnectedFeeder | None
    energy_market: EnergyMarket | None
    fault_events: tuple[FaultEvent, ...]
    warnings: tuple[Problem, ...]
    csv_files: tuple[CsvFound, ...]

    def prosumers(self) -> tuple[Table, dict[str, ColumnData]]:
        """The table `prosumers` and its data."""
        population, market = self.context.population, self.energy_market
        community_of = {
            member: market.design.config.name for market in self.markets for member in market.agents
        }
        first: dict[str, ColumnData] = {
            "community": [community_of.get(household, "") for household in range(population.size)],
            "bus": list(self.placement.buses),
        }
        agents = agent_parameters(self.markets, self.membership, population.size)
        parameters: list[Parameters] = [agents]
        if self.meters is not None and self.equipment is not None:
            demand = self.meters.book.demand
            profiles = profile_parameters(demand, population.size)
            parameters = [profiles, agents, device_parameters(demand, self.equipment)]
        if market is not None:
            parameters.append(participant_parameters(market.participants))
        return prosumer_table(population, first, parameters)


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
    scenario, context = loaded.scenario, loaded.context
    population, streams = context.population, context.streams
    trace_of = trace_reader(context.folder)
    present = membership([group.membership for group in scenario.groups], population, streams)

    def collect(make: Callable[[], _Part]) -> _Part | None:
        """What `make` gives; its problems are kept."""
        try:
            return make()
        except InputError as error:
            problems.extend(placed(problem, loaded) for problem in error.problems)
            return None

    def warn(warnings: Iterable[Problem]) -> None:
        problems.extend(placed(problem, loaded) for problem in warnings)

    config, trades = scenario.grid, scenario.energy_value is not None
    grid, placement = None, None if config is not None else nowhere(population)
    if config is not None:
        connected = collect(lambda: connect(scenario.groups, trades, config, context))
        if connected is not None:
            grid, placement = connected
            warn(grid.warnings)
            warn(rule_doubts(scenario.communities, grid.feeder, grid.limits))
    around = surroundings(scenario)
    events = collect(lambda: plan_faults(scenario.faults, around, placement, context))
    demand = None
    if scenario.is_electrical:
        demand = collect(lambda: household_demand(scenario.groups, context, placement))
        warn(demand.warnings if demand is not None else ())
    energy_market = None
    if scenario.energy_value is not None:
        own, market_config = [group.trading for group in scenario.groups], scenario.energy_value
        made_market = collect(lambda: build_energy_market(market_config, own, demand, context))
        if made_market is not None:
            energy_market, doubts = made_market
            warn(doubts)
    designs = [
        collect(lambda n=n, one=one: design(n, one, scenario.groups, scenario.comms, context, trace_of))  # type: ignore[misc]
        for n, one in enumerate(scenario.communities)
    ]
    env = simpy.Environment(initial_time=0)
    addresses = [Address(name, population.group_of(i).name) for i, name in enumerate(population.names)]
    network = collect(lambda: Network(env, scenario.comms, addresses, streams, trace_of))
    _raise_errors(problems)
    assert network is not None
    assert placement is not None
    made = [each for each in designs if each is not None]
    if scenario.energy_value is not None:
        warn(latency_problems(scenario.energy_value.rules, scenario.comms, population, trace_of))
    book = _book(context.time, demand) if demand is not None else None
    equipment = equip(scenario.groups, context, book) if book is not None else None
    problems += [
        *loop_problems(made, context),
        *balance_problems(scenario.communities, equipment, demand, context),
    ]
    return Parts(
        context=context,
        env=env,
        placement=placement,
        membership=present,
        network=network,
        markets=[_market(designed, context, present, equipment, network) for designed in made],
        equipment=equipment,
        meters=None if book is None or equipment is None else Meters(equipment, book, scenario.interval_ms),
        grid=grid,
        energy_market=energy_market,
        fault_events=events or (),
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


def _book(time: TimeAxis, demand: Demand) -> ProfileBook:
    slots = slots_of(time)
    per_interval = time.interval_ms // slots.slot_ms
    ahead = -(-time.step_ms // time.interval_ms)
    return ProfileBook(demand, slots.slot_ms, per_interval, intervals_ahead=ahead)


def _market(
    designed: Design, context: Context, present: Membership, equipment: Equipment | None, network: Network
) -> Market:
    def report(household: int, step: int, delivered: tuple[float, ...], signal_step: int) -> None:
        network.send("uplink", household, PLATFORM, "report", step, Report(delivered, signal_step))

    asks = any(unit.service for unit in designed.config.units)
    households = equipment.households if equipment is not None and asks else None
    return build_market(designed, context, present, households, report)
