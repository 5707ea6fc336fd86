"""The simulated stability boundary over gain and delay, delays between whole steps included, against theory.

`regulation_loop` under a downlink of some latency: a household that wakes after the signal of its own step
has come answers it at once, one that wakes before a step later. So a latency of half a step makes d = 0 for
about half of the households and d = 1 for the others, and theory is the limit of that mixture.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from cosim.config.library import shelf_folder
from cosim.engine.load import load_scenario
from cosim.engine.run import summarise
from cosim.regulation.stability import stability_limit
from cosim.study.robustness.analysis import analyse
from cosim.study.robustness.boundary import crossing
from cosim.study.sweep.executors import executor
from cosim.study.sweep.folder import open_folder
from cosim.study.sweep.load_sweep import load_sweep
from cosim.study.sweep.sweep_plan import plan_sweep
from cosim.study.sweep.sweep_run import run_sweep

STEP_MS = 3_600_000
SATURATION = 50.0
"""Largest error of 100 households about a capacity of 50."""


def summary(latency_steps: float, gain: float) -> dict[str, float]:
    overrides = [
        f"comms.default.latency.latency_ms={latency_steps * STEP_MS:g}",
        f"communities.market.platform.gain={gain!r}",
    ]
    found = summarise(load_scenario("regulation_loop", overrides))
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize(
    "latency_steps",
    [0.3, *(pytest.param(steps, marks=pytest.mark.slow) for steps in (0.0, 0.5, 1.0, 1.6, 2.0, 3.0, 4.0))],
)
def test_boundary_is_within_a_tenth_of_theory(latency_steps: float) -> None:
    at_one = summary(latency_steps, 1.0)
    assert at_one["market_loop_delay_steps"] == pytest.approx(latency_steps, abs=0.06)
    limit = 1 / at_one["market_consumption_gain_over_limit"]
    if latency_steps.is_integer():
        assert limit == pytest.approx(stability_limit(latency_steps))
    gains = limit * np.array([0.85, 0.95, 1.05, 1.15])
    errors = [summary(latency_steps, float(gain))["market_consumption_measured_rmse_units"] for gain in gains]
    assert crossing(gains, np.array(errors), SATURATION / 2) == pytest.approx(limit, rel=0.1)


@pytest.mark.slow
def test_boundary_is_within_a_tenth_of_theory_over_the_whole_plane(tmp_path: Path) -> None:
    """The built-in sweep with one seed in place of twenty."""
    config = yaml.safe_load((shelf_folder("sweeps") / "robustness_gain.yaml").read_text(encoding="utf-8"))
    (tmp_path / "gain.yaml").write_text(yaml.safe_dump({**config, "seeds": 1}), encoding="utf-8")
    plan = plan_sweep(load_sweep(str(tmp_path / "gain.yaml")))
    with executor(None, 2) as hands:
        outcome = run_sweep(open_folder(plan, (), tmp_path / "swept", False, tmp_path), hands)
    assert outcome.n_failed == 0
    (boundary,) = analyse(tmp_path / "swept", []).boundaries
    assert len(boundary.crossed) == len(boundary.points) == 17
    deviations = np.array([point.deviation.mean for point in boundary.points])
    assert np.abs(deviations).max() < 0.1
    whole = [point for point in boundary.points if point.place[0] == int(point.place[0])]
    assert [point.theory / point.formula for point in whole] == pytest.approx([1.0] * 5)
