"""Ledger, timeline, messages, plans and configuration of trading."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.trading.clearing.grains import GRAIN_KWH, whole_grains
from cosim.trading.protocol.buyer import Buyer, BuyerState
from cosim.trading.protocol.demand_plan import (
    Candidate,
    HourlyNeed,
    needs_from_load,
)
from cosim.trading.protocol.ledger import open_ledger
from cosim.trading.protocol.messages import (
    Accept,
    Confirm,
    Line,
    OfferSheet,
    Reject,
    Request,
    RequestId,
    payload_bytes,
)
from cosim.trading.protocol.trader import Trader, new_state, state_after_loss
from cosim.trading.protocol.trading_day import Timeline, build_terms
from cosim.trading.schemas.rules import TradingRulesConfig
from cosim.trading.tariff_rules import TARIFF_RULES
from cosim.trading.valuation.offers import Offer

TERMS = build_terms(TradingRulesConfig(), 0)


def line(kwh: float, hour: int = 12, price: float = 0.2) -> tuple[Line, ...]:
    return (Line(hour, kwh, price),)


def test_a_thousand_reservations_leave_no_trace_in_the_account() -> None:
    ledger = open_ledger(1, line(0.7))
    offered = ledger.left_kwh(12)
    assert 0.7 - GRAIN_KWH < offered <= 0.7
    for number in range(1000):
        ledger.reserve(RequestId(0, 0, number), line(0.1 + number / 7919), 100, 0.001)
        if number % 3 == 0:
            ledger.confirm(RequestId(0, 0, number))
        ledger.release(RequestId(0, 0, number))
    assert ledger.left_kwh(12) == offered


def test_the_ledger_grants_what_is_left_and_no_dust() -> None:
    ledger = open_ledger(1, line(1.0))
    assert ledger.reserve(RequestId(0, 0, 0), line(0.75), 100, 0.5).granted == line(0.75)
    assert ledger.reserve(RequestId(0, 0, 1), line(0.75), 100, 0.5).status == "rejected"
    assert ledger.reserve(RequestId(0, 0, 2), line(0.75), 100, 0.1).granted == line(0.25)
    assert ledger.left_kwh(12) == 0.0


def test_another_price_or_hour_than_offered_is_not_granted() -> None:
    ledger = open_ledger(1, line(1.0, price=0.2))
    assert ledger.reserve(RequestId(0, 0, 0), line(0.5, price=0.1), 100, 0.1).status == "rejected"
    assert ledger.reserve(RequestId(0, 0, 1), line(0.5, hour=13), 100, 0.1).status == "rejected"
    with pytest.raises(ValueError, match="hour 12 of day 1 is offered twice"):
        open_ledger(1, line(1.0) + line(2.0))


def test_a_request_has_one_outcome_however_often_it_comes() -> None:
    ledger = open_ledger(1, line(1.0))
    first, second = RequestId(0, 0, 0), RequestId(2, 0, 0)
    ledger.reserve(first, line(1.0), 100, 0.1)
    assert ledger.reserve(second, line(0.5), 100, 0.1).status == "rejected"
    ledger.release(first)
    # There is energy now, but this request was refused, and its buyer has gone on.
    assert ledger.reserve(second, line(0.5), 100, 0.1).status == "rejected"
    assert ledger.reserve(first, line(1.0), 100, 0.1).status == "released"
    assert ledger.confirm(first) is None


def test_a_release_that_overtakes_its_request_wins() -> None:
    ledger = open_ledger(1, line(1.0))
    ledger.release(RequestId(0, 0, 0))
    assert ledger.reserve(RequestId(0, 0, 0), line(1.0), 100, 0.1).status == "released"
    assert ledger.left_kwh(12) == 1.0


def test_reservations_expire_each_in_its_time_and_firm_ones_never() -> None:
    ledger = open_ledger(1, line(1.0))
    for number, expires_ms in enumerate((300, 100, 200)):
        ledger.reserve(RequestId(0, 0, number), line(0.25), expires_ms, 0.1)
    ledger.confirm(RequestId(0, 0, 2))
    for now_ms, left in ((100, 0.25), (101, 0.5), (201, 0.5), (300, 0.5), (301, 0.75), (9999, 0.75)):
        ledger.expire(now_ms)
        assert ledger.left_kwh(12) == left
    # A sweep for one leaves the next alone that ends a millisecond later.
    both = open_ledger(1, line(1.0))
    both.reserve(RequestId(0, 0, 0), line(0.25), 100, 0.1)
    both.reserve(RequestId(0, 0, 1), line(0.25), 101, 0.1)
    both.expire(101)
    assert both.left_kwh(12) == 0.75
    # Asking again extends what is still reserved.
    ledger.reserve(RequestId(1, 0, 0), line(0.25), 400, 0.1)
    ledger.reserve(RequestId(1, 0, 0), line(0.25), 500, 0.1)
    ledger.expire(401)
    assert ledger.left_kwh(12) == 0.5


def test_timeline_of_a_run_that_starts_at_six_in_the_morning() -> None:
    timeline = build_terms(TradingRulesConfig(), -6 * MS_PER_HOUR).timeline
    assert timeline.start_ms(1) == 18 * MS_PER_HOUR
    assert timeline.publication_ms(1) == 4 * MS_PER_HOUR
    assert timeline.gate_ms(1) == 6 * MS_PER_HOUR
    assert timeline.deadline_ms(1) == 7 * MS_PER_HOUR
    assert timeline.tradable_days(18 * MS_PER_HOUR + 2 * MS_PER_DAY) == range(1, 3)
    # The third day is not whole.
    assert timeline.tradable_days(17 * MS_PER_HOUR + 2 * MS_PER_DAY) == range(1, 2)
    assert timeline.tradable_days(MS_PER_HOUR) == range(1, 1)


@pytest.mark.parametrize("before_h", [1, 14, 30])
@pytest.mark.parametrize("first_h", [0, -7])
def test_the_first_open_day_is_what_it_says(before_h: int, first_h: int) -> None:
    timeline = Timeline(first_h * MS_PER_HOUR, 99 * MS_PER_HOUR, before_h * MS_PER_HOUR, 0)
    for now_h in range(-3, 80):
        for off_ms in (-1, 0, 1):
            now_ms = now_h * MS_PER_HOUR + off_ms
            day = timeline.first_open_day(now_ms)
            assert timeline.gate_ms(day) >= now_ms > timeline.gate_ms(day - 1)


def test_a_household_without_memory_sells_only_days_whose_gate_is_open() -> None:
    now_ms = TERMS.timeline.gate_ms(3)
    at_that_instant = Trader(TERMS, state_after_loss(new_state(0), now_ms, TERMS))
    assert [day for day in range(6) if at_that_instant.seller.may_sell(day)] == [3, 4, 5]
    after = Trader(TERMS, state_after_loss(at_that_instant.state, now_ms + 1, TERMS))
    assert [day for day in range(6) if after.seller.may_sell(day)] == [4, 5]
    assert after.state.buyer.epoch == 2
    assert after.take_sequence() > at_that_instant.take_sequence() > new_state(0).next_sequence


def test_a_seller_publishes_once_and_answers_nothing_before() -> None:
    trader = Trader(TERMS, new_state(1))
    request = Request(RequestId(0, 0, 0), 1, line(0.5))
    now_ms = TERMS.timeline.gate_ms(1)
    assert trader.seller.on_request(now_ms, 0, request)[0].payload == Reject(request.id, 1, "closed")
    offers = [Offer(12, 1, 1.0, 0.2), Offer(13, 1, 0.0001, 0.2)]
    assert [letter.recipient for letter in trader.publish(1, offers, [0, 2])] == [0, 2]
    assert trader.publish(1, [Offer(12, 1, 5.0, 0.2)], [0, 2]) == []
    ledger = trader.ledger(1)
    assert ledger is not None
    assert ledger.offered_kwh == {12: 1.0}
    gate_ms, deadline_ms = TERMS.timeline.gate_ms(1), TERMS.timeline.deadline_ms(1)
    for off_ms in (gate_ms - 1, deadline_ms + 1):
        assert trader.seller.on_request(off_ms, 0, request)[0].payload == Reject(request.id, 1, "closed")
    for number, on_ms in enumerate((gate_ms, deadline_ms)):
        name = RequestId(2, 0, number)
        (answer,) = trader.seller.on_request(on_ms, 2, Request(name, 1, line(0.5)))
        assert answer.payload == Accept(name, 1, line(0.5))


def test_the_freshest_offers_count_in_whatever_order_they_come() -> None:
    buyer = Buyer(TERMS, BuyerState(0), lambda *_: None, lambda *_: None)
    for sequence, price in ((5, 0.2), (7, 0.1), (6, 0.3), (7, 0.4)):
        buyer.on_offer(1, sequence, OfferSheet(1, line(1.0, price=price)))
    assert buyer.offers(1, []) == [Offer(12, 1, 1.0, 0.1)]
    buyer.on_offer(1, 8, OfferSheet(1, ()))
    assert buyer.offers(1, []) == []


def test_a_bad_plan_is_refused() -> None:
    cheap, dear = Candidate(1, 1.0, 0.1), Candidate(2, 1.0, 0.2)
    buyer = Buyer(TERMS, BuyerState(0), lambda *_: None, lambda *_: None)
    with pytest.raises(ValueError, match="not in ascending order"):
        buyer.begin(0, 1, [HourlyNeed(12, 1.0, (dear, cheap))])
    with pytest.raises(ValueError, match="hour 13 twice"):
        buyer.begin(0, 2, [HourlyNeed(13, 1.0, ()), HourlyNeed(13, 1.0, ())])


def test_needs_from_a_load_go_on_to_whoever_is_cheaper_than_the_grid() -> None:
    load, grid = [0.0] * 24, [0.25] * 24
    load[12], grid[13], load[13] = 0.6, -0.1, 1.0
    offers = [
        Offer(11, 1, 1.0, 0.1),  # nothing wanted
        Offer(12, 3, 1.0, 0.2),
        Offer(12, 2, 1.0, 0.2),
        Offer(12, 1, 1.0, 0.25),  # no cheaper than the grid
        Offer(13, 1, 1.0, 0.1),  # the grid pays
    ]
    assert needs_from_load(load, offers, grid) == [
        HourlyNeed(12, 0.6, (Candidate(2, 1.0, 0.2), Candidate(3, 1.0, 0.2)))
    ]


def test_sizes_of_messages() -> None:
    request = RequestId(0, 0, 0)
    assert payload_bytes(OfferSheet(1, ())) == 22
    assert payload_bytes(OfferSheet(1, line(1.0) * 10)) == 22 + 170
    assert payload_bytes(Confirm(request, 1)) == 33
    assert payload_bytes(Reject(request, 1, "closed")) == 34
    assert payload_bytes(Request(request, 1, line(1.0))) == 34 + 17


def test_whole_grains() -> None:
    assert whole_grains(0.75) == 0.75
    assert whole_grains(-1.0) == 0.0
    assert whole_grains(GRAIN_KWH * 2.9) == 2 * GRAIN_KWH


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (
            {"publication_h": 10},
            "publication, gate closure and confirmation deadline are 10, 12 and 11 hours",
        ),
        ({"confirmation_deadline_h": 12}, "each later"),
        ({"planning_spread_s": 3600}, "leaves some households no time before the deadline, 3600 s after"),
        ({"reservation_s": 4}, "ends before a buyer would repeat its request"),
        ({"rule": "barter"}, "net_metering"),
        ({"min_trade_kwh": -1}, "at least 0"),
        ({"rule": {"kind": "feed_in_tariff", "tariff_eur_per_kwh": float("nan")}}, "finite"),
        ({"request_timeout": 5}, "Extra inputs"),
    ],
)
def test_bad_rules_say_what_would_be_right(keys: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TradingRulesConfig.model_validate(keys)


def test_every_rule_is_one_key() -> None:
    grid, indexed = np.array([0.3]), np.array([0.03])
    found = set()
    for name in TARIFF_RULES:
        rule = TradingRulesConfig.model_validate({"rule": name}).rule
        assert rule.kind == name
        found.add((rule.trades, rule.aim, rule.own_generation, *rule.feed_in_price(grid, indexed)))
    assert len(found) == len(TARIFF_RULES) >= 8
