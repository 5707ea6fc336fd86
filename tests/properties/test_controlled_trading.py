"""A market that needs meters at once beside inverters that wait for voltages bills what was generated."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.results.store import read_table

SHORT = ["time.duration_h=48", "report.figures=false", "groups.0.households=4"]
NEVER_ACTS = "groups.0.pv.control={p_of_v: {points: [[1.5, 1], [1.6, 0.5]]}}"
ACTS = "groups.0.pv.control={p_of_v: {points: [[0.9, 0.1], [1.6, 0.05]]}}"


def run(folder: Path, *more: str) -> Path:
    outcome = run_scenario(load_scenario("trading_village", [*SHORT, *more]), folder)
    assert outcome.status == "done", outcome.cause
    return folder


@pytest.mark.slow
def test_bills_are_of_the_generation_after_curtailment(tmp_path: Path) -> None:
    plain, idle = run(tmp_path / "plain"), run(tmp_path / "idle", NEVER_ACTS)
    for name in ("bills", "trades", "offers", "schedule", "meters"):
        assert read_table(idle, name).equals(read_table(plain, name)), name
    apart = read_table(idle, "bus_voltage").vm_pu - read_table(plain, "bus_voltage").vm_pu
    assert apart.abs().max() < 1e-12
    held = run(tmp_path / "held", ACTS)
    assert read_table(held, "offers").equals(read_table(plain, "offers"))  # plans do not know of it
    generated = read_table(held, "meters").pv_kwh
    assert generated.sum() < read_table(plain, "meters").pv_kwh.sum() - 1
    assert not read_table(held, "bills").equals(read_table(plain, "bills"))
