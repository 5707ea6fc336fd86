"""Section 6 of paper A by a plain recursion: who finds the optimum, and who locks households out."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.regulation.averages import Average, CumulativeAverage, ExponentialAverage
from cosim.regulation.control_laws import update
from cosim.regulation.costs.polynomial import CostParameters
from cosim.regulation.operating_point import operating_point
from cosim.regulation.policies import POLICIES, Policy
from cosim.regulation.responses import Responses
from tests.theory.yardstick import cost_gaps


def _load_recursion() -> Any:
    spec = importlib.util.spec_from_file_location(
        "regulation_recursion", Path(__file__).with_name("recursion.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


recursion = _load_recursion()
CAPACITIES = np.array([90.0, 80.0])


def _section_6(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return recursion.section_6_cost(rng.integers(1, 11, 99), rng.integers(1, 16, 49))


def _all(policy: Policy) -> Responses:
    return Responses.of_groups([policy], [99])


def _parameters(cost: dict[str, Any]) -> CostParameters:
    return CostParameters(
        cost["linear"],
        cost["target"],
        cost["quadratic"],
        cost["quartic"],
        tuple(cost["alpha"]),
        tuple(cost["own_quadratic"]),
        tuple(cost["own_quartic"]),
    )


def _run(cost: dict[str, Any], n_steps: int, seed: int, **settings: Any) -> Any:
    market = recursion.Recursion(cost, CAPACITIES, **settings)
    rng = np.random.default_rng(seed)
    for _ in range(n_steps // 500):
        for draws in rng.random((500, 99, 2)):
            market.step(draws)
    return market


def _gap(market: Any) -> float:
    """Cost above the optimum for the sums reached."""
    return float(cost_gaps(_parameters(market.cost), market.averages.T[np.newaxis])[0])


@pytest.mark.parametrize("policy", ["additive", "proportional", "inverse_average"])
@pytest.mark.parametrize("average", [CumulativeAverage(), ExponentialAverage(time_constant_steps=20)])
def test_pure_functions_on_floats_repeat_the_recursion_to_the_bit(policy: str, average: Average) -> None:
    weight = average.weight if isinstance(average, ExponentialAverage) else None
    cost = _section_6(3)
    start = 0.06 if policy == "inverse_average" else 11.6
    draws = np.random.default_rng(4).random((120, 99, 2))
    trajectory = recursion.Recursion(
        cost, CAPACITIES, [1e-4, 2e-4], [start, start + 0.01], policy, 0.3, weight
    ).run(draws)

    rule = POLICIES[policy]()
    parameters = _parameters(cost)
    private = [parameters.household(i) for i in range(99)]
    signals = [start, start + 0.01]
    x = [[1, 1] for _ in range(99)]
    means = [[1.0, 1.0] for _ in range(99)]
    for k, row in enumerate(draws.tolist()):
        following = [
            update(signals[r], (1e-4, 2e-4)[r], sum(x[i][r] for i in range(99)), CAPACITIES[r].item())
            for r in range(2)
        ]
        for i in range(99):
            slopes = private[i].gradients(means[i])
            x[i] = [int(row[i][r] < rule.response(signals[r], means[i][r], slopes[r])) for r in range(2)]
            means[i] = [average.update(means[i][r], x[i][r], k) for r in range(2)]
        signals = following
        assert np.array_equal(np.array(means), trajectory.averages[k + 1])
        assert np.array_equal(np.array(x), trajectory.decisions[k + 1])
        assert np.array_equal(np.array(signals), trajectory.signals[k + 1])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_additive_ends_within_a_tenth_of_the_optimal_cost(seed: int) -> None:
    market = _run(_section_6(seed), 100_000, seed + 50, gains=[5e-3, 5e-3], signals=[11.7, 11.6])
    assert 0.0 <= _gap(market) < 0.1
    assert np.abs(market.averages.sum(axis=1) - CAPACITIES).max() < 0.05


def test_additive_recovers_from_a_signal_far_from_the_gradients() -> None:
    market = _run(_section_6(1), 20_000, 51, gains=[5e-3, 5e-3], signals=[0.06, 0.06])
    expected = operating_point(_all(POLICIES["additive"]()), _parameters(market.cost), CAPACITIES).signals
    assert np.abs(market.signals - expected).max() < 0.3
    assert _gap(market) < 5.0


def test_the_policy_as_printed_locks_households_out() -> None:
    """Paper A (22) from Ω(0) = 0.06: some of Community 2 end with σ = 0, far from the optimum."""
    market = _run(
        _section_6(1), 20_000, 51, policy="inverse_average", gains=[2e-4, 2e-4], signals=[0.06, 0.06]
    )
    response = market.responses(market.gradients())
    locked_out = (response <= 0).all(axis=0)
    assert locked_out.any()
    assert not locked_out[:50].any()  # Community 1's gradient is positive everywhere
    assert np.all(market.averages[:, locked_out].sum(axis=0) < 1.0)
    assert _gap(market) > 50.0


def test_proportional_collapses_from_the_printed_signal() -> None:
    """(20) needs Ω near the gradients: from 0.06 the averages fall, and what has fallen falls further."""
    market = _run(_section_6(1), 5_000, 51, policy="proportional", gains=[5e-3, 5e-3], signals=[0.06, 0.06])
    assert (market.averages < 0.5).mean() > 0.1
    assert _gap(market) > 100.0


def test_operating_point_of_the_printed_policy_is_where_no_one_is_locked_out() -> None:
    """Drawn towards its mean response and not to 0 or 1, every household satisfies x̄² = Ω ∇g."""
    cost = _section_6(1)
    parameters = _parameters(cost)
    point = operating_point(_all(POLICIES["inverse_average"]()), parameters, CAPACITIES)
    assert point.residual < 1e-9
    slopes = np.array(parameters.gradients(list(point.averages.T)))
    assert np.allclose(point.averages.T**2, point.signals[:, None] * slopes, rtol=1e-9)
    assert np.allclose(point.averages.sum(axis=0), CAPACITIES)
    step = 1e-6
    raised = (point.signals[:, None] + step) * slopes / point.averages.T
    assert np.allclose(
        (raised - point.averages.T).sum(axis=1) / step, point.loop_gains, rtol=1e-4
    )  # G is the aggregate's answer to a raised signal
