"""Trading over real links, with real crashes, on the clock, under fault schedules that hypothesis draws."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.clock import MS_PER_DAY, Priority, wait_until
from cosim.core.message import Address, Message
from cosim.core.streams import Streams
from cosim.trading.protocol.demand_plan import HourlyNeed, needs_from_load
from cosim.trading.protocol.floor import Hooks, TradingFloor
from cosim.trading.protocol.messages import KIND_OF, Receipt
from cosim.trading.protocol.reconciliation import Agreement
from cosim.trading.protocol.trading_day import build_terms
from cosim.trading.schemas.rules import TradingRulesConfig
from cosim.trading.settlement.bills import Losses, Settlement, settle
from cosim.trading.valuation.offers import GRID, Offer
from cosim.trading.valuation.price_list import OnePriceList
from cosim.trading.valuation.prices import Prices
from tests.examples import examples

Array = NDArray[np.float64]

DAYS = (1, 2)
HOUR_MS = 3_600_000
RULES = {"planning_spread_s": 5, "request_timeout_ms": 3000, "request_retries": 2, "reservation_s": 20}
TERMS = build_terms(TradingRulesConfig.model_validate(RULES), 0)

fault_times = st.one_of(
    # Around the gate, where it matters most, and anywhere.
    st.builds(
        lambda day, offset: TERMS.timeline.gate_ms(day) + offset,
        st.sampled_from(DAYS),
        st.integers(-50, 30_000),
    ),
    st.builds(
        lambda day, offset: TERMS.timeline.deadline_ms(day) + offset,
        st.sampled_from(DAYS),
        st.integers(-900, 900),
    ),
    st.integers(0, 3 * MS_PER_DAY),
)


class Fault(NamedTuple):
    """A household goes down for a while, and comes back with its memory or without."""

    household: int
    at_ms: int
    lasts_ms: int
    keeps_state: bool


faults = st.lists(
    st.builds(
        Fault,
        st.integers(0, 5),
        fault_times,
        st.sampled_from([0, 1, 500, 4000, 60_000, HOUR_MS, 8 * HOUR_MS]),
        st.booleans(),
    ),
    max_size=5,
)
latency = st.sampled_from(
    [
        {"kind": "constant", "latency_ms": 0},
        {"kind": "constant", "latency_ms": 40},
        {"kind": "uniform", "low_ms": 0, "high_ms": 6000},
        {"kind": "exponential", "mean_ms": 1500},
        {"kind": "lognormal", "median_ms": 200, "sigma": 3},
        # Beyond the gate, and beyond the deadline.
        {"kind": "uniform", "low_ms": 0, "high_ms": 4 * HOUR_MS},
    ]
)
loss = st.sampled_from(
    [
        {"kind": "none"},
        {"kind": "bernoulli", "loss_probability": 0.1},
        {"kind": "bernoulli", "loss_probability": 0.5},
        {"kind": "gilbert_elliott", "probability_good_to_bad": 0.2, "probability_bad_to_good": 0.3},
    ]
)
link = st.fixed_dictionaries(
    {
        "latency": latency,
        "loss": loss,
        "duplication_probability": st.sampled_from([0.0, 0.3, 1.0]),
        "ordering": st.sampled_from(["free", "in_order"]),
        "delivery": st.sampled_from(["at_most_once", "at_least_once", "exactly_once"]),
    }
)


class Community:
    """A random community, with a witness that notes what leaves each household."""

    def __init__(
        self, comms: dict[str, Any], n: int, seed: int, faults: list[Fault], every_h: float | None = None
    ) -> None:
        rng = np.random.Generator(np.random.Philox(seed))
        self.n = n
        shape = (4, n, 24)
        self.load = np.where(rng.random(shape) < 0.7, rng.exponential(1.0, shape), 0.0)
        sun = np.where((np.arange(24) > 8) & (np.arange(24) < 13), 1.0, 0.0)
        self.sun = rng.exponential(1.5, shape) * sun
        self.most = self.load.copy()
        self.terms = TERMS._replace(round_ms=None if every_h is None else int(every_h * HOUR_MS))
        self.price = rng.uniform(0.05, 0.29, shape).round(2)
        self.grid = rng.uniform(-0.1, 0.4, (4, 24))
        self.env = simpy.Environment()
        addresses = [Address(f"h{number}") for number in range(n)]
        config = CommsConfig.model_validate({"default": comms})
        self.network = Network(self.env, config, addresses, Streams(seed), lambda config: np.empty(0))
        hooks = Hooks(self.offers, self.plan, plan_again=self.plan_again)
        self.floor = TradingFloor(self.env, self.network, n, self.terms, DAYS, 5000, Streams(seed), hooks)
        self.receipts: set[tuple[int, Receipt]] = set()
        for fault in faults:
            if fault.household < n:
                self.env.process(self.fail(fault))
        self.floor.start()
        for household in range(n):
            for kind in KIND_OF.values():
                self.network.on_receive(household, kind, self.receive)

    def receive(self, message: Message) -> None:
        if isinstance(message.payload, Receipt):
            self.receipts.add((message.sender, message.payload))
        self.floor.receive(message)

    def fail(self, fault: Fault) -> Any:
        yield wait_until(self.env, fault.at_ms, Priority.FAULT)
        self.floor.crash(fault.household)
        yield wait_until(self.env, fault.at_ms + fault.lasts_ms, Priority.FAULT)
        self.floor.restart(fault.household, fault.keeps_state)

    def offers(self, household: int, day: int) -> list[Offer]:
        return [
            Offer(hour, household, float(quantity), float(self.price[day, household, hour]))
            for hour, quantity in enumerate(self.sun[day, household])
            if quantity > 0
        ]

    def plan(self, household: int, day: int, offers: Any) -> list[HourlyNeed]:
        return needs_from_load(self.load[day, household].tolist(), offers, self.grid[day].tolist())

    def plan_again(
        self, household: int, day: int, offers: Any, bought: Any, first_hour: int
    ) -> list[HourlyNeed]:
        """What is open is turned around, so that much is given back and asked for elsewhere."""
        load = self.load[day, household].copy()
        load[first_hour:] = load[first_hour:][::-1]
        self.most[day, household] = np.maximum(self.most[day, household], load)
        return needs_from_load(load.tolist(), offers, self.grid[day].tolist())

    def settle(self, day: int) -> tuple[list[Agreement], Settlement, Array, Array]:
        agreements = self.floor.agreements(day)
        # The day differs from the plan: some use and generate less, some more.
        actual_load = self.load[day] * np.linspace(0.6, 1.3, self.n)[:, None]
        actual_sun = self.sun[day] * np.linspace(1.2, 0.5, self.n)[:, None]
        prices = Prices(self.grid[day], 0.1 * self.grid[day])
        suppliers = OnePriceList(prices, self.n).retail(0)

        def losses(trade: Agreement) -> Losses:
            grid, feed_in = float(prices.grid[trade.hour]), float(prices.feed_in[trade.hour])
            return Losses(max(0.0, grid - trade.price), max(0.0, trade.price - feed_in))

        settled = settle(day, agreements, self.floor.failed(day), actual_load, actual_sun, suppliers, losses)
        return agreements, settled, actual_load, actual_sun


communities = given(
    comms=link,
    n=st.integers(2, 6),
    seed=st.integers(0, 10_000),
    faults=faults,
    every_h=st.sampled_from([None, 3.0]),
)


@settings(max_examples=30, deadline=None, derandomize=True)
@communities
def test_whatever_fails_nothing_is_sold_paid_or_used_twice(
    comms: dict[str, Any], n: int, seed: int, faults: list[Fault], every_h: float | None
) -> None:
    assert_nothing_twice(comms, n, seed, faults, every_h)


@pytest.mark.slow
@settings(max_examples=120, deadline=None, derandomize=True)
@communities
def test_whatever_fails_in_many_communities(
    comms: dict[str, Any], n: int, seed: int, faults: list[Fault], every_h: float | None
) -> None:
    assert_nothing_twice(comms, n, seed, faults, every_h)


def assert_nothing_twice(
    comms: dict[str, Any], n: int, seed: int, faults: list[Fault], every_h: float | None
) -> None:
    """Nothing is sold, paid or used twice on any day of a community."""
    community = Community(comms, n, seed, faults, every_h)
    for day in DAYS:
        if every_h is not None:  # the books agree at any time, for batteries look at them every hour
            for hour in range(24):
                community.env.run(TERMS.timeline.start_ms(day) + hour * HOUR_MS + 2)
                community.floor.agreements(day)
        community.env.run(TERMS.timeline.end_ms(day) + 1)
        agreements, settled, load, sun = community.settle(day)
        assert_sold_once(community, day, agreements)
        assert_books_agree(community, day, agreements)
        assert_paid_once(community, day, settled, load, sun)
        community.floor.forget(day)
    assert all(not t.state.seller.ledgers for t in community.floor.traders), "state does not grow"
    for row in community.network.accounting():
        assert row.sent + row.duplicated == row.delivered + row.lost + row.expired + row.in_flight


def assert_sold_once(community: Community, day: int, agreements: list[Agreement]) -> None:
    for seller in range(community.n):
        for hour in range(24):
            here = [each for each in agreements if (each.seller, each.hour) == (seller, hour)]
            assert sum(each.agreed_kwh for each in here) <= community.sun[day, seller, hour]
    for buyer in range(community.n):
        for hour in range(24):
            here = [each for each in agreements if (each.buyer, each.hour) == (buyer, hour)]
            assert sum(each.agreed_kwh for each in here) <= community.most[day, buyer, hour]


def assert_books_agree(community: Community, day: int, agreements: list[Agreement]) -> None:
    # What a buyer has on its book, its seller has said, in so many words.
    said = {
        (receipt.id, seller, line)
        for seller, receipt in community.receipts
        if receipt.day == day
        for line in receipt.lines
    }
    for each in agreements:
        if each.status != "unclaimed" and each.buyer != each.seller:
            assert (each.request, each.seller, (each.hour, each.agreed_kwh, each.price)) in said
            assert each.price == community.price[day, each.seller, each.hour]
    # What a seller with a whole memory has on its book is there, too: nothing but the unclaimed is missing.
    for seller, ledger in community.floor.ledgers(day).items():
        if ledger is not None:
            firm = {(entry.id, line.hour) for entry in ledger.firm() for line in entry.granted}
            assert firm == {(each.request, each.hour) for each in agreements if each.seller == seller}


def assert_paid_once(community: Community, day: int, settled: Settlement, load: Array, sun: Array) -> None:
    *bills, grid = settled.bills
    assert grid.prosumer == GRID
    assert abs(sum(bill.total_eur for bill in settled.bills)) < 1e-9
    price, feed_in = community.grid[day], 0.1 * community.grid[day]
    bought, sold = np.zeros((community.n, 24)), np.zeros((community.n, 24))
    paid = np.zeros(community.n)
    for row in settled.trades:
        assert 0 <= row.delivered_kwh <= row.agreed_kwh <= row.requested_kwh
        if row.buyer != row.seller:
            bought[row.buyer, row.hour] += row.delivered_kwh
            sold[row.seller, row.hour] += row.delivered_kwh
            paid[row.buyer] += row.delivered_kwh * row.price
            paid[row.seller] -= row.delivered_kwh * row.price
    assert np.all(bought <= load + 1e-12)
    assert np.all(sold <= sun + 1e-12)
    rest = (load - bought) - (sun - sold)
    owed = paid + (np.maximum(rest, 0) @ price) - (np.maximum(-rest, 0) @ feed_in)
    for bill in bills:
        assert abs(bill.total_eur - bill.compensation_eur - owed[bill.prosumer]) < 1e-9
        assert abs(bill.self_consumed_kwh + bill.bought_kwh + bill.from_grid_kwh - bill.load_kwh) < 1e-9
        assert abs(bill.self_consumed_kwh + bill.sold_kwh + bill.to_grid_kwh - bill.generation_kwh) < 1e-9
    assert abs(sum(bill.compensation_eur for bill in bills)) < 1e-9
    assert np.all((settled.from_grid_kwh == 0) | (settled.to_grid_kwh == 0))


@settings(max_examples=examples(15), deadline=None, derandomize=True)
@given(comms=link, seed=st.integers(0, 10_000), faults=faults)
def test_the_same_seed_trades_the_same(comms: dict[str, Any], seed: int, faults: list[Fault]) -> None:
    runs = []
    for _ in range(2):
        community = Community(comms, 4, seed, faults)
        community.env.run(TERMS.timeline.end_ms(DAYS[-1]) + 1)
        runs.append(([community.settle(day)[:2] for day in DAYS], community.floor.traffic()))
    for first, second in zip(runs[0][0], runs[1][0], strict=True):
        assert first[0] == second[0]
        assert first[1].trades == second[1].trades
        assert first[1].bills == second[1].bills
    assert runs[0][1] == runs[1][1]
