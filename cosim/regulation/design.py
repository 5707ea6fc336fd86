"""A community's controller, worked out before anything runs: costs, gains, first signals, loop delay."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.comms.latency import TraceReader
from cosim.comms.schema import CommsConfig, Direction, resolve
from cosim.config.household_values import household_values
from cosim.config.parameters import drawn
from cosim.config.values import AnyValue
from cosim.core.context import Context, TimeAxis
from cosim.core.errors import InputError, Problem
from cosim.core.numbers import COMMUNITY, Number, Summary, declared
from cosim.core.population import Group, Population
from cosim.regulation.agent_schema import GivenPhase, UniformPhase
from cosim.regulation.community_costs import Costs
from cosim.regulation.cost_schedule import CostSchedule, GroupCost, schedule
from cosim.regulation.costs import Cost
from cosim.regulation.gain_schema import GainMargin
from cosim.regulation.group_schema import Grouped
from cosim.regulation.loop_delay import heard_after, loop_delay_steps
from cosim.regulation.mitigation import Loop
from cosim.regulation.mitigations import AgainstDelay
from cosim.regulation.operating_point import OperatingPoint, operating_point
from cosim.regulation.policies import Policy
from cosim.regulation.responses import Responses, require_numbers, require_one_unit
from cosim.regulation.schema import (
    CommunityConfig,
    capacities_over,
    gains,
    initial_signals,
)
from cosim.regulation.stability import gain_for_product

LOOP_DELAY = "{community}_loop_delay_steps"
GAIN_OVER_LIMIT = "{community}_{resource}_gain_over_limit"
_DESIGN = "the design of the loop, before the run"
NUMBERS = (
    *declared(COMMUNITY, _DESIGN,
        Number(LOOP_DELAY, "loop delay", "steps",
            "mean delay d between a signal and the measurement of its effect, as designed"),
        Number("{community}_{resource}_gain_signal_per_unit", "gain", "signal/unit",
            "gain τ of the integral control"),
        Number("{community}_{resource}_loop_gain_units_per_signal", "loop gain", "units/signal",
            "slope G of the aggregate over the signal, at the operating point", least=-math.inf),
        Number(GAIN_OVER_LIMIT, "gain over stability limit", "",
            "τG over the largest for which the loop is stable with these delays; 0 where there is no limit"),
    ),
)  # fmt: skip

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """What a community's controller is made from, before anything runs.

    Attributes
    ----------
    config : CommunityConfig
        As configured.
    members : ndarray of int, shape (n,)
        Numbers of its households.
    costs : Costs
        Their costs at the start.
    schedule : CostSchedule
        Their costs over the run.
    responses : Responses
        Their policies.
    mean_capacities : ndarray, shape (m,)
        C of each resource, mean over the ticks.
    at_mean : OperatingPoint
        Where the policies settle at the mean capacities, with the costs of the start.
    at_later : tuple of OperatingPoint
        The same with each of the other costs.
    loop_gains : tuple of float
        G of each resource there.
    delays_steps : ndarray, shape (n,)
        d of each household, as its latencies and phase make it.
    heard_after : ndarray of int, shape (n,)
        Ticks from the one that a step begins with to the one at which what each did in it is measured.
    gains, signals : tuple of float
        τ and Ω(0) of each resource.
    phases_ms : ndarray of int, shape (n,)
        When within a step each decides.
    up_ms : ndarray, shape (n,)
        Mean latency from each to the platform, ms.
    initial_averages : tuple of ndarray
        x̄(0) of each resource, shape (n,) each.
    """

    config: CommunityConfig
    members: NDArray[np.int64]
    costs: Costs
    schedule: CostSchedule
    responses: Responses
    mean_capacities: Array
    at_mean: OperatingPoint
    at_later: tuple[OperatingPoint, ...]
    delays_steps: Array
    heard_after: NDArray[np.int64]
    gains: tuple[float, ...]
    signals: tuple[float, ...]
    phases_ms: NDArray[np.int64]
    up_ms: Array
    initial_averages: tuple[Array, ...]

    @property
    def stable_products(self) -> tuple[float, ...]:
        """Largest stable τG of each resource, at the mean delay."""
        mitigation = self.config.platform.against(AgainstDelay)
        return tuple(
            mitigation.stable_product(resource, loop_gain, self.delay_steps)
            for resource, loop_gain in enumerate(self.loop_gains)
        )

    @property
    def loop_gains(self) -> tuple[float, ...]:
        """G of each resource at the mean capacities; the largest, where costs change."""
        return _largest_loop_gains((self.at_mean, *self.at_later))

    @property
    def delay_steps(self) -> float:
        """Mean d of its households."""
        return float(np.mean(self.delays_steps))

    @property
    def loop(self) -> Loop:
        """What a mitigation of delay begins with."""
        margins = (gain if isinstance(gain, GainMargin) else None for gain in gains(self.config))
        return Loop(self.loop_gains, self.delay_steps, tuple(margins))

    def loop_numbers(self) -> Summary:
        """The loop as designed: its delay, its gains, and their share of the limit for these very delays."""
        name = self.config.name
        if self.config.platform.control.is_event:
            return {f"{name}_loop_delay_steps": self.delay_steps}
        mitigation = self.config.platform.against(AgainstDelay)
        limits = [
            mitigation.stable_product_of_all(resource, loop_gain, self.delays_steps)
            for resource, loop_gain in enumerate(self.loop_gains)
        ]
        result: Summary = {f"{name}_loop_delay_steps": self.delay_steps}
        for resource, gain, loop_gain, limit in zip(
            self.config.resources, self.gains, self.loop_gains, limits, strict=True
        ):
            prefix = f"{name}_{resource.name}"
            result[f"{prefix}_gain_signal_per_unit"] = gain
            result[f"{prefix}_loop_gain_units_per_signal"] = loop_gain
            result[f"{prefix}_gain_over_limit"] = gain * loop_gain / limit if math.isfinite(limit) else 0.0
        return result


def design(
    number: int,
    config: CommunityConfig,
    regulated: Sequence[Grouped],
    comms: CommsConfig,
    context: Context,
    read_trace: TraceReader,
) -> Design:
    """Work out the controller of a community.

    Parameters
    ----------
    number : int
        Of the community, for messages.
    config : CommunityConfig
        The community.
    regulated : sequence of Grouped
        Cost and policy of each group's households.
    comms : CommsConfig
        The links that signals and reports travel over.
    context : Context
        The run.
    read_trace : callable
        Reads files of measured latencies.

    Raises
    ------
    InputError
        If a cost does not suit the resources, a capacity has no solution, or a gain cannot be derived.
    """
    step_ms = context.time.step_ms
    groups = context.population.named(config.groups)
    members = np.concatenate([np.arange(group.first, group.last) for group in groups])
    costs_over_time = _costs(config, regulated, context)
    (_, costs), *later = costs_over_time.different()
    responses = _responses(config, regulated, context, number, [costs, *(each for _, each in later)])
    phases = _phases(config, context, number)
    capacities_at = capacity_reader(config, context.time)
    mean = _mean_capacities(config, context.time)
    at_mean, *at_later = (operating_point(responses, each, mean) for each in (costs, *(c for _, c in later)))
    down_ms, up_ms, meter_ms = _mean_latencies_ms(comms, context.population, members, read_trace)
    delays = loop_delay_steps(config.platform, step_ms, phases, down_ms, up_ms, meter_ms)
    signals = _initial_signals(config, responses, costs, np.array(capacities_at(0)))
    return Design(
        config=config,
        members=members,
        costs=costs,
        schedule=costs_over_time,
        responses=responses,
        mean_capacities=mean,
        at_mean=at_mean,
        at_later=tuple(at_later),
        delays_steps=delays,
        heard_after=heard_after(config.platform, step_ms, phases, up_ms, meter_ms),
        gains=_gains(config, _largest_loop_gains((at_mean, *at_later)), float(np.mean(delays)), number),
        signals=signals,
        phases_ms=phases,
        up_ms=up_ms,
        initial_averages=_initial_averages(config, context, number),
    )


def capacity_reader(config: CommunityConfig, time: TimeAxis) -> Callable[[int], tuple[float, ...]]:
    """The configured capacities as a function of time (ms since the start)."""
    ahead: dict[int, tuple[float, ...]] = {}

    def read(now_ms: int) -> tuple[float, ...]:
        if now_ms not in ahead:
            if now_ms % time.step_ms:
                return capacities_at_times(config, np.array([now_ms]), time)[0]
            ahead.clear()
            end_ms = min(now_ms + _STEPS_AHEAD * time.step_ms, time.duration_ms)
            times_ms = np.arange(now_ms, max(end_ms, now_ms + 1), time.step_ms)
            ahead.update(zip(times_ms.tolist(), capacities_at_times(config, times_ms, time), strict=True))
        return ahead[now_ms]

    return read


_STEPS_AHEAD = 96
"""Steps whose capacities are looked up together."""


def capacities_at_times(
    config: CommunityConfig, times_ms: NDArray[np.int64], time: TimeAxis
) -> list[tuple[float, ...]]:
    """The configured capacities at many instants."""
    each = (capacities_over(resource.capacity, times_ms, time.start) for resource in config.resources)
    return list(zip(*(values.tolist() for values in each), strict=True))


_TICKS_AT_ONCE = 2**20
"""Ticks whose capacities are held together: a run may have a hundred times as many."""


def _mean_capacities(config: CommunityConfig, time: TimeAxis) -> Array:
    """Mean of each capacity over all ticks of the run."""
    ticks = time.steps
    total = np.zeros(len(config.resources))
    for first in range(0, len(ticks), _TICKS_AT_ONCE):
        part = ticks[first : first + _TICKS_AT_ONCE]
        now_ms = np.arange(part.start, part.stop, part.step, dtype=np.int64)
        each = [capacities_over(resource.capacity, now_ms, time.start) for resource in config.resources]
        total = total + np.column_stack(each).sum(axis=0)
    return total / len(ticks)


def per_member(config: CommunityConfig, context: Context, purpose: str, value: object) -> Array:
    """A parameter of a community's households, in their order."""
    population = context.population
    parts = [
        household_values(context.streams, purpose, value, group, population.size)  # type: ignore[arg-type]
        for group in population.named(config.groups)
    ]
    return np.concatenate(parts)


