"""Delay compensation by O. J. M. Smith's predictor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Field, Tag

from cosim.config.base import NonNegative, Parts, Positive
from cosim.config.per_resource import one_or_list
from cosim.regulation.gain_schema import number_or_word
from cosim.regulation.heard_reports import Missing
from cosim.regulation.mitigation import MITIGATIONS, AgainstDelay, Loop, LoopState
from cosim.regulation.predictor import still_to_come, weights_of_delay, weights_of_reports
from cosim.regulation.predictor_stability import predictor_stability_limit


@MITIGATIONS.register("smith")
class SmithPredictor(AgainstDelay):
    """What the reports do not yet show of signals sent is added (O. J. M. Smith, 1957).

    The platform knows how the aggregate answers a signal (the slope G) and how late. It integrates measured +
    G (Ω(k) − Ω(answered)), which is what the reports would say if they answered the signal in force. Where
    the model is right the loop has the stability limit of one without delay. The aggregate itself remains as
    late as it was.
    """

    delay_steps: Annotated[
        Annotated[NonNegative, Tag("number")] | Annotated[Literal["estimated", "measured"], Tag("word")],
        Discriminator(number_or_word),
    ] = "measured"
    """The delay in the model. With `measured` each report's own signal is taken, so that jitter and losses
    are in it; a number, or `estimated` from phases and mean latencies before the run, is one delay for all
    [steps]."""
    slope: (
        Annotated[
            Annotated[Positive, Tag("all_resources")]
            | Annotated[Parts[Positive], Field(min_length=1), Tag("each_resource")],
            Discriminator(one_or_list),
        ]
        | None
    ) = None
    """The slope in the model, one value or a list with one for each resource; by default the loop gain G from
    theory, as for the gain [units per signal]."""

    each_resource: ClassVar[tuple[str, ...]] = ("slope",)

    @property
    def needs_reports(self) -> bool:
        """Where it measures the delay."""
        return self.delay_steps == "measured"

    def stable_product(self, resource: int, loop_gain: float, delay_steps: float) -> float:
        """With this model; where it measures the delay it is taken to have it right."""
        model_delay = delay_steps if isinstance(self.delay_steps, str) else self.delay_steps
        slope = self.slope[resource] if isinstance(self.slope, tuple) else self.slope
        slope_ratio = 1.0 if slope is None or not loop_gain > 0 else slope / loop_gain
        return predictor_stability_limit(delay_steps, model_delay, slope_ratio)

    def stable_product_of_all(
        self, resource: int, loop_gain: float, delays_steps: NDArray[np.float64]
    ) -> float:
        """At their mean."""
        return self.stable_product(resource, loop_gain, float(np.mean(delays_steps)))

    def corrected(
        self,
        measured: tuple[float, ...],
        step: int,
        state: LoopState,
        loop: Loop,
        answered: Callable[[], list[int]],
        missing: Missing,
    ) -> tuple[float, ...]:
        """With what the model says is still to come of it."""
        # Its number is that of the step, but for a platform that was down: what it sent last is in force.
        state.sent.append((state.signal_step, state.signals))
        if self.delay_steps == "measured":
            signals = answered()
            n_households = len(signals) if missing == "scale" else len(state.members)
            weights = weights_of_reports(step, signals, n_households)
        else:
            delay = loop.delay_steps if isinstance(self.delay_steps, str) else self.delay_steps
            weights = weights_of_delay(step, float(delay))
        slope = loop.loop_gains if self.slope is None else self.slope
        slopes = slope if isinstance(slope, tuple) else (slope,) * len(measured)
        to_come = still_to_come(state.signals, state.sent, weights, slopes)
        return tuple(value + more for value, more in zip(measured, to_come, strict=True))
