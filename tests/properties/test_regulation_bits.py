"""What holds for all costs: a float and an array give the same bits; value and gradient belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.regulation.averages import CumulativeAverage, ExponentialAverage
from cosim.regulation.costs.polynomial import CostParameters
from cosim.regulation.optimum import solve_optimum
from cosim.regulation.policies import POLICIES
from tests.examples import examples
from tests.theory.yardstick import cost_gaps

WEIGHTS = st.floats(0.0, 30.0)
SHARES = st.floats(0.0, 1.0)


@st.composite
def _instances(draw: Any) -> tuple[CostParameters, Any]:
    """Costs of a few households and averages of shape (m, N)."""
    n, m = draw(st.integers(1, 5)), draw(st.integers(1, 3))

    def column(numbers: Any) -> Any:
        return np.array(draw(st.lists(numbers, min_size=n, max_size=n)))

    costs = CostParameters(
        column(st.floats(-20.0, 20.0)),
        column(st.floats(0.0, 3.0)),
        column(WEIGHTS),
        column(WEIGHTS),
        tuple(column(SHARES) for _ in range(m)),
        tuple(column(WEIGHTS) for _ in range(m)),
        tuple(column(WEIGHTS) for _ in range(m)),
    )
    return costs, np.array([column(SHARES) for _ in range(m)])


@settings(max_examples=examples(150), deadline=None, derandomize=True)
@given(_instances())
def test_floats_and_arrays_give_the_same_bits(instance: tuple[CostParameters, Any]) -> None:
    costs, x = instance
    values, slopes = costs.value(list(x)), costs.gradients(list(x))
    for i in range(costs.n_households):
        one, point = costs.household(i), [float(row[i]) for row in x]
        assert one.value(point) == values[i]
        assert one.gradients(point) == tuple(float(slope[i]) for slope in slopes)
        for name in ("additive", "proportional", "inverse_average"):
            policy = POLICIES[name]()
            array = policy.response(11.6, x[0], slopes[0])
            assert policy.response(11.6, point[0], float(slopes[0][i])) == array[i]
        for rule in (CumulativeAverage(), ExponentialAverage(time_constant_steps=25)):
            assert rule.update(point[0], 1, 7) == rule.update(x[0], np.ones(len(x[0])), 7)[i]


@settings(max_examples=examples(150), deadline=None, derandomize=True)
@given(_instances())
def test_the_gradient_is_the_derivative_of_the_value(instance: tuple[CostParameters, Any]) -> None:
    costs, x = instance
    step = 1e-5
    for r in range(len(x)):
        up, down = x.copy(), x.copy()
        up[r] += step
        down[r] -= step
        difference = (costs.value(list(up)) - costs.value(list(down))) / (2 * step)
        # The difference quotient's own error: third derivatives up to 24 · 30 · 6, and rounding.
        assert difference == pytest.approx(costs.gradients(list(x))[r], abs=1e-5)


@settings(max_examples=examples(150), deadline=None, derandomize=True)
@given(_instances(), st.floats(0.0, 1.0))
def test_every_cost_is_convex_on_the_box(instance: tuple[CostParameters, Any], share: float) -> None:
    costs, x = instance
    other = x[:, ::-1]
    between = costs.value(list(share * x + (1 - share) * other))
    chord = share * costs.value(list(x)) + (1 - share) * costs.value(list(other))
    assert (between <= chord + 1e-9 * (1 + np.abs(chord))).all()


@settings(max_examples=examples(60), deadline=None, derandomize=True)
@given(_instances())
def test_no_averages_cost_less_than_the_optimum_for_their_sums(instance: tuple[CostParameters, Any]) -> None:
    costs, x = instance
    optimum = solve_optimum(costs, x.sum(axis=1))
    reached = float(costs.value(list(x)).sum())
    gap = float(cost_gaps(costs, x.T[np.newaxis])[0])
    assert gap > -1e-9
    assert optimum.cost <= reached + 1e-6
    assert np.allclose(optimum.x.sum(axis=0), x.sum(axis=1), atol=1e-7)
    assert gap == pytest.approx(reached - optimum.cost, abs=1e-6)


def _often_degenerate(rng: Any, n: int, low: float, high: float) -> Any:
    """Numbers that are often all zero, partly zero, tiny, or equal: flat directions and ties."""
    numbers = rng.uniform(low, high, n)
    return [
        numbers,
        np.zeros(n),
        np.where(rng.random(n) < 0.5, numbers, 0.0),
        numbers * 10.0 ** rng.uniform(-8, 0, n),
        np.full(n, numbers[0]),
    ][rng.integers(5)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.fast_cases("0", "1")
def test_flat_directions_ties_and_edges_are_solved_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(150):
        n, m = int(rng.integers(1, 6)), int(rng.integers(1, 4))

        def each(low: float, high: float, n: int = n, m: int = m) -> tuple[Any, ...]:
            return tuple(_often_degenerate(rng, n, low, high) for _ in range(m))

        costs = CostParameters(
            _often_degenerate(rng, n, -20, 20),
            _often_degenerate(rng, n, 0, 3),
            _often_degenerate(rng, n, 0, 30),
            _often_degenerate(rng, n, 0, 30),
            each(0, 1),
            each(0, 30),
            each(0, 30),
        )
        x = np.array(each(0, 1))
        x = np.round(x) if rng.random() < 0.2 else x
        optimum = solve_optimum(costs, x.sum(axis=1))
        gap = float(cost_gaps(costs, x.T[np.newaxis])[0])
        assert gap > -1e-9
        assert np.allclose(optimum.x.sum(axis=0), x.sum(axis=1), atol=1e-7)
        # The bound that the multipliers prove and the cost of the point found: together they are exact.
        assert gap == pytest.approx(float(costs.value(list(x)).sum()) - optimum.cost, abs=1e-6)
