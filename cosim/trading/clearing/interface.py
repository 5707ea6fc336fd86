"""What a way to clear a market is: a pure function of a book of orders."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from cosim.config.base import Model
from cosim.core.registry import Registry


class Order(NamedTuple):
    """Energy of one hour that a household wants to buy or to sell.

    Attributes
    ----------
    party : int
        Number of the household.
    energy_kwh : float
        The most it buys or sells, a multiple of `GRAIN_KWH`.
    price : float
        The most it pays, or the least it takes, EUR/kWh.
    """

    party: int
    energy_kwh: float
    price: float


class Match(NamedTuple):
    """Energy of one hour that passes from a household to another.

    Attributes
    ----------
    buyer, seller : int
        Numbers of the households.
    energy_kwh : float
        A multiple of `GRAIN_KWH`.
    price : float
        What the buyer pays and the seller gets, EUR/kWh.
    """

    buyer: int
    seller: int
    energy_kwh: float
    price: float


class Limits(NamedTuple):
    """Prices at which households order where a way of clearing leaves them no choice, EUR/kWh."""

    bid: float
    ask: float


class Clearing(Model):
    """A way to clear an hour's market.

    Whatever it does, nobody pays more than they bid or gets less than they ask, and nobody buys or sells more
    than they ordered. Each match has one price for both sides, so the budget is balanced match by match.

    Attributes
    ----------
    has_operator : bool
        Whether households send their orders to an operator, who clears the book when the gate closes.
        Otherwise they ask each other.
    """

    kind: str = ""
    has_operator: ClassVar[bool] = True

    @abstractmethod
    def clear(
        self, bids: Sequence[Order], asks: Sequence[Order], grid_price: float, feed_in_price: float
    ) -> list[Match]:
        """Match the orders of an hour.

        Parameters
        ----------
        bids, asks : sequence of Order
            Who buys and who sells, in any order; nobody does both.
        grid_price, feed_in_price : float
            What a kWh from the grid costs and what one that is fed in earns, EUR/kWh.
        """

    def limits(self, grid_price: float, feed_in_price: float) -> Limits | None:
        """At what prices everybody orders; None where households choose their own."""
        return None


CLEARINGS: Registry[Clearing] = Registry("way of clearing", Clearing)  # type: ignore[type-abstract]
"""Ways of clearing by name."""
