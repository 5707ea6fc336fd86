"""Runs with random tariffs: what households pay is what suppliers, peers, grid operator and state get."""

from __future__ import annotations

from itertools import pairwise
from math import fsum
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pandas as pd
import pytest
import yaml

from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.results.store import read_table

SUN = "time,roof [kW/kWp]\n" + "".join(
    f"2016-03-{25 + hour // 24:02d}T{hour % 24:02d}:00Z,{max(0, 6 - abs(12 - hour % 24)) / 8}\n"
    for hour in range(120)
)
PARTS = ("purchases_eur", "sales_eur", "compensation_eur", "from_grid_eur", "to_grid_eur", "grid_fees_eur")
FEES = {
    "flat": {"eur_per_kwh": 0.07, "peers_eur_per_kwh": 0.03},
    "by_line_length": {"eur_per_kwh_km": 0.05},
    "by_electrical_distance": {"eur_per_kwh_ohm": 0.2},
    "by_congestion": {"eur_per_kwh": 0.4, "threshold": 0.05},
}
BY_DAY = {"by_day": [{"days": ["weekday"], "price": {"by_hour": [0.1 + 0.004 * h for h in range(24)]}},
                     {"days": ["weekend", "holiday"], "price": 0.11}]}  # fmt: skip


def scenario(seed: int) -> dict[str, Any]:
    """Eight homes on a feeder over a change of the clocks, with tariffs that are drawn."""
    rng = np.random.Generator(np.random.Philox(seed))

    def some(of: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"kind": kind, **keys} for kind, keys in of.items() if rng.random() < 0.7]

    clearings = ("posted_offers", "posted_offers", "double_auction_uniform", "pay_as_bid", "mid_market_rate")
    retailers = [
        {"name": "works", "groups": ["solar"], "grid": BY_DAY, "feed_in": {"share": float(rng.random())}},
        {"name": "club", "groups": ["other"], "grid": float(rng.uniform(0.05, 0.2))},
    ]
    taxes = {
        "levy": {"eur_per_kwh": float(rng.uniform(0, 0.03))},
        "vat": {"share": 0.19, "on_peers_price": bool(rng.random() < 0.5)},
    }
    return {
        "name": "hamlet",
        "seed": seed,
        "time": {"start": "2016-03-25T00:00:00Z", "duration_h": 96},
        "report": {"figures": False},
        "groups": [
            {"name": "solar", "households": 5, "load": {"kind": "constant", "p_kw": {"uniform": [0.2, 0.8]}},
             "pv": {"kind": "csv", "file": "sun.csv", "kwp": {"uniform": [3, 6]}}},
            {"name": "other", "households": 3, "load": {"kind": "constant", "p_kw": {"uniform": [0.2, 0.8]}}},
        ],
        "energy_value": {
            "prices": {"grid": 0.13},
            "household": {"appliances": {"kind": "generated"}, "contracted_power_kw": 15, "solver": "greedy",
                          "pv_forecast": {"kind": "error", "std": 0.3}},
            "rules": {"clearing": str(rng.choice(clearings)),
                      "deviations": str(rng.choice(["own_account", "causer_compensates"]))},
            "tariffs": {
                "time_zone": "Europe/Berlin", "holidays": ["2016-03-25", "2016-03-28"],
                "retailers": [each for each in retailers if rng.random() < 0.7],
                "grid_fees": some(FEES), "taxes": some(taxes),
            },
        },
        "comms": {"default": {"loss": {"kind": "bernoulli", "loss_probability": 0.05}}},
        "grid": {"network": "kerber_extreme_landnetz_freileitung_trafo", "interval_min": 60},
    }  # fmt: skip


def run(folder: Path, described: dict[str, Any], name: str = "run") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sun.csv").write_text(SUN)
    (folder / "hamlet.yaml").write_text(yaml.safe_dump(described))
    outcome = run_scenario(load_scenario(str(folder / "hamlet.yaml"), []), folder / name)
    assert outcome.status == "done", outcome.cause
    return folder / name


