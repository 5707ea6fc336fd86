"""Problem 1, against scipy's solvers, the optimality conditions, and enumeration on a grid."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, linprog, minimize

from cosim.core.errors import InputError
from cosim.regulation import optimum
from cosim.regulation.costs.polynomial import CostParameters, GradientTerms
from cosim.regulation.optimum import OptimalCosts, solve_optimum
from cosim.regulation.optimum_loops import advance, begin, equations
from tests.theory.yardstick import cost_gaps, optimal_costs


def _random_costs(rng: Any, n: int, m: int, scale: float = 1.0) -> CostParameters:
    def numbers(low: float, high: float) -> Any:
        return rng.uniform(low, high, n)

    alpha = rng.dirichlet(np.ones(m), n).T
    return CostParameters(
        linear=numbers(5, 15),
        target=numbers(0.2, m),
        quadratic=scale * numbers(0, 5),
        quartic=scale * numbers(0, 20) * (rng.random(n) < 0.5),
        alpha=tuple(alpha),
        own_quadratic=tuple(scale * numbers(0.1, 2) for _ in range(m)),
        own_quartic=tuple(scale * numbers(0, 5) * (rng.random(n) < 0.5) for _ in range(m)),
    )


def _by_slsqp(costs: CostParameters, capacities: Any) -> float:
    """Optimal cost by scipy's SLSQP, whose own value and gradient are written out here."""
    n, m = costs.n_households, costs.n_resources
    alpha, own, own4 = (np.array(part) for part in (costs.alpha, costs.own_quadratic, costs.own_quartic))

    def objective(flat: Any) -> tuple[float, Any]:
        x = flat.reshape(m, n)
        d, e = x.sum(axis=0) - costs.target, x - alpha * costs.target
        cost = costs.linear * x.sum(axis=0) + costs.quadratic * d**2 + costs.quartic * d**4
        cost = cost + (own * e**2 + own4 * e**4).sum(axis=0)
        shared = costs.linear + 2 * costs.quadratic * d + 4 * costs.quartic * d**3
        return float(cost.sum()), (shared + 2 * own * e + 4 * own4 * e**3).ravel()

    sums = LinearConstraint(np.kron(np.eye(m), np.ones(n)), capacities, capacities)
    start = np.repeat(np.asarray(capacities) / n, n)
    found = minimize(
        objective,
        start,
        jac=True,
        bounds=[(0, 1)] * (n * m),
        constraints=sums,
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 1000},
    )
    return float(found.fun)


@pytest.mark.parametrize("seed", range(30))
def test_equals_slsqp_with_and_without_active_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 9)), int(rng.integers(1, 4))
    costs = _random_costs(rng, n, m)
    capacities = rng.uniform(0.02, 0.98, m) * n
    optimum = solve_optimum(costs, capacities)
    assert optimum.residual < 1e-9
    assert optimum.cost == pytest.approx(_by_slsqp(costs, capacities), abs=2e-6)
    assert optimal_costs(costs, capacities[None])[0] == pytest.approx(optimum.cost, abs=1e-9)


def test_some_of_these_instances_have_active_bounds_and_some_have_none() -> None:
    n_active = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        n, m = int(rng.integers(2, 9)), int(rng.integers(1, 4))
        x = solve_optimum(_random_costs(rng, n, m), rng.uniform(0.02, 0.98, m) * n).x
        n_active.append(int(((x == 0) | (x == 1)).sum()))
    assert min(n_active) == 0
    assert sum(count > 0 for count in n_active) >= 5


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("level", [0.001, 0.3, 0.9, 0.999])
def test_optimality_conditions_hold(scale: float, level: float) -> None:
    rng = np.random.default_rng(7)
    costs = _random_costs(rng, 300, 2, scale)
    capacities = np.array([level * 300, 0.5 * 300])
    optimum = solve_optimum(costs, capacities)
    slopes = np.array(costs.gradients(list(optimum.x.T))).T - optimum.multipliers
    size = 1e-8 * (1.0 + np.abs(optimum.multipliers).max())
    inside = (optimum.x > 0) & (optimum.x < 1)
    assert np.abs(slopes[inside]).max(initial=0.0) < size
    assert (slopes[optimum.x == 0] > -size).all()
    assert (slopes[optimum.x == 1] < size).all()
    assert np.allclose(optimum.x.sum(axis=0), capacities, atol=1e-9)
    assert optimum.x.min() >= 0
    assert optimum.x.max() <= 1


