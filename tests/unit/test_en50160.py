"""EN 50160: 95 % of a week's 10-minute means within ±10 %, all of them within +10/-15 %."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.grid.en50160 import WEEK_INTERVALS, VoltageWeeks


def _means(n_weeks: int = 1, n_bus: int = 2) -> np.ndarray:
    return np.full((n_weeks * WEEK_INTERVALS, n_bus), 1.0)


def _judged(vm_pu: np.ndarray, block: int = 100, supplied: np.ndarray | None = None) -> VoltageWeeks:
    weeks = VoltageWeeks(np.ones(vm_pu.shape[1], bool) if supplied is None else supplied)
    for begin in range(0, len(vm_pu), block):
        weeks.add(vm_pu[begin : begin + block])
    return weeks


def test_a_week_has_1008_means() -> None:
    assert WEEK_INTERVALS == 1008
    assert _judged(_means()[:-1]).weeks == 0
    assert _judged(_means()).weeks == 1


@pytest.mark.parametrize(("n_low", "failed"), [(50, 0), (51, 1)])
def test_five_percent_of_the_means_may_be_low(n_low: int, failed: int) -> None:
    means = _means()
    means[:n_low, 1] = 0.89
    weeks = _judged(means)
    assert (weeks.weeks_failed, weeks.worst_column) == (failed, 1)
    assert weeks.least_share_within == 1 - n_low / 1008


@pytest.mark.parametrize(("vm_pu", "failed"), [(0.86, 0), (0.84, 1), (1.11, 1), (np.nan, 1)])
def test_none_may_be_beyond_the_wide_band_nor_unknown(vm_pu: float, failed: int) -> None:
    means = _means()
    means[17, 0] = vm_pu
    assert _judged(means).weeks_failed == failed


def test_weeks_are_judged_apart_and_the_worst_is_kept() -> None:
    means = _means(3)
    means[1000:1016, 0] = 0.88  # 8 in the first week and 8 in the second
    means[2100:2200, 1] = 0.88
    for block in (7, 1008, 5000):
        weeks = _judged(means, block)
        assert (weeks.weeks, weeks.weeks_failed, weeks.worst_column) == (3, 1, 1)
        assert weeks.least_share_within == 1 - 100 / 1008


def test_a_bus_out_of_service_is_not_judged() -> None:
    means = _means()
    means[:, 1] = np.nan
    weeks = _judged(means, supplied=np.array([True, False]))
    assert (weeks.weeks_failed, weeks.least_share_within, weeks.worst_column) == (0, 1.0, 0)


def test_a_week_of_which_nothing_was_solved_is_failed() -> None:
    weeks = _judged(np.full_like(_means(), np.nan))
    assert (weeks.weeks, weeks.weeks_failed, weeks.least_share_within) == (1, 1, 0.0)
