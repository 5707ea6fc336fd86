"""Everything that can be said against a scenario before it runs: errors, and warnings worth a thought."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cosim.config.check import check_configuration
from cosim.config.library import local_file
from cosim.config.load import LoadedScenario, load_network
from cosim.config.network import JsonSource
from cosim.engine.build import placed, trace_reader
from cosim.engine.design import Design, design
from cosim.engine.early_demand import demand_before_the_run
from cosim.engine.energy_balance import balance_problems
from cosim.engine.energy_build import build_energy_market
from cosim.engine.fault_plan import trace_problems
from cosim.engine.population import Population, build_population
from cosim.engine.trading_latency import latency_problems
from cosim.errors import InputError, Problem, count
from cosim.grid.safe_json import read_document
from cosim.households.profile_book import Demand
from cosim.markets.regulation.costs import assumption_1_violations
from cosim.streams import Streams

_NAMED = 5


def preflight(loaded: LoadedScenario) -> list[Problem]:
    """Errors and warnings of a scenario.

    Neither pandapower nor matplotlib is loaded; what only the grid's data can tell is found when the run is
    built.
    """
    problems = check_configuration(loaded)
    if any(problem.severity == "error" for problem in problems):
        return problems
    problems += _network_document(loaded)
    if problems and problems[-1].severity == "error":
        return problems
    scenario = loaded.scenario
    problems += [placed(problem, loaded) for problem in trace_problems(scenario, loaded.folder)]
    streams, population = Streams(scenario.seed), build_population(scenario)
    for number in range(len(scenario.communities)):
        try:
            made = design(number, scenario, population, streams, trace_reader(loaded.folder))
        except InputError as error:
            problems += [placed(problem, loaded) for problem in error.problems]
            continue
        problems += [
            *_assumption_1(loaded, number, made, population.names),
            *_stability(loaded, number, made),
        ]
    demand, wrong_profiles = demand_before_the_run(loaded, population, streams)
    problems += _energy_value(loaded, population, demand, streams)
    problems += wrong_profiles
    problems += balance_problems(loaded, population, streams, demand)
    return list(dict.fromkeys(problems))


def _energy_value(
    loaded: LoadedScenario, population: Population, demand: Demand | None, streams: Streams
) -> list[Problem]:
    """What is wrong with prices, bids, contracted powers, and the time that messages have."""
    scenario, folder = loaded.scenario, loaded.folder
    if scenario.energy_value is None:
        return []
    try:
        _, problems = build_energy_market(scenario, folder, population, demand, streams)
    except InputError as error:
        problems = list(error.problems)
    problems += latency_problems(scenario, population, trace_reader(folder))
    return [placed(problem, loaded) for problem in problems]


def _network_document(loaded: LoadedScenario) -> list[Problem]:
    """What is wrong with the grid's JSON file, where it has one; the file is only looked at as data."""
    grid = loaded.scenario.grid
    if grid is None:
        return []
    network, folder = load_network(grid.network, loaded.folder)
    if not isinstance(network.source, JsonSource):
        return []
    try:
        read_document(local_file(folder, network.source.file))
    except InputError as error:
        return [
            p if p.file else loaded.problem("grid.network", p.message, p.remedy, p.value)
            for p in error.problems
        ]
    return []


def _assumption_1(
    loaded: LoadedScenario, number: int, made: Design, names: tuple[str, ...]
) -> Iterator[Problem]:
    violations = assumption_1_violations(made.costs, [resource.name for resource in made.config.resources])
    guilty = [(names[int(m)], text) for m, text in zip(made.members, violations, strict=True) if text]
    if not guilty:
        return
    listed = ", ".join(name for name, _ in guilty[:_NAMED])
    more = f" and {len(guilty) - _NAMED} more" if len(guilty) > _NAMED else ""
    who = f"{count(len(guilty), 'household')}: {listed}{more}"
    message = f"Assumption 1 of paper A fails on (0, 1] for {who}; {guilty[0][1]}"
    remedy = "Such a household can be locked out by a policy that multiplies; raise the cost's linear part."
    yield loaded.problem(f"communities.{number}.groups", message, remedy, warning=True)


def _stability(loaded: LoadedScenario, number: int, made: Design) -> Iterator[Problem]:
    for resource, gain, loop_gain, limit in zip(
        made.config.resources, made.gains, made.loop_gains, made.stable_products, strict=True
    ):
        if not loop_gain > 0:
            continue
        margin = gain * loop_gain / limit
        if margin >= 1:
            message = (
                f"the gain {gain:.4g} of '{resource.name}' is {margin:.2f} times the largest stable one "
                f"(loop gain {loop_gain:.4g}, delay {np.ceil(made.delay_steps):g} steps): "
                "the aggregate will oscillate"
            )
            remedy = f"Take at most {gain / margin:.4g}, or `gain: {{margin: 0.3}}`."
            yield loaded.problem(f"communities.{number}.platform.gain", message, remedy, warning=True)
