"""Posted offers: sellers name a price, buyers come one after the other and take the cheapest (paper B)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from cosim.trading.clearing.grains import GRAIN_KWH
from cosim.trading.clearing.interface import CLEARINGS, Clearing, Match, Order
from cosim.trading.clearing.matching import grains


@CLEARINGS.register("posted_offers")
class PostedOffers(Clearing):
    """Households ask each other, the cheapest seller first, at the price that it has posted (paper B)."""

    has_operator: ClassVar[bool] = False

    def clear(
        self, bids: Sequence[Order], asks: Sequence[Order], grid_price: float, feed_in_price: float
    ) -> list[Match]:
        """What comes of it where no message is late or lost: buyers are served in the order given."""
        matches = []
        supply = sorted(asks, key=lambda order: (order.price, order.party))
        left = [grains(ask) for ask in supply]
        for bid in bids:
            wanted = grains(bid)
            for number, ask in enumerate(supply):
                passed = min(wanted, left[number]) if ask.price <= bid.price else 0
                if passed:
                    left[number] -= passed
                    wanted -= passed
                    matches.append(Match(bid.party, ask.party, passed * GRAIN_KWH, ask.price))
        return matches
