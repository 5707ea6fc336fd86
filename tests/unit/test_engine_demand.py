"""Load and generation of a run's households: which profile, which slots, and what does not cover the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.config.yaml_reader import Document
from cosim.core.errors import InputError
from cosim.engine.builder import build
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.results.store import read_table

GRID = {"network": "kerber_landnetz_kabel_1", "background": "none"}


def _loaded(
    folder: Path, start: str = "2016-07-04T00:00:00Z", hours: float = 2, **data: Any
) -> LoadedScenario:
    groups = data.pop("groups", None) or [
        {"name": "homes", "households": 3, "load": {"kind": "csv", "file": "load.csv", "power_factor": 0.8}}
    ]
    content = {
        "name": "demand",
        "time": {"start": start, "duration_h": hours, "step_s": 600},
        "groups": groups,
        **data,
    }
    return LoadedScenario(
        Scenario.model_validate(content), folder, "test.yaml", Document(content, "test.yaml")
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with four hours of quarter hours, two columns."""
    rows = [f"2016-07-04T{k // 4:02d}:{k % 4 * 15:02d}:00Z,{k},{10 * k}\n" for k in range(16)]
    (tmp_path / "load.csv").write_text("time,a [kW],b [kW]\n" + "".join(rows))
    return tmp_path


@pytest.mark.parametrize("minutes", [60, 15, 10])
def test_a_csv_load_is_resampled_by_mean_and_dealt_in_turn(folder: Path, minutes: int) -> None:
    loaded = _loaded(folder, start="2016-07-04T01:00:00Z", grid=GRID | {"interval_min": minutes})
    run_scenario(loaded, folder / "run")
    meters = read_table(folder / "run", "meters")
    of_a = np.repeat(np.arange(4, 12), 15).reshape(-1, minutes).mean(axis=1) * minutes / 60
    for prosumer, factor in (("h001", 1), ("h002", 10), ("h003", 1)):
        load = meters[meters["prosumer"] == prosumer]["load_kwh"]
        assert np.allclose(load, factor * of_a, rtol=1e-13)
    injections = read_table(folder / "run", "injections")
    total = injections.groupby("time")[["p_mw", "q_mvar"]].sum()
    assert np.allclose(total["p_mw"] * minutes / 60 * 1000, 12 * of_a)
    assert np.allclose(total["q_mvar"], 0.75 * total["p_mw"])


@pytest.mark.parametrize(
    ("start", "hours"), [("2016-07-03T23:00:00Z", 2), ("2016-07-04T03:00:00Z", 2), ("2017-01-01", 1)]
)
def test_a_profile_that_does_not_cover_the_run_is_refused(folder: Path, start: str, hours: float) -> None:
    with pytest.raises(InputError, match="the profile covers 2016-07-04T00:00Z to 2016-07-04T04:00Z"):
        build(_loaded(folder, start, hours))


def test_a_run_that_starts_between_two_rows_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="does not start where a row"):
        build(_loaded(folder, "2016-07-04T01:05:00Z"))


def test_the_whole_profile_may_be_used(folder: Path) -> None:
    build(_loaded(folder, hours=4))


def test_generation_counts_against_the_load_and_draws_reactive_power(folder: Path) -> None:
    groups = [
        {
            "name": "homes",
            "households": 1,
            "load": {"kind": "constant", "p_kw": 2.0, "power_factor": 1.0},
            "pv": {"kind": "csv", "file": "load.csv", "columns": ["a"], "kwp": 0.5, "cos_phi": 0.8},
        }
    ]
    run_scenario(_loaded(folder, hours=1, groups=groups, grid=GRID), folder / "run")
    row = read_table(folder / "run", "meters").iloc[0]
    assert (row["load_kwh"], row["pv_kwh"], row["net_kwh"]) == pytest.approx((2.0, 0.75, 1.25))
    injections = read_table(folder / "run", "injections")
    assert injections["q_mvar"].sum() == pytest.approx(0.75 * 0.75 / 1000)


def test_a_feeder_load_has_the_values_of_the_load_whose_place_it_takes(tmp_path: Path) -> None:
    """Households and background together draw what the feeder draws by itself."""
    groups = [{"name": "homes", "households": 3, "load": {"kind": "feeder"}}]
    alone = [{"name": "nobody", "households": 1}]
    sums = []
    for name, chosen in (("homes", groups), ("alone", alone)):
        placement = {"kind": "list", "buses": [2]} if name == "alone" else {"kind": "loads"}
        grid = {"network": "kerber_landnetz_kabel_1", "placement": placement, "background": "nominal"}
        run_scenario(_loaded(tmp_path, hours=1, groups=chosen, grid=grid), tmp_path / name)
        injections = read_table(tmp_path / name, "injections")
        sums.append(injections.set_index("bus")[["p_mw", "q_mvar"]])
    taken = [bus for bus in sums[0].index if not np.allclose(sums[0].loc[bus], sums[1].loc[bus])]
    assert taken in ([], [2])  # the household without a load of its own stands at bus 2
