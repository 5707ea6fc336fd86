"""The largest stable product of gain and loop gain, with what a platform does about its loop's delay."""

from __future__ import annotations

from cosim.regulation.platform_schema import PlatformConfig
from cosim.regulation.predictor_stability import predictor_stability_limit
from cosim.regulation.stability import stability_limit


def stable_product(platform: PlatformConfig, resource: int, loop_gain: float, delay_steps: float) -> float:
    """Largest stable τG of one resource.

    Parameters
    ----------
    platform : PlatformConfig
        Says whether a predictor makes up for the delay, and with what model.
    resource : int
        Position of the resource.
    loop_gain : float
        G.
    delay_steps : float
        d, as estimated or given; a predictor that measures the delay is taken to have it right.
    """
    predictor = platform.delay_compensation
    if predictor is None:
        return stability_limit(delay_steps)
    model_delay = delay_steps if isinstance(predictor.delay_steps, str) else predictor.delay_steps
    slope = predictor.slope[resource] if isinstance(predictor.slope, tuple) else predictor.slope
    slope_ratio = 1.0 if slope is None or not loop_gain > 0 else slope / loop_gain
    return predictor_stability_limit(delay_steps, model_delay, slope_ratio)
