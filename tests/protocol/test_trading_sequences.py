"""Trading, message by message.

::

                  10 ms
    buyer h0 ◄────────────► seller h1     offers 2 kWh at 0.10 EUR/kWh in hour 12
        ▲                       ▲
        │         10 ms         │
        └──────► buyer h2 ◄─────┘         offers nothing

The gate closes at t = 0 of these tests, the deadline comes an hour later; timeout 100 ms, 2 retries;
reservations hold for 1 s. Outages cut a household off for chosen milliseconds, so that exactly one message
is lost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import simpy

from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.clock import Priority, wait_until
from cosim.core.message import Address, Message
from cosim.core.streams import Streams
from cosim.trading.protocol.demand_plan import HourlyNeed, needs_from_load
from cosim.trading.protocol.floor import Hooks, TradingFloor
from cosim.trading.protocol.messages import KIND_OF
from cosim.trading.protocol.trading_day import build_terms
from cosim.trading.schemas.rules import TradingRulesConfig
from cosim.trading.valuation.offers import Offer

DAY = 1
HOUR = 12
HOUR_MS = 3_600_000
RULES = TradingRulesConfig(planning_spread_s=0, request_timeout_ms=100, request_retries=2, reservation_s=1)
TERMS = build_terms(RULES, 0)
GATE_MS = TERMS.timeline.gate_ms(DAY)
DEADLINE = HOUR_MS

Event = tuple[int, str, int, int]


class Setup:
    """Three households and a log of what arrives: (ms after gate closure, kind, sender, recipient)."""

    def __init__(
        self,
        loads: dict[int, float],
        cuts: dict[int, list[tuple[int, int]]] | None = None,
        offers: dict[int, tuple[float, float]] | None = None,
        link: dict[str, Any] | None = None,
        spread_ms: int = 0,
    ) -> None:
        """Loads and offers (kWh, EUR/kWh) in hour 12; when whom is cut off, ms after gate closure."""
        self.env = simpy.Environment()
        self.loads = loads
        self.offered = {1: (2.0, 0.10)} if offers is None else offers
        overrides = [
            {
                "household": f"h{sender}",
                "outages": [
                    {"start_h": (GATE_MS + start) / HOUR_MS, "duration_h": (end - start) / HOUR_MS}
                    for start, end in windows
                ],
            }
            for sender, windows in (cuts or {}).items()
        ]
        default = {"latency": {"kind": "constant", "latency_ms": 10}, **(link or {})}
        config = CommsConfig.model_validate({"default": default, "overrides": overrides})
        addresses = [Address(f"h{number}") for number in range(3)]
        self.net = Network(self.env, config, addresses, Streams(1), lambda config: np.empty(0))
        self.floor = TradingFloor(
            self.env,
            self.net,
            3,
            TERMS,
            [DAY],
            spread_ms,
            Streams(1),
            Hooks(self.offers, self.plan, self.closed),
        )
        self.log: list[Event] = []
        self.closed_ms: list[int] = []
        self.floor.start()
        for household in range(3):
            for kind in KIND_OF.values():
                self.net.on_receive(household, kind, self.receive)

    def receive(self, message: Message) -> None:
        now = int(self.env.now) - GATE_MS
        if message.kind != "offer":
            self.log.append((now, message.kind, message.sender, message.recipient))
        self.floor.receive(message)

    def offers(self, household: int, day: int) -> list[Offer]:
        if household not in self.offered:
            return []
        return [Offer(HOUR, household, *self.offered[household])]

    def plan(self, household: int, day: int, offers: Any) -> list[HourlyNeed]:
        load = [0.0] * 24
        load[HOUR] = self.loads.get(household, 0.0)
        return needs_from_load(load, offers, [0.30] * 24)

    def closed(self, day: int) -> None:
        self.closed_ms.append(int(self.env.now) - GATE_MS)

    def at(self, ms: int, what: Any, *arguments: Any) -> None:
        def process() -> Any:
            yield wait_until(self.env, GATE_MS + ms, Priority.FAULT)
            what(*arguments)

        self.env.process(process())

    def run(self, until_ms: int = DEADLINE + 1000) -> list[Event]:
        self.env.run(GATE_MS + until_ms)
        return self.log

    def trades(self) -> list[tuple[int, int, float, str]]:
        return [(a.buyer, a.seller, a.agreed_kwh, a.status) for a in self.floor.agreements(DAY)]

    def failed(self) -> list[tuple[int, int, float, str]]:
        return [(f.buyer, f.seller, f.requested_kwh, f.status) for f in self.floor.failed(DAY)]


def test_request_accept_confirm_receipt() -> None:
    setup = Setup({0: 1.5})
    assert setup.run() == [
        (10, "request", 0, 1),
        (20, "accept", 1, 0),
        (30, "confirm", 0, 1),
        (40, "receipt", 1, 0),
    ]
    assert setup.trades() == [(0, 1, 1.5, "agreed")]
    assert setup.closed_ms == [DEADLINE]


def test_the_later_request_is_granted_what_is_left_and_goes_on_to_the_next_seller() -> None:
    setup = Setup({0: 1.5, 2: 1.0}, offers={1: (2.0, 0.10), 0: (0.25, 0.20)})
    assert setup.run() == [
        (10, "request", 0, 1),
        (10, "request", 2, 1),
        (20, "accept", 1, 0),
        (20, "accept", 1, 2),
        (30, "confirm", 0, 1),
        (30, "confirm", 2, 1),
        (30, "request", 2, 0),
        (40, "receipt", 1, 0),
        (40, "receipt", 1, 2),
        (40, "accept", 0, 2),
        (50, "confirm", 2, 0),
        (60, "receipt", 0, 2),
    ]
    assert setup.trades() == [(2, 0, 0.25, "agreed"), (0, 1, 1.5, "agreed"), (2, 1, 0.5, "agreed")]


def test_own_energy_needs_no_message_and_cannot_be_sold_again() -> None:
    setup = Setup({1: 1.5, 2: 1.0})
    assert setup.run() == [
        (10, "request", 2, 1),
        (20, "accept", 1, 2),
        (30, "confirm", 2, 1),
        (40, "receipt", 1, 2),
    ]
    assert setup.trades() == [(1, 1, 1.5, "agreed"), (2, 1, 0.5, "agreed")]


def test_a_sold_out_seller_rejects() -> None:
    setup = Setup({1: 2.0, 2: 1.0})
    assert setup.run() == [(10, "request", 2, 1), (20, "reject", 1, 2)]
    assert setup.trades() == [(1, 1, 2.0, "agreed")]
    assert setup.failed() == [(2, 1, 1.0, "rejected")]


def test_a_lost_accept_is_asked_for_again_and_granted_once() -> None:
    setup = Setup({0: 1.5}, cuts={1: [(10, 11)]})
    assert setup.run() == [
        (10, "request", 0, 1),
        (110, "request", 0, 1),
        (120, "accept", 1, 0),
        (130, "confirm", 0, 1),
        (140, "receipt", 1, 0),
    ]
    assert setup.trades() == [(0, 1, 1.5, "agreed")]


def test_a_lost_confirmation_and_a_lost_receipt_are_repeated() -> None:
    confirmation = Setup({0: 1.5}, cuts={0: [(20, 21)]})
    assert confirmation.run()[2:] == [(130, "confirm", 0, 1), (140, "receipt", 1, 0)]
    receipt = Setup({0: 1.5}, cuts={1: [(30, 31)]})
    assert receipt.run()[2:] == [(30, "confirm", 0, 1), (130, "confirm", 0, 1), (140, "receipt", 1, 0)]
    assert confirmation.trades() == receipt.trades() == [(0, 1, 1.5, "agreed")]


def test_duplicates_change_nothing() -> None:
    setup = Setup({0: 1.5, 2: 1.0}, link={"duplication_probability": 1})
    log = setup.run()
    assert log[:4] == [(10, "request", 0, 1)] * 2 + [(10, "request", 2, 1)] * 2
    assert setup.trades() == [(0, 1, 1.5, "agreed"), (2, 1, 0.5, "agreed")]


def test_a_buyer_gives_up_in_the_end_and_releases_what_it_cannot_know_of() -> None:
    setup = Setup({0: 1.5})
    setup.at(5, setup.floor.crash, 1)
    setup.at(305, setup.floor.restart, 1, True)
    assert setup.run() == [
        (10, "request", 0, 1),
        (110, "request", 0, 1),
        (210, "request", 0, 1),
        (310, "release", 0, 1),
    ]
    assert setup.floor.missed_messages == 3
    assert setup.trades() == []
    assert setup.failed() == [(0, 1, 1.5, "timed_out")]


def late_buyer(at_ms: int, cuts: dict[int, list[tuple[int, int]]] | None = None) -> Setup:
    """Household 0 is down when the gate closes, and begins to buy when it comes back."""
    setup = Setup({0: 1.5}, cuts)
    setup.at(-5, setup.floor.crash, 0)
    setup.at(at_ms, setup.floor.restart, 0, True)
    return setup


@pytest.mark.parametrize(("back_ms", "granted_kwh"), [(1000, 0.5), (1001, 1.5)])
def test_a_reservation_that_nobody_confirms_expires_and_is_sold_to_another(
    back_ms: int, granted_kwh: float
) -> None:
    """Household 2 has 1.5 kWh reserved from 10 ms on, and dies. They are free a second later, to the ms."""
    setup = late_buyer(back_ms)
    setup.loads[2] = 1.5
    setup.at(15, setup.floor.crash, 2)
    assert setup.run() == [
        (10, "request", 2, 1),
        (20, "accept", 1, 2),
        (back_ms + 10, "request", 0, 1),
        (back_ms + 20, "accept", 1, 0),
        (back_ms + 30, "confirm", 0, 1),
        (back_ms + 40, "receipt", 1, 0),
    ]
    assert setup.trades() == [(0, 1, granted_kwh, "agreed")]


def test_a_receipt_at_the_deadline_counts() -> None:
    setup = late_buyer(DEADLINE - 40)
    assert setup.run()[-1] == (DEADLINE, "receipt", 1, 0)
    assert setup.trades() == [(0, 1, 1.5, "agreed")]


def test_a_receipt_after_the_deadline_does_not_and_the_seller_is_told() -> None:
    setup = late_buyer(DEADLINE - 39)
    assert setup.run()[2:] == [
        (DEADLINE - 9, "confirm", 0, 1),
        (DEADLINE + 1, "receipt", 1, 0),
        (DEADLINE + 10, "release", 0, 1),
        (DEADLINE + 11, "release", 0, 1),
    ]
    assert setup.trades() == []
    assert setup.failed() == [(0, 1, 1.5, "unconfirmed")]


def test_where_the_seller_cannot_be_told_the_buyers_receipts_decide() -> None:
    """The two generals: the seller has sold, the buyer cannot know. One feeds in, the other buys there."""
    setup = late_buyer(DEADLINE - 39, cuts={0: [(DEADLINE, DEADLINE + 100)]})
    assert setup.run()[-1] == (DEADLINE + 1, "receipt", 1, 0)
    ledger = setup.floor.ledgers(DAY)[1]
    assert ledger is not None
    assert ledger.left_kwh(HOUR) == 0.5
    assert setup.trades() == [(0, 1, 0.0, "unclaimed")]


def test_a_confirmation_after_the_deadline_is_refused() -> None:
    setup = late_buyer(DEADLINE - 29)
    assert setup.run()[1:] == [
        (DEADLINE - 9, "accept", 1, 0),
        (DEADLINE + 1, "confirm", 0, 1),
        (DEADLINE + 10, "release", 0, 1),
        (DEADLINE + 11, "reject", 1, 0),
    ]
    assert setup.trades() == []


def test_a_buyer_without_memory_disowns_what_it_is_given_and_another_gets_it() -> None:
    setup = Setup({0: 1.5})
    setup.at(15, setup.floor.restart, 0, False)
    assert setup.run() == [
        (10, "request", 0, 1),
        (20, "accept", 1, 0),
        (30, "release", 0, 1),
    ]
    ledger = setup.floor.ledgers(DAY)[1]
    assert ledger is not None
    assert ledger.left_kwh(HOUR) == 2.0
    assert setup.trades() == []


def test_receipts_lost_with_a_buyers_memory_are_not_claimed() -> None:
    setup = Setup({0: 1.5})
    setup.at(2 * DEADLINE, setup.floor.restart, 0, False)
    setup.run(2 * DEADLINE - 1)
    assert setup.trades() == [(0, 1, 1.5, "agreed")]
    setup.run(2 * DEADLINE + 1)
    assert setup.trades() == [(0, 1, 0.0, "unclaimed")]


def test_a_seller_without_memory_sells_nothing_more_and_its_receipts_stay_good() -> None:
    setup = Setup({0: 1.5, 2: 1.0})
    setup.at(5, setup.floor.crash, 2)
    setup.at(35, setup.floor.restart, 1, False)
    setup.at(60, setup.floor.restart, 2, True)
    log = setup.run()
    assert log[:6] == [
        (10, "request", 0, 1),
        (10, "request", 2, 1),
        (20, "accept", 1, 0),
        (20, "accept", 1, 2),
        (30, "confirm", 0, 1),
        (40, "receipt", 1, 0),
    ]
    assert log[6:] == [(110, "request", 2, 1), (120, "reject", 1, 2)]
    assert setup.trades() == [(0, 1, 1.5, "restored")]
    assert setup.floor.ledgers(DAY)[1] is None


def test_offers_that_come_after_the_gate_are_not_used() -> None:
    hours = TERMS.timeline.gate_ms(DAY) - TERMS.timeline.publication_ms(DAY)
    setup = Setup({0: 1.5}, link={"latency": {"kind": "constant", "latency_ms": hours + 1}})
    assert setup.run() == []
    assert setup.floor.traders[0].buyer.book(DAY).late_offers == 1
    on_time = Setup({0: 1.5}, link={"latency": {"kind": "constant", "latency_ms": hours}})
    assert len(on_time.floor.traders[0].buyer.book(DAY).sheets) == 0
    on_time.env.run(GATE_MS + 1)
    assert on_time.floor.traders[0].buyer.book(DAY).late_offers == 0
    assert len(on_time.floor.traders[0].buyer.book(DAY).open_requests) == 1


def test_a_seller_that_forgets_before_the_gate_closes_publishes_anew() -> None:
    setup = Setup({0: 1.5})
    setup.at(-20, setup.floor.restart, 1, False)
    assert setup.run() == [
        (10, "request", 0, 1),
        (20, "accept", 1, 0),
        (30, "confirm", 0, 1),
        (40, "receipt", 1, 0),
    ]
    assert setup.trades() == [(0, 1, 1.5, "agreed")]
    assert setup.floor.offered(DAY) == [Offer(HOUR, 1, 2.0, 0.10)]
    sheets = setup.floor.traders[2].buyer.book(DAY).sheets
    assert sheets[1].sequence == (1 << 40) + 1, "the second message of its second life"


def test_a_seller_that_forgets_after_the_gate_has_closed_withdraws() -> None:
    setup = Setup({0: 1.5})
    setup.at(5, setup.floor.restart, 1, False)
    assert setup.run() == [(10, "request", 0, 1), (20, "reject", 1, 0)]
    assert setup.trades() == []


def test_who_plans_after_a_withdrawal_does_not_ask() -> None:
    setup = Setup({0: 1.5, 2: 1.0}, spread_ms=60_000)
    assert min(setup.floor.planning_ms(DAY, buyer) for buyer in (0, 2)) > GATE_MS + 20
    setup.at(5, setup.floor.restart, 1, False)
    assert setup.run() == []
    assert setup.failed() == []


def test_a_timeout_that_passed_while_the_buyer_was_down_is_made_up_for() -> None:
    setup = Setup({0: 1.5})
    setup.at(5, setup.floor.crash, 1)
    setup.at(50, setup.floor.crash, 0)
    setup.at(340, setup.floor.restart, 1, True)
    setup.at(350, setup.floor.restart, 0, True)
    assert setup.run() == [
        (10, "request", 0, 1),
        (360, "request", 0, 1),
        (370, "accept", 1, 0),
        (380, "confirm", 0, 1),
        (390, "receipt", 1, 0),
    ]
    assert setup.trades() == [(0, 1, 1.5, "agreed")]
