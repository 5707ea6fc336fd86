"""The parts that a run with the energy-value market is put together from."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from cosim.config.hours import HOURS
from cosim.config.units import unit_of
from cosim.core.errors import InputError
from cosim.core.streams import Streams
from cosim.engine.check import check_configuration
from cosim.engine.load import load_scenario
from cosim.engine.run import preflight, summarise
from cosim.households.profile_book import Demand, Profile, ProfileBook, Series, nothing
from cosim.trading.scheduling.day_plan import DayPlan, Preferences, plan_day
from cosim.trading.scheduling.schedule import Infeasible
from cosim.trading.schemas.appliances import ListedAppliances, NoAppliances
from cosim.trading.schemas.market_slots import HOURLY
from cosim.trading.settlement.bills import TradeStatus
from cosim.trading.totals import TRADE_STATUSES, TradingMetrics, doubts
from cosim.trading.valuation.offers import Offer
from cosim.trading.valuation.participants import appliance_days, listed_day

GRID = np.array([0.3] * 12 + [0.2] * 12)
DISHWASHER = ListedAppliances.model_validate(
    {"kind": "list", "appliances": [{"name": "dishwasher", "power_kw": 2, "duration_h": 1,
                                     "preferences": "dishwasher"}]}
)  # fmt: skip
BIDS = "energy_value.household.bidding"
SCENARIO = """
name: s
time: {start: 2016-06-13T00:00:00Z, duration_h: 48}
groups:
  - {name: homes, households: 2, load: {kind: constant, p_kw: 0.5}}
energy_value:
  prices: {grid: 0.3}