def check_that_bills_close(folder: Path) -> None:
    """Each part of the households' bills against who gets it, day by day."""
    bills, names = read_table(folder, "bills"), set(read_table(folder, "prosumers")["prosumer"])
    for _, day in bills.groupby("day"):
        homes, others = day[day["prosumer"].isin(names)], day[~day["prosumer"].isin(names)]
        got = others.set_index("prosumer")["total_eur"]
        assert abs(fsum(day["total_eur"])) < 1e-9
        assert abs(fsum(homes["purchases_eur"]) + fsum(homes["sales_eur"])) < 1e-9
        assert abs(fsum(homes["compensation_eur"])) < 1e-9
        suppliers = [name for name in got.index if name not in ("grid_operator", "state")]
        assert abs(fsum(homes["from_grid_eur"]) + fsum(homes["to_grid_eur"]) + fsum(got[suppliers])) < 1e-9
        assert abs(fsum(homes["grid_fees_eur"]) + got["grid_operator"]) < 1e-9
        assert abs(fsum(homes["taxes_eur"]) + got["state"]) < 1e-9
        parts = homes[[*PARTS, "taxes_eur"]].sum(axis=1)
        assert np.allclose(parts, homes["total_eur"], rtol=0, atol=1e-12)


def lengths_km(folder: Path) -> dict[str, dict[str, float]]:
    """Length of the lines between households, worked out by somebody else."""
    branches, homes = read_table(folder, "feeder_branches"), read_table(folder, "prosumers")
    graph = networkx.Graph()
    for row in branches[branches["closed"]].itertuples():
        graph.add_edge(row.from_bus, row.to_bus, km=0.0 if np.isnan(row.length_km) else row.length_km)
    away = dict(networkx.all_pairs_dijkstra_path_length(graph, weight="km"))
    bus = dict(zip(homes["prosumer"], homes["bus"], strict=True))
    return {one: {other: away[bus[one]][bus[other]] for other in bus} for one in bus}


def check_charges(folder: Path, tariffs: dict[str, Any]) -> None:
    """What trades and energy from the grid are charged, from the tables alone."""
    trades, bills, charges = (read_table(folder, name) for name in ("trades", "bills", "charges"))
    trades = trades[(trades["buyer"] != trades["seller"]) & (trades["delivered_kwh"] > 0)]
    away = lengths_km(folder)
    km = np.array([away[b][s] for b, s in zip(trades["buyer"], trades["seller"], strict=True)])
    kinds = {each["kind"]: each for each in (*tariffs["grid_fees"], *tariffs["taxes"])}
    on_trade = {
        "flat": lambda keys: np.full(len(trades), keys["peers_eur_per_kwh"]),
        "by_line_length": lambda keys: keys["eur_per_kwh_km"] * km,
        "levy": lambda keys: np.full(len(trades), keys["eur_per_kwh"]),
    }
    paid = charges.set_index(["day", "prosumer", "charge"])
    for name, rate in on_trade.items():
        if name in kinds:
            due = (
                (rate(kinds[name]) * trades["delivered_kwh"]).groupby([trades["day"], trades["buyer"]]).sum()
            )
            found = paid.xs(name, level="charge")["on_peers_eur"]
            expected = due.rename_axis(["day", "prosumer"]).reindex(found.index, fill_value=0.0)
            assert np.allclose(found, expected, rtol=0, atol=1e-12), name
    if "vat" in kinds:
        before = charges[charges["charge"] != "vat"].groupby(["day", "prosumer"]).sum(numeric_only=True)
        money = bills.set_index(["day", "prosumer"]).loc[before.index]
        found = paid.xs("vat", level="charge").loc[before.index]
        on_grid = 0.19 * (money["from_grid_eur"] + before["on_grid_eur"])
        price = money["purchases_eur"] if kinds["vat"]["on_peers_price"] else 0.0
        assert np.allclose(found["on_grid_eur"], on_grid, rtol=0, atol=1e-12)
        assert np.allclose(found["on_peers_eur"], 0.19 * (price + before["on_peers_eur"]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 20))])
