"""A feeder without households: its own elements act alone; with neither there is nothing to simulate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest
from typer.testing import CliRunner

from cosim.cli.entry import app
from cosim.engine.load import load_scenario
from cosim.engine.run import preflight, run_scenario
from cosim.results.store import read_table

SCENARIO = "name: s\ntime: {step_s: 3600, steps: 3}\n"
GRID = "grid: {network: n.json, verify_power_flow: 2"


@pytest.mark.parametrize("groups", ["", "groups: []\n"])
@pytest.mark.parametrize("more", ["", ", feedback: true", ", placement: {kind: spread}"])
@pytest.mark.fast_cases("-")
def test_the_feeder_runs_alone_as_by_runpp(tmp_path: Path, groups: str, more: str) -> None:
    net = nw.create_cigre_network_lv()
    pp.to_json(net, str(tmp_path / "n.json"))
    (tmp_path / "s.yaml").write_text(f"{SCENARIO}{groups}{GRID}{more}}}\nreport: {{figures: false}}\n")
    loaded = load_scenario("s.yaml", folder=tmp_path)
    assert [problem for problem in preflight(loaded) if problem.severity == "error"] == []
    outcome = run_scenario(loaded, tmp_path / "run")
    assert outcome.summary["energy_load_kwh"] == 0
    drawn, given, lost, load, made = (
        float(outcome.summary[f"energy_{name}_kwh"] or 0.0)
        for name in (
            "feeder_imported",
            "feeder_exported",
            "lost_in_feeder",
            "feeder_own_load",
            "feeder_own_generation",
        )
    )
    assert load > 0
    assert drawn - given == pytest.approx(load - made + lost, rel=1e-9)
    assert outcome.summary["self_consumption_fraction"] is None
    assert outcome.summary["verified_voltage_difference_max_pu"] < 1e-9
    pp.runpp(net, tolerance_mva=1e-11, numba=False)
    table = read_table(tmp_path / "run", "bus_voltage")
    for _, rows in table.groupby("time"):
        found = rows.set_index("bus").vm_pu.loc[net.bus.index].to_numpy()
        assert np.nanmax(np.abs(found - net.res_bus.vm_pu.to_numpy())) < 1e-9
    assert len(read_table(tmp_path / "run", "prosumers")) == 0


def test_it_is_explained_and_reported(tmp_path: Path) -> None:
    pp.to_json(nw.create_kerber_landnetz_kabel_1(), str(tmp_path / "n.json"))
    (tmp_path / "s.yaml").write_text(f"{SCENARIO}{GRID}}}\n")
    call, scenario, out = CliRunner().invoke, str(tmp_path / "s.yaml"), str(tmp_path / "run")
    explained = call(app, ["explain", scenario])
    assert explained.exit_code == 0
    assert "households=0" in explained.output
    assert call(app, ["run", scenario, "--out", out]).exit_code == 0
    assert (tmp_path / "run" / "report.html").exists()
    assert call(app, ["figures", out]).exit_code == 0
    assert (tmp_path / "run" / "figures" / "feeder.png").exists()


@pytest.mark.parametrize(
    "more", ["", "groups: []\n", "comms: {default: {latency: {kind: constant, latency_ms: 1}}}\n"]
)
def test_without_households_and_grid_there_is_nothing_to_simulate(tmp_path: Path, more: str) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO + more)
    (problem,) = preflight(load_scenario("s.yaml", folder=tmp_path))
    assert problem.severity == "error"
    assert "nothing to simulate" in problem.message
    assert "groups" in problem.remedy
    assert "grid" in problem.remedy


def test_a_market_needs_households(tmp_path: Path) -> None:
    pp.to_json(nw.create_kerber_landnetz_kabel_1(), str(tmp_path / "n.json"))
    market = "energy_value: {prices: {grid: 0.3}}\n"
    (tmp_path / "s.yaml").write_text(f"{SCENARIO.replace('steps: 3', 'steps: 48')}{GRID}}}\n{market}")
    (problem,) = preflight(load_scenario("s.yaml", folder=tmp_path))
    assert (problem.path, problem.line) == ("energy_value", 4)
