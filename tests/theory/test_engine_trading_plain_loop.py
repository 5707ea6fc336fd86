"""A whole run with zero latency and no loss trades and bills what a plain loop over households does.

The loop knows no messages, no clock and no ledger: each household in turn takes what is left of the offers,
the cheapest first, until its load of the hour is covered. Schedules are taken from the run and held against
enumeration.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cosim.core.streams import Streams
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.results.store import read_table
from cosim.trading.valuation.appliance import Appliance, ways_to_run

GRID = [0.2] * 6 + [
    0.3,
    0.35,
    0.3,
    0.3,
    0.28,
    0.26,
    0.2,
    0.2,
    0.25,
    0.25,
    0.3,
    0.35,
    0.4,
    0.4,
    0.35,
    0.3,
    0.2,
    0.2,
]
IEP = 0.1
MIN_TRADE_KWH = 0.001
WASHER = Appliance("washer", 1.1, 2, True, 6, 20)
DRYER = Appliance("dryer", 2.3, 1, True, 8, 22)
SCENARIO = f"""
name: loop
time: {{start: 2016-06-13T00:00:00Z, duration_h: 48}}
groups:
  - name: solar
    households: 5
    load: {{kind: constant, p_kw: {{uniform: [0.2, 0.8]}}}}
    pv: {{kind: csv, file: sun.csv, kwp: {{uniform: [1, 3]}}}}
  - name: other
    households: 7
    load: {{kind: constant, p_kw: {{uniform: [0.2, 0.8]}}}}
energy_value:
  prices: {{grid: {{by_hour: {GRID}}}, feed_in: {{share: {IEP}}}}}
  household:
    appliances:
      kind: list
      appliances:
        - {{name: washer, power_kw: 1.1, duration_h: 2, earliest_start_h: 6, latest_end_h: 20, preferences: clothes_washer}}
        - {{name: dryer, power_kw: 2.3, duration_h: 1, earliest_start_h: 8, latest_end_h: 22, preferences: clothes_dryer}}
    values: {{rigidity: {{uniform_int: [1, 5]}}}}
    contracted_power_kw: 4
  rules: {{planning_spread_s: 0}}
