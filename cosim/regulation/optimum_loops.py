"""Optimal costs of many similar problems, one after another, for costs of paper A's family: a compiled loop.

It is the Newton step of `optimum` with the formula of Sherman and Morrison (`optimality.RankOneSystem`),
problem by problem: each begins where the one before ended, and ends when it has arrived. What it gives is the
same bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import compiled
from cosim.regulation.costs.polynomial import GradientTerms
from cosim.regulation.optimality import PROXIMAL

Array = NDArray[np.float64]

_TOGETHER = 128
"""How many numbers are added as they come; their sums are added together with the rounding errors."""
_IN_CACHE = 2048
"""So many households are worked out from beginning to end before the next."""


class Scratch(NamedTuple):
    """What a Newton step works out of each household."""

    inverse: Array
    push: Array
    to_bound: Array
    step: Array
    """1/D, or 0 where nothing moves; the right side; the way to a bound; and first of all how far the
    averages are off their conditions. Shape (m, n)."""
    shared: Array
    coupling: Array
    weight: Array
    first: Array
    second: Array
    bound: Array
    """Of gradient and curvature what all resources share; the weight of the rank-one term; sums over
    resources; and what the averages prove of each household's cost. Shape (n,)."""
    at: Array
    beyond: Array
    """The averages before a step and after it. Shape (m, n)."""


def scratch_for(m: int, n: int) -> Scratch:
    """Room for `m` resources and `n` households; to be kept, since memory that is new is slow."""
    return Scratch(
        *(np.empty((m, n)) for _ in range(4)),
        *(np.empty(n) for _ in range(6)),
        *(np.empty((m, n)) for _ in range(2)),
    )


def clear(numbers: Array) -> None:
    """Set all to 0; by a loop, for assigning to a slice takes seconds to compile."""
    for place in range(len(numbers)):
        numbers[place] = 0.0


def copy(x: Array, mu: Array, to_x: Array, to_mu: Array) -> None:
    """Averages and multipliers, to another place."""
    for r in range(len(mu)):
        to_mu[r] = mu[r]
        row, to_row = x[r], to_x[r]
        for i in range(len(row)):
            to_row[i] = row[i]


def exact_sum(values: Array) -> float:
    """The sum of many numbers, good to the last digits: compensated (Neumaier), in parts of a few."""
    total = lost = 0.0
    for begin in range(0, len(values), _TOGETHER):
        end = min(begin + _TOGETHER, len(values))
        a = b = c = d = 0.0
        place = begin
        while place + 4 <= end:
            a += values[place]
            b += values[place + 1]
            c += values[place + 2]
            d += values[place + 3]
            place += 4
        while place < end:
            a += values[place]
            place += 1
        part = (a + b) + (c + d)
        more = total + part
        lost += (total - more) + part if abs(total) >= abs(part) else (part - more) + total
        total = more
    return total + lost


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


def share(terms: GradientTerms, x: Array, scratch: Scratch, begin: int, end: int) -> None:
    """What cost, gradient and curvature have in common for all resources."""
    total, shared, coupling, bound = (
        scratch.first[begin:end], scratch.shared[begin:end], scratch.coupling[begin:end],
        scratch.bound[begin:end],
    )  # fmt: skip
    linear, target = terms.linear[begin:end], terms.target[begin:end]
    double_quadratic, fourfold_quartic = terms.double_quadratic[begin:end], terms.fourfold_quartic[begin:end]
    clear(total)
    for r in range(len(x)):
        row = x[r][begin:end]
        for i in range(len(total)):
            total[i] += row[i]
    for i in range(len(total)):
        d = total[i] - target[i]
        shared[i] = linear[i] + (double_quadratic[i] + fourfold_quartic[i] * (d * d)) * d
        coupling[i] = double_quadratic[i] + 3.0 * fourfold_quartic[i] * (d * d)
        half = (0.5 * double_quadratic[i] + 0.25 * fourfold_quartic[i] * (d * d)) * (d * d)
        bound[i] = linear[i] * total[i] + half


