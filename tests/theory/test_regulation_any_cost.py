"""Costs outside of paper A's family: optimum, operating point and a run, against scipy and enumeration."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.optimize import LinearConstraint, brentq, minimize

from cosim.config.values import FiniteValue, PositiveValue, Uniform
from cosim.core.errors import InputError
from cosim.core.streams import Streams
from cosim.engine.load import load_scenario
from cosim.engine.run import preflight, run_scenario
from cosim.regulation.community_costs import Costs, MixedCosts, community_costs
from cosim.regulation.cost_checks import assumption_1_violations, require_usable
from cosim.regulation.costs import COSTS, Cost
from cosim.regulation.costs.interface import FloatOrArray
from cosim.regulation.costs.polynomial import CostParameters
from cosim.regulation.costs.separable import SeparableCost
from cosim.regulation.general_solver import by_slsqp
from cosim.regulation.operating_point import operating_point
from cosim.regulation.optimum import solve_optimum
from cosim.regulation.policies import POLICIES
from cosim.regulation.responses import Responses
from tests.theory.yardstick import cost_gaps, optimal_costs


class Exponential(Cost):
    """g(x) = Σ_r price·x_r + e^(steepness·s) / steepness, s the sum; its curvature by differences."""

    price: FiniteValue = 1.0
    """Cost of a unit [cost]."""
    steepness: PositiveValue = 2.0
    """How fast it grows [1]."""

    def value(self, x: Sequence[FloatOrArray]) -> FloatOrArray:
        a: Any = self.steepness
        price: Any = self.price
        return price * sum(x) + np.exp(a * sum(x)) / a + sum(one * one for one in x)

    def gradients(self, x: Sequence[FloatOrArray]) -> Sequence[FloatOrArray]:
        a: Any = self.steepness
        price: Any = self.price
        return [price + np.exp(a * sum(x)) + 2.0 * one for one in x]


class Kinked(Cost):
    """g(x) = Σ_r 3 x_r + √((x_r − ½)² + width²): a kink that is rounded off, with its curvature."""

    width: PositiveValue = 0.02
    """How much it is rounded off [units per step]."""

    def value(self, x: Sequence[FloatOrArray]) -> FloatOrArray:
        return sum(3.0 * one + self._root(one) for one in x)

    def gradients(self, x: Sequence[FloatOrArray]) -> Sequence[FloatOrArray]:
        return [3.0 + (one - 0.5) / self._root(one) for one in x]

    def curvature(self, x: Sequence[FloatOrArray]) -> Sequence[Sequence[FloatOrArray]]:
        width: Any = self.width
        each = [width**2 / self._root(one) ** 3 for one in x]
        return [[own if r == s else 0.0 for s in range(len(x))] for r, own in enumerate(each)]

    def _root(self, x: FloatOrArray) -> FloatOrArray:
        width: Any = self.width
        return np.sqrt((x - 0.5) ** 2 + width**2)


class Logarithmic(Cost):
    """g(x) = 4 x − ln(x + ¼), for one resource alone."""

    resources: ClassVar[int | None] = 1

    def value(self, x: Sequence[FloatOrArray]) -> FloatOrArray:
        return 4.0 * x[0] - np.log(x[0] + 0.25)

    def gradients(self, x: Sequence[FloatOrArray]) -> Sequence[FloatOrArray]:
        return [4.0 - 1.0 / (x[0] + 0.25)]


class LogSumExp(Cost):
    """g(x) = price Σ_r x_r + ln Σ_r e^((r+1) x_r) + ½ Σ_r x_r²: each pair is coupled, by no sum."""

    price: FiniteValue = 1.0
    """Cost of a unit [cost]."""

    def value(self, x: Sequence[FloatOrArray]) -> FloatOrArray:
        price: Any = self.price
        return price * sum(x) + np.log(sum(self._weights(x))) + 0.5 * sum(one * one for one in x)

    def gradients(self, x: Sequence[FloatOrArray]) -> Sequence[FloatOrArray]:
        price: Any = self.price
        weights = self._weights(x)
        total = sum(weights)
        return [price + (r + 1) * weight / total + x[r] for r, weight in enumerate(weights)]

    def _weights(self, x: Sequence[FloatOrArray]) -> list[FloatOrArray]:
        return [np.exp((r + 1) * one) for r, one in enumerate(x)]


FAMILY = SeparableCost(linear=6.0, target=1.0, coupling_quadratic=1.0, coupling_quartic=0.5)
MIXTURES = {
    "exponential": (Exponential(), Exponential(price=2.0, steepness=1.0)),
    "kinked": (Kinked(), Kinked(width=0.2)),
    "with the family": (Exponential(), FAMILY),
    "all": (Kinked(width=0.1), FAMILY, Exponential(price=0.5)),
}


def _costs(classes: Sequence[Cost], n: int, m: int) -> Costs:
    return community_costs([(cost, n) for cost in classes], m)


def _by_trust_constr(costs: Costs, capacities: Any) -> float:
    """Optimal cost by another of scipy's methods, which uses values and gradients alone."""
    n, m = costs.n_households, len(capacities)
    found = minimize(
        lambda flat: float(np.sum(costs.value(list(flat.reshape(m, n))))),
        np.repeat(np.asarray(capacities) / n, n),
        jac=lambda flat: np.concatenate(costs.gradients(list(flat.reshape(m, n)))),
        bounds=[(0, 1)] * (n * m),
        constraints=LinearConstraint(np.kron(np.eye(m), np.ones(n)), capacities, capacities),
        method="trust-constr",
        options={"gtol": 1e-10, "xtol": 1e-12, "maxiter": 3000},
    )
    return float(found.fun)


