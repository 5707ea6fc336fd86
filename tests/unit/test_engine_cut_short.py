"""Runs that end early, interrupted, killed or out of disk: none claims to be done, all can be read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.results import row_chunks
from cosim.results import store as store_module
from cosim.results.store import read_table

STEPS = 60
SETTINGS = (f"time.steps={STEPS}",)


def _status(run: Path) -> Any:
    return json.loads((run / "run.json").read_text())["status"]


@pytest.mark.parametrize("at_step", [0, 1, 40])
def test_interrupted(tmp_path: Path, at_step: int) -> None:
    def stop(now_ms: int, events: int) -> None:
        if now_ms == at_step * 86_400_000:
            raise KeyboardInterrupt

    outcome = run_scenario(load_scenario("section6", SETTINGS), tmp_path / "run", stop)
    assert outcome.status == _status(tmp_path / "run") == "interrupted"
    regulation = read_table(tmp_path / "run", "regulation")
    assert regulation["step"].max() == at_step
    assert len(read_table(tmp_path / "run", "decisions")) == 99 * 2 * (at_step + 1)
    run_scenario(load_scenario("section6", SETTINGS), tmp_path / "whole")
    whole = read_table(tmp_path / "whole", "regulation")
    assert regulation["signal"].tolist() == whole[whole["step"] <= at_step]["signal"].tolist()
    assert not list((tmp_path / "run").rglob("*.partial"))


@pytest.mark.slow
def test_interrupted_with_a_feeder(tmp_path: Path) -> None:
    def stop(now_ms: int, events: int) -> None:
        if now_ms >= 30 * 3_600_000:
            raise KeyboardInterrupt

    settings = (
        "grid.network=kerber_vorstadtnetz_kabel_1",
        "groups.homes.load={kind: constant, p_kw: 0.5}",
        "groups.homes.pv=null",
    )
    outcome = run_scenario(load_scenario("storage_village", settings), tmp_path / "run", stop)
    assert outcome.status == "interrupted"
    # The tick at 30 h comes before the meters close that interval.
    for table in ("power_flow", "meters", "batteries", "bus_voltage"):
        assert read_table(tmp_path / "run", table)["time"].nunique() == 29
    assert outcome.summary["intervals"] == 29


@pytest.mark.parametrize("writes", [0, 4])
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr(store_module, "ROWS_PER_BATCH", 2000)
    monkeypatch.setattr("cosim.regulation.record._NUMBERS_PER_BATCH", 5000)
    left, sizes = iter(range(writes)), []
    append, new_writer = row_chunks.append_chunks, pq.ParquetWriter

    def require_space() -> None:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")

    def write(file: Path, tables: Any) -> None:
        require_space()
        append(file, tables)
        if file.stem == "decisions":
            sizes.append(sum(table.num_rows for table in tables))

    def new(*args: Any, **more: Any) -> Any:
        require_space()
        return new_writer(*args, **more)

    monkeypatch.setattr(store_module, "append_chunks", write)
    monkeypatch.setattr(pq, "ParquetWriter", new)
    within_a_day = (*SETTINGS, "time.step_s=60")  # nothing is written but full batches
    outcome = run_scenario(load_scenario("section6", within_a_day), tmp_path / "run")
    assert outcome.status == _status(tmp_path / "run") == "failed"
    assert "No space left" in outcome.cause
    assert not (tmp_path / "run" / "summary.json").exists()
    if writes:  # the first is the table of prosumers
        assert len(read_table(tmp_path / "run", "decisions")) == sum(sizes) >= 2000 * (writes - 1)


PROGRAM = """
import sys
from pathlib import Path
import cosim.results.store
cosim.results.store.ROWS_PER_BATCH = 5000
import cosim.regulation.record
cosim.regulation.record._NUMBERS_PER_BATCH = 10000
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
run_scenario(load_scenario("section6", ["time.steps=1000000", "time.step_s=1800"]), Path(sys.argv[1]))
"""


KILLED_ON_THE_THIRD_DAY = """
import os, signal, sys
from pathlib import Path
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario

def kill(now_ms, events):
    if now_ms >= 60 * 3_600_000:
        os.kill(os.getpid(), signal.SIGKILL)

settings = sys.argv[2:]
run_scenario(load_scenario("storage_village", settings), Path(sys.argv[1]), kill)
"""


@pytest.mark.slow
def test_killed_on_the_third_day(tmp_path: Path) -> None:
    """kill -9 at 60 h: all rows of the first two days are there, as the run would have left them."""
    settings = ["time.duration_h=72"]
    command = [sys.executable, "-c", KILLED_ON_THE_THIRD_DAY, str(tmp_path / "killed"), *settings]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert _status(tmp_path / "killed") == "running"
    run_scenario(load_scenario("storage_village", settings), tmp_path / "whole")
    third_day = pd.Timestamp("2016-07-06", tz="UTC")
    for table in ("meters", "batteries", "injections", "bus_voltage", "power_flow", "decisions"):
        whole, killed = (read_table(tmp_path / run, table) for run in ("whole", "killed"))
        expected = whole[whole["time"] < third_day]
        pd.testing.assert_frame_equal(killed.iloc[: len(expected)], expected, check_exact=True)
        assert len(expected)
    whole, killed = (read_table(tmp_path / run, "regulation") for run in ("whole", "killed"))
    assert (killed["time"] < third_day).sum() == (whole["time"] < third_day).sum() == 2 * 2 * 96


@pytest.mark.slow
def test_killed(tmp_path: Path) -> None:
    """kill -9 in the middle: what was written can be read, and run.json says that the run was on."""
    run = tmp_path / "run"
    file = run / "tables" / ".parts" / "decisions.rows"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(run)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        deadline = time.monotonic() + 300
        while not (file.exists() and file.stat().st_size > 1_000_000):
            assert process.poll() is None, "the run ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert _status(run) == "running"
    decisions = read_table(run, "decisions")
    assert len(decisions) >= 10_000
    assert (decisions["step"].diff().dropna() >= 0).all()
    assert not (run / "summary.json").exists()
    assert (run / "scenario.yaml").exists()


def test_interrupted_while_a_household_schedules(tmp_path: Path) -> None:
    """Ctrl-C does not wait until a day is planned: the search asks before every subproblem."""
    calls: list[int] = []

    def interrupt(now_ms: int, events: int) -> None:
        calls.append(now_ms)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)

    settings = ("energy_value.household.values.rigidity=1", "energy_value.household.contracted_power_kw=6")
    outcome = run_scenario(load_scenario("lotfi_case", settings), tmp_path / "run", interrupt)
    assert len(calls) == 2
    assert outcome.status == _status(tmp_path / "run") == "interrupted"
    assert outcome.summary["delivery_days"] == 0
    # Nothing was settled or metered: sums are null, and not 0.
    for number in ("energy_value_eur", "bills_households_eur", "traded_agreed_kwh", "load_peak_kw"):
        assert outcome.summary[number] is None
    assert outcome.summary["energy_load_kwh"] is None
    assert outcome.summary["trading_messages"] == 0
    assert len(read_table(tmp_path / "run", "schedule")) == 0
