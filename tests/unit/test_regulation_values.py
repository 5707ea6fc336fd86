"""Values: a number, one each, or a distribution read by its quantile function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from cosim.config.values import (
    NonNegativeValue,
    PositiveHoursValue,
    PositiveValue,
    ProbabilityValue,
    Value,
    bounds,
    draw,
)
from cosim.core.errors import InputError

VALUE: TypeAdapter[Any] = TypeAdapter(Value)
UNIFORMS = (np.arange(1000) + 0.5) / 1000
LAST = np.nextafter(1.0, 0.0)


def _drawn(raw: Any, uniforms: Any = UNIFORMS) -> Any:
    return draw(VALUE.validate_python(raw), uniforms)


def test_a_number_is_the_same_for_all() -> None:
    assert np.array_equal(_drawn(1.74), np.full(1000, 1.74))
    assert np.array_equal(_drawn(3), np.full(1000, 3.0))


def test_uniform_is_linear_in_the_draw_and_stays_inside() -> None:
    assert np.allclose(_drawn({"uniform": [2, 6]}), 2 + 4 * UNIFORMS)
    assert _drawn({"uniform": [0.1, 0.3]}, np.array([LAST])) <= 0.3


def test_uniform_int_gives_both_ends_and_equal_shares() -> None:
    numbers, counts = np.unique(_drawn({"uniform_int": [1, 10]}), return_counts=True)
    assert numbers.tolist() == list(range(1, 11))
    assert (counts == 100).all()
    assert _drawn({"uniform_int": [1, 10]}, np.array([0.0, LAST])).tolist() == [1.0, 10.0]
    assert _drawn({"uniform_int": [-3, -3]}, np.array([0.0, LAST])).tolist() == [-3.0, -3.0]


def test_normal_has_scipys_quantiles() -> None:
    raw = {"normal": {"mean": 8, "std": 2}}
    assert np.allclose(_drawn(raw), stats.norm(8, 2).ppf(UNIFORMS), rtol=1e-12)
    assert np.isfinite(_drawn(raw, np.array([0.0, LAST]))).all()


@pytest.mark.parametrize(("low", "high"), [(4, 9), (None, 9), (7.5, None), (12, 13)])
def test_truncated_normal_has_scipys_quantiles(low: float | None, high: float | None) -> None:
    raw = {"normal": {"mean": 8, "std": 2}, "low": low, "high": high}
    a = -math.inf if low is None else (low - 8) / 2
    b = math.inf if high is None else (high - 8) / 2
    assert np.allclose(_drawn(raw), stats.truncnorm(a, b, 8, 2).ppf(UNIFORMS), rtol=1e-9)
    smallest, largest = bounds(VALUE.validate_python(raw))
    ends = _drawn(raw, np.array([0.0, LAST]))
    assert smallest <= ends[0] <= ends[1] <= largest


def test_choice_gives_each_its_share() -> None:
    numbers, counts = np.unique(_drawn({"choice": [5, 1, 1, 2]}), return_counts=True)
    assert numbers.tolist() == [1, 2, 5]
    assert counts.tolist() == [500, 250, 250]


def test_each_is_by_household() -> None:
    assert _drawn({"each": [3, 1, 2]}, np.zeros(3)).tolist() == [3, 1, 2]
    with pytest.raises(InputError, match="3 numbers for 4 households"):
        _drawn({"each": [3, 1, 2]}, np.zeros(4))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (2, (2, 2)),
        ({"uniform": [1, 2]}, (1, 2)),
        ({"uniform_int": [1, 9]}, (1, 9)),
        ({"choice": [4, 2, 3]}, (2, 4)),
        ({"each": [7, -1]}, (-1, 7)),
        ({"normal": {"mean": 0, "std": 1}}, tuple(stats.norm.ppf([2.0**-54, 1 - 2.0**-53]))),
        ({"normal": {"mean": 0, "std": 1}, "low": -1}, (-1, stats.norm.ppf(1 - 2.0**-53))),
    ],
)
def test_bounds(raw: Any, expected: tuple[float, float]) -> None:
    assert bounds(VALUE.validate_python(raw)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (True, "neither a number nor"),
        (None, "neither a number nor"),
        ([1, 2], "neither a number nor"),
        ({"unifrm": [1, 2]}, r"neither a number nor one of \{uniform: \[low, high\]\}"),
        ("much", "valid number"),
        (math.nan, "finite"),
        ({"uniform": [2, 1]}, "swap them"),
        ({"uniform": [1, 2], "low": 0}, "Extra inputs"),
        ({"uniform_int": [1.5, 2]}, "integer"),
        ({"normal": {"mean": 0, "std": -1}}, "more than 0"),
        ({"normal": {"mean": 0, "std": 1}, "low": 3, "high": 2}, "swap them"),
        ({"normal": {"mean": 0, "std": 1}, "low": 9}, "nearly all"),
        ({"choice": []}, "at least 1"),
    ],
)
def test_what_is_refused(raw: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        VALUE.validate_python(raw)


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (NonNegativeValue, {"uniform": [0, 1]}, {"uniform": [-1, 1]}),
        (PositiveValue, {"each": [0.1, 2]}, {"each": [0, 2]}),
        (PositiveValue, {"normal": {"mean": 1, "std": 1}, "low": 0.1}, {"normal": {"mean": 8, "std": 1}}),
        (ProbabilityValue, {"choice": [0, 1]}, {"choice": [0, 1.2]}),
        (PositiveHoursValue, 1, 0),
    ],
)
def test_limits_hold_for_everything_that_can_be_drawn(form: Any, good: Any, bad: Any) -> None:
    TypeAdapter(form).validate_python(good)
    with pytest.raises(ValidationError, match="must be"):
        TypeAdapter(form).validate_python(bad)


def test_one_household_more_changes_nobody_elses_number() -> None:
    uniforms = np.random.default_rng(0).random(100)
    for raw in (
        {"uniform": [2, 6]},
        {"uniform_int": [1, 9]},
        {"normal": {"mean": 0, "std": 1}},
        {"choice": [1, 2]},
    ):
        assert np.array_equal(_drawn(raw, uniforms)[:99], _drawn(raw, uniforms[:99]))
