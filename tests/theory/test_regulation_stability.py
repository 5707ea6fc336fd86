"""The loop's stability limit and stationary variance, against characteristic roots and plain simulation."""

from __future__ import annotations

import math
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.core.errors import InputError
from cosim.regulation.mixture_stability import mixture_stability_limit
from cosim.regulation.stability import (
    gain_for_margin,
    stability_limit,
)
from tests.examples import examples
from tests.theory.stationary_variance import stationary_variance


def _largest_root(delay_shares: Any, product: float) -> float:
    """Largest root of z^D (z − 1) + τG Σ_j p_j z^(D−j): a share p_j of the answer is j steps late."""
    polynomial = np.zeros(len(delay_shares) + 1)
    polynomial[0] += 1.0
    polynomial[1] -= 1.0
    polynomial[1:] += product * np.asarray(delay_shares)
    return float(np.abs(np.roots(polynomial)).max())


def _simulate(product: float, delay: int, n_steps: int, noise: Any) -> Any:
    """x(k) = G Ω(k−d) + w(k), Ω(k+1) = Ω(k) − τ (x(k) − C) with G = 1, C = 0, from Ω = 1."""
    signals = np.ones(n_steps + delay + 1)
    x = np.zeros(n_steps)
    for k in range(n_steps):
        x[k] = signals[k] + noise[k]
        signals[k + delay + 1] = signals[k + delay] - product * x[k]
    return x


@pytest.mark.parametrize("delay", range(6))
def test_roots_reach_the_unit_circle_at_the_limit(delay: int) -> None:
    shares = np.eye(delay + 1)[delay]
    assert _largest_root(shares, stability_limit(delay)) == pytest.approx(1.0, abs=1e-9)
    assert _largest_root(shares, 0.999 * stability_limit(delay)) < 1.0
    assert _largest_root(shares, 1.001 * stability_limit(delay)) > 1.0


@pytest.mark.parametrize("delay", range(5))
def test_steady_below_the_limit_and_oscillating_above(delay: int) -> None:
    quiet = np.zeros(3000)
    below = _simulate(0.8 * stability_limit(delay), delay, 3000, quiet)
    above = _simulate(1.2 * stability_limit(delay), delay, 400, quiet)
    assert np.abs(below[-100:]).max() < 1e-9
    assert np.abs(above[-20:]).max() > 1e3
    assert (np.sign(above[-40:]) != np.sign(above[-1])).any()  # it swings; it does not run away to one side


@settings(max_examples=examples(300), deadline=None, derandomize=True)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12).filter(lambda weights: sum(weights) > 0.01))
def test_no_mixture_of_delays_is_unstable_below_the_limit_at_its_mean(weights: list[float]) -> None:
    shares = np.array(weights) / sum(weights)
    mean = float(shares @ np.arange(len(shares)))
    assert _largest_root(shares, 0.999 * stability_limit(mean)) < 1.0


