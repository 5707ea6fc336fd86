"""One community, built: its costs, its controller, its agents, and what is written down of it."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.comms.draws import Rows
from cosim.comms.latency import TraceReader, build_latency
from cosim.config.comms import Direction, resolve
from cosim.config.regulation import (
    CommunityConfig,
    GainMargin,
    GivenPhase,
    Outage,
    UniformPhase,
    gains,
    initial_signals,
)
from cosim.config.scenario import Scenario
from cosim.engine.loop_delay import loop_delay_steps
from cosim.engine.population import Membership, Population, household_values
from cosim.errors import InputError, Problem
from cosim.households.home import Home
from cosim.markets.regulation.agent import Agent, AgentState, Clock, DecisionLog, Rules
from cosim.markets.regulation.aggregate import ActiveSum
from cosim.markets.regulation.averages import build_average
from cosim.markets.regulation.controller import capacity_at, initial_reports
from cosim.markets.regulation.costs import CostParameters, build_costs, concatenate, household
from cosim.markets.regulation.platform import Platform, PlatformRules, PlatformState
from cosim.markets.regulation.policies import OperatingPoint, Policy, build_policy, operating_point
from cosim.markets.regulation.stability import gain_for_margin
from cosim.streams import RowCache, Streams

Array = NDArray[np.float64]

_ROWS_KEPT = 64
"""Rows of draws that are held: households whose clocks drift are at different steps."""


@dataclass(frozen=True)
class Design:
    """What a community's controller is made from, before anything runs.

    Attributes
    ----------
    config : CommunityConfig
        As configured.
    members : ndarray of int, shape (n,)
        Numbers of its households.
    costs : CostParameters
        Their costs, arrays of shape (n,).
    policy : Policy
        Their response.
    at_mean : OperatingPoint
        Where the policy settles at the mean capacities.
    loop_gains : tuple of float
        G of each resource there.
    delay_steps : float
        Mean d of its households.
    gains, signals : tuple of float
        τ and Ω(0) of each resource.
    phases_ms : ndarray of int, shape (n,)
        When within a step each decides.
    initial_averages : tuple of ndarray
        x̄(0) of each resource, shape (n,) each.
    """

    config: CommunityConfig
    members: NDArray[np.int64]
    costs: CostParameters
    policy: Policy
    at_mean: OperatingPoint
    delay_steps: float
    gains: tuple[float, ...]
    signals: tuple[float, ...]
    phases_ms: NDArray[np.int64]
    initial_averages: tuple[Array, ...]

    @property
    def loop_gains(self) -> tuple[float, ...]:
        """G of each resource at the mean capacities."""
        return tuple(float(gain) for gain in self.at_mean.loop_gains)


def design(
    number: int, scenario: Scenario, population: Population, streams: Streams, read_trace: TraceReader
) -> Design:
    """Work out the controller of community `number`.

    Raises
    ------
    InputError
        If a cost does not suit the resources, a capacity has no solution, or a gain cannot be derived.
    """
    config = scenario.communities[number]
    groups = [group for group in population.groups if group.community == number]
    members = np.concatenate([np.arange(group.first, group.last) for group in groups])
    costs = _costs(config, population, streams, number)
    policy = build_policy(config.agent.policy, config.agent.kappa)
    phases = _phases(config, scenario.time.step_ms, population, streams, number)
    capacities_at = capacity_reader(config, scenario)
    mean = np.mean([capacities_at(t) for t in tick_times(scenario)], axis=0)
    at_mean = operating_point(policy, costs, mean)
    delay = float(np.mean(_delays(config, scenario, population, members, phases, read_trace)))
    signals = _initial_signals(config, policy, costs, np.array(capacities_at(0)))
    return Design(
        config=config,
        members=members,
        costs=costs,
        policy=policy,
        at_mean=at_mean,
        delay_steps=delay,
        gains=_gains(config, at_mean, delay, number),
        signals=signals,
        phases_ms=phases,
        initial_averages=_initial_averages(config, population, streams, number),
    )


def tick_times(scenario: Scenario) -> range:
    """Instants of the platform's ticks, ms since the start."""
    return range(0, scenario.time.duration_ms, scenario.time.step_ms)


