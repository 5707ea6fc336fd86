"""Bids that say what energy is worth, all of it or a share; and bids that are drawn."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from cosim.config.base import OpenFraction
from cosim.trading.strategies.strategy_interface import BUYING, Array, BuyingStrategy, Chosen


@BUYING.register("energy_value")
class ValueBids(BuyingStrategy):
    """By the energy value of each appliance (paper B (4)), on the scale of the market's own prices.

    An appliance at an hour is worth P^G and more, ζ = μγ + P^G; nobody bids more than the grid's price. So
    what ζ exceeds it by, as a share of γ_b P^G, that is μ(R - 1)/(R_max - 1), is the place of the bid between
    the feed-in price and the grid's. The rest of the load, which is not scheduled, bids the grid's price.
    """

    def places(self, worth: Array, uniforms: Array, memory: Array) -> tuple[Array, Chosen | None]:
        """What it is worth."""
        return worth, None


@BUYING.register("grid_price")
class GridPriceBids(BuyingStrategy):
    """Always the grid's price: what a kWh saves a household that would otherwise buy it there."""

    def places(self, worth: Array, uniforms: Array, memory: Array) -> tuple[Array, Chosen | None]:
        """The upper end."""
        return np.ones_like(worth), None


@BUYING.register("random")
class RandomBids(BuyingStrategy):
    """Anywhere between feed-in price and grid price, drawn anew for every hour, for all load at once.

    Like `zero_intelligence`, for a household to which every kWh is worth what it would otherwise pay the
    grid.
    """

    as_one: ClassVar[bool] = True

    def places(self, worth: Array, uniforms: Array, memory: Array) -> tuple[Array, Chosen | None]:
        """Uniform."""
        return worth * uniforms, None


@BUYING.register("fixed")
class FixedBids(BuyingStrategy):
    """Always the same share of what the energy is worth, counted from the feed-in price."""

    share: OpenFraction
    """Share of the way from the feed-in price to what it is worth."""

    def places(self, worth: Array, uniforms: Array, memory: Array) -> tuple[Array, Chosen | None]:
        """That share of it."""
        return worth * self.share, None
