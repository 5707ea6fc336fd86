"""Offers of energy between households."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

GRID = -1
"""The seller number of the grid."""


class Offer(NamedTuple):
    """A quantity that a household offers for one hour."""

    hour: int
    """Hour of the day, from 0."""
    seller: int
    """Number of the household."""
    quantity_kwh: float
    """ω, the most it sells."""
    price: float
    """P^ψ, EUR/kWh."""


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
