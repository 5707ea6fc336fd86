"""Where a community comes to rest under a response: σ = x̄ for everybody, with the sums at the capacities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosim.regulation.costs import CostParameters, gradients
from cosim.regulation.optimum import solve_optimum

Array: TypeAlias = NDArray[np.float64]

_MAX_ROUNDS = 2000
_MAX_NUMBERS = 20_000_000
"""Averages that all rounds together work out at most, but for some hundred rounds: a few seconds."""
_SHARE_OF_THE_WAY = 0.25
"""How far the averages go in a round; the mean response turns back (slope below −1), so not all the way."""
_SETTLED = 1e-13
NOT_FIXED = 1e-4
"""Averages or sums that are off by more than this are no fixed point."""
_AT_A_BOUND = 1e-9
"""An average this near to a bound at which its response holds it counts as there; it would never arrive."""


class FixedPoint(NamedTuple):
    """Averages that a response repeats, as near as there are any.

    Attributes
    ----------
    averages : ndarray, shape (m, N)
        x̄.
    signals : ndarray, shape (m,)
        Ω.
    locked_out : ndarray of bool, shape (N,)
        Whose averages are all 0 because their gradients are not positive, so that no signal brings them back.
    """

    averages: Array
    signals: Array
    locked_out: NDArray[np.bool_]


def at_optimum(costs: CostParameters, capacities: Array) -> FixedPoint:
    """The optimum of Problem 1 with its multipliers: the fixed point of a response that asks for ∇g = Ω."""
    optimum = solve_optimum(costs, capacities)
    return FixedPoint(optimum.x.T, optimum.multipliers, np.zeros(costs.n_households, dtype=np.bool_))


def by_mean_response(
    slope: Callable[[Array, Array], Any], costs: CostParameters, capacities: Array
) -> FixedPoint:
    """Follow the mean response of a policy that multiplies by the signal, with Ω such that the sums hold.

    In each round Ω solves Σ clip(Ω·slope, 0, 1) = C, then the averages go a part of the way to the response,
    as they do in the market itself. So of several fixed points it finds one that the market can reach: from
    equal averages, or, where these lead to none, from averages of 1, with which the market begins. Where many
    households are locked out, which they are can depend on the way.

    Parameters
    ----------
    slope : callable
        σ/Ω of averages and gradients of shape (m, N), in the same shape.
    costs : CostParameters
        Arrays over N households.
    capacities : ndarray, shape (m,)
        C_r.
    """
    n = costs.n_households
    equal = np.repeat((capacities / n)[:, np.newaxis], n, axis=1)
    point, missing = _follow(slope, costs, capacities, equal)
    if missing > NOT_FIXED:
        from_one, still_missing = _follow(slope, costs, capacities, np.ones_like(equal))
        if still_missing < missing:
            return from_one
    return point


def _follow(
    slope: Callable[[Array, Array], Any], costs: CostParameters, capacities: Array, start: Array
) -> tuple[FixedPoint, float]:
    """Where the mean response leads from a start, and how far that is from a fixed point with the sums."""
    x, wish, signals = start, start, np.zeros(len(capacities))
    for _ in range(max(300, min(_MAX_ROUNDS, _MAX_NUMBERS // start.size))):
        ratio = np.maximum(slope(x, np.array(gradients(costs, list(x)))), 0.0)
        signals = np.array([_signal_for(row, c) for row, c in zip(ratio, capacities, strict=True)])
        wish = np.clip(signals[:, np.newaxis] * ratio, 0.0, 1.0)
        if np.abs(wish - x).max() < _SETTLED:
            break
        x = x + _SHARE_OF_THE_WAY * (wish - x)
    at_bound = ((wish == 0.0) | (wish == 1.0)) & (np.abs(wish - x) < _AT_A_BOUND)
    x = np.where(at_bound, wish, x)
    not_rising = np.array(gradients(costs, list(x))) <= 0.0
    missing = max(np.abs(wish - x).max(), np.abs(wish.sum(axis=1) - capacities).max())
    return FixedPoint(x, signals, ((x == 0.0) & not_rising).all(axis=0)), float(missing)


def _signal_for(ratio: Array, capacity: float) -> float:
    """The Ω with Σ min(Ω ratio, 1) = C: the sum is piecewise linear in Ω, so it is solved exactly."""
    ratio = np.sort(ratio[ratio > 0.0])[::-1]
    if capacity <= 0.0 or len(ratio) == 0:
        return 0.0
    # With the j steepest households at 1, the others share what is left in proportion.
    rest = np.cumsum(ratio[::-1])[::-1]
    candidates = (capacity - np.arange(len(ratio))) / rest
    fits = candidates * ratio <= 1.0
    return float(candidates[np.argmax(fits)]) if fits.any() else float(1.0 / ratio[-1])
