"""A household's half of the regulation: Algorithm 2 of paper A, asynchronous.

The agent is called when it wakes and when a signal arrives; it never waits. What it must remember is in
`AgentState`, from which its next wake-up follows.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, cast

from cosim.core.delivery import Deliverer, Unit
from cosim.core.errors import SimulationError
from cosim.core.message import Message
from cosim.regulation.agent_clock import Clock
from cosim.regulation.agent_state import AgentState
from cosim.regulation.aggregate import ActiveSum
from cosim.regulation.averages import Average, window_mean
from cosim.regulation.costs import Cost
from cosim.regulation.costs.polynomial import CostParameters
from cosim.regulation.decisions.interface import Decision, Known
from cosim.regulation.policies import Policy

DecisionLog: TypeAlias = "array[float]"
"""Decisions one after another as plain numbers, each in the order of `log_width`.

step, time (ms), household, number and age (ms) of the signal it knew; then, each for all resources:
requested, delivered, average, gradient, response. Whole numbers below 2**53 are exact as floats.
"""


def log_width(n_resources: int) -> int:
    """How many numbers a decision takes in a `DecisionLog`."""
    return 5 + 5 * n_resources


class Slopes(NamedTuple):
    """A household's cost as its gradient needs it: what does not change from step to step, worked out once.

    Doubling is exact, so the gradient has the bits of `CostParameters.gradients`.
    """

    linear: float
    target: float
    double_quadratic: float
    fourfold_quartic: float
    """l, T, 2q and 4Q."""
    own: tuple[tuple[float, float, float], ...]
    """α_r T, 2p_r and 4P_r of each resource."""


def prepare(cost: CostParameters) -> Slopes:
    """The terms of the gradient of one household's cost, given as floats."""
    own = zip(cost.alpha, cost.own_quadratic, cost.own_quartic, strict=True)
    return Slopes(
        cost.linear,
        cost.target,
        2.0 * cost.quadratic,
        4.0 * cost.quartic,
        tuple((alpha * cost.target, 2.0 * quadratic, 4.0 * quartic) for alpha, quadratic, quartic in own),
    )


@dataclass(frozen=True, slots=True)
class Rules:
    """What all agents of a community have in common."""

    average: Average
    """How x̄ takes one more outcome in (17)."""
    draws: Mapping[int, Sequence[tuple[float, ...]]]
    """By step: for each household, a uniform number for each resource."""
    units: Sequence[Unit]
    """What a unit of each resource is."""
    report_at_end: bool
    """Report a step when it ends, or when it is decided."""
    silent_after_ms: float = math.inf
    """Age of the newest signal from which on nothing is decided by it."""
    silent_request: int = 0
    """What is asked for then."""
    decision: Decision | None = None
    """How it decides; None for whole units that are drawn."""