def _residual(costs: Costs, optimum: Any, capacities: Any) -> float:
    """Of the optimality conditions, written out here."""
    x = optimum.x.T
    dual = np.array(costs.gradients(list(x))) - optimum.multipliers[:, None]
    stationarity = np.where(x <= 0, np.maximum(-dual, 0), np.where(x >= 1, np.maximum(dual, 0), np.abs(dual)))
    return float(max(stationarity.max(), np.abs(x.sum(axis=1) - capacities).max()))


@pytest.mark.filterwarnings("ignore:delta_grad")  # of the other solver
@pytest.mark.parametrize("mixture", MIXTURES)
@pytest.mark.parametrize("levels", [(0.5, 0.4), (0.05, 0.9), (0.97, 0.6)])
def test_the_optimum_is_that_of_another_solver(mixture: str, levels: tuple[float, float]) -> None:
    costs = _costs(MIXTURES[mixture], 3, 2)
    capacities = np.array(levels) * costs.n_households
    optimum = solve_optimum(costs, capacities)
    assert optimum.is_solved
    assert _residual(costs, optimum, capacities) < 1e-6
    other = _by_trust_constr(costs, capacities)  # which stops a little above it where costs have kinks
    assert other - 5e-5 < optimum.cost < other + 1e-6
    bound = optimal_costs(costs, capacities[None])[0]
    assert bound <= optimum.cost + 1e-9
    assert bound == pytest.approx(optimum.cost, abs=1e-5)


@pytest.mark.filterwarnings("ignore:delta_grad")
@pytest.mark.parametrize("levels", [(0.5, 0.4, 0.3), (0.9, 0.1, 0.6), (0.3, 0.7, 0.05, 0.5)])
@pytest.mark.fast_cases("levels0")
def test_three_resources_and_more_that_are_coupled_by_no_sum(levels: tuple[float, ...]) -> None:
    costs = _costs((LogSumExp(), LogSumExp(price=2.0), FAMILY), 2, len(levels))
    capacities = np.array(levels) * costs.n_households
    optimum = solve_optimum(costs, capacities)
    assert optimum.is_solved
    assert _residual(costs, optimum, capacities) < 1e-6
    assert optimum.cost == pytest.approx(_by_trust_constr(costs, capacities), abs=1e-6)
    assert optimal_costs(costs, capacities[None])[0] == pytest.approx(optimum.cost, abs=1e-6)


