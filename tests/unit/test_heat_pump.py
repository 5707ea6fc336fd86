"""Heat pumps and second loads in a scenario: tables and numbers, files of temperatures, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.config.yaml_reader import Document
from cosim.core.errors import InputError
from cosim.devices.heat_pump import air_cop, ground_cop
from cosim.engine.builder import build
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.results.store import read_table

AIR = {"kind": "simbench", "profile": "Air_Parallel_1", "peak_kw": 3}
COST = {"kind": "consumption_only", "linear": 6, "quadratic": 1, "target": 0.3}


def loaded(folder: Path, device: dict[str, Any], regulated: bool = False, **more: Any) -> LoadedScenario:
    """Five homes for two days of January, each with some devices."""
    community = {
        "name": "street",
        "groups": ["homes"],
        "resources": [{"name": "heat", "serves": "heat_pump", "capacity": 2}],
        "agent": {
            "initial_decision": 0,
            "initial_average": 0.3,
            "policy": {"kind": "additive", "kappa": 0.2},
        },
        "platform": {"gain": 0.05, "signal_limits": [5, 7]},
    }
    content: dict[str, Any] = {
        "name": "street",
        "time": {"start": "2016-01-11T00:00:00Z", "duration_h": 48, "step_s": 900},
        "groups": [{"name": "homes", "households": 5, "cost": COST, **device}],
        "communities": [community] if regulated else [],
        "report": {"figures": False},
        **more,
    }
    return LoadedScenario(Scenario.model_validate(content), folder, "t.yaml", Document(content, "t.yaml"))


def heat_pump(heat: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"heat_pump": {"power_kw": 3, "heat": heat, **keys}}


def run(made: LoadedScenario, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    run_scenario(made, folder)
    summary = pd.read_json(folder / "summary.json", typ="series")
    pumps = read_table(folder, "heat_pumps") if (folder / "tables" / "heat_pumps.parquet").exists() else None
    return read_table(folder, "meters"), pumps, summary


def test_without_a_signal_it_is_a_second_load_of_the_same_profile(tmp_path: Path) -> None:
    pumped, pumps, summary = run(
        loaded(tmp_path, heat_pump({"kind": "profile", "load": AIR})), tmp_path / "pumped"
    )
    loads, _, _ = run(loaded(tmp_path, {"second_load": AIR}), tmp_path / "loads")
    assert pumped["net_kwh"].to_numpy() == pytest.approx(loads["net_kwh"].to_numpy(), abs=1e-12)
    assert pumped["net_kwh"].sum() > 50
    assert summary["heat_pump_taken_kwh"] == pytest.approx(pumps["taken_kwh"].sum(), abs=1e-9)
    assert summary["energy_load_kwh"] == pytest.approx(pumped["net_kwh"].sum(), abs=1e-9)


def test_regulated_it_shifts_its_profile_within_comfort(tmp_path: Path) -> None:
    device = heat_pump({"kind": "profile", "load": AIR, "ahead_kwh": 2, "behind_kwh": 1})
    meters, pumps, summary = run(loaded(tmp_path, device, regulated=True), tmp_path / "run")
    assert pumps["ahead_kwh"].between(-1 - 1e-9, 2 + 1e-9).all()
    assert pumps["ahead_kwh"].max() > 1.5
    assert summary["heat_pump_missing_kwh"] == 0
    taken, used = pumps["taken_kwh"].sum(), pumps["used_kwh"].sum()
    last = pumps[pumps["time"] == pumps["time"].max()]
    assert taken - used == pytest.approx(last["ahead_kwh"].sum(), abs=1e-9)
    assert meters["net_kwh"].sum() == pytest.approx(taken, abs=1e-9)


def test_a_pump_that_waits_misses_some_of_its_profile(tmp_path: Path) -> None:
    device = heat_pump({"kind": "profile", "load": AIR, "behind_kwh": 0.2}, when_due="wait")
    made = loaded(tmp_path, device, regulated=True)
    _, pumps, summary = run(made, tmp_path / "run")
    assert summary["heat_pump_missing_kwh"] == pytest.approx(pumps["missing_kwh"].sum(), abs=1e-9)
    assert summary["heat_pump_missing_kwh"] > 0
    assert summary["heat_pump_cold_h"] == pytest.approx(pumps["cold_h"].sum(), abs=1e-9)


def test_temperatures_of_a_file(tmp_path: Path) -> None:
    hours = pd.date_range("2016-01-11", periods=48, freq="h", tz="UTC")
    degrees = -5 + 5 * np.sin(np.arange(48) * 2 * np.pi / 24)
    pd.DataFrame({"time": hours.strftime("%Y-%m-%dT%H:%MZ"), "outside [°C]": degrees}).to_csv(
        tmp_path / "t.csv", index=False
    )
    heat = {"kind": "building", "temperature": {"kind": "csv", "file": "t.csv"}, "r_k_per_kw": 5}
    _, pumps, _ = run(loaded(tmp_path, heat_pump(heat)), tmp_path / "run")
    home = pumps[pumps["prosumer"] == "h001"]
    lost = (21 - degrees) / 5
    assert home["heat_lost_kwh"].to_numpy() == pytest.approx(lost, abs=1e-9)
    cop = 6.81 - 0.121 * (35 - degrees) + 0.00063 * (35 - degrees) ** 2
    assert home["taken_kwh"].to_numpy() == pytest.approx(lost / cop, abs=1e-9)


def test_performance_is_that_of_the_source() -> None:
    """Staffell et al. (2012): at A2/W35 and B0/W35, points of the standard EN 14511."""
    assert air_cop(np.array([33.0]))[0] == pytest.approx(3.50, abs=0.01)
    assert ground_cop(np.array([35.0]))[0] == pytest.approx(4.42, abs=0.01)
    assert air_cop(np.array([0.0, 80.0])).tolist() == air_cop(np.array([15.0, 60.0])).tolist()


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (
            heat_pump({"kind": "profile", "load": {"kind": "feeder"}}),
            "only `load` can be the feeder's own load",
        ),
        ({"second_load": {"kind": "feeder"}}, "kind is 'feeder', and the scenario has no grid"),
        (
            heat_pump({"kind": "profile", "load": {**AIR, "profile": "Air_9"}}),
            "groups.0.heat_pump.profile: SimBench has no such profile",
        ),
        (
            heat_pump({"kind": "building", "temperature": {"kind": "csv", "file": "short.csv"}}),
            "groups.0.heat_pump.heat: the temperatures cover 2016-01-11T00:00Z to 2016-01-11T02:00Z",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, device: dict[str, Any], said: str) -> None:
    (tmp_path / "short.csv").write_text("time,t [°C]\n2016-01-11T00:00Z,1\n2016-01-11T01:00Z,2\n")
    with pytest.raises(InputError) as refused:
        build(loaded(tmp_path, device))
    assert any(said in str(problem) for problem in refused.value.problems), refused.value


def test_simbench_charging_points_are_loads(tmp_path: Path) -> None:
    """HLS is a home's charging point: at most its power, now and then, and no reactive power."""
    device = {"load": {"kind": "constant", "p_kw": 0.5}}
    device["second_load"] = {"kind": "simbench", "profile": "HLS_A_11.0", "peak_kw": 11}
    made = loaded(
        tmp_path, device, time={"start": "2016-01-11T00:00:00Z", "duration_h": 24 * 28, "step_s": 3600}
    )
    meters, _, _ = run(made, tmp_path / "run")
    charging = meters["load_kwh"] - 0.5
    assert charging.min() >= 0
    assert 3 < charging.max() <= 11
    assert 0.02 < (charging > 1).mean() < 0.2


def test_a_run_without_them_has_no_column_of_theirs(tmp_path: Path) -> None:
    made = loaded(tmp_path, {"load": {"kind": "constant", "p_kw": 0.5}})
    run_scenario(made, tmp_path / "run")
    prosumers = read_table(tmp_path / "run", "prosumers")
    assert not [name for name in prosumers if name.startswith(("second_load", "heat_pump", "ev"))]