def aim(terms: GradientTerms, x: Array, mu: Array, scratch: Scratch, begin: int, end: int) -> None:
    """Where some households want to go. Loops without branches, so that several households go at once."""
    share(terms, x, scratch, begin, end)
    m = len(x)
    shared, coupling, weight = (
        scratch.shared[begin:end], scratch.coupling[begin:end], scratch.weight[begin:end]
    )  # fmt: skip
    bound_sum, inverse_sum = scratch.first[begin:end], scratch.second[begin:end]
    bound = scratch.bound[begin:end]
    clear(bound_sum)
    clear(inverse_sum)
    for r in range(m):
        own_target, double_own = terms.own_target[r][begin:end], terms.double_own[r][begin:end]
        fourfold_own, row, push = (
            terms.fourfold_own[r][begin:end],
            x[r][begin:end],
            scratch.push[r][begin:end],
        )
        to_bound, off = scratch.to_bound[r][begin:end], scratch.step[r][begin:end]
        inverse = scratch.inverse[r][begin:end]
        for i in range(len(row)):
            e = row[i] - own_target[i]
            dual = shared[i] + (double_own[i] + fourfold_own[i] * (e * e)) * e - mu[r]
            own = double_own[i] + 3.0 * fourfold_own[i] * (e * e) + PROXIMAL
            goal = row[i] - dual
            goal = 0.0 if goal < 0.0 else goal
            goal = 1.0 if goal > 1.0 else goal
            off[i] = abs(row[i] - goal)
            both = own + coupling[i]
            wish = row[i] - dual / both
            way = 1.0 - row[i] if wish >= 1.0 else 0.0
            to_bound[i] = -row[i] if wish <= 0.0 else way
            # One resource: its sum is itself.
            moved = 1.0 / (both if m == 1 else own)
            moved = 0.0 if wish <= 0.0 else moved
            inverse[i] = 0.0 if wish >= 1.0 else moved
            push[i] = -dual
            # Of the tangent at x the household takes what costs it least.
            low, high = -dual * row[i], dual * (1.0 - row[i])
            tangent = low if low < high else high
            bound[i] += (0.5 * double_own[i] + 0.25 * fourfold_own[i] * (e * e)) * (e * e) + tangent
            bound_sum[i] += to_bound[i]
            inverse_sum[i] += inverse[i]
    for i in range(len(weight)):
        weight[i] = 0.0 if m == 1 else coupling[i] / (1.0 + coupling[i] * inverse_sum[i])
        bound_sum[i] *= coupling[i]


def assemble(
    terms: GradientTerms,
    x: Array,
    mu: Array,
    wanted: Array,
    scratch: Scratch,
    matrix: Array,
    right: Array,
) -> tuple[float, float]:
    """The residual at x and μ, the bound on the optimum's cost that they prove, and the next Newton step.

    The bound is explained at `OptimalCosts.of`, the step is that of the multipliers' system.

    Parameters
    ----------
    terms : GradientTerms
        The costs.
    x, mu, wanted : ndarray, shape (m, n), (m,) and (m,)
        Averages, multipliers, and the sums that are asked for.
    scratch : Scratch
        Of each household; written.
    matrix, right : ndarray, shape (m, m) and (m,)
        The system of the multipliers; written.
    """
    m, n = x.shape
    worst = proved = 0.0
    moving, moved, placed = np.zeros(m), np.zeros(m), np.zeros(m)
    for r in range(m):
        clear(matrix[r])
    for begin in range(0, n, _IN_CACHE):
        end = min(begin + _IN_CACHE, n)
        aim(terms, x, mu, scratch, begin, end)
        weight, bound_push = scratch.weight[begin:end], scratch.first[begin:end]
        scaled_sum = scratch.second[begin:end]
        clear(scaled_sum)
        proved += exact_sum(scratch.bound[begin:end])
        for r in range(m):
            push, inverse = scratch.push[r][begin:end], scratch.inverse[r][begin:end]
            for i in range(len(push)):
                push[i] -= bound_push[i]
                scaled_sum[i] += inverse[i] * push[i]
            for off in scratch.step[r][begin:end]:
                if not off <= worst:
                    worst = off
        for r in range(m):
            push, inverse = scratch.push[r][begin:end], scratch.inverse[r][begin:end]
            step = scratch.step[r][begin:end]
            for i in range(len(step)):
                step[i] = inverse[i] * (push[i] - weight[i] * scaled_sum[i])
            placed[r] += exact_sum(x[r][begin:end])
            moved[r] += exact_sum(scratch.to_bound[r][begin:end]) + exact_sum(step)
            moving[r] += exact_sum(inverse)
            for other in range(r, m):
                others = scratch.inverse[other][begin:end]
                for i in range(len(step)):
                    step[i] = inverse[i] * weight[i] * others[i]
                matrix[r, other] -= exact_sum(step)
    for r in range(m):
        missing = wanted[r] - placed[r]
        if not abs(missing) <= worst:
            worst = abs(missing)
        proved += mu[r] * missing
        # A resource that no household can move has no equation; its multiplier stays.
        right[r] = missing - moved[r] if moving[r] > 0.0 else 0.0
        matrix[r, r] = (matrix[r, r] + moving[r] if moving[r] > 0.0 else 1.0) * (1.0 + 1e-14)
        for other in range(r):
            matrix[r, other] = matrix[other, r]
    return worst, proved


