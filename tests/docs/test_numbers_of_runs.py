"""What pages say of built-in scenarios, beside what these give."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cosim
from cosim.grid.simbench_data import read_profiles

DOCS = Path(__file__).resolve().parents[2] / "docs"
QUIET = {"report.figures": False}
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # what is doubtful about their grids


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def errors(run: Any, resource: str, community: str = "village") -> tuple[str, str]:
    """Tracking error and mean capacity, as they are written."""
    names = (f"{community}_{resource}_{each}_units" for each in ("tracking_rmse", "capacity_mean"))
    error, capacity = (f"{run.summary[name]:.1f}" for name in names)
    return error, capacity


PAGES_MB = [
    float(each)
    for sizes in re.findall(r"\| `bench_page` \| ([\d.]+) MB; ([\d.]+) MB \|", page("verification"))
    for each in sizes
]
"""Of the demo and of a year."""


def written_mb(run: Any) -> float:
    """The size of the page of a run."""
    run.write_report()
    return (Path(run.folder) / "report.html").stat().st_size / 1e6


@pytest.mark.slow
def test_what_is_verified_differs_by_less_than_the_page_says(tmp_path: Path) -> None:
    changes = QUIET | {"time.duration_h": 48, "grid.verify_power_flow": 10}
    summary = cosim.run("storage_village", changes, out=tmp_path / "run").summary
    assert "less than 1e-12 pu and 1e-9 percentage points" in page("verification")
    assert summary["verified_voltage_difference_max_pu"] < 1e-12
    assert summary["verified_loading_difference_max_percent"] < 1e-9


def test_the_sun_of_simbench_is_early() -> None:
    names = [f"PV{number}" for number in range(1, 9)]
    sun = read_profiles(names, datetime(2016, 1, 1, tzinfo=UTC), 366 * 96 - 8).values.mean(axis=1)
    hours = (np.arange(len(sun)) % 96 + 0.5) / 4
    assert "solar noon falls near 10:30 UTC" in page("verification")
    assert (sun * hours).sum() / sun.sum() == pytest.approx(10.5, abs=0.1)


@pytest.mark.slow
def test_the_demo_follows_its_capacities_as_the_page_on_semantics_says(tmp_path: Path) -> None:
    run = cosim.run("storage_village", QUIET, out=tmp_path / "run")
    (own_use, of_own_use), (sale, of_sale) = (errors(run, each) for each in ("own_use", "sale"))
    told = f"own use follows its capacity within {own_use} of {of_own_use} units (root mean square),"
    assert f"{told} sales within {sale} of {of_sale}" in page("semantics")
    units = run.tables.decisions.groupby("resource")["delivered"].sum() / 14
    assert f"{0.04 * units['own_use']:.0f} kWh a day beside\n{0.125 * units['sale']:.0f} kWh" in page(
        "semantics"
    )
    given = run.tables.batteries.groupby("prosumer")["discharge_kwh"].sum() / 14
    share = given / run.tables.prosumers.set_index("prosumer")["battery_capacity_kwh"]
    assert f"a median battery gives {100 * share.median():.0f} % of" in page("semantics")
    assert written_mb(run) == pytest.approx(PAGES_MB[0], rel=0.1)


@pytest.mark.slow
def test_batteries_and_the_market_together_are_as_the_page_on_rules_says(tmp_path: Path) -> None:
    alone, combined = (
        cosim.run("village_combined", QUIET | {"energy_value.rules.rule": rule}, out=tmp_path / rule)
        for rule in ("no_trading", "trading")
    )
    said = page("trading_rules")
    for name, resource in (("own use", "own_use"), ("sale", "sale")):
        (without, capacity), (with_trading, _) = errors(alone, resource), errors(combined, resource)
        row = f"| {name}: tracking error RMS, of a mean capacity of {capacity} [units]"
        assert f"{row} | {without} | {with_trading} |" in said
    shown = {
        "bills of all households [EUR]": ("bills_households_eur", 0),
        "energy value [EUR]": ("energy_value_eur", 0),
        "lowest voltage [pu]": ("voltage_min_pu", 4),
        "transformer loading [%]": ("trafo_loading_max_percent", 1),
        "losses [kWh]": ("energy_lost_in_feeder_kwh", 1),
    }
    for words, (key, decimals) in shown.items():
        first, other = (f"{run.summary[key]:.{decimals}f}" for run in (alone, combined))
        assert f"| {words} | {first} | {other} |" in said


@pytest.mark.slow
def test_the_year_follows_its_capacities_as_the_page_on_verification_says(tmp_path: Path) -> None:
    run = cosim.run("storage_year", QUIET, out=tmp_path / "run")
    ticks = run.tables.regulation
    said = page("verification")
    decided, sent = ticks.loc[ticks["resource"] == "sale", "members"].sum(), run.summary["messages_sent"]
    assert f"makes {decided / 1e6:.1f} million decisions and sends {sent / 1e6:.1f} million messages" in said
    at_limit = ticks["signal"].isin(run.scenario.communities[0].platform.signal_limits)
    months = at_limit.groupby([ticks["time"].dt.month, ticks["resource"]], observed=True).mean().unstack()
    most = months.max(axis="columns")
    assert f"in at most {np.ceil(100 * most.max()):.0f} % of the steps of any month (March)" in said
    assert most.idxmax() == 3
    assert written_mb(run) == pytest.approx(PAGES_MB[1], rel=0.1)
    shares = {}
    for resource, own in ticks.groupby("resource", observed=True):
        error = (own["aggregate"].shift(-1) - own["capacity"]) ** 2
        months = pd.to_datetime(own["time"]).dt.month
        shares[resource] = (
            100 * np.sqrt(error.groupby(months).mean()) / own["capacity"].groupby(months).mean()
        )
    summer, dark = range(5, 9), (1, 2, 3, 10, 11, 12)
    own_use, sale = (shares[name][list(summer)] for name in ("own_use", "sale"))
    assert f"own use within {own_use.min():.0f} to {own_use.max():.0f} % of the mean capacity" in said
    assert f"sales within {sale.min():.0f} to {sale.max():.0f} %;" in said
    least = [np.ceil(shares[name][list(dark)].max()) for name in ("own_use", "sale")]
    assert f"within {least[0]:.0f} % and {least[1]:.0f} %." in said
