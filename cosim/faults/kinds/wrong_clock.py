"""Households' clocks are wrong for a time.

The next wake-up is set already when a clock goes wrong, or right again; those after it follow the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Self

from pydantic import model_validator

from cosim.config.base import DriftPpm, Milliseconds, SignedMilliseconds
from cosim.core.clock import MS_PER_HOUR, to_ms
from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.core.streams import RowCache
from cosim.faults.kinds.interface import FAULTS, LAST_HOLDS, FaultEvent, HouseholdFault, LastingEffect
from cosim.faults.kinds.reach import Reach, Surroundings
from cosim.regulation.agent_clock import Clock, DisturbedClock

_WHOLE_STEPS = "A clock that is off by whole steps shows in the numbers of the reports; give a smaller value."


class WrongClocks(LastingEffect):
    """A clock is as wrong as the fault that began last makes it."""

    def __init__(self, reach: Reach, events: Sequence[FaultEvent]) -> None:
        super().__init__()
        self._agents = reach.agents()
        self._context = reach.context
        self._right: dict[int, Clock] = {household: agent.clock for household, agent in self._agents.items()}
        self._jitter: dict[str, RowCache] = {}

    def apply(self, member: int, active: Sequence[FaultEvent]) -> None:
        """The clock goes wrong, or right again."""
        clock = self._right[member]
        if active:
            fault = active[-1].fault
            assert isinstance(fault, ClockFault)
            clock = DisturbedClock(
                clock.step_ms,
                clock.phase_ms,
                clock.slowness,
                clock.jitter_ms,
                clock.jitter,
                since_ms=active[-1].start_ms,
                offset_ms=fault.offset_ms,
                drift=fault.drift_ppm * 1e-6,
                extra_jitter_ms=fault.jitter_ms,
                extra_jitter=self._jitter_of(active[-1].name) if fault.jitter_ms else None,
            )
        self._agents[member].clock = clock

    def _jitter_of(self, name: str) -> RowCache:
        if name not in self._jitter:
            field = self._context.streams.field(f"fault/{name}/jitter")
            self._jitter[name] = RowCache(field, self._context.population.size)
        return self._jitter[name]


@FAULTS.register("clock")
class ClockFault(HouseholdFault):
    """Households' clocks are wrong; they are right again when it ends."""

    title: ClassVar = "error of clocks"
    effect: ClassVar = WrongClocks
    needs_community: ClassVar = True
    of_agents: ClassVar = True
    together: ClassVar = LAST_HOLDS

    offset_ms: SignedMilliseconds = 0.0
    """They wake this much later; negative is earlier [ms]. Less than a step."""
    drift_ppm: DriftPpm = 0.0
    """Their clocks lose this much from the fault's start on; negative gains. Together with offset and jitter
    it stays below a step to the fault's end [millionths of the elapsed time]."""
    jitter_ms: Milliseconds = 0.0
    """Each wake-up is late by a new uniform time between 0 and this [ms]."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.offset_ms or self.drift_ppm or self.jitter_ms):
            raise ValueError("this changes nothing; give offset_ms, drift_ppm or jitter_ms")
        return self

    def problems(self, around: Surroundings, context: Context) -> Iterator[Problem]:
        """Clocks that are off by a whole step: once right again, steps would be caught up or waited for."""
        yield from super().problems(around, context)
        step_ms, end_ms = context.time.step_ms, context.time.duration_ms
        if abs(self.offset_ms) >= step_ms:
            message = f"the clock is off by a whole step ({step_ms} ms) or more"
            yield Problem(message, _WHOLE_STEPS, "offset_ms", value=f"{self.offset_ms:g}")
            return
        if self.mean_duration_h is not None:
            lasts_ms, at = to_ms(self.mean_duration_h, MS_PER_HOUR), "at the end of its mean length"
        else:
            within = [
                (start, min(stop, end_ms)) for start, stop in self.given_windows(end_ms) if start < end_ms
            ]
            lasts_ms, at = max((stop - start for start, stop in within), default=0), "at the fault's end"
        # What a household's own clock jitters comes on top.
        jitter_ms = self.jitter_ms + max((one.agent.jitter_ms for one in around.communities), default=0.0)
        drifted_ms = self.offset_ms + self.drift_ppm * 1e-6 * lasts_ms
        # Jitter makes late and never early.
        most_ms = max(abs(drifted_ms), abs(max(self.offset_ms, drifted_ms) + jitter_ms))
        if most_ms >= step_ms:
            key = "drift_ppm" if abs(drifted_ms) >= step_ms else "jitter_ms"
            message = f"the clock can be off by {most_ms:.0f} ms {at}, and a step is {step_ms} ms"
            yield Problem(message, _WHOLE_STEPS, key, value=f"{getattr(self, key):g}")
