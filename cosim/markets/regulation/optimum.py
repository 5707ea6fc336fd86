"""Paper A's Problem 1, solved exactly: the yardstick for every run.

Minimise Σ_i g_i(x_i) subject to Σ_i x_ir = C_r and 0 ≤ x_ir ≤ 1, for N households and m resources.

A primal-dual interior-point method (Mehrotra's predictor and corrector) does it for many capacity vectors at
once. A household's Hessian is a diagonal plus one rank-one term, for the sum couples its resources, so a step
costs O(N m²) and the households meet only in an m × m system for the multipliers. A semismooth Newton step
on the optimality conditions then puts what is at a bound exactly there. Both work where Assumption 1 fails as
long as the costs are convex; the cost of the optimum is then still unique, the optimum itself may not be.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.errors import InputError, Problem
from cosim.markets.regulation.costs import CostParameters, gradients, select, value

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_MAX_ITERATIONS = 80
_TO_BOUNDARY = 0.995
"""Share of the way to the nearest bound that one step may go."""
_TOLERANCE = 1e-13
"""Duality gap at which to stop, relative to the size of the costs."""
_MAX_POLISHING = 8
_PINNED = 1e-12
"""A mean nearer than this to 0 or 1 leaves no interior to search: every household is at that bound."""
_PROXIMAL = 1e-8
"""Curvature added to each step (not to the problem), so that directions without any stay solvable."""
_CHUNK = 30_000
"""Numbers in one array of a batch; more would leave the processor's cache."""


class Optimum(NamedTuple):
    """Solution of Problem 1.

    Attributes
    ----------
    x : ndarray, shape (N, m)
        x*, the optimal averages; 0 for households that are not active.
    multipliers : ndarray, shape (m,)
        μ, the common gradient of the households strictly between their bounds.
    cost : float
        Σ g_i(x_i*).
    residual : float
        Largest violation of the optimality conditions: of x = clip(x − (∇g − μ), 0, 1) and of Σ x = C.
    """

    x: Array
    multipliers: Array
    cost: float
    residual: float


class _Point(NamedTuple):
    """Iterate for K problems: averages and bound multipliers (K, m, N), multipliers of the sums (K, m)."""

    x: Array
    below_one: Array
    z_low: Array
    z_high: Array
    mu: Array


def solve_optimum(
    costs: CostParameters,
    capacities: NDArray[np.float64],
    start: Optimum | None = None,
    active: NDArray[np.bool_] | None = None,
) -> Optimum:
    """The optimum of Problem 1 (paper A (8)–(12), (18)), with the upper bound of 1 on every average.

    Parameters
    ----------
    costs : CostParameters
        Arrays over N households; convex.
    capacities : ndarray, shape (m,)
        C_r.
    start : Optimum, optional
        The solution of a similar problem with the same households; only saves time.
    active : ndarray of bool, shape (N,), optional
        Who takes part; everyone by default.

    Raises
    ------
    InputError
        If a capacity is below 0 or above the number of active households.
    """
    capacities = np.asarray(capacities, dtype=np.float64)
    members = np.arange(costs.n_households) if active is None else np.flatnonzero(active)
    _require_feasible(capacities, len(members), costs.n_resources)
    inside = costs if active is None else select(costs, members)
    sums = capacities[np.newaxis]
    candidate = None
    if start is not None:
        candidate = _polish(inside, sums, start.x[members].T[np.newaxis], start.multipliers[np.newaxis])
    if candidate is None or not candidate[2][0] <= _accepted(inside):
        point = _interior_point(inside, sums)
        candidate = _polish(inside, sums, point.x, point.mu)
    x_inside, multipliers, residual = candidate
    x = np.zeros((costs.n_households, costs.n_resources))
    x[members] = x_inside[0].T
    return Optimum(x, multipliers[0], float(np.sum(value(inside, list(x_inside[0])))), float(residual[0]))


