"""Policies and averages: formulae, fixed points, slopes, and operating points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cosim.core.filters import weight_of_newest
from cosim.regulation.averages import CumulativeAverage, ExponentialAverage
from cosim.regulation.costs.polynomial import CostParameters
from cosim.regulation.operating_point import operating_point
from cosim.regulation.policies import POLICIES, Policy
from cosim.regulation.policies.additive import Additive
from cosim.regulation.policies.proportional import Proportional
from cosim.regulation.responses import Responses

NAMES: list[Any] = ["additive", "proportional", "inverse_average"]


def _all(policy: Policy, n: int) -> Responses:
    return Responses.of_groups([policy], [n])


def test_the_formulae() -> None:
    assert POLICIES["proportional"]().response(11.6, 0.8, 10.0) == pytest.approx(11.6 * 0.8 / 10)
    assert POLICIES["inverse_average"]().response(0.06, 0.8, 10.0) == pytest.approx(0.06 * 10 / 0.8)
    assert POLICIES["additive"]().response(11.6, 0.8, 11.0) == pytest.approx(0.8 + 0.3 * 0.6)
    assert Additive(kappa=0.5).response(11.6, 0.8, 11.0) == pytest.approx(0.8 + 0.5 * 0.6)


@pytest.mark.parametrize("name", NAMES)
def test_the_slope_is_the_derivative_by_the_signal(name: Any) -> None:
    policy = POLICIES[name]()
    difference = policy.response(3.1, 0.7, 9.0) - policy.response(2.9, 0.7, 9.0)
    assert policy.slope(0.7, 9.0) == pytest.approx(difference / 0.2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("average", "gradient"), [(0.0, 5.0), (0.5, 0.0), (0.0, 0.0)])
def test_a_denominator_of_zero_is_no_error(name: Any, average: float, gradient: float) -> None:
    policy = POLICIES[name]()
    scalar = policy.response(11.0, average, gradient)
    array = policy.response(11.0, np.array([average]), np.array([gradient]))
    assert not math.isnan(scalar)
    assert array[0] == scalar


def test_proportional_stays_at_an_average_of_zero() -> None:
    assert Proportional().response(11.0, 0.0, 5.0) == 0.0


def test_cumulative_average_is_the_mean() -> None:
    outcomes = np.random.default_rng(0).integers(0, 2, 500)
    average: Any = float(outcomes[0])
    rule = CumulativeAverage()
    for k, outcome in enumerate(outcomes[1:].tolist()):
        average = rule.update(average, outcome, k)
    assert average == pytest.approx(outcomes.mean(), rel=1e-12)


def test_exponential_average_forgets_to_1_over_e_in_a_time_constant() -> None:
    rule = ExponentialAverage(time_constant_steps=25)
    average: Any = 1.0
    for k in range(25):
        average = rule.update(average, 0, k)
    assert average == pytest.approx(math.exp(-1), rel=1e-12)
    assert weight_of_newest(1e9) == pytest.approx(1e-9, rel=1e-8)


def _costs(n: int, seed: int) -> CostParameters:
    rng = np.random.default_rng(seed)
    half = np.full(n, 0.5)
    return CostParameters(
        rng.uniform(11, 12, n),
        np.full(n, 1.4),
        rng.uniform(0.1, 1.0, n),
        np.zeros(n),
        (half, half),
        (rng.uniform(1, 3, n), rng.uniform(1, 3, n)),
        (np.zeros(n), np.zeros(n)),
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(5))
def test_the_operating_point_is_a_fixed_point_and_g_its_slope(name: Any, seed: int) -> None:
    policy, costs = POLICIES[name](), _costs(30, seed)
    capacities = np.array([21.0, 18.0])
    point = operating_point(_all(policy, 30), costs, capacities)
    assert point.residual < 1e-8
    assert np.allclose(point.averages.sum(axis=0), capacities)

    def aggregate(shift: float) -> Any:
        x = point.averages.T
        slopes = np.array(costs.gradients(list(x)))
        return np.clip(policy.response((point.signals + shift)[:, None], x, slopes), 0, 1).sum(axis=1)

    assert np.allclose((aggregate(1e-7) - aggregate(-1e-7)) / 2e-7, point.loop_gains, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_where_nobody_is_at_a_bound_the_platform_knows_g_without_any_cost(name: Any) -> None:
    """κN for `additive`; C/Ω for those that multiply, since σ is in proportion to Ω and the sum is C."""
    capacities = np.array([14.0, 12.0])
    point = operating_point(_all(POLICIES[name](), 30), _costs(30, 1), capacities)
    assert np.all((point.averages > 0) & (point.averages < 1))
    expected = [0.3 * 30] * 2 if name == "additive" else capacities / point.signals
    assert point.loop_gains == pytest.approx(expected, rel=1e-6)


def test_households_at_a_bound_do_not_answer() -> None:
    zero, half = np.zeros(2), np.full(2, 0.5)
    costs = CostParameters(np.array([1.0, 50.0]), half, zero, zero, (half,), (half,), (zero,))
    point = operating_point(_all(Additive(), 2), costs, np.array([1.4]))
    assert point.averages[:, 0] == pytest.approx([1.0, 0.4])
    assert point.loop_gains == pytest.approx([0.3])


def test_a_missing_fixed_point_shows_in_the_residual() -> None:
    """With (22), a gradient that is negative at every average leaves no x̄² = Ω ∇g to hold the sum."""
    n = 3
    zero, half = np.zeros(n), np.full(n, 0.5)
    costs = CostParameters(np.full(n, -50.0), half, zero, zero, (half,), (half,), (zero,))
    assert operating_point(_all(POLICIES["inverse_average"](), n), costs, np.array([1.5])).residual > 0.1
