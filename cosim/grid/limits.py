"""Which intervals leave a feeder's limits, where, and for how many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.config.network import VoltageAndLoadingLimits

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Extremes:
    """The most extreme element of each interval.

    Attributes
    ----------
    value : ndarray of float64, shape (T,)
        Its value; NaN where the interval has none.
    column : ndarray of int64, shape (T,)
        Its column; -1 where the interval has none.
    """

    value: FloatArray
    column: NDArray[np.int64]


@dataclass(frozen=True)
class Violations:
    """Which intervals are outside which limit.

    Attributes
    ----------
    under_voltage, over_voltage : ndarray of bool, shape (T,)
        Some bus is below or above the voltage band.
    line_overload, trafo_overload : ndarray of bool, shape (T,)
        Some line or transformer is loaded beyond its limit.
    lowest_voltage, highest_voltage, worst_line, worst_trafo : Extremes
        The most extreme bus, line and transformer of each interval.
    buses_outside, lines_overloaded, trafos_overloaded : ndarray of int64, shape (T,)
        Number of elements outside their limit.
    """

    under_voltage: NDArray[np.bool_]
    over_voltage: NDArray[np.bool_]
    line_overload: NDArray[np.bool_]
    trafo_overload: NDArray[np.bool_]
    lowest_voltage: Extremes
    highest_voltage: Extremes
    worst_line: Extremes
    worst_trafo: Extremes
    buses_outside: NDArray[np.int64]
    lines_overloaded: NDArray[np.int64]
    trafos_overloaded: NDArray[np.int64]

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Intervals outside any limit, shape (T,)."""
        return self.under_voltage | self.over_voltage | self.line_overload | self.trafo_overload


def find_violations(
    vm_pu: FloatArray,
    line_loading_percent: FloatArray,
    trafo_loading_percent: FloatArray,
    limits: VoltageAndLoadingLimits,
) -> Violations:
    """Compare results with limits; a limit that is just reached is kept.

    What is NaN (no supply, or the interval did not converge) is neither inside nor outside: not counted.

    Parameters
    ----------
    vm_pu : ndarray of float64, shape (T, n_bus)
        Voltages, per unit.
    line_loading_percent, trafo_loading_percent : ndarray of float64, shape (T, n_line), (T, n_trafo)
        Loadings, percent.
    limits : VoltageAndLoadingLimits
        The limits.
    """
    low, high = vm_pu < limits.vm_min_pu, vm_pu > limits.vm_max_pu
    line = line_loading_percent > limits.line_loading_max_percent
    trafo = trafo_loading_percent > limits.trafo_loading_max_percent
    return Violations(
        np.asarray(low.any(axis=1)),
        np.asarray(high.any(axis=1)),
        np.asarray(line.any(axis=1)),
        np.asarray(trafo.any(axis=1)),
        extremes(vm_pu, largest=False),
        extremes(vm_pu, largest=True),
        extremes(line_loading_percent, largest=True),
        extremes(trafo_loading_percent, largest=True),
        (low | high).sum(axis=1, dtype=np.int64),
        line.sum(axis=1, dtype=np.int64),
        trafo.sum(axis=1, dtype=np.int64),
    )


def extremes(values: FloatArray, largest: bool) -> Extremes:
    """The largest or smallest value of each row and its column; of equals the first.

    Parameters
    ----------
    values : ndarray of float64, shape (T, n)
        NaN is left out.
    largest : bool
        Whether the largest is looked for, else the smallest.
    """
    n_rows, n_columns = values.shape
    if n_columns == 0:
        return Extremes(np.full(n_rows, np.nan), np.full(n_rows, -1, dtype=np.int64))
    missing = np.isnan(values)
    filled = np.where(missing, -np.inf if largest else np.inf, values)
    column = (filled.argmax(axis=1) if largest else filled.argmin(axis=1)).astype(np.int64)
    none = missing.all(axis=1)
    return Extremes(
        np.where(none, np.nan, filled[np.arange(n_rows), column]),
        np.where(none, np.int64(-1), column),
    )


@dataclass(frozen=True)
class BandExceedance:
    """How long a bus was outside its voltage band, in intervals that converged.

    Attributes
    ----------
    below, above : ndarray of int64, shape (n_bus,)
        Intervals below and above the band.
    known : ndarray of int64, shape (n_bus,)
        Intervals with a voltage.
    """

    below: NDArray[np.int64]
    above: NDArray[np.int64]
    known: NDArray[np.int64]

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


def band_exceedance(vm_pu: FloatArray, vm_min_pu: float, vm_max_pu: float) -> BandExceedance:
    """Count, for each bus, the intervals outside a voltage band; a limit that is just reached is kept.

    Parameters
    ----------
    vm_pu : ndarray of float64, shape (T, n_bus)
        Voltages, per unit; NaN is not counted.
    vm_min_pu, vm_max_pu : float
        The band.
    """
    return BandExceedance(
        (vm_pu < vm_min_pu).sum(axis=0, dtype=np.int64),
        (vm_pu > vm_max_pu).sum(axis=0, dtype=np.int64),
        (~np.isnan(vm_pu)).sum(axis=0, dtype=np.int64),
    )