@pytest.mark.slow
def test_no_point_of_a_grid_is_cheaper() -> None:
    costs = _random_costs(np.random.default_rng(3), 3, 2)
    best = solve_optimum(costs, np.array([1.5, 2.0])).cost
    steps = np.linspace(0, 1, 21)
    cheapest = np.inf
    for x1, x2, y1, y2 in itertools.product(steps, repeat=4):
        x3, y3 = 1.5 - x1 - x2, 2.0 - y1 - y2
        if 0 <= x3 <= 1 and 0 <= y3 <= 1:
            cost = costs.value([np.array([x1, x2, x3]), np.array([y1, y2, y3])]).sum()
            cheapest = min(cheapest, cost)
    assert best <= cheapest + 1e-9
    assert cheapest - best < 0.1  # the grid comes near


@pytest.mark.parametrize("quadratic", [0.0, 1.0])
def test_costs_that_are_convex_but_not_strictly(quadratic: float) -> None:
    """No curvature but that of the sum, or none at all; then Problem 1 is a linear program."""
    rng = np.random.default_rng(11)
    n, zero = 6, np.zeros(6)
    costs = CostParameters(
        rng.uniform(5, 15, n),
        np.full(n, 1.2),
        np.full(n, quadratic),
        zero,
        (zero, zero),
        (zero, zero),
        (zero, zero),
    )
    capacities = np.array([2.5, 4.0])
    if quadratic:
        expected = _by_slsqp(costs, capacities)
    else:
        equal = np.kron(np.eye(2), np.ones(n))
        expected = linprog(np.tile(costs.linear, 2), A_eq=equal, b_eq=capacities, bounds=(0, 1)).fun
    assert solve_optimum(costs, capacities).cost == pytest.approx(expected, abs=1e-6)
    assert optimal_costs(costs, capacities[None])[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("capacities", "bound"), [((0.0, 0.0), 0.0), ((5.0, 5.0), 1.0)])
def test_at_the_edge_there_is_one_point_only(capacities: tuple[float, float], bound: float) -> None:
    costs = _random_costs(np.random.default_rng(5), 5, 2)
    optimum = solve_optimum(costs, np.array(capacities))
    assert np.array_equal(optimum.x, np.full((5, 2), bound))
    assert optimum.residual < 1e-12
    assert optimum.cost == pytest.approx(costs.value(list(np.full((2, 5), bound))).sum())


def test_one_resource_at_its_edge_leaves_the_other_to_optimise() -> None:
    costs = _random_costs(np.random.default_rng(5), 5, 2)
    optimum = solve_optimum(costs, np.array([5.0, 2.2]))
    assert optimum.cost == pytest.approx(_by_slsqp(costs, [5.0, 2.2]), abs=2e-6)
    assert optimum.residual < 1e-10


def test_a_start_from_a_similar_problem_changes_no_result() -> None:
    costs = _random_costs(np.random.default_rng(8), 200, 2)
    first = solve_optimum(costs, np.array([90.0, 120.0]))
    for capacities in ([91.0, 119.0], [20.0, 199.5]):
        warm = solve_optimum(costs, np.array(capacities), start=first)
        cold = solve_optimum(costs, np.array(capacities))
        assert np.allclose(warm.x, cold.x, atol=1e-9)
        assert np.allclose(warm.multipliers, cold.multipliers, atol=1e-8)


def test_those_who_are_not_active_take_nothing() -> None:
    costs = _random_costs(np.random.default_rng(9), 12, 2)
    active = np.arange(12) % 3 != 0
    optimum = solve_optimum(costs, np.array([4.0, 5.0]), active=active)
    alone = solve_optimum(costs.select(active), np.array([4.0, 5.0]))
    assert not optimum.x[~active].any()
    assert np.allclose(optimum.x[active], alone.x)
    assert optimum.cost == pytest.approx(alone.cost)
    averages = np.random.default_rng(1).random((4, 12, 2))
    assert np.allclose(
        cost_gaps(costs, averages, active), cost_gaps(costs.select(active), averages[:, active])
    )


def test_nobody_active_costs_nothing() -> None:
    costs = _random_costs(np.random.default_rng(9), 4, 2)
    nobody = np.zeros(4, dtype=bool)
    assert solve_optimum(costs, np.zeros(2), active=nobody).cost == 0.0
    assert np.array_equal(optimal_costs(costs, np.zeros((3, 2)), nobody), np.zeros(3))


