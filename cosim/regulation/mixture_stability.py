"""The largest stable gain where households answer with different delays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem
from cosim.regulation.stability import stability_limit

_SCANNED_NUMBERS = 5_000_000
"""Terms of Σ p_j z^−j that a search may work out: about a second."""
_AT_ONCE = 200_000
"""Terms of it that are held in memory at a time."""


def mixture_stability_limit(delays_steps: Sequence[float] | NDArray[np.float64]) -> float:
    """Largest stable product τG where households of one weight answer with different delays.

    Parameters
    ----------
    delays_steps : sequence of float, shape (N,)
        d of each household, 0 or more; one between two whole numbers, as a meter makes it, counts in both by
        its distance to the other.

    Returns
    -------
    float
        `stability_limit` where all delays are the same whole number, and at least `stability_limit` of the
        mean where they are not: half of the households at d = 0 and half at d = 1 are stable up to 2, and all
        of them at d = 0.5 would be up to 1.41. Where the delays lie so far apart, by thousands of steps, that
        the search would take longer than some seconds, it is the bound that the search has come to, which is
        on the stable side.

    Raises
    ------
    InputError
        If there is no delay, or one is negative or not finite.

    Notes
    -----
    With the share p_j of the answer j steps late, the loop's roots solve z − 1 + τG W(z) = 0, where W(z) =
    Σ p_j z^−j. They are inside the unit circle for a small τG and leave it first at the smallest positive
    τG = (1 − e^iθ) / W(e^iθ) that is real, over 0 < θ ≤ π. The zeros of its imaginary part are found by a
    fine scan of θ and bisection. As |W| ≤ 1, no product from θ on is below 2 sin(θ/2): the scan goes upwards
    and ends where this reaches the smallest one found, so it is short for alike delays of any length.
    Delays of more than 2^52 steps are not told apart; `stability_limit` of the mean stands for the limit.
    """
    given = np.asarray(delays_steps, dtype=np.float64)
    if given.size == 0 or not np.all(np.isfinite(given) & (given >= 0)):
        raise InputError(
            [Problem("a delay is a number of steps, 0 or more", "Give at least one", value=str(given))]
        )
    on_the_safe_side = stability_limit(float(np.mean(given)))
    if given.max() >= 2.0**52:
        return on_the_safe_side
    steps, shares = _whole_delays(given)

    def answer(angles: NDArray[np.float64]) -> NDArray[np.complex128]:
        return np.asarray(np.exp(-1j * np.outer(angles, steps)) @ shares)

    def numerator(angles: NDArray[np.float64]) -> NDArray[np.complex128]:
        """(1 − e^iθ) times the conjugate of W: real where the quotient is."""
        return np.asarray((1 - np.exp(1j * angles)) * answer(angles).conj())

    def least_product(angles: NDArray[np.float64]) -> float:
        size = np.abs(answer(angles)) ** 2
        products = numerator(angles).real[size > 1e-18] / size[size > 1e-18]
        return float(products[products > 0].min(initial=math.inf))

    n_angles = 400 * (int(steps[-1]) + 1)
    width = math.pi / (n_angles - 1)
    at_once = max(2, _AT_ONCE // len(steps))
    least = least_product(np.array([np.pi]))
    for first in range(1, n_angles - 1, at_once):
        beyond = 2.0 * math.sin(first * width / 2.0)
        if beyond >= least:
            break
        if first * len(steps) > _SCANNED_NUMBERS:
            return max(on_the_safe_side, beyond)
        scan = width * np.arange(first, min(first + at_once + 1, n_angles - 1), dtype=np.float64)
        least = min(least, least_product(_zeros(lambda angles: numerator(angles).imag, scan)))
    return least


def _whole_delays(delays: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Whole delays in ascending order, and the share of the answers that each has."""
    whole = np.floor(delays).astype(np.int64)
    later = delays - whole
    steps, place = np.unique(np.concatenate([whole, whole + 1]), return_inverse=True)
    now, next_step = np.split(place, 2)
    counts = np.bincount(now, 1 - later, len(steps)) + np.bincount(next_step, later, len(steps))
    return steps[counts > 0], counts[counts > 0] / delays.size


def _zeros(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]], scan: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where a function changes its sign between neighbours of a scan, by bisection."""
    signs = np.sign(function(scan))
    changes = np.flatnonzero(signs[1:] != signs[:-1])
    low, high = scan[changes], scan[changes + 1]
    for _ in range(50):
        middle = (low + high) / 2
        is_before = np.sign(function(middle)) == np.sign(function(low))
        low, high = np.where(is_before, middle, low), np.where(is_before, high, middle)
    return np.asarray(low)
