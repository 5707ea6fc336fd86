"""Optimal costs of many similar problems, one after another, for costs of paper A's family: a compiled loop.

It is the Newton step of `optimum` with the formula of Sherman and Morrison (`optimality.RankOneSystem`),
problem by problem: each begins where the one before ended, and ends when it has arrived. What it gives is the
same bound.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import compiled
from cosim.regulation.costs.polynomial import GradientTerms
from cosim.regulation.optimality import PROXIMAL

Array = NDArray[np.float64]

_TOGETHER = 128
"""So many numbers are added as they come; their sums are added with what each addition leaves."""


def add_up(sums: Array, lost: Array, more: Array) -> None:
    """Add to sums of many numbers, with Neumaier's compensation, and begin `more` anew."""
    for place in range(len(sums)):
        total = sums[place] + more[place]
        if abs(sums[place]) >= abs(more[place]):
            lost[place] += (sums[place] - total) + more[place]
        else:
            lost[place] += (more[place] - total) + sums[place]
        sums[place], more[place] = total, 0.0


def solve(matrix: Array, right: Array) -> bool:
    """Gauss's elimination of a few equations, in place; whether they have one solution, then in `right`."""
    m = len(right)
    for column in range(m):
        pivot = column
        for row in range(column + 1, m):
            if abs(matrix[row, column]) > abs(matrix[pivot, column]):
                pivot = row
        if not abs(matrix[pivot, column]) > 0.0:
            return False
        for other in range(m):
            matrix[column, other], matrix[pivot, other] = matrix[pivot, other], matrix[column, other]
        right[column], right[pivot] = right[pivot], right[column]
        for row in range(column + 1, m):
            factor = matrix[row, column] / matrix[column, column]
            for other in range(column, m):
                matrix[row, other] -= factor * matrix[column, other]
            right[row] -= factor * right[column]
    for row in range(m - 1, -1, -1):
        for other in range(row + 1, m):
            right[row] -= matrix[row, other] * right[other]
        right[row] /= matrix[row, row]
    return True


def assemble(
    terms: GradientTerms,
    x: Array,
    mu: Array,
    wanted: Array,
    inverse: Array,
    weight: Array,
    push: Array,
    to_bound: Array,
    matrix: Array,
    right: Array,
) -> float:
    """The residual at x and μ, and the system of the next Newton step.

    Parameters
    ----------
    terms : GradientTerms
        The costs.
    x, mu, wanted : ndarray, shape (m, n), (m,) and (m,)
        Averages, multipliers, and the sums that are asked for.
    inverse, weight, push, to_bound : ndarray, shape (m, n), (n,), (m, n) and (m, n)
        Of each household: 1/D, the weight of the rank-one term, the right side, and its way to a bound;
        written.
    matrix, right : ndarray, shape (m, m) and (m,)
        The system of the multipliers; written.
    """
    m, n = x.shape
    # x, own steps, ways to bounds, 1/D of each resource; then the products of pairs.
    sums, lost, some = np.zeros(4 * m + m * m), np.zeros(4 * m + m * m), np.zeros(4 * m + m * m)
    worst = 0.0
    for i in range(n):
        total = x[0, i]
        for r in range(1, m):
            total += x[r, i]
        d = total - terms.target[i]
        shared = terms.linear[i] + (terms.double_quadratic[i] + terms.fourfold_quartic[i] * (d * d)) * d
        coupling = terms.double_quadratic[i] + 3.0 * terms.fourfold_quartic[i] * (d * d)
        bound_sum = inverse_sum = 0.0
        for r in range(m):
            e = x[r, i] - terms.own_target[r, i]
            dual = shared + (terms.double_own[r, i] + terms.fourfold_own[r, i] * (e * e)) * e - mu[r]
            own = terms.double_own[r, i] + 3.0 * terms.fourfold_own[r, i] * (e * e) + PROXIMAL
            off = abs(x[r, i] - min(max(x[r, i] - dual, 0.0), 1.0))
            if not off <= worst:
                worst = off
            wish = x[r, i] - dual / (own + coupling)
            push[r, i], to_bound[r, i], inverse[r, i] = -dual, 0.0, 0.0
            if wish <= 0.0:
                to_bound[r, i] = -x[r, i]
            elif wish >= 1.0:
                to_bound[r, i] = 1.0 - x[r, i]
            else:
                # One resource: its sum is itself.
                inverse[r, i] = 1.0 / (own + coupling) if m == 1 else 1.0 / own
            bound_sum += to_bound[r, i]
            inverse_sum += inverse[r, i]
        bound_push = coupling * bound_sum
        weight[i] = 0.0 if m == 1 else coupling / (1.0 + coupling * inverse_sum)
        scaled_sum = 0.0
        for r in range(m):
            push[r, i] -= bound_push
            scaled_sum += inverse[r, i] * push[r, i]
        for r in range(m):
            some[r] += x[r, i]
            some[m + r] += inverse[r, i] * (push[r, i] - weight[i] * scaled_sum)
            some[2 * m + r] += to_bound[r, i]
            some[3 * m + r] += inverse[r, i]
            for other in range(m):
                some[4 * m + r * m + other] += inverse[r, i] * weight[i] * inverse[other, i]
        if i % _TOGETHER == _TOGETHER - 1:
            add_up(sums, lost, some)
    add_up(sums, lost, some)
    sums += lost
    for r in range(m):
        moves = sums[3 * m + r] > 0.0
        missing = wanted[r] - sums[r]
        if not abs(missing) <= worst:
            worst = abs(missing)
        right[r] = missing - sums[2 * m + r] - sums[m + r] if moves else 0.0
        for other in range(m):
            matrix[r, other] = -sums[4 * m + r * m + other]
        # A resource that no household can move has no equation; its multiplier stays.
        matrix[r, r] = (matrix[r, r] + sums[3 * m + r] if moves else 1.0) * (1.0 + 1e-14)
    return worst


