"""How fast the regulation loop may be, and how restless it then is: gain limits and the stationary variance.

Near its operating point the aggregate answers the signal linearly, and the platform integrates::

    x(k) = G Ω(k−d) + w(k)        Ω(k+1) = Ω(k) − τ (x(k) − C)

with the loop gain G = dΣx/dΩ, the delay d in steps and decisions' noise w. With d = 0 the next signal already
sees the response to the last one; paper A's own recursion (Algorithms 1 and 2) has d = 1.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.errors import InputError, Problem


def stability_limit(delay_steps: float) -> float:
    """Largest stable product τG: 2 sin(π / (2(2d+1))).

    It is where the roots of z^(d+1) − z^d + τG first reach the unit circle.

    Parameters
    ----------
    delay_steps : float
        d, the mean delay in steps. It need not be a whole number: households with different phases and
        latencies make a mixture of whole delays. Of all mixtures with one mean (weighted by dσ/dΩ) the one
        without spread has the lowest limit, so the formula at the mean is on the stable side. In continuous
        time this is known: x' = −a ∫ x(t−s) dη(s) is stable for a ∫ s dη(s) < π/2. Here a test holds it on
        random mixtures.

    Raises
    ------
    InputError
        If the delay is negative or not finite.
    """
    if not (math.isfinite(delay_steps) and delay_steps >= 0):
        raise InputError(
            [Problem("a delay is a number of steps, 0 or more", "Give 0 or more", value=str(delay_steps))]
        )
    return 2.0 * math.sin(math.pi / (2.0 * (2.0 * delay_steps + 1.0)))


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
        of them at d = 0.5 would be up to 1.41.

    Raises
    ------
    InputError
        If there is no delay, or one is negative or not finite.

    Notes
    -----
    With the share p_j of the answer j steps late, the loop's roots solve z − 1 + τG W(z) = 0, where W(z) =
    Σ p_j z^−j. They are inside the unit circle for a small τG and leave it first at the smallest positive
    τG = (1 − e^iθ) / W(e^iθ) that is real, over 0 < θ ≤ π. The zeros of its imaginary part are found by a
    fine scan of θ and bisection.
    """
    given = np.asarray(delays_steps, dtype=np.float64)
    if given.size == 0 or not np.all(np.isfinite(given) & (given >= 0)):
        raise InputError(
            [Problem("a delay is a number of steps, 0 or more", "Give at least one", value=str(given))]
        )
    whole = np.floor(given).astype(np.int64)
    later = given - whole
    counts = np.bincount(whole, 1 - later, whole.max() + 2) + np.bincount(whole + 1, later, whole.max() + 2)
    steps, shares = np.flatnonzero(counts), counts[counts > 0] / given.size

    def answer(angles: NDArray[np.float64]) -> NDArray[np.complex128]:
        return np.asarray(np.exp(-1j * np.outer(angles, steps)) @ shares)

    def numerator(angles: NDArray[np.float64]) -> NDArray[np.complex128]:
        """(1 − e^iθ) times the conjugate of W: real where the quotient is."""
        return np.asarray((1 - np.exp(1j * angles)) * answer(angles).conj())

    scan = np.linspace(0.0, np.pi, 400 * (int(steps[-1]) + 1))[1:]
    signs = np.sign(numerator(scan).imag[:-1])
    changes = np.flatnonzero(signs[1:] != signs[:-1])
    low, high = scan[changes], scan[changes + 1]
    for _ in range(50):
        middle = (low + high) / 2
        is_before = np.sign(numerator(middle).imag) == np.sign(numerator(low).imag)
        low, high = np.where(is_before, middle, low), np.where(is_before, high, middle)
    angles = np.append(low, np.pi)
    size = np.abs(answer(angles)) ** 2
    products = numerator(angles).real[size > 1e-18] / size[size > 1e-18]
    return float(products[products > 0].min(initial=math.inf))


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
    """
    from scipy.optimize import brentq  # takes long to load, and few runs need it

    def product(angle: float) -> complex:
        z = cmath.exp(1j * angle)
        answer = _delayed(z, delay_steps) + slope_ratio * (1.0 - _delayed(z, model_delay_steps))
        return (1.0 - z) / answer if answer else complex(math.inf)

    def imaginary(angle: float) -> float:
        return product(angle).imag

    # Delays of some steps turn D and M round a few times; a hundred points to a turn miss no crossing.
    n_angles = 200 * (2 + math.ceil(max(delay_steps, model_delay_steps)))
    angles = [math.pi * (k + 0.5) / n_angles for k in range(n_angles)]
    signs = [imaginary(angle) > 0 for angle in angles]
    crossings = [
        brentq(imaginary, angles[k], angles[k + 1], xtol=1e-14)
        for k in range(n_angles - 1)
        if signs[k] != signs[k + 1]
    ]
    found = [product(angle) for angle in [*crossings, math.pi]]
    # Where the answer itself is 0 the sign changes too, with no real product there.
    real = [value.real for value in found if abs(value.imag) < 1e-6 * abs(value.real)]
    return min((value for value in real if value > 0.0), default=math.inf)


def _delayed(z: complex, delay_steps: float) -> complex:
    """z to the power −d, between whole numbers by their mixture."""
    whole = math.floor(delay_steps)
    part = delay_steps - whole
    return (1.0 - part) * z**-whole + part * z ** -(whole + 1)


def gain_for_margin(margin: float, delay_steps: float, loop_gain: float) -> float:
    """The gain τ that is `margin` times the largest stable one.

    Parameters
    ----------
    margin : float
        τ over its limit; below 1 is stable.
    delay_steps : float
        d, as in `stability_limit`.
    loop_gain : float
        G = dΣx/dΩ at the operating point.

    Raises
    ------
    InputError
        If the loop gain is not positive: no household answers the signal, so no gain has a margin.
    """
    return gain_for_product(margin * stability_limit(delay_steps), loop_gain)


def gain_for_product(product: float, loop_gain: float) -> float:
    """The gain τ with which τG is `product`.

    Raises
    ------
    InputError
        If the loop gain is not positive: no household answers the signal.
    """
    if not loop_gain > 0:
        raise InputError(
            [
                Problem(
                    "the aggregate does not answer the signal: every household is at 0 or 1 for good",
                    "Give the gain as a number, or choose a capacity between 0 and the number of households",
                    value=str(loop_gain),
                )
            ]
        )
    return product / loop_gain


def decision_variance(probabilities: NDArray[np.float64]) -> float:
    """Variance of the sum of independent decisions: Σ σ(1−σ), of responses clipped to [0, 1]."""
    clipped = np.clip(probabilities, 0.0, 1.0)
    return float(np.sum(clipped * (1.0 - clipped)))


def stationary_variance(gain: float, loop_gain: float, delay_steps: int, noise_variance: float) -> float:
    """Variance of the aggregate x(k) once the loop has settled.

    Parameters
    ----------
    gain : float
        τ.
    loop_gain : float
        G.
    delay_steps : int
        d, a whole number.
    noise_variance : float
        Variance of the white noise w(k).

    Returns
    -------
    float
        Variance of x(k), at least `noise_variance`; infinite where the loop is not stable.

    Notes
    -----
    The state (Ω(k), …, Ω(k−d)) has the covariance P = A P Aᵀ + τ² var(w) b bᵀ (discrete Lyapunov), and
    Var x = G² P_dd + var(w), for Ω(k−d) does not know w(k). For d = 0 this is 2 var(w) / (2 − τG).
    """
    product = gain * loop_gain
    if not 0.0 < product < stability_limit(delay_steps):
        return math.inf
    from scipy.linalg import solve_discrete_lyapunov  # takes long to load, and few runs need it

    n_states = delay_steps + 1
    transition = np.eye(n_states, k=-1)
    transition[0, 0] = 1.0
    transition[0, -1] -= product
    noise = np.zeros((n_states, n_states))
    noise[0, 0] = product * product * noise_variance
    # The state is scaled by G, so the last diagonal entry is already the variance of G Ω(k−d).
    covariance = solve_discrete_lyapunov(transition, noise)
    return float(covariance[-1, -1]) + noise_variance
