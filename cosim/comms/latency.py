"""Latency distributions by their quantile functions: uniform numbers in, whole milliseconds out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosim.comms.schema import (
    ConstantLatency,
    ExponentialLatency,
    GammaLatency,
    LatencyConfig,
    LognormalLatency,
    NormalLatency,
    TraceLatency,
    UniformLatency,
)
from cosim.core.errors import InputError, Problem

Floats = NDArray[np.float64]
TraceReader = Callable[[TraceLatency], Floats]
"""Gives the latencies (ms) of a trace."""

LONGEST_MS: Final = 10**13
"""Latencies are cut here, three centuries, so that a heavy tail's infinity is a whole number too."""

_SMALLEST_UNIFORM: Final = 2.0**-54
# A uniform number is a multiple of 2**-53, so 0 stands for [0, 2**-53): its middle has a finite quantile.


@dataclass(frozen=True, slots=True)
class Latency:
    """A distribution of latencies.

    Attributes
    ----------
    quantile : callable
        Quantile function: probabilities in [0, 1) to latencies (ms, not rounded), elementwise.
    mean_ms : float
        Theoretical mean (ms), before rounding.
    is_constant : bool
        Every quantile is the same, so no random number is needed.
    """

    quantile: Callable[[Floats], Floats]
    mean_ms: float
    is_constant: bool = False

    def quantile_ms(self, probability: float) -> float:
        """Theoretical quantile (ms), before rounding; `probability` in [0, 1)."""
        return float(self.quantile(np.array([probability]))[0])

    def sample_ms(self, uniforms: Floats) -> NDArray[np.int64]:
        """Latencies for uniform numbers, by inversion.

        Parameters
        ----------
        uniforms : ndarray of float64, any shape
            Numbers in [0, 1).

        Returns
        -------
        ndarray of int64, same shape
            Whole milliseconds, rounded to the nearest, at most `LONGEST_MS`.
        """
        with np.errstate(over="ignore"):
            latencies = self.quantile(np.maximum(uniforms, _SMALLEST_UNIFORM))
        return np.rint(np.minimum(latencies, LONGEST_MS)).astype(np.int64)


def build_latency(config: LatencyConfig, read_trace: TraceReader) -> Latency:
    """The distribution that `config` describes.

    Parameters
    ----------
    config : LatencyConfig
        One of the latency models.
    read_trace : callable
        Called as ``read_trace(config)`` for a trace; gives the measured latencies (ms).

    Raises
    ------
    InputError
        If a trace is empty or holds a value that is negative or not finite.
    """
    match config:
        case TraceLatency():
            return _trace(config, read_trace(config))
        case ConstantLatency():
            return _constant(config.latency_ms + config.offset_ms)
        case UniformLatency():
            return _uniform(config.low_ms + config.offset_ms, config.high_ms - config.low_ms)
        case NormalLatency():
            return _normal(config.mean_ms, config.std_ms, config.offset_ms)
        case LognormalLatency():
            return _lognormal(config.median_ms, config.sigma, config.offset_ms)
        case ExponentialLatency():
            return _exponential(config.mean_ms, config.offset_ms)
        case GammaLatency():
            return _gamma(config.mean_ms, config.shape, config.offset_ms)


def _constant(latency_ms: float) -> Latency:
    return Latency(lambda u: np.full(u.shape, float(latency_ms)), latency_ms, is_constant=True)


def _uniform(low_ms: float, width_ms: float) -> Latency:
    if width_ms == 0:
        return _constant(low_ms)
    return Latency(lambda u: low_ms + width_ms * u, low_ms + width_ms / 2)


def _normal(mean_ms: float, std_ms: float, offset_ms: float) -> Latency:
    if std_ms == 0:
        return _constant(mean_ms + offset_ms)
    from scipy.special import ndtr, ndtri

    cut = -mean_ms / std_ms
    below = float(ndtr(cut))
    density = math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi)
    truncated_mean_ms = mean_ms + std_ms * density / (1 - below)

    def quantile(u: Floats) -> Floats:
        z: Floats = ndtri(below + u * (1 - below))
        # Rounding in ndtr and ndtri can leave a quantile next to the cut a hair below 0.
        return np.maximum(mean_ms + std_ms * z, 0.0) + offset_ms

    return Latency(quantile, truncated_mean_ms + offset_ms)


def _lognormal(median_ms: float, sigma: float, offset_ms: float) -> Latency:
    if sigma == 0:
        return _constant(median_ms + offset_ms)
    from scipy.special import ndtri

    def quantile(u: Floats) -> Floats:
        with np.errstate(over="ignore"):
            z: Floats = ndtri(u)
            return median_ms * np.exp(sigma * z) + offset_ms

    # math.exp raises where the mean exceeds every float.
    growth = math.exp(sigma**2 / 2) if sigma**2 < 1400 else math.inf
    return Latency(quantile, median_ms * growth + offset_ms)


def _exponential(mean_ms: float, offset_ms: float) -> Latency:
    if mean_ms == 0:
        return _constant(offset_ms)
    return Latency(lambda u: offset_ms - mean_ms * np.log1p(-u), mean_ms + offset_ms)


def _gamma(mean_ms: float, shape: float, offset_ms: float) -> Latency:
    if mean_ms == 0:
        return _constant(offset_ms)
    from scipy.special import gammaincinv

    scale_ms = mean_ms / shape
    return Latency(lambda u: offset_ms + scale_ms * gammaincinv(shape, u), mean_ms + offset_ms)


def _trace(config: TraceLatency, values: Floats) -> Latency:
    latencies = np.sort(np.asarray(values, dtype=np.float64).ravel())
    if latencies.size == 0 or not np.all(np.isfinite(latencies)) or latencies[0] < 0:
        raise InputError(
            [
                Problem(
                    f"column '{config.column}' is empty or holds a latency that is negative or not finite",
                    "Give at least one measured latency, each a finite number of milliseconds, not negative.",
                    "latency.file",
                    value=config.file,
                )
            ]
        )
    last = latencies.size - 1

    def quantile(u: Floats) -> Floats:
        # Inverse of the empirical distribution function: each measured value is drawn as often as another.
        return latencies[np.minimum((u * latencies.size).astype(np.int64), last)]

    return Latency(quantile, float(latencies.mean()), is_constant=bool(latencies[0] == latencies[last]))