@pytest.mark.parametrize("mixture", MIXTURES)
@pytest.mark.fast_cases("kinked", "all")
def test_no_point_of_a_grid_costs_less(mixture: str) -> None:
    costs = _costs(MIXTURES[mixture][:2], 1, 2)
    grid = np.linspace(0.0, 1.0, 101)
    capacities = np.array([1.1, 0.7])
    best = np.inf
    for x, y in itertools.product(grid, grid):
        other = capacities - (x, y)
        if (other >= 0).all() and (other <= 1).all():
            best = min(best, float(np.sum(costs.value([np.array([x, other[0]]), np.array([y, other[1]])]))))
    optimum = solve_optimum(costs, capacities)
    assert best - 2e-3 <= optimum.cost <= best + 1e-12


def test_many_households_and_a_cost_of_one_resource() -> None:
    """The common gradient by bisection: the averages at a gradient are known in closed form."""
    costs, capacity = _costs((Logarithmic(),), 500, 1), 321.0
    common = brentq(lambda mu: 500 * np.clip(1 / (4 - mu) - 0.25, 0, 1) - capacity, 0.0, 3.99, xtol=1e-14)
    optimum = solve_optimum(costs, np.array([capacity]))
    assert optimum.multipliers[0] == pytest.approx(common, abs=1e-9)
    assert optimum.x[:, 0] == pytest.approx(np.full(500, capacity / 500), abs=1e-9)


def test_the_family_is_the_same_by_the_general_way() -> None:
    """Costs of the family as blocks of any form, against the way that knows their form."""
    rng = np.random.default_rng(3)
    n = 40
    family = CostParameters(
        rng.uniform(5, 15, n), rng.uniform(0.5, 2, n), rng.uniform(0, 5, n), rng.uniform(0, 20, n),
        (rng.uniform(0, 1, n), rng.uniform(0, 1, n)), (rng.uniform(0.1, 2, n),) * 2,
        (rng.uniform(0, 5, n),) * 2,
    )  # fmt: skip
    blocks = MixedCosts(2, (family,), (np.arange(n),))
    capacities = np.array([22.0, 9.0])
    one, other = solve_optimum(family, capacities), solve_optimum(blocks, capacities)
    assert other.x == pytest.approx(one.x, abs=1e-9)
    assert other.multipliers == pytest.approx(one.multipliers, abs=1e-8)
    steps = rng.uniform(0, 1, (50, n, 2))
    assert cost_gaps(blocks, steps) == pytest.approx(cost_gaps(family, steps), abs=1e-8)


def test_slsqp_alone_finds_it_too() -> None:
    costs, capacities = _costs(MIXTURES["all"], 2, 2), np.array([3.0, 2.5])
    x, mu = by_slsqp(costs, capacities, np.repeat(capacities[:, None] / 6, 6, axis=1))
    optimum = solve_optimum(costs, capacities)
    assert pytest.approx(optimum.x, abs=1e-4) == x.T
    assert mu == pytest.approx(optimum.multipliers, abs=1e-3)


def test_gaps_are_not_negative() -> None:
    costs = _costs(MIXTURES["all"], 4, 2)
    averages = np.random.default_rng(1).uniform(0, 1, (200, costs.n_households, 2))
    gaps = cost_gaps(costs, averages)
    assert gaps.min() > -1e-9
    optimum = solve_optimum(costs, averages[0].sum(axis=0))
    assert gaps[0] == pytest.approx(np.sum(costs.value(list(averages[0].T))) - optimum.cost, abs=1e-5)


