"""Clearing against judges that know nothing of it: a linear program (HiGHS), and enumeration unit by unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from math import fsum

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import block_diag

from cosim.trading.clearing import CLEARINGS, Match, Order
from cosim.trading.clearing.double_auction import PayAsBid, UniformPriceAuction, cross
from cosim.trading.clearing.grains import GRAIN_KWH
from cosim.trading.clearing.shared_rates import BillSharing, MidMarketRate

GRID, FEED_IN = 0.30, 0.03
Book = tuple[list[Order], list[Order]]
N_BOOKS = 1000


def book(seed: int, most: int = 7) -> Book:
    """A few buyers and sellers with whole multiples of a quarter kWh; every other with equal prices."""
    rng = np.random.Generator(np.random.Philox(seed))
    decimals = 4 if seed % 2 else 2
    n_bids, n_asks = rng.integers(0, most + 1, 2)

    def orders(first: int, n: int) -> list[Order]:
        energy = rng.integers(1, 9, n) * 0.25
        price = rng.uniform(FEED_IN, GRID, n).round(decimals)
        return [
            Order(first + i, float(e), float(p)) for i, (e, p) in enumerate(zip(energy, price, strict=True))
        ]

    return orders(0, int(n_bids)), orders(100, int(n_asks))


BOOKS = [book(seed) for seed in range(N_BOOKS)]


def dual(bids: Sequence[Order], asks: Sequence[Order], price: float) -> float:
    """The dual problem, in which the price is the only variable that is not at its best."""
    gains = [max(bid.price - price, 0) * bid.energy_kwh for bid in bids]
    return fsum(gains + [max(price - ask.price, 0) * ask.energy_kwh for ask in asks])


def linear_programs(books: Sequence[Book]) -> tuple[list[float], list[float]]:
    """The largest sum of gains of each book, and its balance's multiplier: all in one sparse program."""
    sides = [[1.0] * len(bids) + [-1.0] * len(asks) for bids, asks in books]
    cost = [-sign * order.price for side, (b, a) in zip(sides, books, strict=True)
            for sign, order in zip(side, (*b, *a), strict=True)]  # fmt: skip
    most = [(0, order.energy_kwh) for bids, asks in books for order in (*bids, *asks)]
    balance = block_diag([np.array([side]) for side in sides], format="csr")
    solved = linprog(cost, A_eq=balance, b_eq=np.zeros(len(books)), bounds=most, method="highs")
    assert solved.status == 0
    ends = np.cumsum([len(side) for side in sides])[:-1]
    gains = [-float(part.sum()) for part in np.split(solved.x * cost, ends)]
    return gains, [-float(each) for each in solved.eqlin.marginals]


def test_a_uniform_price_is_the_dual_of_the_linear_program() -> None:
    two_sided = [each for each in BOOKS if each[0] and each[1]]
    assert len(two_sided) > 700
    n_traded = n_wide = 0
    for (bids, asks), best, multiplier in zip(two_sided, *linear_programs(two_sided), strict=True):
        matches = UniformPriceAuction().clear(bids, asks, GRID, FEED_IN)
        value = {order.party: order.price for order in (*bids, *asks)}
        gains = fsum((value[m.buyer] - value[m.seller]) * m.energy_kwh for m in matches)
        assert gains == pytest.approx(best, abs=1e-9)
        met = cross(bids, asks)
        if met is None:
            continue
        (price,) = {match.price for match in matches}
        assert price == pytest.approx((met.low + met.high) / 2)
        assert met.low - 1e-9 <= multiplier <= met.high + 1e-9
        for supporting in (price, met.low, met.high):
            assert dual(bids, asks, supporting) == pytest.approx(best, abs=1e-9)
        # The interval is all of them: a step beyond either end, others would want to trade.
        assert dual(bids, asks, met.low - 1e-3) > best + 1e-7
        assert dual(bids, asks, met.high + 1e-3) > best + 1e-7
        n_traded += 1
        n_wide += met.high > met.low
    assert n_traded > 600
    assert 100 < n_wide < n_traded


def test_pay_as_bid_is_the_highest_bid_against_the_lowest_ask_quarter_by_quarter() -> None:
    for bids, asks in BOOKS:
        paid, earned = _quarter_by_quarter(bids, asks)
        matches = PayAsBid().clear(bids, asks, GRID, FEED_IN)
        value = {order.party: order.price for order in (*bids, *asks)}
        found_paid, found_earned = defaultdict(float), defaultdict(float)
        for match in matches:
            assert match.price == value[match.buyer]
            found_paid[value[match.buyer]] += match.energy_kwh * match.price
            found_earned[value[match.seller]] += match.energy_kwh * match.price
        # By price: who of those with one price gets how much is a share of each, see below.
        assert found_paid == pytest.approx(paid, abs=1e-9)
        assert found_earned == pytest.approx(earned, abs=1e-9)


