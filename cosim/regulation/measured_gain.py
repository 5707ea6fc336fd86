"""A gain that follows the loop's delay as it is measured."""

from __future__ import annotations

import math
from collections.abc import Callable

from cosim.config.base import Positive
from cosim.core.filters import weight_of_newest
from cosim.regulation.heard_reports import Missing
from cosim.regulation.measured_delay import followed, observed_delay
from cosim.regulation.mitigation import MITIGATIONS, AgainstDelay, Loop, LoopState
from cosim.regulation.stability import gain_for_margin


@MITIGATIONS.register("measured_gain")
class MeasuredGain(AgainstDelay):
    """Gains that are given as a margin follow the loop's delay, as the platform measures it from the reports.

    Each report names the signal that it answers, so losses and jitter are in the delay. It begins with the
    `delay_steps` of the gain.
    """

    time_constant_steps: Positive = 20.0
    """Memory of the exponential filter behind the measured delay [steps]."""

    def first_delays(self, loop: Loop) -> list[float]:
        """As estimated or given; NaN for a gain that is a number."""
        return [
            math.nan
            if margin is None
            else loop.delay_steps
            if isinstance(margin.delay_steps, str)
            else margin.delay_steps
            for margin in loop.margins
        ]

    def corrected(
        self,
        measured: tuple[float, ...],
        step: int,
        state: LoopState,
        loop: Loop,
        answered: Callable[[], list[int]],
        missing: Missing,
    ) -> tuple[float, ...]:
        """As measured; what changes is the gain with which it is integrated."""
        observed = observed_delay(step, answered())
        weight = weight_of_newest(self.time_constant_steps)
        gains = list(state.gains)
        for resource, margin in enumerate(loop.margins):
            if margin is not None:
                delay = state.delays[resource] = followed(state.delays[resource], observed, weight)
                gains[resource] = gain_for_margin(margin.margin, delay, loop.loop_gains[resource])
        state.gains = tuple(gains)
        return measured