@pytest.mark.parametrize("name", ["additive", "proportional", "inverse_average"])
@pytest.mark.parametrize("mixture", MIXTURES)
def test_the_operating_point_repeats_itself(name: str, mixture: str) -> None:
    costs = _costs(MIXTURES[mixture], 4, 2)
    n = costs.n_households
    capacities = np.array([0.6, 0.5]) * n
    responses = Responses.of_groups([POLICIES[name]()], [n])
    point = operating_point(responses, costs, capacities)
    assert point.is_fixed
    x = point.averages.T
    slopes = np.array(costs.gradients(list(x)))
    again = np.clip(responses.response(point.signals[:, None], x, slopes), 0, 1)
    assert again == pytest.approx(x, abs=1e-4)
    if name != "inverse_average":
        assert point.averages == pytest.approx(solve_optimum(costs, capacities).x, abs=1e-9)


def test_some_households_of_a_mixture() -> None:
    costs = community_costs(
        [(Exponential.model_construct(price=np.array([1.0, 2.0, 3.0]), steepness=1.0), 3), (FAMILY, 2)], 2
    )
    x = np.random.default_rng(0).uniform(0, 1, (2, 5))
    some = np.array([1, 2, 4])
    assert costs.select(some).value(list(x[:, some])).tolist() == costs.value(list(x))[some].tolist()
    for i in range(5):
        one = costs.household(i)
        assert one.value(x[:, i].tolist()) == pytest.approx(costs.value(list(x))[i])
        assert list(one.gradients(x[:, i].tolist())) == pytest.approx(
            [g[i] for g in costs.gradients(list(x))]
        )
    table = costs.columns(["a", "b"])
    assert table["cost_price"] == pytest.approx([1, 2, 3, np.nan, np.nan], nan_ok=True)
    assert table["cost_linear"] == pytest.approx([np.nan] * 3 + [6, 6], nan_ok=True)


class Wavy(Exponential):
    """Not convex."""

    def value(self, x: Sequence[FloatOrArray]) -> FloatOrArray:
        return 5.0 * x[0] + np.sin(6.0 * x[0])

    def gradients(self, x: Sequence[FloatOrArray]) -> Sequence[FloatOrArray]:
        return [5.0 + 6.0 * np.cos(6.0 * x[0]), *(0.0 * one for one in x[1:])]


class Wrong(Exponential):
    """With the gradient of another cost."""

    def gradients(self, x: Sequence[FloatOrArray]) -> Sequence[FloatOrArray]:
        return [1.0 + 0.0 * one for one in x]


class Broken(Exponential):
    """Which cannot be calculated."""

    def gradients(self, x: Sequence[FloatOrArray]) -> Sequence[FloatOrArray]:
        raise ZeroDivisionError("division by zero")


class Endless(Exponential):
    """Whose value is no number at 0."""

    def value(self, x: Sequence[FloatOrArray]) -> FloatOrArray:
        return np.log(x[0])

    def gradients(self, x: Sequence[FloatOrArray]) -> Sequence[FloatOrArray]:
        return [1.0 / x[0], *(0.0 * one for one in x[1:])]


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (Wavy(), "is not convex: its curvature at ("),
        (Wrong(), "has a gradient of 1 by resource 1 at (0, 0), where its value changes by 2"),
        (Broken(), "fails with ZeroDivisionError: division by zero"),
        (Endless(), "has a value that is not a finite number at (0, 0)"),
    ],
)
def test_what_cannot_be_calculated_with_is_refused(cost: Cost, said: str) -> None:
    with pytest.raises(InputError) as caught:
        require_usable(cost, 2, 3)
    (problem,) = caught.value.problems
    assert f"({__name__}.{type(cost).__name__})" in problem.message
    assert said in problem.message


def test_a_cost_for_one_resource_is_refused_for_two() -> None:
    with pytest.raises(InputError, match="needs a community of 1 resource, and this one has 2"):
        require_usable(Logarithmic(), 2, 3)


def test_assumption_1_of_a_mixture() -> None:
    costs = _costs((Exponential(price=-2.0), FAMILY, Exponential(price=5.0)), 1, 2)
    falling, *fine = assumption_1_violations(costs, ["a", "b"])
    assert falling == "not strictly increasing: the derivative by a is -1 at (0, 0)"
    assert fine == [None, None]


