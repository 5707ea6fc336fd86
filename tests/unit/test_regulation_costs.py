"""Costs against paper A's formulae as printed, and Assumption 1 against a search of the box."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cosim.config.parameters import drawn
from cosim.config.values import draw
from cosim.core.errors import InputError
from cosim.regulation.community_costs import community_costs
from cosim.regulation.cost_checks import require_usable
from cosim.regulation.costs.consumption_only import ConsumptionOnlyCost
from cosim.regulation.costs.polynomial import CostParameters, concatenate
from cosim.regulation.costs.section6 import Section6Community1, Section6Community2
from cosim.regulation.costs.separable import SeparableCost

N = 40
RNG = np.random.default_rng(0)
X, Y = RNG.random((2, N))


def _uniforms(name: str) -> Any:
    return np.random.default_rng(list(name.encode())).random(N)


def _build(form: Any, m: int = 2) -> CostParameters:
    cost = drawn(form, lambda key, value: draw(value, _uniforms(key)))
    require_usable(cost, m, N)
    return community_costs([(cost, N)], m)  # type: ignore[return-value]


def test_community_1_as_printed() -> None:
    a = np.floor(1 + 10 * _uniforms("a"))
    t = 1.74
    printed = 11.75 * (X + Y) + a / 4 * (X + Y - t) ** 2 + (X - t / 2) ** 2 / 2 + (Y - t / 2) ** 2 / 2
    assert np.allclose(_build(Section6Community1()).value([X, Y]), printed, rtol=1e-14)


def test_community_2_as_printed() -> None:
    a, b = np.floor(1 + 10 * _uniforms("a")), np.floor(1 + 15 * _uniforms("b"))
    t = 1.725
    printed = 11.65 * (X + Y) + a / 8 * (X + Y - t) ** 2 + 5 / 4 * b * (X + Y - t) ** 4
    printed += (X - t / 2) ** 2 / 2 + (Y - t / 2) ** 2 / 2
    assert np.allclose(_build(Section6Community2()).value([X, Y]), printed, rtol=1e-14)


def test_separable_as_in_26() -> None:
    form = SeparableCost.model_validate(
        {
            "linear": 12,
            "coupling_quadratic": 2,
            "coupling_quartic": 3,
            "own_quadratic": [0.5, {"uniform": [1, 2]}],
            "own_quartic": 0.7,
            "target": 1.5,
            "alpha": 0.3,
        }
    )
    weight = 1 + _uniforms("own_quadratic.1")
    h, f = X - 0.3 * 1.5, Y - 0.7 * 1.5
    s = X + Y - 1.5
    expected = 12 * (X + Y) + 2 * s**2 + 3 * s**4 + 0.5 * h**2 + weight * f**2 + 0.7 * (h**4 + f**4)
    assert np.allclose(_build(form).value([X, Y]), expected, rtol=1e-14)


def test_consumption_only_and_three_resources() -> None:
    one = _build(ConsumptionOnlyCost(linear=3.0, quadratic=2.0, quartic=1.5, target=0.6), 1)
    assert np.allclose(one.value([X]), 3 * X + 2 * (X - 0.6) ** 2 + 1.5 * (X - 0.6) ** 4)
    three = _build(SeparableCost(linear=1.0, target=1.2), 3)
    z = RNG.random(N)
    expected = X + Y + z + 0.5 * ((X - 0.4) ** 2 + (Y - 0.4) ** 2 + (z - 0.4) ** 2)
    assert np.allclose(three.value([X, Y, z]), expected)


@pytest.mark.parametrize(
    ("form", "m", "message"),
    [
        (Section6Community1(), 1, "needs a community of 2"),
        (ConsumptionOnlyCost(linear=1.0, target=1.0), 2, "needs a community of 1"),
        (SeparableCost(linear=1.0, target=1.0, alpha=0.3), 3, "3 resources"),
        (SeparableCost(linear=1.0, target=1.0, own_quadratic=(1.0, 2.0)), 3, "2 values for 3"),
        (Section6Community1.model_validate({"a": {"each": [1, 2]}}), 2, "2 numbers for 40"),
    ],
)
def test_a_form_that_does_not_suit_the_community(form: Any, m: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _build(form, m)


def test_groups_are_joined_and_taken_apart() -> None:
    both = concatenate([_build(Section6Community1()), _build(Section6Community2())])
    assert both.n_households == 2 * N
    one = both.household(N + 3)
    assert isinstance(one.own_quadratic[1], float)
    assert (
        one.value([0.5, 0.25]) == _build(Section6Community2()).value([np.full(N, 0.5), np.full(N, 0.25)])[3]
    )
    assert both.select(np.array([0, N + 3])).linear.tolist() == [11.75, 11.65]
    table = both.columns(["consumption", "production"])
    assert table["cost_linear"][N] == 11.65
    assert set(map(len, table.values())) == {2 * N}
    assert "cost_own_quartic_production" in table


def test_community_1_satisfies_assumption_1() -> None:
    assert _build(Section6Community1()).assumption_1_violations() == [None] * N


def test_assumption_1_fails_for_community_2_where_a_search_finds_a_negative_derivative() -> None:
    costs = _build(Section6Community2.model_validate({"b": {"uniform": [0, 1]}, "a": 1}))
    grid = np.linspace(1e-9, 1, 101)
    least = np.full(N, np.inf)
    for x in grid:
        for y in grid:
            least = np.minimum(least, np.min(costs.gradients([np.full(N, x), np.full(N, y)]), axis=0))
    found = [text is not None for text in costs.assumption_1_violations()]
    assert found == (least < 0).tolist()
    assert any(found)
    assert not all(found)


def test_the_paper_s_b_violates_assumption_1() -> None:
    texts = _build(Section6Community2.model_validate({"b": 15, "a": 1})).assumption_1_violations()
    assert all(text is not None and "not strictly increasing" in text for text in texts)


@pytest.mark.parametrize(
    ("quadratic", "own", "m", "is_convex"),
    [
        (1, 0, 1, True),
        (1, 0, 2, False),
        (0, 1, 2, True),
        (0, [1, 0], 2, False),
        (1, [1, 0], 2, True),
        (0, 0, 1, False),
    ],
)
def test_strict_convexity(quadratic: float, own: Any, m: int, is_convex: bool) -> None:
    form = SeparableCost.model_validate(
        {"linear": 50, "coupling_quadratic": quadratic, "own_quadratic": own, "target": 1, "alpha": [0.5] * m}
    )
    text = _build(form, m).assumption_1_violations()[0]
    assert (text is None) == is_convex
    if not is_convex:
        assert text is not None
        assert "not strictly convex" in text


def test_a_constant_cost_does_not_increase() -> None:
    form = SeparableCost.model_validate({"linear": 0, "own_quadratic": 0, "target": 1})
    text = _build(form).assumption_1_violations()[0]
    assert text is not None
    assert "not strictly increasing" in text


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        (SeparableCost(linear=1, target=1), {"linear": 1e308, "own_quadratic": 1e308, "target": 1e3}),
        (SeparableCost(linear=1, target=1), {"coupling_quartic": 1e200, "target": 1e100}),
        (Section6Community2(gamma=11.65, b=1), {"b": 1e300, "target": 1e10}),
    ],
)
def test_costs_that_cannot_be_calculated_with_are_refused(form: Any, numbers: dict[str, float]) -> None:
    """The schema's ranges keep such numbers out; a cost of another origin is refused all the same."""
    with pytest.raises(InputError, match="too large to calculate"):
        _build(form.model_copy(update=numbers))


@pytest.mark.parametrize(("linear", "said"), [(np.inf, "inf"), (-np.inf, "-inf"), (np.nan, "nan")])
def test_assumption_1_names_a_derivative_that_is_no_number(linear: float, said: str) -> None:
    cost = _build(Section6Community1())._replace(linear=np.full(N, linear))
    text = cost.assumption_1_violations(["consumption", "production"])[0]
    assert text == f"too large to calculate: the derivative by consumption is {said} near x = 0"
