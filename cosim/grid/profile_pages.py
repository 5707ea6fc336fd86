"""SimBench profiles over a stretch of time, of which only some weeks are in memory at once."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cosim.grid.simbench_data import SLOT_MINUTES, check_profiles, read_profiles

SLOTS_PER_PAGE = 8 * 7 * 96
"""Quarter hours that are read together: long enough that a year is read in seven goes."""


class ProfilePages:
    """Profiles that are read from the cache's file when somebody looks at them, a page at a time.

    Parameters
    ----------
    names : iterable of str
        Columns, as `profile_names` lists them.
    start : datetime
        Start of the first slot, with a time zone, on a quarter hour.
    n_slots : int
        Number of quarter hours.
    scenario : int
        SimBench scenario, 0, 1 or 2.

    Raises
    ------
    InputError
        If a name is unknown, or the time asked for is not covered.
    """

    def __init__(self, names: Iterable[str], start: datetime, n_slots: int, scenario: int = 0) -> None:
        self.names = tuple(names)
        self._start = start
        self._n_slots = n_slots
        self._scenario = scenario
        check_profiles(self.names, start, n_slots, scenario)
        # Two, because a block of a run may end in the page after the one it began in.
        self._page = functools.lru_cache(maxsize=2)(self._read)

    def rows(self, first: int, end: int) -> NDArray[np.float64]:
        """Quarter hours ``first ... end - 1``, without those beyond the last; shape (n, n_names)."""
        end = min(end, self._n_slots)
        parts = [np.zeros((0, len(self.names)))]
        for page in range(first // SLOTS_PER_PAGE, -(-end // SLOTS_PER_PAGE)):
            begin = page * SLOTS_PER_PAGE
            parts.append(self._page(page)[max(first - begin, 0) : end - begin])
        return np.concatenate(parts)

    def _read(self, page: int) -> NDArray[np.float64]:
        begin = page * SLOTS_PER_PAGE
        n = min(SLOTS_PER_PAGE, self._n_slots - begin)
        start = self._start + timedelta(minutes=begin * SLOT_MINUTES)
        return read_profiles(self.names, start, n, self._scenario).values