@pytest.mark.parametrize("wrong", [-0.5, 5.1, np.nan])
def test_a_capacity_that_no_decisions_reach_is_refused(wrong: float) -> None:
    costs = _random_costs(np.random.default_rng(5), 5, 2)
    with pytest.raises(InputError, match="5 households"):
        solve_optimum(costs, np.array([1.0, wrong]))
    with pytest.raises(InputError, match="5 households"):
        optimal_costs(costs, np.array([[1.0, wrong]]))


@pytest.mark.parametrize("n_resources", [1, 2, 3])
def test_the_gap_is_never_negative_and_closes_at_the_optimum(n_resources: int) -> None:
    rng = np.random.default_rng(2)
    costs = _random_costs(rng, 40, n_resources)
    averages = rng.random((300, 40, n_resources))
    averages[0], averages[1] = 0.0, 1.0
    averages[2], averages[3] = 1e-13, 1.0 - 1e-13
    averages[4], averages[5] = 1e-9, 1.0 - 1e-9
    averages[6, :, 0] = 0.0
    averages[7] = averages[7] ** 30
    averages[8] = np.round(averages[8])
    for k in range(10, 20):
        averages[k] = solve_optimum(costs, averages[k].sum(axis=0)).x
    gaps = cost_gaps(costs, averages)
    assert gaps.min() > -1e-9
    assert np.abs(gaps[10:20]).max() < 1e-8
    assert np.abs(gaps[:6]).max() < 1e-3
    assert gaps[20:].min() > 1.0
    single = [cost_gaps(costs, averages[k : k + 1])[0] for k in range(0, 300, 29)]
    assert np.allclose(single, gaps[::29], atol=1e-8)


def test_ten_thousand_households() -> None:
    costs = _random_costs(np.random.default_rng(4), 10_000, 2)
    optimum = solve_optimum(costs, np.array([9000.0, 2000.0]))
    assert optimum.residual < 1e-8
    assert ((optimum.x == 0) | (optimum.x == 1)).sum() > 100


@pytest.mark.slow  # compiling takes most of it
@pytest.mark.parametrize(("n", "m"), [(40, 3), (200, 1), (99, 2)])
def test_problems_followed_one_after_another_cost_what_they_cost_together(
    n: int, m: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(n)
    costs, n_steps = _random_costs(rng, n, m), 15_000 // (n * m) + 1
    walk = rng.uniform(0.2, 0.8, m) + np.cumsum(rng.normal(0, 0.002, (n_steps, m)), axis=0)
    walk[n_steps // 2] = rng.uniform(0.1, 0.9, m)  # far from the one before
    sums = np.clip(walk, 0.01, 0.99) * n
    monkeypatch.setattr(optimum, "_WORTH_COMPILING", 15_000)
    together, left = OptimalCosts._together, []
    expected = together(OptimalCosts(costs, 0), sums)
    monkeypatch.setattr(
        OptimalCosts, "_together", lambda self, some: left.append(some) or together(self, some)
    )
    assert OptimalCosts(costs, sums.size * n).of(sums) == pytest.approx(expected, rel=1e-12, abs=1e-9)
    assert sum(map(len, left)) <= 0.6 * n_steps
    averages = rng.random((30, m, n))
    measured, plainly = (OptimalCosts(costs, size).measure(averages) for size in (15_000, 0))
    assert measured.gaps == pytest.approx(plainly.gaps, rel=1e-9)
    for these, those in zip(measured, plainly, strict=True):
        assert np.array_equal(these, those) or these is measured.gaps


@pytest.mark.parametrize(("n", "m", "seed"), [(150, 2, 1), (60, 1, 2), (60, 3, 3)])
def test_what_is_proved_is_off_by_the_square_of_what_is_left_undone(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs = _random_costs(rng, n, m)
    wanted = rng.uniform(0.3, 0.7, m) * n
    best = solve_optimum(costs, wanted)
    away, nudge = rng.normal(0.0, 1.0, (m, n)), rng.normal(0.0, 1.0, m)
    off = []
    for size in (1e-2, 1e-4, 1e-6):
        followed = begin(GradientTerms.of(costs), best.x.T + size * away, best.multipliers + size * nudge)
        advance(followed, np.zeros(m))
        violation, proved = equations(followed, wanted, np.empty((m, m)), np.empty(m))
        assert 0.1 * size < violation < 1e3 * size
        off.append(best.cost - proved)
    assert off[0] > 1e-3
    assert 0 < off[1] < 4e-4 * off[0]
    assert abs(off[2]) < 4e-8 * off[0] + 1e-14 * best.cost
