"""Further rounds among three households: who was turned away, hears what is left, plans anew and asks again.

seller 0 ──offers 1 kWh in hours 9 and 10── buyers 1 and 2, who both want 1 kWh in hour 9
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import simpy

from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.message import Address, Message
from cosim.core.streams import Streams
from cosim.trading.protocol.demand_plan import HourlyNeed, needs_from_load
from cosim.trading.protocol.floor import Hooks, TradingFloor
from cosim.trading.protocol.messages import KIND_OF, Reject, Release
from cosim.trading.protocol.trading_day import build_terms
from cosim.trading.schemas.rules import TradingRulesConfig
from cosim.trading.valuation.offers import Offer

DAY = 1
GRID = [0.3] * 24


class Street:
    """The households, with what is sent between them."""

    def __init__(self, every_h: float | None, moves_to: int = 10) -> None:
        rules = {"planning_spread_s": 0, "rounds": None if every_h is None else {"every_h": every_h}}
        self.terms = build_terms(TradingRulesConfig.model_validate(rules), 0)
        self.moves_to = moves_to
        self.env = simpy.Environment()
        addresses = [Address(f"h{number}") for number in range(3)]
        network = Network(self.env, CommsConfig(), addresses, Streams(1), lambda config: np.empty(0))
        self.known: list[dict[int, float]] = []
        self.planned_again: list[tuple[int, int, int]] = []
        hooks = Hooks(self.offers, self.plan, plan_again=self.plan_again)
        self.floor = TradingFloor(self.env, network, 3, self.terms, [DAY], 0, Streams(1), hooks)
        self.sent: list[Message] = []
        self.floor.start()
        for household in range(3):
            for kind in KIND_OF.values():
                network.on_receive(household, kind, self.note)

    def note(self, message: Message) -> None:
        self.sent.append(message)
        self.floor.receive(message)

    def offers(self, household: int, day: int) -> list[Offer]:
        return [Offer(hour, 0, 1.0, 0.1) for hour in (9, 10)] if household == 0 else []

    def plan(self, household: int, day: int, offers: Sequence[Offer]) -> list[HourlyNeed]:
        load = [0.0] * 24
        load[9] = 0.0 if household == 0 else 1.0
        return needs_from_load(load, offers, GRID)

    def plan_again(
        self, household: int, day: int, offers: Sequence[Offer], bought: Sequence[Offer], first_hour: int
    ) -> list[HourlyNeed]:
        self.known.append({offer.hour: offer.quantity_kwh for offer in offers})
        self.planned_again.append((household, int(self.env.now), first_hour))
        load = [0.0] * 24
        load[self.moves_to] = 1.0
        return needs_from_load(load, offers, GRID)

    def trades(self) -> list[tuple[int, int, float]]:
        return [(each.buyer, each.hour, each.agreed_kwh) for each in self.floor.agreements(DAY)]


def test_without_rounds_who_comes_second_gets_nothing() -> None:
    street = Street(None)
    street.env.run(street.terms.timeline.end_ms(DAY))
    assert street.trades() == [(1, 9, 1.0)]
    (rejection,) = [m.payload for m in street.sent if isinstance(m.payload, Reject)]
    assert rejection.left is None


def test_in_a_round_it_moves_to_what_is_left() -> None:
    street = Street(2.0)
    street.env.run(street.terms.timeline.end_ms(DAY))
    (rejection,) = [m.payload for m in street.sent if isinstance(m.payload, Reject)]
    assert rejection.left is not None
    assert [tuple(line) for line in rejection.left] == [(10, 1.0, 0.1)]
    gate_ms = street.terms.timeline.gate_ms(DAY)
    assert street.planned_again == [(2, gate_ms + 2 * 3_600_000, 0)], "once, for then it lacks nothing"
    assert street.known == [{9: 0.0, 10: 1.0}]
    assert street.trades() == [(1, 9, 1.0), (2, 10, 1.0)]
    assert street.floor.wanted_kwh(DAY) == 2.0


def test_what_a_new_plan_does_not_use_is_given_back() -> None:
    """Buyer 1 holds hour 9; in a round it is made to plan hour 10 alone, and releases what it has."""
    street = Street(2.0)
    round_ms = street.terms.rounds(DAY)[0]
    street.env.run(round_ms - 1)
    street.floor.traders[1].buyer.book(DAY).needs[9].remaining_kwh = 1.0
    street.floor.traders[1].buyer.book(DAY).has_news = True
    offers = street.floor.traders[1].offers_left(round_ms, DAY)
    assert {offer.hour: offer.quantity_kwh for offer in offers} == {9: 0.0, 10: 1.0}
    street.env.run(street.terms.timeline.end_ms(DAY))
    releases = [(m.sender, m.recipient) for m in street.sent if isinstance(m.payload, Release)]
    assert releases == [(1, 0)]
    assert street.trades() == [(1, 10, 1.0)]
    ledger = street.floor.ledgers(DAY)[0]
    assert ledger is not None
    assert (ledger.left_kwh(9), ledger.left_kwh(10)) == (1.0, 0.0)


def test_an_hour_that_has_begun_is_sold_no_more() -> None:
    street = Street(2.0, moves_to=9)
    hour_9_ms = street.terms.timeline.start_ms(DAY) + 9 * 3_600_000
    assert street.terms.last_ms(DAY, 9) == hour_9_ms - 1
    assert [street.floor._first_hour(DAY, hour_9_ms + by) for by in (-1, 0, 1)] == [9, 10, 10]
    assert street.terms.rounds(DAY)[-1] < street.terms.timeline.start_ms(DAY) + 23 * 3_600_000
    street.env.run(hour_9_ms + 1)
    assert street.floor.traders[2].buyer.book(DAY).first_open_hour == 10
    street.env.run(street.terms.timeline.end_ms(DAY))
    assert street.floor.traders[2].buyer.book(DAY).is_closed
    assert street.trades() == [(1, 9, 1.0)]
