"""A run with the energy-value market: every kWh is metered, settled and paid once, whatever the links do."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from math import fsum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.core.errors import InputError
from cosim.engine.builder import build
from cosim.engine.run import Outcome, run_scenario
from cosim.engine.simulation import Simulation
from cosim.results.store import RunStore, read_table
from cosim.trading.strategies.roth_erev import RothErev
from cosim.trading.subsystem import Trading
from cosim.trading.tariff_rules import TARIFF_RULES
from tests.trading_homes import BAD_LINKS as LOST_LATE_OR_DOUBLED
from tests.trading_homes import load_homes, run_homes

SCENARIO = """
name: homes
seed: 5
time: {start: 2016-06-13T00:00:00Z, duration_h: 48}
groups:
  - name: solar
    households: 5
    load: {kind: constant, p_kw: {uniform: [0.2, 0.8]}, power_factor: 0.95}
    pv: {kind: csv, file: sun.csv, kwp: {uniform: [3, 6]}}
  - name: other
    households: 3
    load: {kind: constant, p_kw: {uniform: [0.2, 0.8]}}
energy_value:
  prices:
    grid: {by_hour: [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.3, 0.35, 0.3, 0.3, 0.3, 0.3,
                     0.2, 0.2, 0.25, 0.25, 0.3, 0.35, 0.4, 0.4, 0.35, 0.3, 0.2, 0.2]}
  household:
    appliances: {kind: generated}
    values: {rigidity: {uniform_int: [1, 5]}}
    contracted_power_kw: 15
