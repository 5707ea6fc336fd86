"""What a household orders in an auction: its surplus for sale, what it lacks to buy, at prices by its values.

Every hour the household first covers its own load by its own generation, what it values most first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.trading.clearing.grains import whole_grains
from cosim.trading.clearing.interface import Clearing
from cosim.trading.protocol.messages import Line
from cosim.trading.scheduling.day_plan import DayPlan, Preferences
from cosim.trading.strategies.price_band import has_margin, prices_at
from cosim.trading.valuation.energy_values import normalised_preferences
from cosim.trading.valuation.prices import Prices

Array = NDArray[np.float64]


class Part(NamedTuple):
    """A part of an hour's load, kWh, and the place of its bid from feed-in price (0) to grid price (1)."""

    energy_kwh: float
    position: float


class Worth(NamedTuple):
    """The load of a planned day, part by part."""

    energy_kwh: Array
    """How much. Shape (n_parts, 24)."""
    place: Array
    """What it is worth, as a place from feed-in price (0) to grid price (1). Shape (n_parts, 24)."""


def load_worth(plan: DayPlan, preferences: Preferences, fixed_kwh: Array, as_one: bool) -> Worth:
    """What the load of a planned day is worth.

    Parameters
    ----------
    plan : DayPlan
        Appliances as scheduled.
    preferences : Preferences
        The household's.
    fixed_kwh : ndarray, shape (24,)
        What it uses besides, and must: it comes first, and is worth the grid's price.
    as_one : bool
        Whether all of it counts as one part, which is worth the grid's price.
    """
    if as_one:
        load = plan.energy_kwh.sum(axis=0) + fixed_kwh
        return Worth(load[None, :], np.ones((1, len(load))))
    weight = (preferences.rigidity - 1) / (preferences.rigidity_max - 1)
    place = weight * normalised_preferences(plan.appliances.preferences)
    return Worth(np.vstack([fixed_kwh, plan.energy_kwh]), np.vstack([np.ones(len(fixed_kwh)), place]))


def parts_at(energy_kwh: Array, places: Array) -> list[list[Part]]:
    """Parts of the load with the places of their bids, by hour; the first part in any case."""
    return [
        [Part(float(kwh[0]), float(place[0]))]
        + [Part(float(kwh[row]), float(place[row])) for row in range(1, len(kwh)) if kwh[row]]
        for kwh, place in zip(energy_kwh.T, places.T, strict=True)
    ]


def hourly_orders(
    parts: Sequence[Sequence[Part]],
    generation_kwh: Array,
    asked_price: Array,
    prices: Prices,
    clearing: Clearing,
    min_trade_kwh: float,
) -> tuple[list[Line], list[Line]]:
    """Bids and asks of a day.

    Parameters
    ----------
    parts : sequence of sequence of Part, one an hour
        The load.
    generation_kwh : ndarray, shape (24,)
        What the household will generate.
    asked_price : ndarray, shape (24,)
        What it asks for a kWh; NaN for not to be sold.
    prices : Prices
        Of the day. Where they leave no margin nobody orders.
    clearing : Clearing
        May set the prices of all orders.
    min_trade_kwh : float
        Smallest order.
    """
    bids: list[Line] = []
    asks: list[Line] = []
    margin = has_margin(prices.feed_in, prices.grid)
    for hour, may_trade in enumerate(margin.tolist()):
        if not may_trade:
            continue
        grid, feed_in = float(prices.grid[hour]), float(prices.feed_in[hour])
        limits = clearing.limits(grid, feed_in)
        lacking, surplus_kwh = _net(parts[hour], float(generation_kwh[hour]))
        for energy_kwh, position in lacking:
            wanted = whole_grains(energy_kwh)
            if wanted >= min_trade_kwh:
                price = min(float(prices_at(position, feed_in, grid)), grid) if limits is None else limits.bid
                bids.append(Line(hour, wanted, price))
        ask = float(asked_price[hour]) if limits is None else limits.ask
        for_sale = whole_grains(surplus_kwh)
        if for_sale >= min_trade_kwh and ask == ask:
            asks.append(Line(hour, for_sale, ask))
    return bids, asks


def _net(parts: Sequence[Part], generation_kwh: float) -> tuple[list[Part], float]:
    """What own generation leaves of the load, the most valued part covered first, and what is left of it."""
    left_kwh, lacking = generation_kwh, []
    for energy_kwh, position in sorted(parts, key=lambda part: -part.position):
        covered = min(left_kwh, energy_kwh)
        left_kwh -= covered
        if energy_kwh > covered:
            lacking.append(Part(energy_kwh - covered, position))
    return lacking, left_kwh
