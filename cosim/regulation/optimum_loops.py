"""Optimal costs of many similar problems, one after another, for costs of paper A's family: a compiled loop.

It is the Newton step of `optimum` with the formula of Sherman and Morrison (`optimality.RankOneSystem`),
problem by problem: each begins where the one before ended, with the step that was worked out there, and ends
when its multipliers prove the optimum's cost to the last digits. What they prove is off by the square of what
the iteration left undone, see `aim`; so one step a problem is nearly always enough.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import compiled
from cosim.regulation.costs.polynomial import GradientTerms, own_slope, shared_slope
from cosim.regulation.optimality import PROXIMAL

Array = NDArray[np.float64]

BLOCK = 128
"""How many households stand side by side in memory, and are worked out from beginning to end before the
next."""
_LAST_DIGITS = 2.0**-52
"""Share of its cost by which what is proved may be below the optimum."""
_OF_RESOURCES, _PER_RESOURCE = 4, 4
"""Rows of `Followed.numbers`: of the household, and then of each resource."""
_NOBODY_WANTS = 1e100
"""Slope at a place where there is no household: it stays at 0, and costs nothing."""
_MOST = 1e300
_PROVED, _LEFT, _WORST, _OF_SUMS = range(4)
"""Places in `Followed.sums`."""


class Followed(NamedTuple):
    """Where the iteration stands; of households in blocks, the last filled up with places for nobody."""

    numbers: Array
    """Their costs, as `GradientTerms` has them; last of each resource 1/(2 c), c the least curvature of its
    own. Shape (B, 4 + 4 m, BLOCK)."""
    averages: Array
    """Shape (B, m, BLOCK)."""
    mu: Array
    """Multipliers. Shape (m,)."""
    steps: Array
    """The next step: that with the multipliers as they are, and how far one of these moves each average if
    the others stay, both for each resource; then the weight by which the resources depend on each other.
    Shape (B, 2 m + 1, BLOCK)."""
    lanes: Array
    """Sums over the blocks; and what each addition lost to them. Shape (2, 3 + 2 m + m², BLOCK)."""
    sums: Array
    """Over all households: the cost that is proved but for what the multipliers cost, what may be missing to
    it at these, and the largest violation of a condition; the sum of each resource, and what the next step
    adds to it with these multipliers; and how the multipliers change it, for each pair. NaN before the first
    step. Shape (3 + 2 m + m²,)."""
    room: Array
    """For one block. Shape (7, BLOCK)."""


def begin(terms: GradientTerms, x: Array, mu: Array) -> Followed:
    """The iteration at averages of shape (m, n) and multipliers of shape (m,)."""
    m, n = x.shape
    rows = np.zeros((_OF_RESOURCES + _PER_RESOURCE * m, n))
    rows[:_OF_RESOURCES] = terms[:_OF_RESOURCES]
    for row, each in enumerate(terms[_OF_RESOURCES:]):
        rows[_OF_RESOURCES + row :: _PER_RESOURCE] = each
    with np.errstate(divide="ignore"):
        rows[_OF_RESOURCES + 3 :: _PER_RESOURCE] = np.minimum(0.5 / terms.double_own, _MOST)
    numbers = _in_blocks(rows)
    numbers[-1, 0, n - (len(numbers) - 1) * BLOCK :] = _NOBODY_WANTS
    n_sums = _OF_SUMS + 2 * m + m * m
    return Followed(
        numbers=numbers,
        averages=_in_blocks(np.clip(x, 0.0, 1.0)),
        mu=mu.copy(),
        steps=np.zeros((len(numbers), 2 * m + 1, BLOCK)),
        lanes=np.zeros((2, n_sums, BLOCK)),
        sums=np.full(n_sums, np.nan),
        room=np.zeros((7, BLOCK)),
    )


def _in_blocks(rows: Array) -> Array:
    """Rows of shape (R, n) as an array of shape (B, R, BLOCK), with 0 where there is nobody."""
    n_blocks = -(-rows.shape[1] // BLOCK)
    filled = np.zeros((len(rows), n_blocks * BLOCK))
    filled[:, : rows.shape[1]] = rows
    return np.ascontiguousarray(filled.reshape(len(rows), n_blocks, BLOCK).swapaxes(0, 1))


def part_sum(values: Array) -> float:
    """The sum of a few numbers: loops that can take several at once."""
    a = b = c = d = 0.0
    place, n = 0, len(values)
    while place + 4 <= n:
        a += values[place]
        b += values[place + 1]
        c += values[place + 2]
        d += values[place + 3]
        place += 4
    while place < n:
        a += values[place]
        place += 1
    return (a + b) + (c + d)


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


def add(values: Array, total: Array, lost: Array) -> None:
    """Add numbers to sums, place by place, with what that loses (Kahan)."""
    for i in range(BLOCK):
        part = values[i] - lost[i]
        more = total[i] + part
        lost[i] = (more - total[i]) - part
        total[i] = more


def go(followed: Followed, b: int, d_mu: Array) -> None:
    """Let the households of a block take the step that waits; the sums of their averages."""
    pushed, total = followed.room[0], followed.room[1]
    m = len(d_mu)
    weight = followed.steps[b, 2 * m]
    for i in range(BLOCK):
        pushed[i] = total[i] = 0.0
    for r in range(m):
        freely, d = followed.steps[b, m + r], d_mu[r]
        for i in range(BLOCK):
            pushed[i] += freely[i] * d
    for r in range(m):
        x, step, freely, d = followed.averages[b, r], followed.steps[b, r], followed.steps[b, m + r], d_mu[r]
        for i in range(BLOCK):
            new = x[i] + (step[i] + freely[i] * (d - weight[i] * pushed[i]))
            new = 0.0 if new < 0.0 else new
            new = 1.0 if new > 1.0 else new
            x[i] = new
            total[i] += new


def share(followed: Followed, b: int) -> None:
    """What cost, gradient and curvature have in common for all resources."""
    numbers, total, shared, coupling, cost = (
        followed.numbers[b], followed.room[1], followed.room[2], followed.room[3], followed.room[4]
    )  # fmt: skip
    for i in range(BLOCK):
        d = total[i] - numbers[1, i]
        square = d * d
        shared[i] = numbers[0, i] + (numbers[2, i] + numbers[3, i] * square) * d
        coupling[i] = numbers[2, i] + 3.0 * numbers[3, i] * square
        cost[i] = numbers[0, i] * total[i] + (0.5 * numbers[2, i] + 0.25 * numbers[3, i] * square) * square


def aim(followed: Followed, b: int) -> None:
    """Where the households of a block want to go, and what they prove.

    A household's cost is nowhere below its tangent at x, nor, d being the tangent's slope less the multiplier
    and c the least curvature of the cost along a resource, below the cost at x by more than d²/(2 c). The
    nearer of the two is what it proves.
    """
    m = len(followed.mu)
    shared, coupling, cost = followed.room[2], followed.room[3], followed.room[4]
    bound_sum, freely_sum, step_sum = followed.room[0], followed.room[5], followed.room[6]
    left, worst = followed.lanes[0, _LEFT], followed.lanes[0, _WORST]
    for i in range(BLOCK):
        bound_sum[i] = freely_sum[i] = step_sum[i] = 0.0
    for r in range(m):
        row = _OF_RESOURCES + _PER_RESOURCE * r
        target, double, fourfold, most = (
            followed.numbers[b, row], followed.numbers[b, row + 1], followed.numbers[b, row + 2],
            followed.numbers[b, row + 3],
        )  # fmt: skip
        averages, steps, free = followed.averages[b, r], followed.steps[b, r], followed.steps[b, m + r]
        mu = followed.mu[r]
        for i in range(BLOCK):
            x, e = averages[i], averages[i] - target[i]
            square = e * e
            dual = shared[i] + (double[i] + fourfold[i] * square) * e - mu
            own = double[i] + 3.0 * fourfold[i] * square + PROXIMAL
            both = own + coupling[i]
            goal = x - dual
            goal = 0.0 if goal < 0.0 else goal
            goal = 1.0 if goal > 1.0 else goal
            off = abs(x - goal)
            worst[i] = worst[i] if worst[i] >= off else off
            low, high, near = dual * x, dual * (x - 1.0), dual * dual * most[i]
            gain = low if low > high else high
            gain = near if near < gain else gain
            left[i] += gain
            cost[i] += (0.5 * double[i] + 0.25 * fourfold[i] * square) * square - gain
            is_low, is_high = dual >= x * both, -dual >= (1.0 - x) * both
            # One resource: its sum is itself.
            freely = 1.0 / (both if m == 1 else own)
            freely = 0.0 if is_low else freely
            freely = 0.0 if is_high else freely
            to_bound = 1.0 - x if is_high else 0.0
            to_bound = -x if is_low else to_bound
            step = -(freely * dual)
            free[i] = freely
            steps[i] = to_bound + step
            bound_sum[i] += to_bound
            freely_sum[i] += freely
            step_sum[i] += step


def couple(followed: Followed, b: int) -> None:
    """What the resources of a household do to each other in its step; and the sums over the block."""
    m = len(followed.mu)
    coupling, pull = followed.room[3], followed.room[2]
    bound_sum, freely_sum, step_sum = followed.room[0], followed.room[5], followed.room[6]
    weight = followed.steps[b, 2 * m]
    lanes, lost = followed.lanes[0], followed.lanes[1]
    for i in range(BLOCK):
        pushed = coupling[i] * bound_sum[i]
        of_sum = 0.0 if m == 1 else coupling[i] / (1.0 + coupling[i] * freely_sum[i])
        weight[i] = of_sum
        pull[i] = pushed + of_sum * (step_sum[i] - pushed * freely_sum[i])
    add(followed.room[4], lanes[_PROVED], lost[_PROVED])
    for r in range(m):
        steps, free = followed.steps[b, r], followed.steps[b, m + r]
        moved = lanes[_OF_SUMS + m + r]
        add(followed.averages[b, r], lanes[_OF_SUMS + r], lost[_OF_SUMS + r])
        for i in range(BLOCK):
            steps[i] -= free[i] * pull[i]
            moved[i] += steps[i]
        for other in range(r, m):
            others, matrix = followed.steps[b, m + other], lanes[_OF_SUMS + 2 * m + r * m + other]
            own = 1.0 if other == r else 0.0
            for i in range(BLOCK):
                matrix[i] += free[i] * (own - weight[i] * others[i])


def advance(followed: Followed, d_mu: Array) -> None:
    """Take the step that waits, with these changes of the multipliers, and work out the next."""
    m, sums, lanes, lost = len(d_mu), followed.sums, followed.lanes[0], followed.lanes[1]
    for r in range(m):
        followed.mu[r] += d_mu[r]
    for place in range(len(sums)):
        for i in range(BLOCK):
            lanes[place, i] = lost[place, i] = 0.0
    for b in range(len(followed.numbers)):
        go(followed, b, d_mu)
        share(followed, b)
        aim(followed, b)
        couple(followed, b)
    for place in range(len(sums)):
        sums[place] = part_sum(lanes[place]) - part_sum(lost[place])
    worst = 0.0
    for i in range(BLOCK):
        worst = worst if worst >= lanes[_WORST, i] else lanes[_WORST, i]
    sums[_WORST] = worst


def equations(followed: Followed, wanted: Array, matrix: Array, right: Array) -> tuple[float, float]:
    """How far all is from its conditions where the averages are to have these sums, and what is proved of it.

    Written are the equations of the multipliers' step.
    """
    m, sums = len(wanted), followed.sums
    off, proved = sums[_WORST], sums[_PROVED]
    for r in range(m):
        missing = wanted[r] - sums[_OF_SUMS + r]
        if not abs(missing) <= off:
            off = abs(missing)
        proved += followed.mu[r] * missing
        for other in range(r, m):
            matrix[r, other] = matrix[other, r] = sums[_OF_SUMS + 2 * m + r * m + other]
        right[r] = missing - sums[_OF_SUMS + m + r]
    for r in range(m):
        # A resource that no household can move has no equation; its multiplier goes where it may have one.
        matrix[r, r] = matrix[r, r] * (1.0 + 1e-14) if matrix[r, r] > 0.0 else 1.0
    return off, proved


@compiled(part_sum, shared_slope, own_slope)
def measure(terms: GradientTerms, averages: Array, slopes: Array, costs: Array) -> None:
    """What averages of shape (K, m, n) cost in sum in each of K steps, and the gradients there; written.

    The gradients are those of `CostParameters.gradients`, to the bit.
    """
    m, n = averages.shape[1:]
    room = np.empty((2, BLOCK))
    total, cost = room[0], room[1]
    for k in range(len(averages)):
        costs[k] = lost = 0.0
        for first in range(0, n, BLOCK):
            last = min(first + BLOCK, n)
            linear, target = terms.linear[first:last], terms.target[first:last]
            double, fourfold = terms.double_quadratic[first:last], terms.fourfold_quartic[first:last]
            x = averages[k, 0, first:last]
            for i in range(len(x)):
                total[i] = x[i]
            for r in range(1, m):
                x = averages[k, r, first:last]
                for i in range(len(x)):
                    total[i] += x[i]
            for i in range(len(x)):
                square = (total[i] - target[i]) * (total[i] - target[i])
                cost[i] = linear[i] * total[i] + (0.5 * double[i] + 0.25 * fourfold[i] * square) * square
                total[i] = shared_slope(linear[i], target[i], double[i], fourfold[i], total[i])
            for r in range(m):
                x, slope = averages[k, r, first:last], slopes[k, r, first:last]
                target, double, fourfold = (
                    terms.own_target[r, first:last], terms.double_own[r, first:last],
                    terms.fourfold_own[r, first:last],
                )  # fmt: skip
                for i in range(len(x)):
                    square = (x[i] - target[i]) * (x[i] - target[i])
                    cost[i] += (0.5 * double[i] + 0.25 * fourfold[i] * square) * square
                    slope[i] = total[i] + own_slope(target[i], double[i], fourfold[i], x[i])
            part = part_sum(cost[: len(x)]) - lost
            more = costs[k] + part
            lost = (more - costs[k]) - part
            costs[k] = more


@compiled(part_sum, solve, add, go, share, aim, couple, advance, equations)
def follow(followed: Followed, sums: Array, goal: float, most: int, costs: Array) -> int:
    """Optimal costs of problems with the same households, of which those that follow are similar.

    It ends before the first problem at whose optimum Newton's steps do not arrive.

    Parameters
    ----------
    followed : Followed
        Near the optimum of the first; then at that of the last that was solved.
    sums : ndarray, shape (K, m)
        What the averages must add up to in each problem.
    goal : float
        Violation of the conditions at which a problem is solved, whatever is proved of it.
    most : int
        So many steps are taken at most.
    costs : ndarray, shape (K,)
        What each costs at least; written.

    Returns
    -------
    int
        How many were solved.
    """
    m = len(followed.mu)
    matrix, right, d_mu = np.empty((m, m)), np.empty(m), np.empty(m)
    if followed.sums[_PROVED] != followed.sums[_PROVED]:
        for r in range(m):
            d_mu[r] = 0.0
        advance(followed, d_mu)
    for k in range(len(sums)):
        before = np.inf
        for n_steps in range(most + 1):
            off, costs[k] = equations(followed, sums[k], matrix, right)
            if off <= goal:
                break
            for r in range(m):
                d_mu[r] = right[r]
            if not solve(matrix, d_mu):
                return k
            # The next step gains half of what its multipliers promise.
            left = followed.sums[_LEFT]
            for r in range(m):
                left += 0.5 * right[r] * d_mu[r]
            if left <= _LAST_DIGITS * abs(costs[k]):
                break
            if n_steps == most or not off < before:
                return k
            before = off
            advance(followed, d_mu)
    return len(sums)
