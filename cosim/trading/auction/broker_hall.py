"""The SimPy side of trading through a broker: offers before the gate, then quotes and orders one by one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import simpy

from cosim.comms.network import Network
from cosim.core.clock import Priority, wait_until
from cosim.core.message import Message
from cosim.core.streams import Streams
from cosim.trading.auction.broker import Broker
from cosim.trading.auction.hall import AuctionHall, Decisions
from cosim.trading.auction.messages import Orders, Payload, Quote, QuoteWanted
from cosim.trading.auction.operator import HourPrices, OperatorState
from cosim.trading.clearing.interface import Clearing
from cosim.trading.protocol.marketplace import Bid
from cosim.trading.protocol.trading_day import TradingTerms
from cosim.trading.valuation.offers import Offer


class Quoted(Protocol):
    """Plans a household's day with what a broker has."""

    def __call__(self, household: int, day: int, offers: Sequence[Offer]) -> Orders:
        """Its bids; asked when the quote has come."""
        ...


@dataclass(frozen=True)
class BrokerDecisions(Decisions):
    """What households decide; `orders` are their asks."""

    bids: Quoted | None = None
    """When a quote has come."""
    depth_kwh: Callable[[int], float] = lambda household: 1e6
    """How much energy an hour's quote shall hold, by household."""


class BrokerHall(AuctionHall):
    """Runs the trading of all days through a broker; parameters as for `AuctionHall`, and two more.

    Parameters
    ----------
    planning_spread_ms : int
        Over how long after gate closure households ask for quotes, in an order drawn anew each day.
    streams : Streams
        The run's random numbers.
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
        decisions: BrokerDecisions,
        planning_spread_ms: int,
        streams: Streams,
    ) -> None:
        self._spread_ms = planning_spread_ms
        self._offsets = streams.field("trading.planning_offset")
        self._bids: dict[int, dict[int, Orders]] = {}
        self._of_households = decisions
        super().__init__(env, network, n_households, terms, days, clearing, prices, decisions)

    def receive(self, message: Message[Payload]) -> None:
        """Take a message that has arrived; a quote that is waited for is planned with."""
        payload, household = message.payload, message.recipient
        if not isinstance(payload, Quote) or household in self.down:
            super().receive(message)
        elif self.members[household].on_quote(payload.day):
            self._bid(household, payload.day, payload.offers)

    def restart(self, household: int, keeps_state: bool) -> None:
        """A household comes back: it offers or asks for a quote, if there is still time."""
        super().restart(household, keeps_state)
        for day in self._days:
            if self._planning_ms(day, household) < int(self._env.now):
                self._ask(household, day)

    def _is_late_with(self, day: int) -> bool:
        """Whether sellers should have been told by now."""
        timeline = self._terms.timeline
        return timeline.deadline_ms(day) < int(self._env.now) <= timeline.start_ms(day)

    def bids(self, day: int) -> list[Bid]:
        """What households bid for: by buyer and hour."""
        return [
            Bid(hour, household, energy_kwh, price)
            for household, orders in sorted(self._bids.get(day, {}).items())
            for hour, energy_kwh, price in orders.bids
        ]

    def forget(self, day: int) -> None:
        """Drop a settled day."""
        super().forget(day)
        self._bids.pop(day, None)

    def _operator(self, state: OperatorState) -> Broker:
        return Broker(self._terms, self._clearing, self._prices, state)

    def _planning_ms(self, day: int, household: int) -> int:
        return self._terms.timeline.gate_ms(day) + int(self._offsets.number(day, household) * self._spread_ms)

    def _day(self, day: int) -> Generator[simpy.Event, object, None]:
        timeline, households = self._terms.timeline, range(len(self.members))
        yield wait_until(self._env, timeline.publication_ms(day), Priority.DECISION)
        for household in households:
            self._order(household, day)
        yield wait_until(self._env, timeline.gate_ms(day), Priority.DECISION)
        for household in households:
            planning = wait_until(self._env, self._planning_ms(day, household), Priority.DECISION)
            assert planning.callbacks is not None
            planning.callbacks.append(self._asker(household, day))
        yield wait_until(self._env, timeline.deadline_ms(day), Priority.DECISION)
        self._clear(day)
        self._decisions.closed(day)

    def _asker(self, household: int, day: int) -> Callable[[simpy.Event], None]:
        return lambda _: self._ask(household, day)

    def _ask(self, household: int, day: int) -> None:
        """Ask for a quote, unless that was done, or would come too late to be of use."""
        member, now_ms = self.members[household], int(self._env.now)
        deadline_ms = self._terms.timeline.deadline_ms(day)
        if household in self.down or member.has_asked(day) or now_ms >= deadline_ms:
            return
        wanted = QuoteWanted(day, self._of_households.depth_kwh(household))
        self._send(household, member.want_quote(now_ms, wanted, deadline_ms))

    def _bid(self, household: int, day: int, offers: Sequence[Offer]) -> None:
        now_ms, deadline_ms = int(self._env.now), self._terms.timeline.deadline_ms(day)
        if now_ms > deadline_ms:
            return
        assert self._of_households.bids is not None
        orders = self._of_households.bids(household, day, offers)
        self._bids.setdefault(day, {})[household] = orders
        self._send(household, self.members[household].order(now_ms, orders, deadline_ms))
