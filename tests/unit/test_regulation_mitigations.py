"""What a platform does against delay and false reports: measured delay, clipped and trimmed aggregates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.regulation.clipped_sum import ClippedSum
from cosim.regulation.gain_schema import GainMargin
from cosim.regulation.heard_reports import Report, initial_reports
from cosim.regulation.measured_delay import HORIZON_STEPS, followed, observed_delay
from cosim.regulation.measured_gain import MeasuredGain
from cosim.regulation.mitigation import Loop
from cosim.regulation.mitigations import AgainstDelay, AgainstFalseReports
from cosim.regulation.platform import Platform, PlatformRules, PlatformState
from cosim.regulation.restart import restarted, saved
from cosim.regulation.smith_predictor import SmithPredictor
from cosim.regulation.stability import stability_limit
from cosim.regulation.trimmed_sum import TrimmedSum, kept
from tests.examples import examples

STEP_MS = 1000
N = 20
LOOP = Loop((6.0,), 1.0, (GainMargin(margin=0.4),))


def _platform(
    mitigation: AgainstDelay | AgainstFalseReports,
    missing: Any = "hold_last",
    n: int = N,
    capacity: float = 0.0,
    initial: float = 1.0,
) -> Platform:
    delay, false_reports = (
        mitigation if isinstance(mitigation, trouble) else trouble()
        for trouble in (AgainstDelay, AgainstFalseReports)
    )
    rules = PlatformRules(
        STEP_MS, (0.01,), "reports", missing, lambda now_ms: (capacity,), (-math.inf, math.inf), (),
        delay, false_reports, LOOP,
    )  # fmt: skip
    return Platform(
        rules,
        PlatformState(
            signals=(5.0,),
            shares=[],
            reports=initial_reports([0] * n, (initial,)),
            members=list(range(n)),
            metered=(initial * n,),
            gains=(0.01,),
            delays=[1.0],
            means=[(initial,)] * n,
        ),
    )


def _tick(platform: Platform, step: int, reports: dict[int, float], delay: int = 1) -> float:
    """Hear the reports of a step, whose signals are `delay` steps old; what the tick measures."""
    for household, value in reports.items():
        platform.hear_report(household, step, Report((value,), max(0, step - delay)))
    return platform.tick(step * STEP_MS).measured[0]


def test_a_delay_is_observed_from_the_signals_that_were_answered() -> None:
    assert observed_delay(10, [9, 9, 7, 5]) == pytest.approx((1 + 1 + 3 + 5) / 4)


def test_what_was_never_sent_and_what_comes_no_more_tell_no_delay() -> None:
    assert math.isnan(observed_delay(3, [0, 0, 0]))
    assert observed_delay(100, [0, 98, 100 - HORIZON_STEPS - 1]) == 2.0
    assert math.isnan(observed_delay(1, []))
    assert followed(2.5, math.nan, 0.3) == 2.5
    assert followed(2.0, 4.0, 0.25) == 2.5


@pytest.mark.parametrize("delay", [0, 1, 4])
def test_the_gain_follows_the_measured_delay(delay: int) -> None:
    margin, loop_gain = 0.4, 6.0
    platform = _platform(MeasuredGain(time_constant_steps=10.0))
    for step in range(delay + 1, 200):
        _tick(platform, step, dict.fromkeys(range(N), 0.0), delay)
    assert platform.state.delays[0] == pytest.approx(delay, abs=1e-6)
    assert platform.state.gains[0] == pytest.approx(margin * stability_limit(delay) / loop_gain, rel=1e-5)


@pytest.mark.parametrize("loss", [0.3, 0.7])
def test_held_over_reports_lengthen_the_delay_by_p_over_1_minus_p(loss: float) -> None:
    """A report that is held has an age; with independent losses the mean number of lost ones is p/(1−p)."""
    random = np.random.default_rng(1)
    platform = _platform(MeasuredGain(time_constant_steps=400.0), n=60)
    for step in range(2, 2500):
        arrived = np.flatnonzero(random.random(60) >= loss).tolist()
        _tick(platform, step, dict.fromkeys(arrived, 0.0))
    assert platform.state.delays[0] == pytest.approx(1 + loss / (1 - loss), rel=0.05)


def test_a_household_that_fell_silent_is_no_longer_counted() -> None:
    platform = _platform(MeasuredGain(time_constant_steps=5.0))
    for step in range(2, 300):
        _tick(platform, step, dict.fromkeys(range(N - 1 if step > 50 else N), 0.0))
    assert platform.state.delays[0] == pytest.approx(1.0)


def test_without_mitigations_the_gain_stays() -> None:
    platform = _platform(AgainstDelay())
    for step in range(1, 50):
        _tick(platform, step, dict.fromkeys(range(N), 1.0), 3)
    assert platform.state.gains == (0.01,)
    assert platform.state.delays == [1.0]
    assert not platform.state.sent


def test_a_predictor_adds_what_is_still_to_come_and_records_what_was_measured() -> None:
    platform = _platform(SmithPredictor(slope=40.0), capacity=10.0)
    first = platform.state.signals[0]
    assert _tick(platform, 1, dict.fromkeys(range(N), 1.0), 0) == N  # nothing sent before
    second = platform.state.signals[0]
    assert second == pytest.approx(first - 0.01 * (N - 10))
    assert _tick(platform, 2, dict.fromkeys(range(N), 1.0), 1) == N
    to_come = 40.0 * (second - first)
    assert platform.state.signals[0] == pytest.approx(second - 0.01 * (N + to_come - 10))


@pytest.mark.parametrize("delay", ["measured", 2.0])
def test_after_a_crash_nothing_is_to_come_of_the_signal_in_force(delay: Any) -> None:
    """Down over ticks 2 to 9; the saved signal is number 2, and all that is reported since answers it."""
    platform = _platform(SmithPredictor(slope=40.0, delay_steps=delay), capacity=10.0)
    _tick(platform, 1, dict.fromkeys(range(N), 1.0), 0)
    platform.state = restarted(saved(platform.state), platform.state.members)
    before = platform.state.signals[0]
    _tick(platform, 10, dict.fromkeys(range(N), 1.0), delay=8)
    assert platform.state.signals[0] == pytest.approx(before - 0.01 * (N - 10))


def test_a_predictor_does_not_move_a_platform_that_knows_nothing() -> None:
    platform = _platform(SmithPredictor(slope=40.0, delay_steps=2.0), missing="scale", capacity=10.0)
    assert math.isnan(_tick(platform, 1, {}))
    assert platform.state.signals == (5.0,)


@pytest.mark.parametrize(
    ("reported", "counted"),
    [(0.4, 0.4), (50.0, 1.0), (-3.0, 0.0), (math.inf, 1.0), (-math.inf, 0.0), (math.nan, 0.0)],
)
def test_a_clipped_report_is_possible(reported: float, counted: float) -> None:
    assert ClippedSum().counted((reported, 1.0)) == (counted, 1.0)


def _error(mitigation: AgainstFalseReports, n_liars: int, lie: Any, steps: int = 400) -> tuple[float, float]:
    """Mean and largest error of the aggregate over the second half of the time.

    The households are honest coins with probabilities spread over 0.2 ... 0.6; the liars are chosen evenly
    among them, do what they would, and report `lie(truth)`.
    """
    n = 99
    random = np.random.default_rng(7)
    probabilities = np.linspace(0.2, 0.6, n)
    liars = set(np.linspace(0, n - 1, n_liars).astype(int).tolist())
    platform = _platform(mitigation, n=n, initial=0.0)
    errors = []
    for step in range(1, steps):
        truth = (random.random(n) < probabilities).astype(float)
        told = {i: lie(value) if i in liars else value for i, value in enumerate(truth.tolist())}
        errors.append(_tick(platform, step, told) - truth.sum())
    late = np.array(errors[steps // 2 :])
    return abs(float(late.mean())), float(np.abs(late).max())


LIES = {
    "fifty": lambda x: 50.0,
    "minus": lambda x: -50.0,
    "inverted": lambda x: 1 - x,
    "stuck": lambda x: 1.0,
}
CLIPPED = ClippedSum()
TRIMMED = TrimmedSum(trimmed_share=0.2, time_constant_steps=50.0)


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("n_liars", [0, 1, 5, 20, 50, 99])
@pytest.mark.fast_cases("1-fifty", "20-minus", "50-stuck")
def test_with_clipping_liars_move_the_aggregate_by_no_more_than_their_share(lie: str, n_liars: int) -> None:
    _, largest = _error(CLIPPED, n_liars, LIES[lie])
    assert largest <= n_liars


@settings(max_examples=examples(200), deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 1), st.none() | st.floats()), min_size=1, max_size=30))
def test_whatever_liars_say_the_error_is_at_most_one_unit_each(community: list[Any]) -> None:
    """A member is what it did, and what it reports instead; None is an honest one."""
    platform = _platform(CLIPPED, n=len(community), initial=0.0)
    told = {i: float(did) if lie is None else lie for i, (did, lie) in enumerate(community)}
    error = _tick(platform, 1, told) - sum(did for did, _ in community)
    assert abs(error) <= sum(lie is not None for _, lie in community) + 1e-9


def test_the_curve_over_the_number_of_liars_stays_below_one_unit_each() -> None:
    curve = [_error(CLIPPED, n_liars, LIES["fifty"], steps=12)[1] for n_liars in range(100)]
    assert all(error <= n_liars for n_liars, error in enumerate(curve))
    assert curve[99] > 30  # they do lie


def test_a_plain_sum_is_moved_by_as_much_as_a_liar_likes() -> None:
    mean, _ = _error(AgainstFalseReports(), 1, LIES["fifty"])
    assert mean > 49


@pytest.mark.parametrize("lie", ["fifty", "stuck", "minus"])
@pytest.mark.parametrize("n_liars", [5, 10, 19])
@pytest.mark.fast_cases("10-stuck")
def test_trimming_leaves_less_of_it_while_liars_are_fewer_than_are_left_out(lie: str, n_liars: int) -> None:
    mean, _ = _error(TRIMMED, n_liars, LIES[lie])
    clipped_mean, _ = _error(CLIPPED, n_liars, LIES[lie])
    assert mean < n_liars
    assert mean < 0.65 * clipped_mean


def test_trimming_has_no_bound_of_one_unit_each_beyond_its_share() -> None:
    """60 of 99 report a unit, the others nothing: of 61 that are kept 41 lie, and they stand for all."""
    platform = _platform(TRIMMED, n=99, initial=0.0)
    for step in range(1, 4):
        measured = _tick(platform, step, {i: float(i < 60) for i in range(99)})
    assert measured == pytest.approx(99 * 41 / 61)
    assert measured > 60


def test_trimming_is_without_bias_among_equals() -> None:
    random = np.random.default_rng(3)
    platform = _platform(TRIMMED, n=50)
    errors = []
    for step in range(1, 4000):
        truth = (random.random(50) < 0.9).astype(float)
        errors.append(_tick(platform, step, dict(enumerate(truth.tolist()))) - 45.0)
    # Thirty of fifty stand for all: the deviation of one step is 50 sqrt(0.09 / 30).
    bound = 4 * 50 * math.sqrt(0.9 * 0.1 / 30) / math.sqrt(3500)
    assert abs(np.mean(errors[500:])) < bound
    assert np.var(errors[500:]) == pytest.approx(50**2 * 0.09 / 30, rel=0.1)


def test_as_many_are_left_out_at_either_end() -> None:
    means = [(value,) for value in (0.5, 0.9, 0.1, 0.5, 0.2, 0.7, 0.3, 0.6, 0.4, 0.8)]
    assert kept(range(10), means, 0, 0.2) == [0, 3, 5, 6, 7, 8]
    assert kept(range(10), means, 0, 0.29) == [0, 3, 5, 6, 7, 8]
    assert kept([1, 2, 3], means, 0, 0.34) == [3]
    assert kept([4], means, 0, 0.45) == [4]
