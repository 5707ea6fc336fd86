"""What a fault did to a resource's tracking error, and how long until that was over.

The error is what the community did less its capacity, step by step. A fault's effect lasts from its start
until the error is back at its level before: the end of the fault, and then the first step from which on every
`WINDOW` steps in a row have a root mean square within `BAND` times that level. The level before is the root
mean square of the last `LOOK_BACK` steps that no fault touched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WINDOW = 24
"""Steps over which the moving root mean square is taken."""
LOOK_BACK = 96
"""Steps that the level before is taken from; with fewer than `WINDOW` there is none."""
BAND = 1.75
"""The error has recovered where it is within this many times the level before [1]. It must be wide enough for
chance: over 200 quiet steps of 60 households the largest moving root mean square was 1.33 times the level of
the 96 steps before them in the median of 40 runs, and 1.67 times in the worst."""


class FaultEffect(NamedTuple):
    """What a fault did to one resource. NaN where it cannot be told."""

    rmse_before: float
    """Root mean square of the error before, units."""
    worst_deviation: float
    """The error of largest magnitude while the effect lasts, units; positive is too much."""
    recovery_ms: float
    """From the fault's end to the recovery, ms; NaN if there was none before the next fault or the end."""
    excess: float
    """Sum over the steps of the effect of the error's magnitude above its mean before, units times steps."""
    excess_cost: float
    """The same of the cost gap, cost times steps."""


class Span(NamedTuple):
    """When a fault was on, and what lies around it, ms."""

    start_ms: int
    end_ms: int
    """When it was on."""
    quiet_until_ms: int
    """The start of the next fault after it, or the end of the run; its own end if another fault is on
    then."""


def untouched(
    ends_ms: NDArray[np.int64], step_ms: int, windows: Iterable[tuple[int, int]]
) -> NDArray[np.bool_]:
    """Which steps no fault touched.

    Parameters
    ----------
    ends_ms : ndarray of int, shape (n,)
        When each step ended, ms; in order.
    step_ms : int
        Length of a step, ms.
    windows : iterable of (int, int)
        When faults were on, ms.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    starts_ms = ends_ms - step_ms
    quiet = np.ones(len(ends_ms), dtype=np.bool_)
    for begin_ms, end_ms in windows:
        quiet[np.searchsorted(ends_ms, begin_ms, "right") : np.searchsorted(starts_ms, end_ms)] = False
    return quiet


def moving_rms(values: Array, window: int) -> Array:
    """Root mean square of each `window` values in a row, by the first of them; shape (n - window + 1,)."""
    if len(values) < window:
        return np.zeros(0)
    rows = np.lib.stride_tricks.sliding_window_view(values, window)
    return np.asarray(np.sqrt(np.mean(rows * rows, axis=1)))


def first_lasting(within: NDArray[np.bool_]) -> int | None:
    """Position of the first True after which there is no False; None if the last one is False."""
    if len(within) == 0 or not within[-1]:
        return None
    outside = np.flatnonzero(~within)
    return int(outside[-1]) + 1 if len(outside) else 0


def fault_effect(
    ends_ms: NDArray[np.int64],
    step_ms: int,
    error: Array,
    gap: Array,
    quiet: NDArray[np.bool_],
    span: Span,
) -> FaultEffect:
    """Measure a fault's effect on one resource.

    Parameters
    ----------
    ends_ms : ndarray of int, shape (n,)
        When each step ended, ms; equally far apart.
    step_ms : int
        Length of a step, ms.
    error, gap : ndarray, shape (n,)
        Aggregate less capacity of each step, that of the tick it begins with, and the cost gap at its end.
        NaN in `gap` is left out.
    quiet : ndarray of bool, shape (n,)
        Which steps the level before can be taken from, see `untouched`.
    span : Span
        The fault.
    """
    starts_ms = ends_ms - step_ms
    before = np.flatnonzero(quiet & (ends_ms <= span.start_ms))[-LOOK_BACK:]
    if len(before) < WINDOW:
        return FaultEffect(*(math.nan,) * 5)
    level = float(np.sqrt(np.mean(error[before] ** 2)))
    after = np.flatnonzero((starts_ms >= span.end_ms) & (ends_ms <= span.quiet_until_ms))
    recovered = first_lasting(moving_rms(error[after], WINDOW) <= BAND * level)
    over_ms = span.quiet_until_ms if recovered is None else int(starts_ms[after[recovered]])
    during = np.flatnonzero((ends_ms > span.start_ms) & (starts_ms < max(over_ms, span.end_ms)))
    if len(during) == 0:
        return FaultEffect(level, *(math.nan,) * 4)
    return FaultEffect(
        rmse_before=level,
        worst_deviation=float(error[during][np.argmax(np.abs(error[during]))]),
        recovery_ms=math.nan if recovered is None else float(over_ms - span.end_ms),
        excess=_excess(np.abs(error), before, during),
        excess_cost=_excess(gap, before, during),
    )


def _excess(values: Array, before: NDArray[np.int64], during: NDArray[np.int64]) -> float:
    """Sum of `values` during the effect above their mean before."""
    level = float(np.mean(values[before]))
    known = values[during][np.isfinite(values[during])]
    return math.fsum(known - level) if math.isfinite(level) else math.nan
