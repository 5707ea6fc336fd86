"""Means, intervals, crossings and the digits they are shown with, each against what is known of it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from cosim.report.robustness_maps import short
from cosim.study.robustness.boundary import crossing
from cosim.study.robustness.break_even import sign_change
from cosim.study.robustness.estimates import estimate, paired_difference


def test_interval_of_two_values_is_students() -> None:
    found = estimate([1.0, 3.0])
    # Half of the distance times the 97.5 % quantile of Student's t with one degree of freedom (Cauchy).
    assert found.mean == 2.0
    assert found.half_width == pytest.approx(math.tan(math.pi * 0.475))
    assert estimate([1.0, math.nan, math.inf]).n == 1
    assert math.isnan(estimate([1.0]).half_width)
    assert math.isnan(estimate([]).mean)


def test_intervals_cover_the_mean_nineteen_times_in_twenty() -> None:
    draws = np.random.default_rng(1).normal(5.0, 2.0, (4000, 6))
    covered = sum(each.low <= 5.0 <= each.high for each in map(estimate, draws))
    assert covered / 4000 == pytest.approx(0.95, abs=0.015)


def test_shared_draws_cancel_in_a_difference() -> None:
    common = np.random.default_rng(2).normal(0, 100, 8)
    one, other = pd.Series(common + 1.5, range(8)), pd.Series(common, range(8)).iloc[::-1]
    found = paired_difference(one, other.iloc[2:])
    assert found.n == 6
    assert found.mean == pytest.approx(1.5)
    assert found.half_width < 1e-9


def test_rounding_is_no_difference() -> None:
    values = pd.Series([0.1, 0.7, 1.3, 2.9])
    found = paired_difference(values + 0.3, values + 0.1 + 0.2)
    assert found[:2] == (0.0, 0.0)
    assert found.sign == 0


def test_crossing_of_a_power_law_is_exact() -> None:
    gains = np.geomspace(0.1, 10, 7)
    assert crossing(gains, 3 * gains**2.5, 20.0) == pytest.approx((20 / 3) ** (1 / 2.5))
    assert math.isnan(crossing(gains, 3 * gains, 1000.0))
    assert math.isnan(crossing(gains, 3 * gains, 0.1))
    # A single point that is above by chance is not the boundary; what is missing is passed over.
    assert crossing(np.array([1.0, 2, 3, 4]), np.array([5.0, 1, np.nan, 4]), 2.0) == pytest.approx(2 * 2**0.5)


def test_sign_change() -> None:
    places = np.array([0.0, 1.0, 3.0])
    assert sign_change(places, np.array([2.0, 1.0, -1.0])) == pytest.approx(2.0)
    assert sign_change(places, np.array([-1.0, -2.0, -0.1])) == 0.0
    assert math.isnan(sign_change(places, np.array([-1.0, -2.0, 0.1])))
    assert sign_change(places, np.array([-1.0, 1.0, -1.0])) == pytest.approx(2.0)
    assert sign_change(places, np.array([1.0, math.nan, -2.0])) == pytest.approx(1.0)


def test_numbers_in_cells_have_the_digits_that_their_interval_leaves() -> None:
    assert short(12.3456, 0.21) == "12.3±0.2"
    assert short(-0.4, 1.2) == "0±1"
    assert short(1.018234, 0.000031) == "1.01823±0.00003"
    assert short(5.0, 0.0) == "5"
