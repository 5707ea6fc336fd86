"""The operator of an auction: keeps the book of orders, clears it when the gate closes, says what came of it.

Pure; its state is data.

A day is cleared once. An operator that restarts without its book collects anew what the gate has not closed
on, and abstains from every other day: it may have cleared it, and no longer knows. What it told somebody
stands then, for both sides, since all that was ever told of a day comes from one clearing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cosim.core.message import Message, is_fresher
from cosim.trading.auction.messages import (
    Deal,
    Letter,
    Orders,
    OrdersTaken,
    OrdersWanted,
    Payload,
    Statement,
    StatementTaken,
)
from cosim.trading.auction.patience import Unheard
from cosim.trading.clearing.fairness import require_fair
from cosim.trading.clearing.interface import Clearing, Match, Order
from cosim.trading.protocol.messages import Line, RequestId
from cosim.trading.protocol.trading_day import TradingTerms

HourPrices = Callable[[int], Sequence[tuple[float, float]]]
"""Gives what a kWh from the grid costs and one fed in earns, hour by hour of a day, EUR/kWh."""


@dataclass(slots=True)
class ReceivedOrders:
    """The freshest orders of a household, with their sequence number."""

    sequence: int
    orders: Orders


@dataclass(slots=True)
class DayBook:
    """The operator's book of a day."""

    orders: dict[int, ReceivedOrders] = field(default_factory=dict)
    """By household."""
    deals: list[Deal] | None = None
    """What was cleared; None before."""
    of: dict[int, list[Deal]] = field(default_factory=dict)
    """The same by household, those in which it buys or sells."""
    untold: Unheard = field(default_factory=Unheard)
    """Households that have not said that they have their statement."""
    late_orders: int = 0
    """Orders that came after the gate had closed."""

    def agree(self, hour: int, matches: Iterable[Match]) -> None:
        """Enter what was matched of an hour."""
        if self.deals is None:
            self.deals = []
        for buyer, seller, energy_kwh, price in matches:
            name = RequestId(buyer, 0, len(self.deals))
            deal = Deal(name, hour, buyer, seller, energy_kwh, price)
            self.deals.append(deal)
            for party in {buyer: None, seller: None}:
                self.of.setdefault(party, []).append(deal)


@dataclass(slots=True)
class OperatorState:
    """All that the operator remembers; its sequence numbers survive everything."""

    first_day: int = 0
    """It clears no days before this one."""
    next_sequence: int = 0
    """Of its next message."""
    books: dict[int, DayBook] = field(default_factory=dict)
    """By day, until it is settled."""


def operator_after_loss(lost: OperatorState, now_ms: int, terms: TradingTerms) -> OperatorState:
    """What is left after a restart without memory."""
    return OperatorState(max(lost.first_day, terms.timeline.first_open_day(now_ms)), lost.next_sequence)


