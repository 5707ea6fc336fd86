"""Double auctions: buyers bid, sellers ask, and who gains most from trading trades.

What is matched is the same in both: the most energy for which bids are not below asks, which makes the sum
of gains the largest (a linear program has the same optimum). They differ in the price.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from cosim.config.base import Probability
from cosim.trading.clearing.grains import GRAIN_KWH
from cosim.trading.clearing.interface import CLEARINGS, Clearing, Match, Order
from cosim.trading.clearing.matching import Filled, at_one_price, fill_by_merit, grains, pairs


class Crossing(NamedTuple):
    """Where supply meets demand."""

    bought: list[Filled]
    sold: list[Filled]
    """Bids, the highest first, and asks, the lowest first, with what is met of each."""
    low: float
    high: float
    """Ends of the interval of prices at which exactly that is bought and sold, EUR/kWh."""


def cross(bids: Sequence[Order], asks: Sequence[Order]) -> Crossing | None:
    """Where supply meets demand; None where nobody trades."""
    demand = sorted(bids, key=lambda order: (-order.price, order.party))
    supply = sorted(asks, key=lambda order: (order.price, order.party))
    volume = _volume(demand, supply)
    if not volume:
        return None
    bought, sold = fill_by_merit(demand, volume), fill_by_merit(supply, volume)
    low = max(
        max(each.order.price for each in sold if each.grains),
        max((each.order.price for each in bought if each.grains < grains(each.order)), default=-math.inf),
    )
    high = min(
        min(each.order.price for each in bought if each.grains),
        min((each.order.price for each in sold if each.grains < grains(each.order)), default=math.inf),
    )
    return Crossing(bought, sold, low, high)


def _volume(demand: Sequence[Order], supply: Sequence[Order]) -> int:
    """The most that can pass with no bid below its ask, in grains."""
    volume, asks = 0, iter(supply)
    ask, left = None, 0
    for bid in demand:
        wanted = grains(bid)
        while wanted:
            while not left:
                ask = next(asks, None)
                if ask is None:
                    return volume
                left = grains(ask)
            assert ask is not None  # something of it is left
            if bid.price < ask.price:
                return volume
            passed = min(wanted, left)
            volume, wanted, left = volume + passed, wanted - passed, left - passed
    return volume


@CLEARINGS.register("double_auction_uniform")
class UniformPriceAuction(Clearing):
    """Double auction with one price for all, between the marginal bid and the marginal ask.

    K. Chatterjee and W. Samuelson, Bargaining under incomplete information, Operations Research 31 (1983),
    835-851: the k-double auction.
    """

    k: Probability = 0.5
    """Place of the price between the lowest (0) and the highest (1) at which the same energy is traded."""

    def clear(
        self, bids: Sequence[Order], asks: Sequence[Order], grid_price: float, feed_in_price: float
    ) -> list[Match]:
        """See `Clearing.clear`."""
        met = cross(bids, asks)
        if met is None:
            return []
        price = min(max(met.low + self.k * (met.high - met.low), met.low), met.high)
        return at_one_price(met.bought, met.sold, price)


@CLEARINGS.register("pay_as_bid")
class PayAsBid(Clearing):
    """Double auction in which each buyer pays what it bids: the highest bid meets the lowest ask.

    The seller gets the bid of its buyer, so what the auction gains goes to sellers.
    """

    def clear(
        self, bids: Sequence[Order], asks: Sequence[Order], grid_price: float, feed_in_price: float
    ) -> list[Match]:
        """See `Clearing.clear`."""
        met = cross(bids, asks)
        if met is None:
            return []
        return [
            Match(bid.party, ask.party, passed * GRAIN_KWH, bid.price)
            for bid, ask, passed in pairs(met.bought, met.sold)
        ]
