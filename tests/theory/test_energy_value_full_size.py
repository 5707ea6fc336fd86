"""Full-size days (Table I, 24 hours, 50 sellers): the exact schedule against other solvers."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.trading.scheduling.exact import solve_exact
from cosim.trading.scheduling.greedy import solve_greedy
from cosim.trading.scheduling.schedule import Infeasible, Schedule, evaluate, excess_kwh
from cosim.trading.valuation.appliance import ways_to_run


def _load_bench() -> Any:
    path = Path(__file__).resolve().parents[2] / "bench" / "bench_schedule.py"
    spec = importlib.util.spec_from_file_location("energy_value_bench_schedule", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


bench = _load_bench()


def _compare(seeds: range, kind: str) -> None:
    for seed in seeds:
        instance = bench.full_size(seed, kind)
        found = solve_exact(bench.as_problem(instance))
        assert isinstance(found, Schedule)
        assert found.objective == pytest.approx(bench.solve_plain(bench.plain_model(instance)), abs=1e-6)


@pytest.mark.slow
def test_equals_the_plain_formulation_on_a_few() -> None:
    _compare(range(3), "solar")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["solar", "all_day"])
def test_equals_the_plain_formulation_on_thirty(kind: str) -> None:
    _compare(range(15), kind)


@pytest.mark.parametrize("contracted_kw", [5.0, 5.5, 7.0, 7.4])
@pytest.mark.fast_cases("5.5")
def test_equals_the_plain_formulation_where_power_is_short(contracted_kw: float) -> None:
    for seed in range(2):
        instance = bench.full_size(seed)
        found = solve_exact(bench.as_problem(instance, contracted_kw))
        optimum = bench.solve_plain(bench.plain_model(instance, contracted_kw))
        if np.isnan(optimum):
            assert isinstance(found, Infeasible)
        else:
            assert isinstance(found, Schedule)
            assert found.objective == pytest.approx(optimum, abs=1e-6)


@pytest.mark.parametrize("kind", ["solar", "all_day"])
def test_never_below_greedy_or_a_random_schedule(kind: str) -> None:
    rng = np.random.default_rng(1)
    kept = 0
    for seed in range(20):
        problem = bench.as_problem(bench.full_size(seed, kind, 20))
        best, greedy = solve_exact(problem), solve_greedy(problem)
        assert isinstance(best, Schedule)
        if isinstance(greedy, Schedule):
            assert greedy.objective <= best.objective + 1e-9
        for _ in range(50):
            rows = []
            for appliance in problem.appliances:
                ways = ways_to_run(appliance, 24)
                rows.append(ways[rng.integers(len(ways))])
            on = np.array(rows)
            if not np.any(excess_kwh(problem, on)):
                kept += 1
                assert evaluate(problem, on).objective <= best.objective + 1e-9
    assert kept > 200


def test_the_same_problem_gives_the_same_schedule() -> None:
    for seed in range(5):
        first, again = (solve_exact(bench.as_problem(bench.full_size(seed))) for _ in range(2))
        assert isinstance(first, Schedule)
        assert isinstance(again, Schedule)
        assert np.array_equal(first.on, again.on)
