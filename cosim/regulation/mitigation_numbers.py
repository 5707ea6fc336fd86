"""What a platform knows of its loop at the end of a run, for its summary."""

from __future__ import annotations

import math

from cosim.core.numbers import COMMUNITY, Number, Summary, declared
from cosim.regulation.design import Design
from cosim.regulation.platform import PlatformState

_STATE = "what the platform knows at the end"
NUMBERS = (
    *declared(COMMUNITY, _STATE,
        Number("{community}_{resource}_measured_loop_delay_end_steps", "measured loop delay", "steps",
            "the platform's estimate of the loop's delay; only where it measures it"),
        Number("{community}_{resource}_gain_end", "gain at the end", "signal/unit",
            "gain τ; only where it follows the measured delay"),
    ),
)  # fmt: skip


def mitigation_numbers(designed: Design, state: PlatformState) -> Summary:
    """For ``summary.json``: delay and gain at the end, of resources whose gain follows the measured delay."""
    result: Summary = {}
    for resource, delay, gain in zip(designed.config.resources, state.delays, state.gains, strict=True):
        if not math.isnan(delay):
            prefix = f"{designed.config.name}_{resource.name}"
            result[f"{prefix}_measured_loop_delay_end_steps"] = delay
            result[f"{prefix}_gain_end"] = gain
    return result
