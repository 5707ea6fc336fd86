"""The machines alone, against an adversary that hands over any message at any time, twice, late or never."""

from __future__ import annotations

import copy
import pickle
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cosim.core.message import Message
from cosim.trading.protocol.demand_plan import needs_from_load
from cosim.trading.protocol.messages import KIND_OF, Letter, Receipt, RequestId
from cosim.trading.protocol.reconciliation import Agreement, reconcile
from cosim.trading.protocol.trader import Trader, new_state, state_after_loss
from cosim.trading.protocol.trading_day import build_terms
from cosim.trading.schemas.rules import TradingRulesConfig
from cosim.trading.settlement.bills import Losses, settle
from cosim.trading.valuation.offers import Offer
from cosim.trading.valuation.price_list import OnePriceList
from cosim.trading.valuation.prices import Prices

N_HOUSEHOLDS = 4
HOURS = (11, 12)
DAY = 1
GRID_PRICE = 0.30

CONFIG = TradingRulesConfig(request_timeout_ms=1000, request_retries=1, reservation_s=2.0)
TERMS = build_terms(CONFIG, 0)
GATE_MS = TERMS.timeline.gate_ms(DAY)
DEADLINE_MS = TERMS.timeline.deadline_ms(DAY)

energy = st.sampled_from([0.3, 1.0, 1.7, 2.5])
household = st.integers(0, N_HOUSEHOLDS - 1)


class Sold(NamedTuple):
    """A receipt as it left its seller."""

    seller: int
    receipt: Receipt


