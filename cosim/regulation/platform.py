"""The platform's half of the regulation: Algorithm 1 of paper A, one integrator a resource.

It knows aggregates: what was reported to it, or what a meter measured. It never sees a cost or an average.
Like an agent it never waits: it is called when a message arrives and when its tick comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from cosim.grid.measurement import FeederReading
from cosim.regulation.control_laws import INTEGRAL, ControlLaw, limited
from cosim.regulation.controller import next_share
from cosim.regulation.heard_reports import Heard, Missing, Report, Reports, expect, receive
from cosim.regulation.mitigation import UNKNOWN_LOOP, AgainstDelay, AgainstFalseReports, Loop
from cosim.regulation.platform_schema import GridAwareRule
from cosim.regulation.predictor import SentSignals, sent_signals


@dataclass(frozen=True, slots=True)
class PlatformRules:
    """How a platform works.

    Attributes
    ----------
    step_ms : int
        Length of a step; a tick's number is its instant over it.
    gains : tuple of float
        τ of each resource; where it follows the delay, the first.
    measurement : {"reports", "meter"}
        What the aggregate is made from.
    missing : {"hold_last", "zero", "scale"}
        What stands for a report that did not arrive.
    capacities : callable
        The configured capacity of each resource at an instant (ms since the start).
    signal_limits : (float, float)
        Lowest and highest signal.
    grid_aware : tuple of (int, GridAwareRule)
        Resource and rule by which its capacity gives way to the feeder.
    against_delay : AgainstDelay
        What it does against delay.
    against_false_reports : AgainstFalseReports
        How the reports become one aggregate.
    loop : Loop
        As designed.
    control : ControlLaw
        How a signal follows from what was measured.
    """

    step_ms: int
    gains: tuple[float, ...]
    measurement: Literal["reports", "meter"]
    missing: Missing
    capacities: Callable[[int], tuple[float, ...]]
    signal_limits: tuple[float, float] = (-math.inf, math.inf)
    grid_aware: tuple[tuple[int, GridAwareRule], ...] = ()
    against_delay: AgainstDelay = field(default_factory=AgainstDelay)
    against_false_reports: AgainstFalseReports = field(default_factory=AgainstFalseReports)
    loop: Loop = UNKNOWN_LOOP
    control: ControlLaw = INTEGRAL


@dataclass(slots=True)
class PlatformState:
    """What a platform remembers.

    Attributes
    ----------
    signals : tuple of float
        Ω(k) of each resource.
    shares : list of float
        What each grid-aware rule leaves of its capacity, in [0, 1].
    reports : Reports
        What its households told it.
    members : list of int
        Households that take part, in order.
    metered, metered_step
        The newest measurement of the aggregate by a meter, and its number.
    feeder, feeder_step
        A reading of the feeder that has not been used yet, and its number.
    gains : tuple of float
        τ of each resource now.
    delays : list of float
        Measured delay behind each resource's gain, steps; NaN where it is not measured.
    signal_step : int
        Number of the newest signal.
    sent : SentSignals
        The newest signals, by number; kept for a predictor alone.
    told : dict of int to (int, float)
        By resource, the newest capacity that others have set, with the number of that message.
    means : list of sequence of float
        Running means of each household's reports; kept for trimming alone.
    """

    signals: tuple[float, ...]
    shares: list[float]
    reports: Reports
    members: list[int]
    metered: tuple[float, ...]
    gains: tuple[float, ...]
    delays: list[float]
    metered_step: int = -1
    feeder: FeederReading | None = None
    feeder_step: int = -1
    signal_step: int = 0
    sent: SentSignals = field(default_factory=sent_signals)
    told: dict[int, tuple[int, float]] = field(default_factory=dict)
    means: list[Sequence[float]] = field(default_factory=list)


class Tick(NamedTuple):
    """What a tick worked with, for the record."""

    signals: tuple[float, ...]
    capacities: tuple[float, ...]
    measured: tuple[float, ...]


class Platform:
    """One community's platform.

    Parameters
    ----------
    rules : PlatformRules
        How it works.
    state : PlatformState
        What it remembers.
    heard : Heard, optional
        Where its households' reports are kept, if not one by one in its state.
    """

    def __init__(self, rules: PlatformRules, state: PlatformState, heard: Heard | None = None) -> None:
        self.rules = rules
        self.state = state
        self._heard_apart = heard

    @property
    def _heard(self) -> Heard:
        return self.state.reports if self._heard_apart is None else self._heard_apart

    def join(self, household: int, initial: Sequence[float], due_step: int) -> None:
        """A household takes part; until it reports it is taken to do `initial`, its x(0).

        From tick `due_step` on, a report of it that is not there is missing.
        """
        state = self.state
        state.members = sorted({*state.members, household})
        expect(state.reports, household, initial, state.signal_step, due_step)
        if state.means:
            state.means[household] = initial

    def leave(self, household: int) -> None:
        """A household takes part no more."""
        self.state.members = [member for member in self.state.members if member != household]

    def hear_report(self, household: int, step: int, report: Report) -> None:
        """Take a report, unless a fresher one is known."""
        state, aggregate = self.state, self.rules.against_false_reports
        counted = aggregate.counted(report.delivered)
        if counted is not report.delivered:
            report = Report(counted, report.signal_step)
        older = state.reports.newest[household]
        if receive(state.reports, household, step, report) and state.means:
            # It is taken in when a newer one has come: what the means say of a household then does not depend
            # on the reports that are summed, so in a community of equals they leave no bias.
            weight = aggregate.weight
            state.means[household] = tuple(
                mean + weight * (value - mean)
                for mean, value in zip(state.means[household], older, strict=True)
            )

    def hear_meter(self, step: int, means: tuple[float, ...]) -> None:
        """Take a measurement of the aggregate, unless a fresher one is known."""
        if step > self.state.metered_step:
            self.state.metered_step = step
            self.state.metered = means

    def hear_feeder(self, step: int, reading: FeederReading) -> None:
        """Take a reading of the feeder, unless a fresher one is known."""
        if step > self.state.feeder_step:
            self.state.feeder_step = step
            self.state.feeder = reading

    def hear_capacity(self, number: int, resource: int, units: float) -> None:
        """Take a capacity that others set, unless a fresher one is known."""
        known = self.state.told.get(resource)
        if known is None or number > known[0]:
            self.state.told[resource] = (number, units)

    def tick(self, now_ms: int) -> Tick:
        """Ω(k+1) from Ω(k) and what was measured of x(k): paper A (19), (21), for each resource."""
        state, rules = self.state, self.rules
        capacities = self._capacities(now_ms)
        measured = self._measure()
        tick = Tick(state.signals, capacities, measured)
        step = now_ms // rules.step_ms
        measured = rules.against_delay.corrected(
            measured, step, state, rules.loop, self._answered, rules.missing
        )
        low, high = rules.signal_limits
        updated = map(rules.control.next_signal, state.signals, state.gains, measured, capacities)
        state.signals = tuple([limited(signal, low, high) for signal in updated])
        state.signal_step = step + 1
        self._heard.open_window(step + 1)
        return tick

    def idle(self, now_ms: int) -> Tick:
        """What a tick would have had to work with while the platform is down: nothing was measured."""
        capacities = tuple(self._set_capacities(now_ms))
        return Tick(self.state.signals, capacities, (math.nan,) * len(capacities))

    def _measure(self) -> tuple[float, ...]:
        state, rules = self.state, self.rules
        if not state.members:  # nobody there to answer: the integrator stands still
            return (math.nan,) * len(rules.gains)
        if rules.measurement == "meter":
            return state.metered
        aggregate = rules.against_false_reports
        return tuple(aggregate.sums(self._heard, state.members, state.means, len(rules.gains), rules.missing))

    def _answered(self) -> list[int]:
        """Numbers of the signals that the reports answer which the aggregate is made from."""
        return self._heard.answered(self.state.members, self.rules.missing)

    def _capacities(self, now_ms: int) -> tuple[float, ...]:
        """The configured capacities, less what grid-aware rules take; a feeder's reading is used once."""
        state, capacities = self.state, self._set_capacities(now_ms)
        for number, (resource, rule) in enumerate(self.rules.grid_aware):
            state.shares[number] = next_share(state.shares[number], rule, state.feeder)
            capacities[resource] *= state.shares[number]
        state.feeder = None
        return tuple(capacities)

    def _set_capacities(self, now_ms: int) -> list[float]:
        """The configured capacities, and in their place what others have set."""
        capacities = list(self.rules.capacities(now_ms))
        for resource, (_, units) in self.state.told.items():
            capacities[resource] = units
        return capacities
