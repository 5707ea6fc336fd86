"""Where a community comes to rest under a response: σ = x̄ for everybody, with the sums at the capacities."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError
from cosim.regulation.community_costs import Costs
from cosim.regulation.optimum import require_feasible, solve_optimum
from cosim.regulation.responses import Responses

Array: TypeAlias = NDArray[np.float64]

_MAX_ROUNDS = 2000
_MAX_NUMBERS = 20_000_000
"""Averages that all rounds together work out at most, but for some hundred rounds: a few seconds."""
_SHARE_OF_THE_WAY = 0.25
"""How far the averages go in a round; the mean response turns back (slope below −1), so not all the way."""
_PATIENCE = 100
"""Rounds in which the distance must fall, or the share of the way is halved."""
_SETTLED = 1e-13
NOT_FIXED = 1e-4
"""Averages or sums that are off by more than this are no fixed point."""
_AT_A_BOUND = 1e-9
"""An average this near to a bound at which its response holds it counts as there; it would never arrive."""


class FixedPoint(NamedTuple):
    """Averages that a response repeats, as near as there are any."""

    averages: Array
    """x̄. Shape (m, N)."""
    signals: Array
    """Ω. Shape (m,)."""
    locked_out: NDArray[np.bool_]
    """Whose averages are all 0 because their gradients are not positive, so that no signal brings them back.
    Shape (N,)."""


def settle(responses: Responses, costs: Costs, capacities: Array) -> FixedPoint:
    """The fixed point at which the sums of the averages are the capacities.

    Where there is none, the nearest that was found: the clipped response there is another than the averages,
    or their sums are others than the capacities.

    Parameters
    ----------
    responses : Responses
        Of N households.
    costs : Costs
        Of N households.
    capacities : ndarray, shape (m,)
        C_r.

    Raises
    ------
    InputError
        If a capacity is below 0 or above N.
    """
    require_feasible(capacities, costs.n_households, costs.n_resources)
    if responses.rests_at_optimum or costs.n_households == 0:
        point = _at_optimum(costs, capacities, np.zeros(costs.n_households, dtype=np.bool_))
        if _is_held(responses, costs, point):
            return point
    reached = _by_mean_response(responses, costs, capacities)
    if responses.rests_at_optimum:
        # Averages that fall to 0 do so ever more slowly; the optimum of the others says where they end.
        try:
            point = _at_optimum(costs, capacities, reached.locked_out)
        except InputError:  # so many are locked out that the others cannot reach the capacities
            return reached
        if _is_held(responses, costs, point):
            return point
    return reached


def _at_optimum(costs: Costs, capacities: Array, locked_out: NDArray[np.bool_]) -> FixedPoint:
    """The optimum of Problem 1 without some, with its multipliers: the rest of those who ask for ∇g = Ω."""
    optimum = solve_optimum(costs, capacities, active=~locked_out if locked_out.any() else None)
    return FixedPoint(optimum.x.T, optimum.multipliers, locked_out)


def _is_held(responses: Responses, costs: Costs, point: FixedPoint) -> bool:
    """Whether a higher signal means more of a response for all who take part.

    Else averages leave the point at the least disturbance: one that multiplies by a gradient below 0, say.
    """
    slope = responses.slope(point.averages, np.array(costs.gradients(list(point.averages))))
    return bool((slope[point.averages > 0.0] > 0.0).all())


def _by_mean_response(responses: Responses, costs: Costs, capacities: Array) -> FixedPoint:
    """Follow the mean response, with Ω such that the sums hold.

    In each round Ω solves Σ clip(σ, 0, 1) = C, then the averages go a part of the way to the response, as
    they do in the market itself. So of several fixed points it finds one that the market can reach: from
    equal averages, or, where these lead to none, from averages of 1, with which the market begins. Where many
    households are locked out, which they are can depend on the way.
    """
    n = costs.n_households
    equal = np.repeat((capacities / n)[:, np.newaxis], n, axis=1)
    point, missing = _follow(responses, costs, capacities, equal)
    if missing > NOT_FIXED:
        from_one, still_missing = _follow(responses, costs, capacities, np.ones_like(equal))
        if still_missing < missing:
            return from_one
    return point


def _follow(responses: Responses, costs: Costs, capacities: Array, start: Array) -> tuple[FixedPoint, float]:
    """Where the mean response leads from a start, and how far that is from a fixed point with the sums."""
    x, wish, signals = start, start, np.zeros(len(capacities))
    share, least, before = _SHARE_OF_THE_WAY, np.inf, np.inf
    for number in range(1, 1 + max(300, min(_MAX_ROUNDS, _MAX_NUMBERS // start.size))):
        slope = np.array(costs.gradients(list(x)))
        answers = [responses.answer(c, x[r], slope[r]) for r, c in enumerate(capacities.tolist())]
        signals, wish = np.array([a.signal for a in answers]), np.array([a.clipped for a in answers])
        distance = np.abs(wish - x).max()
        if distance < _SETTLED:
            break
        least = min(least, distance)
        if number % _PATIENCE == 0:  # a steep response only swings: shorter steps
            share, least, before = (share if least < 0.99 * before else share / 2), np.inf, least
        x = x + share * (wish - x)
    at_bound = ((wish == 0.0) | (wish == 1.0)) & (np.abs(wish - x) < _AT_A_BOUND)
    x = np.where(at_bound, wish, x)
    not_rising = np.array(costs.gradients(list(x))) <= 0.0
    missing = max(np.abs(wish - x).max(), np.abs(wish.sum(axis=1) - capacities).max())
    locked_out = ((x == 0.0) & not_rising).all(axis=0) & responses.multiplies
    return FixedPoint(x, signals, locked_out), float(missing)
