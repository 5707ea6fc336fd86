"""Latency samplers at their edges; the distributions themselves are judged in theory/."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter

from cosim.comms.latency import LONGEST_MS, Latency, LatencyConfig
from cosim.core.errors import InputError

EDGES = np.array([0.0, 2.0**-53, 0.5, 1 - 2.0**-53])


def latency(trace: list[float] | None = None, **given: object) -> Latency:
    config = TypeAdapter[LatencyConfig](LatencyConfig).validate_python(given)
    return config.distribution(lambda config: np.array(trace or [], dtype=float))


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "uniform", "low_ms": 0, "high_ms": 1000},
        {"kind": "normal", "mean_ms": 0, "std_ms": 50},
        {"kind": "normal", "mean_ms": 1e6, "std_ms": 1e-3},
        {"kind": "lognormal", "median_ms": 40, "sigma": 10},
        {"kind": "exponential", "mean_ms": 1e12},
        {"kind": "gamma", "mean_ms": 50, "shape": 0.01},
        {"kind": "gamma", "mean_ms": 50, "shape": 1e6},
    ],
)
def test_every_uniform_number_gives_a_latency(given: dict[str, object]) -> None:
    sampled = latency(**given).sample_ms(EDGES)
    assert sampled.dtype == np.int64
    assert sampled.min() >= 0
    assert sampled.max() <= LONGEST_MS
    assert np.all(np.diff(sampled) >= 0)


def test_a_tail_that_no_clock_holds_is_cut() -> None:
    heavy = latency(kind="lognormal", median_ms=40, sigma=10)
    assert heavy.sample_ms(EDGES)[-1] == LONGEST_MS
    assert heavy.mean_ms == pytest.approx(40 * np.exp(50))


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "constant", "latency_ms": 20, "offset_ms": 5},
        {"kind": "uniform", "low_ms": 20, "high_ms": 20, "offset_ms": 5},
        {"kind": "normal", "mean_ms": 20, "std_ms": 0, "offset_ms": 5},
        {"kind": "lognormal", "median_ms": 20, "sigma": 0, "offset_ms": 5},
        {"kind": "exponential", "mean_ms": 0, "offset_ms": 25},
        {"kind": "gamma", "mean_ms": 0, "shape": 2, "offset_ms": 25},
    ],
)
def test_no_spread_is_constant(given: dict[str, object]) -> None:
    built = latency(**given)
    assert built.is_constant
    assert built.mean_ms == 25
    assert built.sample_ms(EDGES).tolist() == [25, 25, 25, 25]


def test_offset_shifts_every_quantile() -> None:
    plain = latency(kind="gamma", mean_ms=300, shape=2)
    shifted = latency(kind="gamma", mean_ms=300, shape=2, offset_ms=70)
    uniforms = np.linspace(0, 0.999, 50)
    np.testing.assert_array_equal(shifted.sample_ms(uniforms) - plain.sample_ms(uniforms), 70)
    assert shifted.mean_ms == plain.mean_ms + 70


def test_rounds_to_the_nearest_millisecond() -> None:
    assert latency(kind="constant", latency_ms=2.6).sample_ms(EDGES)[0] == 3
    assert latency(kind="constant", latency_ms=2.4).sample_ms(EDGES)[0] == 2


def test_trace_draws_each_value_equally_often() -> None:
    built = latency([30, 10, 20, 10], kind="trace", file="a.csv")
    uniforms = (np.arange(400) + 0.5) / 400
    values, counts = np.unique(built.sample_ms(uniforms), return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {10: 200, 20: 100, 30: 100}
    assert built.mean_ms == 17.5
    assert built.quantile_ms(0.5) == 20


@pytest.mark.parametrize("values", [[], [5.0, -1.0], [np.nan, 5.0], [np.inf]])
def test_bad_traces_are_refused(values: list[float]) -> None:
    with pytest.raises(InputError, match=r"a\.csv"):
        latency(values, kind="trace", file="a.csv")