grid: {network: kerber_landnetz_kabel_1, background: nominal}
"""
PROGRAM = """
import sys
from pathlib import Path
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
source, folder, *settings = sys.argv[1:]
run_scenario(load_scenario(source, settings), Path(folder))
"""
BAD_LINKS = [*LOST_LATE_OR_DOUBLED, "energy_value.rules.reservation_s=10"]
CRASHES = (
    # Around publication (10 h), gate closure (12 h) and deadline (13 h) of the traded day, and at any time.
    "faults=[{kind: household_crash, name: often, rate_per_day: 6, mean_duration_h: 0.15, from_h: 9.5,"
    " duration_h: 4, state: STATE}, {kind: household_crash, name: seldom, rate_per_day: 2,"
    " mean_duration_h: 1, state: kept}, {kind: partition, groups: [solar], from_h: 12.01, duration_h: 0.2},"
    " {kind: replay, from_h: 9, duration_h: 5, replay_probability: 0.3, delay_ms: 300000}]"
)
BATTERY = "groups.solar.battery={capacity_kwh: 5, charge_kw: 2, discharge_kw: 2, charge_efficiency: 0.9}"


homes = partial(load_homes, SCENARIO)
"""Eight homes on a Kerber feeder for two days, of which the second is traded."""
run = partial(run_homes, SCENARIO)


CASES: dict[str, list[str]] = {
    "plain": [],
    "bad_links": BAD_LINKS,
    **{f"crashes_{state}": [*BAD_LINKS, CRASHES.replace("STATE", state)] for state in ("kept", "lost")},
    "rounds": [*BAD_LINKS, CRASHES.replace("STATE", "lost"), "energy_value.rules.rounds={every_h: 0.5}"],
    "battery": [BATTERY, "time.duration_h=72"],
    "quarter_hours": ["grid.interval_min=15"],
    "compensation": [
        "energy_value.rules.deviations=causer_compensates",
        "energy_value.household.pv_forecast={kind: error, std: 0.5}",
        "energy_value.household.load_forecast={kind: error, std: 0.3}",
    ],
    "learning": ["energy_value.household.bidding=roth_erev", "time.duration_h=72"],
    "negative_prices": ["energy_value.prices.grid={by_hour: [" + ", ".join(["0.3", "-0.1"] * 12) + "]}"],
    **{rule: [f"energy_value.rules.rule={rule}"] for rule in TARIFF_RULES if rule != "trading"},
}


OF_EACH_KIND = ("bad_links", "crashes_lost", "battery", "quarter_hours", "compensation", "no_trading")


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=() if name in OF_EACH_KIND else pytest.mark.slow) for name in CASES],
)
def case(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Outcome, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    return (request.param, *run(folder, *CASES[request.param]))


@pytest.mark.fast_cases("bad_links", "battery", "compensation")
def test_bills_sum_to_zero_every_day(case: tuple[str, Outcome, Path]) -> None:
    _, outcome, folder = case
    bills = read_table(folder, "bills")
    assert len(bills) == 9 * bills["day"].nunique()
    for _, day in bills.groupby("day"):
        assert abs(fsum(day["total_eur"])) < 1e-9
        assert day.loc[day["prosumer"] != "grid", "total_eur"].abs().sum() > 1
    assert outcome.summary["bills_imbalance_max_eur"] < 1e-9  # type: ignore[operator]


def test_every_metered_kwh_is_settled_once(case: tuple[str, Outcome, Path]) -> None:
    name, _, folder = case
    bills = read_table(folder, "bills")
    homes = bills[bills["prosumer"] != "grid"].set_index(["day", "prosumer"])
    load = homes["self_consumed_kwh"] + homes["bought_kwh"] + homes["from_grid_kwh"]
    generation = homes["self_consumed_kwh"] + homes["sold_kwh"] + homes["to_grid_kwh"]
    assert np.allclose(load, homes["load_kwh"], rtol=0, atol=1e-9)
    assert np.allclose(generation, homes["generation_kwh"], rtol=0, atol=1e-9)
    meters = read_table(folder, "meters")
    meters["day"] = (meters["time"] - meters["time"].min()).dt.days
    metered = meters.groupby(["day", "prosumer"])[["load_kwh", "pv_kwh", "net_kwh"]].sum()
    net = homes["load_kwh"] - homes["generation_kwh"]
    assert np.allclose(net.sort_index(), metered["net_kwh"].sort_index(), rtol=0, atol=1e-9)
    if name != "battery":
        assert np.allclose(homes["load_kwh"].sort_index(), metered["load_kwh"].sort_index(), atol=1e-9)
    assert homes["sold_kwh"].sum() == pytest.approx(homes["bought_kwh"].sum(), abs=1e-9)


def test_appliances_run_as_scheduled_and_the_feeder_sees_them(case: tuple[str, Outcome, Path]) -> None:
    _, _, folder = case
    schedule, meters = read_table(folder, "schedule"), read_table(folder, "meters")
    assert len(schedule) > 50
    start = meters["time"].min()
    scheduled = schedule.groupby(["prosumer", "day", "hour"])["energy_kwh"].sum()
    meters["day"] = (meters["time"] - start).dt.days
    meters["hour"] = meters["time"].dt.hour
    metered = meters.groupby(["prosumer", "day", "hour"])["load_kwh"].sum()
    prosumers = read_table(folder, "prosumers").set_index("prosumer")
    constant = prosumers["load_scale_kw"].reindex(metered.index.get_level_values("prosumer")).to_numpy()
    expected = scheduled.reindex(metered.index, fill_value=0.0) + constant
    assert np.allclose(metered, expected, rtol=0, atol=1e-9)
    bus = prosumers["bus"].reindex(meters["prosumer"]).to_numpy()
    hours = meters.groupby(["time"])["time"].first().diff().min() / pd.Timedelta(hours=1)
    drawn_mw = (meters.assign(bus=bus).groupby(["time", "bus"])["net_kwh"].sum() / hours / 1000).rename("mw")
    injected = read_table(folder, "injections").set_index(["time", "bus"])["p_mw"]
    assert np.allclose(drawn_mw, injected.reindex(drawn_mw.index), rtol=0, atol=1e-12)


def test_nothing_is_sold_twice_and_no_more_than_there_was(case: tuple[str, Outcome, Path]) -> None:
    name, outcome, folder = case
    trades, offers = read_table(folder, "trades"), read_table(folder, "offers")
    if name in TARIFF_RULES and not TARIFF_RULES[name].trades:
        assert len(trades) == len(offers) == outcome.summary["trading_messages"] == 0
        return
    assert set(trades["day"]) == set(offers["day"]) == set(range(1, trades["day"].max() + 1))
    agreed = trades.groupby(["day", "hour", "seller"])["agreed_kwh"].sum()
    offered = offers.set_index(["day", "hour", "seller"])["quantity_kwh"]
    assert (agreed <= offered.reindex(agreed.index)).all()
    assert agreed.sum() > 5
    assert (trades["delivered_kwh"] <= trades["agreed_kwh"]).all()
    price = offers.set_index(["day", "hour", "seller"])["price"]
    asked = trades.set_index(["day", "hour", "seller"])["price"]
    assert (asked == price.reindex(asked.index)).all()


def test_bad_links_are_felt(tmp_path: Path) -> None:
    outcome, folder = run(tmp_path, *BAD_LINKS)
    assert outcome.summary["messages_lost"] > 100  # type: ignore[operator]
    assert outcome.summary["trading_offers_late"] == 0
    slow = "comms.default.latency={kind: constant, latency_ms: 7300000}"
    outcome, _ = run(tmp_path / "slow", slow, "grid=")
    # Everybody's offers, at everybody else's: five sellers, seven others.
    assert outcome.summary["trading_offers_late"] == 5 * 7
    assert outcome.summary["traded_agreed_kwh"] == 0
    assert {"delivered", "timed_out"} <= set(read_table(folder, "trades")["status"])


def test_crashes_are_felt(tmp_path: Path) -> None:
    """A household that is down over the gate closure asks for nothing in time, and is asked in vain."""
    settings = [
        "faults=[{kind: household_crash, households: [h001], from_h: 11.5, duration_h: 2, state: kept}]"
    ]
    outcome, folder = run(tmp_path, *settings)
    trades = read_table(folder, "trades")
    others = trades[trades["buyer"] != trades["seller"]]
    assert "h001" not in set(others["buyer"])
    assert set(others.loc[others["seller"] == "h001", "status"]) == {"timed_out"}
    assert outcome.summary["trading_messages_missed"] > 0  # type: ignore[operator]
    faults = read_table(folder, "faults")
    assert faults[["fault", "kind", "target", "households"]].values.tolist() == [
        ["household_crash_1", "household_crash", "h001", 1]
    ]


@pytest.mark.parametrize("state", ["kept", "lost"])
def test_a_bidder_without_its_memory_begins_anew(tmp_path: Path, state: str) -> None:
    """Down after the first traded day was settled, and after the bids of the second: both are forgotten."""
    learning = ["energy_value.household.bidding=roth_erev", "time.duration_h=72", "grid=null"]
    crash = (
        f"faults=[{{kind: household_crash, households: [h001], from_h: 49, duration_h: 1, state: {state}}}]"
    )
    learnt = []
    for number, settings in enumerate((learning, [*learning, crash])):
        loaded = homes(tmp_path / str(number), *settings)
        parts = build(loaded)
        store = RunStore(tmp_path / str(number) / "run")
        Simulation(parts, store, lambda now_ms, events: None).run()
        learnt.append(parts.of(Trading).market.sellers.memory)
    undisturbed, crashed = learnt
    first = RothErev().first_memory(24)
    assert not np.array_equal(undisturbed[0], first)
    assert np.array_equal(crashed[0], first if state == "lost" else undisturbed[0])
    # Who has sold to it learns from what stands; with its receipts lost, that is less.
    others = all(np.array_equal(crashed[other], undisturbed[other]) for other in undisturbed if other)
    assert others or state == "lost"


def test_what_differs_between_rules_is_the_rule(tmp_path: Path) -> None:
    """Same appliances on the same days, whatever the rule; and the rules do what they say."""
    rules = ("trading", "no_trading", "no_coordination", "net_metering")
    runs = {rule: run(tmp_path / rule, f"energy_value.rules.rule={rule}") for rule in rules}
    energies = {
        rule: read_table(folder, "schedule").groupby(["day", "prosumer", "appliance"])["energy_kwh"].sum()
        for rule, (_, folder) in runs.items()
    }
    for energy in energies.values():
        pd.testing.assert_series_equal(energy, energies["trading"])
    value = {rule: outcome.summary["energy_value_eur"] for rule, (outcome, _) in runs.items()}
    bills = {rule: outcome.summary["bills_households_eur"] for rule, (outcome, _) in runs.items()}
    assert bills["trading"] < bills["no_trading"]  # type: ignore[operator]
    assert bills["net_metering"] < bills["no_trading"]  # type: ignore[operator]
    assert value["no_coordination"] != value["no_trading"]


def test_trading_beside_regulation(tmp_path: Path) -> None:
    """Batteries follow a signal while appliances follow the schedule; each hears its own messages."""
    outcome, folder = run(
        tmp_path,
        BATTERY,
        "groups.solar.cost={kind: separable, linear: 6, own_quadratic: 1.0, target: 0.5}",
        "communities=[{name: village, groups: [solar], agent: {initial_decision: 0}, resources: "
        "[{name: sale, unit_kwh: 0.5, capacity: 2}]}]",
    )
    kinds = set(read_table(folder, "messages")["kind"])
    assert {"signal", "report", "offer", "request", "receipt"} <= kinds
    assert read_table(folder, "batteries")["discharge_kwh"].sum() > 1
    assert outcome.summary["bills_imbalance_max_eur"] < 1e-9  # type: ignore[operator]


@pytest.mark.slow
def test_same_seed_same_bytes(tmp_path: Path) -> None:
    """In another process, with another order of hashes, from the scenario that the run has left."""
    learning = "energy_value.household.bidding=roth_erev"
    homes(tmp_path)
    tables = []
    for number, source in enumerate(["homes.yaml", "0/scenario.yaml"]):
        folder = tmp_path / str(number)
        settings = [*BAD_LINKS, learning, "time.duration_h=72"] if number == 0 else []
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / source), str(folder), *settings],
            check=True,
            env={"PYTHONHASHSEED": str(number + 1), "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""},
        )
        tables.append({file.name: file.read_bytes() for file in sorted((folder / "tables").iterdir())})
    assert {"offers.parquet", "schedule.parquet", "trades.parquet", "bills.parquet"} <= set(tables[0])
    assert tables[0] == tables[1]


def test_one_household_more_changes_no_other_draw(tmp_path: Path) -> None:
    """What others own, run and ask for does not depend on how many they are."""
    _, fewer = run(tmp_path / "fewer", "grid=", "energy_value.rules.rule=no_coordination")
    _, more = run(
        tmp_path / "more", "grid=", "energy_value.rules.rule=no_coordination", "groups.other.households=4"
    )
    tables = [read_table(folder, "schedule") for folder in (fewer, more)]
    tables[1] = tables[1][tables[1]["prosumer"] != "h009"].reset_index(drop=True)
    pd.testing.assert_frame_equal(*tables)


def test_trading_without_a_single_message_is_no_trading(tmp_path: Path) -> None:
    """So the two rules differ in what reaches others, and in nothing else."""
    deaf = "comms.default.loss={kind: bernoulli, loss_probability: 1}"
    (_, alone), (_, unheard) = (
        run(tmp_path / "alone", "energy_value.rules.rule=no_trading"),
        run(tmp_path / "unheard", deaf),
    )
    assert not len(read_table(alone, "trades"))
    trades = read_table(unheard, "trades")
    assert len(trades)
    assert (trades["buyer"] == trades["seller"]).all()
    pd.testing.assert_frame_equal(read_table(alone, "schedule"), read_table(unheard, "schedule"))
    pd.testing.assert_frame_equal(read_table(alone, "bills"), read_table(unheard, "bills"))
    # It is the price of own generation that `self_supply` changes.
    _, own = run(tmp_path / "own", "energy_value.rules.rule=self_supply")
    assert not read_table(own, "schedule").equals(read_table(alone, "schedule"))


def test_negative_prices_turn_payments_around(tmp_path: Path) -> None:
    """Two hours of the afternoon pay for taking: nobody offers, who draws is paid, who feeds in pays."""
    by_hour = [0.3] * 24
    by_hour[13] = by_hour[14] = -0.2
    _, folder = run(
        tmp_path,
        f"energy_value.prices.grid={{by_hour: {by_hour}}}",
        "energy_value.rules.rule=cost_only",
        "grid=",
    )
    offers, trades = read_table(folder, "offers"), read_table(folder, "trades")
    assert len(offers)
    assert not set(offers["hour"]) & {13, 14}
    assert not set(trades["hour"]) & {13, 14}
    schedule = read_table(folder, "schedule")
    # ζ = μ |P^G| (R-1)/4 + P^G: a preferred hour is worth more, though its price is below 0.
    assert schedule.loc[schedule["hour"].isin([13, 14]), "value"].between(-0.2, 1e-12).all()
    # By hand, of households that do not trade: what is metered in an hour at P^G, surplus at a tenth of it.
    _, alone = run(
        tmp_path / "alone", f"energy_value.prices.grid={{by_hour: {by_hour}}}", "grid=",
        "energy_value.rules.rule=self_supply",
    )  # fmt: skip
    meters, bills = read_table(alone, "meters"), read_table(alone, "bills").set_index("prosumer")
    price = np.array(by_hour)[meters["time"].dt.hour]
    net = meters["net_kwh"].to_numpy()
    owed = pd.Series(np.where(net > 0, price * net, 0.1 * price * net)).groupby(meters["prosumer"]).sum()
    paid = bills.groupby("prosumer")["total_eur"].sum()
    assert np.allclose(paid[owed.index], owed, rtol=0, atol=1e-9)
    assert paid["grid"] == pytest.approx(-owed.sum(), abs=1e-9)
    in_the_negative_hours = meters["time"].dt.hour.isin([13, 14]) & (net < 0)
    assert in_the_negative_hours.any(), "somebody feeds in then, and pays for it"


def test_a_warm_up_counts_in_no_number_and_stands_in_every_table(tmp_path: Path) -> None:
    whole, warm = (
        run(tmp_path / name, BATTERY, f"time.warm_up_h={hours}")
        for name, hours in (("whole", 0), ("warm", 24))
    )
    for file in sorted((whole[1] / "tables").iterdir()):
        assert file.read_bytes() == (warm[1] / "tables" / file.name).read_bytes(), file.name
    numbers, folder = warm[0].summary, warm[1]
    start = pd.Timestamp("2016-06-14", tz="UTC")

    def counted(name: str) -> pd.DataFrame:
        table = read_table(folder, name)
        time = pd.to_datetime(table["time"], utc=True) if "time" in table else None
        return table[table["day"] >= 1] if time is None else table[time >= start]

    bills, meters, flow = counted("bills"), counted("meters"), counted("power_flow")
    households = bills[bills["prosumer"] != "grid"]
    assert numbers["delivery_days"] == numbers["delivery_days_traded"] == 1
    expected = {
        "bills_households_eur": households["total_eur"].sum(),
        "energy_value_eur": (counted("schedule")["energy_kwh"] * counted("schedule")["value"]).sum(),
        "energy_load_kwh": meters["load_kwh"].sum(),
        "energy_generated_kwh": meters["pv_kwh"].sum(),
        "energy_lost_in_feeder_kwh": flow["losses_mw"].sum() * 1000,
        "voltage_min_pu": counted("bus_voltage")["vm_pu"].min(),
        "line_loading_max_percent": counted("line_loading")["loading_percent"].max(),
    }
    for name, value in expected.items():
        assert numbers[name] == pytest.approx(value, rel=1e-9), name
        assert numbers[name] != whole[0].summary[name] or "loading" in name or "voltage" in name, name
    soc = read_table(folder, "batteries")
    ends = (
        soc[soc["time"].isin([soc["time"].unique()[23], soc["time"].max()])].groupby("time")["soc_kwh"].sum()
    )
    assert numbers["energy_stored_change_kwh"] == pytest.approx(ends.iloc[1] - ends.iloc[0], abs=1e-9)


def test_large_tables_can_be_left_out_and_refusals_be_kept(tmp_path: Path) -> None:
    full, small = (
        run(tmp_path / name, "grid=", *settings)
        for name, settings in (
            ("full", ["record.rejected_requests=true"]),
            ("small", ["record.trading=false"]),
        )
    )
    left = {file.stem for file in (small[1] / "tables").iterdir()}
    assert "bills" in left
    assert not left & {"offers", "schedule", "trades"}
    assert full[0].summary == small[0].summary
    status = read_table(full[1], "trades")["status"].value_counts()
    assert status["rejected"] > 100
    for name, n in status.items():
        assert full[0].summary[f"trade_requests_{name}"] == n


def test_a_day_that_is_certain_to_fail_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no feasible schedule: on day 0"):
        run(tmp_path, "energy_value.household.contracted_power_kw=1")
    assert not (tmp_path / "run").exists()


def test_a_day_without_a_schedule_stops_the_run_and_says_why(tmp_path: Path) -> None:
    """Each of two appliances has room, and both together would have; but neither can move out of the way."""
    kiln = "{name: %s, power_kw: 2, duration_h: 13}"
    listed = f"{{kind: list, appliances: [{kiln % 'kiln'}, {kiln % 'oven'}]}}"
    loaded = homes(
        tmp_path,
        f"energy_value.household.appliances={listed}",
        "energy_value.household.contracted_power_kw=3.5",
    )
    outcome = run_scenario(loaded, tmp_path / "run")
    assert outcome.status == "failed"
    assert "has no feasible schedule: hour" in outcome.cause
    assert "Raise the limit by" in outcome.cause


def test_a_battery_in_the_market_alone_delivers_what_was_sold_and_serves_its_home(tmp_path: Path) -> None:
    """Sun that does not come: the battery fills what was sold; what was bought it leaves to the seller."""
    settings = [
        BATTERY,
        "time.duration_h=72",
        "energy_value.household.pv_forecast={kind: error, std: 0.4}",
    ]
    outcome, folder = run(tmp_path, *settings)
    _, without = run(tmp_path / "without", *settings[1:])
    keys = ["prosumer", "day", "hour"]

    def hourly(name: str, where: Path = folder) -> pd.DataFrame:
        table = read_table(where, name)
        hour = (table["time"] - table["time"].min()) // pd.Timedelta(hours=1)
        return table.assign(day=hour // 24, hour=hour % 24).drop(columns="time").set_index(keys)

    battery, meters = hourly("batteries"), hourly("meters")
    trades = read_table(folder, "trades")
    trades = trades[trades["buyer"] != trades["seller"]]
    sold, bought = (
        trades.groupby([trades[side].rename("prosumer"), "day", "hour"])["agreed_kwh"].sum()
        for side in ("seller", "buyer")
    )
    rest = meters["load_kwh"] - meters["pv_kwh"]
    owed = rest.add(sold, fill_value=0.0).sub(bought, fill_value=0.0).loc[battery.index]
    assert (battery["charge_kwh"] <= owed.clip(upper=0).abs() + 1e-9).all()
    assert (battery["discharge_kwh"] <= owed.clip(lower=0) + 1e-9).all()
    # Within its limits it does all of it: 2 kW, a floor of 0.5 kWh, a capacity of 5 kWh.
    short = (owed - battery["discharge_kwh"]) > 1e-9
    assert ((battery["discharge_kwh"] > 2 - 1e-9) | (battery["soc_kwh"] < 0.5 + 1e-9))[short].all()
    spare = (-owed - battery["charge_kwh"]) > 1e-9
    assert ((battery["charge_kwh"] > 2 - 1e-9) | (battery["soc_kwh"] > 5 - 1e-9))[spare].all()
    assert battery[["charge_kwh", "discharge_kwh"]].sum().min() > 10
    # Energy closes to 1e-9 kWh.
    before = battery["soc_kwh"].groupby("prosumer").shift(1).fillna(2.5)
    gained = 0.9 * battery["charge_kwh"] - battery["discharge_kwh"] / 0.95
    assert np.allclose(battery["soc_kwh"] - before, gained, rtol=0, atol=1e-9)
    # The same offers and trades; fewer of them fall short, and less is drawn from the grid.
    assert outcome.summary["bills_imbalance_max_eur"] < 1e-9  # type: ignore[operator]
    plain = read_table(without, "trades")
    pd.testing.assert_frame_equal(
        read_table(folder, "trades").drop(columns=["delivered_kwh", "status"]),
        plain.drop(columns=["delivered_kwh", "status"]),
    )
    delivered = trades["delivered_kwh"].sum()
    assert delivered > plain.loc[plain["buyer"] != plain["seller"], "delivered_kwh"].sum() + 0.1
    grid = [
        read_table(where, "bills").query("prosumer != 'grid'")["from_grid_kwh"].sum()
        for where in (folder, without)
    ]
    assert grid[0] < grid[1] - 10
