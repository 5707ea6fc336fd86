"""What section IV of paper B claims of its case, in `lotfi_case`, whose prices and sellers are ours."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.results.store import read_table

DOCS = Path(__file__).resolve().parents[2] / "docs"
CONTRACTED_KW = 10.35
MIDDAY = range(8, 14)


def schedule_and_trades(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    assert run_scenario(load_scenario("lotfi_case", ["report.figures=false"]), folder).status == "done"
    schedule = read_table(folder, "schedule")
    return schedule[schedule["day"] == 1], read_table(folder, "trades")


def hours_of(schedule: pd.DataFrame, appliance: str) -> list[int]:
    return sorted(schedule.loc[schedule["appliance"] == appliance, "hour"])


@pytest.fixture(scope="module")
def as_built(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    return schedule_and_trades(tmp_path_factory.mktemp("lotfi") / "run")


def test_all_nine_appliances_run_as_long_as_table_i_says(
    as_built: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    hours = as_built[0].groupby("appliance")["hour"].count().to_dict()
    assert hours == {
        "space_heaters": 6,
        "oven_and_stove": 2,
        "clothes_iron": 1,
        "clothes_dryer": 3,
        "clothes_washer": 3,
        "dishwasher": 1,
        "refrigerator": 20,
        "entertainment": 4,
        "base_load": 24,
    }


def test_the_heater_leaves_its_preferred_hours_for_cheap_supply(
    as_built: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    preferred = set(range(15, 21))
    assert not preferred & set(hours_of(as_built[0], "space_heaters"))


def test_midday_is_supplied_by_households_alone(as_built: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    load = as_built[0].groupby("hour")["energy_kwh"].sum()
    bought = as_built[1].groupby("hour")["delivered_kwh"].sum()
    assert all(bought[hour] == pytest.approx(load[hour], abs=1e-5) for hour in MIDDAY)


def test_the_peak_stays_under_the_contracted_power(as_built: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    assert 8 < as_built[0].groupby("hour")["energy_kwh"].sum().max() <= CONTRACTED_KW


def test_the_evening_peak_comes_when_households_supply_nothing(
    as_built: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    schedule, trades = as_built
    evening = schedule[schedule["hour"] >= 17].groupby("hour")["energy_kwh"].sum()
    assert evening.idxmax() in (18, 19)
    bought = trades[trades["hour"] == evening.idxmax()]["delivered_kwh"].sum()
    assert bought < 0.05 * evening.max()


def test_what_households_sell_is_cheaper(as_built: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    trades = as_built[1]
    paid = (trades["delivered_kwh"] * trades["price"]).sum() / trades["delivered_kwh"].sum()
    assert paid == pytest.approx(0.128, abs=5e-4)  # as docs/lotfi_case.md says


def runs_from_to(hours: list[int]) -> str:
    """As the page writes a stretch of hours."""
    assert hours == list(range(hours[0], hours[-1] + 1))
    return f"{hours[0]} to {hours[-1] + 1} h"


def test_the_table_of_claims_is_that_of_seed_1(as_built: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    page = (DOCS / "lotfi_case.md").read_text(encoding="utf-8")
    schedule, trades = as_built
    load = schedule.groupby("hour")["energy_kwh"].sum()
    trades = trades[trades["delivered_kwh"] > 0]
    bought = trades.groupby("hour")["delivered_kwh"].sum().reindex(range(24), fill_value=0.0)
    assert f"runs from {runs_from_to(hours_of(schedule, 'space_heaters'))}, outside" in page
    assert hours_of(schedule, "refrigerator")[0] == 0  # the paper's hour 1
    alone = [hour for hour in range(24) if bought[hour] == pytest.approx(load[hour], abs=1e-5)]
    assert f"| from {runs_from_to(alone)} |" in page
    evening = load.loc[17:].idxmax()
    second = f"{load[evening]:.1f} kW at {evening} h, with {bought[evening]:.1f} kWh from households"
    assert second in page
    highest = [hour for hour in range(24) if load[hour] == pytest.approx(load.max())]
    assert f"the highest is {load.max():.1f} kW from {runs_from_to(highest)}" in page
    paid = (trades["delivered_kwh"] * trades["price"]).sum() / bought.sum()
    assert f"{bought.sum():.1f} of {load.sum():.1f} kWh come from them, for {paid:.3f} EUR/kWh" in page


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """docs/lotfi_case.py."""
    spec = importlib.util.spec_from_file_location("lotfi_case", DOCS / "lotfi_case.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seeds", [[1], pytest.param([2, 3], marks=pytest.mark.slow)])
def test_more_rigidity_less_shifting(script: ModuleType, seeds: list[int]) -> None:
    """With every seed: more of what R weighs is kept, less is saved, more is left where it is liked best.

    At R = R_max the heater stays where it is preferred; at R = 1 nothing keeps it there.
    """
    for by_seed in zip(*script.sweep(seeds), strict=True):
        assert np.all(np.diff([one.kept_eur for one in by_seed]) >= -1e-6)
        assert np.all(np.diff([one.saved_eur for one in by_seed]) <= 1e-6)
        assert by_seed[-1].kept_eur > 1.5 * by_seed[0].kept_eur
        assert by_seed[-1].shifted_kwh == 11.5  # what runs longer than its best hours last
        assert by_seed[0].shifted_kwh > 30
        assert by_seed[-1].hours_of("space_heaters") == list(range(15, 21))
        assert not set(range(15, 21)) & set(by_seed[0].hours_of("space_heaters"))
        assert max(one.load_kwh.max() for one in by_seed) <= CONTRACTED_KW


@pytest.mark.slow
def test_the_page_holds_what_the_script_prints(script: ModuleType) -> None:
    page = (DOCS / "lotfi_case.md").read_text(encoding="utf-8")
    seeds = range(1, 21)
    assert script.table(script.sweep(seeds)) in page
    assert script.sun_table(seeds) in page
