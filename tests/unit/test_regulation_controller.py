"""What a platform computes: integrator, aggregate from reports, capacities over time, grid awareness."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from cosim.core.clock import MS_PER_HOUR
from cosim.grid.measurement import FeederReading
from cosim.regulation.capacities.interface import Capacity
from cosim.regulation.control_laws import update
from cosim.regulation.controller import next_share
from cosim.regulation.heard_reports import Report, initial_reports, measure, open_window, receive
from cosim.regulation.platform_schema import GridAwareRule
from cosim.regulation.schema import ResourceConfig, capacities_over, greatest_capacity


def test_the_integrator_lowers_the_signal_when_too_much_is_taken() -> None:
    assert update(11.7, 5e-3, 92.0, 90.0) == pytest.approx(11.69)
    assert update(11.7, 5e-3, 90.0, 90.0) == 11.7


def test_the_signal_stays_when_nothing_is_known() -> None:
    assert update(11.7, 5e-3, math.nan, 90.0) == 11.7


def test_before_the_first_report_everyone_is_taken_to_do_the_initial_decision() -> None:
    reports = initial_reports([0] * 3, (1, 1))
    assert measure(reports, range(3), 2, "hold_last") == [3.0, 3.0]
    assert measure(reports, range(3), 2, "zero") == [0.0, 0.0]
    assert all(math.isnan(total) for total in measure(reports, range(3), 2, "scale"))


def test_what_stands_for_a_missing_report() -> None:
    reports = initial_reports([0] * 4, (1, 1))
    for i in range(4):
        assert receive(reports, i, 0, Report((1, 0), 0))
    open_window(reports, 1)
    assert receive(reports, 0, 1, Report((0, 1), 0))
    assert receive(reports, 2, 1, Report((1, 1), 0))
    assert measure(reports, range(4), 2, "hold_last") == [3.0, 2.0]
    assert measure(reports, range(4), 2, "zero") == [1.0, 2.0]
    assert measure(reports, range(4), 2, "scale") == [2.0, 4.0]
    assert measure(reports, [0, 1], 2, "hold_last") == [1.0, 1.0]
    assert measure(reports, [1, 3], 2, "zero") == [0.0, 0.0]


def test_a_late_report_does_not_replace_a_newer_one() -> None:
    reports = initial_reports([0], (1,))
    assert receive(reports, 0, 5, Report((0,), 0))
    assert not receive(reports, 0, 4, Report((1,), 0))
    assert not receive(reports, 0, 5, Report((1,), 0))
    assert measure(reports, [0], 1, "hold_last") == [0.0]


MIDNIGHT = datetime(2016, 1, 1)


def capacity_at(capacity: float | Capacity, elapsed_ms: int, start: datetime) -> float:
    return capacity.at(elapsed_ms, start) if isinstance(capacity, Capacity) else capacity


def _capacity(raw: Any) -> Any:
    return ResourceConfig.model_validate({"name": "x", "capacity": raw}).capacity


def test_capacity_by_hour_of_the_day() -> None:
    table = _capacity({"kind": "hourly", "by_hour": list(range(24))})
    assert capacity_at(table, 0, MIDNIGHT) == 0
    assert capacity_at(table, MS_PER_HOUR - 1, MIDNIGHT) == 0
    assert capacity_at(table, MS_PER_HOUR, MIDNIGHT) == 1
    assert capacity_at(table, 25 * MS_PER_HOUR, MIDNIGHT) == 1
    assert capacity_at(table, 2 * MS_PER_HOUR, MIDNIGHT + timedelta(hours=23)) == 1
    assert greatest_capacity(table) == 23


def test_capacity_in_steps() -> None:
    table = _capacity(
        {
            "kind": "stepped",
            "steps": [{"from_h": 0, "value": 3}, {"from_h": 1.5, "value": 7}, {"from_h": 4, "value": 5}],
        }
    )
    assert [
        capacity_at(table, ms, MIDNIGHT) for ms in (0, 5_399_999, 5_400_000, 4 * MS_PER_HOUR, 10**12)
    ] == [
        3,
        3,
        7,
        5,
        5,
    ]
    assert greatest_capacity(table) == 7
    assert capacity_at(_capacity(90), 12345, MIDNIGHT) == greatest_capacity(_capacity(90)) == 90.0


RULE = GridAwareRule(resource="production", increase_per_step=0.25, decrease_factor=0.5, min_share=0.2)
CALM = FeederReading(0.98, 1.02, 60.0)


def test_capacity_gives_way_at_once_and_comes_back_step_by_step() -> None:
    shares = [1.0]
    for reading in [FeederReading(0.98, 1.06, 60.0)] * 3 + [CALM] * 5:
        shares.append(next_share(shares[-1], RULE, reading))
    assert shares == pytest.approx([1.0, 0.5, 0.25, 0.2, 0.45, 0.7, 0.95, 1.0, 1.0])


@pytest.mark.parametrize(
    ("reacts_to", "reading", "lowers"),
    [
        ("overvoltage", FeederReading(0.90, 1.051, 50.0), True),
        ("overvoltage", FeederReading(0.90, 1.05, 150.0), False),
        ("undervoltage", FeederReading(0.949, 1.10, 150.0), True),
        ("undervoltage", FeederReading(0.95, 1.10, 150.0), False),
        ("overload", FeederReading(0.90, 1.10, 100.1), True),
        ("overload", FeederReading(0.90, 1.10, 100.0), False),
    ],
)
def test_a_rule_reacts_to_its_own_limits_only(reacts_to: Any, reading: FeederReading, lowers: bool) -> None:
    rule = GridAwareRule(resource="x", reacts_to=(reacts_to,))
    assert next_share(0.5, rule, reading) == (0.25 if lowers else pytest.approx(0.55))


def test_an_unknown_reading_changes_nothing_but_a_known_violation_counts() -> None:
    nothing = FeederReading(math.nan, math.nan, math.nan)
    assert next_share(0.5, RULE, None) == 0.5
    assert next_share(0.5, RULE, nothing) == 0.5
    assert next_share(0.5, RULE, nothing._replace(loading_max_percent=130.0)) == 0.25
    assert next_share(0.5, RULE, nothing._replace(loading_max_percent=30.0)) == 0.5


@pytest.mark.parametrize(
    "start", [datetime(2016, 1, 1), datetime(2015, 12, 31, 22, 45, 30), datetime(2019, 7, 4, 5)]
)
@pytest.mark.parametrize(
    "capacity",
    [
        7.3,
        {"kind": "hourly", "by_hour": [hour / 7 for hour in range(24)]},
        {"kind": "hourly", "by_hour": [1.1] * 24, "by_month": [month / 3 for month in range(12)]},
        {
            "kind": "stepped",
            "steps": [{"from_h": 0, "value": 2}, {"from_h": 1.5, "value": 0.3}, {"from_h": 700, "value": 5}],
        },
    ],
)
def test_capacities_at_many_instants_are_those_at_each(capacity: object, start: datetime) -> None:
    config = _capacity(capacity)
    elapsed_ms = np.arange(0, 400 * 24 * MS_PER_HOUR, 5_399_999)
    one_by_one = [capacity_at(config, int(ms), start) for ms in elapsed_ms]
    assert capacities_over(config, elapsed_ms, start.replace(tzinfo=UTC)).tolist() == one_by_one
