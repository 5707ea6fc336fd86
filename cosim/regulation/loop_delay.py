"""Steps between a signal and the first signal made from its effect: d of the stability limit."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cosim.regulation.platform_schema import PlatformConfig


def loop_delay_steps(
    platform: PlatformConfig,
    step_ms: int,
    phases_ms: NDArray[np.int64],
    down_ms: NDArray[np.float64],
    up_ms: NDArray[np.float64],
    meter_ms: float,
) -> NDArray[np.float64]:
    """d of each household, at its mean latencies.

    A signal made at tick 0 is used at the household's first decision after it has arrived; that decision is
    reported when it is made or when its step ends; the report counts at the first tick after it has arrived.
    The signal of that tick is the first one made from the effect, and d = 0 would be the tick at step 1.
    Paper A's recursion (no phases, no latency, reports at the step's end) has d = 1.

    A meter's steps are not the household's: what is decided at a phase counts in two readings, in each by its
    share of the time. Then d is the mean, with which the stability limit is on the safe side.

    Parameters
    ----------
    platform : PlatformConfig
        Says what is measured and when households report.
    step_ms : int
        Length of a step, ms.
    phases_ms : ndarray of int, shape (N,)
        When within a step each household decides.
    down_ms, up_ms : ndarray, shape (N,)
        Mean latencies to and from each household, ms.
    meter_ms : float
        Mean latency of the meter's link, ms.

    Returns
    -------
    ndarray, shape (N,)
    """
    since_phase = (down_ms - phases_ms) / step_ms
    # What arrives at the instant of a decision is in time for it; but without latency it comes with the tick,
    # which is after the decisions of its instant.
    decides = np.where(down_ms > 0, np.ceil(since_phase), np.floor(since_phase) + 1) * step_ms + phases_ms
    if platform.measurement == "meter":
        # A meter is read just after the tick at its step's end, so even without latency the next tick has it.
        tick = decides / step_ms + 1 + max(1, np.ceil(meter_ms / step_ms))
    else:
        reported = decides + (step_ms if platform.report == "at_step_end" else 0)
        tick = np.ceil((reported + up_ms) / step_ms)
    return np.asarray(tick - 1, dtype=np.float64)


def heard_after(
    platform: PlatformConfig,
    step_ms: int,
    phases_ms: NDArray[np.int64],
    up_ms: NDArray[np.float64],
    meter_ms: float,
) -> NDArray[np.int64]:
    """How many ticks after the one that a step begins with what each household does in it is measured.

    At its mean latencies. Without phases and latency a report at the step's end comes with the next tick, one
    at the decision with this tick; a meter is read just after the next tick, and comes with the one after it.

    Parameters
    ----------
    platform, step_ms, phases_ms, up_ms, meter_ms
        See `loop_delay_steps`.

    Returns
    -------
    ndarray of int, shape (N,)
    """
    if platform.measurement == "meter":
        return np.full(len(phases_ms), 1 + max(1, math.ceil(meter_ms / step_ms)), np.int64)
    reported_ms = phases_ms + (step_ms if platform.report == "at_step_end" else 0)
    return first_heard_step(reported_ms, up_ms, step_ms)


def first_heard_step(
    wakes_ms: NDArray[np.int64], up_ms: NDArray[np.float64], step_ms: int
) -> NDArray[np.int64]:
    """Number of the first tick at which what households report can have arrived, at their mean latencies.

    Parameters
    ----------
    wakes_ms : ndarray of int, shape (N,)
        When each wakes first, and reports what it does, ms since the start.
    up_ms : ndarray, shape (N,)
        Mean latency from each household, ms.
    step_ms : int
        Length of a step, ms.

    Returns
    -------
    ndarray of int, shape (N,)
    """
    return np.ceil((wakes_ms + up_ms) / step_ms).astype(np.int64)
