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

from cosim.core.errors import InputError, Problem
from cosim.regulation.community_costs import Costs
from cosim.regulation.costs.polynomial import CostParameters, GradientTerms
from cosim.regulation.general_solver import by_slsqp
from cosim.regulation.interior_point import interior_point
from cosim.regulation.optimality import Array, curvature, gradient, violation
from cosim.regulation.optimum_loops import Followed, begin, follow, measure

_SOLVED = 1e-6
"""Residual above which an optimum is none, of gradients of about 1."""
_MOST_BY_SLSQP = 600
"""Averages that SLSQP can still work on: a second or so."""
_MAX_POLISHING = 8
_CHUNK = 30_000
"""Numbers in one array of a batch; more would leave the processor's cache."""

_WORTH_COMPILING = 300_000
"""A run with this many averages is worth a compiled loop, whose first use on a machine takes seconds."""

_FEW = 8
"""How many problems are solved together at first, when one was not solved from the one before."""


class Optimum(NamedTuple):
    """Solution of Problem 1."""

    x: Array
    """x*, the optimal averages; 0 for households that are not active. Shape (N, m)."""
    multipliers: Array
    """μ, the common gradient of the households strictly between their bounds. Shape (m,)."""
    cost: float
    """Σ g_i(x_i*)."""
    residual: float
    """Largest violation of the optimality conditions: of x = clip(x − (∇g − μ), 0, 1) and of Σ x = C."""

    @property
    def is_solved(self) -> bool:
        """Whether the residual is that of a solution."""
        return self.residual <= _solved(self.multipliers)


