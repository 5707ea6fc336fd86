"""A run without latency, loss and phase is paper A's recursion, to the bit, in every table it leaves."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.core.streams import Streams
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.results.store import read_table


def _load_recursion() -> Any:
    spec = importlib.util.spec_from_file_location(
        "engine_recursion", Path(__file__).with_name("recursion.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


recursion = _load_recursion()

ONE_RESOURCE = """
name: consumption_only
seed: 5
time: {start: 2019-01-01T00:00:00Z, step_s: 86400, steps: 300}
groups:
  - name: homes
    households: 40
    cost:
      kind: consumption_only
      linear: {uniform: [4, 6]}
      quadratic: {uniform: [0.5, 2]}
      quartic: 0.5
      target: 0.7
communities:
  - name: market
    groups: [homes]
    resources: [{name: consumption, capacity: 25}]
"""
EXPONENTIAL = "communities.market.agent.averages={kind: exponential, time_constant_steps: 30}"


def _plain_run(run: Path, seed: int, **settings: Any) -> Any:
    """The recursion with the costs in the run's own table and the draws of its seed."""
    regulation = read_table(run, "regulation")
    resources = list(dict.fromkeys(regulation["resource"]))
    prosumers = read_table(run, "prosumers")
    n_steps = int(regulation["step"].max())
    cost = {
        name: prosumers[f"cost_{name}"].to_numpy() for name in ("linear", "target", "quadratic", "quartic")
    }
    for name in ("alpha", "own_quadratic", "own_quartic"):
        cost[name] = np.array([prosumers[f"cost_{name}_{resource}"] for resource in resources])
    fields = [Streams(seed).field(f"decision/market/{resource}") for resource in resources]
    # Row k+1 decides x(k+1); the last decision comes before the last tick.
    draws = np.stack([field.block(1, n_steps + 1, len(prosumers)) for field in fields], axis=-1)
    first = regulation[regulation["step"] == 0]
    market = recursion.Recursion(
        cost, first["capacity"].to_numpy(), signals=first["signal"].to_numpy(), **settings
    )
    return market.run(draws)


def _by_step(table: pd.DataFrame, column: str, *keys: str) -> np.ndarray:
    """The column as an array: one axis for the step, one for each key, in the order they first appear."""
    shape = [table[key].nunique() for key in ("step", *keys)]
    codes = [pd.factorize(table[key], sort=key == "step")[0] for key in ("step", *keys)]
    result = np.full(shape, np.nan)
    result[tuple(codes)] = table[column]
    assert not np.isnan(result).any()
    return result


def _assert_equal(run: Path, trajectory: Any) -> None:
    regulation, decisions = read_table(run, "regulation"), read_table(run, "decisions")
    n = int(regulation["step"].max()) + 1
    assert np.array_equal(_by_step(regulation, "signal", "resource"), trajectory.signals[:n])
    sums = trajectory.decisions.sum(axis=1)
    assert np.array_equal(_by_step(regulation, "aggregate", "resource"), sums[:n])
    assert np.array_equal(_by_step(regulation, "measured", "resource"), sums[:n])
    for column, expected in (
        ("requested", trajectory.decisions[1 : n + 1]),
        ("delivered", trajectory.decisions[1 : n + 1]),
        ("average", trajectory.averages[:n]),
        ("gradient", trajectory.gradients[:n]),
        ("probability", np.clip(trajectory.responses[:n], 0.0, 1.0)),
    ):
        assert np.array_equal(_by_step(decisions, column, "prosumer", "resource"), expected), column
    # The last bits of a sum depend on its order, and the table's is not the recursion's.
    average_sums = _by_step(regulation, "average_sum", "resource")
    assert np.allclose(average_sums, trajectory.averages[:n].sum(axis=1), rtol=1e-14, atol=0)


@pytest.mark.parametrize("weight", [None, -np.expm1(-1 / 30)], ids=["cumulative", "exponential"])
@pytest.mark.parametrize(
    ("policy", "start", "gain"),
    [
        ("additive", [11.7, 11.6], 5e-3),
        ("proportional", [11.7, 11.6], 5e-3),
        ("inverse_average", [0.06, 0.06], 2e-4),
    ],
)
@pytest.mark.fast_cases("additive-start0-0.005-cumulative", "inverse_average-start2-0.0002-cumulative")
def test_two_resources(
    tmp_path: Path, policy: str, start: list[float], gain: float, weight: float | None
) -> None:
    settings = [
        "time.steps=250",
        "report.figures=false",
        f"communities.market.agent.policy={policy}",
        f"communities.market.platform.initial_signal={start}",
        f"communities.market.platform.gain=[{gain}, {2 * gain}]",
        *([] if weight is None else [EXPONENTIAL]),
    ]
    loaded = load_scenario("section6", settings, seed=7)
    run_scenario(loaded, tmp_path / "run")
    trajectory = _plain_run(
        tmp_path / "run", 7, gains=[gain, 2 * gain], policy=policy, kappa=0.3, weight=weight
    )
    _assert_equal(tmp_path / "run", trajectory)
    decided = trajectory.decisions[1:]
    assert 0.05 < decided.mean() < 0.99  # the comparison means something: both outcomes occur