class Agent:
    """One household in its community.

    Parameters
    ----------
    household : int
        Its number.
    cost : Cost or CostParameters
        Private; of floats.
    policy : Policy
        Its response; of floats.
    rules : Rules
        The community's.
    clock : Clock
        When it wakes.
    state : AgentState
        What it remembers.
    device : Deliverer or None
        What carries out its decisions; without one, everything requested is delivered.
    total : ActiveSum
        The community's sum, which its deliveries change.
    report : callable
        Sends (household, step, delivered, number of the signal answered) to the platform.
    log : DecisionLog or None
        Where decisions are written down.
    """

    __slots__ = (
        "clock", "cost", "device", "household", "log", "policy", "report", "response", "rules", "slopes",
        "state", "total",
    )  # fmt: skip

    def __init__(
        self,
        household: int,
        cost: Cost | CostParameters,
        policy: Policy,
        rules: Rules,
        clock: Clock,
        state: AgentState,
        device: Deliverer | None,
        total: ActiveSum,
        report: Callable[[int, int, tuple[float, ...], int], None],
        log: DecisionLog | None,
    ) -> None:
        self.household = household
        self.take_cost(cost)
        self.policy = policy
        self.response = policy.response
        self.rules = rules
        self.clock = clock
        self.state = state
        self.device = device
        self.total = total
        self.report = report
        self.log = log

    def take_cost(self, cost: Cost | CostParameters) -> None:
        """Have this private cost from now on."""
        self.cost = cost
        self.slopes = prepare(cost) if isinstance(cost, CostParameters) else None

    def hear(self, message: Message[Sequence[float]]) -> None:
        """Take a signal that has arrived, unless a fresher one is known."""
        state = self.state
        if message.sequence > state.signal_step and state.active and not (state.is_down or state.is_deaf):
            state.signal_step = message.sequence
            state.signal_sent_ms = message.sent_ms
            state.signals = message.payload

    def wake(self, now_ms: int) -> None:
        """End step k and account for it; decide, deliver and report step k+1 (Algorithm 2, lines 5 to 9)."""
        state, rules, household = self.state, self.rules, self.household
        if state.is_down:
            self._let_pass(now_ms)
            return
        k, before = state.step, state.delivered
        if state.taken:
            self._take_into_averages()
        if rules.report_at_end:
            self.report(household, k, tuple(before), state.answered)
        requested, gradients, responses = self._decide(k + 1)
        if state.fixed_request is not None:
            requested = [state.fixed_request] * len(requested)
        elif now_ms - state.signal_sent_ms >= rules.silent_after_ms:
            requested = [rules.silent_request] * len(requested)
        delivered: Sequence[float] = requested
        if self.device is not None:
            delivered = self.device.deliver(requested, rules.units, now_ms, self.clock.step_ms)
        if delivered != before:
            self._change(now_ms, delivered)
        if self.log is not None:
            self.log.extend(
                (
                    k + 1, now_ms, household, state.signal_step, now_ms - state.signal_sent_ms,
                    *requested, *delivered, *state.averages, *gradients, *responses,
                )
            )  # fmt: skip
        state.step = k + 1
        state.taken += 1
        state.answered = state.signal_step
        if not rules.report_at_end:
            self.report(household, k + 1, tuple(delivered), state.answered)

    def leave(self, now_ms: int) -> None:
        """Stop taking part: nothing is delivered any more."""
        self._deliver_nothing(now_ms)
        self.state.active = False
        if self.device is not None:
            self.device.regulate(self.rules.units, now_ms, False)

    def _let_pass(self, now_ms: int) -> None:
        """A step ends and another passes while the controller is down: nothing is decided or reported.

        The averages take what was delivered, which is nothing after the step in which it went down.
        """
        state = self.state
        if state.taken:
            self._take_into_averages()
        self._deliver_nothing(now_ms)
        state.step += 1
        state.taken += 1

    def _deliver_nothing(self, now_ms: int) -> None:
        nothing = [0] * len(self.state.delivered)
        if self.device is not None:
            self.device.deliver(nothing, self.rules.units, now_ms, self.clock.step_ms)
        self._change(now_ms, nothing)

    def _change(self, now_ms: int, delivered: Sequence[float]) -> None:
        """Deliver this from now on."""
        for resource, (old, new) in enumerate(zip(self.state.delivered, delivered, strict=True)):
            if new != old:
                self.total.change(now_ms, resource, new - old)
        self.state.delivered = delivered

    def _take_into_averages(self) -> None:
        """Paper A (17) for the step that ends."""
        state, update = self.state, self.rules.average.update
        k, window = state.taken - 1, self.rules.average.window
        if window:
            past = (*(state.past or (tuple(state.averages),)), tuple(state.delivered))[-window:]
            state.past, state.averages = past, window_mean(past)
            return
        state.averages = [
            update(average, value, k) for average, value in zip(state.averages, state.delivered, strict=True)
        ]

    def _refuse(self, wanted: float) -> int:
        """A response that no number is above or below: 0 would be one that nobody decided."""
        by = " and ".join(
            f"{type(part).__module__}.{type(part).__qualname__}" for part in (self.policy, self.cost)
        )
        at = f"of household {self.household + 1} in step {self.state.step + 1}"
        raise SimulationError(f"the response {at} is {wanted}, by {by}")

    def _choose(self, decision: Decision, step: int) -> tuple[list[int], list[float], list[float]]:
        """As `_decide`, by a decision of another kind."""
        state, draws = self.state, self.rules.draws[step][self.household]
        gradients = [float(slope) for slope in self.cost.gradients(state.averages)]
        taken = []
        for resource, (gradient, draw) in enumerate(zip(gradients, draws, strict=True)):
            signal, average = state.signals[resource], state.averages[resource]
            wanted = float(self.response(signal, average, gradient))
            if wanted != wanted:
                self._refuse(wanted)
            before = float(state.delivered[resource])
            taken.append(decision.choose(Known(signal, wanted, average, gradient, before, draw)))
        # Parts of a unit pass no device: the schema sees to it.
        requested = cast("list[int]", [x for x, _ in taken])
        return requested, gradients, [probability for _, probability in taken]

    def _decide_by(self, slopes: Sequence[float], step: int) -> tuple[list[int], list[float], list[float]]:
        """As `_decide`, by gradients of any cost."""
        state, draws = self.state, self.rules.draws[step][self.household]
        gradients = [float(slope) for slope in slopes]
        responses = [
            float(self.response(signal, average, gradient))
            for signal, average, gradient in zip(state.signals, state.averages, gradients, strict=True)
        ]
        requested = [
            1 if draw < wanted else 0 if draw >= wanted else self._refuse(wanted)
            for draw, wanted in zip(draws, responses, strict=True)
        ]
        return requested, gradients, responses

    def _decide(self, step: int) -> tuple[list[int], list[float], list[float]]:
        """Draw x(step): what is wanted of each resource, and the gradients and responses it came from."""
        state, slopes, response = self.state, self.slopes, self.response
        if self.rules.decision is not None:
            return self._choose(self.rules.decision, step)
        if slopes is None:
            return self._decide_by(self.cost.gradients(state.averages), step)
        averages = state.averages
        total = averages[0]
        for average in averages[1:]:
            total += average
        d = total - slopes.target
        shared = slopes.linear + (slopes.double_quadratic + slopes.fourfold_quartic * (d * d)) * d
        requested, gradients, responses = [], [], []
        for signal, average, draw, (own_target, double_own, fourfold_own) in zip(
            state.signals, averages, self.rules.draws[step][self.household], slopes.own, strict=True
        ):
            e = average - own_target
            gradient = shared + (double_own + fourfold_own * (e * e)) * e
            wanted = response(signal, average, gradient)
            gradients.append(gradient)
            responses.append(wanted)
            # A draw in [0, 1) is compared with the unclipped response: clipping would change no decision.
            requested.append(1 if draw < wanted else 0 if draw >= wanted else self._refuse(wanted))
        return requested, gradients, responses
