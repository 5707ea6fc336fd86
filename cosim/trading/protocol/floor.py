"""The SimPy side of trading: days come and go, messages are carried, households crash and come back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Protocol

import simpy

from cosim.comms.network import Network
from cosim.core.clock import Priority, wait_until
from cosim.core.message import Message
from cosim.core.streams import Streams
from cosim.trading.protocol.demand_plan import Planner, PlansAgain
from cosim.trading.protocol.ledger import Ledger
from cosim.trading.protocol.marketplace import Bid
from cosim.trading.protocol.messages import KIND_OF, Letter, Payload, payload_bytes
from cosim.trading.protocol.post import Alarms, Post, Traffic
from cosim.trading.protocol.purchase_book import Claim, FailedAttempt
from cosim.trading.protocol.reconciliation import Agreement, reconcile
from cosim.trading.protocol.trader import Trader, new_state, state_after_loss
from cosim.trading.protocol.trading_day import TradingTerms
from cosim.trading.valuation.offers import Offer

_MOST_ROUNDS = 1000
"""More than a day can have: rounds are numbered throughout, for their random numbers."""


class Offerer(Protocol):
    """Says what a household offers."""

    def __call__(self, household: int, day: int) -> Sequence[Offer]:
        """Its offers for a day, at most one an hour; asked at publication."""
        ...


@dataclass(frozen=True)
class Hooks:
    """What households decide, asked when they must decide it."""

    offers: Offerer
    """At publication."""
    plan: Planner
    """At gate closure, with the offers that reached the household. Asked again if it restarts without its
    memory before the deadline: it then knows no offers but what is left to it."""
    closed: Callable[[int], None] = lambda day: None
    """Told each day once its deadline has passed."""
    forgets: Callable[[int], None] = lambda household: None
    """Told each household that restarts without its memory, before it does anything else."""
    plan_again: PlansAgain = lambda household, day, offers, bought, first_hour: ()
    """In further rounds, if sellers have said that they have less left."""


class TradingFloor:
    """Runs the trading of all households.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    network : Network
        Carries the messages, over peer links.
    n_households : int
        Households 0 to n - 1 trade.
    terms : TradingTerms
        The rules.
    days : iterable of int
        Days to trade; see `Timeline.tradable_days`.
    planning_spread_ms : int
        Over how long households spread the start of their requests.
    streams : Streams
        The run's random numbers.
    hooks : Hooks
        What households decide.
    listeners : sequence of tuple of int, optional
        Who hears the offers of each household; everybody by default.

    Attributes
    ----------
    traders : list of Trader
        By household; their states are all that has to be kept for a checkpoint, besides `down` and the
        messages in flight. What happens when follows from the terms and is done once by what the states say.
    down : set of int
        Households that are crashed at present.
    missed_messages : int
        Messages that arrived at a household that was down.

    Notes
    -----
    With zero latency a household's whole negotiation happens at the instant of its planning, before the next
    one plans.
    """

    def __init__(
        self,
        env: simpy.Environment,
        network: Network,
        n_households: int,
        terms: TradingTerms,
        days: Iterable[int],
        planning_spread_ms: int,
        streams: Streams,
        hooks: Hooks,
        listeners: Sequence[tuple[int, ...]] | None = None,
    ) -> None:
        self._env = env
        self._network = network
        self._terms = terms
        self._days = list(days)
        self._spread_ms = planning_spread_ms
        self._offsets = streams.field("trading.planning_offset")
        self._round_offsets = streams.field("trading.round_offset")
        self._hooks = hooks
        self._listeners = listeners
        self.traders = [Trader(terms, new_state(household)) for household in range(n_households)]
        self.down: set[int] = set()
        self.missed_messages = 0
        self._alarms = Alarms(env, self._next_due_ms, self._wake)
        self._post = Post(network)
        self._offered: dict[int, dict[int, list[Offer]]] = {}

    def start(self) -> None:
        """Begin: every household hears what is about trading, and every day has its process."""
        for household in range(len(self.traders)):
            for kind in KIND_OF.values():
                self._network.on_receive(household, kind, self.receive)
        for day in self._days:
            self._env.process(self._day(day))
            if self._terms.round_ms is not None:
                self._env.process(self._further_rounds(day))
                self._env.process(self._hours(day))

    def receive(self, message: Message[Payload]) -> None:
        """Take a message that has arrived at a household."""
        household = message.recipient
        if household in self.down:
            self.missed_messages += 1
            return
        now_ms = int(self._env.now)
        self._send(household, self.traders[household].handle(now_ms, message))

    def crash(self, household: int) -> None:
        """A household goes down: it hears and does nothing until it restarts."""
        self.down.add(household)

    def restart(self, household: int, keeps_state: bool) -> None:
        """A household comes back, with its memory or without; then it does what it is late with."""
        self.down.discard(household)
        now_ms = int(self._env.now)
        if not keeps_state:
            state = state_after_loss(self.traders[household].state, now_ms, self._terms)
            self.traders[household] = Trader(self._terms, state)
            self._hooks.forgets(household)
            self._withdraw(household, now_ms)
        timeline = self._terms.timeline
        for day in self._days:
            if timeline.publication_ms(day) < now_ms:
                self._publish(household, day)
            if self.planning_ms(day, household) < now_ms:
                self._plan(household, day)
            if self._terms.round_ms is not None:
                self._close_hour(household, day, self._first_hour(day, now_ms) - 1)
            elif timeline.deadline_ms(day) < now_ms <= timeline.end_ms(day):
                self._close(household, day)
        self._alarms.arm(household)

    def planning_ms(self, day: int, household: int) -> int:
        """When a household plans a day: at gate closure, or up to the spread later."""
        gate_ms = self._terms.timeline.gate_ms(day)
        if not self._spread_ms:
            return gate_ms
        return gate_ms + int(self._offsets.number(day, household) * self._spread_ms)

    def claims(self, day: int) -> list[Claim]:
        """What buyers hold receipts for at present."""
        return [claim for trader in self.traders for claim in trader.claims(day)]

    def failed(self, day: int) -> list[FailedAttempt]:
        """What was asked for and not sold, as far as buyers remember."""
        books = [trader.state.buyer.books.get(day) for trader in self.traders]
        return [attempt for book in books if book is not None for attempt in book.failed]

    def too_late(self, day: int) -> int:
        """How many offers reached households after they had planned, as far as these remember."""
        books = [trader.state.buyer.books.get(day) for trader in self.traders]
        return sum(book.late_offers for book in books if book is not None)

    def wanted_kwh(self, day: int) -> float:
        """What households use in hours with offers by their last plans, as far as they remember."""
        books = [trader.state.buyer.books.get(day) for trader in self.traders]
        return fsum(kwh for book in books if book is not None for kwh in book.wanted_kwh.values())

    def ledgers(self, day: int) -> dict[int, Ledger | None]:
        """What sellers have sold, by household; None where that was lost."""
        return {trader.household: trader.ledger(day) for trader in self.traders}

    def agreements(self, day: int) -> list[Agreement]:
        """The trades that stand; to be asked when the delivery day has ended, for `settle`.

        Raises
        ------
        SimulationError
            If the books contradict each other.
        """
        return reconcile(day, self.claims(day), self.ledgers(day))

    def offered(self, day: int) -> list[Offer]:
        """What was published, in the order of sellers and hours."""
        published = self._offered.get(day, {})
        return [each for seller in sorted(published) for each in sorted(published[seller])]

    def bids(self, day: int) -> list[Bid]:
        """None: buyers take or leave what is offered."""
        return []

    def forget(self, day: int) -> None:
        """Drop a settled day."""
        for trader in self.traders:
            trader.forget(day)
        self._offered.pop(day, None)

    def traffic(self) -> list[Traffic]:
        """Messages and bytes so far, by kind."""
        return self._post.traffic()

    def _day(self, day: int) -> Generator[simpy.Event, object, None]:
        timeline, households = self._terms.timeline, range(len(self.traders))
        yield wait_until(self._env, timeline.publication_ms(day), Priority.DECISION)
        for household in households:
            self._publish(household, day)
        yield wait_until(self._env, timeline.gate_ms(day), Priority.DECISION)
        for household in households:
            planning = wait_until(self._env, self.planning_ms(day, household), Priority.DECISION)
            assert planning.callbacks is not None
            planning.callbacks.append(self._planner(household, day))
        yield wait_until(self._env, timeline.deadline_ms(day), Priority.DECISION)
        if self._terms.round_ms is None:
            for household in households:
                self._close(household, day)
        self._hooks.closed(day)

    def _further_rounds(self, day: int) -> Generator[simpy.Event, object, None]:
        """What was not bought is asked for again, household after household in a new order each round."""
        for number, round_ms in enumerate(self._terms.rounds(day)):
            yield wait_until(self._env, round_ms, Priority.DECISION)
            for household in range(len(self.traders)):
                row = day * _MOST_ROUNDS + number
                offset = int(self._round_offsets.number(row, household) * self._spread_ms)
                planning = wait_until(self._env, round_ms + offset, Priority.DECISION)
                assert planning.callbacks is not None
                planning.callbacks.append(self._again(household, day))

    def _hours(self, day: int) -> Generator[simpy.Event, object, None]:
        """Hour by hour trading ends."""
        for hour in range(self._terms.slots.per_day):
            yield wait_until(self._env, self._terms.last_ms(day, hour) + 1, Priority.DECISION)
            for household in range(len(self.traders)):
                self._close_hour(household, day, hour)

    def _first_hour(self, day: int, now_ms: int) -> int:
        """The first hour of a day that has not begun: 0 before it, their number when it is over."""
        begun = -(-(now_ms + 1 - self._terms.timeline.start_ms(day)) // self._terms.slots.length_ms)
        return min(max(begun, 0), self._terms.slots.per_day)

    def _again(self, household: int, day: int) -> Callable[[simpy.Event], None]:
        return lambda _: self._plan_again(household, day)

    def _plan_again(self, household: int, day: int) -> None:
        now_ms, trader = int(self._env.now), self.traders[household]
        first_hour = self._first_hour(day, now_ms)
        if household in self.down or not trader.lacks(day, first_hour):
            return
        # What is bought costs nothing more, as the household sees it: it keeps to its contracts.
        bought = [Offer(each.hour, each.seller, each.agreed_kwh, 0.0) for each in trader.claims(day)]
        offers = trader.offers_left(now_ms, day)
        needs = self._hooks.plan_again(household, day, offers, bought, first_hour)
        self._send(household, trader.begin_again(now_ms, day, needs, first_hour))

    def _close_hour(self, household: int, day: int, hour: int) -> None:
        """Unless the day is not planned yet: then nothing is open."""
        trader = self.traders[household]
        if household not in self.down and hour >= 0 and trader.buyer.book(day).is_planned:
            self._send(household, trader.close_hour(int(self._env.now), day, hour))

    def _planner(self, household: int, day: int) -> Callable[[simpy.Event], None]:
        return lambda _: self._plan(household, day)

    def _publish(self, household: int, day: int) -> None:
        """Publish, unless that was done, or would come too late to be of use."""
        trader = self.traders[household]
        if household in self.down or trader.ledger(day) is not None or not trader.seller.may_sell(day):
            return
        if int(self._env.now) >= self._terms.timeline.gate_ms(day):
            return
        letters = trader.publish(day, self._hooks.offers(household, day), self._others(household))
        # Published anew after a loss of memory, it takes the place of what was published before.
        self._offered.setdefault(day, {})[household] = trader.seller.own_offers(int(self._env.now), day)
        self._send(household, letters)

    def _others(self, household: int) -> tuple[int, ...]:
        if self._listeners is not None:
            return self._listeners[household]
        # Not kept: of N households that would be N² numbers.
        return tuple(other for other in range(len(self.traders)) if other != household)

    def _plan(self, household: int, day: int) -> None:
        now_ms, trader = int(self._env.now), self.traders[household]
        if household in self.down or now_ms > self._terms.timeline.deadline_ms(day):
            return  # Too late to begin, also where there are further rounds.
        if trader.buyer.book(day).is_planned:
            return
        needs = self._hooks.plan(household, day, trader.offers(now_ms, day))
        self._send(household, trader.begin(now_ms, day, needs))

    def _close(self, household: int, day: int) -> None:
        trader = self.traders[household]
        if household not in self.down and not trader.buyer.book(day).is_closed:
            self._send(household, trader.close(day))

    def _withdraw(self, household: int, now_ms: int) -> None:
        timeline, trader = self._terms.timeline, self.traders[household]
        for day in self._days:
            if timeline.gate_ms(day) < now_ms <= timeline.gate_ms(day) + self._spread_ms:
                self._send(household, trader.seller.withdraw(day, self._others(household)))

    def _send(self, sender: int, letters: Sequence[Letter]) -> None:
        trader = self.traders[sender]
        for recipient, payload in letters:
            kind = KIND_OF[type(payload)]
            size = payload_bytes(payload)
            self._post.send(sender, recipient, kind, size, trader.take_sequence(), payload)
        if letters:
            self._alarms.arm(sender)

    def _next_due_ms(self, household: int) -> int | None:
        return None if household in self.down else self.traders[household].next_due_ms()

    def _wake(self, household: int) -> None:
        if household not in self.down:
            self._send(household, self.traders[household].on_timer(int(self._env.now)))
