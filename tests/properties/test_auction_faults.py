"""Auctions over real links, with crashes of households and of the operator, drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.clock import MS_PER_DAY, Priority, wait_until
from cosim.core.message import PLATFORM, Address, Message
from cosim.core.streams import Streams
from cosim.trading.auction.broker_hall import BrokerDecisions, BrokerHall
from cosim.trading.auction.hall import AuctionHall, Decisions
from cosim.trading.auction.messages import KIND_OF, Deal, Orders, Statement
from cosim.trading.clearing import CLEARINGS, Order
from cosim.trading.clearing.grains import whole_grains
from cosim.trading.protocol.messages import Line
from cosim.trading.protocol.trading_day import build_terms
from cosim.trading.schemas.rules import TradingRulesConfig
from cosim.trading.settlement.bills import settle
from cosim.trading.valuation.offers import Offer
from cosim.trading.valuation.price_list import OnePriceList
from cosim.trading.valuation.prices import Prices
from tests.examples import examples

DAYS = (1, 2)
HOUR_MS = 3_600_000
TERMS = build_terms(TradingRulesConfig.model_validate({"request_timeout_ms": 3000}), 0)
OPERATORS = [name for name in CLEARINGS if CLEARINGS[name].has_operator]
GRID, FEED_IN = 0.3, 0.03


class Fault(NamedTuple):
    """A household (or the operator, -1) goes down for a while, and comes back with its memory or without."""

    who: int
    at_ms: int
    lasts_ms: int
    keeps_state: bool


def around(instant: Any, spread_ms: int) -> st.SearchStrategy[int]:
    return st.builds(
        lambda day, offset: instant(day) + offset, st.sampled_from(DAYS), st.integers(-spread_ms, spread_ms)
    )


faults = st.lists(
    st.builds(
        Fault,
        st.integers(-1, 4).map(lambda who: who if who < 4 else PLATFORM),
        st.one_of(
            around(TERMS.timeline.publication_ms, 9000),
            around(TERMS.timeline.gate_ms, 9000),
            around(TERMS.timeline.deadline_ms, 9000),
            st.integers(0, 3 * MS_PER_DAY),
        ),
        st.sampled_from([0, 1, 500, 4000, 60_000, HOUR_MS, 8 * HOUR_MS]),
        st.booleans(),
    ),
    max_size=6,
)
link = st.fixed_dictionaries(
    {
        "latency": st.sampled_from(
            [
                {"kind": "constant", "latency_ms": 0},
                {"kind": "uniform", "low_ms": 0, "high_ms": 6000},
                {"kind": "lognormal", "median_ms": 200, "sigma": 3},
                # Beyond the gate, and beyond the deadline.
                {"kind": "uniform", "low_ms": 0, "high_ms": 4 * HOUR_MS},
            ]
        ),
        "loss": st.sampled_from(
            [
                {"kind": "none"},
                {"kind": "bernoulli", "loss_probability": 0.5},
                {"kind": "gilbert_elliott", "probability_good_to_bad": 0.2, "probability_bad_to_good": 0.3},
            ]
        ),
        "duplication_probability": st.sampled_from([0.0, 0.3, 1.0]),
        "delivery": st.sampled_from(["at_most_once", "at_least_once", "exactly_once"]),
    }
)


class Community:
    """Households with random surpluses and needs, and a witness that notes what the operator tells."""

    def __init__(self, comms: dict[str, Any], n: int, seed: int, clearing: str, faults: list[Fault]) -> None:
        rng = np.random.Generator(np.random.Philox(seed))
        self.n = n
        self.net = rng.normal(0.0, 2.0, (4, n, 24)).round(3)
        self.price = rng.uniform(FEED_IN, GRID, (4, n, 24)).round(2)
        self.env = simpy.Environment()
        config = CommsConfig.model_validate({"default": comms})
        addresses = [Address(f"h{number}") for number in range(n)]
        self.network = Network(self.env, config, addresses, Streams(seed), lambda config: np.empty(0))
        self.clearing = CLEARINGS[clearing]()
        prices = [(GRID, FEED_IN)] * 24
        hall = self.env, self.network, n, TERMS, DAYS, self.clearing, lambda day: prices
        if clearing == "posted_offers":
            decisions = BrokerDecisions(self.asks, bids=self.bids)
            self.hall: AuctionHall = BrokerHall(*hall, decisions, 5000, Streams(seed))
        else:
            self.hall = AuctionHall(*hall, Decisions(self.orders))
        self.told: dict[int, set[Deal]] = {day: set() for day in DAYS}
        for fault in faults:
            if fault.who < n:
                self.env.process(self.fail(fault))
        self.hall.start()
        for address in (PLATFORM, *range(n)):
            for kind in KIND_OF.values():
                self.network.on_receive(address, kind, self.receive)

    def receive(self, message: Message) -> None:
        if isinstance(message.payload, Statement) and message.recipient not in self.hall.down:
            self.told[message.payload.day].update(message.payload.deals)
        self.hall.receive(message)

    def fail(self, fault: Fault) -> Any:
        yield wait_until(self.env, fault.at_ms, Priority.FAULT)
        crash = self.hall.go_down if fault.who == PLATFORM else lambda: self.hall.crash(fault.who)
        crash()
        yield wait_until(self.env, fault.at_ms + fault.lasts_ms, Priority.FAULT)
        if fault.who == PLATFORM:
            self.hall.come_back(fault.keeps_state)
        else:
            self.hall.restart(fault.who, fault.keeps_state)

    def orders(self, household: int, day: int) -> Orders:
        limits = self.clearing.limits(GRID, FEED_IN)
        bids, asks = [], []
        for hour, (net, price) in enumerate(
            zip(self.net[day, household].tolist(), self.price[day, household].tolist(), strict=True)
        ):
            if net > 0:
                bids.append(Line(hour, whole_grains(net), price if limits is None else limits.bid))
            elif net < 0:
                asks.append(Line(hour, whole_grains(-net), price if limits is None else limits.ask))
        return Orders(day, bids, asks)

    def asks(self, household: int, day: int) -> Orders:
        return self.orders(household, day)._replace(bids=())

    def bids(self, household: int, day: int, offers: Sequence[Offer]) -> Orders:
        for each in offers:
            assert each.quantity_kwh <= -self.net[day, each.seller, each.hour], "it quotes what there is"
        return self.orders(household, day)._replace(asks=())


communities = given(
    comms=link,
    n=st.integers(2, 4),
    seed=st.integers(0, 10_000),
    clearing=st.sampled_from(list(CLEARINGS)),
    faults=faults,
)


@settings(max_examples=examples(12), deadline=None, derandomize=True)
@communities
def test_books_agree_whatever_fails(
    comms: dict[str, Any], n: int, seed: int, clearing: str, faults: list[Fault]
) -> None:
    assert_books_agree(comms, n, seed, clearing, faults)


@pytest.mark.slow
@settings(max_examples=120, deadline=None, derandomize=True)
@communities
def test_books_agree_in_many_communities(
    comms: dict[str, Any], n: int, seed: int, clearing: str, faults: list[Fault]
) -> None:
    assert_books_agree(comms, n, seed, clearing, faults)


def assert_books_agree(comms: dict[str, Any], n: int, seed: int, clearing: str, faults: list[Fault]) -> None:
    """Nothing is sold twice, what anybody was told stands for both sides, and the money adds up."""
    community = Community(comms, n, seed, clearing, faults)
    for day in DAYS:
        community.env.run(TERMS.timeline.end_ms(day) + 1)
        agreements = community.hall.agreements(day)
        stand = {(a.request, a.hour, a.buyer, a.seller, a.agreed_kwh, a.price) for a in agreements}
        assert len(stand) == len(agreements)
        told = {tuple(deal) for deal in community.told[day]}
        if community.hall.operator.book(day) is not None:
            assert told <= stand, "what a household was ever told of a day stands"
        else:
            held = {tuple(deal) for member in community.hall.members for deal in member.told(day)}
            assert held == stand <= told, "what somebody still knows of stands for both sides"
        net = community.net[day]
        bought, sold, paid = np.zeros((n, 24)), np.zeros((n, 24)), np.zeros(n)
        for each in agreements:
            bought[each.buyer, each.hour] += each.agreed_kwh
            sold[each.seller, each.hour] += each.agreed_kwh
            paid[each.buyer] += each.price * each.agreed_kwh
            paid[each.seller] -= each.price * each.agreed_kwh
        assert np.all(bought <= np.maximum(net, 0)), "nobody buys more than he lacks"
        assert np.all(sold <= np.maximum(-net, 0)), "nothing is sold twice"
        prices = Prices(np.full(24, GRID), np.full(24, FEED_IN))
        suppliers = OnePriceList(prices, n).retail(0)
        settled = settle(day, agreements, [], np.maximum(net, 0), np.maximum(-net, 0), suppliers)
        assert abs(sum(bill.total_eur for bill in settled.bills)) < 1e-9
        for bill in settled.bills[:-1]:
            assert abs(bill.purchases_eur + bill.sales_eur - paid[bill.prosumer]) < 1e-9
        community.hall.forget(day)
    assert not community.hall.operator.state.books, "state does not grow"
    for row in community.network.accounting():
        assert row.sent + row.duplicated == row.delivered + row.lost + row.expired + row.in_flight


@pytest.mark.parametrize("clearing", OPERATORS)
def test_without_faults_the_trades_are_the_clearing_of_the_book(clearing: str) -> None:
    """No message decides anything but by being there in time."""
    for comms in ({}, {"latency": {"kind": "uniform", "low_ms": 0, "high_ms": 9000}}):
        community = Community(comms, 6, 3, clearing, [])
        community.env.run(TERMS.timeline.end_ms(1) + 1)
        expected = set()
        for hour in range(24):
            book = [community.orders(household, 1) for household in range(6)]
            bids = [
                Order(h, line[1], line[2]) for h, o in enumerate(book) for line in o.bids if line[0] == hour
            ]
            asks = [
                Order(h, line[1], line[2]) for h, o in enumerate(book) for line in o.asks if line[0] == hour
            ]
            expected |= {(hour, *match) for match in community.clearing.clear(bids, asks, GRID, FEED_IN)}
        found = {(a.hour, a.buyer, a.seller, a.agreed_kwh, a.price) for a in community.hall.agreements(1)}
        assert found == expected
        assert len(found) > 20
        kinds = {each.kind: each.messages for each in community.hall.traffic()}
        if not comms:
            assert kinds == {"orders": 12, "orders_taken": 12, "statement": 12, "statement_taken": 12}, (
                "of two days"
            )


def test_a_book_that_is_lost_is_collected_again_until_the_gate_closes_and_not_after() -> None:
    gate_ms = TERMS.timeline.gate_ms(1)
    before = Community({}, 4, 3, "pay_as_bid", [Fault(PLATFORM, gate_ms - 60_000, 1000, False)])
    undisturbed = Community({}, 4, 3, "pay_as_bid", [])
    after = Community({}, 4, 3, "pay_as_bid", [Fault(PLATFORM, gate_ms - 1000, 60_000, False)])
    kept = Community({}, 4, 3, "pay_as_bid", [Fault(PLATFORM, gate_ms - 1000, 60_000, True)])
    for community in (before, undisturbed, after, kept):
        community.env.run(TERMS.timeline.end_ms(1) + 1)
    wanted = undisturbed.hall.agreements(1)
    assert wanted
    assert before.hall.agreements(1) == wanted
    assert kept.hall.agreements(1) == wanted, "it clears as soon as it is back"
    assert after.hall.agreements(1) == [], "it may have cleared, and cannot know"


@pytest.mark.parametrize("spread_ms", [0, 5000])
def test_a_broker_without_latency_serves_one_buyer_after_the_other(spread_ms: int) -> None:
    """What comes of it is posted offers of one book, with buyers in the order in which they plan."""
    community = Community({}, 6, 11, "posted_offers", [])
    hall = community.hall
    assert isinstance(hall, BrokerHall)
    hall._spread_ms = spread_ms
    community.env.run(TERMS.timeline.end_ms(1) + 1)
    order = sorted(range(6), key=lambda household: (hall._planning_ms(1, household), household))
    assert (order == list(range(6))) == (spread_ms == 0)
    expected = set()
    for hour in range(24):
        bids = [Order(h, e, p) for h in order for at, e, p in community.bids(h, 1, ()).bids if at == hour]
        asks = [Order(h, e, p) for h in order for at, e, p in community.asks(h, 1).asks if at == hour]
        expected |= {(hour, *match) for match in community.clearing.clear(bids, asks, GRID, FEED_IN)}
    assert {(a.hour, a.buyer, a.seller, a.agreed_kwh, a.price) for a in hall.agreements(1)} == expected
    assert len(expected) > 20
