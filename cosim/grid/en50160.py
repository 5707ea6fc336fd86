"""The voltage band of EN 50160, which is about weeks of 10-minute means."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_DAY, MS_PER_MINUTE
from cosim.grid.limits import FloatArray, band_exceedance

INTERVAL_MIN = 10
"""The standard judges means of so many minutes, and no others."""
WEEK_INTERVALS = 7 * MS_PER_DAY // (INTERVAL_MIN * MS_PER_MINUTE)
BAND_PU = (0.90, 1.10)
"""Where 95 % of a week's means must be (EN 50160:2010, 4.2.2.2, in a system joined to others)."""
LEAST_SHARE = 0.95
WIDE_BAND_PU = (0.85, 1.10)
"""Where all of them must be."""


class JudgedWeek(NamedTuple):
    """A complete week, bus by bus; arrays of shape (n_supplied,)."""

    number: int
    """From 0."""
    columns: NDArray[np.intp]
    """The buses that are supplied."""
    share_within: FloatArray
    share_within_wide: FloatArray
    """Share of the means within ±10 %, and within +10/-15 %."""
    kept: NDArray[np.bool_]
    """Whether both rules are kept."""


class VoltageWeeks:
    """Judges each bus week by week; a week begins every seven days from the run's start.

    A mean that is NaN (not converged) is not within the band. A bus without supply is not judged.

    The band is the standard's, whatever limits the feeder's elements have of their own.

    Parameters
    ----------
    supplied : ndarray of bool, shape (n_bus,)
        Buses that are in service and supplied.

    Attributes
    ----------
    weeks, weeks_failed : int
        Complete weeks, and those in which some bus broke one of the two rules.
    least_share_within : float
        Smallest share of a week's means within ±10 %, of any bus; NaN before a week is complete.
    worst_column : int
        The bus that had it; -1 before a week is complete.
    judged : list of JudgedWeek
        The complete weeks, which who has read them takes out.
    """

    def __init__(self, supplied: NDArray[np.bool_]) -> None:
        self.weeks = 0
        self.weeks_failed = 0
        self.least_share_within = float("nan")
        self.worst_column = -1
        self._supplied = supplied
        self.judged: list[JudgedWeek] = []
        self._begin()

    def add(self, vm_pu: FloatArray) -> None:
        """Take the next 10-minute means, in order of time; shape (T, n_bus), per unit."""
        while len(vm_pu):
            room = WEEK_INTERVALS - self._n_taken
            self._take(vm_pu[:room])
            vm_pu = vm_pu[room:]

    def _begin(self) -> None:
        self._n_taken = 0
        self._within = np.zeros(len(self._supplied), dtype=np.int64)
        self._within_wide = np.zeros(len(self._supplied), dtype=np.int64)

    def _take(self, vm_pu: FloatArray) -> None:
        self._n_taken += len(vm_pu)
        band, wide = band_exceedance(vm_pu, *BAND_PU), band_exceedance(vm_pu, *WIDE_BAND_PU)
        self._within += band.within
        self._within_wide += wide.within
        if self._n_taken == WEEK_INTERVALS:
            self._judge()
            self._begin()

    def _judge(self) -> None:
        self.weeks += 1
        judged = np.flatnonzero(self._supplied)
        share = self._within[judged] / WEEK_INTERVALS
        kept = (share >= LEAST_SHARE) & (self._within_wide[judged] == WEEK_INTERVALS)
        self.weeks_failed += not kept.all()
        wide = self._within_wide[judged] / WEEK_INTERVALS
        self.judged.append(JudgedWeek(self.weeks - 1, judged, share, wide, kept))
        if judged.size and not share.min() >= self.least_share_within:
            worst = int(share.argmin())
            self.least_share_within, self.worst_column = float(share[worst]), int(judged[worst])
