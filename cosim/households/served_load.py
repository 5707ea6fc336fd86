"""The load that a kind of device serves, looked up slot by slot; one block of time is in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.devices.sites import Slots
from cosim.households.profile_book import Series

_SLOTS_PER_BLOCK = 672


class LookedUp:
    """See `cosim.devices.sites.ServedLoad`.

    Parameters
    ----------
    series : Series
        Of every household, kW.
    slots : Slots
        The grid of time.
    """

    def __init__(self, series: Series, slots: Slots) -> None:
        self._series = series
        self._slots = slots
        self._blocks: dict[int, list[list[float]]] = {}

    @property
    def n_slots(self) -> int:
        """How many slots the run has."""
        return self._slots.n_slots

    def kw(self, household: int, at_ms: int) -> float:
        """Its power in the slot of an instant; after the end of the run as at its end."""
        slot = min(at_ms // self._slots.slot_ms, self._slots.n_slots - 1)
        number, row = divmod(slot, _SLOTS_PER_BLOCK)
        if number not in self._blocks:
            # Who decides looks ahead into the block after the current one.
            self._blocks = {each: block for each, block in self._blocks.items() if each >= number - 1}
            first = number * _SLOTS_PER_BLOCK
            n_slots = min(_SLOTS_PER_BLOCK, self._slots.n_slots - first)
            self._blocks[number] = self._series.block(first, n_slots).tolist()
        return self._blocks[number][row][household]

    def block(self, households: NDArray[np.int64], first: int, n_slots: int) -> NDArray[np.float64]:
        """Their power in some slots of the run, shape (n_households, n_slots)."""
        rows = self._series.columns[first : first + n_slots]
        columns = rows[:, self._series.choice[households]] * self._series.scale[households]
        return np.ascontiguousarray(columns.T)
