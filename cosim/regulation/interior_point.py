"""A primal-dual interior-point method for paper A's Problem 1: Mehrotra's predictor and corrector.

S. Mehrotra, On the implementation of a primal-dual interior point method, SIAM J. Optimization 2 (1992),
575-601.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cosim.regulation.community_costs import Costs
from cosim.regulation.optimality import Array, Mask, curvature, gradient

_MAX_ITERATIONS = 80
_TO_BOUNDARY = 0.995
"""Share of the way to the nearest bound that one step may go."""
_TOLERANCE = 1e-13
"""Duality gap at which to stop, relative to the size of the costs."""
_PINNED = 1e-12
"""A mean nearer than this to 0 or 1 leaves no interior to search: every household is at that bound."""


class Point(NamedTuple):
    """Iterate for K problems: averages and bound multipliers (K, m, N), multipliers of the sums (K, m)."""

    x: Array
    below_one: Array
    z_low: Array
    z_high: Array
    mu: Array


def interior_point(costs: Costs, sums: Array) -> Point:
    """Iterate every problem of the batch until its duality gap closes.

    Parameters
    ----------
    costs : Costs
        Of N households; convex.
    sums : ndarray, shape (K, m)
        Capacity vectors, each from 0 to N.

    Returns
    -------
    Point
        The best iterate of each problem.
    """
    n = costs.n_households
    shape = (len(sums), costs.n_resources, n)
    if n == 0:
        empty = np.zeros(shape)
        return Point(empty, empty, empty, empty, np.zeros(sums.shape))
    mean = np.clip(sums / n, 0.0, 1.0)
    pinned = (mean < _PINNED) | (mean > 1.0 - _PINNED)
    free = ~pinned[..., np.newaxis]
    x = np.broadcast_to(mean[..., np.newaxis], shape).copy()
    slope = gradient(costs, x)
    mu = slope.mean(axis=2)
    spread = np.abs(slope - mu[..., np.newaxis]).max(axis=2, keepdims=True) + 1e-3
    point = Point(x, 1.0 - x, np.where(free, spread, 0.0), np.where(free, spread, 0.0), mu)
    # The last term is what rounding leaves of the dual residual.
    goal = _TOLERANCE * (1.0 + np.abs(slope * x).sum(axis=(1, 2))) + 1e-15 * np.abs(slope).sum(axis=(1, 2))
    n_pairs = 2.0 * n * np.maximum((~pinned).sum(axis=1), 1)
    # Complementarity far below the goal would only spoil the numbers while the gradients still settle.
    floor = 0.1 * goal / n_pairs
    best, least = point, np.full(len(sums), np.inf)
    with np.errstate(all="ignore"):
        for _ in range(_MAX_ITERATIONS):
            slope = gradient(costs, point.x)
            dual = np.where(free, slope - point.mu[..., np.newaxis], 0.0)
            pairs = (point.x * point.z_low + point.below_one * point.z_high).sum(axis=(1, 2))
            error = pairs + np.abs(dual - point.z_low + point.z_high).sum(axis=(1, 2))
            better = error < least
            least = np.where(better, error, least)
            best = best._replace(
                x=np.where(better[:, np.newaxis, np.newaxis], point.x, best.x),
                mu=np.where(better[:, np.newaxis], point.mu, best.mu),
            )
            going = least > goal
            if not going.any():
                break
            point = _step(costs, sums, point, dual, free, going, pairs / n_pairs, floor)
    return best._replace(mu=_pinned_multipliers(costs, best, mean, pinned))


def _step(
    costs: Costs,
    sums: Array,
    point: Point,
    dual: Array,
    free: Mask,
    going: Mask,
    gap: Array,
    floor: Array,
) -> Point:
    """One predictor and corrector step; problems that are done stay where they are."""
    x, below_one, z_low, z_high, mu = point
    ratio_low = np.where(free, z_low / x, 0.0)
    ratio_high = np.where(free, z_high / below_one, 0.0)
    system = curvature(costs, x).system(free, ratio_low, ratio_high)
    missing = sums - x.sum(axis=2)

    dx, _ = system.solve(-dual, missing)
    dz_low, dz_high = -z_low - ratio_low * dx, -z_high + ratio_high * dx
    length = _step_length(point, dx, dz_low, dz_high)[:, np.newaxis, np.newaxis]
    predicted = (x + length * dx) * (z_low + length * dz_low)
    predicted += (below_one - length * dx) * (z_high + length * dz_high)
    share = predicted.sum(axis=(1, 2)) / np.maximum((x * z_low + below_one * z_high).sum(axis=(1, 2)), 1e-300)
    centre = np.maximum(np.clip(share, 0.0, 1.0) ** 3 * gap, floor)[:, np.newaxis, np.newaxis]

    pull_low = np.where(free, (centre - dx * dz_low) / x, 0.0)
    pull_high = np.where(free, (centre + dx * dz_high) / below_one, 0.0)
    dx, d_mu = system.solve(-dual + pull_low - pull_high, missing)
    dz_low = pull_low - z_low - ratio_low * dx
    dz_high = pull_high - z_high + ratio_high * dx
    length = np.where(going, _TO_BOUNDARY * _step_length(point, dx, dz_low, dz_high), 0.0)
    length = np.where(np.isfinite(length), length, 0.0)[:, np.newaxis, np.newaxis]
    return Point(
        x + length * dx,
        below_one - length * dx,
        z_low + length * dz_low,
        z_high + length * dz_high,
        mu + length[:, 0] * d_mu,
    )


def _step_length(point: Point, dx: Array, dz_low: Array, dz_high: Array) -> Array:
    """The longest step, at most 1 over `_TO_BOUNDARY`, that keeps each quantity above 0; shape (K,)."""
    worst = np.fmax(-dx / point.x, dx / point.below_one)
    worst = np.fmax(worst, np.fmax(-dz_low / point.z_low, -dz_high / point.z_high))
    # What is at its bound for good gives 0/0 here, and fmax passes over it.
    steepest = np.fmax.reduce(worst, axis=(1, 2), initial=_TO_BOUNDARY)
    return np.asarray(1.0 / steepest)


def _pinned_multipliers(costs: Costs, point: Point, mean: Array, pinned: Mask) -> Array:
    """Multipliers that hold every household at a bound: the least gradient at 0, the greatest at 1."""
    if not pinned.any():
        return point.mu
    slope = gradient(costs, point.x)
    return np.asarray(np.where(pinned, np.where(mean < 0.5, slope.min(axis=2), slope.max(axis=2)), point.mu))
