"""What a household orders in an auction: its surplus for sale, what it lacks to buy, at prices by its values.

Every hour the household first covers its own load by its own generation, what it values most first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.hours import HOURS
from cosim.trading.clearing.grains import whole_grains
from cosim.trading.clearing.interface import Clearing
from cosim.trading.protocol.messages import Line
from cosim.trading.scheduling.day_plan import DayPlan, Preferences
from cosim.trading.schemas.bids import BuyingConfig, RandomBuying, ValueBuying
from cosim.trading.valuation.energy_values import normalised_preferences
from cosim.trading.valuation.offers import has_margin, prices_at
from cosim.trading.valuation.prices import Prices

Array = NDArray[np.float64]


class Part(NamedTuple):
    """A part of an hour's load, kWh, and the place of its bid from feed-in price (0) to grid price (1)."""

    energy_kwh: float
    position: float


def load_parts(
    buying: BuyingConfig, plan: DayPlan, preferences: Preferences, fixed_kwh: Array, uniforms: Array
) -> list[list[Part]]:
    """The load of a planned day in parts, by hour.

    Parameters
    ----------
    buying : ValueBuying, GridPriceBuying or RandomBuying
        The strategy.
    plan : DayPlan
        Appliances as scheduled.
    preferences : Preferences
        The household's.
    fixed_kwh : ndarray, shape (24,)
        What it uses besides: it must, so it bids up to the grid's price for that.
    uniforms : ndarray, shape (24,)
        Numbers on [0, 1), for a strategy that draws.
    """
    if isinstance(buying, RandomBuying):
        load = plan.energy_kwh.sum(axis=0) + fixed_kwh
        return [[Part(float(kwh), float(u))] for kwh, u in zip(load, uniforms, strict=True)]
    parts = [[Part(float(kwh), 1.0)] for kwh in fixed_kwh]
    place = np.ones(plan.energy_kwh.shape)
    if isinstance(buying, ValueBuying):
        weight = (preferences.rigidity - 1) / (preferences.rigidity_max - 1)
        place = weight * normalised_preferences(plan.appliances.preferences)
    for row, hour in zip(*np.nonzero(plan.energy_kwh), strict=True):
        parts[hour].append(Part(float(plan.energy_kwh[row, hour]), float(place[row, hour])))
    return parts


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
    for hour in range(HOURS):
        if not margin[hour]:
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