def optimal_costs(
    costs: CostParameters, sums: NDArray[np.float64], active: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Optimal cost for each of K capacity vectors.

    What is returned is the lower bound that the multipliers prove (Lagrangian duality and the tangents of the
    convex costs), which meets the optimum as the iteration ends. So no averages with these sums cost less,
    whatever the iteration left undone: a gap against it is negative by rounding only.

    Parameters
    ----------
    costs : CostParameters
        Arrays over N households; convex.
    sums : ndarray, shape (K, m)
        Capacity vectors; for the gap of a step, the sums of the averages in that step.
    active : ndarray of bool, shape (N,), optional
        Who takes part; everyone by default.

    Returns
    -------
    ndarray, shape (K,)

    Raises
    ------
    InputError
        If a sum is below 0 or above the number of active households.
    """
    inside = costs if active is None else select(costs, np.flatnonzero(active))
    sums = np.asarray(sums, dtype=np.float64)
    _require_feasible(sums, inside.n_households, inside.n_resources)
    n_rows = max(1, _CHUNK // max(1, inside.n_households * inside.n_resources))
    parts = [_chunk_costs(inside, sums[first : first + n_rows]) for first in range(0, len(sums), n_rows)]
    return np.concatenate(parts) if parts else np.zeros(0)


def cost_gaps(
    costs: CostParameters, averages: NDArray[np.float64], active: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """How much K sets of averages cost above the optimum for the sums they reach.

    Parameters
    ----------
    costs : CostParameters
        Arrays over N households; convex.
    averages : ndarray, shape (K, N, m)
        x̄ in K steps, each in [0, 1].
    active : ndarray of bool, shape (N,), optional
        Who takes part; everyone by default.

    Returns
    -------
    ndarray, shape (K,)
        Not negative but for rounding.
    """
    inside = costs if active is None else select(costs, np.flatnonzero(active))
    by_resource = np.moveaxis(averages if active is None else averages[:, active], 2, 0)
    reached = np.sum(value(inside, list(by_resource)), axis=-1)
    optimal = optimal_costs(inside, np.sum(by_resource, axis=-1).T)
    return np.asarray(reached - optimal)


def _chunk_costs(costs: CostParameters, sums: Array) -> Array:
    """Optimal costs of similar problems: solve the mean one, go on from it, start afresh where that fails."""
    middle = _interior_point(costs, sums.mean(axis=0, keepdims=True))
    shape = (len(sums), costs.n_resources, costs.n_households)
    x, mu, residual = _polish(
        costs,
        sums,
        np.broadcast_to(middle.x, shape),
        np.broadcast_to(middle.mu, sums.shape),
        _accepted(costs),
    )
    result = _proved_costs(costs, sums, x, mu)
    afresh = ~(residual <= _accepted(costs))
    if afresh.any():
        point = _interior_point(costs, sums[afresh])
        result[afresh] = _proved_costs(costs, sums[afresh], point.x, point.mu)
    return result


def _require_feasible(capacities: Array, n_households: int, n_resources: int) -> None:
    if capacities.shape[-1] != n_resources:
        raise InputError([Problem(f"{capacities.shape[-1]} capacities for costs of {n_resources} resources")])
    # Sums of N averages that are all 0 or all 1 may be off by rounding.
    slack = 1e-9 * max(1, n_households)
    wrong = ~((capacities >= -slack) & (capacities <= n_households + slack))
    if wrong.any():
        raise InputError(
            [
                Problem(
                    f"no decisions of {n_households} households add up to this capacity",
                    f"Choose a capacity from 0 to {n_households}",
                    value=f"{capacities[wrong].flat[0]:g}",
                )
            ]
        )


def _gradient(costs: CostParameters, x: Array) -> Array:
    """∇g, shape (K, m, N)."""
    return np.stack(gradients(costs, [x[:, r] for r in range(x.shape[1])]), axis=1)


def _curvature(costs: CostParameters, x: Array) -> tuple[Array, Array]:
    """Diagonal (K, m, N), made positive, and rank-one weight (K, N) of the households' Hessians."""
    deviation = x.sum(axis=1) - costs.target
    coupling = 2.0 * costs.quadratic + 12.0 * costs.quartic * (deviation * deviation)
    own = x - np.array(costs.alpha) * costs.target
    diagonal = 2.0 * np.array(costs.own_quadratic) + 12.0 * np.array(costs.own_quartic) * (own * own)
    if x.shape[1] == 1:  # one resource: its sum is itself
        return diagonal + coupling[:, np.newaxis] + _PROXIMAL, np.zeros_like(coupling)
    return diagonal + _PROXIMAL, coupling


class _NewtonSystem:
    """The linear system of one step: (D + c 11ᵀ) dx − dμ = b for each household, and Σ_i dx = e.

    Parameters
    ----------
    inverse_diagonal : ndarray, shape (K, m, N)
        1/D; 0 where dx is 0.
    coupling : ndarray, shape (K, N)
        c.
    """

    def __init__(self, inverse_diagonal: Array, coupling: Array) -> None:
        self._inverse = inverse_diagonal
        self._weight = coupling / (1.0 + coupling * inverse_diagonal.sum(axis=1))  # Sherman–Morrison
        weighted = inverse_diagonal * self._weight[:, np.newaxis]
        schur = -(weighted @ inverse_diagonal.transpose(0, 2, 1))
        diagonal = np.einsum("krr->kr", schur)
        diagonal += inverse_diagonal.sum(axis=2)
        # A resource that no household can move has no equation; its multiplier stays.
        diagonal[~inverse_diagonal.any(axis=2)] = 1.0
        diagonal *= 1.0 + 1e-14  # two resources that every household may exchange freely
        self._schur = schur

    def solve(self, b: Array, e: Array) -> tuple[Array, Array]:
        """dx of shape (K, m, N) and dμ of shape (K, m)."""
        own = self._apply(b)
        short = np.where(self._inverse.any(axis=2), e - own.sum(axis=2), 0.0)
        d_mu = np.linalg.solve(self._schur, short[..., np.newaxis])[..., 0]
        return self._apply(b + d_mu[..., np.newaxis]), d_mu

    def _apply(self, b: Array) -> Array:
        scaled = self._inverse * b
        return np.asarray(scaled - self._inverse * (self._weight * scaled.sum(axis=1))[:, np.newaxis])


def _interior_point(costs: CostParameters, sums: Array) -> _Point:
    """Iterate every problem of the batch until its duality gap closes."""
    n = costs.n_households
    shape = (len(sums), costs.n_resources, n)
    if n == 0:
        empty = np.zeros(shape)
        return _Point(empty, empty, empty, empty, np.zeros(sums.shape))
    mean = np.clip(sums / n, 0.0, 1.0)
    pinned = (mean < _PINNED) | (mean > 1.0 - _PINNED)
    free = ~pinned[..., np.newaxis]
    x = np.broadcast_to(mean[..., np.newaxis], shape).copy()
    slope = _gradient(costs, x)
    mu = slope.mean(axis=2)
    spread = np.abs(slope - mu[..., np.newaxis]).max(axis=2, keepdims=True) + 1e-3
    point = _Point(x, 1.0 - x, np.where(free, spread, 0.0), np.where(free, spread, 0.0), mu)
    # The last term is what rounding leaves of the dual residual.
    goal = _TOLERANCE * (1.0 + np.abs(slope * x).sum(axis=(1, 2))) + 1e-15 * np.abs(slope).sum(axis=(1, 2))
    n_pairs = 2.0 * n * np.maximum((~pinned).sum(axis=1), 1)
    # Complementarity far below the goal would only spoil the numbers while the gradients still settle.
    floor = 0.1 * goal / n_pairs
    best, least = point, np.full(len(sums), np.inf)
    with np.errstate(all="ignore"):
        for _ in range(_MAX_ITERATIONS):
            slope = _gradient(costs, point.x)
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
    costs: CostParameters,
    sums: Array,
    point: _Point,
    dual: Array,
    free: Mask,
    going: Mask,
    gap: Array,
    floor: Array,
) -> _Point:
    """One predictor and corrector step; problems that are done stay where they are."""
    x, below_one, z_low, z_high, mu = point
    diagonal, coupling = _curvature(costs, x)
    ratio_low = np.where(free, z_low / x, 0.0)
    ratio_high = np.where(free, z_high / below_one, 0.0)
    system = _NewtonSystem(np.where(free, 1.0 / (diagonal + ratio_low + ratio_high), 0.0), coupling)
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
    return _Point(
        x + length * dx,
        below_one - length * dx,
        z_low + length * dz_low,
        z_high + length * dz_high,
        mu + length[:, 0] * d_mu,
    )


