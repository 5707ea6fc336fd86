"""The columns that a run's series choose from: some in memory, others read piece by piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_MINUTE
from cosim.devices.sites import Pages, Rows, Slots
from cosim.grid.simbench_data import SLOT_MINUTES

Array = NDArray[np.float64]


class ProfileSources:
    """Source columns by name.

    Parameters
    ----------
    slots : Slots
        The grid of time; a quarter hour is a whole number of slots.
    held : mapping of str to ndarray, shape (n_slots,)
        Columns that are in memory.
    paged : sequence of (Pages, mapping of str to str)
        Where columns are read piece by piece, so that some weeks are in memory at once: their names here, and
        there.

    Raises
    ------
    InputError
        If there is no column of a name, or the run leaves the time that is covered.
    """

    def __init__(
        self,
        slots: Slots,
        held: Mapping[str, Array],
        paged: Sequence[tuple[Pages, Mapping[str, str]]] = (),
    ) -> None:
        self._held = held
        self._n_slots = slots.n_slots
        self._per_quarter = SLOT_MINUTES * MS_PER_MINUTE // slots.slot_ms
        n_quarters = -(-slots.n_slots // self._per_quarter)
        self._paged: list[Rows] = []
        self._place: dict[str, tuple[int, int]] = {}
        for pages, names in paged:
            keys = sorted(names)
            self._place |= {key: (len(self._paged), column) for column, key in enumerate(keys)}
            self._paged.append(pages.open([names[key] for key in keys], slots.start, n_quarters))

    def stack(self, names: tuple[str, ...], slots: slice) -> Array:
        """Some columns side by side in some slots, as far as there are; shape (n, n_names)."""
        first, end, _ = slots.indices(self._n_slots)
        paged = [self._in_slots(rows, first, end) for rows in self._paged]
        columns = []
        for name in names:
            if name in self._place:
                number, column = self._place[name]
                columns.append(paged[number][:, column])
            else:
                columns.append(self._held[name][first:end])
        return np.stack(columns, axis=1)

    def _in_slots(self, rows: Rows, first: int, end: int) -> Array:
        """Profiles by quarter hours; the value of a quarter hour holds in all its slots."""
        begin = first // self._per_quarter
        quarters = rows.rows(begin, -(-end // self._per_quarter))
        skipped = first - begin * self._per_quarter
        return np.repeat(quarters, self._per_quarter, axis=0)[skipped : skipped + end - first]


@dataclass(frozen=True)
class PickedColumns:
    """Some of the sources, as the columns of a series."""

    sources: ProfileSources
    """Where they are read."""
    names: tuple[str, ...]
    """Their names."""

    def __getitem__(self, slots: slice) -> Array:
        """Values of these slots, as far as there are; shape (n, n_names)."""
        return self.sources.stack(self.names, slots)
