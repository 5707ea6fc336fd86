"""Some households asked all at once: those whose only device goes as an array, and the others one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.delivery import DeviceLoop, Unit
from cosim.devices.active_device import ActiveDevice, HomeSlots
from cosim.devices.interface import DEVICES, DeviceArrays, LoopedArrays
from cosim.households.household import Equipment, Household
from cosim.households.profile_book import ProfileBook

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


class OwnedArrays(NamedTuple):
    """Devices of one kind that go as arrays."""

    owners: Whole
    """Their households. Shape (n,)."""
    arrays: DeviceArrays
    """The devices."""
    closed: deque[Array]
    """What their meters have counted, of intervals that are read later."""

    def close(self) -> Array:
        """What their meters show of the first interval that has not been read; see `DeviceArrays.close`."""
        return self.closed.popleft() if self.closed else self.arrays.close()


class Together:
    """The households of a community, regulated from the start to the end.

    Parameters
    ----------
    members : ndarray of int64, shape (n,)
        Their numbers.
    equipment : Equipment
        All households.
    units : sequence of Unit
        What is asked of them.
    step_ms : int
        Length of a step.
    book : ProfileBook
        Their load and generation.

    Attributes
    ----------
    in_arrays : dict of str to OwnedArrays
        By kind, the devices that are brought up to date here, not by their households.
    """

    def __init__(
        self, members: Whole, equipment: Equipment, units: Sequence[Unit], step_ms: int, book: ProfileBook
    ) -> None:
        self._households = [equipment.households[member] for member in members.tolist()]
        self._units, self._step_ms, self._book = units, step_ms, book
        self._served = np.flatnonzero([bool(unit.service) for unit in units])
        served = [unit for unit in units if unit.service]
        self.in_arrays: dict[str, OwnedArrays] = {}
        self._slots: dict[str, HomeSlots] = {}
        self._block = -1
        self._closed_ms = 0
        self._kinds: list[str] = []
        # Of each household, the kind of its device that goes as an array, by number, and its place there.
        self._kind_of = np.full(len(members), -1, np.int64)
        self._place = np.zeros(len(members), np.int64)
        kind_of = {id(one): kind for kind, each in equipment.devices.items() for _, one in each}
        alone = [_only_device(household, served) for household in self._households]
        for kind in equipment.devices:
            positions = [p for p, one in enumerate(alone) if one is not None and kind_of[id(one)] == kind]
            made = positions and DEVICES[kind].in_arrays(
                [alone[p] for p in positions], served, step_ms, book.slot_ms
            )
            if made:
                self._kind_of[positions] = len(self._kinds)
                self._place[positions] = np.arange(len(positions))
                self._kinds.append(kind)
                self.in_arrays[kind] = OwnedArrays(members[positions], made, deque())
        self._is_one_kind = (
            len(self._kinds) == 1 and len(served) == len(units) and bool((self._kind_of == 0).all())
        )
        for household in self._households:
            household.regulate(units, 0, True)

    def deliver(self, positions: Whole, requested: Array, times_ms: Whole) -> Array:
        """What of the requested units will be delivered over the coming step.

        Parameters
        ----------
        positions : ndarray of int64, shape (k,)
            Who is asked, by place among the members.
        requested : ndarray, shape (m, k)
            0 or 1 for each unit.
        times_ms : ndarray of int64, shape (k,)
            When each is asked, after all that it was asked before.

        Returns
        -------
        ndarray, shape (m, k)
            From 0 to 1, in whole parts of a unit.
        """
        self._look_up()
        if self._is_one_kind:
            (kind,) = self._kinds
            arrays, slots = self.in_arrays[kind].arrays, self._slots[kind]
            return arrays.deliver(positions, requested, times_ms, slots)
        delivered = requested.copy()
        kinds = self._kind_of[positions]
        for number, kind in enumerate(self._kinds):
            mine = np.flatnonzero(kinds == number)
            wanted = requested[self._served].take(mine, axis=1)
            arrays, slots = self.in_arrays[kind].arrays, self._slots[kind]
            got = arrays.deliver(self._place[positions[mine]], wanted, times_ms[mine], slots)
            delivered[np.ix_(self._served, mine)] = got
        alone = np.flatnonzero(kinds < 0)
        if len(alone):
            delivered[:, alone] = self._one_by_one(
                positions[alone], requested.take(alone, axis=1), times_ms[alone]
            )
        return delivered

    def _one_by_one(self, positions: Whole, requested: Array, times_ms: Whole) -> Array:
        """As `deliver`, of households whose devices are asked one at a time."""
        households, units, step_ms = self._households, self._units, self._step_ms
        asked = zip(positions.tolist(), requested.astype(int).T.tolist(), times_ms.tolist(), strict=True)
        got = [
            households[position].deliver(wants, units, now_ms, step_ms) for position, wants, now_ms in asked
        ]
        return np.array(got, np.float64).T

    def advance(self, now_ms: int) -> None:
        """Bring what goes as arrays up to now."""
        if now_ms <= self._closed_ms:
            return
        self._look_up()
        for kind, owned in self.in_arrays.items():
            owned.arrays.advance(now_ms, self._slots[kind])

    def close_meters(self, now_ms: int) -> None:
        """An interval ends now, and is read later: keep what the meters of arrays have counted."""
        if now_ms <= self._closed_ms:
            return
        self.advance(now_ms)
        self._closed_ms = now_ms
        for owned in self.in_arrays.values():
            owned.closed.append(owned.arrays.close())

    @property
    def loop(self) -> DeviceLoop | None:
        """What all devices do in a compiled loop; None where there is none for them."""
        arrays = self._sole_arrays()
        return arrays.loop if isinstance(arrays, LoopedArrays) else None

    def in_loop(self) -> Any:
        """Their state for that loop, which changes it."""
        self._look_up()
        (kind,), arrays = self._kinds, self._sole_arrays()
        assert isinstance(arrays, LoopedArrays)
        return arrays.in_loop(self._slots[kind])

    def keep_flows(self, now_ms: int, flows: Array) -> None:
        """Keep what meters have counted there, of each interval up to now; see `BulkDeliverer`."""
        arrays = self._sole_arrays()
        assert isinstance(arrays, LoopedArrays)
        self._closed_ms = now_ms
        self.in_arrays[self._kinds[0]].closed.extend(arrays.shown(flows))

    def _sole_arrays(self) -> DeviceArrays | None:
        """The devices, where all are of one kind, in the members' order, and serve every unit."""
        return self.in_arrays[self._kinds[0]].arrays if self._is_one_kind else None

    def _look_up(self) -> None:
        """Have the profiles as arrays, whenever others have been opened."""
        book = self._book
        if self._block == book.version:
            return
        self._block = book.version
        for kind, owned in self.in_arrays.items():
            surplus_kw = np.array([book.surplus_kw[owner] for owner in owned.owners.tolist()])
            self._slots[kind] = HomeSlots(surplus_kw, book.first_ms, book.slot_ms)


def _only_device(household: Household, units: Sequence[Unit]) -> ActiveDevice | None:
    """The device of a household that has one alone, and that serves every unit."""
    if len(household.devices) != 1:
        return None
    (device,) = household.devices
    return device if all(household.services.get(unit.service) is device for unit in units) else None