SCENARIO: dict[str, Any] = {
    "name": "s",
    "time": {"steps": 300},
    "groups": [
        {"name": "a", "households": 10, "cost": {"kind": "exponential", "price": {"uniform": [1, 2]}}},
        {
            "name": "b",
            "households": 10,
            "cost": {"kind": "separable", "linear": 4, "coupling_quadratic": 1, "target": 1},
        },
    ],
    "communities": [
        {
            "name": "c",
            "groups": ["a", "b"],
            "resources": [{"name": "x", "capacity": 10}, {"name": "y", "capacity": 8}],
        }
    ],
    "report": {"figures": False},
}


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COSTS, "_classes", dict(COSTS._classes))
    COSTS.register("exponential")(Exponential)


@pytest.mark.usefixtures("registered")
def test_a_run_with_a_cost_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(SCENARIO))
    loaded = load_scenario("s.yaml", folder=tmp_path)
    assert [problem for problem in preflight(loaded) if problem.severity == "error"] == []
    outcome = run_scenario(loaded, tmp_path / "run")
    assert outcome.status == "done"
    tables = tmp_path / "run" / "tables"
    regulation = pd.read_parquet(tables / "regulation.parquet")
    decisions = pd.read_parquet(tables / "decisions.parquet")
    prosumers = pd.read_parquet(tables / "prosumers.parquet")
    assert regulation.optimum_gap.min() > -1e-9
    assert regulation.distance.notna().all()
    # The community comes near the optimum: the last gap is small beside the first.
    assert regulation.optimum_gap.iloc[-1] < 0.05 * regulation.optimum_gap.max()
    price = 1 + Streams(loaded.scenario.seed).field("household/cost.price").row(0, 20)[:10]
    assert prosumers.cost_price[:10].tolist() == price.tolist()
    # A recorded gradient is that of the formula at the recorded averages.
    one = decisions[(decisions.prosumer == "h003") & (decisions.step == 200)].set_index("resource")
    expected = price[2] + np.exp(2.0 * one.average.sum()) + 2.0 * one.average
    assert one.gradient.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-12)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:delta_grad")
def test_a_run_with_three_coupled_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Divisible units settle at the optimum that another solver finds."""
    monkeypatch.setattr(COSTS, "_classes", dict(COSTS._classes))
    COSTS.register("log_sum_exp")(LogSumExp)
    resources = [{"name": name, "capacity": units} for name, units in (("x", 4), ("y", 3), ("z", 5))]
    scenario: dict[str, Any] = {
        **SCENARIO,
        "groups": [
            {"name": "a", "households": 5, "cost": {"kind": "log_sum_exp", "price": 0.5}},
            {"name": "b", "households": 5, "cost": {**SCENARIO["groups"][1]["cost"], "target": 1.5}},
        ],
        "communities": [
            {
                "name": "c",
                "groups": ["a", "b"],
                "resources": resources,
                "agent": {
                    "decision": "divisible",
                    "averages": {"kind": "exponential", "time_constant_steps": 10},
                },
            }
        ],
        "time": {"steps": 600},
    }
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(scenario))
    assert run_scenario(load_scenario("s.yaml", folder=tmp_path), tmp_path / "run").status == "done"
    decisions = pd.read_parquet(tmp_path / "run" / "tables" / "decisions.parquet")
    x = decisions[decisions.step == 599].delivered.to_numpy().reshape(10, 3).T
    family = SeparableCost.model_validate(scenario["groups"][1]["cost"])
    costs = _costs((LogSumExp(price=0.5), family), 5, 3)
    best = _by_trust_constr(costs, np.array([4.0, 3.0, 5.0]))
    assert x.sum(axis=1) == pytest.approx([4, 3, 5], abs=1e-3)
    assert float(np.sum(costs.value(list(x)))) == pytest.approx(best, abs=1e-3)


def test_numbers_of_a_cost_may_be_drawn() -> None:
    assert Exponential(price=Uniform(uniform=(1.0, 2.0))).price == Uniform(uniform=(1.0, 2.0))
