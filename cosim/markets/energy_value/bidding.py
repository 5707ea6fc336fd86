"""Bidding strategies: at what price a household offers its generation.

A strategy gives positions between the feed-in price (0) and the grid's price (1), or a κ of its own. What a
learner remembers is an array, given in and handed back; there is no state here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.config.bidding import BiddingConfig, FixedBids, LearningBids, RandomBids
from cosim.errors import InputError, Problem
from cosim.markets.energy_value.offers import feed_in_ratio, has_margin, prices_at, prices_from_kappa

_EDGE = 1e-9
"""Positions keep this distance from both ends: κ lies in an open interval (12)."""


def random_prices(
    bidding: RandomBids, uniforms: ArrayLike, feed_in_price: ArrayLike, grid_price: ArrayLike
) -> NDArray[np.float64]:
    """Prices with κ uniform on (φ^IEP, 1), or on the part of it between `low` and `high`.

    Parameters
    ----------
    bidding : RandomBids
        The range of κ.
    uniforms : array_like, shape (..., n_hours)
        Numbers on [0, 1), one a price.
    feed_in_price, grid_price : array_like, shape (n_hours,)
        EUR/kWh.

    Returns
    -------
    ndarray, shape (..., n_hours)
        EUR/kWh; NaN where nothing is offered, since no price suits both sides or the range of κ holds none.
    """
    iep, grid = np.asarray(feed_in_price, dtype=np.float64), np.asarray(grid_price, dtype=np.float64)
    start, end = np.zeros(grid.shape), np.ones(grid.shape)
    # A range of κ says something where the grid's price is positive; else the whole margin is taken.
    positive = (grid > 0) & has_margin(iep, grid)
    ratio = np.where(positive, feed_in_ratio(iep, grid), 0.0)
    if bidding.low is not None:
        start = np.where(positive, np.maximum((bidding.low - ratio) / (1 - ratio), 0.0), start)
    end = np.where(positive, (bidding.high - ratio) / (1 - ratio), end)
    position = start + np.asarray(uniforms, dtype=np.float64) * (end - start)
    prices = prices_at(np.clip(position, _EDGE, 1 - _EDGE), iep, grid)
    return np.where(start < end, prices, np.nan)


def fixed_prices(bidding: FixedBids, feed_in_price: ArrayLike, grid_price: ArrayLike) -> NDArray[np.float64]:
    """Prices of one κ; NaN in hours where it is outside its range (12), and nothing is offered.

    Raises
    ------
    InputError
        If κ is in range in no hour in which energy could be traded at all.
    """
    prices = prices_from_kappa(bidding.kappa, feed_in_price, grid_price)
    tradable = has_margin(feed_in_price, grid_price) & (np.asarray(grid_price) > 0)
    if np.any(tradable) and not np.any(np.isfinite(prices[tradable])):
        lowest = float(np.min(feed_in_ratio(feed_in_price, grid_price)[tradable]))
        message = f"κ is never above the feed-in price over the grid's, which is {lowest:.3g} at least"
        raise InputError(
            [Problem(message, f"Take a κ between {lowest:.3g} and 1.", "", value=f"{bidding.kappa:g}")]
        )
    return prices


def first_propensities(bidding: LearningBids, n_households: int) -> NDArray[np.float64]:
    """What learners know before they begin: nothing; shape (n_households, choices)."""
    return np.full((n_households, bidding.choices), bidding.initial_propensity)


def positions(bidding: LearningBids) -> NDArray[np.float64]:
    """The positions between feed-in price and grid price that a learner chooses from, shape (choices,)."""
    return np.asarray((np.arange(bidding.choices) + 0.5) / bidding.choices)


def choose(propensities: NDArray[np.float64], uniforms: ArrayLike) -> NDArray[np.int64]:
    """Each household's choice, with a probability in proportion to its propensity.

    Parameters
    ----------
    propensities : ndarray, shape (n_households, choices)
        At least 0, not all 0 in a row.
    uniforms : array_like, shape (n_households,)
        Numbers on [0, 1), one a household.

    Returns
    -------
    ndarray of int, shape (n_households,)
    """
    below = np.cumsum(propensities, axis=1)
    target = np.asarray(uniforms, dtype=np.float64) * below[:, -1]
    return np.asarray(np.minimum((below <= target[:, None]).sum(axis=1), propensities.shape[1] - 1))


def learn(
    bidding: LearningBids, propensities: NDArray[np.float64], chosen: NDArray[np.int64], rewards: ArrayLike
) -> NDArray[np.float64]:
    """Propensities after a day: the modified Roth–Erev rule.

    ``q_j ← (1 - r) q_j + reward · (1 - e)`` for the choice made, and ``(1 - r) q_j + q_j e / (choices - 1)``
    for the others (Nicolaisen, Petrov and Tesfatsion, 2001).

    Parameters
    ----------
    bidding : LearningBids
        r (recency), e (experimentation).
    propensities : ndarray, shape (n_households, choices)
        Before; not changed.
    chosen : ndarray of int, shape (n_households,)
        What each chose; below 0 for a household that offered nothing, and learns nothing.
    rewards : array_like, shape (n_households,)
        At least 0, see `reward`.

    Returns
    -------
    ndarray, shape (n_households, choices)
    """
    gain = np.asarray(rewards, dtype=np.float64)
    keep, spread = 1 - bidding.recency, bidding.experimentation / (bidding.choices - 1)
    after = propensities * (keep + spread)
    row = np.arange(len(propensities))
    after[row, chosen] = propensities[row, chosen] * keep + gain * (1 - bidding.experimentation)
    return np.where((chosen >= 0)[:, None], after, propensities)


def reward(
    sold_kwh: ArrayLike,
    offered_kwh: ArrayLike,
    price: ArrayLike,
    feed_in_price: ArrayLike,
    grid_price: ArrayLike,
) -> float:
    """What a day's sales earned beyond feeding in, as a share of the most they could have earned; 0 ... 1.

    Parameters
    ----------
    sold_kwh, offered_kwh : array_like, shape (n_hours,)
        Energy sold to other households and offered to them.
    price, feed_in_price, grid_price : array_like, shape (n_hours,)
        EUR/kWh; hours without a margin or an offer do not count, whatever their price.

    Returns
    -------
    float
        1 if all was sold at the grid's price, 0 if nothing was sold.
    """
    iep, grid = np.asarray(feed_in_price, dtype=np.float64), np.asarray(grid_price, dtype=np.float64)
    margin = np.maximum(grid - iep, 0.0)
    possible = float(np.sum(np.asarray(offered_kwh) * margin))
    if possible <= 0:
        return 0.0
    earned = np.where(np.asarray(sold_kwh) > 0, np.asarray(sold_kwh) * (np.asarray(price) - iep), 0.0)
    return max(0.0, float(np.sum(earned)) / possible)


def bid_prices(
    bidding: BiddingConfig,
    feed_in_price: ArrayLike,
    grid_price: ArrayLike,
    uniforms: ArrayLike,
    propensities: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], int]:
    """A household's prices for a day by its strategy.

    Parameters
    ----------
    bidding : RandomBids, FixedBids or LearningBids
        The strategy.
    feed_in_price, grid_price : array_like, shape (n_hours,)
        EUR/kWh.
    uniforms : array_like, shape (n_hours,)
        Numbers on [0, 1); a learner uses the first, a fixed κ none.
    propensities : ndarray, shape (choices,), optional
        What a learner has learnt.

    Returns
    -------
    prices : ndarray, shape (n_hours,)
        EUR/kWh; NaN where nothing is offered.
    chosen : int
        The learner's choice, to be handed to `learn`; -1 for other strategies.
    """
    match bidding:
        case RandomBids():
            return random_prices(bidding, uniforms, feed_in_price, grid_price), -1
        case FixedBids():
            return fixed_prices(bidding, feed_in_price, grid_price), -1
        case LearningBids():
            known = first_propensities(bidding, 1) if propensities is None else propensities[None, :]
            chosen = int(choose(known, np.asarray(uniforms)[:1])[0])
            return prices_at(positions(bidding)[chosen], feed_in_price, grid_price), chosen


def check_kappa(price: ArrayLike, feed_in_price: ArrayLike, grid_price: ArrayLike) -> NDArray[np.bool_]:
    """Whether prices that are offered obey (12): between feed-in price and grid price; True where NaN."""
    asked = np.asarray(price, dtype=np.float64)
    inside = (asked > np.asarray(feed_in_price)) & (asked < np.asarray(grid_price))
    return np.asarray(inside | np.isnan(asked), dtype=np.bool_)