def test_bills_close_and_trades_pay_what_is_declared(seed: int, tmp_path: Path) -> None:
    described = scenario(seed)
    folder = run(tmp_path, described)
    check_that_bills_close(folder)
    check_charges(folder, described["energy_value"]["tariffs"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 30))
def test_nobody_pays_more_than_from_the_grid(seed: int, tmp_path: Path) -> None:
    """All trades of a household on a day, with fees and taxes, against the same energy from its supplier."""
    described = scenario(seed)
    described["energy_value"]["rules"]["deviations"] = "own_account"
    described["energy_value"]["tariffs"]["grid_fees"] = [{"kind": kind, **FEES[kind]} for kind in FEES][:3]
    folder = run(tmp_path, described)
    trades, charges = read_table(folder, "trades"), read_table(folder, "charges")
    prices = read_table(folder, "retail_prices").set_index(["day", "hour", "supplier"])["grid_price"]
    supplier = read_table(folder, "prosumers").set_index("prosumer")["supplier"]
    taxes = {each["kind"]: each for each in described["energy_value"]["tariffs"]["taxes"]}
    levy, vat = taxes.get("levy", {}).get("eur_per_kwh", 0.0), taxes.get("vat", {}).get("share", 0.0)
    trades = trades[(trades["buyer"] != trades["seller"]) & (trades["delivered_kwh"] > 0)]
    energy = [prices[row.day, row.hour, supplier[row.buyer]] for row in trades.itertuples()]
    from_grid = (np.array(energy) + 0.07 + levy) * (1 + vat) * trades["delivered_kwh"]
    paid = charges.groupby(["day", "prosumer"])["on_peers_eur"].sum()
    key = [trades["day"], trades["buyer"]]
    bought = (trades["price"] * trades["delivered_kwh"]).groupby(key).sum()
    saved = from_grid.groupby(key).sum() - bought - paid.reindex(bought.index)
    assert len(saved)
    assert saved.min() > -1e-9


def test_tariffs_that_say_nothing_change_no_trade_and_no_bill(tmp_path: Path) -> None:
    plain, empty = scenario(3), scenario(3)
    del plain["energy_value"]["tariffs"]
    empty["energy_value"]["tariffs"] = {}
    for each in (plain, empty):
        each["grid"], each["time"]["duration_h"] = None, 48
    without, with_none = run(tmp_path / "a", plain), run(tmp_path / "b", empty)
    pd.testing.assert_frame_equal(read_table(without, "trades"), read_table(with_none, "trades"))
    bills = read_table(with_none, "bills")
    same = bills[~bills["prosumer"].isin(["grid_operator", "state"])].drop(
        columns=["grid_fees_eur", "taxes_eur"]
    )
    pd.testing.assert_frame_equal(read_table(without, "bills"), same.reset_index(drop=True))