def _costs(config: CommunityConfig, regulated: Sequence[Grouped], context: Context) -> CostSchedule:
    time = context.time
    groups = [
        _group_cost(group, regulated[group.number].cost, context)
        for group in context.population.named(config.groups)
    ]
    return schedule(groups, len(config.resources), time.duration_ms, time.start)


def _group_cost(group: Group, configured: Cost | None, context: Context) -> GroupCost:
    assert configured is not None  # the check of the scenario sees to it

    def draw(key: str, value: AnyValue) -> Array:
        return household_values(context.streams, f"cost.{key}", value, group, context.population.size)

    return GroupCost(
        configured, group.last - group.first, lambda cost: drawn(cost, draw), f"groups.{group.number}.cost"
    )


def _responses(
    config: CommunityConfig,
    regulated: Sequence[Grouped],
    context: Context,
    number: int,
    costs: Sequence[Costs],
) -> Responses:
    """Each group's own policy, or else the community's."""
    policies: list[Policy] = []
    paths: list[str] = []
    sizes: list[int] = []
    everyone = np.ones((len(config.resources), costs[0].n_households))
    slopes = [
        each.gradients(list(average * everyone))[0]
        for each in costs
        for average in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    for group in context.population.named(config.groups):
        own = regulated[group.number].policy

        def draw(key: str, value: AnyValue, group: Group = group) -> Array:
            return household_values(context.streams, f"policy.{key}", value, group, context.population.size)

        policies.append(drawn(config.agent.policy if own is None else own, draw))
        paths.append(f"communities.{number}.agent.policy" if own is None else f"groups.{group.number}.policy")
        first, n = sum(sizes), group.last - group.first
        sizes.append(n)
        require_numbers(policies[-1], [slope[first : first + n] for slope in slopes], paths[-1])
    require_one_unit(policies, paths)
    return Responses.of_groups(policies, sizes)


def _phases(config: CommunityConfig, context: Context, number: int) -> NDArray[np.int64]:
    phase, step_ms, population = config.agent.phase, context.time.step_ms, context.population
    members = [member for group in population.named(config.groups) for member in group.members]
    if isinstance(phase, UniformPhase):
        uniforms = context.streams.field("household/phase").row(0, population.size)
        return np.floor(uniforms[members] * step_ms).astype(np.int64)
    if isinstance(phase, GivenPhase):
        given = np.round(per_member(config, context, "phase_ms", phase.phase_ms))
        if given.max() >= step_ms:
            message = f"a phase of {given.max():g} ms is not within a step of {step_ms} ms"
            path = f"communities.{number}.agent.phase.phase_ms"
            raise InputError([Problem(message, "Give phases below the length of a step.", path)])
        return given.astype(np.int64)
    return np.zeros(len(members), np.int64)


def _initial_averages(config: CommunityConfig, context: Context, number: int) -> tuple[Array, ...]:
    given = config.agent.initial_average
    n_resources = len(config.resources)
    if given is None:
        given = float(config.agent.initial_decision)
    each = given if isinstance(given, tuple) else (given,) * n_resources
    if len(each) != n_resources:
        message = f"{len(each)} initial averages for {n_resources} resources"
        path = f"communities.{number}.agent.initial_average"
        raise InputError([Problem(message, "Give one value, or one for each resource.", path)])
    return tuple(per_member(config, context, f"initial_average.{r}", value) for r, value in enumerate(each))


def _initial_signals(
    config: CommunityConfig, responses: Responses, costs: Costs, capacities: Array
) -> tuple[float, ...]:
    if config.platform.control.is_event:
        return (0.0,) * len(config.resources)
    configured = initial_signals(config)
    if "gradient" not in configured:
        return tuple(float(signal) for signal in configured)
    settled = operating_point(responses, costs, capacities).signals
    return tuple(
        float(settled[r]) if signal == "gradient" else float(signal) for r, signal in enumerate(configured)
    )


def _largest_loop_gains(points: Sequence[OperatingPoint]) -> tuple[float, ...]:
    return tuple(float(max(each)) for each in zip(*(point.loop_gains for point in points), strict=True))


def _gains(
    config: CommunityConfig, loop_gains: Sequence[float], delay: float, number: int
) -> tuple[float, ...]:
    result = []
    mitigation = config.platform.against(AgainstDelay)
    for resource, gain in enumerate(gains(config)):
        if not isinstance(gain, GainMargin):
            result.append(float(gain))
            continue
        loop_gain = loop_gains[resource]
        steps = delay if isinstance(gain.delay_steps, str) else gain.delay_steps
        try:
            limit = mitigation.stable_product(resource, loop_gain, steps)
            result.append(gain_for_product(gain.margin * limit, loop_gain))
        except InputError as error:
            path = f"communities.{number}.platform.gain"
            name = config.resources[resource].name
            raise InputError(
                [Problem(f"'{name}': {p.message}", p.remedy, path, value=p.value) for p in error.problems]
            ) from None
    return tuple(result)


def _mean_latencies_ms(
    comms: CommsConfig, population: Population, members: NDArray[np.int64], read_trace: TraceReader
) -> tuple[Array, Array, float]:
    """Mean latencies to each member, from each, and of the meter's link."""
    means: dict[tuple[Direction, str | None, str | None], float] = {}
    by_latency: dict[object, float] = {}
    named = {override.household for override in comms.overrides}

    def mean_ms(direction: Direction, group: str | None, name: str | None) -> float:
        link = (direction, group, name)
        if link not in means:
            latency = resolve(comms, *link).latency
            if latency not in by_latency:
                by_latency[latency] = latency.distribution(read_trace).mean_ms
            means[link] = by_latency[latency]
        return means[link]

    is_named = np.array([population.names[member] in named for member in members.tolist()], dtype=bool)

    def of_members(direction: Direction) -> Array:
        result = np.empty(len(members))
        for group in population.groups:  # households that no override names have the links of their group
            there = ~is_named & (members >= group.first) & (members < group.last)
            if there.any():
                result[there] = mean_ms(direction, group.name, None)
        for place in np.flatnonzero(is_named).tolist():
            member = int(members[place])
            result[place] = mean_ms(direction, population.group_of(member).name, population.names[member])
        return result

    return of_members("downlink"), of_members("uplink"), mean_ms("meter", None, None)
