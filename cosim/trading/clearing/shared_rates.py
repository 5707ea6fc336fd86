"""Rates of a community: everybody trades at a price that follows from the grid's, whatever he would ask.

C. Long, J. Wu, C. Zhang, L. Thomas, M. Cheng and N. Jenkins, Peer-to-peer energy trading in a community
microgrid, IEEE Power and Energy Society General Meeting (2017). Both rates are printed there as what a kWh
costs a buyer and earns a seller on average, the grid's part in it. Here that part is each household's own
account with the grid, in proportion; the bills are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from cosim.trading.clearing.interface import CLEARINGS, Clearing, Limits, Match, Order
from cosim.trading.clearing.matching import at_one_price, fill_in_proportion, grains


def shared_at(rate: float, bids: Sequence[Order], asks: Sequence[Order]) -> list[Match]:
    """Match in proportion all whom a price suits: the side that has less trades all, the other a share."""
    buyers = sorted(order for order in bids if order.price >= rate)
    sellers = sorted(order for order in asks if order.price <= rate)
    volume = min(sum(map(grains, buyers)), sum(map(grains, sellers)))
    return at_one_price(fill_in_proportion(buyers, volume), fill_in_proportion(sellers, volume), rate)


@CLEARINGS.register("mid_market_rate")
class MidMarketRate(Clearing):
    """Energy passes in proportion, at the price halfway between feed-in price and grid price."""

    def clear(
        self, bids: Sequence[Order], asks: Sequence[Order], grid_price: float, feed_in_price: float
    ) -> list[Match]:
        """See `Clearing.clear`."""
        return shared_at((feed_in_price + grid_price) / 2, bids, asks)

    def limits(self, grid_price: float, feed_in_price: float) -> Limits:
        """Everybody orders at what the grid charges and pays."""
        return Limits(grid_price, feed_in_price)


@CLEARINGS.register("bill_sharing")
class BillSharing(Clearing):
    """Energy passes in proportion and for nothing, so all share the community's bill of the hour.

    Whoever draws pays for the same share of what the community imports, whoever generates is paid for the
    same share of what it exports. With less generation than load a kWh earns nothing, so sellers may be worse
    off than on their own: they take part by contract, at any price.
    """

    def clear(
        self, bids: Sequence[Order], asks: Sequence[Order], grid_price: float, feed_in_price: float
    ) -> list[Match]:
        """See `Clearing.clear`."""
        return shared_at(0.0, bids, asks)

    def limits(self, grid_price: float, feed_in_price: float) -> Limits:
        """Everybody orders at any price that can be: sellers for nothing."""
        return Limits(max(grid_price, 0.0), min(feed_in_price, 0.0))