def scarcities(folder: Path, day: int, threshold: float) -> dict[tuple[int, int, int], float]:
    """By hour and directed pair of buses, how scarce what connects them is for power in this direction.

    From the tables of loadings and injections; the direction is that of what is drawn on the far side, by a
    graph of somebody else.
    """
    branches, drawn = read_table(folder, "feeder_branches"), read_table(folder, "injections")
    branches = branches[branches["closed"]]
    graph = networkx.Graph()
    for row in branches.itertuples():
        graph.add_edge(row.from_bus, row.to_bus)
    (root,) = set(branches[branches["kind"] == "trafo"]["from_bus"])
    found = {}
    for kind in ("line", "trafo"):
        loading = read_table(folder, f"{kind}_loading")
        hours = (loading["time"] - drawn["time"].min()).dt.total_seconds() // 3600
        for row in branches[branches["kind"] == kind].itertuples():
            own = loading[(loading[kind] == row.element) & (hours // 24 == day)]
            cut = graph.copy()
            cut.remove_edge(row.from_bus, row.to_bus)
            (far,) = (bus for bus in (row.from_bus, row.to_bus) if not networkx.has_path(cut, root, bus))
            near = row.from_bus if far == row.to_bus else row.to_bus
            below = networkx.node_connected_component(cut, far)
            for hour, (time, percent) in enumerate(zip(own["time"], own["loading_percent"], strict=True)):
                there = drawn[(drawn["time"] == time) & drawn["bus"].isin(below)]
                scarce = max(0.0, (percent / row.loading_max_percent - threshold) / (1 - threshold))
                way = (near, far) if there["p_mw"].sum() > 0 else (far, near)
                found[(hour, *way)] = scarce
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 5])
def test_congestion_is_charged_by_what_was_measured(seed: int, tmp_path: Path) -> None:
    """Every purchase of the last day against loadings two days before it, branch by branch."""
    described = scenario(seed)
    described["energy_value"]["rules"]["clearing"] = "posted_offers"
    tariffs = described["energy_value"]["tariffs"]
    tariffs["grid_fees"], tariffs["taxes"] = [{"kind": "by_congestion", **FEES["by_congestion"]}], []
    folder = run(tmp_path, described)
    scarce = scarcities(folder, 1, FEES["by_congestion"]["threshold"])
    branches, homes = read_table(folder, "feeder_branches"), read_table(folder, "prosumers")
    graph = networkx.Graph()
    for row in branches[branches["closed"]].itertuples():
        graph.add_edge(row.from_bus, row.to_bus)
    (root,) = set(branches[branches["kind"] == "trafo"]["from_bus"])
    bus = dict(zip(homes["prosumer"], homes["bus"], strict=True))

    def fee(hour: int, source: int, target: int) -> float:
        way = networkx.shortest_path(graph, source, target)
        return 0.4 * fsum(scarce.get((hour, *step), 0.0) for step in pairwise(way))

    charges = read_table(folder, "charges").query("day == 3").set_index("prosumer")
    trades = read_table(folder, "trades").query("day == 3 and delivered_kwh > 0 and buyer != seller")
    due = dict.fromkeys(bus, 0.0)
    for trade in trades.itertuples():
        due[trade.buyer] += trade.delivered_kwh * fee(trade.hour, bus[trade.seller], bus[trade.buyer])
    for home, expected in due.items():
        assert charges.loc[home, "on_peers_eur"] == pytest.approx(expected, abs=1e-12), home
    assert sum(due.values()) > 0
    # What homes without generation draw from the grid: metered load less what they bought.
    meters = read_table(folder, "meters")
    hour = (meters["time"] - meters["time"].min()).dt.total_seconds() // 3600
    for home in ("h006", "h007", "h008"):
        load = meters[(meters["prosumer"] == home) & (hour // 24 == 3)]["load_kwh"].to_numpy()
        bought = trades[trades["buyer"] == home].groupby("hour")["delivered_kwh"].sum()
        rest = load - bought.reindex(range(24), fill_value=0.0).to_numpy()
        expected = fsum(rest[h] * fee(h, root, bus[home]) for h in range(24))
        assert charges.loc[home, "on_grid_eur"] == pytest.approx(expected, abs=1e-9)
        assert expected > 0


@pytest.mark.slow
def test_tariffs_of_a_market_of_quarter_hours(tmp_path: Path) -> None:
    """Bills close and trades pay, in a market and on meters of 15 minutes; a local hour has four."""
    described = scenario(0)
    described["energy_value"]["rules"]["interval_min"] = 15
    described["energy_value"]["tariffs"]["retailers"] = [
        {"name": "works", "groups": ["solar"], "grid": BY_DAY, "feed_in": {"share": 0.3}}
    ]
    described["grid"]["interval_min"] = 15
    folder = run(tmp_path, described)
    check_that_bills_close(folder)
    check_charges(folder, described["energy_value"]["tariffs"])
    prices = read_table(folder, "retail_prices").query("supplier == 'works'")
    monday = prices[(prices["day"] == 2) & (prices["hour"] == 22)]  # Easter Monday begins, and is a holiday
    assert monday["minute"].tolist() == [0, 15, 30, 45]
    assert set(monday["grid_price"]) == {0.11}