def _step_length(point: _Point, dx: Array, dz_low: Array, dz_high: Array) -> Array:
    """The longest step, at most 1 over `_TO_BOUNDARY`, that keeps each quantity above 0; shape (K,)."""
    worst = np.fmax(-dx / point.x, dx / point.below_one)
    worst = np.fmax(worst, np.fmax(-dz_low / point.z_low, -dz_high / point.z_high))
    # What is at its bound for good gives 0/0 here, and fmax passes over it.
    steepest = np.fmax.reduce(worst, axis=(1, 2), initial=_TO_BOUNDARY)
    return np.asarray(1.0 / steepest)


def _pinned_multipliers(costs: CostParameters, point: _Point, mean: Array, pinned: Mask) -> Array:
    """Multipliers that hold every household at a bound: the least gradient at 0, the greatest at 1."""
    if not pinned.any():
        return point.mu
    slope = _gradient(costs, point.x)
    return np.asarray(np.where(pinned, np.where(mean < 0.5, slope.min(axis=2), slope.max(axis=2)), point.mu))


def _proved_costs(costs: CostParameters, sums: Array, x: Array, mu: Array) -> Array:
    """Lower bound on the optimal costs: each cost by its tangent at x, each household free in [0, 1]."""
    x = np.clip(x, 0.0, 1.0)
    reduced = _gradient(costs, x) - mu[..., np.newaxis]
    gain = np.where(reduced > 0.0, -reduced * x, reduced * (1.0 - x)).sum(axis=(1, 2))
    reached = np.sum(value(costs, [x[:, r] for r in range(x.shape[1])]), axis=-1)
    return np.asarray(reached + gain + np.sum(mu * (sums - x.sum(axis=2)), axis=1))


