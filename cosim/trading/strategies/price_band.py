"""Prices between the feed-in price and the grid's, paper B (11)-(13)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def feed_in_ratio(feed_in_price: ArrayLike, grid_price: ArrayLike) -> NDArray[np.float64]:
    """φ^IEP of paper B (13): the indexed electricity price over the grid's price; NaN where the latter is 0.

    Parameters
    ----------
    feed_in_price, grid_price : array_like, shape (n_hours,)
        P^IEP and P^G, EUR/kWh.
    """
    iep = np.asarray(feed_in_price, dtype=np.float64)
    grid = np.asarray(grid_price, dtype=np.float64)
    shape = np.broadcast(iep, grid).shape
    return np.asarray(np.divide(iep, grid, out=np.full(shape, np.nan), where=grid != 0))


def has_margin(feed_in_price: ArrayLike, grid_price: ArrayLike) -> NDArray[np.bool_]:
    """Whether a price exists that leaves both sides better off than the grid does: ``P^IEP < P^G``.

    With a negative grid price and the feed-in price a share of it, there is none: who feeds in pays less than
    who buys from the grid is paid, so nobody trades.
    """
    return np.asarray(np.asarray(feed_in_price) < np.asarray(grid_price), dtype=np.bool_)


def prices_at(position: ArrayLike, feed_in_price: ArrayLike, grid_price: ArrayLike) -> NDArray[np.float64]:
    """Prices at a position between the feed-in price (0) and the grid's (1); NaN where there is no margin.

    Parameters
    ----------
    position : array_like
        In (0, 1). The paper's κ is ``φ + position · (1 - φ)``, see `kappa_of`; this form holds for grid
        prices of zero and below too, where κ is not defined.
    feed_in_price, grid_price : array_like, shape (n_hours,)
        EUR/kWh.
    """
    iep = np.asarray(feed_in_price, dtype=np.float64)
    grid = np.asarray(grid_price, dtype=np.float64)
    price = iep + np.asarray(position, dtype=np.float64) * (grid - iep)
    return np.where(has_margin(iep, grid), price, np.nan)


def prices_from_kappa(
    kappa: ArrayLike, feed_in_price: ArrayLike, grid_price: ArrayLike
) -> NDArray[np.float64]:
    """Prices P^ψ = κ P^G (11); NaN where κ is outside its range (12), that is, where nothing is offered.

    Parameters
    ----------
    kappa : array_like
        Competitiveness coefficient; in (φ^IEP, 1) where the grid's price is positive.
    feed_in_price, grid_price : array_like, shape (n_hours,)
        EUR/kWh.
    """
    iep = np.asarray(feed_in_price, dtype=np.float64)
    grid = np.asarray(grid_price, dtype=np.float64)
    price = np.asarray(kappa, dtype=np.float64) * grid
    # For a positive grid price this is (12); it says the same of prices below zero.
    return np.where((price > iep) & (price < grid), price, np.nan)


def kappa_of(price: ArrayLike, grid_price: ArrayLike) -> NDArray[np.float64]:
    """κ of a price: ``P^ψ / P^G`` (11); NaN where the grid's price is 0."""
    return feed_in_ratio(price, grid_price)
