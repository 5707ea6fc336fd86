"""docs/section6.md says what the runs in docs/section6.csv gave; a plain recursion gives the same."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from cosim.comms.trace import trace_reader
from cosim.core.streams import Streams
from cosim.engine.load import load_scenario
from cosim.regulation.design import design
from tests.theory.yardstick import cost_gaps

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "section6.md").read_text(encoding="utf-8")
VERIFICATION = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
PRINTED, TWENTY, ADDITIVE = "section6", "section6_proportional", "section6_additive"


def _load(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


script: Any = _load(ROOT / "docs" / "section6.py", "section6_page")
recursion: Any = _load(ROOT / "tests" / "theory" / "recursion.py", "section6_recursion")


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    table: pd.DataFrame = script.read()
    return table


def _case(runs: pd.DataFrame, scenario: str, signal: str, change: str = "") -> pd.DataFrame:
    rows: pd.DataFrame = script.of_case(runs, script.Case(scenario, signal, change))
    return rows


def test_the_tables_are_those_of_the_runs(runs: pd.DataFrame) -> None:
    assert script.outcome_table(runs) in PAGE
    assert script.cause_table(runs) in PAGE


def test_every_case_has_run_with_every_seed(runs: pd.DataFrame) -> None:
    seeds = sorted(set(runs.index.get_level_values("seed")))
    assert len(seeds) >= 20
    assert seeds == list(range(1, len(seeds) + 1))
    assert sorted(runs.index) == sorted((seed, *case) for seed in seeds for case in script.CASES)
    assert f"After 1,000 steps, {len(seeds)} seeds" in PAGE


@pytest.mark.parametrize("signal", script.SIGNALS)
def test_the_policy_as_printed_locks_prosumers_out_from_either_start(runs: pd.DataFrame, signal: str) -> None:
    rows = _case(runs, PRINTED, signal)
    locked = rows.locked_out > 0
    low, high = script.share_interval(int(locked.sum()), len(rows))
    assert low > 0.5
    assert f"in {locked.sum()} of {len(rows)}" in PAGE
    assert rows.cost_gap[locked].min() > 10 * rows.cost_gap[~locked].max() or not (~locked).any()
    assert script.median_interval(rows.cost_gap)[1] > 100
    # What it does for the aggregate it does all the same.
    assert np.abs(rows.error_mean).max() < 0.2
    if signal == "gradient":
        assert f"({100 * low:.0f} to {100 * high:.0f} %)" in PAGE
        assert rows.cost_gap[~locked].between(0.05, 0.065).all()


def test_its_cause_is_few_samples_and_the_falling_fourth_power(runs: pd.DataFrame) -> None:
    for signal in script.SIGNALS:
        for change in ("memory of 100 steps", "b = 0"):
            assert not _case(runs, PRINTED, signal, change).locked_out.any()
        shut = _case(runs, PRINTED, signal).query("locked_out > 0")
        assert shut.locked_step_last.max() <= 18
        assert shut.locked_step_median.median() <= 4
        assert shut.locked_sum_highest.max() <= 1.2 + 1e-9
    assert "within the first 18 steps" in PAGE


def test_proportional_collapses_from_the_printed_signal_and_may_lose_somebody_from_its_own(
    runs: pd.DataFrame,
) -> None:
    rows = _case(runs, TWENTY, "0.06")
    assert rows.locked_out.between(40, 50).all()
    assert (rows.signal_consumption > 600).all()
    rows = _case(runs, TWENTY, "gradient").query("locked_out > 0")
    assert f"in {len(rows)} of 40 seeds" in PAGE
    assert (rows.locked_step_last == 2).all()
    assert (rows.locked_sum_highest <= 1).all()


@pytest.mark.parametrize(("signal", "most"), [("0.06", 0.51), ("gradient", 0.2)])
def test_additive_locks_nobody_out_and_ends_near_the_optimum(
    runs: pd.DataFrame, signal: str, most: float
) -> None:
    rows = _case(runs, ADDITIVE, signal)
    assert not rows.locked_out.any()
    assert rows.cost_gap.max() < most


@pytest.mark.parametrize(
    ("scenario", "signal", "found"),
    [
        (PRINTED, "0.06", 436),
        (TWENTY, "0.06", 4368),
        (PRINTED, "gradient", 231),
        (ADDITIVE, "gradient", 0.16),
    ],
)
def test_an_independent_simulation_is_within_the_intervals(
    runs: pd.DataFrame, scenario: str, signal: str, found: float
) -> None:
    _, low, high = script.median_interval(_case(runs, scenario, signal).cost_gap)
    assert low <= found <= high
    assert f"{found:,}" in PAGE


@pytest.mark.parametrize(
    ("scenario", "signal", "page"),
    [
        (PRINTED, "0.06", PAGE),
        (PRINTED, "gradient", PAGE),
        (PRINTED, "0.06", VERIFICATION),
        (ADDITIVE, "0.06", VERIFICATION),
        (ADDITIVE, "gradient", VERIFICATION),
    ],
)
def test_the_text_gives_the_medians_of_the_runs(
    runs: pd.DataFrame, scenario: str, signal: str, page: str
) -> None:
    said = script.median_text(_case(runs, scenario, signal).cost_gap)
    assert said in page.replace(script.outcome_table(runs), "")


@pytest.mark.parametrize("n", [6, 20, 40, 101])
def test_the_interval_of_a_median_holds_it_in_95_of_100_cases(n: int) -> None:
    """A value is below the median with probability 1/2: miss when fewer than j are below, or above."""
    low_rank = int(np.flatnonzero(np.arange(n) == script.median_interval(np.arange(n))[1])[0])
    assert 1 - 2 * binom.cdf(low_rank, n, 0.5) >= 0.95
    assert 1 - 2 * binom.cdf(low_rank + 1, n, 0.5) < 0.95
    median, low, high = script.median_interval(np.random.default_rng(n).permutation(n))
    assert low + high == pytest.approx(2 * median)


@pytest.mark.parametrize(("hits", "n"), [(0, 40), (36, 40), (40, 40), (3, 20)])
def test_the_interval_of_a_share_is_clopper_and_pearson_s(hits: int, n: int) -> None:
    """At its ends the tail beyond what was seen is 2.5 %."""
    low, high = script.share_interval(hits, n)
    assert (hits == 0 and low == 0) or binom.sf(hits - 1, n, low) == pytest.approx(0.025)
    assert (hits == n and high == 1) or binom.cdf(hits, n, high) == pytest.approx(0.025)


def _by_plain_recursion(case: Any, seed: int) -> dict[str, float]:
    """The row of a case: costs, gains, first signals and draws of its seed, and nothing of the engine."""
    overrides = [
        f"communities.market.platform.initial_signal={case.signal}", *script.CHANGES[case.change]
    ]  # fmt: skip
    loaded = load_scenario(case.scenario, overrides, seed)
    scenario, streams = loaded.scenario, Streams(seed)
    reader = trace_reader(loaded.folder)
    made = design(0, scenario.communities[0], scenario.groups, scenario.comms, loaded.context, reader)
    cost = {name: np.array(value) for name, value in made.costs._asdict().items()}
    market = recursion.Recursion(
        cost,
        [90.0, 80.0],
        gains=made.gains,
        signals=made.signals,
        policy=made.responses.kinds[0],
        weight=-np.expm1(-1 / 100) if "memory" in case.change else None,
    )
    fields = [streams.field(f"decision/market/{name}") for name in ("consumption", "production")]
    draws = np.stack([field.block(1, script.STEPS, 99) for field in fields], axis=-1)
    trajectory = market.run(draws)
    averages = trajectory.averages[: script.STEPS]
    open_steps = (trajectory.responses > 0).any(axis=2)
    last_open = script.STEPS - np.argmax(open_steps[::-1], axis=0)
    locked = last_open <= script.STEPS // 2
    error = trajectory.decisions[: script.STEPS, :, 0].sum(axis=1)[-200:] - 90.0
    return {
        "cost_gap": float(cost_gaps(made.costs, averages[-1:])[0]),
        "locked_out": int(locked.sum()),
        "locked_step_last": float(last_open[locked].max() + 1) if locked.any() else np.nan,
        "locked_sum_highest": float(max(averages[k, i].sum() for i, k in enumerate(last_open) if locked[i]))
        if locked.any()
        else np.nan,
        "average_sum_consumption": float(averages[-1, :, 0].sum()),
        "average_sum_production": float(averages[-1, :, 1].sum()),
        "signal_consumption": float(trajectory.signals[script.STEPS - 1, 0]),
        "signal_production": float(trajectory.signals[script.STEPS - 1, 1]),
        "error_mean": float(error.mean()),
        "error_std": float(error.std()),
    }


def _assert_same(runs: pd.DataFrame, seeds: list[int]) -> None:
    for case in script.CASES:
        stored = _case(runs, *case)
        for seed in seeds:
            for name, value in _by_plain_recursion(case, seed).items():
                # A gap is a difference of costs of a thousand, with 1e-12 of them as its rounding.
                assert stored.loc[seed, name] == pytest.approx(value, rel=1e-7, abs=1e-7, nan_ok=True), (
                    case, seed, name,
                )  # fmt: skip


def test_a_plain_recursion_gives_the_same_runs(runs: pd.DataFrame) -> None:
    _assert_same(runs, [3])


@pytest.mark.slow
def test_a_plain_recursion_gives_all_of_the_runs(runs: pd.DataFrame) -> None:
    _assert_same(runs, list(range(1, 41)))
