"""`check` goes the way of `run` to just before its first event: what one refuses, the other refuses alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandapower as pp
import pytest

from cosim.core.errors import InputError, Problem
from cosim.engine.load import LoadedScenario, load_scenario
from cosim.engine.run import preflight, run_scenario

NETWORK = "name: n\ntitle: t\nsource: {kind: json, file: n.json}\norigin: o\nlicence: l\n"
SCENARIO = """name: s
time: {start: 2016-01-01T00:00:00Z, step_s: 3600, steps: 2}
groups:
  - {name: homes, households: 2, load: {kind: constant, p_kw: 1}}
grid: {network: n.yaml}
report: {figures: false}
"""


def feeder() -> pp.pandapowerNet:
    net = pp.create_empty_network()
    supply, end = pp.create_bus(net, 0.4), pp.create_bus(net, 0.4)
    pp.create_ext_grid(net, supply)
    pp.create_line(net, supply, end, 0.1, "NAYY 4x150 SE")
    pp.create_load(net, end, 0.001)
    pp.create_load(net, end, 0.001)
    return net


def one_load(net: pp.pandapowerNet) -> None:
    net.load.drop(index=1, inplace=True)


def no_impedance(net: pp.pandapowerNet) -> None:
    net.line["x_ohm_per_km"] = float("nan")


def no_supply(net: pp.pandapowerNet) -> None:
    net.ext_grid["in_service"] = False


def astray(net: pp.pandapowerNet) -> None:
    net.load.loc[0, "bus"] = 7


def loaded(
    folder: Path, change: Callable[[pp.pandapowerNet], None] = lambda net: None, more: str = ""
) -> LoadedScenario:
    net = feeder()
    change(net)
    pp.to_json(net, str(folder / "n.json"))
    (folder / "n.yaml").write_text(NETWORK)
    (folder / "s.yaml").write_text(SCENARIO + more)
    return load_scenario("s.yaml", folder=folder)


def refusals(scenario: LoadedScenario, out: Path) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        run_scenario(scenario, out)
    assert not out.exists()
    return caught.value.problems


@pytest.mark.parametrize("change", [one_load, no_impedance, no_supply, astray])
def test_what_run_refuses_of_a_network_check_refuses_too(
    change: Callable[[pp.pandapowerNet], None], tmp_path: Path
) -> None:
    scenario = loaded(tmp_path, change)
    found = preflight(scenario)
    assert any(problem.severity == "error" for problem in found)
    assert tuple(found) == refusals(scenario, tmp_path / "out")


@pytest.mark.parametrize(
    "more",
    [
        "faults: [{kind: partition, buses: [0], windows: [{from_h: 0, duration_h: 1}]}]\n",
        "comms: {overrides: [{direction: meter, latency: {kind: trace, file: t.csv}}]}\n",
        "comms: {default: {latency: {kind: trace, file: t.csv}}}\n",
    ],
)
def test_what_run_refuses_of_the_rest_check_refuses_too(more: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("latency_ms\nsoon\n")
    scenario = loaded(tmp_path, more=more)
    found = preflight(scenario)
    assert any(problem.severity == "error" for problem in found)
    assert tuple(found) == refusals(scenario, tmp_path / "out")


def test_a_broken_network_does_not_hide_a_broken_profile(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("time,a [kW]\n2016-01-01T00:00:00Z,much\n")
    loaded(tmp_path, no_supply)
    text = (tmp_path / "s.yaml").read_text().replace("kind: constant, p_kw: 1", "kind: csv, file: p.csv")
    (tmp_path / "s.yaml").write_text(text)
    scenario = load_scenario("s.yaml", folder=tmp_path)
    files = {problem.file for problem in preflight(scenario)}
    assert len(files) == 2


def test_what_passes_check_runs(tmp_path: Path) -> None:
    scenario = loaded(tmp_path)
    assert preflight(scenario) == []
    assert run_scenario(scenario, tmp_path / "out").status == "done"


def test_warnings_stand_in_the_record_of_the_run(tmp_path: Path) -> None:
    loaded(tmp_path)
    text = (tmp_path / "s.yaml").read_text().replace("p_kw: 1}", "p_kw: 1}, membership: {joins_h: 9}")
    (tmp_path / "s.yaml").write_text(text)
    scenario = load_scenario("s.yaml", folder=tmp_path)
    told: list[Problem] = []
    run_scenario(scenario, tmp_path / "out", warn=told.extend)
    assert [problem.severity for problem in told] == ["warning"]
    assert str(told[0].message) in (tmp_path / "out" / "run.json").read_text()
