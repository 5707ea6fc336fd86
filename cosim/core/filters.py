"""Exponential filters."""

from __future__ import annotations

import math


def weight_of_newest(time_constant_steps: float) -> float:
    """w = 1 − exp(−1/T): after T steps, a step's weight has fallen to 1/e."""
    return -math.expm1(-1.0 / time_constant_steps)