@compiled(exact_sum)
def reached(terms: GradientTerms, averages: Array, costs: Array) -> None:
    """What averages of shape (K, m, n) cost in sum, in each of K steps; written to `costs`."""
    m, n = averages.shape[1:]
    own = np.empty(n)
    for k in range(len(averages)):
        for i in range(n):
            total = averages[k, 0, i]
            for r in range(1, m):
                total += averages[k, r, i]
            square = (total - terms.target[i]) * (total - terms.target[i])
            own[i] = (
                terms.linear[i] * total
                + (0.5 * terms.double_quadratic[i] + 0.25 * terms.fourfold_quartic[i] * square) * square
            )
        for r in range(m):
            row = averages[k, r]
            own_target, double_own, fourfold = terms.own_target[r], terms.double_own[r], terms.fourfold_own[r]
            for i in range(n):
                square = (row[i] - own_target[i]) * (row[i] - own_target[i])
                own[i] += (0.5 * double_own[i] + 0.25 * fourfold[i] * square) * square
        costs[k] = exact_sum(own)


@compiled(clear, copy, exact_sum, solve, share, aim, assemble)
def follow(
    terms: GradientTerms,
    sums: Array,
    x: Array,
    mu: Array,
    goal: float,
    most: int,
    costs: Array,
    scratch: Scratch,
) -> int:
    """Optimal costs of problems with the same households, of which those that follow are similar.

    It ends before the first problem at whose optimum Newton's steps do not arrive.

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
        What each costs at least; written.
    scratch : Scratch
        Room to work in.

    Returns
    -------
    int
        How many were solved.
    """
    m, n = x.shape
    matrix, right = np.empty((m, m)), np.empty(m)
    at, beyond, at_mu, beyond_mu = scratch.at, scratch.beyond, np.empty(m), np.empty(m)
    scaled_sum = scratch.second
    for k in range(len(sums)):
        copy(x, mu, beyond, beyond_mu)
        residual = np.inf
        for step in range(most + 1):
            next_residual, proved = assemble(terms, beyond, beyond_mu, sums[k], scratch, matrix, right)
            if not next_residual < residual:
                break
            residual, costs[k] = next_residual, proved
            at, beyond, at_mu, beyond_mu = beyond, at, beyond_mu, at_mu
            if residual <= goal or step == most or not solve(matrix, right):
                break
            clear(scaled_sum)
            for r in range(m):
                push, inverse = scratch.push[r], scratch.inverse[r]
                for i in range(n):
                    push[i] = inverse[i] * (push[i] + right[r])
                    scaled_sum[i] += push[i]
            for r in range(m):
                push, inverse, to_bound = scratch.push[r], scratch.inverse[r], scratch.to_bound[r]
                before, after = at[r], beyond[r]
                for i in range(n):
                    new = before[i] + (push[i] - inverse[i] * scratch.weight[i] * scaled_sum[i]) + to_bound[i]
                    new = 0.0 if new < 0.0 else new
                    after[i] = 1.0 if new > 1.0 else new
                beyond_mu[r] = at_mu[r] + right[r]
        if not residual <= goal:
            return k
        copy(at, at_mu, x, mu)
    return len(sums)
