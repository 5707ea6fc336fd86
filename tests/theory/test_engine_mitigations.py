r"""Delay compensation and the measured delay in the simulator itself, the delay made by the links' latency.

As in `test_engine_stability` the averages hardly move, so the aggregate is linear in Ω with the slope G = κN,
and its noise is that of N coins.

::

    Ω(k) ──► downlink, 2 steps ──► decision ──► a step later its report ──► uplink, 1 step ──► tick: d = 3
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.regulation.predictor_stability import predictor_stability_limit
from cosim.regulation.stability import stability_limit
from tests.theory.steady_loop import KAPPA, STEP_MS, N, aggregate, constant_latency

DELAY = 3
SETTLED = 200
CONSTANT = {"downlink": constant_latency(2), "uplink": constant_latency(1)}
ERRATIC = {  # jitter, and a tenth of the messages lost, each way
    direction: {
        "latency": {"kind": "uniform", "low_ms": 0, "high_ms": 3 * STEP_MS},
        "loss": {"kind": "bernoulli", "loss_probability": 0.1},
    }
    for direction in ("downlink", "uplink")
}


def _run(folder: Path, platform: dict[str, Any], links: dict[str, Any], n_steps: int) -> tuple[Any, Any]:
    """Σx after it has settled, less the capacity; and the run's summary."""
    x = aggregate(folder, platform, links, n_steps)[SETTLED:]
    return x - N / 2, json.loads((folder / "run" / "summary.json").read_text())


@pytest.mark.parametrize(
    "model", ["measured", *(pytest.param(each, marks=pytest.mark.slow) for each in ("estimated", DELAY))]
)
def test_a_right_model_bears_three_times_the_limit_of_the_plain_loop(tmp_path: Path, model: Any) -> None:
    product = 3 * stability_limit(DELAY)
    assert product < 0.7 * predictor_stability_limit(DELAY, DELAY)
    platform = {
        "gain": product / (KAPPA * N),
        "mitigations": [{"kind": "smith", "delay_steps": model}],
    }
    x, _ = _run(tmp_path, platform, CONSTANT, 1200)
    # 2v/(2−τG), whatever the delay; what the responses share lowers the coins' own variance by an N-th of it.
    amplification = 2 / (2 - product)
    variance = amplification * (N / 4) / (1 + (amplification - 1) / N)
    assert np.mean(x * x) == pytest.approx(variance, rel=0.25)
    assert abs(x.mean()) < 0.5


def test_the_plain_loop_does_not_bear_it(tmp_path: Path) -> None:
    x, _ = _run(tmp_path, {"gain": 3 * stability_limit(DELAY) / (KAPPA * N)}, CONSTANT, 600)
    assert np.abs(x).max() == N / 2
    assert np.mean(x * x) > 10 * N / 4


@pytest.mark.parametrize(
    ("model", "ratio"),
    [(2, 1.0), *(pytest.param(DELAY, each, marks=pytest.mark.slow) for each in (1.0, 1.6))],
)
def test_the_limit_of_a_model_right_or_wrong(tmp_path: Path, model: int, ratio: float) -> None:
    """A fifth below the limit of theory the aggregate is calm, a quarter above it swings as far as it can."""
    limit = predictor_stability_limit(DELAY, model, ratio)
    power = {}
    for share in (0.8, 1.25):
        compensation = {"kind": "smith", "delay_steps": model, "slope": ratio * KAPPA * N}
        platform = {"gain": share * limit / (KAPPA * N), "mitigations": [compensation]}
        x, _ = _run(tmp_path / f"{share}", platform, CONSTANT, 600)
        power[share] = np.mean(x * x)
    assert power[0.8] < 6 * N / 4
    assert power[1.25] > 3 * power[0.8]


@pytest.mark.slow
def test_with_the_reports_own_signals_jitter_and_losses_are_borne(tmp_path: Path) -> None:
    product = 0.6 * 2.0  # of the limit without delay
    compensation = {"kind": "smith", "delay_steps": "measured"}
    platform = {"gain": product / (KAPPA * N), "mitigations": [compensation]}
    compensated, _ = _run(tmp_path / "a", platform, ERRATIC, 900)
    plain, _ = _run(tmp_path / "b", {"gain": product / (KAPPA * N)}, ERRATIC, 900)
    assert np.mean(compensated**2) < 3.5 * N / 4
    assert np.mean(plain**2) > 10 * N / 4


def test_a_gain_by_margin_is_a_share_of_the_compensated_limit(tmp_path: Path) -> None:
    compensation = {"kind": "smith", "delay_steps": 2}
    given = 0.5 * predictor_stability_limit(DELAY, 2) / (KAPPA * N)
    by_margin, _ = _run(
        tmp_path / "a", {"gain": {"margin": 0.5}, "mitigations": [compensation]}, CONSTANT, 300
    )
    by_number, _ = _run(tmp_path / "b", {"gain": given, "mitigations": [compensation]}, CONSTANT, 300)
    assert np.array_equal(by_margin, by_number)


def test_the_measured_delay_is_the_links_own(tmp_path: Path) -> None:
    platform = {"gain": {"margin": 0.4}, "mitigations": ["measured_gain"]}
    _, summary = _run(tmp_path, platform, CONSTANT, 300)
    assert summary["market_x_measured_loop_delay_end_steps"] == pytest.approx(DELAY, abs=1e-9)
    assert summary["market_x_gain_end"] == pytest.approx(0.4 * stability_limit(DELAY) / (KAPPA * N))


@pytest.mark.slow
def test_a_gain_by_the_measured_delay_stays_stable_where_the_estimate_does_not(tmp_path: Path) -> None:
    """Six of ten messages are lost, which no estimate from latencies knows."""
    links = {
        direction: {"loss": {"kind": "bernoulli", "loss_probability": 0.6}}
        for direction in ("downlink", "uplink")
    }
    estimated, without = _run(tmp_path / "a", {"gain": {"margin": 0.9}}, links, 700)
    measured, summary = _run(
        tmp_path / "b", {"gain": {"margin": 0.9}, "mitigations": ["measured_gain"]}, links, 700
    )
    # Each way 0.6/0.4 messages in a row are lost on average before one arrives.
    assert summary["market_x_measured_loop_delay_end_steps"] == pytest.approx(1 + 2 * 0.6 / 0.4, rel=0.1)
    assert np.mean(measured**2) < 0.5 * np.mean(estimated**2)
    assert "market_x_gain_end" not in without
