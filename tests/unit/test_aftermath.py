"""When resources were near their targets again after a fault: by their own steps, not by a mean over many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cosim.engine.wings import tables
from cosim.faults.aftermath import Aftermath, read_aftermaths
from tests.unit.small_run import SmallRun, hours

N = 48
OFF = {30: -9.0, 31: -5.0, 32: 2.0, 33: 6.0}
"""By its first hour, how far a step was off its target from the fault's end on; all others were 1 off."""


def effects(small: SmallRun, *rows: tuple[str, str, float, float]) -> None:
    """Each is a fault, a resource, its level before and its time to recover."""
    names, resources, levels, recoveries = zip(*rows, strict=True)
    n, when = len(rows), hours(N)
    columns: dict[str, Any] = {each.name: np.zeros(n) for each in tables()["fault_effects"].columns}
    small.store.writer(tables()["fault_effects"]).append(columns | {
        "fault": list(names), "kind": ["partition"] * n, "community": ["village"] * n,
        "resource": list(resources), "start": when[[24] * n], "end": when[[30] * n],
        "rmse_before": np.array(levels), "recovery_h": np.array(recoveries)})  # fmt: skip


def test_the_first_step_near_the_target_is_not_the_end_of_the_fault(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run", n_hours=N)
    capacity = np.arange(N) % 5 + 20.0
    off = np.ones(N)
    for hour, each in OFF.items():
        off[hour] = each
    did = np.append(0.0, (capacity + off)[:-1])  # what a step did stands in the row of its end
    columns: dict[str, Any] = {each.name: np.zeros(N) for each in tables()["regulation"].columns}
    for resource in ("own_use", "sale"):
        small.store.writer(tables()["regulation"]).append(columns | {
            "step": np.arange(N), "time": hours(N), "community": ["village"] * N, "resource": [resource] * N,
            "capacity": capacity, "aggregate": did, "members": np.full(N, 4)})  # fmt: skip
    nan = float("nan")
    effects(small, ("cut", "sale", 2.0, 0.0), ("cut", "own_use", 4.0, nan), ("young", "sale", nan, nan),
            ("often", "sale", 2.0, 0.0), ("often", "sale", 3.0, 0.0))  # fmt: skip
    run = small.end()
    assert read_aftermaths(run.folder, run.scenario.time.start, run.scenario.time.step_ms) == {
        ("cut", "village", "sale"): Aftermath(3.5, 32.0),
        ("cut", "village", "own_use"): Aftermath(7.0, None),
        ("often", "village", "sale"): Aftermath(5.25, None),
    }
