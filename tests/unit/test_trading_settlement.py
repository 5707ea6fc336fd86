"""Settlement on days small enough to be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from cosim.core.errors import InputError, SimulationError
from cosim.trading.protocol.ledger import open_ledger
from cosim.trading.protocol.messages import Line, RequestId
from cosim.trading.protocol.purchase_book import Claim, FailedAttempt
from cosim.trading.protocol.reconciliation import Agreement, reconcile
from cosim.trading.schemas.rules import DeviationRule
from cosim.trading.settlement.bills import Bill, Losses, Settlement, settle
from cosim.trading.settlement.delivered import deliver
from cosim.trading.tariff_rules import TARIFF_RULES
from cosim.trading.valuation.offers import GRID
from cosim.trading.valuation.price_list import Retail
from cosim.trading.valuation.prices import Prices

DAY = 3
HOUR = 12
Array = NDArray[np.float64]


def readings(*values: float) -> Array:
    table = np.zeros((len(values), 24))
    table[:, HOUR] = values
    return table


def agreed(buyer: int, seller: int, kwh: float, price: float = 0.2, number: int = 0) -> Agreement:
    return Agreement(RequestId(buyer, 0, number), HOUR, buyer, seller, kwh, kwh, price, "agreed")


def settled(
    agreements: list[Agreement],
    load: Array,
    generation: Array,
    grid: float = 0.3,
    feed_in: float = 0.03,
    deviations: DeviationRule = "own_account",
) -> Settlement:
    prices = Prices(np.full(24, grid), np.full(24, feed_in))
    losses = None if deviations == "own_account" else losses_at(grid, feed_in)
    return settle(DAY, agreements, (), load, generation, supplied_at(prices, len(load)), losses)


def supplied_at(prices: Prices, n: int) -> list[Retail]:
    return [Retail(GRID, np.arange(n), prices)]


def losses_at(grid: float, feed_in: float) -> Callable[[Agreement], Losses]:
    return lambda trade: Losses(max(0.0, grid - trade.price), max(0.0, trade.price - feed_in))


def totals(settlement: Settlement) -> list[float]:
    return [bill.total_eur for bill in settlement.bills]


def test_a_trade_and_the_rest_with_the_grid() -> None:
    result = settled([agreed(0, 1, 1.0)], readings(1.5, 0.5), readings(0.0, 3.0))
    buyer, seller, grid = result.bills
    assert buyer == Bill(
        DAY,
        0,
        1.5,
        0.0,
        0.0,
        1.0,
        0.0,
        0.5,
        0.0,
        0.2,
        0.0,
        pytest.approx(0.15),
        0.0,
        0.0,
        pytest.approx(0.35),
    )
    assert seller == Bill(
        DAY,
        1,
        0.5,
        3.0,
        0.5,
        0.0,
        1.0,
        0.0,
        1.5,
        0.0,
        -0.2,
        0.0,
        pytest.approx(-0.045),
        0.0,
        pytest.approx(-0.245),
    )
    assert grid.prosumer == -1
    assert (grid.from_grid_kwh, grid.to_grid_kwh) == (-0.5, -1.5)
    assert grid.total_eur == pytest.approx(-0.15 + 0.045)
    assert sum(totals(result)) == pytest.approx(0, abs=1e-12)
    assert [row.status for row in result.trades] == ["delivered"]


def test_a_seller_that_falls_short_shares_what_it_has_in_proportion() -> None:
    trades = [agreed(0, 2, 1.0), agreed(1, 2, 3.0), agreed(2, 2, 1.0)]
    load = readings(5.0, 5.0, 5.0)
    sent = [each.sent_kwh for each in deliver(trades, load, readings(0, 0, 2.5))]
    assert sent == [0.5, 1.5, 0.5]
    backwards = [each.sent_kwh for each in deliver(trades[::-1], load, readings(0, 0, 2.5))]
    assert backwards == sent[::-1]


def test_a_buyer_that_uses_less_takes_the_same_share_of_each() -> None:
    trades = [agreed(0, 1, 2.0), agreed(0, 2, 1.0)]
    delivered = deliver(trades, readings(1.0, 0, 0), readings(0, 1.0, 1.0))
    # Household 1 could send 1 of 2, household 2 all of 1; the buyer takes half of each.
    assert [(each.sent_kwh, each.taken_kwh) for each in delivered] == [(1.0, 0.5), (1.0, 0.5)]


def test_a_partner_that_delivers_is_not_cut_for_one_that_does_not() -> None:
    trades = [agreed(0, 1, 1.0), agreed(0, 2, 1.0)]
    delivered = deliver(trades, readings(1.0, 0, 0), readings(0, 0.0, 1.0))
    assert [each.taken_kwh for each in delivered] == [0.0, 1.0]


def test_own_use_of_own_energy_costs_nothing_whether_it_was_traded_or_not() -> None:
    load, generation = readings(2.0), readings(1.5)
    with_trade = settled([agreed(0, 0, 1.0)], load, generation)
    without = settled([], load, generation)
    assert totals(with_trade) == totals(without)
    assert with_trade.bills[0].self_consumed_kwh == 1.5
    assert with_trade.bills[0].total_eur == pytest.approx(0.5 * 0.3)
    assert with_trade.trades[0].delivered_kwh == 1.0


def test_deviations_on_own_account_leave_each_side_its_own_loss() -> None:
    # Agreed 2, sent 1, taken 1: the buyer buys the other kWh from the grid.
    result = settled([agreed(0, 1, 2.0)], readings(2.0, 0.0), readings(0.0, 1.0))
    assert totals(result)[:2] == pytest.approx([0.2 + 0.3, -0.2])
    assert result.trades[0].status == "seller_short"
    # Agreed 2, sent 2, taken 1: the seller feeds the other kWh in.
    result = settled([agreed(0, 1, 2.0)], readings(1.0, 0.0), readings(0.0, 2.0))
    assert totals(result)[:2] == pytest.approx([0.2, -0.2 - 0.03])
    assert result.trades[0].status == "buyer_short"


def test_who_causes_a_deviation_makes_the_other_whole() -> None:
    rule: DeviationRule = "causer_compensates"
    short = settled([agreed(0, 1, 2.0)], readings(2.0, 0.0), readings(0.0, 1.0), deviations=rule)
    # The buyer ends where it would have been: 2 kWh at 0.20.
    assert totals(short)[:2] == pytest.approx([0.4, -0.2 + 0.1])
    left = settled([agreed(0, 1, 2.0)], readings(1.0, 0.0), readings(0.0, 2.0), deviations=rule)
    # The seller ends where it would have been: 2 kWh at 0.20.
    assert totals(left)[:2] == pytest.approx([0.2 + 0.17, -0.4])
    assert sum(totals(short)) == pytest.approx(0, abs=1e-12)
    assert sum(totals(left)) == pytest.approx(0, abs=1e-12)


def test_a_deviation_that_costs_the_other_nothing_is_not_compensated() -> None:
    rule: DeviationRule = "causer_compensates"
    # The grid is cheaper than the trade was: the buyer gains from the seller's default.
    result = settled([agreed(0, 1, 1.0)], readings(1.0, 0.0), readings(0.0, 0.0), grid=0.1, deviations=rule)
    assert totals(result)[:2] == pytest.approx([0.1, 0.0])


def test_negative_prices_turn_money_around_and_nothing_else() -> None:
    result = settled([], readings(2.0, 0.0), readings(0.0, 1.0), grid=-0.1, feed_in=-0.01)
    assert totals(result) == pytest.approx([-0.2, 0.01, 0.19])
    assert result.bills[0].from_grid_kwh == 2.0
    # Own generation still goes to own load first: one meter cannot draw and feed in at once.
    result = settled([], readings(2.0), readings(1.5), grid=-0.1, feed_in=-0.01)
    assert totals(result) == pytest.approx([-0.05, 0.05])


def test_unclaimed_energy_feeds_in() -> None:
    unclaimed = agreed(0, 1, 1.0)._replace(agreed_kwh=0.0, status="unclaimed")
    result = settled([unclaimed], readings(1.0, 0.0), readings(0.0, 1.0))
    assert totals(result)[:2] == pytest.approx([0.3, -0.03])
    row = result.trades[0]
    assert (row.requested_kwh, row.agreed_kwh, row.delivered_kwh, row.status) == (1.0, 0.0, 0.0, "unclaimed")


def test_what_came_to_nothing_is_in_the_table_of_trades() -> None:
    failed = FailedAttempt(RequestId(0, 0, 0), HOUR, 0, 1, 0.7, 0.2, "timed_out")
    prices = Prices(np.full(24, 0.3), np.full(24, 0.03))
    result = settle(DAY, [], [failed], readings(1.0, 0.0), readings(0.0, 1.0), supplied_at(prices, 2))
    assert result.trades[0] == (DAY, HOUR, 0, 1, 0.7, 0.0, 0.0, 0.2, "timed_out")


def test_feed_in_prices() -> None:
    grid, indexed = np.linspace(-0.1, 0.3, 24), np.linspace(-0.01, 0.03, 24)
    assert np.array_equal(TARIFF_RULES["trading"]().feed_in_price(grid, indexed), indexed)
    assert np.array_equal(TARIFF_RULES["net_metering"]().feed_in_price(grid, indexed), grid)
    assert set(TARIFF_RULES["iep_zero"]().feed_in_price(grid, indexed)) == {0.0}
    assert set(TARIFF_RULES["feed_in_tariff"]().feed_in_price(grid, indexed)) == {0.08}


def test_net_metering_pays_only_the_difference_of_the_hours() -> None:
    load, generation = readings(0.0), readings(1.0)
    load[0, 20] = 1.0
    grid = np.full(24, 0.25)
    prices = Prices(grid, TARIFF_RULES["net_metering"]().feed_in_price(grid, 0.1 * grid))
    assert totals(settle(DAY, [], (), load, generation, supplied_at(prices, 1))) == pytest.approx(
        [0, 0], abs=1e-15
    )


def test_all_that_is_wrong_with_the_readings_is_said_at_once() -> None:
    bad = readings(1.0, -0.5)
    prices = Prices(np.full(24, np.nan), np.full(23, 0.0))
    with pytest.raises(InputError) as error:
        settle(DAY, [], (), bad, np.zeros((3, 24)), supplied_at(prices, 2))
    assert [problem.message.split(" ")[0] for problem in error.value.problems] == [
        "load_kwh",
        "generation_kwh",
        "grid",
        "feed-in",
    ]
    assert all(problem.remedy for problem in error.value.problems)


REQUEST = RequestId(0, 0, 0)
CLAIM = Claim(REQUEST, HOUR, 0, 1, 1.0, 1.0, 0.2)


def test_books_that_contradict_each_other_are_an_error() -> None:
    ledger = open_ledger(DAY, [Line(HOUR, 2.0, 0.2)])
    with pytest.raises(SimulationError, match="whose ledger has nothing"):
        reconcile(DAY, [CLAIM], {0: None, 1: ledger})
    ledger.reserve(REQUEST, (Line(HOUR, 1.0, 0.2),), 10, 0.001)
    with pytest.raises(SimulationError, match="whose ledger has reserved"):
        reconcile(DAY, [CLAIM], {0: None, 1: ledger})
    ledger.confirm(REQUEST)
    assert reconcile(DAY, [CLAIM], {0: None, 1: ledger}) == [Agreement(*CLAIM, "agreed")]
    with pytest.raises(SimulationError, match="whose ledger has firm"):
        reconcile(DAY, [CLAIM._replace(agreed_kwh=0.5)], {0: None, 1: ledger})
    with pytest.raises(SimulationError, match="claimed twice"):
        reconcile(DAY, [CLAIM, CLAIM], {0: None, 1: ledger})
    ledger.offered_kwh[HOUR] = 0.5
    with pytest.raises(SimulationError, match=r"sold 1.0 kWh of 0.5 kWh"):
        reconcile(DAY, [CLAIM], {0: None, 1: ledger})


def test_a_receipt_outlives_the_sellers_ledger() -> None:
    assert reconcile(DAY, [CLAIM], {0: None, 1: None}) == [Agreement(*CLAIM, "restored")]
