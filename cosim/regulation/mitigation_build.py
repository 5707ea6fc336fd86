"""A platform's mitigations: from their configuration to what the platform works with, and their numbers."""

from __future__ import annotations

import math

from cosim.core.filters import weight_of_newest
from cosim.core.numbers import COMMUNITY, Number, Summary, declared
from cosim.regulation.design import Design
from cosim.regulation.mitigations import MeasuredMargin, Mitigations, Predictor
from cosim.regulation.platform import PlatformState
from cosim.regulation.platform_schema import GainMargin
from cosim.regulation.schema import gains

_STATE = "what the platform knows at the end"
NUMBERS = (
    *declared(COMMUNITY, _STATE,
        Number("{community}_{resource}_measured_loop_delay_end_steps", "measured loop delay", "steps",
            "the platform's estimate of the loop's delay; only where it measures it"),
        Number("{community}_{resource}_gain_end", "gain at the end", "signal/unit",
            "gain τ; only where it follows the measured delay"),
    ),
)  # fmt: skip


def platform_mitigations(designed: Design) -> Mitigations:
    """What the configuration of a community asks for."""
    return Mitigations(
        margins=_margins(designed),
        predictor=_predictor(designed),
        aggregate=designed.config.platform.aggregate,
    )


def first_delays(designed: Design) -> list[float]:
    """The estimate that each measured delay begins with; NaN where none is measured."""
    return [designed.delay_steps if _is_measured(gain) else math.nan for gain in gains(designed.config)]


def mitigation_numbers(designed: Design, state: PlatformState) -> Summary:
    """For ``summary.json``: delay and gain at the end, of resources whose gain follows the measured delay."""
    result: Summary = {}
    for resource, delay, gain in zip(designed.config.resources, state.delays, state.gains, strict=True):
        if not math.isnan(delay):
            prefix = f"{designed.config.name}_{resource.name}"
            result[f"{prefix}_measured_loop_delay_end_steps"] = delay
            result[f"{prefix}_gain_end"] = gain
    return result


def _is_measured(gain: object) -> bool:
    return isinstance(gain, GainMargin) and gain.delay_steps == "measured"


def _margins(designed: Design) -> tuple[MeasuredMargin | None, ...]:
    configured = gains(designed.config)
    if not any(map(_is_measured, configured)):
        return ()
    return tuple(
        MeasuredMargin(gain.margin, loop_gain, weight_of_newest(gain.time_constant_steps))
        if isinstance(gain, GainMargin) and _is_measured(gain)
        else None
        for gain, loop_gain in zip(configured, designed.loop_gains, strict=True)
    )


def _predictor(designed: Design) -> Predictor | None:
    config = designed.config.platform.delay_compensation
    if config is None:
        return None
    slope = designed.loop_gains if config.slope is None else config.slope
    slopes = slope if isinstance(slope, tuple) else (slope,) * len(designed.loop_gains)
    match config.delay_steps:
        case "measured":
            return Predictor(slopes, None)
        case "estimated":
            return Predictor(slopes, designed.delay_steps)
        case given:
            return Predictor(slopes, float(given))
