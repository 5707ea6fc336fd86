"""The columns that a run's series choose from: some in memory, those of SimBench in the cache's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.clock import MS_PER_MINUTE
from cosim.grid.profile_pages import ProfilePages
from cosim.grid.simbench_data import SLOT_MINUTES

Array = NDArray[np.float64]


class Slots(NamedTuple):
    """The grid of time of all series."""

    start: datetime
    slot_ms: int
    n_slots: int


class ProfileSources:
    """Source columns by name.

    Parameters
    ----------
    slots : Slots
        The grid of time; a quarter hour is a whole number of slots.
    held : mapping of str to ndarray, shape (n_slots,)
        Columns that are in memory.
    simbench : iterable of str
        Names of SimBench's columns; of these some weeks are in memory at once.

    Raises
    ------
    InputError
        If SimBench has no column of a name, or the run leaves its year.
    """

    def __init__(self, slots: Slots, held: Mapping[str, Array], simbench: Iterable[str]) -> None:
        self._held = held
        self._n_slots = slots.n_slots
        self._per_quarter = SLOT_MINUTES * MS_PER_MINUTE // slots.slot_ms
        names = sorted(simbench)
        self._position = {name: column for column, name in enumerate(names)}
        n_quarters = -(-slots.n_slots // self._per_quarter)
        self._pages = ProfilePages(names, slots.start, n_quarters) if names else None

    def stack(self, names: tuple[str, ...], slots: slice) -> Array:
        """Some columns side by side in some slots, as far as there are; shape (n, n_names)."""
        first, end, _ = slots.indices(self._n_slots)
        simbench = self._simbench(first, end)
        columns = [
            simbench[:, self._position[name]] if name in self._position else self._held[name][first:end]
            for name in names
        ]
        return np.stack(columns, axis=1)

    def _simbench(self, first: int, end: int) -> Array:
        """SimBench's columns; the value of a quarter hour holds in all its slots."""
        if self._pages is None:
            return np.zeros((0, 0))
        begin = first // self._per_quarter
        quarters = self._pages.rows(begin, -(-end // self._per_quarter))
        skipped = first - begin * self._per_quarter
        return np.repeat(quarters, self._per_quarter, axis=0)[skipped : skipped + end - first]


@dataclass(frozen=True)
class PickedColumns:
    """Some of the sources, as the columns of a series.

    Attributes
    ----------
    sources : ProfileSources
        Where they are read.
    names : tuple of str
        Their names.
    """

    sources: ProfileSources
    names: tuple[str, ...]

    def __getitem__(self, slots: slice) -> Array:
        """Values of these slots, as far as there are; shape (n, n_names)."""
        return self.sources.stack(self.names, slots)