@settings(max_examples=examples(60), deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_a_mixture_of_delays_has_its_roots_on_the_unit_circle_at_its_own_limit(delays: list[int]) -> None:
    limit = mixture_stability_limit(delays)
    shares = np.bincount(delays) / len(delays)
    assert limit >= stability_limit(float(np.mean(delays))) * (1 - 1e-9)
    if math.isfinite(limit):
        assert _largest_root(shares, 0.999 * limit) < 1.0 < _largest_root(shares, 1.001 * limit)


def test_limits_of_mixtures_in_closed_form() -> None:
    """A share p at d = 1, the rest at 0: a root is -1 at 2/(1-2p), a pair's product is 1 at 1/p."""
    for delay in range(6):
        assert mixture_stability_limit([delay]) == pytest.approx(stability_limit(delay), rel=1e-12)
    assert mixture_stability_limit([0, 0, 0, 0, 1]) == pytest.approx(2 / (1 - 0.4))
    assert mixture_stability_limit([0, 0, 0, 1]) == pytest.approx(4)
    assert mixture_stability_limit([0, 1, 1]) == pytest.approx(1.5)
    # A delay between two whole numbers is in both.
    assert mixture_stability_limit([0.5]) == pytest.approx(mixture_stability_limit([0, 1]))


@pytest.mark.parametrize("delays", [[], [-1.0], [0.0, math.nan], [math.inf]])
def test_a_mixture_is_of_delays(delays: list[float]) -> None:
    with pytest.raises(InputError, match="0 or more"):
        mixture_stability_limit(delays)


@pytest.mark.parametrize("delay", range(5))
@pytest.mark.parametrize("margin", [0.2, 0.7])
def test_variance_agrees_with_simulation(delay: int, margin: float) -> None:
    n_steps, deviation = 200_000, 1.7
    noise = deviation * np.random.default_rng(delay).standard_normal(n_steps)
    product = margin * stability_limit(delay)
    simulated = np.var(_simulate(product, delay, n_steps, noise)[1000:])
    theory = stationary_variance(product / 30.0, 30.0, delay, deviation**2)
    # The loop's memory is some ten steps, so 200,000 steps tell the variance to about 1 %.
    assert simulated == pytest.approx(theory, rel=0.03)


@pytest.mark.parametrize("product", [0.1, 0.5, 1.0, 1.5, 1.9])
def test_variance_without_delay_has_a_closed_form(product: float) -> None:
    assert stationary_variance(product / 7.0, 7.0, 0, 3.0) == pytest.approx(2 * 3.0 / (2 - product))


@pytest.mark.parametrize("product", [0.1, 0.5, 0.9])
def test_variance_with_one_step_of_delay_has_a_closed_form(product: float) -> None:
    """GΩ is AR(2) with φ₁ = 1, φ₂ = −τG, so Var GΩ = (τG)² v (1 − φ₂) / ((1 + φ₂) ((1 − φ₂)² − φ₁²))."""
    phi = -product
    signal_part = product**2 * 3.0 * (1 - phi) / ((1 + phi) * ((1 - phi) ** 2 - 1.0))
    assert stationary_variance(product, 1.0, 1, 3.0) == pytest.approx(signal_part + 3.0)


def test_variance_is_infinite_where_the_loop_is_not_stable() -> None:
    assert math.isinf(stationary_variance(1.0, 1.01, 1, 3.0))
    assert math.isinf(stationary_variance(0.0, 1.0, 1, 3.0))


def test_a_gain_for_a_margin_has_that_margin() -> None:
    gain = gain_for_margin(0.3, 1, 29.7)
    assert gain == pytest.approx(0.3 / 29.7)
    assert gain * 29.7 / stability_limit(1) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("loop_gain", "said"),
    [
        (0.0, "does not answer"),
        (-1.0, "falls when the signal rises"),
        (math.nan, "loop gain is nan"),
        (math.inf, "loop gain is inf"),
        (1e-310, "no largest stable gain"),
    ],
)
def test_no_margin_without_an_answer(loop_gain: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        gain_for_margin(0.3, 1, loop_gain)


@pytest.mark.parametrize(
    "delays",
    [[1e9] * 99, [1e9, 2e9], [0, 1e9], [3.3e8, 4e8, 1e9], np.linspace(0, 35_040, 99), [1e17, 0], [1e300, 0]],
    ids=str,
)
def test_delays_of_any_length_take_neither_memory_nor_time(delays: Any) -> None:
    """A latency of thirty years in steps of a second: the limit, or a bound of it on the stable side."""
    tracemalloc.start()
    began = time.process_time()
    limit = mixture_stability_limit(delays)
    assert time.process_time() - began < 5.0
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    assert stability_limit(np.mean(delays)) * (1 - 1e-9) <= limit <= 2.0
    if len(set(delays)) == 1:
        assert limit == pytest.approx(stability_limit(delays[0]), rel=1e-6)


def test_two_long_delays_have_the_limit_of_continuous_time() -> None:
    """With d ≫ 1 the loop is x' = −a Σ p_j x(t − d_j), and the limit goes with 1/d."""
    assert mixture_stability_limit([1e9, 2e9]) == pytest.approx(
        1e-6 * mixture_stability_limit([1e3, 2e3]), rel=1e-3
    )
    assert mixture_stability_limit([1e3, 2e3, 7e3]) == pytest.approx(
        10 * mixture_stability_limit([1e4, 2e4, 7e4]), rel=1e-3
    )


@pytest.mark.parametrize("far", [50, 1000])
def test_a_search_that_is_cut_short_stays_on_the_stable_side(
    far: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = mixture_stability_limit([0, far])
    assert whole == pytest.approx(2.0, rel=1e-6)  # half of the households at once, half as late as one likes
    monkeypatch.setattr("cosim.regulation.mixture_stability._SCANNED_NUMBERS", 5_000)
    monkeypatch.setattr("cosim.regulation.mixture_stability._AT_ONCE", 1_000)
    assert stability_limit(far / 2) <= mixture_stability_limit([0, far]) < whole


@pytest.mark.parametrize("delay", [-1.0, math.nan, math.inf])
def test_a_delay_is_a_number_of_steps(delay: float) -> None:
    with pytest.raises(InputError, match="0 or more"):
        stability_limit(delay)
