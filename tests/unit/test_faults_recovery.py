"""The effect of a fault on made-up series whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cosim.faults.recovery import BAND, WINDOW, Span, fault_effect, first_lasting, moving_rms, untouched

STEP_MS = 1000
N = 400


def series(disturbed: dict[int, float], level: float = 2.0) -> np.ndarray:
    """An error of ±level in turn, and other values at some steps."""
    error = level * np.where(np.arange(N) % 2, 1.0, -1.0)
    for step, value in disturbed.items():
        error[step] = value
    return error


def measure(
    error: np.ndarray,
    first: int,
    last: int,
    gap: np.ndarray | None = None,
    others: tuple[tuple[int, int], ...] = (),
    **more: int,
) -> tuple:
    """The fault is on from the start of step `first` to the start of step `last`; `others` in steps, too."""
    ends = (np.arange(N) + 1) * STEP_MS
    span = Span(first * STEP_MS, last * STEP_MS, N * STEP_MS)._replace(**more)
    quiet = untouched(ends, STEP_MS, [(a * STEP_MS, b * STEP_MS) for a, b in others])
    return fault_effect(ends, STEP_MS, error, np.zeros(N) if gap is None else gap, quiet, span)


def test_moving_rms() -> None:
    values = np.array([3.0, -4.0, 0.0, 12.0])
    assert moving_rms(values, 2).tolist() == pytest.approx([math.sqrt(12.5), math.sqrt(8), math.sqrt(72)])
    assert len(moving_rms(values, 5)) == 0


@pytest.mark.parametrize(
    ("within", "expected"),
    [([], None), ([True], 0), ([False], None), ([True, False, True, True], 2), ([True, True, False], None)],
)
def test_first_lasting(within: list[bool], expected: int | None) -> None:
    assert first_lasting(np.array(within, bool)) == expected


def test_a_fault_without_effect_has_none() -> None:
    effect = measure(series({}), 150, 170)
    assert effect.rmse_before == 2.0
    assert effect.recovery_ms == 0.0
    assert abs(effect.worst_deviation) == 2.0
    assert effect.excess == pytest.approx(0.0)


def test_what_is_over_with_the_fault_recovers_at_once() -> None:
    effect = measure(series({step: -9.0 for step in range(150, 170)}), 150, 170)
    assert effect.recovery_ms == 0.0
    assert effect.worst_deviation == -9.0
    assert effect.excess == pytest.approx(20 * (9 - 2))


def test_the_time_to_recover_is_to_the_step_from_which_all_windows_are_within_the_band() -> None:
    """Ten bad steps after the end; a window may hold so many of them as the band allows."""
    effect = measure(series({step: 20.0 for step in range(150, 180)}), 150, 170)
    allowed = math.floor(WINDOW * (BAND**2 - 1) * 4 / (400 - 4))
    assert effect.recovery_ms == (10 - allowed) * STEP_MS
    # The effect ends with the recovery, so steps that the window allows are not in the excess.
    assert effect.excess == pytest.approx((30 - allowed) * 18)


def test_a_relapse_counts() -> None:
    relapse = {step: 20.0 for step in range(300, 310)}
    effect = measure(series(relapse), 150, 170)
    allowed = math.floor(WINDOW * (BAND**2 - 1) * 4 / (400 - 4))
    assert effect.recovery_ms == (310 - allowed - 170) * STEP_MS
    # but not one that belongs to the next fault
    assert measure(series(relapse), 150, 170, quiet_until_ms=300 * STEP_MS).recovery_ms == 0.0


def test_what_never_comes_back_never_recovers() -> None:
    effect = measure(series({step: 9.0 for step in range(150, N)}), 150, 170)
    assert math.isnan(effect.recovery_ms)
    assert effect.excess == pytest.approx((N - 150) * 7)


def test_a_fault_to_the_end_of_the_run_has_no_recovery() -> None:
    effect = measure(series({}), 150, N)
    assert math.isnan(effect.recovery_ms)
    assert effect.rmse_before == 2.0


def test_without_enough_quiet_steps_before_nothing_is_known() -> None:
    assert all(math.isnan(value) for value in measure(series({}), WINDOW - 1, 50))
    assert not math.isnan(measure(series({}), WINDOW, 50).rmse_before)
    assert math.isnan(measure(series({}), 150, 170, others=((WINDOW - 1, 150),)).rmse_before)


def test_the_level_before_is_of_the_last_steps_that_no_fault_touched() -> None:
    """Another is on from 100 to 160, with an error of 50; it counts neither before nor where it ends."""
    error = series({step: 50.0 for step in range(100, 160)})
    assert measure(error, 170, 180, others=((100, 160),)).rmse_before == 2.0
    assert measure(error, 150, 180, others=((100, 160),)).rmse_before == 2.0
    assert measure(error, 170, 180).rmse_before > 30


def test_steps_that_a_fault_touched() -> None:
    """Steps of 10 ms; a fault from 15 to 30 touches the second and third, one of no step none."""
    ends = np.arange(10, 70, 10)
    assert untouched(ends, 10, [(15, 30)]).tolist() == [True, False, False, True, True, True]
    assert untouched(ends, 10, [(40, 41), (70, 90)]).tolist() == [True, True, True, True, False, True]


def test_the_cost_is_measured_over_the_same_steps() -> None:
    gap = np.full(N, 5.0)
    gap[150:160] = 8.0
    gap[152] = math.nan
    effect = measure(series({}), 150, 170, gap)
    assert effect.excess_cost == pytest.approx(9 * 3.0)
