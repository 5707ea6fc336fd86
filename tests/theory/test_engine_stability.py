r"""The stability limit 2 sin(π / (2(2d+1))) from the simulator itself, the delay made by the links' latency.

The averages move so slowly (a time constant of 1e9 steps) that every household's response stays
0.5 + κ(Ω − ∇g): the aggregate is linear in Ω with G = κN, and its noise is that of N coins. Loops of one
delay differ only in their gain, here 0.8 and 1.2 times the limit.

::

    Ω(k) ──► downlink, whole steps ──► decision ──► a step later (or now) its report ──► uplink, whole steps
      ▲                                                                                            │
      └────────────────────────────────────── tick ◄───────────────────────────────────────────────┘

A signal that travels for 0 or 1 step is used at the same decision, one that travels for 2 steps a step
later; each step of the uplink is a step of delay.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.regulation.stability import stability_limit
from tests.theory.stationary_variance import stationary_variance
from tests.theory.steady_loop import KAPPA, N, aggregate, constant_latency

SETTLED = 200

LINKS = {  # d: report, downlink and uplink in steps
    0: ("at_decision", 0, 0),
    1: ("at_step_end", 1, 0),
    2: ("at_step_end", 2, 0),
    3: ("at_step_end", 2, 1),
    4: ("at_decision", 3, 2),
}
DELAYS = [pytest.param(delay, marks=pytest.mark.slow if delay in (2, 3) else ()) for delay in LINKS]


def _aggregate(folder: Path, delay: int, share_of_limit: float, n_steps: int) -> Any:
    """Σx step by step in a run whose loop has this delay, and this share of the largest stable gain."""
    report, down_steps, up_steps = LINKS[delay]
    gain = share_of_limit * stability_limit(delay) / (KAPPA * N)
    links = {"downlink": constant_latency(down_steps), "uplink": constant_latency(up_steps)}
    return aggregate(folder, {"report": report, "gain": gain}, links, n_steps)


def _theory(delay: int, share_of_limit: float) -> tuple[float, float]:
    """Variance of the aggregate, and the standard deviation of its estimate from one step.

    A coin with response r has the variance r(1−r), so what the responses share of the aggregate's variance
    lowers the coins' own by an N-th of it: v = N/4 − (V − v)/N. The estimate's variance is 2 Σρ² V² a step
    (Bartlett), with the autocorrelations ρ of x(k) = w(k) − τG Σ_{j ≤ k−d−1} x(j).
    """
    product = share_of_limit * stability_limit(delay)
    amplification = stationary_variance(product, 1.0, delay, 1.0)
    variance = amplification * (N / 4) / (1 + (amplification - 1) / N)
    response = np.zeros(2000)
    response[0] = 1.0
    for k in range(1, len(response)):
        response[k] = -product * response[: max(0, k - delay)].sum()
    assert response @ response == pytest.approx(amplification, rel=1e-6)
    covariance = np.correlate(response, response, "full") / (response @ response)
    return variance, variance * float(np.sqrt(2 * covariance @ covariance))


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.fast_cases("4")
def test_steady_at_four_fifths_of_the_limit(tmp_path: Path, delay: int) -> None:
    n_steps = 1500
    x = _aggregate(tmp_path, delay, 0.8, n_steps)[SETTLED:]
    variance, deviation_of_a_step = _theory(delay, 0.8)
    # Four standard deviations of the estimate: one run in 16,000 fails by chance, and the seed is fixed.
    bound = 4 * deviation_of_a_step / np.sqrt(len(x))
    assert bound < 0.6 * variance
    assert np.mean((x - N / 2) ** 2) == pytest.approx(variance, abs=bound)
    assert abs(x.mean() - N / 2) < 0.5  # an integrator leaves no error behind


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.fast_cases("4")
def test_oscillates_at_six_fifths_of_the_limit(tmp_path: Path, delay: int) -> None:
    """The swing grows until responses meet 0 and 1; its period is that of the root on the unit circle."""
    x = _aggregate(tmp_path, delay, 1.2, 700)[SETTLED:] - N / 2
    steady, _ = _theory(delay, 0.8)
    assert np.mean(x * x) > 4 * steady
    assert np.abs(x).max() > 0.45 * N
    power = np.abs(np.fft.rfft(x)) ** 2
    period = len(x) / (1 + np.argmax(power[1:]))
    # At the limit the root is exp(iπ/(2d+1)). Clipping makes the swing slower, as a smaller gain would.
    assert 0.95 * 2 * (2 * delay + 1) < period < 1.35 * 2 * (2 * delay + 1)
    assert power[1:].max() > 0.5 * power[1:].sum()  # one line in the spectrum, not noise
