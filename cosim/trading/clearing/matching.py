"""Shares and pairs in whole grains of energy, so that what is bought is what is sold, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from cosim.trading.clearing.grains import GRAIN_KWH
from cosim.trading.clearing.interface import Match, Order


class Filled(NamedTuple):
    """An order, and how much of it is met, in grains."""

    order: Order
    grains: int


def grains(order: Order) -> int:
    """Energy of an order in whole grains."""
    return max(0, int(order.energy_kwh // GRAIN_KWH))


def share(wanted: Sequence[int], available: int) -> list[int]:
    """Share what there is in proportion to what is wanted; nobody gets more than he wants.

    What rounding down leaves, fewer grains than there are parties, goes to the first ones, one each.
    """
    total = sum(wanted)
    if available >= total:
        return list(wanted)
    parts = [each * available // total for each in wanted]
    left = available - sum(parts)
    for number, each in enumerate(wanted):
        if left and parts[number] < each:
            parts[number] += 1
            left -= 1
    return parts


def fill_by_merit(ranked: Sequence[Order], available: int) -> list[Filled]:
    """Fill orders in the order of their prices; those of one price share what is left in proportion.

    Parameters
    ----------
    ranked : sequence of Order
        The best price first.
    available : int
        Grains to be filled, no more than are ordered.
    """
    filled = []
    for _, level in groupby(ranked, key=lambda order: order.price):
        orders = list(level)
        parts = share([grains(order) for order in orders], available)
        available -= sum(parts)
        filled += [Filled(order, part) for order, part in zip(orders, parts, strict=True)]
    return filled


def fill_in_proportion(orders: Sequence[Order], available: int) -> list[Filled]:
    """Fill the same share of every order."""
    parts = share([grains(order) for order in orders], available)
    return [Filled(order, part) for order, part in zip(orders, parts, strict=True)]


def pairs(bought: Sequence[Filled], sold: Sequence[Filled]) -> Iterator[tuple[Order, Order, int]]:
    """Pair buyers with sellers, one after the other on both sides: bid, ask, and grains that pass.

    Of n buyers and m sellers there are at most n + m - 1 pairs.
    """
    sellers = iter([each for each in sold if each.grains])
    ask, left = next(sellers, (None, 0))
    for bid, wanted in bought:
        while wanted and ask is not None:
            passed = min(wanted, left)
            yield bid, ask, passed
            wanted, left = wanted - passed, left - passed
            if not left:
                ask, left = next(sellers, (None, 0))


def at_one_price(bought: Sequence[Filled], sold: Sequence[Filled], price: float) -> list[Match]:
    """Matches in which every kWh costs the same."""
    return [
        Match(bid.party, ask.party, passed * GRAIN_KWH, price) for bid, ask, passed in pairs(bought, sold)
    ]