"""


def plan(rigidity: int, aim: str, offers: list[Offer], solver: str = "exact") -> DayPlan:
    preferences = Preferences(rigidity, 5, 1.0, 5.0)
    made = plan_day(listed_day(DISHWASHER), preferences, offers, GRID, np.zeros(24), aim, solver)  # type: ignore[arg-type]
    assert isinstance(made, DayPlan)
    return made


def hour_of(made: DayPlan) -> int:
    return int(np.flatnonzero(made.schedule.on[0])[0])


@pytest.mark.parametrize("solver", ["exact", "greedy"])
def test_a_plan_follows_its_aim(solver: str) -> None:
    cheap = [Offer(20, 1, 2.0, 0.05)]
    # μ γ = 1 · (R-1)/4 · P^G against a saving of 0.15: at R = 3 the preferred hour is worth 0.15 too.
    assert hour_of(plan(1, "value", cheap, solver)) == 20
    assert hour_of(plan(2, "value", cheap, solver)) == 20
    assert hour_of(plan(5, "value", cheap, solver)) == 9
    assert hour_of(plan(5, "cost", cheap, solver)) == 20
    assert hour_of(plan(1, "preferences", cheap, solver)) == 9


def test_the_value_of_a_plan_is_by_the_households_own_rigidity() -> None:
    made = plan(5, "cost", [Offer(20, 1, 2.0, 0.05)])
    assert made.energy_value == pytest.approx(2.0 * 0.2)  # hour 20 is not liked
    assert plan(5, "preferences", []).energy_value == pytest.approx(2.0 * 2 * 0.3)
    assert plan(3, "preferences", []).energy_value == pytest.approx(2.0 * 1.5 * 0.3)
    assert made.energy_kwh.shape == (1, HOURS)


@pytest.mark.parametrize("solver", ["exact", "greedy"])
def test_a_day_with_nothing_to_schedule_is_a_day(solver: str) -> None:
    (nothing_to_run,) = appliance_days(NoAppliances(kind="none"), Streams(1), 0, 1)
    fixed = np.full(HOURS, 0.5)
    for aim in ("value", "cost", "preferences"):
        made = plan_day(nothing_to_run, Preferences(3, 5, 1.0, 5.0), [], GRID, fixed, aim, solver)  # type: ignore[arg-type]
        assert isinstance(made, DayPlan)
        assert made.energy_value == 0.0
        assert np.array_equal(made.schedule.load_kwh, fixed)
        assert made.energy_kwh.shape == (0, HOURS)
    short = plan_day(nothing_to_run, Preferences(3, 5, 1.0, 0.4), [], GRID, fixed, "value", solver)  # type: ignore[arg-type]
    assert isinstance(short, Infeasible)


def book(n_intervals: int, per_block: int) -> ProfileBook:
    load = Series(np.arange(4.0 * n_intervals)[:, None], np.zeros(2, np.int64), np.array([1.0, 2.0]))
    none = nothing(4 * n_intervals, 2)
    return ProfileBook(
        Demand((Profile("load", False, load, none), Profile("pv", True, none, none))), 900_000, 4, per_block
    )


def test_added_load_is_seen_in_its_interval_alone() -> None:
    """In the current block, in the next, and in one that is opened much later; twice adds up."""
    plain, raised = book(9, 3), book(9, 3)
    added = {1: 0.5, 2: 1.0, 3: 2.0, 7: 4.0}
    for interval, power in added.items():
        raised.add_load(interval, np.array([power, 0.0]))
    raised.add_load(1, np.array([0.25, 0.0]))
    for interval in range(9):
        extra = added.get(interval, 0.0) + (0.25 if interval == 1 else 0.0)
        before, after = plain.interval_means(interval)[0], raised.interval_means(interval)[0]
        assert np.allclose(after - before, [extra, 0.0])
        slots = slice(interval % 3 * 4, interval % 3 * 4 + 4)
        assert np.allclose(np.array(plain.surplus_kw[0][slots]) - raised.surplus_kw[0][slots], extra)
        assert plain.surplus_kw[1] == raised.surplus_kw[1]
        plain.turn_to(interval + 1)
        raised.turn_to(interval + 1)


def test_peaks_and_sums() -> None:
    metrics = TradingMetrics()
    load, generation = np.zeros((2, 24)), np.zeros((2, 24))
    load[:, 5], generation[0, 12] = 2.0, 7.0
    price = np.linspace(0.1, 0.33, 24)
    metrics.add_power(load, generation, price, 1, HOURLY, is_traded=True)
    metrics.add_trades(
        [("buyer_short", True, 1.0, 0.5), ("seller_short", False, 2.0, 1.5), ("rejected", False, 0.0, 0.0)]
    )
    metrics.add_bills([1.0, 2.5, -3.5], 2)
    metrics.energy_value_eur = 10.0
    result = metrics.result()
    assert result["net_import_at_grid_price_eur"] == pytest.approx(4 * price[5] - 7 * price[12])
    assert (result["load_peak_kw"], result["load_peak_time_h"]) == (4.0, 29)
    assert (result["net_import_peak_kw"], result["net_export_peak_kw"]) == (4.0, 7.0)
    assert (result["traded_agreed_kwh"], result["traded_delivered_kwh"]) == (2.0, 1.5)
    assert (result["self_traded_kwh"], result["welfare_eur"]) == (0.5, 6.5)
    assert result["bills_imbalance_max_eur"] == 0.0
    assert (result["trade_requests_rejected"], result["trade_requests_delivered"]) == (1, 0)
    assert set(TRADE_STATUSES) == {*get_args(get_args(TradeStatus)[0]), *get_args(get_args(TradeStatus)[1])}


def problems_of(folder: Path, *settings: str) -> list[str]:
    (folder / "s.yaml").write_text(SCENARIO)
    try:
        loaded = load_scenario(str(folder / "s.yaml"), list(settings))
    except InputError as error:
        return [str(problem) for problem in error.problems]
    return [str(problem) for problem in preflight(loaded)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["time.start=2016-06-13T06:00:00Z"], "whole days (UTC), but the run starts in the middle of one"),
        (["time.duration_h=60"], "the run is not a whole number of them"),
        (["time.duration_h=24"], "no day can be traded"),
        (["energy_value.prices.grid={file: none.csv}"], "energy_value.prices.grid.file"),
        (["energy_value.prices.feed_in={price: {file: none.csv}}"], "prices.feed_in.price.file"),
        (["groups.homes.trading={bidding: {kind: fixed, kappa: 0.05}}"], "groups.0.trading.bidding.k"),
        ([f"{BIDS}={{kind: fixed, kappa: 0.1}}"], "(φ = 0.1) in any hour (given: 0.1)"),
        ([f"{BIDS}={{kind: random, high: 0.05}}"], f"{BIDS}.high: κ is not above"),
        ([f"{BIDS}={{kind: random, low: 0.05}}"], f"{BIDS}.low: κ is not above"),
        (["energy_value.prices.grid=-0.3"], "prices.grid: the price is below 0 in every hour"),
        (["energy_value.prices.feed_in={price: -0.1}"], "prices.feed_in.price: the price is below 0 in"),
        (["energy_value.rules.rule={kind: feed_in_tariff, tariff_eur_per_kwh: -0.1}"], "must be at least 0"),
        (["energy_value.prices.feed_in={price: 0.4}"], "nobody can offer anything"),
        (
            ["energy_value.household.appliances={kind: list, appliances: [{name: kiln, power_kw: 11, "
             "duration_h: 3}]}"],
            "household h001 (and 1 more of its group) has no feasible schedule: on day 0, kiln (11 kW) has "
            "to run for 3 h from hour 0 to 24, but finds room for only 0 h",
        ),
        (["groups.homes.load.p_kw=12"], "in hour 0 the load that is not scheduled is 12.000 kW already"),
        (
            ["groups.homes.trading={contracted_power_kw: 3}"],
            "groups.0.trading.contracted_power_kw: household h001",
        ),
        (["comms.default.latency={kind: constant, latency_ms: 11000}"], "give up a request after 20 s"),
        (["comms.default.latency={kind: constant, latency_ms: 4000}"], "sent twice or more"),
        (
            ["energy_value.household.appliances={kind: generated, ownership: {owen: 1}}"],
            "Did you mean 'oven'?",
        ),
        (
            ["groups.homes.trading.appliances={kind: generated, ownership: {irn: 1}}"],
            "groups.0.trading.appliances.ownership.irn",
        ),
        (
            ["energy_value.household.appliances={kind: list, appliances: [{name: iron, power_kw: 1, "
             "duration_h: 3, earliest_start_h: 8, latest_end_h: 10}]}"],
            "do not fit into a window of 2 h",
        ),
        (["energy_value.rules.rule=barter"], "energy_value.rules.rule"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_said(tmp_path: Path, settings: list[str], expected: str) -> None:
    found = problems_of(tmp_path, *settings)
    assert len(found) == 1, found
    assert expected in found[0]


def test_a_price_series_shorter_than_the_run_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"2016-06-{13 + hour // 24:02d}T{hour % 24:02d}:00Z,0.3\n" for hour in range(40))
    (tmp_path / "p.csv").write_text("time,price [EUR/kWh]\n" + rows)
    (found,) = problems_of(tmp_path, "energy_value.prices.grid={file: p.csv}")
    assert "p.csv:41: has prices for 2016-06-13 00:00 to 2016-06-14 16:00" in found


def test_messages_slower_than_the_timetable_are_warned_of(tmp_path: Path) -> None:
    slow = "comms.default.latency={kind: lognormal, median_ms: 8000000, sigma: 1}"
    found = problems_of(tmp_path, slow)
    for words in ("arrive after gate closure", "a trade takes four", "give up a request", "reservations end"):
        assert sum(words in each for each in found) == 1
    assert problems_of(tmp_path, slow, "energy_value.rules.rule=no_trading") == []
    assert problems_of(tmp_path, "comms.default.latency={kind: lognormal, median_ms: 100, sigma: 3}") == []


def test_what_is_wrong_with_a_rule_that_is_not_used_is_not_said(tmp_path: Path) -> None:
    low = "energy_value.household.bidding={kind: fixed, kappa: 0.05}"
    assert problems_of(tmp_path, low, "energy_value.rules.rule=net_metering") == []
    # Without a feed-in price κ may be as low as anyone likes.
    assert problems_of(tmp_path, low, "energy_value.rules.rule=iep_zero") == []
    assert len(problems_of(tmp_path, low, "energy_value.rules.rule=no_trading")) == 1


def test_a_group_that_trades_needs_a_market(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    loaded = load_scenario(str(tmp_path / "s.yaml"), ["energy_value=", "groups.homes.trading={}"])
    assert [problem.path for problem in check_configuration(loaded)] == ["groups.0.trading"]


def test_one_day_is_enough_without_trading(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "time.duration_h=24", "energy_value.rules.rule=net_metering") == []


def test_another_strategy_or_price_replaces_the_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(SCENARIO + "  household: {bidding: {kind: random, low: 0.4}}\n")
    (tmp_path / "s.yaml").write_text(
        "base: base.yaml\nname: t\nenergy_value:\n  household: {bidding: {kind: fixed, kappa: 0.5}}\n"
        "  prices: {feed_in: {price: 0.05}}\n"
    )
    market = load_scenario(str(tmp_path / "s.yaml"), []).scenario.energy_value
    assert market is not None
    assert market.household.bidding.model_dump() == {"kind": "fixed", "kappa": 0.5}
    assert market.prices.feed_in.model_dump() == {"price": 0.05}


@pytest.mark.parametrize(
    "path",
    [
        "energy_value.prices.grid",
        "energy_value.prices.grid.by_hour",
        "energy_value.prices.feed_in.price",
        "energy_value.rules.rule.tariff_eur_per_kwh",
    ],
)
def test_prices_have_their_unit(path: str) -> None:
    assert unit_of(path).symbol == "EUR/kWh"
    assert unit_of("communities.0.resources.0.capacity.by_hour").symbol == "units per step"


def test_schedules_that_are_not_proved_are_counted_and_doubted() -> None:
    metrics = TradingMetrics()
    assert set(metrics.result().values()) == {0, None}  # two counts of days, and no sums
    metrics.n_days = 1
    metrics.add_gaps([0.0, 0.25, 0.125])
    metrics.add_gaps([0.0])
    assert doubts(metrics.result())[0].message == (
        "2 schedules may not be the best: one could be worth up to 0.25 EUR more"
    )
    metrics.add_gaps([float("nan")])  # a greedy one, of which nothing is known
    result = metrics.result()
    assert (result["schedules_unproved"], result["schedule_gap_max_eur"]) == (3, None)
    assert doubts(result) == []
    assert doubts(TradingMetrics().result()) == []


def test_a_limit_of_work_leaves_a_gap_that_is_said() -> None:
    """Cost alone counts, and there is little power: one look is not enough, and many are."""
    hard = [
        "energy_value.household.values.rigidity=1",
        "energy_value.household.contracted_power_kw=6.4",
        "record.trading=false",
    ]
    limited, proved = (
        summarise(load_scenario("lotfi_case", [*hard, f"energy_value.household.search_limit={limit}"]))
        for limit in ("1", "null")
    )
    gap, short = limited["schedule_gap_max_eur"], proved["schedules_unproved"]
    assert gap is not None
    assert gap > 0
    assert limited["schedules_unproved"] == 1
    assert short == proved["schedule_gap_max_eur"] == 0
