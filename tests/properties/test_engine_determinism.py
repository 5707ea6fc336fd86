"""The same seed gives the same bytes: in another process, and from the scenario that a run has left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario

SETTINGS = {
    "section6": ["time.steps=120", "comms.default.latency={kind: gamma, mean_ms: 4e7, shape: 2}"],
    "section6_additive": [
        "time.steps=40",
        "communities.market.agent.phase={kind: uniform}",
        "faults=[{kind: household_crash, rate_per_day: 0.1, mean_duration_h: 48},"
        " {kind: churn, rate_per_day: 0.1, mean_duration_h: 30},"
        " {kind: platform_crash, rate_per_day: 0.05, mean_duration_h: 30},"
        " {kind: clock, share: 0.3, from_h: 100, duration_h: 400, jitter_ms: 3e6},"
        " {kind: partition, share: 0.3, from_h: 300, duration_h: 100},"
        " {kind: loss_burst, rate_per_day: 0.1, mean_duration_h: 50, loss_probability: 0.5},"
        " {kind: duplication, from_h: 200, duplication_probability: 0.5},"
        " {kind: replay, from_h: 200, replay_probability: 0.5, delay_ms: 1e8},"
        " {kind: stuck_meter, rate_per_day: 0.1, mean_duration_h: 50},"
        " {kind: liar, count: 3, from_h: 500, reports: inverted},"
        " {kind: non_complier, share: 0.1, from_h: 800, duration_h: 200}]",
    ],
    "storage_village": [
        "time.duration_h=48",
        "grid.network=kerber_vorstadtnetz_kabel_1",
        "groups.homes.load={kind: constant, p_kw: {uniform: [0.2, 1]}}",
        "groups.homes.pv={kind: csv, file: sun.csv, kwp: {uniform: [3, 7]}}",
        "communities.village.agent.jitter_ms=2000",
        "communities.village.agent.drift_ppm={uniform: [-50, 50]}",
        "comms.default.loss=" + "{kind: gilbert_elliott, probability_good_to_bad: 0.02,"
        " probability_bad_to_good: 0.3}",
        "comms.default.delivery=at_least_once",
    ],
}
SUN = "time,roof [kW/kWp]\n" + "".join(
    f"2016-07-{4 + hour // 24:02d}T{hour % 24:02d}:00Z,{max(0, 6 - abs(12 - hour % 24)) / 8}\n"
    for hour in range(48)
)
PROGRAM = """
import sys
from pathlib import Path
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
source, folder, *settings = sys.argv[1:]
run_scenario(load_scenario(source, settings), Path(folder))
"""
LONG = [pytest.param(name, [], id=name, marks=pytest.mark.slow) for name in SETTINGS]
SHORT = pytest.param(
    "storage_village",
    [
        "time.duration_h=9",
        "grid.network=kerber_dorfnetz",
        "groups.homes.households=20",
        "communities.village.resources.own_use.capacity=10",
        "communities.village.resources.sale.capacity=8",
    ],
    id="storage_village_short",
)
"""The morning, in a smaller place, of what the slow tests run for two days, sun included."""


def _tables(folder: Path) -> dict[str, bytes]:
    """The bytes of every table of a run."""
    return {file.name: file.read_bytes() for file in sorted((folder / "tables").glob("*.parquet"))}


def _run(source: Path, folder: Path, settings: list[str], hash_seed: str) -> None:
    """A run in a process of its own, whose sets have another order."""
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(source), str(folder), *settings],
        check=True,
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


@pytest.mark.parametrize(("name", "less"), [SHORT, *LONG])
def test_same_seed_same_bytes(tmp_path: Path, name: str, less: list[str]) -> None:
    (tmp_path / "sun.csv").write_text(SUN)
    builtin = Path(__file__).parents[2] / "scenarios" / f"{name}.yaml"
    copied = tmp_path / f"{name}.yaml"
    copied.write_text(builtin.read_text())
    settings = SETTINGS[name] + less
    run_scenario(load_scenario(str(copied), settings), tmp_path / "first")
    _run(copied, tmp_path / "second", settings, "1" if os.environ.get("PYTHONHASHSEED") == "2" else "2")
    run_scenario(load_scenario(str(tmp_path / "first" / "scenario.yaml")), tmp_path / "again")
    first = _tables(tmp_path / "first")
    assert {"regulation.parquet", "decisions.parquet", "messages.parquet"} <= set(first)
    assert first == _tables(tmp_path / "second")
    assert first == _tables(tmp_path / "again")


def test_another_seed_other_decisions(tmp_path: Path) -> None:
    for seed in (1, 2):
        run_scenario(load_scenario("section6", ["time.steps=20"], seed), tmp_path / f"{seed}")
    tables = [_tables(tmp_path / f"{seed}") for seed in (1, 2)]
    assert tables[0]["decisions.parquet"] != tables[1]["decisions.parquet"]
