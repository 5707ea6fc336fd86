"""Batteries that the market plans: the linear program against trying everything, and runs that add up."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cosim.core.planned_use import Store
from cosim.engine.run import preflight
from cosim.results.store import read_table
from cosim.trading.scheduling.storage_program import Exchange, StorageDay, beside, plan_storage
from tests.trading_homes import BAD_LINKS, CRASHES, load_homes, run_homes, two_groups

FAULTS = f"faults=[{CRASHES}]"
SCENARIO = two_groups(
    4,
    3,
    "appliances: {kind: generated}",
    solar_has="battery: {capacity_kwh: {uniform: [4, 8]}, charge_kw: 2, discharge_kw: 2, "
    "self_discharge_per_day: 0.02, charge_from: surplus_and_grid, scheduled_by: energy_value}",
    duration_h=72,
)
FORMS = {
    "posted offers": [],
    "quarter hours": ["energy_value.rules.interval_min=15"],
    "rounds": ["energy_value.rules.rounds={every_h: 1}"],
    "broker": ["energy_value.rules.offers_to=broker"],
    "uniform price": ["energy_value.rules.clearing=double_auction_uniform"],
}


run = partial(run_homes, SCENARIO)


def drawn(rng: np.random.Generator, n: int) -> tuple[Store, StorageDay]:
    """A battery without losses and a day, both in whole kWh."""
    capacity = int(rng.integers(1, 6))
    most = [float(rng.integers(1, 4)) for _ in range(2)]
    store = Store(0.0, 0.0, capacity, 0.0, *most, 1.0, 1.0, 0.0, bool(rng.integers(0, 2)))
    load, generation, bought, sold = rng.integers(0, 4, (4, n)).astype(float)
    buy = rng.uniform(0.1, 0.5, n)
    sell = buy * rng.uniform(0, 1, n)
    is_free = rng.uniform() < 0.5
    nothing = np.zeros(n)
    contracts = (nothing, nothing) if is_free else (bought, np.minimum(sold, generation))
    return store, StorageDay(load, generation, np.full(n, 5.0), buy, sell, *contracts, 1.0)


def cheapest_by_trying(store: Store, begin: int, end: int, day: StorageDay) -> float:
    """What the best day costs, by every amount of whole kWh in every hour (a shortest way through states).

    Without losses the program is a flow through a network of whole numbers, so no other plan costs less.
    """
    n = len(day.load_kwh)
    dearest = 2 * max(np.abs(day.buy_eur_per_kwh).max(), np.abs(day.sell_eur_per_kwh).max())
    costs = {begin: 0.0}
    for t in range(n):
        room = max(day.most_load_kwh[t] - day.load_kwh[t], 0)
        if not store.takes_from_grid:
            room = min(room, max(day.generation_kwh[t] - day.load_kwh[t], 0))
        after: dict[int, float] = {}
        for stored, cost in costs.items():
            for change in range(-int(store.discharge_kw), int(min(store.charge_kw, room)) + 1):
                level = stored + change
                if not 0 <= level <= store.capacity_kwh:
                    continue
                charged, given = max(change, 0), max(-change, 0)
                short = max(day.sold_kwh[t] - day.generation_kwh[t] - given, 0)
                left = max(day.bought_kwh[t] - day.load_kwh[t] - charged, 0)
                net = day.load_kwh[t] + change + day.sold_kwh[t] - day.generation_kwh[t] - day.bought_kwh[t]
                # What is bought and not used, or made and not sold, is given away as far as it is its own.
                away = min(max(-net, 0), max(day.generation_kwh[t] + given + short - day.sold_kwh[t], 0))
                if away < -net:
                    continue
                spent = day.buy_eur_per_kwh[t] * max(net, 0) - day.sell_eur_per_kwh[t] * away
                total = cost + spent + dearest * (short + left)
                after[level] = min(after.get(level, np.inf), total)
        costs = after
    return min(cost + dearest * max(end - level, 0) for level, cost in costs.items())


def cost_of(plan: Exchange, begin: float, end: float, day: StorageDay) -> float:
    """What a plan without contracts costs by the same count; and that it keeps the limits of the day."""
    net = day.load_kwh + plan.charge_kwh - plan.discharge_kwh - day.generation_kwh
    spent = day.buy_eur_per_kwh @ np.maximum(net, 0) - day.sell_eur_per_kwh @ np.maximum(-net, 0)
    dearest = 2 * max(np.abs(day.buy_eur_per_kwh).max(), np.abs(day.sell_eur_per_kwh).max())
    level = begin + (plan.charge_kwh - plan.discharge_kwh).sum()
    return float(spent + dearest * max(end - level, 0.0))


def test_the_plan_is_the_cheapest_of_all() -> None:
    rng = np.random.Generator(np.random.Philox(11))
    n_free = 0
    for _ in range(50):
        store, day = drawn(rng, 5)
        if day.bought_kwh.any() or day.sold_kwh.any():
            continue
        n_free += 1
        begin, end = (int(each) for each in rng.integers(0, store.capacity_kwh + 1, 2))
        plan = plan_storage(store, begin, end, day)
        stored = begin + np.cumsum(plan.charge_kwh - plan.discharge_kwh)
        assert stored.min() >= -1e-9
        assert stored.max() <= store.capacity_kwh + 1e-9
        assert plan.charge_kwh.max() <= store.charge_kw + 1e-9
        assert plan.discharge_kwh.max() <= store.discharge_kw + 1e-9
        assert not (plan.charge_kwh * plan.discharge_kwh).any()
        best = cheapest_by_trying(store, begin, end, day)
        assert cost_of(plan, begin, end, day) == pytest.approx(best, abs=1e-4)
    assert n_free > 20


def test_what_is_sold_is_given_where_there_is_enough() -> None:
    n = 4
    store = Store(3.0, 3.0, 4.0, 0.0, 2.0, 2.0, 0.9, 0.9, 0.0, True)
    nothing, cheap = np.zeros(n), np.full(n, 0.1)
    sold = np.array([0.0, 1.0, 1.5, 0.0])
    plan = plan_storage(
        store, 3.0, 0.0, StorageDay(nothing, nothing, np.full(n, 5.0), cheap, cheap / 2, nothing, sold, 1.0)
    )
    assert (plan.discharge_kwh >= sold - 1e-9).all()
    bought = np.array([0.0, 0.0, 0.0, 1.0])
    plan = plan_storage(
        store, 3.0, 3.0, StorageDay(nothing, nothing, np.full(n, 5.0), cheap, nothing, bought, nothing, 1.0)
    )
    assert plan.charge_kwh[3] >= 1.0 - 1e-9


def test_what_happens_behind_the_meter_is_not_traded() -> None:
    load, generation = beside(
        Exchange(np.array([2.0, 0.0, 3.0]), np.array([0.0, 2.0, 0.0])),
        np.array([1.0, 0.5, 0.0]),
        np.array([1.5, 0.0, 4.0]),
    )
    assert load.tolist() == [1.5, 0.0, 0.0]
    assert generation.tolist() == [0.0, 1.5, 1.0]


@pytest.mark.parametrize(
    ("form", "loss"),
    [
        pytest.param(name, loss, marks=() if (name, loss) == ("broker", 0.3) else pytest.mark.slow)
        for name in FORMS
        for loss in (0.3, 1.0)
    ],
)
def test_limits_hold_and_accounts_close_whatever_is_lost(form: str, loss: float, tmp_path: Path) -> None:
    lost = f"comms.default.loss={{kind: bernoulli, loss_probability: {loss}}}"
    outcome, folder = run(tmp_path, *BAD_LINKS, lost, FAULTS, *FORMS[form])
    batteries, homes = read_table(folder, "batteries"), read_table(folder, "prosumers").set_index("prosumer")
    steps = batteries.groupby("time").size()
    hours = (steps.index[1] - steps.index[0]).total_seconds() / 3600
    for name, rows in batteries.groupby("prosumer"):
        its = homes.loc[name]
        stored = np.concatenate([[its["battery_stored_start_kwh"]], rows["soc_kwh"]])
        change = its["battery_charge_efficiency"] * rows["charge_kwh"] - rows["leaked_kwh"]
        change -= rows["discharge_kwh"] / its["battery_discharge_efficiency"]
        assert np.allclose(np.diff(stored), change, rtol=0, atol=1e-9)
        assert stored.max() <= its["battery_capacity_kwh"] + 1e-9
        least = its["battery_floor_kwh"] * np.exp(-its["battery_leak_per_hour"] * 72)
        assert stored.min() >= least - 1e-9
        assert rows["charge_kwh"].max() <= its["battery_charge_kw"] * hours + 1e-9
        assert rows["discharge_kwh"].max() <= its["battery_discharge_kw"] * hours + 1e-9
        assert not (rows["charge_kwh"] * rows["discharge_kwh"]).any()
        assert rows["discharge_kwh"].sum() > 1, "it is used"
    assert outcome.summary["bills_imbalance_max_eur"] < 1e-9  # type: ignore[operator]
    bills = read_table(folder, "bills").query("prosumer != 'grid'")
    used = bills[["self_consumed_kwh", "bought_kwh", "from_grid_kwh"]].sum(axis=1)
    assert np.allclose(bills["load_kwh"], used)
    given = bills[["self_consumed_kwh", "sold_kwh", "to_grid_kwh"]].sum(axis=1)
    assert np.allclose(bills["generation_kwh"], given)
    traded = outcome.summary["traded_agreed_kwh"]
    assert traded == 0 if loss == 1 else traded > 0  # type: ignore[operator]


def test_what_was_sold_is_delivered_where_forecasts_are_right(tmp_path: Path) -> None:
    outcome, folder = run(tmp_path, "energy_value.household.appliances={kind: none}")
    sold = read_table(folder, "trades").query("buyer != seller")
    assert outcome.summary["trade_requests_seller_short"] == 0
    assert np.allclose(sold["agreed_kwh"], sold["delivered_kwh"], rtol=0, atol=1e-5)
    assert sold.query("hour >= 18")["delivered_kwh"].sum() > 1, "stored by day, sold in the evening"


def test_alone_it_pays_what_the_program_says(tmp_path: Path) -> None:
    """One home on its own: the bill of a day is what the plan costs, by prices of the grid."""
    _, folder = run(
        tmp_path,
        "energy_value.rules.rule=self_supply",
        "energy_value.household={appliances: {kind: none}, storage: {sells_at: 0}}",
        "groups.other.households=1",
        "groups.solar.battery.self_discharge_per_day=0",
    )
    bills, meters = read_table(folder, "bills"), read_table(folder, "meters")
    homes = read_table(folder, "prosumers").set_index("prosumer")
    grid = np.array(
        [0.2] * 6
        + [0.3, 0.35, 0.3, 0.3, 0.3, 0.3, 0.2, 0.2, 0.25, 0.25, 0.3, 0.35, 0.4, 0.4, 0.35, 0.3, 0.2, -0.1]
    )
    feed_in = read_table(folder, "prices").query("day == 1")["feed_in_price"].to_numpy()
    for name in ("h001", "h002"):
        its, rows = homes.loc[name], meters[meters["prosumer"] == name].iloc[24:48]
        load, sun = rows["load_kwh"].to_numpy(), rows["pv_kwh"].to_numpy()
        start = its["battery_stored_start_kwh"]
        steps = np.linspace(its["battery_floor_kwh"], its["battery_capacity_kwh"], 121)
        costs = np.where(np.abs(steps - start) < (steps[1] - steps[0]) / 2, 0.0, np.inf)
        change = steps[None, :] - steps[:, None]
        at_terminals = np.where(change > 0, change / 0.95, change * 0.95)
        for t in range(24):
            net = load[t] - sun[t] + at_terminals
            price = np.where(net > 0, grid[t] * net, feed_in[t] * net)
            allowed = (at_terminals <= 2.0) & (at_terminals >= -2.0)
            costs = (costs[:, None] + np.where(allowed, price, np.inf)).min(axis=0)
        best = costs[np.abs(steps - start) < (steps[1] - steps[0]) / 2].min()
        paid = bills[(bills["prosumer"] == name) & (bills["day"] == 1)]["total_eur"].item()
        assert paid == pytest.approx(best, abs=0.03), "as far as 121 levels of charge tell"
        assert paid <= best + 0.01


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["energy_value.household.storage={sells_at: 0.8, buys_at: 0.5}"], "buys_at is below sells_at"),
        (["energy_value.household.storage={sells_at: [0.5]}"], "one is needed for each hour"),
        (["groups.solar.battery.grid_charge_kw=2"], "grid_charge_kw does nothing while the market plans"),
        (["energy_value=null"], "scheduled by the energy-value market, but the scenario has none"),
    ],
)
def test_what_makes_no_sense_is_said(settings: list[str], words: str, tmp_path: Path) -> None:
    try:
        found = preflight(load_homes(SCENARIO, tmp_path, *settings))
    except Exception as error:
        found = list(getattr(error, "problems", [error]))
    assert [each for each in found if words in str(each)], [str(each) for each in found]