class Market(RuleBasedStateMachine):
    """Every message ever sent stays in the bag: it can come at any time, again and again, or never."""

    @initialize(
        offers=st.lists(
            st.tuples(household, st.sampled_from(HOURS), energy, st.sampled_from([0.1, 0.2])),
            min_size=2,
            max_size=5,
            unique_by=lambda each: each[:2],
        ),
        loads=st.lists(energy, min_size=N_HOUSEHOLDS * 2, max_size=N_HOUSEHOLDS * 2),
        sheets_lost=st.sets(st.tuples(household, household), max_size=4),
    )
    def open_market(
        self,
        offers: list[tuple[int, int, float, float]],
        loads: list[float],
        sheets_lost: set[tuple[int, int]],
    ) -> None:
        self.now = TERMS.timeline.publication_ms(DAY)
        self.traders = [Trader(TERMS, new_state(each)) for each in range(N_HOUSEHOLDS)]
        self.bag: list[Message] = []
        self.waiting: list[int] = []
        self.receipts: dict[RequestId, Sold] = {}
        self.is_closed = False
        self.load = np.array(loads).reshape(N_HOUSEHOLDS, 2)
        self.published: dict[tuple[int, int], float] = {
            (seller, hour): quantity for seller, hour, quantity, _ in offers
        }
        self.offers = offers
        for which in range(N_HOUSEHOLDS):
            self.publish(which)
        for message in list(self.bag):
            if (message.sender, message.recipient) not in sheets_lost:
                self.hand_over(message)
        self.waiting.clear()
        # A millisecond before the gate closes.
        self.now = GATE_MS - 1

    def publish(self, which: int) -> None:
        own = [Offer(hour, seller, *rest) for seller, hour, *rest in self.offers if seller == which]
        others = [each for each in range(N_HOUSEHOLDS) if each != which]
        self.post(which, self.traders[which].publish(DAY, own, others))

    def post(self, sender: int, letters: list[Letter]) -> None:
        for recipient, payload in letters:
            number = self.traders[sender].take_sequence()
            kind = KIND_OF[type(payload)]
            assert not any((m.sender, m.kind, m.sequence) == (sender, kind, number) for m in self.bag)
            self.waiting.append(len(self.bag))
            self.bag.append(Message(sender, recipient, kind, number, self.now, payload))
            if isinstance(payload, Receipt):
                self.receipts[payload.id] = Sold(sender, payload)

    @rule(which=household)
    def plan(self, which: int) -> None:
        trader = self.traders[which]
        if trader.buyer.book(DAY).is_planned or not GATE_MS <= self.now <= DEADLINE_MS:
            return
        load, grid = [0.0] * 24, [GRID_PRICE] * 24
        for column, hour in enumerate(HOURS):
            load[hour] = float(self.load[which, column])
        needs = needs_from_load(load, trader.offers(self.now, DAY), grid)
        self.post(which, trader.begin(self.now, DAY, needs))

    @rule()
    def plan_all(self) -> None:
        self.now = max(self.now, GATE_MS)
        for which in range(N_HOUSEHOLDS):
            self.plan(which)

    @rule(fates=st.lists(st.sampled_from(["deliver", "deliver", "drop", "twice", "later"]), max_size=12))
    def carry(self, fates: list[str]) -> None:
        """The next messages in the order in which they were sent, as a poor link would carry them."""
        for fate in fates:
            if not self.waiting:
                return
            position = self.waiting.pop(0)
            if fate == "later":
                self.waiting.append(position)
            for _ in range({"deliver": 1, "twice": 2}.get(fate, 0)):
                self.hand_over(self.bag[position])

    @rule(n=st.integers(1, 30))
    def carry_well(self, n: int) -> None:
        """The next messages, as a good link would carry them."""
        self.carry(["deliver"] * n)

    @precondition(lambda self: self.bag)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """Any message that was ever sent."""
        # Counted from the newest, so that what shrinks is a market in which messages arrive at once.
        self.hand_over(self.bag[-1 - data.draw(st.integers(0, len(self.bag) - 1))])

    @rule()
    def replay_all(self) -> None:
        """Every message that was ever sent, the oldest first."""
        for message in list(self.bag):
            self.hand_over(message)

    def hand_over(self, message: Message) -> None:
        self.post(message.recipient, self.traders[message.recipient].handle(self.now, message))

    @rule(ms=st.sampled_from([1, 400, 1000, 2001]))
    def wait(self, ms: int) -> None:
        self.now += ms
        for trader in self.traders:
            self.post(trader.household, trader.on_timer(self.now))

    @rule(which=household)
    def restart_with_memory(self, which: int) -> None:
        self.traders[which] = Trader(TERMS, pickle.loads(pickle.dumps(self.traders[which].state)))

    @rule(which=household)
    def restart_without_memory(self, which: int) -> None:
        if self.now == GATE_MS:
            self.now += 1  # Of an instant, restarts come first, before anything is planned.
        state = state_after_loss(copy.deepcopy(self.traders[which].state), self.now, TERMS)
        self.traders[which] = Trader(TERMS, state)
        # Whoever runs it may well try; that it sells nothing twice is for the seller to see to.
        self.publish(which)

    @rule()
    def deadline(self) -> None:
        self.now = max(self.now, DEADLINE_MS)
        self.is_closed = True
        for trader in self.traders:
            self.post(trader.household, trader.close(DAY))
        self.now += 1

    @invariant()
    def nothing_is_claimed_twice(self) -> None:
        claims = [claim for trader in self.traders for claim in trader.claims(DAY)]
        for seller in range(N_HOUSEHOLDS):
            for hour in HOURS:
                sold = sum(c.agreed_kwh for c in claims if (c.seller, c.hour) == (seller, hour))
                assert sold <= self.published.get((seller, hour), 0.0)

    @invariant()
    def nobody_buys_more_than_it_wants(self) -> None:
        for trader in self.traders:
            book = trader.buyer.book(DAY)
            for column, hour in enumerate(HOURS):
                held = sum(c.agreed_kwh for c in trader.claims(DAY) if c.hour == hour)
                asked = sum(
                    line.energy_kwh
                    for request in book.open_requests.values()
                    for line in (request.asked if request.granted is None else request.granted)
                    if line.hour == hour
                )
                assert held + asked <= self.load[trader.household, column]

    @invariant()
    def who_claims_holds_a_receipt_that_was_given(self) -> None:
        for trader in self.traders:
            for claim in trader.claims(DAY):
                if claim.buyer != claim.seller:
                    seller, receipt = self.receipts[claim.request]
                    assert seller == claim.seller
                    assert (claim.hour, claim.agreed_kwh, claim.price) in receipt.lines

    @invariant()
    def ledgers_never_promise_more_than_was_offered(self) -> None:
        for trader in self.traders:
            ledger = trader.ledger(DAY)
            if ledger is None:
                continue
            for hour in HOURS:
                promised = sum(
                    line.energy_kwh
                    for each in ledger.reservations.values()
                    if each.status in ("reserved", "firm")
                    for line in each.granted
                    if line.hour == hour
                )
                assert promised == ledger.committed_kwh.get(hour, 0.0)
                assert promised <= ledger.offered_kwh.get(hour, 0.0)

    @invariant()
    def books_agree_and_every_kwh_is_paid_once(self) -> None:
        claims = [claim for trader in self.traders for claim in trader.claims(DAY)]
        agreements = reconcile(DAY, claims, {t.household: t.ledger(DAY) for t in self.traders})
        assert sum(each.status != "unclaimed" for each in agreements) == len(claims)
        load = np.zeros((N_HOUSEHOLDS, 24))
        load[:, list(HOURS)] = 0.8 * self.load
        generation = np.zeros((N_HOUSEHOLDS, 24))
        for (seller, hour), quantity in self.published.items():
            generation[seller, hour] = 0.7 * quantity
        prices = Prices(np.full(24, GRID_PRICE), np.full(24, 0.1 * GRID_PRICE))

        def losses(trade: Agreement) -> Losses:
            return Losses(max(0.0, GRID_PRICE - trade.price), max(0.0, trade.price - 0.1 * GRID_PRICE))

        suppliers = OnePriceList(prices, N_HOUSEHOLDS).retail(0)
        bills = settle(DAY, agreements, (), load, generation, suppliers, losses).bills
        assert abs(sum(bill.total_eur for bill in bills)) < 1e-9
        for bill in bills[:-1]:
            used = bill.self_consumed_kwh + bill.bought_kwh + bill.from_grid_kwh
            made = bill.self_consumed_kwh + bill.sold_kwh + bill.to_grid_kwh
            assert abs(used - bill.load_kwh) < 1e-9
            assert abs(made - bill.generation_kwh) < 1e-9


STEPS = settings(stateful_step_count=40, deadline=None, derandomize=True, print_blob=True)


class TestMarket(Market.TestCase):  # type: ignore[name-defined, misc]
    """Some games with every test."""

    settings = settings(STEPS, max_examples=50)


@pytest.mark.slow
class TestMarketLong(Market.TestCase):  # type: ignore[name-defined, misc]
    """Many."""

    settings = settings(STEPS, max_examples=250)
