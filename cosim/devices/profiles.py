"""Piecewise constant series on a regular grid of time: resampling and reactive power."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def resample_mean(values: Array, source_ms: int, target_ms: int) -> Array:
    """Time-weighted means over a new grid of time that starts at the same instant.

    Parameters
    ----------
    values : ndarray, shape (n, ...)
        Values that hold for `source_ms` each.
    source_ms, target_ms : int
        Lengths of the old and of the new slots, ms.

    Returns
    -------
    ndarray, shape (floor(n * source_ms / target_ms), ...)
        The mean over each new slot; exact, so energy is conserved.
    """
    if source_ms == target_ms:
        return values
    n_target = len(values) * source_ms // target_ms
    common = math.gcd(source_ms, target_ms)
    fine = np.repeat(values, source_ms // common, axis=0)
    per_slot = target_ms // common
    means: Array = fine[: n_target * per_slot].reshape(n_target, per_slot, *values.shape[1:]).mean(axis=1)
    return means


def reactive_power(p_kw: Array | float, power_factor: float) -> Array | float:
    """Reactive power that goes with `p_kw` at an inductive `power_factor`, kvar; the sign follows `p_kw`."""
    return p_kw * math.tan(math.acos(power_factor))
