"""Without latency and loss, trading is a plain loop over households that knows of no messages."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pytest
import simpy
from numpy.typing import NDArray

from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.message import Address
from cosim.core.streams import Streams
from cosim.trading.protocol.demand_plan import needs_from_load
from cosim.trading.protocol.floor import Hooks, TradingFloor
from cosim.trading.protocol.trading_day import build_terms
from cosim.trading.schemas.rules import TradingRulesConfig
from cosim.trading.settlement.bills import settle
from cosim.trading.valuation.offers import Offer
from cosim.trading.valuation.price_list import OnePriceList
from cosim.trading.valuation.prices import Prices

DAY = 1
Key = tuple[int, int, int]


class Village(NamedTuple):
    """Loads, what each can sell and for how much, by household and hour; grid prices by hour."""

    load: NDArray[np.float64]
    surplus: NDArray[np.float64]
    price: NDArray[np.float64]
    grid: NDArray[np.float64]


def village(n: int, seed: int) -> Village:
    rng = np.random.Generator(np.random.Philox(seed))
    sun = np.clip(np.sin((np.arange(24) - 6) / 12 * np.pi), 0, None)
    surplus = rng.uniform(0, 2, (n, 1)) * sun * (rng.random((n, 1)) < 0.6)
    # Few different prices, so that there are ties; some above the grid's, some hours with a negative price.
    price = rng.choice([0.08, 0.12, 0.12, 0.2, 0.28], (n, 24))
    grid = rng.choice([0.3, 0.25, 0.1, -0.05], 24)
    return Village(rng.exponential(0.7, (n, 24)), surplus, price, grid)


def plain_loop(village: Village, order: list[int]) -> dict[Key, float]:
    """Each household in turn takes what is left, the cheapest first, until its load is covered."""
    grain = 2.0**-20
    left = np.floor(village.surplus / grain) * grain
    taken: dict[Key, float] = {}
    for buyer in order:
        for hour in range(24):
            wanted = np.floor(village.load[buyer, hour] / grain) * grain
            ranking = sorted(range(len(left)), key=lambda s: (village.price[s, hour], s))
            for seller in ranking:
                if village.price[seller, hour] >= village.grid[hour]:
                    break
                amount = min(wanted, left[seller, hour])
                if amount >= 0.001:
                    taken[buyer, seller, hour] = amount
                    left[seller, hour] -= amount
                    wanted -= amount
    return taken


def trade(
    village: Village, rules: TradingRulesConfig, latency_ms: float = 0
) -> tuple[TradingFloor, list[int]]:
    n = len(village.load)
    env = simpy.Environment()
    link = {"default": {"latency": {"kind": "constant", "latency_ms": latency_ms}}}
    addresses = [Address(f"h{number}") for number in range(n)]
    network = Network(
        env, CommsConfig.model_validate(link), addresses, Streams(3), lambda config: np.empty(0)
    )

    def offers(household: int, day: int) -> list[Offer]:
        pairs = zip(village.surplus[household], village.price[household], strict=True)
        return [Offer(hour, household, float(q), float(p)) for hour, (q, p) in enumerate(pairs) if q > 0]

    hooks = Hooks(
        offers,
        lambda h, day, offers: needs_from_load(village.load[h].tolist(), offers, village.grid.tolist()),
    )
    terms = build_terms(rules, 0)
    floor = TradingFloor(env, network, n, terms, [DAY], rules.planning_spread_ms, Streams(3), hooks)
    floor.start()
    env.run(terms.timeline.end_ms(DAY))
    order = sorted(range(n), key=lambda household: (floor.planning_ms(DAY, household), household))
    return floor, order


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("spread_s", [0, 60])
def test_trades_and_bills_equal_the_plain_loop(seed: int, spread_s: float) -> None:
    homes = village(15, seed)
    floor, order = trade(homes, TradingRulesConfig(planning_spread_s=spread_s))
    assert order == list(range(15)) or spread_s > 0
    expected = plain_loop(homes, order)
    agreements = floor.agreements(DAY)
    assert {(each.buyer, each.seller, each.hour): each.agreed_kwh for each in agreements} == expected
    assert len(agreements) == len(expected) > 50
    assert {each.status for each in agreements} == {"agreed"}

    generation = homes.surplus
    suppliers = OnePriceList(Prices(homes.grid, 0.1 * homes.grid), len(generation)).retail(0)
    settled = settle(DAY, agreements, floor.failed(DAY), homes.load, generation, suppliers)
    bills = plain_bills(homes, expected)
    assert np.allclose([bill.total_eur for bill in settled.bills[:-1]], bills, rtol=0, atol=1e-12)


def plain_bills(village: Village, taken: dict[Key, float]) -> list[float]:
    """Everybody's day as planned: trades at their price, what is left over at the meter with the grid."""
    owed: dict[int, float] = defaultdict(float)
    net = village.load - village.surplus
    for (buyer, seller, hour), amount in taken.items():
        if buyer != seller:
            owed[buyer] += village.price[seller, hour] * amount
            owed[seller] -= village.price[seller, hour] * amount
            net[buyer, hour] -= amount
            net[seller, hour] += amount
    for household, hours in enumerate(net):
        for hour, energy in enumerate(hours):
            price = village.grid[hour] if energy > 0 else 0.1 * village.grid[hour]
            owed[household] += price * energy
    return [owed[household] for household in range(len(net))]


def test_latency_changes_who_gets_what_but_hardly_how_much() -> None:
    """The loop is a limit, not a fluke of zero: with 1 ms and one household at a time it still holds."""
    homes = village(15, 5)
    floor, order = trade(homes, TradingRulesConfig(planning_spread_s=3000), latency_ms=1)
    gaps = np.diff([floor.planning_ms(DAY, household) for household in order])
    assert gaps.min() > 200, "each has finished before the next begins"
    agreed = {(each.buyer, each.seller, each.hour): each.agreed_kwh for each in floor.agreements(DAY)}
    assert agreed == plain_loop(homes, order)
