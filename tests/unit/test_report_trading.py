"""Figures of the energy-value market: which there are, that nothing is cut off, that they show the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.report.figures import FIGURES, figure_files
from cosim.report.figures.figure_files import draw_figures
from cosim.report.figures.trading_figures import MAX_SELLERS, _suppliers
from cosim.report.run_data import RunData
from cosim.report.trading_data import bills, household_day, market_hours
from cosim.results.store import read_table
from tests.trading_homes import run_homes

SCENARIO = """
name: hamlet
seed: 5
time: {start: 2016-06-13T00:00:00Z, duration_h: 48}
groups:
  - name: solar
    households: 20
    load: {kind: constant, p_kw: {uniform: [0.2, 0.8]}}
    pv: {kind: csv, file: sun.csv, kwp: 0.5}
  - name: other
    households: 3
    load: {kind: constant, p_kw: 0.5}
energy_value:
  prices: {grid: {by_hour: [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.3, 0.35, 0.3, 0.3, 0.3, 0.3,
                            0.2, 0.2, 0.25, 0.25, 0.3, 0.35, 0.4, 0.4, 0.35, 0.3, 0.2, -0.1]}}
  household:
    appliances: {kind: table_1}
    contracted_power_kw: 12
"""
NAMES = {"trading_offers", "trading_schedule", "trading_allocation", "trading_hours", "trading_bills"}
BATTERY = "groups.solar.battery={capacity_kwh: 5, charge_kw: 2, discharge_kw: 2}"


def run(folder: Path, *settings: str) -> RunData:
    return RunData(run_homes(SCENARIO, folder, "report.figures=false", *settings)[1])


CASES = {"plain": [], "battery": [BATTERY], "alone": ["energy_value.rules.rule=no_trading"]}


@pytest.fixture(scope="module", params=["battery", "alone", pytest.param("plain", marks=pytest.mark.slow)])
def case(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, RunData]:
    return request.param, run(tmp_path_factory.mktemp(request.param), *CASES[request.param])


@pytest.mark.parametrize("painted", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_there_is_a_figure_for_all_that_happened(
    case: tuple[str, RunData], monkeypatch: pytest.MonkeyPatch, painted: bool
) -> None:
    """Painted they are in the next test."""
    name, data = case
    if not painted:
        monkeypatch.setattr(figure_files, "save", lambda figure, path, how: path.write_bytes(b"\x89PNG"))
    mine = {name: each for name, each in FIGURES.items() if name in NAMES}
    monkeypatch.setattr(FIGURES, "_classes", mine)
    drawn = {file.stem for file in draw_figures(data.folder)}
    assert drawn == (NAMES - {"trading_offers", "trading_hours"} if name == "alone" else NAMES)


@pytest.mark.fast_cases("battery")
@pytest.mark.slow
def test_nothing_is_cut_off(case: tuple[str, RunData]) -> None:
    from cosim.report.style import drawing

    with drawing():
        drawn = [each().draw(case[1]) for name, each in FIGURES.items() if name in NAMES]
        for figure in drawn:
            if figure is None:
                continue
            figure.canvas.draw()  # type: ignore[no-untyped-call]
            box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
            assert min(box.x0, box.y0) > -0.02
            assert box.x1 < width + 0.02
            assert box.y1 < height + 0.02
            for ax in figure.axes:
                assert ax.get_ylabel()
                low, high = sorted(ax.get_ylim())
                assert low <= ax.dataLim.y0 + 1e-9
                assert ax.dataLim.y1 <= high + 1e-9


def test_a_day_agrees_with_its_bill(case: tuple[str, RunData]) -> None:
    """Supply is load in every hour; by source it is what the household was billed for, at those prices."""
    name, run_data = case
    data = household_day(run_data)
    assert data is not None
    assert data.day == (0 if name == "alone" else 1)
    supply = data.own_kwh + data.bought_kwh.sum(axis=0) + data.from_grid_kwh
    np.testing.assert_allclose(supply, data.load_kwh, rtol=0, atol=1e-9)
    table = read_table(run_data.folder, "bills").set_index(["prosumer", "day"])
    bill = table.loc[data.prosumer, data.day]
    assert data.load_kwh.sum() == pytest.approx(bill["load_kwh"])
    assert data.own_kwh.sum() == pytest.approx(bill["self_consumed_kwh"], abs=1e-9)
    assert data.bought_kwh.sum() == pytest.approx(bill["bought_kwh"])
    assert data.from_grid_kwh.sum() == pytest.approx(bill["from_grid_kwh"])
    energy = data.bought_kwh.sum(axis=0) + data.from_grid_kwh
    paid = np.nansum(energy * data.price_paid)
    assert paid == pytest.approx(bill["purchases_eur"] + bill["from_grid_eur"])
    assert data.scheduled_kwh.sum() == pytest.approx(96.6)  # Table I
    assert np.all(data.mean_value >= data.grid_price - 1e-12)
    assert (name == "alone") == (len(data.offers.hour) == 0) == (data.sellers == [])
    assert data.contracted_kw == 12


@pytest.mark.parametrize(
    ("n_sellers", "n_columns"), [(0, 2), (3, 5), (MAX_SELLERS, 16), (MAX_SELLERS + 3, 16)]
)
def test_many_sellers_share_a_column(case: tuple[str, RunData], n_sellers: int, n_columns: int) -> None:
    data = household_day(case[1])
    assert data is not None
    bought = np.random.default_rng(1).random((n_sellers, 24))
    one = np.ones(24)
    sellers = [f"h{number:03d}" for number in range(n_sellers)]
    made = data._replace(sellers=sellers, bought_kwh=bought, own_kwh=one, from_grid_kwh=one)
    names, energies = _suppliers(made)
    assert len(names) == n_columns
    np.testing.assert_allclose(energies.sum(axis=0), bought.sum(axis=0) + 2, atol=1e-12)
    assert ("4 others" in names) == (n_sellers == MAX_SELLERS + 3)


def test_hours_of_the_market_add_up(case: tuple[str, RunData]) -> None:
    name, run_data = case
    data = market_hours(run_data)
    if name == "alone":
        assert data is None
        return
    assert data is not None
    summary = run_data.summary
    assert len(data.time_ms) == 48
    assert data.offered_kwh.sum() == pytest.approx(summary["offered_kwh"])
    assert data.traded_kwh.sum() == pytest.approx(summary["traded_delivered_kwh"])
    paid = read_table(run_data.folder, "bills")["purchases_eur"].sum()
    assert np.nansum(data.price * data.traded_kwh) == pytest.approx(paid)
    assert np.all(data.price[np.isfinite(data.price)] <= data.grid_price[np.isfinite(data.price)] + 1e-12)


def test_bills_add_up(case: tuple[str, RunData]) -> None:
    data = bills(case[1])
    assert data is not None
    assert data.eur.sum() == pytest.approx(case[1].summary["bills_households_eur"])
    totals = data.eur.sum(axis=1)
    assert np.all(np.diff(totals) >= 0)
    assert len(data.prosumers) == 23
    own, bought, from_grid, sold, to_grid = data.kwh.sum(axis=0)
    assert bought == pytest.approx(sold)
    table = read_table(case[1].folder, "bills").query("prosumer != 'grid'")
    assert own + bought + from_grid == pytest.approx(table["load_kwh"].sum())
    assert own + sold + to_grid == pytest.approx(table["generation_kwh"].sum())


def test_without_the_large_tables_there_are_the_bills(tmp_path: Path) -> None:
    data = run(tmp_path, "record.trading=false")
    assert {file.stem for file in draw_figures(data.folder)} & NAMES == {"trading_bills"}
