"""Problem 1 by scipy's SLSQP: for convex costs on which the interior-point method does not arrive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.regulation.community_costs import Costs

Array = NDArray[np.float64]

_ITERATIONS = 300


def by_slsqp(costs: Costs, sums: Array, start: Array) -> tuple[Array, Array]:
    """Averages of shape (m, N) with the given sums (m,), and multipliers (m,).

    Parameters
    ----------
    costs : Costs
        Of N households; convex.
    sums : ndarray, shape (m,)
        C_r.
    start : ndarray, shape (m, N)
        Where to begin.
    """
    from scipy.optimize import LinearConstraint, minimize  # takes long to load, and few runs need it

    shape = start.shape

    def objective(flat: Array) -> tuple[float, Array]:
        x = flat.reshape(shape)
        return float(np.sum(costs.value(list(x)))), np.concatenate(costs.gradients(list(x)))

    found = minimize(
        objective,
        start.ravel(),
        jac=True,
        bounds=[(0.0, 1.0)] * start.size,
        constraints=LinearConstraint(np.kron(np.eye(shape[0]), np.ones(shape[1])), sums, sums),
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": _ITERATIONS},
    )
    x = np.clip(found.x.reshape(shape), 0.0, 1.0)
    slopes = np.array(costs.gradients(list(x)))
    inside = (x > 1e-9) & (x < 1.0 - 1e-9)
    mu = [
        np.median(row[mask]) if mask.any() else np.median(row)
        for row, mask in zip(slopes, inside, strict=True)
    ]
    return x, np.array(mu)
