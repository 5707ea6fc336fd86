"""Batteries that a market regulates, all at once: what `InstalledBattery` does one by one, in compiled loops.

The energies are the functions of `battery_energies`; what is here is whose turn it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.core.compiled import compiled
from cosim.core.delivery import DeviceLoop, Unit, in_parts
from cosim.devices import battery_energies
from cosim.devices.active_device import HomeSlots
from cosim.devices.battery_at_home import OWN_LOAD, InstalledBattery
from cosim.devices.battery_energies import (
    Battery,
    change_kwh,
    covered_kw,
    deliverable_kwh,
    lost_kwh,
    promised,
    regulated_kwh,
    share_of_own,
)

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


class BatteryState(NamedTuple):
    """What batteries remember, an entry each."""

    stored_kwh: Array
    charged_kwh: Array
    discharged_kwh: Array
    leaked_kwh: Array
    """As of `InstalledBattery`."""
    updated_ms: Whole
    """Up to when each has been brought."""
    until_ms: Whole
    power_kw: Array
    """Until when it has promised which power, in order of time. Shape (n, n_pieces)."""
    turn: Whole
    n_promised: Whole
    """Which of these it is at, and how many there are."""
    residual_kw: Array
    piece_h: Array
    """Room for the load in each piece of a step, and its length: 0 of those that are not there."""


def _battery(place: int, constants: Array) -> Battery:
    return Battery(
        constants[place, 0], constants[place, 1], constants[place, 2], constants[place, 3],
        constants[place, 4], constants[place, 5], constants[place, 6], constants[place, 7],
        constants[place, 8],
    )  # fmt: skip


def _live(place: int, now_ms: int, battery: Battery, state: BatteryState, slots: HomeSlots) -> None:
    """Bring one battery up to now."""
    stored_kwh, turn = state.stored_kwh[place], state.turn[place]
    t = state.updated_ms[place]
    while t < now_ms:
        slot, power_kw = (t - slots.first_ms) // slots.slot_ms, 0.0
        end_ms = t - t % slots.slot_ms + slots.slot_ms
        if end_ms > now_ms:
            end_ms = now_ms
        if turn < state.n_promised[place]:
            until_ms, power_kw = state.until_ms[place, turn], state.power_kw[place, turn]
            if end_ms >= until_ms:
                end_ms = until_ms
                turn += 1
        charged, discharged, leaked = regulated_kwh(
            battery, stored_kwh, power_kw, slots.surplus_kw[place, slot], (end_ms - t) / MS_PER_HOUR
        )
        stored_kwh += change_kwh(battery, charged, discharged, leaked)
        state.charged_kwh[place] += charged
        state.discharged_kwh[place] += discharged
        state.leaked_kwh[place] += leaked
        t = end_ms
    state.stored_kwh[place], state.turn[place], state.updated_ms[place] = stored_kwh, turn, t


def _cut(place: int, start_ms: int, end_ms: int, state: BatteryState, slots: HomeSlots) -> int:
    """Cut a step into the pieces of `residual_pieces`; how many there are."""
    n, t, last = 0, start_ms, slots.surplus_kw.shape[1] - 1
    for piece in range(len(state.piece_h)):
        state.residual_kw[piece] = state.piece_h[piece] = 0.0
        if t < end_ms:
            until_ms = t - t % slots.slot_ms + slots.slot_ms
            if until_ms > end_ms:
                until_ms = end_ms
            slot = (t - slots.first_ms) // slots.slot_ms
            state.residual_kw[piece] = -slots.surplus_kw[place, slot if slot < last else last]
            state.piece_h[piece] = (until_ms - t) / MS_PER_HOUR
            state.until_ms[place, piece] = t = until_ms
            n += 1
    return n


_ENERGIES = (
    _battery,
    battery_energies.charged_kwh,
    battery_energies.leaked_kwh,
    regulated_kwh,
    change_kwh,
)
_PROMISES = (
    _cut,
    in_parts,
    deliverable_kwh,
    covered_kw,
    battery_energies.coverable_kwh,
    promised,
    share_of_own,
)


def _live_each(now_ms: int, constants: Array, state: BatteryState, slots: HomeSlots) -> None:
    for place in range(len(constants)):
        _live(place, now_ms, _battery(place, constants), state, slots)


def _deliver_each(
    places: Whole,
    requested: Array,
    times_ms: Whole,
    step_ms: int,
    follows_load: NDArray[np.bool_],
    unit_kwh: Array,
    constants: Array,
    state: BatteryState,
    slots: HomeSlots,
    delivered: Array,
) -> None:
    """Let some batteries promise, each at its own instant."""
    hours = step_ms / MS_PER_HOUR
    for column in range(len(places)):
        place, now_ms = places[column], times_ms[column]
        battery = _battery(place, constants)
        _live(place, now_ms, battery, state, slots)
        most_kwh = deliverable_kwh(battery, state.stored_kwh[place], hours)
        n_pieces, steady_kwh, own_kwh = 0, 0.0, 0.0
        for row in range(len(unit_kwh)):
            is_own, got = follows_load[row], 0.0
            if requested[row, column] != 0.0:
                if is_own and n_pieces == 0:
                    n_pieces = _cut(place, now_ms, now_ms + step_ms, state, slots)
                got = promised(
                    battery, most_kwh, is_own, unit_kwh[row], steady_kwh, own_kwh, state.residual_kw,
                    state.piece_h, hours,
                )  # fmt: skip
            if is_own:
                own_kwh += got * unit_kwh[row]
            else:
                steady_kwh += got * unit_kwh[row]
            delivered[row, column] = got
        steady_kw = steady_kwh / hours
        if own_kwh == 0.0:
            n_pieces = 1 if steady_kw != 0.0 else 0
            state.until_ms[place, 0], state.power_kw[place, 0] = now_ms + step_ms, steady_kw
        else:
            limit_kw = battery.discharge_kw - steady_kw
            share = share_of_own(own_kwh, state.residual_kw, state.piece_h, limit_kw)
            for piece in range(n_pieces):
                covered = covered_kw(state.residual_kw[piece], limit_kw)
                state.power_kw[place, piece] = steady_kw + share * covered
        state.turn[place], state.n_promised[place] = 0, n_pieces


_live_all = compiled(_live, *_ENERGIES)(_live_each)
_deliver = compiled(_live, *_ENERGIES, *_PROMISES)(_deliver_each)


class BatteriesInLoop(NamedTuple):
    """Batteries in a compiled loop over many steps; see `_deliver_each`."""

    step_ms: int
    follows_load: NDArray[np.bool_]
    unit_kwh: Array
    constants: Array
    state: BatteryState
    slots: HomeSlots


def _deliver_in_loop(
    places: Whole, requested: Array, times_ms: Whole, batteries: BatteriesInLoop, delivered: Array
) -> Array:
    """See `DeviceLoop`."""
    _deliver_each(
        places, requested, times_ms, batteries.step_ms, batteries.follows_load, batteries.unit_kwh,
        batteries.constants, batteries.state, batteries.slots, delivered,
    )  # fmt: skip
    return delivered


def _close_in_loop(now_ms: int, batteries: BatteriesInLoop, flows: Array) -> None:
    """See `DeviceLoop`; what is charged, discharged, stored and leaked."""
    state = batteries.state
    _live_each(now_ms, batteries.constants, state, batteries.slots)
    for place in range(len(state.stored_kwh)):
        flows[0, place], state.charged_kwh[place] = state.charged_kwh[place], 0.0
        flows[1, place], state.discharged_kwh[place] = state.discharged_kwh[place], 0.0
        flows[2, place] = state.stored_kwh[place]
        flows[3, place], state.leaked_kwh[place] = state.leaked_kwh[place], 0.0


class BatteryArrays:
    """Batteries that a market regulates from the start to the end, each alone in its household.

    Parameters
    ----------
    batteries : sequence of InstalledBattery
        As they are at the start.
    units : sequence of Unit
        What is asked for.
    step_ms : int
        Length of a step.
    slot_ms : int
        Length of a slot of the profiles.
    """

    loop = DeviceLoop(
        _deliver_in_loop, _close_in_loop, 4, (_live, _live_each, _deliver_each, *_ENERGIES, *_PROMISES)
    )

    def __init__(
        self, batteries: Sequence[InstalledBattery], units: Sequence[Unit], step_ms: int, slot_ms: int
    ) -> None:
        self._batteries = batteries
        self._constants = np.array([battery.constants for battery in batteries])
        self._columns = Battery(*self._constants.T)
        n, n_pieces = len(batteries), step_ms // slot_ms + 2
        self._state = BatteryState(
            stored_kwh=np.array([battery.stored_kwh for battery in batteries]),
            charged_kwh=np.zeros(n),
            discharged_kwh=np.zeros(n),
            leaked_kwh=np.zeros(n),
            updated_ms=np.zeros(n, np.int64),
            until_ms=np.zeros((n, n_pieces), np.int64),
            power_kw=np.zeros((n, n_pieces)),
            turn=np.zeros(n, np.int64),
            n_promised=np.zeros(n, np.int64),
            residual_kw=np.zeros(n_pieces),
            piece_h=np.zeros(n_pieces),
        )
        self._step_ms = step_ms
        self._follows_load = np.array([unit.service == OWN_LOAD for unit in units])
        self._unit_kwh = np.array([unit.energy_kwh for unit in units])

    def deliver(self, places: Whole, requested: Array, times_ms: Whole, slots: HomeSlots) -> Array:
        """What some batteries will deliver over the coming step, shape (m, n); see `ActiveDevice.deliver`."""
        delivered = np.empty_like(requested)
        _deliver(
            places, requested, times_ms, self._step_ms, self._follows_load, self._unit_kwh, self._constants,
            self._state, slots, delivered,
        )  # fmt: skip
        return delivered

    def advance(self, now_ms: int, slots: HomeSlots) -> None:
        """Bring all up to now."""
        _live_all(now_ms, self._constants, self._state, slots)

    def close(self) -> Array:
        """What happened since it was last called, shape (n_metered, n); see `InstalledBattery.close`."""
        state = self._state
        counted = state.charged_kwh, state.discharged_kwh, state.stored_kwh, state.leaked_kwh
        shown: Array = self.shown(np.array([counted]))[0]
        for each in (state.charged_kwh, state.discharged_kwh, state.leaked_kwh):
            each.fill(0.0)
        return shown

    def in_loop(self, slots: HomeSlots) -> BatteriesInLoop:
        """Their state for a loop over many steps, which changes it."""
        return BatteriesInLoop(
            self._step_ms, self._follows_load, self._unit_kwh, self._constants, self._state, slots
        )

    def shown(self, flows: Array) -> Array:
        """What meters show of intervals with these flows, as of `_close_in_loop`; shape (k, n_metered, n)."""
        charged, discharged, stored, leaked = flows.transpose(1, 0, 2)
        lost, nothing = lost_kwh(self._columns, charged, discharged, leaked), np.zeros(charged.shape)
        return np.stack([charged, discharged, stored, lost, nothing, nothing, leaked], axis=1)
