"""What stands below the pictures of firms.md and ties.md is so in the runs that they are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.results.store import read_table

pytestmark = pytest.mark.slow
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def table(folder: Path, scenario: str, name: str) -> Any:
    """A table of a run of a scenario as it is."""
    assert (IMAGES / f"{scenario}.png").stat().st_size < 150_000
    run_scenario(load_scenario(scenario, ["report.figures=false"]), folder / "run")
    return read_table(folder / "run", name)


def test_beside_a_firm(tmp_path: Path) -> None:
    firm = table(tmp_path, "firm_village", "firm")
    soc, day = firm.stored_kwh / 60, firm.time.dt.day
    assert sorted(set(day[soc > 0.999])) == [13, 14, 15, 17, 18]
    runs = firm[firm.generator_kwh > 0]
    assert len(runs) == 5
    assert (runs.grid_import_kwh > 11.9).all()
    assert (soc[runs.index] < 0.101).all()
    between = (soc > 0.15) & (soc < 0.99) & ((firm.discharge_kwh + firm.charge_kwh) < 14.99)
    exchanged = (firm.grid_import_kwh - firm.grid_export_kwh)[between]
    assert len(exchanged) > 80
    assert exchanged.to_numpy() == pytest.approx(firm.losses_kwh[between].to_numpy(), abs=1e-9)
    given = firm.discharge_kwh - firm.charge_kwh
    assert given[firm.time.dt.hour.between(10, 12)].mean() < -3
    assert given[firm.time.dt.hour.between(18, 21)].mean() > 3


def test_on_an_island(tmp_path: Path) -> None:
    firm = table(tmp_path, "island_village", "firm")
    day, hour = firm.time.dt.day, firm.time.dt.hour
    runs = firm.generator_kwh > 0
    assert firm.generator_kwh[runs].to_numpy() == pytest.approx(15)
    begins = runs & ~runs.shift(fill_value=False)
    assert list(zip(day[begins], hour[begins], strict=True)) == [(16, 23), (18, 0), (19, 23)]
    assert hour[runs].isin([23, 0, 1, 2, 3, 4, 5]).all()
    is_cut = firm.curtailed_kwh > 0
    assert sorted(set(day[is_cut])) == sorted(set(day[firm.dumped_kwh > 0])) == [17, 18]
    assert (firm.stored_kwh[is_cut] > 0.999 * 120).all()
    assert not firm.unserved_kwh.any()


def test_over_a_tie(tmp_path: Path) -> None:
    ties = table(tmp_path, "tied_villages", "ties")
    assert ties.energy_kwh.max() < 3
    changes = np.diff(ties.energy_kwh)
    gap = -(ties.buyer_cost + ties.seller_cost).to_numpy()[:-1]
    moves = np.abs(changes) > 1e-3
    assert (np.sign(changes) == np.sign(gap))[moves].mean() > 0.95
    idle = ties.time[ties.energy_kwh < 0.05]
    assert (str(idle.min())[:13], str(idle.max())[:13]) == ("2016-06-15 09", "2016-06-16 12")
