"""Markets of half hours and quarter hours, against those of hours and against trying everything."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cosim.core.errors import InputError
from cosim.engine.run import Outcome, preflight
from cosim.results.store import read_table
from cosim.trading.clearing.grains import GRAIN_KWH
from cosim.trading.scheduling.exact import solve_exact
from cosim.trading.scheduling.schedule import Schedule, ScheduleProblem, evaluate
from cosim.trading.scheduling.supply import merit_order
from cosim.trading.valuation.appliance import Appliance, ways_to_run
from cosim.trading.valuation.offers import Offer
from tests.trading_homes import BAD_LINKS, CRASHES, load_homes, run_homes, two_groups

FAULTS = f"faults=[{CRASHES}]"
SCENARIO = two_groups(4, 3, "appliances: {kind: none}")
RULES = "energy_value.rules"
FORMS = {
    "posted offers": [],
    "rounds": [f"{RULES}.rounds={{every_h: 0.5}}"],
    "broker": [f"{RULES}.offers_to=broker"],
    "uniform price": [f"{RULES}.clearing=double_auction_uniform"],
    "pay as bid": [f"{RULES}.clearing=pay_as_bid", "energy_value.household.buying={kind: random}"],
    "mid-market rate": [f"{RULES}.clearing=mid_market_rate"],
    "bill sharing": [f"{RULES}.clearing=bill_sharing"],
}
APPLIANCES = "energy_value.household.appliances"


homes = partial(load_homes, SCENARIO)
"""Seven homes for two days, of which the second is traded; all is constant within an hour."""


def run(folder: Path, minutes: int, *settings: str) -> tuple[Outcome, Path]:
    return run_homes(SCENARIO, folder, f"{RULES}.interval_min={minutes}", *settings)


@pytest.mark.parametrize(
    "form",
    [pytest.param(name, marks=() if name == "uniform price" else pytest.mark.slow) for name in FORMS],
)
def test_where_nothing_changes_within_an_hour_shorter_intervals_change_nothing(
    form: str, tmp_path: Path
) -> None:
    """Each interval's market is a half or a quarter of the hour's; all that differs is rounding to grains."""
    settings = [*FORMS[form], f"{RULES}.planning_spread_s=0", f"{RULES}.min_trade_kwh=0"]
    found = {}
    for minutes in (60, 30, 15):
        _, folder = run(tmp_path / str(minutes), minutes, *settings)
        trades, bills = read_table(folder, "trades"), read_table(folder, "bills")
        by_hour = trades.groupby(["day", "hour", "buyer", "seller"])
        found[minutes] = by_hour[["agreed_kwh", "delivered_kwh"]].sum(), bills.set_index(["day", "prosumer"])
        assert set(trades.get("minute", [0])) <= set(range(0, 60, minutes))
    (agreed, bills), n_homes = found[60], 7
    assert agreed["delivered_kwh"].sum() > 20
    for minutes in (30, 15):
        parts, other = found[minutes]
        most = 60 // minutes * n_homes * GRAIN_KWH
        assert abs(agreed.sub(parts, fill_value=0.0)).max().max() <= most
        # A day of 24 hours, at most 0.5 EUR a kWh between what one and another pays.
        assert abs(bills - other).max().max() <= 24 * most * n_homes


@pytest.mark.parametrize(
    "form", [pytest.param(name, marks=() if name == "broker" else pytest.mark.slow) for name in FORMS]
)
def test_books_and_bills_agree_by_quarter_hours_over_bad_links(form: str, tmp_path: Path) -> None:
    generated = f"{APPLIANCES}={{kind: generated}}"
    outcome, folder = run(tmp_path, 15, *BAD_LINKS, FAULTS, *FORMS[form], generated)
    trades, bills = read_table(folder, "trades"), read_table(folder, "bills")
    offers = read_table(folder, "offers")
    slot = ["day", "hour", "minute"]
    sold = trades.groupby([*slot, "seller"])["agreed_kwh"].sum()
    offered = offers.groupby([*slot, "seller"])["quantity_kwh"].sum()
    assert len(sold) > 20
    assert (sold <= offered.reindex(sold.index) + GRAIN_KWH).all(), "nothing is sold twice"
    assert outcome.summary["bills_imbalance_max_eur"] < 1e-9  # type: ignore[operator]
    homes = bills[bills["prosumer"] != "grid"]
    assert np.allclose(
        homes["load_kwh"], homes[["self_consumed_kwh", "bought_kwh", "from_grid_kwh"]].sum(axis=1)
    )
    assert np.allclose(
        homes["generation_kwh"], homes[["self_consumed_kwh", "sold_kwh", "to_grid_kwh"]].sum(axis=1)
    )
    meters = read_table(folder, "meters")
    day = (meters["time"] - meters["time"].min()).dt.days
    assert np.allclose(
        meters.groupby([day, "prosumer"])["load_kwh"].sum().to_numpy(),
        homes.sort_values(["day", "prosumer"])["load_kwh"],
    )


def problem(rng: np.random.Generator, slot_h: float) -> ScheduleProblem:
    """Two appliances in eight intervals, with offers and a limit in kWh of an interval."""
    n = 8
    price = rng.uniform(0.1, 0.5, n)
    offers = [
        Offer(hour, seller, float(rng.uniform(0.1, 2) * slot_h), float(rng.uniform(0, 0.4)))
        for hour in range(n)
        for seller in range(2)
    ]
    appliances = (
        Appliance("washer", float(rng.uniform(1, 3)), int(rng.integers(1, 4)), True, 0, n, 2, slot_h),
        Appliance("heater", float(rng.uniform(1, 3)), int(rng.integers(2, 5)), False, 1, n, 1, slot_h),
    )
    values = rng.uniform(0.1, 0.8, (2, n))
    return ScheduleProblem(
        appliances, values, merit_order(offers, price, 4.0 * slot_h), np.full(n, 0.3 * slot_h)
    )


def test_schedules_of_short_intervals_are_the_best_of_all() -> None:
    rng = np.random.Generator(np.random.Philox(8))
    n_found = 0
    for number in range(40):
        day = problem(rng, (0.25, 0.5)[number % 2])
        washer, heater = (ways_to_run(each, 8) for each in day.appliances)
        schedules = [evaluate(day, np.array([one, other])) for one in washer for other in heater]
        within = [each for each in schedules if (each.load_kwh <= day.supply.limit_kwh + 1e-7).all()]
        found = solve_exact(day)
        assert isinstance(found, Schedule) == bool(within)
        if isinstance(found, Schedule):
            n_found += 1
            assert found.objective == pytest.approx(max(each.objective for each in within), abs=1e-9)
            energy = sum(each.power_kw * each.slots_needed * each.slot_h for each in day.appliances)
            assert (found.load_kwh - day.fixed_load_kwh).sum() == pytest.approx(energy)
    assert n_found > 20


def test_an_hour_is_a_schedule_of_quarter_hours_too() -> None:
    """So the best of quarter hours, with the same prices and loads, is at least as good."""
    rng = np.random.Generator(np.random.Philox(9))
    for _ in range(20):
        hourly = problem(rng, 1.0)
        supply = hourly.supply
        offers = [
            Offer(4 * hour + part, int(seller), float(kwh) / 4, float(price))
            for hour in range(8)
            for seller, kwh, price in zip(
                supply.seller[hour], supply.quantity_kwh[hour], supply.price[hour], strict=True
            )
            if seller >= 0
            for part in range(4)
        ]
        quarters = ScheduleProblem(
            tuple(
                a._replace(duration=4 * a.duration, earliest=4 * a.earliest, latest=4 * a.latest, slot_h=0.25)
                for a in hourly.appliances
            ),
            np.repeat(hourly.values, 4, axis=1),
            merit_order(offers, np.repeat(supply.grid_price, 4), 1.0),
            np.repeat(hourly.fixed_load_kwh / 4, 4),
        )
        long, short = solve_exact(hourly), solve_exact(quarters)
        if isinstance(long, Schedule):
            assert isinstance(short, Schedule)
            on = np.repeat(long.on, 4, axis=1)
            assert evaluate(quarters, on).objective == pytest.approx(long.objective, abs=1e-9)
            assert short.objective >= long.objective - 1e-9


def test_an_appliance_runs_where_a_roof_saves_most_by_quarter_hours(tmp_path: Path) -> None:
    """45 minutes at 2 kW between 8:15 and 11:30, under more sun than that; prices by quarter hours."""
    rng = np.random.Generator(np.random.Philox(3))
    price = rng.uniform(0.1, 0.5, 192).round(3)
    stamps = [f"2016-06-{13 + k // 96}T{k % 96 // 4:02d}:{k % 4 * 15:02d}Z" for k in range(192)]
    rows = [f"{stamp},{each}\n" for stamp, each in zip(stamps, price, strict=True)]
    (tmp_path / "prices.csv").write_text("time,price [EUR/kWh]\n" + "".join(rows))
    pump = "{name: pump, power_kw: 2, duration_h: 0.75, earliest_start_h: 8.25, latest_end_h: 11.5}"
    _, folder = run(
        tmp_path,
        15,
        f"{RULES}.rule=self_supply",
        "energy_value.prices={grid: {file: prices.csv}, feed_in: {price: 0}}",
        f"{APPLIANCES}={{kind: list, appliances: [{pump}]}}",
        "groups=[{name: home, households: 1, pv: {kind: csv, file: sun.csv, kwp: 20}}]",
    )
    plan, bills = read_table(folder, "schedule"), read_table(folder, "bills")
    for day in (0, 1):
        on = plan[plan["day"] == day]
        saved = [price[day * 96 + k : day * 96 + k + 3].sum() for k in range(33, 44)]
        first = 33 + int(np.argmax(saved))
        assert (on["hour"] * 4 + on["minute"] // 15).tolist() == [first, first + 1, first + 2]
        assert on["energy_kwh"].tolist() == [0.5] * 3
        bill = bills[(bills["day"] == day) & (bills["prosumer"] == "h001")]
        assert bill[["load_kwh", "self_consumed_kwh"]].to_numpy().tolist() == [[1.5, 1.5]]
        assert bill["from_grid_eur"].item() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([f"{RULES}.interval_min=20"], "interval_min"),
        ([f"{RULES}.interval_min=30", "grid.network=kerber_dorfnetz"], "meters of 60 min do not tell apart"),
        (
            [f"{APPLIANCES}={{kind: list, appliances: [{{name: pump, power_kw: 2, duration_h: 0.75}}]}}"],
            "0.75 h is not a whole number of market intervals of 60 min",
        ),
        (
            [f"{APPLIANCES}={{kind: list, appliances: [{{name: pump, power_kw: 2, duration_h: 0.7}}]}}"],
            "0.7 h is not a whole number of quarter hours",
        ),
        (
            [
                f"{RULES}.interval_min=15",
                f"{APPLIANCES}={{kind: list, appliances: [{{name: pump, power_kw: 2, duration_h: 1,"
                " runs_per_day: 4}]}",
            ],
            "ways in intervals of 15 min",
        ),
    ],
)
def test_what_does_not_fit_is_refused(settings: list[str], words: str, tmp_path: Path) -> None:
    try:
        problems = preflight(homes(tmp_path, *settings))
    except InputError as error:
        problems = list(error.problems)
    assert [each for each in problems if words in str(each)], [str(each) for each in problems]