"""  # noqa: E501 - a scenario reads best as it is written
SUN = "time,roof [kW/kWp]\n" + "".join(
    f"2016-06-{13 + hour // 24:02d}T{hour % 24:02d}:00Z,{max(0, 6 - abs(12 - hour % 24)) / 8}\n"
    for hour in range(48)
)

Table = dict[tuple[str, str, int], float]
Worth = Callable[[Sequence[bool], Sequence[bool]], float]


@pytest.fixture(scope="module", params=[1, 2, 3])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loop")
    (folder / "sun.csv").write_text(SUN)
    (folder / "loop.yaml").write_text(SCENARIO)
    outcome = run_scenario(
        load_scenario(str(folder / "loop.yaml"), [f"seed={request.param}"]), folder / "run"
    )
    assert outcome.status == "done"
    return folder / "run"


def day_of(folder: Path, name: str, day: int) -> pd.DataFrame:
    table = read_table(folder, name)
    if "day" not in table:
        table["day"], table["hour"] = (table["time"] - table["time"].min()).dt.days, table["time"].dt.hour
    return table[table["day"] == day]


def names(folder: Path) -> list[str]:
    return list(read_table(folder, "prosumers")["prosumer"])


def by_hour(folder: Path, column: str, day: int) -> dict[tuple[str, int], float]:
    return day_of(folder, "meters", day).set_index(["prosumer", "hour"])[column].to_dict()


def plain_loop(folder: Path) -> Table:
    load, offers = by_hour(folder, "load_kwh", 1), day_of(folder, "offers", 1)
    taken: Table = {}
    for hour in range(24):
        ranking = offers[offers["hour"] == hour].sort_values(["price", "seller"])
        left = dict(zip(ranking["seller"], ranking["quantity_kwh"], strict=True))
        assert (ranking["price"] < GRID[hour]).all()
        for buyer in names(folder):
            wanted = load[buyer, hour]
            for seller in ranking["seller"]:
                amount = min(wanted, left[seller])
                if amount >= MIN_TRADE_KWH:
                    taken[buyer, seller, hour] = amount
                    left[seller] -= amount
                    wanted -= amount
    return taken


def test_trades_equal_the_plain_loop(folder: Path) -> None:
    expected = plain_loop(folder)
    trades = day_of(folder, "trades", 1)
    agreed = trades[trades["agreed_kwh"] > 0].set_index(["buyer", "seller", "hour"])["agreed_kwh"].to_dict()
    assert agreed.keys() == expected.keys()
    assert len(agreed) > 40
    # Energy is sold in whole grains of 2^-20 kWh; what a buyer wants is rounded down to them.
    assert all(abs(agreed[key] - expected[key]) < 1e-5 for key in agreed)


def test_bills_equal_the_plain_loop(folder: Path) -> None:
    trades, price = plain_loop(folder), day_of(folder, "offers", 1).set_index(["seller", "hour"])["price"]
    net = by_hour(folder, "net_kwh", 1)
    owed: dict[str, float] = defaultdict(float)
    for (buyer, seller, hour), amount in trades.items():
        if buyer != seller:
            owed[buyer] += price[seller, hour] * amount
            owed[seller] -= price[seller, hour] * amount
            net[buyer, hour] -= amount
            net[seller, hour] += amount
    for (household, hour), energy in net.items():
        owed[household] += (1 if energy > 0 else IEP) * GRID[hour] * energy
    bills = day_of(folder, "bills", 1).set_index("prosumer")["total_eur"]
    assert np.allclose(
        [bills[name] for name in names(folder)], [owed[name] for name in names(folder)], atol=1e-4
    )


def test_the_day_that_is_not_traded_is_billed_at_the_meter(folder: Path) -> None:
    owed: dict[str, float] = defaultdict(float)
    for (household, hour), energy in by_hour(folder, "net_kwh", 0).items():
        owed[household] += (1 if energy > 0 else IEP) * GRID[hour] * energy
    bills = day_of(folder, "bills", 0).set_index("prosumer")["total_eur"]
    assert np.allclose([bills[name] for name in owed], list(owed.values()), atol=1e-12)
    assert day_of(folder, "trades", 0).empty


@pytest.mark.parametrize("day", [0, 1])
@pytest.mark.fast_cases("2-1")
def test_no_other_schedule_is_worth_more(folder: Path, day: int) -> None:
    """Enumeration of both appliances, with the supply as the household knew it when it planned."""
    prosumers = read_table(folder, "prosumers").set_index("prosumer")
    schedule = day_of(folder, "schedule", day)
    ways = list(product(ways_to_run(WASHER, 24), ways_to_run(DRYER, 24)))
    for household in names(folder):
        own = schedule[schedule["prosumer"] == household].set_index(["appliance", "hour"])
        chosen = [[(name, hour) in own.index for hour in range(24)] for name in ("washer", "dryer")]
        fixed = prosumers.loc[household, "load_scale_kw"]
        values = _values(prosumers.loc[household, "rigidity"])
        worth = _worth(values, [_costs(supply, fixed) for supply in known_supply(folder, day, household)])
        best = max(worth(washer, dryer) for washer, dryer in ways)
        assert worth(*chosen) == pytest.approx(best, abs=1e-6)


def known_supply(folder: Path, day: int, household: str) -> list[list[tuple[float, float]]]:
    """For each hour (price, quantity) in merit order: the others' offers whole, of the own what is left."""
    offers, trades = day_of(folder, "offers", day), day_of(folder, "trades", day)
    earlier = trades[(trades["seller"] == household) & (trades["buyer"] < household)]
    sun = by_hour(folder, "pv_kwh", day)
    seed = json.loads((folder / "run.json").read_text())["seed"]
    kappas = Streams(seed).field("energy_value/kappa").block(0, 24, len(names(folder)))
    hours = []
    for hour in range(24):
        steps = [(GRID[hour], 4.0)]
        for each in offers[offers["hour"] == hour].itertuples():
            gone = (
                earlier.loc[earlier["hour"] == hour, "agreed_kwh"].sum() if each.seller == household else 0.0
            )
            steps.append((each.price, each.quantity_kwh - gone))
        if day == 0:  # not traded: its own at the price it would ask, κ uniform on (φ, 1)
            kappa = IEP + kappas[hour, names(folder).index(household)] * (1 - IEP)
            steps.append((kappa * GRID[hour], sun[household, hour]))
        hours.append(sorted(steps))
    return hours


def _worth(values: list[list[float]], costs: list[dict[float, float]]) -> Worth:
    def worth(washer: Sequence[bool], dryer: Sequence[bool]) -> float:
        total = 0.0
        for hour in range(24):
            total += 1.1 * washer[hour] * values[0][hour] + 2.3 * dryer[hour] * values[1][hour]
            total -= costs[hour][round(1.1 * washer[hour] + 2.3 * dryer[hour], 6)]
        return total

    return worth


def _values(rigidity: float) -> list[list[float]]:
    """(4), (6) and (8) of paper B written out for its Table III."""
    digits = ("111111111111111111233211", "111111222222222211111111")
    return [
        [GRID[hour] * (1 + (rigidity - 1) / 4 * (int(digit) - 1) / 2) for hour, digit in enumerate(row)]
        for row in digits
    ]


def _costs(supply: list[tuple[float, float]], fixed: float) -> dict[float, float]:
    """What each possible load of the appliances costs on top of the fixed one; infinite past 4 kW."""
    costs = {}
    for load in (0.0, 1.1, 2.3, 3.4):
        rest, costs[load] = fixed + load, 0.0 if fixed + load <= 4.0 else np.inf
        for price, quantity in supply:
            taken = min(rest, quantity)
            costs[load], rest = costs[load] + price * taken, rest - taken
    return costs