def _quarter_by_quarter(
    bids: list[Order], asks: list[Order]
) -> tuple[dict[float, float], dict[float, float]]:
    """Money by the price of bids, and by that of asks."""
    buy = sorted((b.price for b in bids for _ in range(round(b.energy_kwh / 0.25))), reverse=True)
    sell = sorted(a.price for a in asks for _ in range(round(a.energy_kwh / 0.25)))
    paid, earned = defaultdict(float), defaultdict(float)
    for bid, ask in zip(buy, sell, strict=False):
        if bid < ask:
            break
        paid[bid] += 0.25 * bid
        earned[ask] += 0.25 * bid
    return paid, earned


@pytest.mark.parametrize(
    ("clearing", "rate"), [(MidMarketRate(), (GRID + FEED_IN) / 2), (BillSharing(), 0.0)]
)
def test_shared_rates_share_in_proportion(clearing: MidMarketRate | BillSharing, rate: float) -> None:
    for bids, asks in BOOKS:
        if isinstance(clearing, BillSharing):
            asks = [ask._replace(price=0.0) for ask in asks]
        buyers = [b for b in bids if b.price >= rate]
        sellers = [a for a in asks if a.price <= rate]
        demand = sum((Fraction(b.energy_kwh) for b in buyers), Fraction(0))
        supply = sum((Fraction(a.energy_kwh) for a in sellers), Fraction(0))
        volume = min(demand, supply)
        got, gave = _by_party(clearing.clear(bids, asks, GRID, FEED_IN))
        for side, total, found in ((buyers, demand, got), (sellers, supply, gave)):
            assert set(found) <= {order.party for order in side}
            assert sum(map(Fraction, found.values())) == volume
            for order in side:
                exact = Fraction(order.energy_kwh) * volume / total
                assert abs(Fraction(found.get(order.party, 0.0)) - exact) <= Fraction(GRAIN_KWH)


def _by_party(matches: list[Match]) -> tuple[dict[int, float], dict[int, float]]:
    got, gave = defaultdict(float), defaultdict(float)
    for match in matches:
        got[match.buyer] += match.energy_kwh
        gave[match.seller] += match.energy_kwh
    return got, gave


def test_bills_of_the_mid_market_rate_and_of_bill_sharing_are_those_of_their_source() -> None:
    """Long et al. print what a kWh costs a buyer and earns a seller on average, the grid's part in it."""
    for bids, asks in BOOKS:
        demand = sum(b.energy_kwh for b in bids)
        supply = sum(a.energy_kwh for a in asks)
        if not demand or not supply:
            continue
        mid, short, over = (GRID + FEED_IN) / 2, max(demand - supply, 0), max(supply - demand, 0)
        printed = {
            MidMarketRate(): ((mid * (demand - short) + GRID * short) / demand,
                              (mid * (supply - over) + FEED_IN * over) / supply),
            BillSharing(): (GRID * short / demand, FEED_IN * over / supply),
        }  # fmt: skip
        for clearing, (cost, income) in printed.items():
            bid, ask = clearing.limits(GRID, FEED_IN)
            matches = clearing.clear(
                [b._replace(price=bid) for b in bids], [a._replace(price=ask) for a in asks], GRID, FEED_IN
            )
            got, gave = _by_party(matches)
            price = matches[0].price
            for b in bids:
                bill = price * got[b.party] + GRID * (b.energy_kwh - got[b.party])
                assert bill == pytest.approx(cost * b.energy_kwh, abs=1e-6)
            for a in asks:
                earned = price * gave[a.party] + FEED_IN * (a.energy_kwh - gave[a.party])
                assert earned == pytest.approx(income * a.energy_kwh, abs=1e-6)


@pytest.mark.parametrize("name", CLEARINGS)
def test_nobody_pays_above_his_bid_or_sells_below_his_offer(name: str) -> None:
    clearing = CLEARINGS[name]()
    for bids, asks in BOOKS:
        if name == "bill_sharing":
            asks = [ask._replace(price=ask.price - 0.1) for ask in asks]
        matches = clearing.clear(bids, asks, GRID, FEED_IN)
        order = {each.party: each for each in (*bids, *asks)}
        for match in matches:
            assert order[match.seller].price <= match.price <= order[match.buyer].price
            assert match.energy_kwh > 0
        got, gave = _by_party(matches)
        assert all(kwh <= order[party].energy_kwh for found in (got, gave) for party, kwh in found.items())
        paid = fsum(match.price * match.energy_kwh for match in matches)
        received = fsum(match.price * match.energy_kwh for match in reversed(matches))
        assert abs(paid - received) < 1e-9
        assert sum(map(Fraction, got.values())) == sum(map(Fraction, gave.values()))
        assert len(matches) <= len(bids) * len(asks)


def test_equal_prices_share_what_is_left() -> None:
    bids = [Order(0, 1.0, 0.2), Order(1, 3.0, 0.2), Order(2, 1.0, 0.25)]
    matches = UniformPriceAuction().clear(bids, [Order(9, 3.0, 0.1)], GRID, FEED_IN)
    got, _ = _by_party(matches)
    assert got == {2: 1.0, 0: 0.5, 1: 1.5}
    assert {match.price for match in matches} == {0.2}, "a buyer who wants more sets the price"
    assert UniformPriceAuction(k=0.0).clear(bids[2:], [Order(9, 3.0, 0.1)], GRID, FEED_IN)[0].price == 0.1
