"""Heat pumps that a market regulates, all at once: what `InstalledHeatPump` does one by one.

How warm it gets are the functions of `heat_balance`; what is here is whose turn it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.core.compiled import compiled
from cosim.core.delivery import in_parts
from cosim.devices import heat_balance
from cosim.devices.active_device import HomeSlots
from cosim.devices.heat_balance import Done, Heated, Weather, goal, run
from cosim.devices.heat_pump_at_work import InstalledHeatPump
from cosim.devices.heat_store import HeatedBuilding, HeatStore, ProfiledHeat

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_SLOTS_AHEAD = 32
"""For how many slots beyond those that are needed demands are looked up at once."""


class HeatPumpState(NamedTuple):
    """What heat pumps remember, an entry each."""

    level: Array
    """As of `HeatStore`."""
    done: Array
    """Likewise. Shape (n, 6)."""
    taken: Array
    """Since meters were last read."""
    updated_ms: Whole
    promised_until_ms: Whole
    """Up to when each has been brought, and until when it is asked to run."""


class Weathers(NamedTuple):
    """What acts on all homes."""

    demand_kw: Array
    """Of each home with a profile, from slot `first` on. Shape (n, n_slots_known)."""
    outdoor_c: Array
    cop: Array
    """At each place with buildings, over the whole run. Shape (n_places, n_slots)."""
    row: Whole
    """Where each home stands in the first, or in the other two."""
    first: int
    n_slots: int
    slot_ms: int
    """The first slot of demands, how many the run has, and their length."""


def _weather(place: int, at_ms: int, is_building: bool, of: Weathers) -> Weather:
    """What acts on one home in the slot of an instant; after the end of the run as at its end."""
    slot, row = min(at_ms // of.slot_ms, of.n_slots - 1), of.row[place]
    if is_building:
        return Weather(0.0, of.outdoor_c[row, slot], of.cop[row, slot])
    return Weather(of.demand_kw[row, slot - of.first], 0.0, 1.0)


def _live(
    place: int, now_ms: int, constants: Array, state: HeatPumpState, weathers: Weathers
) -> tuple[float, Done]:
    """Bring one heat pump up to now; says how warm it is, and what has come of it since it was read."""
    c, d = constants[place], state.done[place]
    heated = Heated(c[0], c[1], c[2], c[3] != 0.0, c[4], c[5])
    done = Done(d[0], d[1], d[2], d[3], d[4], d[5])
    t, level = state.updated_ms[place], state.level[place]
    promised_ms = state.promised_until_ms[place]
    while t < now_ms:
        end_ms = min(t - t % weathers.slot_ms + weathers.slot_ms, now_ms)
        is_asked = t < promised_ms
        if is_asked:
            end_ms = min(end_ms, promised_ms)
        energy, level, done = run(
            heated, _weather(place, t, heated.is_building, weathers), level, done,
            goal(heated, is_asked, c[7] != 0.0), c[6], (end_ms - t) / MS_PER_HOUR,
        )  # fmt: skip
        state.taken[place] += energy
        t = end_ms
    state.updated_ms[place], state.level[place] = t, level
    d[0], d[1], d[2] = done.used_kwh, done.missing_kwh, done.cold_h
    d[3], d[4], d[5] = done.cold_degree_h, done.heat_kwh, done.heat_lost_kwh
    return level, done


_HEATING = (
    _weather,
    run,
    goal,
    heat_balance.advanced,
    heat_balance.cold,
    heat_balance.hold_kw,
    heat_balance.hours_to,
    heat_balance.rest_c,
)


@compiled(_live, *_HEATING)
def _live_all(now_ms: int, constants: Array, state: HeatPumpState, weathers: Weathers) -> None:
    for place in range(len(constants)):
        _live(place, now_ms, constants, state, weathers)


@compiled(_live, *_HEATING, in_parts)
def _deliver(
    places: Whole,
    requested: Array,
    times_ms: Whole,
    step_ms: int,
    constants: Array,
    state: HeatPumpState,
    weathers: Weathers,
    delivered: Array,
) -> None:
    """Let some heat pumps promise, each at its own instant."""
    slot_ms = weathers.slot_ms
    for column in range(len(places)):
        place, now_ms = places[column], times_ms[column]
        level, done = _live(place, now_ms, constants, state, weathers)
        first = -1
        for row in range(len(requested)):
            delivered[row, column] = 0.0
            if first < 0 and requested[row, column] != 0.0:
                first = row
        t, end_ms, is_asked = now_ms, now_ms + step_ms, first >= 0
        state.promised_until_ms[place] = end_ms if is_asked else 0
        c = constants[place]
        heated = Heated(c[0], c[1], c[2], c[3] != 0.0, c[4], c[5])
        energy_kwh = 0.0
        while t < end_ms:
            until_ms = min(t - t % slot_ms + slot_ms, end_ms)
            energy, level, done = run(
                heated, _weather(place, t, heated.is_building, weathers), level, done,
                goal(heated, is_asked, c[7] != 0.0), c[6], (until_ms - t) / MS_PER_HOUR,
            )  # fmt: skip
            energy_kwh += energy
            t = until_ms
        delivered[max(first, 0), column] = in_parts(energy_kwh / (c[6] * (step_ms / MS_PER_HOUR)))


class HeatPumpArrays:
    """Heat pumps that a market regulates from the start to the end, each alone in its household.

    Parameters
    ----------
    pumps : sequence of InstalledHeatPump
        As they are at the start.
    step_ms : int
        Length of a step.
    """

    def __init__(self, pumps: Sequence[InstalledHeatPump], step_ms: int) -> None:
        stores: list[HeatStore] = [each.store for each in pumps]
        self._constants = np.array(
            [(*each.store.heated, each.pump.power_kw, each.pump.runs_when_due) for each in pumps], np.float64
        )
        self._is_building = self._constants[:, 3] != 0.0
        self._kvar_per_kw = np.array([each.pump.kvar_per_kw for each in pumps])
        n = len(pumps)
        self._state = HeatPumpState(
            level=np.array([store.level for store in stores]),
            done=np.zeros((n, len(Done._fields))),
            taken=np.zeros(n),
            updated_ms=np.zeros(n, np.int64),
            promised_until_ms=np.zeros(n, np.int64),
        )
        self._step_ms = step_ms
        profiled = [store for store in stores if isinstance(store, ProfiledHeat)]
        buildings = [store.building for store in stores if isinstance(store, HeatedBuilding)]
        self._demand = profiled[0].demand if profiled else None
        self._households = np.array([store.household for store in profiled], np.int64)
        places = {(id(one.outdoor_c), id(one.cop)): one for one in buildings}
        number = {key: row for row, key in enumerate(places)}
        row = np.empty(n, np.int64)
        row[self._is_building] = [number[id(one.outdoor_c), id(one.cop)] for one in buildings]
        row[~self._is_building] = np.arange(len(profiled))
        n_slots = len(buildings[0].outdoor_c) if buildings else profiled[0].demand.n_slots
        outdoor_c, cop = (
            np.array([getattr(one, name) for one in places.values()], np.float64).reshape(-1, n_slots)
            for name in ("outdoor_c", "cop")
        )
        known = np.empty((len(profiled), 0))
        self._weathers = Weathers(known, outdoor_c, cop, row, 0, n_slots, pumps[0].pump.slot_ms)

    def deliver(self, places: Whole, requested: Array, times_ms: Whole, slots: HomeSlots) -> Array:
        """What some pumps will take over the coming step, shape (m, n); see `ActiveDevice.deliver`."""
        delivered = np.empty_like(requested)
        if len(places):
            self._look_up(int(times_ms.max()) + self._step_ms)
            _deliver(
                places, requested, times_ms, self._step_ms, self._constants, self._state, self._weathers,
                delivered,
            )  # fmt: skip
        return delivered

    def advance(self, now_ms: int, slots: HomeSlots) -> None:
        """Bring all up to now."""
        self._look_up(now_ms)
        _live_all(now_ms, self._constants, self._state, self._weathers)

    def close(self) -> Array:
        """What happened since it was last called, shape (n_metered, n); see `InstalledHeatPump.close`."""
        state, is_building = self._state, self._is_building
        taken, (used, *others) = state.taken.copy(), state.done.T.copy()
        state.taken.fill(0.0)
        state.done.fill(0.0)
        nothing = np.zeros(len(taken))
        ahead, inside_c = (
            np.where(is_building, *each) for each in ((0.0, state.level), (state.level, np.nan))
        )
        return np.array([taken, nothing, ahead, nothing, used, taken * self._kvar_per_kw, *others, inside_c])

    def _look_up(self, until_ms: int) -> None:
        """Have the demands of all slots up to an instant."""
        now = self._weathers
        end = min(-(-until_ms // now.slot_ms), now.n_slots)
        if self._demand is None or end <= now.first + now.demand_kw.shape[1]:
            return
        first = min(int(self._state.updated_ms.min()) // now.slot_ms, now.n_slots - 1)
        n_slots = min(end + _SLOTS_AHEAD, now.n_slots) - first
        demand_kw = self._demand.block(self._households, first, n_slots)
        self._weathers = now._replace(demand_kw=demand_kw, first=first)
