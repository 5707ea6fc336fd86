"""When an agent wakes: its own phase, and a clock that drifts, jitters or is disturbed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cosim.core.streams import RowCache


@dataclass(frozen=True, slots=True)
class Clock:
    """When an agent wakes."""

    step_ms: int
    phase_ms: int
    """Length of a step, and the household's place in it."""
    slowness: float = 1.0
    """Real over nominal time since the start: 1 + drift * 1e-6."""
    jitter_ms: float = 0.0
    jitter: RowCache | None = None
    """Uniform numbers that make each wake-up late by up to `jitter_ms`."""

    def wake_ms(self, step: int, household: int) -> int:
        """The instant of decision number `step`, ms since the start."""
        nominal = step * self.step_ms + self.phase_ms
        if self.slowness == 1.0 and self.jitter is None:
            return nominal
        late = 0.0 if self.jitter is None else self.jitter_ms * self.jitter.value(step, household)
        return round(nominal * self.slowness + late)

    def first_step(self, now_ms: int) -> int:
        """The first step whose instant of decision, but for jitter, is not before `now_ms`."""
        return max(0, math.ceil((now_ms / self.slowness - self.phase_ms) / self.step_ms))


@dataclass(frozen=True, slots=True)
class DisturbedClock(Clock):
    """A clock that is wrong from an instant on, besides what it always was."""

    since_ms: int = 0
    """From when on."""
    offset_ms: float = 0.0
    drift: float = 0.0
    """It is late by this, and by this share of the time since then."""
    extra_jitter_ms: float = 0.0
    """Each wake-up is late by up to this, too."""
    extra_jitter: RowCache | None = None
    """Uniform numbers for that."""

    def wake_ms(self, step: int, household: int) -> int:
        """The instant of decision number `step`, ms since the start."""
        right_ms = Clock.wake_ms(self, step, household)
        late_ms = self.offset_ms + self.drift * (right_ms - self.since_ms)
        if self.extra_jitter is not None:
            late_ms += self.extra_jitter_ms * self.extra_jitter.value(step, household)
        return right_ms + round(late_ms)
