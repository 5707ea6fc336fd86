"""How far a community is from its targets, worked out again from the tables it left.

The capacity of a tick is that of the step which begins with it; what the community did in that step stands in
the row of the next tick. What the platform measures is of earlier steps, by the way it is told. Ticks are
written in blocks, of a day here or up to a change of members, and steps pass over their borders.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cosim
from cosim.results.store import read_table

BY_HOUR = [1, 2, 1, 2, 4, 6, 5, 3, 2, 2, 1, 0, 0, 1, 3, 5, 6, 6, 4, 3, 2, 1, 1, 3]
STEPS = 110
SLOW = {"direction": "uplink", "group": "slow", "latency": {"kind": "constant", "latency_ms": 5_400_000}}
LAGS: dict[str, tuple[dict[str, Any], dict[int, int]]] = {
    "reports at the step's end": ({}, {1: 7}),
    "reports at the decision": ({"platform": {"report": "at_decision"}}, {0: 7}),
    "a meter": ({"platform": {"measurement": "meter"}}, {2: 7}),
    "four report a step and a half later": ({"comms": {"overrides": [SLOW]}}, {1: 3, 3: 4}),
}
"""What differs; how many households are measured how many ticks after their step began."""


def _run(
    folder: Path,
    capacity: Any,
    *,
    comms: Any = None,
    platform: Any = None,
    time: Any = None,
    late: Any = None,
    faults: Any = None,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Ticks, decisions and numbers of seven households that take little notice of signals."""
    cost = {"kind": "consumption_only", "linear": 6.0, "quadratic": 1.0, "target": 0.5}
    run = cosim.run(
        {
            "name": "followed",
            "time": {"step_s": 3600, "steps": STEPS, **(time or {})},
            "groups": [
                {"name": "prompt", "households": 3, "cost": cost, "membership": late or {}},
                {"name": "slow", "households": 4, "cost": cost},
            ],
            "communities": [
                {
                    "name": "c",
                    "groups": ["prompt", "slow"],
                    "resources": [{"name": "x", "capacity": capacity}],
                    "agent": {"policy": {"kind": "additive", "kappa": 0.1}, "initial_average": 0.5},
                    "platform": {"gain": 1e-12, **(platform or {})},
                }
            ],
            "comms": comms or {},
            "faults": faults or [],
            "report": {"figures": False},
        },
        out=folder,
    )
    return run.tables.regulation, run.tables.decisions, dict(run.summary)


def _numbers(errors: Any, targets: Any) -> list[float]:
    return [float(np.sqrt(np.mean(errors**2))), float(np.mean(errors)), float(np.mean(targets))]


def _told(summary: dict[str, Any]) -> list[float]:
    return [summary[f"c_x_{name}_units"] for name in ("tracking_rmse", "tracking_bias", "capacity_mean")]


@pytest.mark.parametrize("case", LAGS)
def test_each_step_is_compared_with_its_own_capacity(case: str, tmp_path: Path) -> None:
    changed, households = LAGS[case]
    ticks, decisions, summary = _run(tmp_path / "run", {"kind": "hourly", "by_hour": BY_HOUR}, **changed)
    capacity, did = ticks["capacity"].to_numpy()[:-1], ticks["aggregate"].to_numpy()[1:]
    assert _told(summary) == pytest.approx(_numbers(did - capacity, capacity), rel=1e-12)

    # What was measured is what each did in a step that began so many ticks before, against its capacity.
    by_step = decisions.pivot_table(index="step", columns="prosumer", values="delivered").to_numpy()
    lag_of = np.repeat(list(households), list(households.values()))
    later = slice(3, None)
    known = sum(np.roll(by_step[:, each], lag) for each, lag in enumerate(lag_of))
    assert ticks["measured"].to_numpy()[later].tolist() == known[later].tolist()
    before = np.concatenate([[ticks["capacity"][0]] * 3, ticks["capacity"]])
    target = sum(n * np.roll(before, lag) for lag, n in households.items())[3:] / 7
    errors = (ticks["measured"].to_numpy() - target)[1:]
    assert summary["c_x_measured_rmse_units"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-12)


def test_steps_before_the_end_of_the_warm_up_do_not_count(tmp_path: Path) -> None:
    """Members who come and go within it and after it cut the blocks."""
    capacity, late = {"kind": "hourly", "by_hour": BY_HOUR}, {"joins_h": 30.5, "leaves_h": 70.25}
    time = {"steps": 100, "warm_up_h": 40}
    ticks, _, summary = _run(tmp_path / "run", capacity, time=time, late=late)
    assert ticks["members"].tolist() == [4] * 31 + [7] * 40 + [4] * 29
    capacity, did = ticks["capacity"].to_numpy()[40:-1], ticks["aggregate"].to_numpy()[41:]
    assert _told(summary) == pytest.approx(_numbers(did - capacity, capacity), rel=1e-12)


def test_what_a_fault_did_is_measured_by_the_same_errors(tmp_path: Path) -> None:
    broken = {"kind": "household_crash", "name": "down", "share": 0.5, "from_h": 60, "duration_h": 5}
    capacity = {"kind": "hourly", "by_hour": BY_HOUR}
    ticks, _, summary = _run(tmp_path / "run", capacity, faults=[broken])
    error = ticks["aggregate"].to_numpy()[1:] - ticks["capacity"].to_numpy()[:-1]
    effects = read_table(tmp_path / "run", "fault_effects")
    assert effects["rmse_before"].tolist() == pytest.approx([np.sqrt(np.mean(error[:60] ** 2))], rel=1e-12)
    lasts = 5 + int(effects["recovery_h"][0])
    worst = max(error[60 : 60 + lasts], key=abs)
    assert effects["worst_deviation"].tolist() == [worst]
    assert summary["fault_down_c_x_worst_deviation_units"] == worst


def test_who_follows_a_changing_target_exactly_has_no_error(tmp_path: Path) -> None:
    """What households do here hardly depends on the target; so what they did is made the target."""
    ticks, _, summary = _run(tmp_path / "first", 3)
    did = ticks["aggregate"].tolist()[1:]
    assert summary["c_x_tracking_rmse_units"] > 1
    steps = [{"from_h": hour, "value": value} for hour, value in enumerate(did)]
    ticks, _, summary = _run(tmp_path / "second", {"kind": "stepped", "steps": steps})
    assert ticks["aggregate"].tolist()[1:] == did
    assert _told(summary) == [0.0, 0.0, pytest.approx(np.mean(did))]
    assert summary["c_x_measured_rmse_units"] == 0
    assert summary["c_x_average_shortfall_end_units"] is None


def test_a_capacity_that_changed_long_ago_has_changed(tmp_path: Path) -> None:
    """On the last days it is constant; the averages are of all steps."""
    moved = {"kind": "stepped", "steps": [{"from_h": 0, "value": 2}, {"from_h": 9, "value": 3}]}
    for capacity, is_known in ((3, True), (moved, False)):
        *_, summary = _run(tmp_path / str(is_known), capacity)
        assert (summary["c_x_average_shortfall_end_units"] is not None) == is_known
