"""Latencies: each is a distribution, by its quantile function: uniform numbers in, whole milliseconds out."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from cosim.config.base import (
    FilledText,
    LocalPath,
    Milliseconds,
    Model,
    Number,
    PositiveMilliseconds,
    Range,
)
from cosim.config.choice import Choice
from cosim.config.csv_format import CsvFormat
from cosim.core.errors import InputError, Problem, SimulationError
from cosim.core.registry import Registry, class_name, is_own

Floats = NDArray[np.float64]

LONGEST_MS: Final = 10**13
"""Latencies are cut here, three centuries, so that a heavy tail's infinity is a whole number too."""

_SMALLEST_UNIFORM: Final = 2.0**-54
# A uniform number is a multiple of 2**-53, so 0 stands for [0, 2**-53): its middle has a finite quantile.

_TOGETHER = 4096
"""How many numbers stay in the processor's cache from one operation to the next."""


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
        result = np.empty(uniforms.shape, np.int64)
        flat, drawn = uniforms.reshape(-1), result.reshape(-1)
        with np.errstate(over="ignore"):
            for first in range(0, len(flat), _TOGETHER):
                some = slice(first, first + _TOGETHER)
                latencies = self.quantile(np.maximum(flat[some], _SMALLEST_UNIFORM))
                drawn[some] = np.rint(np.minimum(latencies, LONGEST_MS))
        return result


def checked(model: LatencyModel, latency: Latency) -> Latency:
    """The distribution of a model; one of a plugin is looked at, number by number.

    Raises
    ------
    SimulationError
        When it is drawn from, if it gives what is no latency.
    """
    if is_own(model):
        return latency

    def quantile(u: Floats) -> Floats:
        drawn = np.asarray(latency.quantile(u), dtype=np.float64)
        if drawn.shape != u.shape or not (drawn >= 0).all():
            wrong = drawn[~(drawn >= 0)] if drawn.shape == u.shape else drawn
            gave = f"{wrong.flat[0]} ms" if drawn.shape == u.shape else f"{drawn.size} numbers for {u.size}"
            raise SimulationError(f"the latency model '{model.kind}' ({class_name(model)}) gave {gave}")
        return drawn

    return replace(latency, quantile=quantile)


class LatencyModel(Model):
    """How long messages travel: the keys of one form of it, and the distribution that they describe."""

    kind: str

    @abstractmethod
    def distribution(self, read_trace: TraceReader) -> Latency:
        """The distribution.

        Parameters
        ----------
        read_trace : callable
            Called as ``read_trace(self)`` by what is read from a file; gives the measured latencies (ms).

        Raises
        ------
        InputError
            If the file of a trace cannot be used.
        """

    def files(self) -> dict[str, str]:
        """The files that it names, by their keys."""
        return {}


LATENCIES: Registry[LatencyModel] = Registry("latency model", LatencyModel)  # type: ignore[type-abstract]
LatencyConfig = Annotated[LatencyModel, Choice(LATENCIES)]
TraceReader = Callable[["TraceLatency"], Floats]
"""Gives the latencies (ms) of a trace."""


class _OffsetLatency(LatencyModel):
    """A latency with a floor."""

    offset_ms: Milliseconds = 0
    """Propagation floor that is added to every latency (ms)."""


@LATENCIES.register("constant")
class ConstantLatency(_OffsetLatency):
    """Every message takes the same time."""

    kind: Literal["constant"] = "constant"
    """Latency is constant."""
    latency_ms: Milliseconds = 0
    """Latency of every message (ms)."""

    def distribution(self, read_trace: TraceReader) -> Latency:
        """See `LatencyModel`."""
        return _constant(self.latency_ms + self.offset_ms)


@LATENCIES.register("uniform")
class UniformLatency(_OffsetLatency):
    """Uniform between two bounds."""

    kind: Literal["uniform"] = "uniform"
    """Latency is uniform."""
    low_ms: Milliseconds
    """Shortest latency (ms)."""
    high_ms: Milliseconds
    """Longest latency (ms)."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_ms > self.high_ms:
            raise ValueError(
                f"low_ms = {self.low_ms:g} is above high_ms = {self.high_ms:g}; give low_ms <= high_ms"
            )
        return self

    def distribution(self, read_trace: TraceReader) -> Latency:
        """See `LatencyModel`."""
        return _uniform(self.low_ms + self.offset_ms, self.high_ms - self.low_ms)


@LATENCIES.register("normal")
class NormalLatency(_OffsetLatency):
    """Normal, truncated at 0: the distribution given that it is not negative."""

    kind: Literal["normal"] = "normal"
    """Latency is normal, truncated at 0."""
    mean_ms: Milliseconds
    """Mean before the truncation (ms); the truncated mean is a little higher."""
    std_ms: Milliseconds
    """Standard deviation before the truncation (ms)."""

    def distribution(self, read_trace: TraceReader) -> Latency:
        """See `LatencyModel`."""
        return _normal(self.mean_ms, self.std_ms, self.offset_ms)


@LATENCIES.register("lognormal")
class LognormalLatency(_OffsetLatency):
    """Lognormal: what measured packet delays often look like."""

    kind: Literal["lognormal"] = "lognormal"
    """Latency is lognormal."""
    median_ms: PositiveMilliseconds
    """Median (ms), without the offset."""
    sigma: Annotated[Number, Range(0, 10)]
    """Standard deviation of the latency's natural logarithm (no unit)."""

    def distribution(self, read_trace: TraceReader) -> Latency:
        """See `LatencyModel`."""
        return _lognormal(self.median_ms, self.sigma, self.offset_ms)


@LATENCIES.register("exponential")
class ExponentialLatency(_OffsetLatency):
    """Exponential."""

    kind: Literal["exponential"] = "exponential"
    """Latency is exponential."""
    mean_ms: Milliseconds
    """Mean (ms), without the offset."""

    def distribution(self, read_trace: TraceReader) -> Latency:
        """See `LatencyModel`."""
        return _exponential(self.mean_ms, self.offset_ms)


@LATENCIES.register("gamma")
class GammaLatency(_OffsetLatency):
    """Gamma; shape 1 is the exponential, a large shape is nearly normal."""

    kind: Literal["gamma"] = "gamma"
    """Latency is gamma distributed."""
    mean_ms: Milliseconds
    """Mean (ms), without the offset."""
    shape: Annotated[Number, Range(0.01, 1_000_000)]
    """Shape k (no unit); the coefficient of variation is 1/sqrt(k)."""

    def distribution(self, read_trace: TraceReader) -> Latency:
        """See `LatencyModel`."""
        return _gamma(self.mean_ms, self.shape, self.offset_ms)


@LATENCIES.register("trace")
class TraceLatency(CsvFormat, LatencyModel):
    """Drawn from measured latencies, each equally likely."""

    kind: Literal["trace"] = "trace"
    """Latency is drawn from a file of measured values."""
    file: LocalPath
    """CSV file inside the scenario's folder, with a header."""
    column: FilledText = "latency_ms"
    """Column that holds the latencies (ms)."""

    def distribution(self, read_trace: TraceReader) -> Latency:
        """See `LatencyModel`."""
        return _trace(self, read_trace(self))

    def files(self) -> dict[str, str]:
        """See `LatencyModel`."""
        return {"file": self.file}


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
    # 1 - u is exact for the numbers that are drawn, and numpy's log takes a quarter of the time of its log1p.
    return Latency(lambda u: offset_ms - mean_ms * np.log(1.0 - u), mean_ms + offset_ms)


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
