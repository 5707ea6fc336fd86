"""Bidding strategies: at what price a household offers its generation.

A strategy gives positions between the feed-in price (0) and the grid's price (1), or a κ of its own. What a
learner remembers is an array, given in and handed back; there is no state here.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.core.errors import Problem, count
from cosim.trading.schemas.bids import BiddingConfig, FixedBids, LearningBids, RandomBids
from cosim.trading.valuation.offers import feed_in_ratio, has_margin, prices_at, prices_from_kappa

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


def bid_problems(bidding: BiddingConfig, feed_in_price: ArrayLike, grid_price: ArrayLike) -> list[Problem]:
    """Where a strategy's own κ leaves its range (12), (φ^IEP, 1).

    Parameters
    ----------
    bidding : RandomBids, FixedBids or LearningBids
        The strategy; one that takes its range from φ^IEP has nothing to answer for.
    feed_in_price, grid_price : array_like, shape (n_hours,)
        Of every hour of a run, EUR/kWh.

    Returns
    -------
    list of Problem
        By key (`kappa`, `low`, `high`): an error where the number fits no hour, a warning where it fits some.
        Hours that leave no price between feed-in price and grid price, or have a grid price of 0 or less, do
        not count: κ says nothing there.
    """
    iep, grid = np.asarray(feed_in_price, dtype=np.float64), np.asarray(grid_price, dtype=np.float64)
    tradable = has_margin(iep, grid) & (grid > 0)
    iep, grid = iep[tradable], grid[tradable]
    if not len(grid):
        return []
    match bidding:
        case FixedBids(kappa=kappa):
            own = [("kappa", kappa, kappa * grid <= iep, "nothing is offered")]
        case RandomBids(low=None, high=high):
            own = [("high", high, high * grid <= iep, "nothing is offered")]
        case RandomBids(low=float(low), high=high):
            # A range that begins at φ itself is the paper's.
            own = [
                ("low", low, low * grid < iep, "φ is used instead"),
                ("high", high, high * grid <= iep, "nothing is offered"),
            ]
        case _:
            return []
    ratio = feed_in_ratio(iep, grid)
    return [
        _kappa_problem(key, kappa, below, ratio, consequence)
        for key, kappa, below, consequence in own
        if below.any()
    ]


def _kappa_problem(
    key: str, kappa: float, below: NDArray[np.bool_], ratio: NDArray[np.float64], consequence: str
) -> Problem:
    is_never = bool(below.all())
    phi = float(ratio.min() if is_never else ratio.max())
    where = (
        "any hour" if is_never else f"{int(below.sum())} of {count(len(below), 'hour')}; {consequence} there"
    )
    message = f"κ is not above the feed-in price over the grid's (φ = {phi:.3g}) in {where}"
    severity: Literal["error", "warning"] = "error" if is_never else "warning"
    return Problem(
        message, f"Choose a κ between {phi:.3g} and 1.", key, value=f"{kappa:g}", severity=severity
    )


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
            return prices_from_kappa(bidding.kappa, feed_in_price, grid_price), -1
        case LearningBids():
            known = first_propensities(bidding, 1) if propensities is None else propensities[None, :]
            chosen = int(choose(known, np.asarray(uniforms)[:1])[0])
            return prices_at(positions(bidding)[chosen], feed_in_price, grid_price), chosen
