"""A schedulable appliance: a constant power for whole market intervals, in one piece or several.

A schedule is a row of on and off, one entry an interval. Hour ``t`` is ``[t, t+1)`` from the day's start;
paper B (Lotfi et al.) counts from 1: its hour 20 is hour 19 here.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_WAYS = 50_000
"""Most ways of running one appliance that are listed; a day of 24 hours has no more than 19,448."""


class Appliance(NamedTuple):
    """Constants of one appliance."""

    name: str
    """Its name in tables and messages."""
    power_kw: float
    """Power while it runs."""
    duration: int
    """Length of a run, intervals."""
    contiguous: bool = True
    """Whether a run is in one piece. If not, the intervals of all its runs may lie anywhere in the window."""
    earliest: int = 0
    latest: int = 24
    """The window: it runs in intervals ``earliest ... latest - 1``."""
    runs_per_day: int = 1
    """Number of runs, which do not overlap; one may follow the other at once."""
    slot_h: float = 1.0
    """Length of an interval, h."""

    @property
    def slots_needed(self) -> int:
        """Intervals it runs in a day."""
        return self.duration * self.runs_per_day

    @property
    def slot_kwh(self) -> float:
        """Energy of an interval in which it runs."""
        return self.power_kw * self.slot_h

    @property
    def energy_kwh(self) -> float:
        """Energy of a day."""
        return self.slot_kwh * self.slots_needed

    @property
    def window(self) -> int:
        """Length of the window, intervals."""
        return self.latest - self.earliest

    @property
    def fits(self) -> bool:
        """Whether its runs fit into its window."""
        return self.earliest >= 0 and self.slots_needed <= self.window


def any_hours(appliance: Appliance) -> bool:
    """Whether any intervals of the window will do, in the number needed.

    So it is where the appliance may be interrupted, and also where each run lasts one interval.
    """
    return not appliance.contiguous or appliance.duration == 1


def count_ways(appliance: Appliance) -> int:
    """Number of ways to run the appliance in a day; 0 where its runs do not fit."""
    if not appliance.fits:
        return 0
    if any_hours(appliance):
        return comb(appliance.window, appliance.slots_needed)
    spare_h = appliance.window - appliance.slots_needed
    return comb(spare_h + appliance.runs_per_day, appliance.runs_per_day)


def ways_to_run(appliance: Appliance, n_hours: int) -> NDArray[np.bool_]:
    """Every way to run the appliance, the earliest first.

    Parameters
    ----------
    appliance : Appliance
        Its window must lie within `n_hours`.
    n_hours : int
        Length of the day.

    Returns
    -------
    ndarray of bool, shape (count_ways(appliance), n_hours)
        Row by row whether it is on; not to be changed. Rows are sorted by their first hour, then the second,
        ....

    Raises
    ------
    ValueError
        If there are more than `MAX_WAYS`, or the window ends after the day.
    """
    if appliance.latest > n_hours:
        raise ValueError(f"the window of {appliance.name} ends at {appliance.latest} of {n_hours}")
    if count_ways(appliance) > MAX_WAYS:
        raise ValueError(f"{appliance.name} can be run in {count_ways(appliance)} ways, more than {MAX_WAYS}")
    if not appliance.fits:
        return np.zeros((0, n_hours), dtype=np.bool_)
    piece_h = 1 if any_hours(appliance) else appliance.duration
    pieces = appliance.slots_needed // piece_h
    return _rows(n_hours, appliance.earliest, appliance.window, piece_h, pieces)


@lru_cache(maxsize=512)
def _rows(n_hours: int, first_h: int, window: int, piece_h: int, pieces: int) -> NDArray[np.bool_]:
    # Pieces that do not overlap correspond to distinct positions once each piece is shrunk to one hour.
    positions = range(window - pieces * (piece_h - 1))
    rows = np.zeros((comb(len(positions), pieces), n_hours), dtype=np.bool_)
    for row, chosen in zip(rows, combinations(positions, pieces), strict=True):
        for number, position in enumerate(chosen):
            start_h = first_h + position + number * (piece_h - 1)
            row[start_h : start_h + piece_h] = True
    rows.flags.writeable = False
    return rows


def load_kwh(appliances: tuple[Appliance, ...], on: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Energy the appliances take in each hour, kWh.

    Parameters
    ----------
    appliances : tuple of Appliance
        Their order is that of the rows of `on`.
    on : ndarray of bool, shape (len(appliances), n_hours)
        The allocation matrix A of paper B (3).

    Returns
    -------
    ndarray, shape (n_hours,)
    """
    slot_kwh = np.array([appliance.slot_kwh for appliance in appliances], dtype=np.float64)
    return np.asarray(slot_kwh @ on, dtype=np.float64)


def time_of_day(slot: int, slot_h: float) -> str:
    """Where an interval lies, for messages: the hour, or when in it a shorter one begins."""
    minutes = round(slot * slot_h * 60)
    return f"hour {slot}" if slot_h == 1 else f"the interval from {minutes // 60:02d}:{minutes % 60:02d}"
