"""The Smith predictor: its limit against characteristic roots, its parts against the linear recursion."""

from __future__ import annotations

import math
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cosim.core.errors import InputError
from cosim.regulation.measured_delay import HORIZON_STEPS
from cosim.regulation.predictor import (
    sent_signals,
    signal_at,
    still_to_come,
    weights_of_delay,
    weights_of_reports,
)
from cosim.regulation.predictor_stability import predictor_stability_limit
from cosim.regulation.stability import stability_limit
from tests.examples import examples
from tests.theory.stationary_variance import stationary_variance

SLOPE = 7.0


def _largest_root(product: float, delay: float, model_delay: float, ratio: float) -> float:
    """Of z^D (z − 1) + τG (z^(D−d) + ρ (z^D − z^(D−d̂))), D the longer delay; half delays are mixtures."""
    longer = math.ceil(max(delay, model_delay))
    polynomial = np.zeros(longer + 2)
    polynomial[:2] = 1.0, -1.0
    polynomial[1] += product * ratio
    for part, factor in ((delay, 1.0), (model_delay, -ratio)):
        polynomial[1 + math.floor(part)] += product * factor / 2
        polynomial[1 + math.ceil(part)] += product * factor / 2
    return float(np.abs(np.roots(polynomial)).max())


def _loop(product: float, delay: int, model_delay: float, ratio: float, noise: Any, start: float) -> Any:
    """x(k) = G Ω(k−d) + w(k), regulated to 0 by the product's own predictor."""
    sent, signals, x = sent_signals(), [start], []
    for k, w in enumerate(noise):
        x.append(SLOPE * signals[max(0, k - delay)] + w)
        sent.append((k, (signals[k],)))
        weights = weights_of_delay(k, model_delay)
        (to_come,) = still_to_come((signals[k],), sent, weights, (ratio * SLOPE,))
        signals.append(signals[k] - product / SLOPE * (x[k] + to_come))
    return np.array(x)


@pytest.mark.parametrize("delay", range(7))
def test_a_right_model_has_the_limit_of_no_delay(delay: int) -> None:
    assert predictor_stability_limit(delay, delay) == pytest.approx(2.0)
    assert predictor_stability_limit(delay + 0.4, delay + 0.4) == pytest.approx(2.0)


@pytest.mark.parametrize("delay", range(7))
def test_no_model_has_the_limit_of_the_plain_loop(delay: int) -> None:
    assert predictor_stability_limit(delay, delay + 2, 0.0) == pytest.approx(stability_limit(delay))
    assert predictor_stability_limit(delay, 0) == pytest.approx(stability_limit(delay))


@settings(max_examples=examples(400), deadline=None, derandomize=True)
@given(st.integers(0, 16), st.integers(0, 16), st.floats(0.05, 4.0))
@example(6, 7, 1.0)
@example(2, 3, 1.0)
def test_below_the_limit_of_a_wrong_model_all_roots_are_inside(
    twice_delay: int, twice_model: int, ratio: float
) -> None:
    delay, model = twice_delay / 2, twice_model / 2
    limit = predictor_stability_limit(delay, model, ratio)
    for share in (0.1, 0.5, 0.9, 0.999):
        assert _largest_root(share * min(limit, 100.0), delay, model, ratio) < 1.0
    if limit < 100.0:
        assert _largest_root(limit, delay, model, ratio) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("delay", "model", "ratio"), [(3, 3, 1.0), (3, 2, 1.0), (2, 4, 0.7), (4, 4, 1.3)])
def test_the_recursion_is_steady_below_its_limit_and_not_above(delay: int, model: int, ratio: float) -> None:
    limit = predictor_stability_limit(delay, model, ratio)
    below = _loop(0.9 * limit, delay, model, ratio, np.zeros(2000), 1.0)
    above = _loop(1.1 * limit, delay, model, ratio, np.zeros(2000), 1.0)
    assert np.abs(below[-50:]).max() < 1e-6
    assert np.abs(above[-50:]).max() > 10.0


@pytest.mark.parametrize("delay", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_noise_is_amplified_as_without_delay(delay: int) -> None:
    """With a right model the signal is AR(1) with the pole 1 − τG: the variance 2v/(2−τG), as for d = 0."""
    noise = np.random.default_rng(delay).standard_normal(100_000)
    for product in (0.4, 1.2):
        variance = np.var(_loop(product, delay, delay, 1.0, noise, 0.0)[500:])
        assert variance == pytest.approx(stationary_variance(product, 1.0, 0, 1.0), rel=0.03)


def test_a_wrong_model_leaves_no_lasting_error() -> None:
    x = _loop(0.2, 3, 1.0, 1.4, np.full(500, 5.0), 0.0)  # a load of 5 units that came to stay
    assert x[-1] == pytest.approx(0.0, abs=1e-6)


@settings(max_examples=examples(100), deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_with_the_reports_own_signals_the_answer_is_that_to_the_signal_in_force(
    ages: list[int], seed: int
) -> None:
    """Whatever each household's delay: Σ κ Ω(s_i) + to come = G Ω(k), G = κN."""
    step, n, kappa = 40, len(ages), 0.3
    values = np.random.default_rng(seed).normal(size=step + 1)
    sent = sent_signals()
    for k, value in enumerate(values):
        sent.append((k, (float(value),)))
    answered = [step - age for age in ages]
    measured = sum(kappa * values[s] for s in answered)
    weights = weights_of_reports(step, answered, n)
    (to_come,) = still_to_come((float(values[-1]),), sent, weights, (kappa * n,))
    assert measured + to_come == pytest.approx(kappa * n * values[-1])


def test_who_has_been_silent_beyond_the_horizon_is_not_waited_for() -> None:
    step = HORIZON_STEPS + 5
    assert weights_of_reports(step, [4, 5, step, step], 4) == {5: 0.25, step: 0.5}


def test_delays_between_whole_steps_are_mixtures() -> None:
    assert weights_of_delay(10, 3.0) == {7: 1.0}
    assert weights_of_delay(10, 2.25) == pytest.approx({8: 0.75, 7: 0.25})
    assert weights_of_delay(1, 4.5) == {0: 1.0}  # before Ω(0) there was nothing
    assert math.isclose(sum(weights_of_delay(2, 2.5).values()), 1.0)


def test_a_signal_that_was_never_sent_is_the_one_before_it() -> None:
    sent = sent_signals()
    sent.extend([(3, (1.0,)), (4, (2.0,)), (9, (3.0,))])
    assert [signal_at(sent, number)[0] for number in (0, 3, 4, 8, 9, 12)] == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("delay", "model", "ratio"), [(1e9, 1e9, 1.0), (1e9, 1e9, 0.9), (1e9, 0.0, 1.0), (3.0, 1e9, 1.0)]
)
def test_delays_of_any_length_take_neither_memory_nor_time(delay: float, model: float, ratio: float) -> None:
    tracemalloc.start()
    began = time.process_time()
    limit = predictor_stability_limit(delay, model, ratio)
    assert time.process_time() - began < 10.0
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    assert 0.0 < limit <= 2.0
    if model == 0.0:  # the model expects nothing that is still to come
        assert limit == pytest.approx(stability_limit(delay), rel=1e-6)


@pytest.mark.parametrize("wrong", [(-1.0, 1.0, 1.0), (1.0, math.nan, 1.0), (1.0, 1.0, math.inf)])
def test_a_predictor_s_model_is_of_finite_numbers(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="finite numbers"):
        predictor_stability_limit(*wrong)
