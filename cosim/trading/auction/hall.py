"""The SimPy side of an auction: days come and go, orders and statements travel, and somebody may be down."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Protocol

import simpy

from cosim.comms.network import Network
from cosim.core.clock import Priority, wait_until
from cosim.core.message import PLATFORM, Message
from cosim.trading.auction.books import standing_deals
from cosim.trading.auction.member import Member, MemberState, member_after_loss
from cosim.trading.auction.messages import KIND_OF, Letter, Orders, Payload, payload_bytes
from cosim.trading.auction.operator import HourPrices, Operator, OperatorState, operator_after_loss
from cosim.trading.clearing.interface import Clearing
from cosim.trading.protocol.marketplace import Bid
from cosim.trading.protocol.post import Alarms, Post, Traffic
from cosim.trading.protocol.purchase_book import FailedAttempt
from cosim.trading.protocol.reconciliation import Agreement
from cosim.trading.protocol.trading_day import TradingTerms
from cosim.trading.valuation.offers import Offer


class Orderer(Protocol):
    """Says what a household orders."""

    def __call__(self, household: int, day: int) -> Orders:
        """Its orders for a day; asked when orders are due, and again after a loss of memory."""
        ...


@dataclass(frozen=True)
class Decisions:
    """What households decide, asked when they must decide it."""

    orders: Orderer
    """At publication."""
    closed: Callable[[int], None] = lambda day: None
    """Told each day once its deadline has passed."""
    forgets: Callable[[int], None] = lambda household: None
    """Told each household that restarts without its memory, before it does anything else."""


class AuctionHall:
    """Runs the auctions of all days.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    network : Network
        Carries the messages, over uplinks and downlinks.
    n_households : int
        Households 0 to n - 1 take part.
    terms : TradingTerms
        The rules.
    days : iterable of int
        Days to trade; see `Timeline.tradable_days`.
    clearing : Clearing
        How a day is cleared.
    prices : callable
        The grid's prices of a day.
    decisions : Decisions
        What households decide.

    Attributes
    ----------
    members : list of Member
        By household.
    operator : Operator
        With the book.
    down : set of int
        Households that are crashed at present.
    is_down : bool
        Whether the operator is.
    missed_messages : int
        Messages that arrived where nobody was up.
    """

    def __init__(
        self,
        env: simpy.Environment,
        network: Network,
        n_households: int,
        terms: TradingTerms,
        days: Iterable[int],
        clearing: Clearing,
        prices: HourPrices,
        decisions: Decisions,
    ) -> None:
        self._env = env
        self._network = network
        self._terms = terms
        self._days = list(days)
        self._clearing = clearing
        self._prices = prices
        self._decisions = decisions
        self._post = Post(network)
        self._alarms = Alarms(env, self._next_due_ms, self._wake)
        self._ordered: dict[int, dict[int, Orders]] = {}
        self.members = [Member(terms, MemberState(household)) for household in range(n_households)]
        self.operator = self._operator(OperatorState())
        self.down: set[int] = set()
        self.is_down = False
        self.missed_messages = 0

    def start(self) -> None:
        """Begin: everybody hears what is about the auction, and every day has its process."""
        for address in (PLATFORM, *range(len(self.members))):
            for kind in KIND_OF.values():
                self._network.on_receive(address, kind, self.receive)
        for day in self._days:
            self._env.process(self._day(day))

    def receive(self, message: Message[Payload]) -> None:
        """Take a message that has arrived."""
        address, now_ms = message.recipient, int(self._env.now)
        if not self._is_up(address):
            self.missed_messages += 1
        elif address == PLATFORM:
            self._send(PLATFORM, self.operator.handle(now_ms, message))
        else:
            self._send(address, self.members[address].handle(now_ms, message))

    def crash(self, household: int) -> None:
        """A household goes down: it hears and does nothing until it restarts."""
        self.down.add(household)

    def restart(self, household: int, keeps_state: bool) -> None:
        """A household comes back, with its memory or without; then it orders, if there is still time."""
        self.down.discard(household)
        if not keeps_state:
            lost = self.members[household].state
            self.members[household] = Member(self._terms, member_after_loss(lost))
            self._decisions.forgets(household)
        for day in self._days:
            if self._terms.timeline.publication_ms(day) < int(self._env.now):
                self._order(household, day)
        self._alarms.arm(household)

    def go_down(self) -> None:
        """The operator crashes: it hears and does nothing until it restarts."""
        self.is_down = True

    def come_back(self, keeps_state: bool) -> None:
        """It restarts; with its book it does what it is late with, without it asks for the orders again."""
        self.is_down = False
        now_ms, timeline = int(self._env.now), self._terms.timeline
        if not keeps_state:
            self.operator = self._operator(operator_after_loss(self.operator.state, now_ms, self._terms))
            due = [day for day in self._days if timeline.publication_ms(day) < now_ms]
            self._send(PLATFORM, self.operator.want_orders(due, range(len(self.members))))
        for day in self._days:
            if self._is_late_with(day):
                self._clear(day)
        self._alarms.arm(PLATFORM)

    def agreements(self, day: int) -> list[Agreement]:
        """The trades that stand; see `standing_deals`."""
        told = {member.state.household: member.told(day) for member in self.members}
        deals, status = standing_deals(day, self.operator.book(day), told)
        found = [
            Agreement(d.name, d.hour, d.buyer, d.seller, d.energy_kwh, d.energy_kwh, d.price, status)
            for d in deals
        ]
        return sorted(found, key=lambda each: (each.hour, each.seller, each.request))

    def failed(self, day: int) -> list[FailedAttempt]:
        """Nothing: an order that is not met was no request to anybody."""
        return []

    def offered(self, day: int) -> list[Offer]:
        """What households asked for in money: by seller and hour."""
        return [
            Offer(hour, household, energy_kwh, price)
            for household, orders in sorted(self._ordered.get(day, {}).items())
            for hour, energy_kwh, price in orders.asks
        ]

    def bids(self, day: int) -> list[Bid]:
        """What they bid for: by buyer and hour."""
        return [
            Bid(hour, household, energy_kwh, price)
            for household, orders in sorted(self._ordered.get(day, {}).items())
            for hour, energy_kwh, price in orders.bids
        ]

    def wanted_kwh(self, day: int) -> float:
        """All bids of a day."""
        return fsum(bid.energy_kwh for bid in self.bids(day))

    def too_late(self, day: int) -> int:
        """How many orders came after the gate had closed, as far as the operator remembers."""
        book = self.operator.book(day)
        return 0 if book is None else book.late_orders

    def forget(self, day: int) -> None:
        """Drop a settled day."""
        self.operator.forget(day)
        for member in self.members:
            member.forget(day)
        self._ordered.pop(day, None)

    def traffic(self) -> list[Traffic]:
        """Messages and bytes so far, by kind."""
        return self._post.traffic()

    def _operator(self, state: OperatorState) -> Operator:
        return Operator(self._terms, self._clearing, self._prices, state)

    def _is_up(self, address: int) -> bool:
        return not self.is_down if address == PLATFORM else address not in self.down

    def _day(self, day: int) -> Generator[simpy.Event, object, None]:
        timeline = self._terms.timeline
        yield wait_until(self._env, timeline.publication_ms(day), Priority.DECISION)
        for household in range(len(self.members)):
            self._order(household, day)
        # After what arrives at this very instant.
        yield wait_until(self._env, timeline.gate_ms(day), Priority.DECISION)
        self._clear(day)
        yield wait_until(self._env, timeline.deadline_ms(day), Priority.DECISION)
        self._decisions.closed(day)

    def _is_late_with(self, day: int) -> bool:
        """Whether a day should have been cleared by now."""
        timeline = self._terms.timeline
        return timeline.gate_ms(day) < int(self._env.now) <= timeline.deadline_ms(day)

    def _clear(self, day: int) -> None:
        if not self.is_down:
            self._send(PLATFORM, self.operator.clear(int(self._env.now), day))

    def _order(self, household: int, day: int) -> None:
        """Order, unless that was done, or would come too late to count."""
        member, now_ms = self.members[household], int(self._env.now)
        gate_ms = self._terms.timeline.gate_ms(day)
        if household in self.down or member.orders_of(day) or now_ms >= gate_ms:
            return
        orders = self._decisions.orders(household, day)
        self._ordered.setdefault(day, {})[household] = orders
        self._send(household, member.order(now_ms, orders, gate_ms))

    def _send(self, sender: int, letters: Sequence[Letter]) -> None:
        author = self.operator if sender == PLATFORM else self.members[sender]
        for recipient, payload in letters:
            kind = KIND_OF[type(payload)]
            self._post.send(sender, recipient, kind, payload_bytes(payload), author.take_sequence(), payload)
        self._alarms.arm(sender)

    def _next_due_ms(self, address: int) -> int | None:
        if not self._is_up(address):
            return None
        return self.operator.next_due_ms() if address == PLATFORM else self.members[address].next_due_ms()

    def _wake(self, address: int) -> None:
        if self._is_up(address):
            who = self.operator if address == PLATFORM else self.members[address]
            self._send(address, who.on_timer(int(self._env.now)))