def solve_optimum(
    costs: Costs,
    capacities: NDArray[np.float64],
    start: Optimum | None = None,
    active: NDArray[np.bool_] | None = None,
) -> Optimum:
    """The optimum of Problem 1 (paper A (8)–(12), (18)), with the upper bound of 1 on every average.

    Parameters
    ----------
    costs : Costs
        Of N households; convex.
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
    require_feasible(capacities, len(members), costs.n_resources)
    inside = costs if active is None else costs.select(members)
    sums = capacities[np.newaxis]
    candidate = None
    if start is not None:
        candidate = _polish(inside, sums, start.x[members].T[np.newaxis], start.multipliers[np.newaxis])
    if candidate is None or not candidate[2][0] <= _accepted(inside):
        point = interior_point(inside, sums)
        candidate = _polish(inside, sums, point.x, point.mu)
        if not candidate[2][0] <= _solved(candidate[1]) and candidate[0].size <= _MOST_BY_SLSQP:
            candidate = min(candidate, _by_slsqp(inside, sums, candidate[0]), key=lambda found: found[2][0])
    x_inside, multipliers, residual = candidate
    x = np.zeros((costs.n_households, costs.n_resources))
    x[members] = x_inside[0].T
    return Optimum(x, multipliers[0], float(np.sum(inside.value(list(x_inside[0])))), float(residual[0]))


class Measured(NamedTuple):
    """What the averages of K steps reach."""

    sums: Array
    """Σx̄ of each resource. Shape (K, m)."""
    gaps: Array
    """How much they cost above the optimum for these sums; not negative but for rounding. Shape (K,)."""
    gradient_mean: Array
    gradient_spread: Array
    """Mean of ∇_r g over the households, and largest minus smallest. Shape (K, m)."""


class OptimalCosts:
    """Optimal costs of the same households for many capacity vectors, of which those that follow are similar.

    Parameters
    ----------
    costs : Costs
        Of N households; convex.
    n_averages : int
        How many averages there will be in the steps of a whole run: the last digits of what comes out do not
        depend on how many of them are worked out together.
    """

    def __init__(self, costs: Costs, n_averages: int) -> None:
        self._costs = costs
        self._near: tuple[Array, Array] | None = None
        self._followed: Followed | None = None
        self._terms = None
        if isinstance(costs, CostParameters) and n_averages >= _WORTH_COMPILING:
            self._terms = GradientTerms.of(costs)

    def measure(self, averages: Array) -> Measured:
        """Averages of shape (K, m, N) beside the optima for the sums they reach."""
        n_rows = max(1, _CHUNK // max(1, averages[0].size))
        parts = [self._measure(averages[first : first + n_rows]) for first in range(0, len(averages), n_rows)]
        sums, costs, mean, spread = map(np.concatenate, zip(*parts, strict=True))
        return Measured(sums, costs - self.of(sums), mean, spread)

    def _measure(self, averages: Array) -> tuple[Array, Array, Array, Array]:
        """Sums, costs, and mean and spread of the gradients: what stays in the processor's cache."""
        if self._terms is not None:
            costs, slopes = np.empty(len(averages)), np.empty_like(averages)
            measure(self._terms, averages, slopes, costs)
        else:
            x = list(np.moveaxis(averages, 1, 0))
            costs, slopes = np.sum(self._costs.value(x), axis=-1), np.stack(self._costs.gradients(x), axis=1)
        spread = slopes.max(axis=-1) - slopes.min(axis=-1)
        return averages.sum(axis=-1), costs, slopes.mean(axis=-1), spread

    def of(self, sums: Array) -> Array:
        """Optimal cost for each of K capacity vectors, of shape (K, m); for a step's gap, what it reached.

        What is returned is the lower bound that the multipliers prove (Lagrangian duality; tangents of the
        convex costs, or parabolas below them), which meets the optimum as the iteration ends. So no averages
        with these sums cost less, whatever the iteration left undone.

        Raises
        ------
        InputError
            If a sum is below 0 or above the number of households.
        """
        n, m = self._costs.n_households, self._costs.n_resources
        require_feasible(sums, n, m)
        return self._together(sums) if self._terms is None else self._one_after_another(self._terms, sums)

    def _together(self, sums: Array) -> Array:
        """Many problems in each step."""
        n_rows = max(1, _CHUNK // max(1, self._costs.n_households * self._costs.n_resources))
        parts = [self._chunk(sums[first : first + n_rows]) for first in range(0, len(sums), n_rows)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _one_after_another(self, terms: GradientTerms, sums: Array) -> Array:
        """Each problem from the one before; where that does not lead there some together, more each time."""
        result, done, n_together = np.empty(len(sums)), 0, _FEW
        while done < len(sums):
            if self._followed is None:
                x, mu = self._near or self._middle(sums[:1])
                self._followed = begin(terms, x[0], mu[0])
            left = np.ascontiguousarray(sums[done:])
            n = follow(self._followed, left, _accepted(self._costs), _MAX_POLISHING, result[done:])
            if n < len(left):
                self._near = self._followed = None
                result[done + n : done + n + n_together] = self._together(left[n : n + n_together])
            done += n + n_together
            n_together *= 2
        return result

    def _chunk(self, sums: Array) -> Array:
        """Solve the mean problem, go on from it, and start afresh where that fails."""
        costs, goal = self._costs, _accepted(self._costs)
        self._near = near_x, near_mu = self._middle(sums.mean(axis=0, keepdims=True))
        shape = (len(sums), costs.n_resources, costs.n_households)
        start = np.broadcast_to(near_x, shape), np.broadcast_to(near_mu, sums.shape)
        x, mu, residual = _polish(costs, sums, *start, goal)
        result = _proved_costs(costs, sums, x, mu)
        afresh = ~(residual <= goal)
        if afresh.any():
            point = interior_point(costs, sums[afresh])
            result[afresh] = _proved_costs(costs, sums[afresh], point.x, point.mu)
        return result

    def _middle(self, sums: Array) -> tuple[Array, Array]:
        """The optimum and multipliers of one problem: from that of the chunk before, if that leads there."""
        if self._near is not None:
            x, mu, residual = _polish(self._costs, sums, *self._near, _accepted(self._costs))
            if residual[0] <= _accepted(self._costs):
                return x, mu
        point = interior_point(self._costs, sums)
        return point.x, point.mu


def require_feasible(capacities: Array, n_households: int, n_resources: int) -> None:
    """Refuse capacities that no decisions of N households add up to.

    Raises
    ------
    InputError
        If one is below 0 or above N, or their number is not that of the resources.
    """
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


def _proved_costs(costs: Costs, sums: Array, x: Array, mu: Array) -> Array:
    """Lower bound on the optimal costs: each cost by its tangent at x, each household free in [0, 1]."""
    x = np.clip(x, 0.0, 1.0)
    reduced = gradient(costs, x) - mu[..., np.newaxis]
    gain = np.where(reduced > 0.0, -reduced * x, reduced * (1.0 - x)).sum(axis=(1, 2))
    reached = np.sum(costs.value([x[:, r] for r in range(x.shape[1])]), axis=-1)
    return np.asarray(reached + gain + np.sum(mu * (sums - x.sum(axis=2)), axis=1))


def _polish(costs: Costs, sums: Array, x: Array, mu: Array, goal: float = 0.0) -> tuple[Array, Array, Array]:
    """Semismooth Newton on the optimality conditions, to the goal or as long as it helps.

    Returns x, multipliers and residuals of shape (K,).
    """
    x = np.clip(x, 0.0, 1.0)
    slope = gradient(costs, x)
    residual = violation(sums, x, mu, slope)
    with np.errstate(all="ignore"):
        for _ in range(_MAX_POLISHING):
            if costs.n_households == 0 or (residual <= goal).all():
                break
            try:
                next_x, next_mu = _newton_step(costs, sums, x, mu, slope)
            except np.linalg.LinAlgError:
                break
            next_slope = gradient(costs, next_x)
            next_residual = violation(sums, next_x, next_mu, next_slope)
            better = next_residual < residual
            if better.all():
                x, mu, slope, residual = next_x, next_mu, next_slope, next_residual
                continue
            if not better.any():
                break
            x = np.where(better[:, np.newaxis, np.newaxis], next_x, x)
            slope = np.where(better[:, np.newaxis, np.newaxis], next_slope, slope)
            mu = np.where(better[:, np.newaxis], next_mu, mu)
            residual = np.where(better, next_residual, residual)
    return x, mu, residual


def _solved(multipliers: Array) -> float:
    return _SOLVED * (1.0 + float(np.abs(multipliers).max(initial=0.0)))


def _by_slsqp(costs: Costs, sums: Array, start: Array) -> tuple[Array, Array, Array]:
    x, mu = by_slsqp(costs, sums[0], start[0])
    return _polish(costs, sums, x[np.newaxis], mu[np.newaxis])


def _accepted(costs: Costs) -> float:
    """Residual at which Newton steps have arrived: a sum of N numbers up to 1 is not known better."""
    return 1e-12 + 1e-15 * costs.n_households


def _newton_step(costs: Costs, sums: Array, x: Array, mu: Array, slope: Array) -> tuple[Array, Array]:
    """Put at their bounds those who want to go there, and take a Newton step with the others."""
    bent = curvature(costs, x)
    dual = slope - mu[..., np.newaxis]
    wish = x - dual / bent.diagonal
    to_bound = np.where(wish <= 0.0, -x, np.where(wish >= 1.0, 1.0 - x, 0.0))
    moves = (wish > 0.0) & (wish < 1.0)
    system = bent.system(moves)
    missing = sums - x.sum(axis=2) - to_bound.sum(axis=2)
    dx, d_mu = system.solve(-dual - bent.push(to_bound), missing)
    return np.clip(x + dx + to_bound, 0.0, 1.0), mu + d_mu
