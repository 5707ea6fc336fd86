"""Electric vehicles that a market regulates, all at once: what `InstalledVehicle` does one by one.

How they charge are the functions of `vehicle_charging`; what is here is whose turn it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.core.compiled import compiled
from cosim.core.delivery import in_parts
from cosim.devices import vehicle_charging
from cosim.devices.active_device import HomeSlots
from cosim.devices.vehicle_at_charger import EndedSession, InstalledVehicle
from cosim.devices.vehicle_charging import (
    Charger,
    charged_kwh,
    charges_now,
    charging,
    next_change_ms,
    promised,
)

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


class VehicleState(NamedTuple):
    """What vehicles remember, an entry each, but for their sessions, which stand one after another."""

    arrival_ms: Whole
    departure_ms: Whole
    """Of every session."""
    needed_kwh: Array
    charged_kwh: Array
    missing_kwh: Array
    """Likewise; the last two of those that have ended."""
    position: Whole
    end: Whole
    """Where the session stands that each vehicle is in or waits for, and where its sessions end."""
    remaining_kwh: Array
    stored_kwh: Array
    """As of `InstalledVehicle`."""
    updated_ms: Whole
    promised_until_ms: Whole
    """Up to when each has been brought, and until when it is asked to charge."""
    taken: Array
    lost: Array
    used: Array
    plugged_h: Array
    """Since meters were last read."""


def _live(place: int, now_ms: int, slot_ms: int, constants: Array, state: VehicleState) -> None:
    """Bring one vehicle up to now."""
    c = constants[place]
    charger = Charger(c[0], c[1], c[2], c[3] != 0.0)
    t, session = state.updated_ms[place], state.position[place]
    while t < now_ms:
        end_ms = min(t - t % slot_ms + slot_ms, now_ms)
        if session == state.end[place]:
            t = now_ms
        elif t < state.arrival_ms[session]:
            t = min(end_ms, state.arrival_ms[session])
        else:
            departure_ms, asked_ms = state.departure_ms[session], state.promised_until_ms[place]
            remaining = state.remaining_kwh[place]
            end_ms = min(
                end_ms, next_change_ms(charger, charger.charger_kw, remaining, t, departure_ms, asked_ms)
            )
            hours = (end_ms - t) / MS_PER_HOUR
            state.plugged_h[place] += hours
            if charges_now(charger, charger.charger_kw, remaining, t, departure_ms, asked_ms):
                energy, stored = charged_kwh(charger, charger.charger_kw, remaining, hours)
                state.remaining_kwh[place] -= stored
                state.stored_kwh[place] += stored
                state.taken[place] += energy
                state.lost[place] += energy - stored
            t = end_ms
            if t >= departure_ms:
                state.charged_kwh[session] = state.stored_kwh[place]
                state.missing_kwh[session] = state.remaining_kwh[place]
                state.used[place] += state.stored_kwh[place]
                state.stored_kwh[place] = state.remaining_kwh[place] = 0.0
                state.promised_until_ms[place] = 0
                session += 1
        if session < state.end[place] and state.arrival_ms[session] == t:
            state.remaining_kwh[place] = state.needed_kwh[session]
    state.updated_ms[place], state.position[place] = t, session


_CHARGING = (
    vehicle_charging.lasts_ms,
    vehicle_charging.due_ms,
    charges_now,
    charged_kwh,
    next_change_ms,
)


@compiled(_live, *_CHARGING)
def _live_all(now_ms: int, slot_ms: int, constants: Array, state: VehicleState) -> None:
    for place in range(len(constants)):
        _live(place, now_ms, slot_ms, constants, state)


@compiled(_live, *_CHARGING, charging, promised, in_parts)
def _deliver(
    places: Whole,
    requested: Array,
    times_ms: Whole,
    step_ms: int,
    slot_ms: int,
    constants: Array,
    state: VehicleState,
    delivered: Array,
) -> None:
    """Let some vehicles promise, each at its own instant."""
    for column in range(len(places)):
        place, now_ms = places[column], times_ms[column]
        _live(place, now_ms, slot_ms, constants, state)
        first = -1
        for row in range(len(requested)):
            delivered[row, column] = 0.0
            if first < 0 and requested[row, column] != 0.0:
                first = row
        session, remaining = state.position[place], state.remaining_kwh[place]
        state.promised_until_ms[place] = 0
        if session == state.end[place] or state.arrival_ms[session] > now_ms:
            continue
        if first >= 0 and remaining:
            state.promised_until_ms[place] = now_ms + step_ms
        c = constants[place]
        charger = Charger(c[0], c[1], c[2], c[3] != 0.0)
        begin_ms, stop_ms = charging(
            charger, charger.charger_kw, remaining, now_ms, state.departure_ms[session],
            state.promised_until_ms[place],
        )  # fmt: skip
        delivered[max(first, 0), column] = promised(
            charger, charger.charger_kw, begin_ms, stop_ms, now_ms, step_ms
        )


class VehicleArrays:
    """Vehicles that a market regulates from the start to the end, each alone in its household.

    Parameters
    ----------
    vehicles : sequence of InstalledVehicle
        As they are at the start; they are told of sessions that have ended when meters are read.
    step_ms : int
        Length of a step.
    slot_ms : int
        Length of a slot of the profiles.
    """

    def __init__(self, vehicles: Sequence[InstalledVehicle], step_ms: int, slot_ms: int) -> None:
        self._vehicles = vehicles
        self._constants = np.array([vehicle.charger for vehicle in vehicles], np.float64)
        sessions = [session for vehicle in vehicles for session in vehicle.sessions]
        end = np.cumsum([len(vehicle.sessions) for vehicle in vehicles], dtype=np.int64)
        n = len(vehicles)
        self._state = VehicleState(
            arrival_ms=np.array([session.arrival_ms for session in sessions], np.int64),
            departure_ms=np.array([session.departure_ms for session in sessions], np.int64),
            needed_kwh=np.array([session.needed_kwh for session in sessions], np.float64),
            charged_kwh=np.zeros(len(sessions)),
            missing_kwh=np.zeros(len(sessions)),
            position=np.concatenate(([0], end[:-1])),
            end=end,
            remaining_kwh=np.array([vehicle.remaining_kwh for vehicle in vehicles]),
            stored_kwh=np.zeros(n),
            updated_ms=np.zeros(n, np.int64),
            promised_until_ms=np.zeros(n, np.int64),
            taken=np.zeros(n),
            lost=np.zeros(n),
            used=np.zeros(n),
            plugged_h=np.zeros(n),
        )
        self._told = self._state.position.copy()
        self._step_ms, self._slot_ms = step_ms, slot_ms

    def deliver(self, places: Whole, requested: Array, times_ms: Whole, slots: HomeSlots) -> Array:
        """What some vehicles will take over the coming step, shape (m, n); see `ActiveDevice.deliver`."""
        delivered = np.empty_like(requested)
        _deliver(
            places, requested, times_ms, self._step_ms, self._slot_ms, self._constants, self._state, delivered
        )
        return delivered

    def advance(self, now_ms: int, slots: HomeSlots) -> None:
        """Bring all up to now."""
        _live_all(now_ms, self._slot_ms, self._constants, self._state)

    def close(self) -> Array:
        """What happened since it was last called, shape (n_metered, n); see `InstalledVehicle.close`."""
        state = self._state
        self._tell()
        flows = [each.copy() for each in (state.taken, state.lost, state.used, state.plugged_h)]
        for each in (state.taken, state.lost, state.used, state.plugged_h):
            each.fill(0.0)
        taken, lost, used, plugged_h = flows
        nothing = np.zeros(len(taken))
        return np.array(
            [taken, nothing, state.stored_kwh, lost, used, nothing, state.remaining_kwh, plugged_h]
        )

    def _tell(self) -> None:
        """Let the vehicles know which sessions have ended, and what they still need."""
        state = self._state
        for place in np.flatnonzero(self._told < state.position).tolist():
            for one in range(self._told[place], state.position[place]):
                self._vehicles[place].ended.append(
                    EndedSession(
                        int(state.arrival_ms[one]),
                        int(state.departure_ms[one]),
                        float(state.needed_kwh[one]),
                        float(state.charged_kwh[one]),
                        float(state.missing_kwh[one]),
                    )
                )
        self._told[:] = state.position
        for vehicle, kwh in zip(self._vehicles, state.remaining_kwh.tolist(), strict=True):
            vehicle.remaining_kwh = kwh