class Operator:
    """Clears the market of all households.

    Parameters
    ----------
    terms : TradingTerms
        The rules.
    clearing : Clearing
        How.
    prices : callable
        The grid's prices of a day.
    state : OperatorState
        What it remembers; nothing is kept elsewhere.
    """

    __slots__ = ("_clearing", "_prices", "state", "terms")

    def __init__(
        self, terms: TradingTerms, clearing: Clearing, prices: HourPrices, state: OperatorState
    ) -> None:
        self.terms = terms
        self.state = state
        self._clearing = clearing
        self._prices = prices

    def handle(self, now_ms: int, message: Message[Payload]) -> list[Letter]:
        """Answer a household."""
        payload, sender = message.payload, message.sender
        if payload.day < self.state.first_day:
            return []
        book = self.state.books.setdefault(payload.day, DayBook())
        match payload:
            case Orders():
                return self._on_orders(now_ms, book, sender, message.sequence, payload)
            case StatementTaken():
                book.untold.answered(sender)
        return []

    def clear(self, now_ms: int, day: int) -> list[Letter]:
        """The gate has closed: clear the day, once, and tell all who have ordered."""
        if day < self.state.first_day:
            return []
        book = self.state.books.setdefault(day, DayBook())
        if book.deals is not None:
            return []
        self._match(day, book)
        return self._tell(now_ms, day, book, sorted(book.orders))

    def want_orders(self, days: Sequence[int], households: Sequence[int]) -> list[Letter]:
        """After a loss of memory: ask everybody to order again."""
        open_days = [day for day in days if day >= self.state.first_day]
        return [Letter(household, OrdersWanted(day)) for day in open_days for household in households]

    def on_timer(self, now_ms: int) -> list[Letter]:
        """Tell again what was not answered, until the deadline."""
        letters = []
        for day, book in self.state.books.items():
            if now_ms > self.terms.timeline.deadline_ms(day):
                book.untold = Unheard()
            due = book.untold.sent_again_to_due(now_ms, self.terms.timeout_ms)
            letters += [self._statement(day, book, household) for household in due]
        return letters

    def next_due_ms(self) -> int | None:
        """When `on_timer` has something to do."""
        due = [book.untold.next_due_ms() for book in self.state.books.values()]
        return min((each for each in due if each is not None), default=None)

    def book(self, day: int) -> DayBook | None:
        """Its book of a day; None where it has lost it."""
        if day < self.state.first_day:
            return None
        return self.state.books.get(day, DayBook())

    def take_sequence(self) -> int:
        """A number for the next message, greater than any before."""
        self.state.next_sequence += 1
        return self.state.next_sequence - 1

    def forget(self, day: int) -> None:
        """Drop a settled day and those before it."""
        for old in [each for each in self.state.books if each <= day]:
            del self.state.books[old]
        self.state.first_day = max(self.state.first_day, day + 1)

    def _on_orders(
        self, now_ms: int, book: DayBook, sender: int, sequence: int, orders: Orders
    ) -> list[Letter]:
        if book.deals is not None or now_ms > self.terms.timeline.gate_ms(orders.day):
            book.late_orders += 1
            return []
        self._keep(book, sender, sequence, orders)
        return [Letter(sender, OrdersTaken(orders.day, sequence))]

    def _keep(self, book: DayBook, sender: int, sequence: int, orders: Orders) -> None:
        """Enter orders, unless fresher ones are there."""
        known = book.orders.get(sender)
        if is_fresher(sequence, None if known is None else known.sequence):
            book.orders[sender] = ReceivedOrders(sequence, orders)

    def _match(self, day: int, book: DayBook) -> None:
        bids, asks = orders_by_hour(book, "bids"), orders_by_hour(book, "asks")
        book.deals = []
        for hour, (grid, feed_in) in enumerate(self._prices(day)):
            if hour not in bids or hour not in asks:
                continue
            matches = self._clearing.clear(bids[hour], asks[hour], grid, feed_in)
            require_fair(self._clearing, matches, bids[hour], asks[hour], f"day {day}, hour {hour}")
            book.agree(hour, matches)

    def _tell(self, now_ms: int, day: int, book: DayBook, households: Iterable[int]) -> list[Letter]:
        """Send statements, until they are answered."""
        told = list(households)
        book.untold.first_sent(told, now_ms, self.terms.timeout_ms)
        return [self._statement(day, book, household) for household in told]

    def _statement(self, day: int, book: DayBook, household: int) -> Letter:
        return Letter(household, Statement(day, tuple(book.of.get(household, ()))))


def orders_by_hour(book: DayBook, side: str) -> dict[int, list[Order]]:
    """Orders of one side by hour, in the order of households."""
    hours: dict[int, list[Order]] = {}
    for household in sorted(book.orders):
        lines: Sequence[Line] = getattr(book.orders[household].orders, side)
        for hour, energy_kwh, price in lines:
            hours.setdefault(hour, []).append(Order(household, energy_kwh, price))
    return hours
