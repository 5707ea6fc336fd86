"""Means, intervals, crossings and the digits they are shown with, each against what is known of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.report.robustness_maps import short
from cosim.study.robustness.boundary import crossing
from cosim.study.robustness.break_even import sign_change
from cosim.study.robustness.estimates import (
    ANY,
    NOT_NEGATIVE,
    Limits,
    estimate,
    paired_difference,
)
from cosim.study.robustness.quantities import limits_of

SHARE = Limits(0.0, 1.0)


def test_interval_of_five_values_is_students_and_fewer_have_none() -> None:
    found = estimate([1.0, 2.0, 3.0, 4.0, 5.0])
    # 97.5 % quantile of Student's t with four degrees of freedom, from its printed table.
    assert found.mean == 3.0
    assert found.high - 3.0 == pytest.approx(2.7764 * math.sqrt(2.5 / 5), abs=1e-4)
    assert 3.0 - found.low == pytest.approx(found.high - 3.0)
    assert estimate([1.0, math.nan, math.inf]).n == 1
    few = estimate([1.0, 2.0, 3.0, 4.0])
    assert (few.mean, few.n, few.sign) == (2.5, 4, 0)
    assert math.isnan(few.low)
    assert math.isnan(few.high)
    assert math.isnan(estimate([]).mean)


def test_intervals_cover_the_mean_nineteen_times_in_twenty() -> None:
    draws = np.random.default_rng(1).normal(5.0, 2.0, (4000, 6))
    covered = sum(each.low <= 5.0 <= each.high for each in map(estimate, draws))
    assert covered / 4000 == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(
    ("draw", "true_mean", "limits"),
    [
        (lambda rng: rng.exponential(0.3, (4000, 5)), 0.3, NOT_NEGATIVE),
        (lambda rng: rng.poisson(1.2, (4000, 5)), 1.2, NOT_NEGATIVE),
        (lambda rng: rng.beta(0.4, 4.0, (4000, 6)), 1 / 11, SHARE),
        (lambda rng: 1 - rng.beta(0.4, 4.0, (4000, 5)), 10 / 11, SHARE),
    ],
)
def test_limits_cut_intervals_off_and_lose_no_truth(draw: Any, true_mean: float, limits: Limits) -> None:
    """What lies beyond the limits never held the truth: as many intervals hold it as without them."""
    draws = np.asarray(draw(np.random.default_rng(3)), float)
    plain = [estimate(row) for row in draws]
    cut = [estimate(row, limits) for row in draws]
    assert any(each.low < limits.least or each.high > limits.most for each in plain)
    for each in cut:
        assert limits.least <= each.low <= each.mean <= each.high <= limits.most
    holds = [sum(each.low <= true_mean <= each.high for each in found) for found in (plain, cut)]
    assert holds[0] == holds[1]
    assert holds[1] > 0.75 * len(draws)  # Student's interval is too short for means of few skewed numbers


def test_a_number_that_is_not_what_its_name_says_keeps_its_mean_within_its_interval() -> None:
    found = estimate([-2.0] * 5, NOT_NEGATIVE)
    assert found[:3] == (-2.0, -2.0, -2.0)
    found = estimate([0.0, 0.0, 0.0, 2.0, 3.0], SHARE)
    assert found[:3] == (1.0, 0.0, 1.0)


def test_what_numbers_can_be() -> None:
    expected = {
        NOT_NEGATIVE: """
            village_sale_tracking_rmse_units market_measured_rmse_units village_cost_gap_end
            village_distance_to_optimum_end village_own_use_gradient_spread_end messages_lost messages_sent
            energy_load_kwh energy_battery_lost_kwh energy_feeder_imported_kwh energy_lost_in_feeder_kwh
            offered_kwh traded_delivered_kwh self_traded_kwh trade_requests_rejected trading_messages
            trading_offers_late intervals intervals_outside_limits intervals_diverged delivery_days
            net_import_peak_kw load_peak_kw voltage_min_pu line_loading_max_percent
            trafo_loading_max_percent voltage_min_time_h fault_a_village_sale_recovery_h
            village_sale_gain_over_limit verified_voltage_difference_max_pu bills_imbalance_max_eur
        """,
        SHARE: """
            self_consumption_fraction self_sufficiency_fraction voltage_outside_band_share_max
            en50160_week_share_within_10_percent_min
        """,
        ANY: """
            village_sale_tracking_bias_units village_sale_average_shortfall_end_units energy_value_eur
            energy_stored_change_kwh bills_households_eur welfare_eur fault_a_village_sale_excess_cost
            fault_a_village_sale_worst_deviation_units village_own_use_loop_gain_units_per_signal
            something_else
        """,
    }
    for limits, keys in expected.items():
        for key in keys.split():
            assert limits_of(key) == limits, key


def test_shared_draws_cancel_in_a_difference() -> None:
    common = np.random.default_rng(2).normal(0, 100, 8)
    one, other = pd.Series(common + 1.5, range(8)), pd.Series(common, range(8)).iloc[::-1]
    found = paired_difference(one, other.iloc[2:])
    assert found.n == 6
    assert found.mean == pytest.approx(1.5)
    assert found.high - found.low < 1e-9


def test_rounding_is_no_difference() -> None:
    values = pd.Series([0.1, 0.7, 1.3, 2.9, 3.1])
    found = paired_difference(values + 0.3, values + 0.1 + 0.2)
    assert found[:3] == (0.0, 0.0, 0.0)
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
    assert short(12.3456, 12.1356, 12.5556) == "12.3±0.2"
    assert short(-0.4, -1.6, 0.8) == "0±1"
    assert short(1.018234, 1.018203, 1.018265) == "1.01823±0.00003"
    assert short(5.0, 5.0, 5.0) == "5"
    assert short(2.5, 0.0, 10.46) == "2 [0, 10]"
    assert short(0.97, 0.93, 1.0) == "0.97 [0.93, 1.00]"
    assert short(3.0, math.nan, math.nan) == "3"