def proved(terms: GradientTerms, x: Array, mu: Array, wanted: Array) -> float:
    """The bound on the cost of the optimum that x and μ prove; see `optimum.optimal_costs`."""
    m, n = x.shape
    sums, lost, some = np.zeros(1 + m), np.zeros(1 + m), np.zeros(1 + m)
    for i in range(n):
        total = x[0, i]
        for r in range(1, m):
            total += x[r, i]
        d = total - terms.target[i]
        square = d * d
        shared = terms.linear[i] + (terms.double_quadratic[i] + terms.fourfold_quartic[i] * square) * d
        bound = terms.linear[i] * total
        bound += (0.5 * terms.double_quadratic[i] + 0.25 * terms.fourfold_quartic[i] * square) * square
        for r in range(m):
            e = x[r, i] - terms.own_target[r, i]
            square = e * e
            bound += (0.5 * terms.double_own[r, i] + 0.25 * terms.fourfold_own[r, i] * square) * square
            reduced = shared + (terms.double_own[r, i] + terms.fourfold_own[r, i] * square) * e - mu[r]
            bound += -reduced * x[r, i] if reduced > 0.0 else reduced * (1.0 - x[r, i])
            some[1 + r] += x[r, i]
        some[0] += bound
        if i % _TOGETHER == _TOGETHER - 1:
            add_up(sums, lost, some)
    add_up(sums, lost, some)
    sums += lost
    result = sums[0]
    for r in range(m):
        result += mu[r] * (wanted[r] - sums[1 + r])
    return float(result)


@compiled(add_up, solve, assemble, proved)
def follow(
    terms: GradientTerms, sums: Array, x: Array, mu: Array, goal: float, most: int, costs: Array
) -> None:
    """Optimal costs of problems with the same households, of which those that follow are similar.

    Parameters
    ----------
    terms : GradientTerms
        Their costs.
    sums : ndarray, shape (K, m)
        What the averages must add up to in each problem.
    x, mu : ndarray, shape (m, n) and (m,)
        Near the optimum of the first; then that of the last that was solved.
    goal : float
        The residual at which a problem is solved.
    most : int
        So many steps are taken at most.
    costs : ndarray, shape (K,)
        What each costs at least; NaN where Newton's steps do not arrive.
    """
    m, n = x.shape
    inverse, push, to_bound = np.empty((m, n)), np.empty((m, n)), np.empty((m, n))
    weight, matrix, right = np.empty(n), np.empty((m, m)), np.empty(m)
    next_x, next_mu = np.empty((m, n)), np.empty(m)
    for k in range(len(sums)):
        at, at_mu = x.copy(), mu.copy()
        residual = assemble(terms, at, at_mu, sums[k], inverse, weight, push, to_bound, matrix, right)
        for _ in range(most):
            if residual <= goal or not solve(matrix, right):
                break
            for i in range(n):
                scaled_sum = 0.0
                for r in range(m):
                    push[r, i] = inverse[r, i] * (push[r, i] + right[r])
                    scaled_sum += push[r, i]
                for r in range(m):
                    step = push[r, i] - inverse[r, i] * weight[i] * scaled_sum
                    next_x[r, i] = min(max(at[r, i] + step + to_bound[r, i], 0.0), 1.0)
            for r in range(m):
                next_mu[r] = at_mu[r] + right[r]
            reached = assemble(
                terms, next_x, next_mu, sums[k], inverse, weight, push, to_bound, matrix, right
            )
            if not reached < residual:
                break
            residual = reached
            at[:], at_mu[:] = next_x, next_mu
        costs[k] = np.nan
        if residual <= goal:
            costs[k] = proved(terms, at, at_mu, sums[k])
            x[:], mu[:] = at, at_mu
