"""How restless a stable regulation loop is: the stationary variance of its aggregate."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

from cosim.regulation.stability import stability_limit


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
    n_states = delay_steps + 1
    transition = np.eye(n_states, k=-1)
    transition[0, 0] = 1.0
    transition[0, -1] -= product
    noise = np.zeros((n_states, n_states))
    noise[0, 0] = product * product * noise_variance
    # The state is scaled by G, so the last diagonal entry is already the variance of G Ω(k−d).
    covariance = solve_discrete_lyapunov(transition, noise)
    return float(covariance[-1, -1]) + noise_variance
