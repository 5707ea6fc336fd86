"""The walks of docs/architecture.md are those that a run really takes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType

import pandapower as pp
import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario

ROOT = Path(__file__).resolve().parents[2]
BASE = """
name: walked
time: {start: 2016-07-04, step_s: 1800, duration_h: 2}
groups:
  - name: homes
    households: 2
    load: {kind: csv, file: load.csv}
    battery: {capacity_kwh: 5, charge_from: surplus_and_grid}
    cost: {kind: separable, linear: 6, own_quadratic: 1.0, target: 0.5}
communities:
  - name: village
    groups: [homes]
    agent: {initial_decision: 0, initial_average: 0.5}
    resources: [{name: use, serves: own_load, unit_kwh: 0.1, capacity: 1}]
grid: {network: net.yaml, placement: {kind: list, buses: [1, 1]}}
report: {figures: false}
"""
ABOVE = "base: base.yaml\ncomms: {default: {loss: {kind: bernoulli, loss_probability: 0.5}}}\n"


@contextmanager
def files_called() -> Iterator[set[str]]:
    """Takes in the file of every function that is called within the block."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_flags & CO_OPTIMIZED:  # a function, no module or class
            files.add(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(None)


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    """A scenario with all that the walks pass: a CSV file, a base, a community with batteries, a feeder."""
    net = pp.create_empty_network()
    source, end = pp.create_bus(net, vn_kv=0.4), pp.create_bus(net, vn_kv=0.4)
    pp.create_ext_grid(net, source)
    pp.create_line(net, source, end, length_km=0.1, std_type="NAYY 4x50 SE")
    pp.create_load(net, end, p_mw=0.0)
    pp.to_json(net, str(tmp_path / "net.json"))
    (tmp_path / "net.yaml").write_text(
        "name: net\ntitle: t\norigin: o\nlicence: l\nsource: {kind: json, file: net.json}\n"
    )
    rows = [f"2016-07-04T{hour:02}:00Z,{hour}" for hour in range(4)]
    (tmp_path / "load.csv").write_text("\n".join(["time,home (kW)", *rows]))
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "walked.yaml").write_text(ABOVE)
    return str(tmp_path / "walked.yaml")


def test_a_run_calls_each_file_of_the_walks(scenario: str, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    walked = set(re.findall(r"^\d+\. [·↓↑] `([^`]+)`", page, re.MULTILINE))
    assert len(walked) > 25
    with files_called() as files:
        ended = run_scenario(load_scenario(scenario), tmp_path / "run")
    assert {file for file in walked if str(ROOT / file) not in files} == set()
    assert ended.summary["energy_feeder_imported_kwh"] > 0
    assert ended.summary["messages_lost"] > 0
