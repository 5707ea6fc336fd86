"""Nets and DataFrames given as objects: saved as data, so that a run can be run again from its folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandas as pd
import pytest

import cosim

START = "2016-07-04T00:00:00+00:00"


def street() -> Any:
    """A transformer, two lines, two loads and a generator."""
    net = pp.create_empty_network(name="street")
    mv, lv, *ends = (pp.create_bus(net, vn_kv=vn_kv) for vn_kv in (20, 0.4, 0.4, 0.4))
    pp.create_ext_grid(net, mv)
    pp.create_transformer(net, mv, lv, "0.25 MVA 20/0.4 kV")
    for start, end in ((lv, ends[0]), (ends[0], ends[1])):
        pp.create_line(net, start, end, 0.1 + 1 / 30, "NAYY 4x150 SE")
    for bus in ends:
        pp.create_load(net, bus, 0.003, 0.001)
    pp.create_sgen(net, ends[1], 0.002)
    return net


def profiles() -> pd.DataFrame:
    stamps = pd.date_range(START, periods=8, freq="15min", name="time")
    return pd.DataFrame({"a [kW]": np.arange(8) / 7, "b [kW]": 1 / (3 + np.arange(8))}, index=stamps)


def town(**changes: Any) -> dict[str, Any]:
    return {
        "name": "town",
        "time": {"start": START, "step_s": 900, "steps": 8},
        "groups": [{"name": "homes", "households": 2, "load": {"kind": "csv", "file": profiles()}}],
        "grid": {"network": street(), "interval_min": 15},
        "report": {"figures": False},
    } | changes


def contents(run: cosim.Run) -> dict[str, bytes]:
    """What a run wrote that is the same whenever it runs."""
    files = [*run.folder.glob("tables/*.parquet"), run.folder / "scenario.yaml", run.folder / "summary.json"]
    return {file.name: file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def run() -> cosim.Run:
    return cosim.run(town())


def test_objects_stand_beside_the_scenario_as_data(run: cosim.Run) -> None:
    saved = sorted(str(file.relative_to(run.folder)) for file in (run.folder / "inputs").iterdir())
    assert saved == ["inputs/grid_network.json", "inputs/groups_homes_load.csv"]
    assert run.scenario.grid is not None
    assert run.scenario.grid.network == "inputs/grid_network.json"


def test_it_runs_again_from_its_folder_to_the_same_bytes(run: cosim.Run) -> None:
    again = cosim.run(run.folder / "scenario.yaml")
    assert len(contents(run)) > 10
    assert contents(again) == contents(run)


def test_the_numbers_are_those_of_the_objects(run: cosim.Run) -> None:
    meters = run.tables.meters.pivot(index="time", columns="prosumer", values="load_kwh")
    assert np.array_equal(meters.to_numpy(), profiles().to_numpy() / 4)


def test_objects_are_the_same_as_the_files_they_become(
    run: cosim.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pp.to_json(street(), "street.json")
    profiles().to_csv("homes.csv")
    groups = [{"name": "homes", "households": 2, "load": {"kind": "csv", "file": "homes.csv"}}]
    from_files = cosim.run(town(groups=groups, grid={"network": "street.json", "interval_min": 15}))
    for name, table in run.tables.items():
        if name != "prosumers":  # which names the file of a profile
            pd.testing.assert_frame_equal(from_files.tables[name], table)


def test_other_files_may_stand_beside_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    profiles().to_csv("data/homes.csv")
    groups = [{"name": "homes", "households": 2, "load": {"kind": "csv", "file": "data/homes.csv"}}]
    run = cosim.run(town(groups=groups), out="run")
    assert (tmp_path / "run/data/homes.csv").read_bytes() == (tmp_path / "data/homes.csv").read_bytes()
    assert contents(cosim.run("run/scenario.yaml")) == contents(run)


def test_objects_as_overrides_of_a_file(
    run: cosim.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "town").mkdir()
    profiles().to_csv("town/homes.csv")
    (tmp_path / "town/town.yaml").write_text(
        f"name: town\ntime: {{start: '{START}', step_s: 900, steps: 8}}\n"
        "groups: [{name: homes, households: 2, load: {kind: csv, file: homes.csv}}]\n"
        "grid: {network: street.json, interval_min: 15}\nreport: {figures: false}\n"
    )
    over = cosim.run("town/town.yaml", {"grid.network": street()})
    assert contents(over)["bus_voltage.parquet"] == contents(run)["bus_voltage.parquet"]


def test_prices_and_a_sweep_take_tables_too(
    points_here: Callable[[], AbstractContextManager[None]],
) -> None:
    hours = pd.date_range("2016-06-13T00:00Z", periods=120, freq="h", name="time")
    price = pd.DataFrame({"price [EUR/kWh]": 0.2 + 0.01 * np.arange(120)}, index=hours)
    base = {
        "base": "lotfi_case",
        "energy_value": {"prices": {"grid": {"file": price}}},
        "report": {"figures": False},
    }
    problems = [problem for problem in cosim.check(base) if problem.severity == "error"]
    assert problems == []
    with points_here():
        swept = cosim.sweep({"name": "streets", "base": town(), "seeds": 2, "keep": "summary"})
    assert swept.n_done == 2


def test_a_net_is_left_as_it_was() -> None:
    net = street()
    before = {key: net[key].copy() for key in ("bus", "load", "line", "trafo")}
    cosim.check(town(grid={"network": net, "interval_min": 15}))
    assert all(net[key].equals(table) for key, table in before.items())


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"title": profiles()}, "title", "a table is given here, where the scenario takes no such file"),
        ({"grid": street()}, "grid", "a net is given here"),
        ({"grid": {"network": profiles()}}, "grid.network", "a table is given here"),
    ],
)
def test_an_object_where_none_belongs_is_refused(changes: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(cosim.InputError, match=said) as caught:
        cosim.run(town(**changes))
    assert [problem.path for problem in caught.value.problems] == [path]


def test_what_a_table_lacks_is_said_of_it() -> None:
    short = profiles().iloc[:3]
    groups = [{"name": "homes", "households": 2, "load": {"kind": "csv", "file": short}}]
    with pytest.raises(cosim.InputError) as caught:
        cosim.run(town(groups=groups))
    assert "groups_homes_load.csv" in str(caught.value)


@pytest.mark.parametrize("value", [np.int64(8), np.array(8)])
@pytest.mark.fast_cases("value0")
def test_scalars_of_numpy_are_numbers(value: Any, run: cosim.Run) -> None:
    time = {"start": pd.Timestamp(START), "step_s": np.float32(900), "steps": value}
    assert cosim.check(town(time=time)) == cosim.check(town())