@pytest.mark.parametrize("weight", [None, -np.expm1(-1 / 30)], ids=["cumulative", "exponential"])
def test_one_resource(tmp_path: Path, weight: float | None) -> None:
    """Paper A section 4.2."""
    file = tmp_path / "scenario.yaml"
    file.write_text(ONE_RESOURCE)
    settings = ["communities.market.platform.gain=0.02", *([] if weight is None else [EXPONENTIAL])]
    run_scenario(load_scenario(str(file), settings), tmp_path / "run")
    trajectory = _plain_run(tmp_path / "run", 5, gains=[0.02], policy="additive", kappa=0.3, weight=weight)
    _assert_equal(tmp_path / "run", trajectory)
    assert 0.3 < trajectory.decisions[1:].mean() < 0.9


def test_section_6_additive_follows_the_recursion_for_many_steps(tmp_path: Path) -> None:
    """What the recursion shows in 100,000 steps (test_regulation_section6) so holds for the engine."""
    settings = [
        "time.steps=800",
        "record.decisions=false",
        "communities.market.platform.initial_signal=[11.7, 11.6]",
        "communities.market.platform.gain=5e-3",
    ]
    run_scenario(load_scenario("section6_additive", settings), tmp_path / "run")
    trajectory = _plain_run(tmp_path / "run", 1, gains=[5e-3, 5e-3], policy="additive", kappa=0.3)
    regulation = read_table(tmp_path / "run", "regulation")
    assert np.array_equal(_by_step(regulation, "signal", "resource"), trajectory.signals[:800])
    assert np.array_equal(
        _by_step(regulation, "measured", "resource"), trajectory.decisions.sum(axis=1)[:800]
    )


def _last(run: Path, column: str) -> np.ndarray:
    regulation = read_table(run, "regulation")
    return regulation[regulation["step"] == regulation["step"].max()][column].to_numpy()


@pytest.mark.slow
def test_section_6_as_printed_locks_households_out(tmp_path: Path) -> None:
    settings = ["time.steps=2500", "communities.market.platform.gain=2e-4"]
    run_scenario(load_scenario("section6", settings), tmp_path / "run")
    decisions = read_table(tmp_path / "run", "decisions")
    late = decisions[decisions["step"] > 2000]
    highest = late.groupby("prosumer")["probability"].max()
    locked_out = highest.index[highest == 0.0]
    assert len(locked_out) > 0
    assert min(locked_out) > "h050"  # Community 1's gradient is positive everywhere
    assert _last(tmp_path / "run", "optimum_gap")[0] > 50.0


@pytest.mark.slow
def test_section_6_additive_recovers_from_the_printed_signal(tmp_path: Path) -> None:
    settings = [
        "time.steps=4000",
        "record.decisions=false",
        "communities.market.platform.initial_signal=0.06",
        "communities.market.platform.gain=5e-3",
    ]
    run_scenario(load_scenario("section6_additive", settings), tmp_path / "run")
    assert np.abs(_last(tmp_path / "run", "signal") - [11.7, 11.6]).max() < 1.0
    regulation = read_table(tmp_path / "run", "regulation")
    gaps = regulation[regulation["resource"] == "consumption"]["optimum_gap"].to_numpy()
    assert gaps[-1] < 20.0
    assert gaps[-1] < gaps[1000] / 2


@pytest.mark.slow
def test_section_6_additive_ends_within_a_tenth_of_the_optimal_cost(tmp_path: Path) -> None:
    settings = [
        "time.steps=100000",
        "record.decisions=false",
        "communities.market.platform.initial_signal=gradient",
        "communities.market.platform.gain=5e-3",
    ]
    outcome = run_scenario(load_scenario("section6_additive", settings), tmp_path / "run")
    gap = outcome.summary["market_cost_gap_end"]
    assert gap is not None
    assert 0.0 <= gap < 0.1
    assert np.abs(_last(tmp_path / "run", "average_sum") - _last(tmp_path / "run", "capacity")).max() < 0.1
