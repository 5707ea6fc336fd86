"""The largest stable gain with a Smith predictor whose model may be wrong."""

from __future__ import annotations

import cmath
import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem

_SCANNED_ANGLES = 400_000
"""Angles that a search may look at: about a second."""
_AT_ONCE = 4096
"""Angles that are held in memory at a time."""


def predictor_stability_limit(
    delay_steps: float, model_delay_steps: float, slope_ratio: float = 1.0
) -> float:
    """Largest stable product τG with a Smith predictor whose model may be wrong.

    With z the loop's characteristic equation is z − 1 + τG (D(z) + ρ (1 − M(z))) = 0, where D(z) = z^−d, M(z)
    = z^−d̂ and ρ = Ĝ/G. A root reaches the unit circle at some z = exp(iθ) where τG comes out real; the
    smallest positive of these is the limit. A right model (d̂ = d, ρ = 1) has 2 whatever d, and ρ = 0 has
    `stability_limit`.

    Parameters
    ----------
    delay_steps : float
        d; between two whole numbers, the mixture of both that has it as its mean.
    model_delay_steps : float
        d̂, in the same way.
    slope_ratio : float
        ρ, the model's slope over the aggregate's.

    Returns
    -------
    float
        The limit; with delays of many thousands of steps that differ, the bound on the stable side that a
        search of a second has come to. Infinite where no gain makes the loop swing.

    Raises
    ------
    InputError
        If a delay is negative or not finite, or the ratio is.
    """
    if not all(math.isfinite(one) and one >= 0 for one in (delay_steps, model_delay_steps, slope_ratio)):
        given = f"{delay_steps:g}, {model_delay_steps:g} steps; slope ratio {slope_ratio:g}"
        message = "delays in steps and the ratio of slopes are finite numbers, 0 or more"
        raise InputError([Problem(message, "Change the delay or the slope of the predictor", value=given)])
    if delay_steps == model_delay_steps and slope_ratio == 1.0:
        return 2.0
    from scipy.optimize import brentq  # takes long to load, and few runs need it

    def product(angle: float) -> complex:
        z = cmath.exp(1j * angle)
        answer = _delayed(z, delay_steps) + slope_ratio * (1.0 - _delayed(z, model_delay_steps))
        return (1.0 - z) / answer if answer else complex(math.inf)

    def is_above(angles: NDArray[np.float64]) -> NDArray[np.bool_]:
        z = np.exp(1j * angles)
        answer = _delayed(z, delay_steps) + slope_ratio * (1.0 - _delayed(z, model_delay_steps))
        return np.asarray(((1.0 - z) * answer.conj()).imag > 0)

    # Delays of some steps turn D and M round a few times; a hundred points to a turn miss no crossing.
    n_angles = 200 * (2 + math.ceil(max(delay_steps, model_delay_steps)))
    largest_answer = 1.0 + 2.0 * slope_ratio
    least = _real_product(product(math.pi))
    for first in range(0, n_angles, _AT_ONCE):
        beyond = 2.0 * math.sin(math.pi * first / n_angles / 2.0) / largest_answer
        if beyond >= least:
            break
        if first > _SCANNED_ANGLES:
            return beyond
        scan = math.pi * (np.arange(first, min(first + _AT_ONCE + 1, n_angles)) + 0.5) / n_angles
        above = is_above(scan)
        for k in np.flatnonzero(above[1:] != above[:-1]).tolist():
            low, high = float(scan[k]), float(scan[k + 1])
            if product(low).imag * product(high).imag < 0.0:
                crossing = brentq(lambda angle: product(angle).imag, low, high, xtol=1e-14)
                least = min(least, _real_product(product(crossing)))
    return least


def _real_product(value: complex) -> float:
    """A product that comes out real and positive, else infinite.

    Where the answer itself is 0 the sign changes too, with no real product there.
    """
    is_real = abs(value.imag) < 1e-6 * abs(value.real)
    return value.real if is_real and value.real > 0.0 else math.inf


_Complex = TypeVar("_Complex", complex, NDArray[np.complex128])


def _delayed(z: _Complex, delay_steps: float) -> _Complex:
    """z to the power −d, between whole numbers by their mixture."""
    whole = math.floor(delay_steps)
    part = delay_steps - whole
    return (1.0 - part) * z**-whole + part * z ** -(whole + 1)
