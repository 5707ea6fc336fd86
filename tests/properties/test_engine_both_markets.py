"""`village_combined`: both markets on one feeder. Energy and money close, and what is sold is not stored."""

from __future__ import annotations

from math import fsum
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import Outcome, preflight, run_scenario
from cosim.results.store import read_table

HOURS_OF_A_HOME = ["prosumer", "day", "hour"]


@pytest.fixture(scope="module", params=[62, pytest.param(99, marks=pytest.mark.slow)])
def combined(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Outcome, Path]:
    """Two days, of which the second is traded: by so many homes, 99 as it stands."""
    settings = ["time.duration_h=48", "report.figures=false", f"groups.homes.households={request.param}"]
    folder = tmp_path_factory.mktemp("combined") / "run"
    outcome = run_scenario(load_scenario("village_combined", settings), folder)
    assert outcome.status == "done", outcome.cause
    return outcome, folder


def by_hour(folder: Path) -> pd.DataFrame:
    """What each home used, generated, stored, gave, sold and bought in each hour, kWh."""
    tables = []
    for name in ("meters", "batteries"):
        table = read_table(folder, name)
        hour = (table["time"] - table["time"].min()) // pd.Timedelta(hours=1)
        table = table.assign(day=hour // 24, hour=hour % 24).drop(columns="time")
        tables.append(table.groupby(HOURS_OF_A_HOME).sum())
    trades = read_table(folder, "trades")
    agreed = trades[trades["buyer"] != trades["seller"]]
    for side, name in (("seller", "sold_kwh"), ("buyer", "bought_kwh")):
        keys = [agreed[side].rename("prosumer"), agreed["day"], agreed["hour"]]
        tables.append(agreed["agreed_kwh"].groupby(keys).sum().rename(name).to_frame())
    return pd.concat(tables, axis=1).fillna(0.0)


def test_the_scenario_says_of_its_grid_alone_that_generators_are_replaced() -> None:
    (told,) = preflight(load_scenario("village_combined"))
    assert told.severity == "warning"
    said = (
        "13 static generators of the grid's data (144 kW) are not in the run: replaced by the households' own"
    )
    assert said in told.message


def test_both_markets_are_at_work(combined: tuple[Outcome, Path]) -> None:
    outcome, folder = combined
    assert {"signal", "report", "offer", "request", "receipt"} <= set(read_table(folder, "messages")["kind"])
    for number in ("traded_delivered_kwh", "energy_battery_discharged_kwh"):
        assert outcome.summary[number] > 100  # type: ignore[operator]


def test_energy_closes_at_every_meter(combined: tuple[Outcome, Path]) -> None:
    _, folder = combined
    hours = by_hour(folder)
    net = hours["load_kwh"] - hours["pv_kwh"] + hours["charge_kwh"] - hours["discharge_kwh"]
    assert np.allclose(net, hours["net_kwh"], rtol=0, atol=1e-9)


def test_energy_closes_in_the_feeder(combined: tuple[Outcome, Path]) -> None:
    """What the transformer takes in is what homes and other loads draw, and the losses."""
    _, folder = combined
    injections, flow = read_table(folder, "injections"), read_table(folder, "power_flow")
    drawn_mw = injections.groupby("time")["p_mw"].sum().to_numpy()
    assert np.allclose(flow["p_slack_mw"], drawn_mw + flow["losses_mw"], rtol=0, atol=1e-7)


def test_bills_are_made_of_what_meters_say_and_sum_to_zero(combined: tuple[Outcome, Path]) -> None:
    _, folder = combined
    bills = read_table(folder, "bills")
    for _, day in bills.groupby("day"):
        assert abs(fsum(day["total_eur"])) < 1e-9
    homes = bills[bills["prosumer"] != "grid"].set_index(["prosumer", "day"]).sort_index()
    metered = by_hour(folder).groupby(["prosumer", "day"]).sum().sort_index()
    used = metered["load_kwh"] + metered["charge_kwh"]
    given = metered["pv_kwh"] + metered["discharge_kwh"]
    assert np.allclose(homes["load_kwh"], used, rtol=0, atol=1e-9)
    assert np.allclose(homes["generation_kwh"], given, rtol=0, atol=1e-9)
    assert np.allclose(
        homes["load_kwh"], homes[["self_consumed_kwh", "bought_kwh", "from_grid_kwh"]].sum(axis=1), atol=1e-9
    )
    assert np.allclose(
        homes["generation_kwh"],
        homes[["self_consumed_kwh", "sold_kwh", "to_grid_kwh"]].sum(axis=1),
        atol=1e-9,
    )


def test_batteries_leave_what_is_sold(combined: tuple[Outcome, Path]) -> None:
    """Few kWh are both sold and stored: the sun varies within the hour, for which energy is sold."""
    _, folder = combined
    hours = by_hour(folder).query("day == 1")
    assert hours["sold_kwh"].sum() > 100
    surplus = hours["pv_kwh"] - hours["load_kwh"] - hours["sold_kwh"] + hours["bought_kwh"]
    stored_too = np.minimum(hours["charge_kwh"] - surplus.clip(lower=0), hours["sold_kwh"]).clip(lower=0)
    assert stored_too.sum() < 0.1 * hours["charge_kwh"].sum()
    physical = hours["pv_kwh"] - hours["load_kwh"]
    would_be = np.minimum(physical.clip(lower=0), hours["sold_kwh"]).sum()
    assert stored_too.sum() < 0.2 * would_be
