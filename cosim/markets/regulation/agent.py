"""A household's half of the regulation market: Algorithm 2 of paper A, asynchronous.

The agent is called when it wakes and when a signal arrives; it never waits. What it must remember is in
`AgentState`, from which its next wake-up follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cosim.markets.regulation.aggregate import ActiveSum
from cosim.markets.regulation.averages import Average
from cosim.markets.regulation.costs import CostParameters, gradients
from cosim.markets.regulation.policies import Policy
from cosim.streams import RowCache


class Device(Protocol):
    """What carries out a decision."""

    def deliver(
        self, requested: Sequence[int], units_kwh: Sequence[float], now_ms: int, step_ms: int
    ) -> list[int]:
        """What of the requested units will be delivered over the coming step."""


Decision = tuple[int, int, int, list[int], list[int], list[float], tuple[float, ...], list[float], int, int]
"""step, time_ms, household, requested, delivered, averages, gradients, responses, signal step, signal age."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When an agent wakes.

    Attributes
    ----------
    step_ms, phase_ms : int
        Length of a step, and the household's place in it.
    slowness : float
        Real over nominal time since the start: 1 + drift * 1e-6.
    jitter : RowCache or None
        Uniform numbers that make each wake-up late by up to `jitter_ms`.
    """

    step_ms: int
    phase_ms: int
    slowness: float = 1.0
    jitter_ms: float = 0.0
    jitter: RowCache | None = None

    def wake_ms(self, step: int, household: int) -> int:
        """The instant of decision number `step`, ms since the start."""
        nominal = step * self.step_ms + self.phase_ms
        if self.slowness == 1.0 and self.jitter is None:
            return nominal
        late = 0.0 if self.jitter is None else self.jitter_ms * self.jitter.value(step, household)
        return round(nominal * self.slowness + late)


@dataclass(slots=True)
class AgentState:
    """What an agent remembers.

    Attributes
    ----------
    step : int
        Number of the next decision instant k; the decision made there is x(k+1).
    taken : int
        Decisions made since it joined; the k of the averages (17).
    signals : list of float
        The freshest signal of each resource.
    signal_step, signal_sent_ms : int
        Its number and when it was sent.
    averages : list of float
        x̄ of each resource, over what was delivered.
    delivered : list of int
        What is being delivered in the step that is on.
    active : bool
        Whether it takes part.
    """

    step: int
    taken: int
    signals: list[float]
    signal_step: int
    signal_sent_ms: int
    averages: list[float]
    delivered: list[int]
    active: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """What all agents of a community have in common.

    Attributes
    ----------
    policy : Policy
        The response (20), (22) or additive.
    average : Average
        How x̄ takes one more outcome in (17).
    draws : sequence of RowCache
        Uniform numbers of each resource: row = step, column = household.
    units_kwh : sequence of float
        What a unit of each resource takes from a battery, kWh.
    report_at_end : bool
        Report a step when it ends, or when it is decided.
    """

    policy: Policy
    average: Average
    draws: Sequence[RowCache]
    units_kwh: Sequence[float]
    report_at_end: bool


class Agent:
    """One household in its community.

    Parameters
    ----------
    household : int
        Its number.
    cost : CostParameters
        Private; of floats.
    rules : Rules
        The community's.
    clock : Clock
        When it wakes.
    state : AgentState
        What it remembers.
    device : Device or None
        What carries out its decisions; without one, everything requested is delivered.
    total : ActiveSum
        The community's sum, which its deliveries change.
    report : callable
        Sends (step, delivered) to the platform.
    log : list
        Where decisions are written down.
    """

    __slots__ = ("clock", "cost", "device", "household", "log", "report", "rules", "state", "total")

    def __init__(
        self,
        household: int,
        cost: CostParameters,
        rules: Rules,
        clock: Clock,
        state: AgentState,
        device: Device | None,
        total: ActiveSum,
        report: Callable[[int, int, tuple[int, ...]], None],
        log: list[Decision],
    ) -> None:
        self.household = household
        self.cost = cost
        self.rules = rules
        self.clock = clock
        self.state = state
        self.device = device
        self.total = total
        self.report = report
        self.log = log

    def hear(self, signal_step: int, sent_ms: int, signals: Sequence[float]) -> None:
        """Take a signal that has arrived, unless a fresher one is known."""
        state = self.state
        if signal_step > state.signal_step:
            state.signal_step = signal_step
            state.signal_sent_ms = sent_ms
            state.signals = list(signals)

    def wake(self, now_ms: int) -> None:
        """End step k: account for it; then decide, deliver and report step k+1 (Algorithm 2, lines 5 to 9)."""
        state, rules = self.state, self.rules
        self._end_step(now_ms)
        k = state.step
        requested, gradients, responses = self._draw(k + 1)
        delivered = (
            requested
            if self.device is None
            else self.device.deliver(requested, rules.units_kwh, now_ms, self.clock.step_ms)
        )
        for resource, (old, new) in enumerate(zip(state.delivered, delivered, strict=True)):
            if new != old:
                self.total.change(now_ms, resource, new - old)
        age_ms = now_ms - state.signal_sent_ms if state.signal_step else now_ms
        entry = (k + 1, now_ms, self.household, requested, delivered, state.averages, gradients, responses)
        self.log.append((*entry, state.signal_step, age_ms))
        state.delivered = delivered
        state.step = k + 1
        state.taken += 1
        if not rules.report_at_end:
            self.report(self.household, k + 1, tuple(delivered))

    def leave(self, now_ms: int) -> None:
        """Stop taking part: nothing is delivered any more."""
        for resource, value in enumerate(self.state.delivered):
            self.total.change(now_ms, resource, -value)
        self.state.delivered = [0] * len(self.state.delivered)
        self.state.active = False

    def _end_step(self, now_ms: int) -> None:
        state = self.state
        if state.taken:
            update, k = self.rules.average.update, state.taken - 1
            state.averages = [
                update(average, value, k)
                for average, value in zip(state.averages, state.delivered, strict=True)
            ]
        if self.rules.report_at_end:
            self.report(self.household, state.step, tuple(state.delivered))

    def _draw(self, step: int) -> tuple[list[int], tuple[float, ...], list[float]]:
        state, rules, household = self.state, self.rules, self.household
        slopes = gradients(self.cost, state.averages)
        response = rules.policy.response
        responses = [
            response(signal, average, slope)
            for signal, average, slope in zip(state.signals, state.averages, slopes, strict=True)
        ]
        # A draw in [0, 1) is compared with the unclipped response: clipping would change no decision.
        requested = [
            1 if draws.value(step, household) < wanted else 0
            for draws, wanted in zip(rules.draws, responses, strict=True)
        ]
        return requested, slopes, responses