def capacity_reader(config: CommunityConfig, scenario: Scenario) -> Callable[[int], tuple[float, ...]]:
    """The configured capacities as a function of time (ms since the start)."""
    start = scenario.time.start
    since_midnight = (start - start.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    start_of_day_ms = round(since_midnight * 1000) % MS_PER_DAY
    resources = config.resources

    def read(now_ms: int) -> tuple[float, ...]:
        return tuple(capacity_at(resource.capacity, now_ms, start_of_day_ms) for resource in resources)

    return read


def is_down(outages: tuple[Outage, ...], now_ms: int) -> bool:
    """Whether the platform is down at an instant; an outage covers its start and not its end."""
    hour = now_ms / MS_PER_HOUR
    return any(outage.start_h <= hour < outage.start_h + outage.duration_h for outage in outages)


@dataclass
class Market:
    """A community while it runs.

    Attributes
    ----------
    design : Design
        What it was made from.
    platform : Platform
        Its controller.
    agents : dict of int to Agent
        Its households by number, in the order of `design.members`.
    total : ActiveSum
        What they deliver in sum.
    log : DecisionLog or None
        Decisions not yet written; None where they are not recorded.
    active : ndarray of bool, shape (n,)
        Who takes part now, in the order of `design.members`.
    position : dict of int to int
        Place of a household in `design.members`.
    outages : tuple of Outage
        Times in which its platform is down.
    """

    design: Design
    platform: Platform
    agents: dict[int, Agent]
    total: ActiveSum
    log: DecisionLog | None
    active: NDArray[np.bool_]
    position: dict[int, int]
    outages: tuple[Outage, ...]


def build_market(
    number: int,
    designed: Design,
    scenario: Scenario,
    population: Population,
    present: Membership,
    homes: list[Home] | None,
    streams: Streams,
    report: Callable[[int, int, tuple[int, ...]], None],
) -> Market:
    """The community's platform and agents in their initial state.

    Parameters
    ----------
    number : int
        Of the community.
    designed : Design
        Its controller.
    present : Membership
        When its households take part.
    homes : list of Home or None
        What carries out decisions; None where no resource concerns a battery.
    report : callable
        Sends (household, step, delivered) to the platform.
    """
    config, members = designed.config, designed.members
    n_resources = len(config.resources)
    initial = (config.agent.initial_decision,) * n_resources
    there = [int(member) for member in members if present.joins_ms[member] == 0]
    total = ActiveSum([config.agent.initial_decision * len(there)] * n_resources)
    log = array("d") if scenario.record.decisions else None
    rules = Rules(
        policy=designed.policy,
        average=build_average(config.agent.averages),
        draws=_decision_draws(config, streams, population.size),
        units_kwh=[resource.unit_kwh for resource in config.resources],
        report_at_end=config.platform.report == "at_step_end",
    )
    clocks = _clocks(designed, scenario, population, streams, number)
    agents = {}
    for position, member in enumerate(members.tolist()):
        averages = [float(average[position]) for average in designed.initial_averages]
        agents[member] = Agent(
            household=member,
            cost=household(designed.costs, position),
            rules=rules,
            clock=clocks[position],
            state=AgentState(0, 0, designed.signals, 0, 0, averages, list(initial)),
            device=None if homes is None else homes[member],
            total=total,
            report=report,
            log=log,
        )
    platform = _platform(designed, scenario, population.size, there)
    active = np.isin(members, there)
    return Market(
        design=designed,
        platform=platform,
        agents=agents,
        total=total,
        log=log,
        active=active,
        position={member: position for position, member in enumerate(members.tolist())},
        outages=config.platform.outages,
    )


def _decision_draws(config: CommunityConfig, streams: Streams, n_households: int) -> Rows[tuple[float, ...]]:
    """The uniform numbers of all decisions, by step: for each household one for each resource."""
    fields = [streams.field(f"decision/{config.name}/{resource.name}") for resource in config.resources]

    def make(step: int) -> list[tuple[float, ...]]:
        return list(zip(*(field.row(step, n_households).tolist() for field in fields), strict=True))

    return Rows(make, _ROWS_KEPT)


def _platform(designed: Design, scenario: Scenario, n_households: int, members: list[int]) -> Platform:
    config = designed.config
    initial = (float(config.agent.initial_decision),) * len(config.resources)
    names = [resource.name for resource in config.resources]
    rules = PlatformRules(
        gains=designed.gains,
        measurement=config.platform.measurement,
        missing=config.platform.missing,
        capacities=capacity_reader(config, scenario),
        grid_aware=tuple((names.index(rule.resource), rule) for rule in config.platform.grid_aware),
    )
    state = PlatformState(
        signals=designed.signals,
        shares=[1.0] * len(rules.grid_aware),
        reports=initial_reports(n_households, initial),
        members=sorted(members),
        metered=tuple(value * len(members) for value in initial),
    )
    return Platform(rules, state)


def _costs(config: CommunityConfig, population: Population, streams: Streams, number: int) -> CostParameters:
    parts = []
    for group in population.groups:
        if group.community != number:
            continue
        assert group.config.cost is not None  # the check of the scenario sees to it

        def uniforms(name: str, first: int = group.first, last: int = group.last) -> Array:
            return streams.field(f"household/cost.{name}").row(0, population.size)[first:last]

        n = group.last - group.first
        parts.append(build_costs(group.config.cost, len(config.resources), n, uniforms))
    return concatenate(parts)


def _per_member(population: Population, streams: Streams, number: int, purpose: str, value: object) -> Array:
    parts = [
        household_values(streams, purpose, value, group, population.size)  # type: ignore[arg-type]
        for group in population.groups
        if group.community == number
    ]
    return np.concatenate(parts)


def _phases(
    config: CommunityConfig, step_ms: int, population: Population, streams: Streams, number: int
) -> NDArray[np.int64]:
    phase = config.agent.phase
    n = sum(group.last - group.first for group in population.groups if group.community == number)
    if isinstance(phase, UniformPhase):
        uniforms = streams.field("household/phase").row(0, population.size)
        members = [m for group in population.groups if group.community == number for m in group.members]
        return np.floor(uniforms[members] * step_ms).astype(np.int64)
    if isinstance(phase, GivenPhase):
        given = np.round(_per_member(population, streams, number, "phase_ms", phase.phase_ms))
        if given.max() >= step_ms:
            message = f"a phase of {given.max():g} ms is not within a step of {step_ms} ms"
            path = f"communities.{number}.agent.phase.phase_ms"
            raise InputError([Problem(message, "Give phases below the length of a step.", path)])
        return given.astype(np.int64)
    return np.zeros(n, np.int64)


def _clocks(
    designed: Design, scenario: Scenario, population: Population, streams: Streams, number: int
) -> list[Clock]:
    agent = designed.config.agent
    drift = _per_member(population, streams, number, "drift_ppm", agent.drift_ppm)
    jitter = RowCache(streams.field("jitter"), population.size) if agent.jitter_ms else None
    return [
        Clock(scenario.time.step_ms, int(phase), 1.0 + float(ppm) * 1e-6, agent.jitter_ms, jitter)
        for phase, ppm in zip(designed.phases_ms, drift, strict=True)
    ]


def _initial_averages(
    config: CommunityConfig, population: Population, streams: Streams, number: int
) -> tuple[Array, ...]:
    given = config.agent.initial_average
    n_resources = len(config.resources)
    if given is None:
        given = float(config.agent.initial_decision)
    each = given if isinstance(given, tuple) else (given,) * n_resources
    if len(each) != n_resources:
        message = f"{len(each)} initial averages for {n_resources} resources"
        path = f"communities.{number}.agent.initial_average"
        raise InputError([Problem(message, "Give one value, or one for each resource.", path)])
    return tuple(
        _per_member(population, streams, number, f"initial_average.{r}", value)
        for r, value in enumerate(each)
    )


def _initial_signals(
    config: CommunityConfig, policy: Policy, costs: CostParameters, capacities: Array
) -> tuple[float, ...]:
    configured = initial_signals(config)
    if "gradient" not in configured:
        return tuple(float(signal) for signal in configured)
    settled = operating_point(policy, costs, capacities).signals
    return tuple(
        float(settled[r]) if signal == "gradient" else float(signal) for r, signal in enumerate(configured)
    )


def _gains(config: CommunityConfig, at_mean: OperatingPoint, delay: float, number: int) -> tuple[float, ...]:
    result = []
    for resource, gain in enumerate(gains(config)):
        if not isinstance(gain, GainMargin):
            result.append(float(gain))
            continue
        steps = delay if gain.delay_steps is None else gain.delay_steps
        try:
            result.append(gain_for_margin(gain.margin, steps, float(at_mean.loop_gains[resource])))
        except InputError as error:
            path = f"communities.{number}.platform.gain"
            raise InputError(
                [Problem(p.message, p.remedy, path, value=p.value) for p in error.problems]
            ) from None
    return tuple(result)


def _delays(
    config: CommunityConfig,
    scenario: Scenario,
    population: Population,
    members: NDArray[np.int64],
    phases: NDArray[np.int64],
    read_trace: TraceReader,
) -> Array:
    means: dict[object, float] = {}

    def mean_ms(direction: Direction, group: str | None, name: str | None) -> float:
        latency = resolve(scenario.comms, direction, group, name).latency
        if latency not in means:
            means[latency] = build_latency(latency, read_trace).mean_ms
        return means[latency]

    groups = [population.group_of(int(member)).config.name for member in members]
    names = [population.names[int(member)] for member in members]
    down = np.array([mean_ms("downlink", g, n) for g, n in zip(groups, names, strict=True)])
    up = np.array([mean_ms("uplink", g, n) for g, n in zip(groups, names, strict=True)])
    meter = mean_ms("meter", None, None)
    return loop_delay_steps(config.platform, scenario.time.step_ms, phases, down, up, meter)
