"""Offers of energy between households: prices between the feed-in price and the grid's, paper B (11)-(13)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

GRID = -1
"""The seller number of the grid."""


class Offer(NamedTuple):
    """A quantity that a household offers for one hour.

    Attributes
    ----------
    hour : int
        Hour of the day, from 0.
    seller : int
        Number of the household.
    quantity_kwh : float
        ω, the most it sells.
    price : float
        P^ψ, EUR/kWh.
    """

    hour: int
    seller: int
    quantity_kwh: float
    price: float


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


def make_offers(seller: int, quantity_kwh: ArrayLike, price: ArrayLike) -> list[Offer]:
    """A household's offers, hour by hour; none where there is nothing to sell or the price is NaN.

    Parameters
    ----------
    seller : int
        Number of the household.
    quantity_kwh, price : array_like, shape (n_hours,)
        What it can sell and at what price, EUR/kWh.
    """
    quantities = np.asarray(quantity_kwh, dtype=np.float64).tolist()
    prices = np.asarray(price, dtype=np.float64).tolist()
    return [
        Offer(hour, seller, quantity, asked)
        for hour, (quantity, asked) in enumerate(zip(quantities, prices, strict=True))
        if quantity > 0 and asked == asked
    ]


def by_hour(offers: Iterable[Offer], n_hours: int) -> list[list[Offer]]:
    """Offers sorted into hours; in each, the cheapest first, equal prices by seller."""
    hours: list[list[Offer]] = [[] for _ in range(n_hours)]
    for offer in offers:
        hours[offer.hour].append(offer)
    for hour in hours:
        hour.sort(key=lambda offer: (offer.price, offer.seller, offer.quantity_kwh))
    return hours
