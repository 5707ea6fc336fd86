"""The platform's half of the regulation market: Algorithm 1 of paper A, one integrator a resource.

It knows aggregates: what was reported to it, or what a meter measured. It never sees a cost or an average.
Like an agent it never waits: it is called when a message arrives and when its tick comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from cosim.config.platform import GridAwareRule
from cosim.markets.regulation.controller import (
    FeederReading,
    Reports,
    measure,
    next_share,
    open_window,
    receive,
    update,
)

Missing = Literal["hold_last", "zero", "scale"]


@dataclass(frozen=True, slots=True)
class PlatformRules:
    """How a platform works.

    Attributes
    ----------
    gains : tuple of float
        τ of each resource.
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
    """

    gains: tuple[float, ...]
    measurement: Literal["reports", "meter"]
    missing: Missing
    capacities: Callable[[int], tuple[float, ...]]
    signal_limits: tuple[float, float] = (-math.inf, math.inf)
    grid_aware: tuple[tuple[int, GridAwareRule], ...] = ()


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
    """

    signals: tuple[float, ...]
    shares: list[float]
    reports: Reports
    members: list[int]
    metered: tuple[float, ...]
    metered_step: int = -1
    feeder: FeederReading | None = None
    feeder_step: int = -1


class Tick(NamedTuple):
    """What a tick worked with, for the record."""

    signals: tuple[float, ...]
    capacities: tuple[float, ...]
    measured: tuple[float, ...]


class Platform:
    """One community's platform."""

    def __init__(self, rules: PlatformRules, state: PlatformState) -> None:
        self.rules = rules
        self.state = state

    def join(self, household: int, initial: Sequence[float]) -> None:
        """A household takes part; until it reports it is taken to do `initial`, its x(0)."""
        state = self.state
        state.members = sorted({*state.members, household})
        state.reports.newest[household] = initial

    def leave(self, household: int) -> None:
        """A household takes part no more."""
        self.state.members = [member for member in self.state.members if member != household]

    def hear_report(self, household: int, step: int, delivered: Sequence[float]) -> None:
        """Take a report, unless a fresher one is known."""
        receive(self.state.reports, household, step, delivered)

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

    def tick(self, now_ms: int) -> Tick:
        """Ω(k+1) from Ω(k) and what was measured of x(k): paper A (19), (21), for each resource."""
        state, rules = self.state, self.rules
        capacities = self._capacities(now_ms)
        measured = self._measure()
        tick = Tick(state.signals, capacities, measured)
        low, high = rules.signal_limits
        updated = map(update, state.signals, rules.gains, measured, capacities)
        state.signals = tuple(min(max(signal, low), high) for signal in updated)
        open_window(state.reports)
        return tick

    def idle(self, now_ms: int) -> Tick:
        """What a tick would have had to work with while the platform is down: nothing was measured."""
        capacities = self.rules.capacities(now_ms)
        return Tick(self.state.signals, capacities, (math.nan,) * len(capacities))

    def _measure(self) -> tuple[float, ...]:
        state, rules = self.state, self.rules
        if not state.members:  # nobody there to answer: the integrator stands still
            return (math.nan,) * len(rules.gains)
        if rules.measurement == "meter":
            return state.metered
        return tuple(measure(state.reports, state.members, len(rules.gains), rules.missing))

    def _capacities(self, now_ms: int) -> tuple[float, ...]:
        """The configured capacities, less what grid-aware rules take; a feeder's reading is used once."""
        state, capacities = self.state, list(self.rules.capacities(now_ms))
        for number, (resource, rule) in enumerate(self.rules.grid_aware):
            state.shares[number] = next_share(state.shares[number], rule, state.feeder)
            capacities[resource] *= state.shares[number]
        state.feeder = None
        return tuple(capacities)
