"""docs/faults.md says what the runs gave that stand beside it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import binomtest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "faults.md").read_text(encoding="utf-8")
SEEDS = 20


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("faults_page", DOCS / "faults.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def steps(script: ModuleType) -> dict[tuple[str, ...], np.ndarray]:
    """Of each case, the steps to recover by seed; infinite where it does not."""
    return {case: found[:, 0] for case, found in script.read(script.RAW).items()}


def share(hits: int) -> str:
    """So many of the seeds, with Clopper and Pearson's interval."""
    interval = binomtest(hits, SEEDS).proportion_ci(0.95, method="exact")
    return f"{hits} of {SEEDS} ({100 * interval.low:.0f} to {100 * interval.high:.0f} %)"


def test_the_table_is_that_of_twenty_seeds(script: ModuleType) -> None:
    rows = script.seed_rows.rows_of(script.RAW)
    assert {int(row["seed"]) for row in rows} == set(range(1, SEEDS + 1))
    assert len(rows) == SEEDS * len(script.cases())
    assert script.table(script.RAW) in PAGE


def test_which_policy_comes_back_is_as_the_page_says(
    script: ModuleType, steps: dict[tuple[str, ...], np.ndarray]
) -> None:
    back = sum(int(np.isfinite(steps[fault, "additive"]).sum()) for fault in script.FAULTS)
    assert f"came back in {back} of these {SEEDS * len(script.FAULTS)} runs" in PAGE
    lost = {int(np.isinf(steps[each, "proportional"]).sum()) for each in script.FAULTS if "lost" not in each}
    assert f"each time it did not come back in {share(*lost)}" in PAGE
    late = int((steps["all crash, kept", "additive"] > 200).sum())
    assert f"in {share(late)} only after more than 200" in PAGE


def test_what_losing_the_memory_and_liars_do_is_as_the_page_says(
    script: ModuleType, steps: dict[tuple[str, ...], np.ndarray]
) -> None:
    forgotten = script.median_text(steps["all crash, lost", "proportional"])
    assert f"the error is back after {forgotten} steps" in PAGE
    refused = script.median_text(steps["90 % take nothing", "additive"])
    lied = script.median_text(steps["60 % lie: always 1", "additive"])
    assert f"take nothing costs another ({refused} steps), one in which 60 % lie {lied} steps" in PAGE


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 11])
def test_the_runs_are_those_of_the_program(script: ModuleType, seed: int) -> None:
    told = script.read(script.RAW)
    for case in script.cases():
        assert list(script.outcome_of(case, seed)) == pytest.approx(told[case][seed - 1].tolist(), rel=1e-8)


@pytest.mark.slow
def test_without_limits_the_time_grows_with_the_fault_and_with_them_it_does_not(script: ModuleType) -> None:
    """Seeds 1 to 3, which the page's table holds among its twenty."""
    for seed in (1, 2, 3):
        free, limited = (
            [script.wound_up(limits, hours, seed) for hours in script.WINDUP_HOURS]
            for limits in script.WINDUP_LIMITS
        )
        assert free[0] < free[1] < free[2] <= 57
        assert max(limited) <= 7


def test_recoveries_that_a_late_window_delays_are_counted_apart(script: ModuleType) -> None:
    assert script.spread([9.0, 10.0, 11.0]) == "10 (9 to 11)"
    assert script.spread([9.0, 10.0, 10.0, 11.0, 378.0]) == "10 (9 to 11; 1 of 5 later)"


def test_a_median_has_an_interval_between_two_of_the_values(script: ModuleType) -> None:
    """Of twenty the 6th from below and from above: the median lies between with a probability of 96 %."""
    assert script.median_text(np.arange(1.0, 21.0)) == "10 [6, 15]"
    assert script.median_text(np.zeros(20)) == "0"
    assert script.median_text(np.array([3.0] * 14 + [np.inf] * 6)) == "3 [3, never]"
    assert script.median_text(np.full(20, np.inf)) == "never"
