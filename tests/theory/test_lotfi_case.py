"""What section IV of paper B claims of its case, in `lotfi_case`, whose prices and sellers are ours."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cosim.config.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.results.store import read_table

CONTRACTED_KW = 10.35
MIDDAY = range(8, 14)


def schedule_and_trades(folder: Path, rigidity: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    settings = [f"energy_value.household.values.rigidity={rigidity}"]
    assert run_scenario(load_scenario("lotfi_case", settings), folder).status == "done"
    schedule = read_table(folder, "schedule")
    return schedule[schedule["day"] == 1], read_table(folder, "trades")


def hours_of(schedule: pd.DataFrame, appliance: str) -> list[int]:
    return sorted(schedule.loc[schedule["appliance"] == appliance, "hour"])


@pytest.fixture(scope="module")
def as_built(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    return schedule_and_trades(tmp_path_factory.mktemp("lotfi") / "run", 3)


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


def test_more_rigidity_less_shifting(tmp_path: Path) -> None:
    """At R = R_max the heater stays where it is preferred; at R = 1 nothing keeps it there."""
    rigid, _ = schedule_and_trades(tmp_path / "5", 5)
    loose, _ = schedule_and_trades(tmp_path / "1", 1)
    assert hours_of(rigid, "space_heaters") == list(range(15, 21))
    assert not set(range(15, 21)) & set(hours_of(loose, "space_heaters"))