def _polish(
    costs: CostParameters, sums: Array, x: Array, mu: Array, goal: float = 0.0
) -> tuple[Array, Array, Array]:
    """Semismooth Newton on the optimality conditions, to the goal or as long as it helps.

    Returns x, multipliers and residuals of shape (K,).
    """
    x = np.clip(x, 0.0, 1.0)
    residual = _residual(costs, sums, x, mu)
    with np.errstate(all="ignore"):
        for _ in range(_MAX_POLISHING):
            if costs.n_households == 0 or (residual <= goal).all():
                break
            try:
                next_x, next_mu = _newton_step(costs, sums, x, mu)
            except np.linalg.LinAlgError:
                break
            next_residual = _residual(costs, sums, next_x, next_mu)
            better = next_residual < residual
            if not better.any():
                break
            x = np.where(better[:, np.newaxis, np.newaxis], next_x, x)
            mu = np.where(better[:, np.newaxis], next_mu, mu)
            residual = np.where(better, next_residual, residual)
    return x, mu, residual


def _accepted(costs: CostParameters) -> float:
    """Residual at which Newton steps have arrived: a sum of N numbers up to 1 is not known better."""
    return 1e-12 + 1e-15 * costs.n_households


def _newton_step(costs: CostParameters, sums: Array, x: Array, mu: Array) -> tuple[Array, Array]:
    """Put at their bounds those who want to go there, and take a Newton step with the others."""
    diagonal, coupling = _curvature(costs, x)
    dual = _gradient(costs, x) - mu[..., np.newaxis]
    wish = x - dual / (diagonal + coupling[:, np.newaxis])
    to_bound = np.where(wish <= 0.0, -x, np.where(wish >= 1.0, 1.0 - x, 0.0))
    moves = (wish > 0.0) & (wish < 1.0)
    system = _NewtonSystem(np.where(moves, 1.0 / diagonal, 0.0), coupling)
    pushed = coupling * to_bound.sum(axis=1)
    missing = sums - x.sum(axis=2) - to_bound.sum(axis=2)
    dx, d_mu = system.solve(-dual - pushed[:, np.newaxis], missing)
    return np.clip(x + dx + to_bound, 0.0, 1.0), mu + d_mu


def _residual(costs: CostParameters, sums: Array, x: Array, mu: Array) -> Array:
    """Largest violation of the optimality conditions, shape (K,)."""
    dual = _gradient(costs, x) - mu[..., np.newaxis]
    stationarity = np.abs(x - np.clip(x - dual, 0.0, 1.0)).max(axis=(1, 2), initial=0.0)
    return np.asarray(np.maximum(stationarity, np.abs(x.sum(axis=2) - sums).max(axis=1, initial=0.0)))
