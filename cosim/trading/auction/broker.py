"""A broker of posted offers: keeps the book for all, and serves buyers one after the other.

Sellers send it what they ask for. From gate closure on a buyer asks what there is left, plans with that, and
orders; its bids are met at once by the cheapest asks. Orders bind, as in an auction, and the broker's book
decides. What a household has bought it is told at once; sellers are told at the deadline.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from cosim.core.message import Message
from cosim.trading.auction.messages import Letter, Orders, OrdersTaken, Payload, Quote, QuoteWanted
from cosim.trading.auction.operator import DayBook, Operator, orders_by_hour
from cosim.trading.clearing.fairness import require_fair
from cosim.trading.clearing.grains import whole_grains
from cosim.trading.clearing.interface import Order
from cosim.trading.protocol.messages import Line
from cosim.trading.valuation.offers import Offer


@dataclass(slots=True)
class BrokerBook(DayBook):
    """A broker's book of a day."""

    left: dict[int, deque[Order]] | None = None
    """By hour, what is left of the asks, the cheapest first; filled when the gate closes."""
    served: dict[int, None] = field(default_factory=dict)
    """Buyers whose bids have been met, as far as they could be."""


class Broker(Operator):
    """Sells what others offer; parameters as for `Operator`."""

    __slots__ = ()

    def handle(self, now_ms: int, message: Message[Payload]) -> list[Letter]:
        """Answer a household."""
        payload = message.payload
        if isinstance(payload, QuoteWanted):
            book = self._book(payload.day)
            if book is None or not self._is_open(now_ms, payload.day):
                return []
            return [Letter(message.sender, Quote(payload.day, self._cheapest(book, payload.depth_kwh)))]
        if payload.day >= self.state.first_day:
            self._book(payload.day)
        return super().handle(now_ms, message)

    def clear(self, now_ms: int, day: int) -> list[Letter]:
        """The deadline: tell sellers what was sold; nothing is sold any more."""
        book = self._book(day)
        if book is None:
            return []
        return self._tell(now_ms, day, book, sorted(book.orders))

    def _book(self, day: int) -> BrokerBook | None:
        if day < self.state.first_day:
            return None
        book = self.state.books.setdefault(day, BrokerBook(deals=[]))
        assert isinstance(book, BrokerBook)
        return book

    def _is_open(self, now_ms: int, day: int) -> bool:
        timeline = self.terms.timeline
        return timeline.gate_ms(day) <= now_ms <= timeline.deadline_ms(day)

    def _on_orders(
        self, now_ms: int, book: DayBook, sender: int, sequence: int, orders: Orders
    ) -> list[Letter]:
        """Keep asks until the gate closes; meet bids from then on, once."""
        assert isinstance(book, BrokerBook)
        taken = Letter(sender, OrdersTaken(orders.day, sequence))
        if orders.asks:
            if now_ms >= self.terms.timeline.gate_ms(orders.day):
                book.late_orders += 1
                return []
            self._keep(book, sender, sequence, orders)
            return [taken]
        if sender in book.served:
            return [taken]  # it was told, and is told again until it answers
        if not self._is_open(now_ms, orders.day):
            book.late_orders += 1
            return []
        book.served[sender] = None
        self._serve(orders.day, book, sender, orders.bids)
        return [taken, *self._tell(now_ms, orders.day, book, [sender])]

    def _serve(self, day: int, book: BrokerBook, buyer: int, bids: Sequence[Line]) -> None:
        prices = self._prices(day)
        asks = self._left(book)
        for hour, energy_kwh, price in bids:
            standing, bid = asks.get(hour, deque()), [Order(buyer, energy_kwh, price)]
            reached = _take_cheapest(standing, energy_kwh)
            matches = self._clearing.clear(bid, reached, *prices[hour])
            require_fair(self._clearing, matches, bid, reached, f"day {day}, hour {hour}")
            book.agree(hour, matches)
            sold = dict.fromkeys((ask.party for ask in reached), 0.0)
            for match in matches:
                sold[match.seller] += match.energy_kwh
            left = [ask._replace(energy_kwh=ask.energy_kwh - sold[ask.party]) for ask in reached]
            standing.extendleft(ask for ask in reversed(left) if ask.energy_kwh > 0)

    def _left(self, book: BrokerBook) -> dict[int, deque[Order]]:
        """What is left of the asks, by hour, the cheapest first."""
        if book.left is None:
            by_hour = orders_by_hour(book, "asks")
            book.left = {
                hour: deque(sorted(orders, key=lambda order: (order.price, order.party)))
                for hour, orders in by_hour.items()
            }
        return book.left

    def _cheapest(self, book: BrokerBook, depth_kwh: float) -> list[Offer]:
        """The cheapest of what is left in each hour that together hold so much energy."""
        found: list[Offer] = []
        for hour, orders in sorted(self._left(book).items()):
            room_kwh = whole_grains(depth_kwh)
            for party, energy_kwh, price in orders:
                if room_kwh <= 0:
                    break
                found.append(Offer(hour, party, min(energy_kwh, room_kwh), price))
                room_kwh -= energy_kwh
        return found


def _take_cheapest(orders: deque[Order], energy_kwh: float) -> list[Order]:
    """Take the first orders that together hold so much energy: no others can be reached by it."""
    taken, held_kwh = [], 0.0
    while orders and held_kwh < energy_kwh:
        taken.append(orders.popleft())
        held_kwh += taken[-1].energy_kwh
    return taken
