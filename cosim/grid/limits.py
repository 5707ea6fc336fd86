"""Which intervals leave a feeder's limits, where, and for how many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


ROUNDING = 1e-9
"""A limit is exceeded by more than this share of it; a voltage that is held at its limit is within it."""


_LOADINGS = (2.0, 1000.0)


class LimitKind(NamedTuple):
    """One limit of every element of a table."""

    key: str
    """Its name in the configuration."""
    table: str
    column: str
    usual: float
    plausible: tuple[float, float]
    """What lies outside is doubted: it can hardly be left, or hardly be kept."""


KINDS = {
    "vm_min_pu": LimitKind("vm_min_pu", "bus", "min_vm_pu", 0.9, (0.5, 1.1)),
    "vm_max_pu": LimitKind("vm_max_pu", "bus", "max_vm_pu", 1.1, (0.9, 1.5)),
    "line_loading_max_percent": LimitKind(
        "line_loading_max_percent", "line", "max_loading_percent", 100.0, _LOADINGS
    ),
    "trafo_loading_max_percent": LimitKind(
        "trafo_loading_max_percent", "trafo", "max_loading_percent", 100.0, _LOADINGS
    ),
    "trafo3w_loading_max_percent": LimitKind(
        "trafo_loading_max_percent", "trafo3w", "max_loading_percent", 100.0, _LOADINGS
    ),
}
"""Limits by their name in `FeederLimits`, with pandapower's table and column."""


@dataclass(frozen=True)
class FeederLimits:
    """Limits of each element, in the order of the feeder's tables."""

    vm_min_pu: FloatArray
    vm_max_pu: FloatArray
    """Permitted voltages, per unit. Shape (n_bus,)."""
    line_loading_max_percent: FloatArray
    trafo_loading_max_percent: FloatArray
    """Permitted loadings, percent. Shape (n_line,), (n_trafo,)."""
    trafo3w_loading_max_percent: FloatArray
    """The same of three-winding transformers. Shape (n_trafo3w,)."""
    origins: Mapping[str, tuple[str, ...]]
    """Where each limit of the names above comes from: ``scenario``, ``network file``, ``grid data`` or
    ``default``."""


def loading_factors(limits: FeederLimits) -> FloatArray:
    """What makes percent of the rated current percent of the limit, shape (n_line + n_trafo + n_trafo3w,)."""
    every = (
        limits.line_loading_max_percent,
        limits.trafo_loading_max_percent,
        limits.trafo3w_loading_max_percent,
    )
    return 100 / np.concatenate(every)


class Usage(NamedTuple):
    """How far the limits of one kind are used; 1 is just reached, and what is beyond is outside."""

    values: FloatArray
    """What was calculated, in the limit's unit; NaN where it is not known. Shape (T, n)."""
    limits: FloatArray
    """The limit of each element. Shape (n,)."""
    share: FloatArray
    """Value over limit, of a lowest voltage limit over value, so that larger is worse for all. Shape (T,
    n)."""

    def rows(self, which: NDArray[np.bool_]) -> Usage:
        """Of some intervals alone."""
        return Usage(self.values[which], self.limits, self.share[which])

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Which are outside, shape (T, n); what is not known is neither in- nor outside."""
        return np.asarray(self.share > 1 + ROUNDING)


def usages(
    vm_pu: FloatArray,
    line_loading_percent: FloatArray,
    trafo_loading_percent: FloatArray,
    trafo3w_loading_percent: FloatArray,
    limits: FeederLimits,
) -> dict[str, Usage]:
    """Compare results with limits, kind by kind, by the limits' names.

    Parameters
    ----------
    vm_pu : ndarray of float64, shape (T, n_bus)
        Voltages, per unit.
    line_loading_percent, trafo_loading_percent : ndarray of float64, shape (T, n_line), (T, n_trafo)
        Loadings, percent.
    trafo3w_loading_percent : ndarray of float64, shape (T, n_trafo3w)
        Loadings of three-winding transformers, percent.
    limits : FeederLimits
        The limits.
    """
    results = {
        "vm_min_pu": vm_pu,
        "vm_max_pu": vm_pu,
        "line_loading_max_percent": line_loading_percent,
        "trafo_loading_max_percent": trafo_loading_percent,
        "trafo3w_loading_max_percent": trafo3w_loading_percent,
    }
    found = {}
    for name, values in results.items():
        limit: FloatArray = getattr(limits, name)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = limit / values if name == "vm_min_pu" else values / limit
        found[name] = Usage(values, limit, share)
    return found


def band_use(key: str, vm_pu: Any, low: Any, high: Any) -> Any:
    """How far voltages are on their way from the middle of their band to a limit, 1 at the limit.

    Parameters
    ----------
    key : str
        ``voltage_low`` or ``voltage_high``: to which limit.
    vm_pu, low, high : float or ndarray of float64
        Voltages, and the limits of the band, per unit.
    """
    way = 2 * vm_pu - (low + high) if key == "voltage_high" else (low + high) - 2 * vm_pu
    return way / (high - low)


@dataclass(frozen=True)
class BandExceedance:
    """How long a bus was outside its voltage band, in intervals that converged."""

    below: NDArray[np.int64]
    above: NDArray[np.int64]
    """Intervals below and above the band. Shape (n_bus,)."""
    known: NDArray[np.int64]
    """Intervals with a voltage. Shape (n_bus,)."""

    @property
    def within(self) -> NDArray[np.int64]:
        """Intervals inside the band, shape (n_bus,)."""
        return self.known - self.below - self.above

    @property
    def share(self) -> FloatArray:
        """Share of the known intervals outside the band, shape (n_bus,); NaN where none is known.

        Of hourly means this is an exceedance of the band, no statement on EN 50160, whose rule is on
        10-minute means.
        """
        with np.errstate(invalid="ignore"):
            return np.asarray((self.below + self.above) / self.known)

    def __add__(self, other: BandExceedance) -> BandExceedance:
        """Counts of two stretches of time together."""
        return BandExceedance(self.below + other.below, self.above + other.above, self.known + other.known)


def band_exceedance(
    vm_pu: FloatArray, vm_min_pu: float | FloatArray, vm_max_pu: float | FloatArray
) -> BandExceedance:
    """Count, for each bus, the intervals outside a voltage band; a limit that is just reached is kept.

    Parameters
    ----------
    vm_pu : ndarray of float64, shape (T, n_bus)
        Voltages, per unit; NaN is not counted.
    vm_min_pu, vm_max_pu : float or ndarray of float64, shape (n_bus,)
        The band.
    """
    return BandExceedance(
        (vm_pu < vm_min_pu * (1 - ROUNDING)).sum(axis=0, dtype=np.int64),
        (vm_pu > vm_max_pu * (1 + ROUNDING)).sum(axis=0, dtype=np.int64),
        (~np.isnan(vm_pu)).sum(axis=0, dtype=np.int64),
    )
