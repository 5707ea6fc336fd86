"""A heat pump while time goes on: it holds a level of heat, or runs ahead and waits as a market wants."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cosim.core.clock import MS_PER_HOUR, to_hours
from cosim.core.delivery import Unit, in_parts
from cosim.devices.active_device import METERED, NEVER, ActiveDevice, Surroundings
from cosim.devices.heat_balance import goal, run
from cosim.devices.heat_store import HeatStore


class Pump(NamedTuple):
    """Constants of a heat pump."""

    power_kw: float
    """Electrical power at full load; it runs at any power below that, too."""
    kvar_per_kw: float
    """Reactive power drawn with it."""
    runs_when_due: bool
    """Whether it holds the lower limit of comfort whatever it is asked for."""
    slot_ms: int
    """Nothing that it follows changes within a slot."""


class InstalledHeatPump(ActiveDevice):
    """The heat pump of one household.

    Parameters
    ----------
    pump : Pump
        Its constants.
    store : HeatStore
        What it heats.

    Attributes
    ----------
    is_regulated : bool
        Whether a market decides when it runs; else it holds the level that is wanted.
    limit_kw : float
        What it may draw at most.
    """

    metered = (
        *METERED,
        "missing_kwh",
        "cold_h",
        "cold_degree_h",
        "heat_kwh",
        "heat_lost_kwh",
        "temperature_c",
    )
    __slots__ = (
        "_promised_until_ms",
        "_taken",
        "cold_degree_h",
        "cold_h",
        "is_regulated",
        "limit_kw",
        "missing_kwh",
        "now_ms",
        "pump",
        "store",
    )

    def __init__(self, pump: Pump, store: HeatStore) -> None:
        super().__init__()
        self.pump = pump
        self.store = store
        self.is_regulated = False
        self.limit_kw = math.inf
        self.now_ms = self._promised_until_ms = 0
        self._taken = 0.0

    def step(self, end_ms: int, hours: float, surplus_kw: float) -> float:
        """Run as it is asked to, within comfort and power."""
        store, at_ms = self.store, self.now_ms
        weather, aim = store.weather(at_ms), self._goal(at_ms)
        energy, store.level, store.done = run(
            store.heated, weather, store.level, store.done, aim, self._most_kw, hours
        )
        self._taken += energy
        self.now_ms = end_ms
        self._look_ahead()
        return energy

    def close(self) -> tuple[float, ...]:
        """What happened since it was last called."""
        taken, self._taken = self._taken, 0.0
        flows = self.store.close()
        self.stored_kwh = flows.stored_kwh
        kvarh = taken * self.pump.kvar_per_kw
        return taken, 0.0, flows.stored_kwh, 0.0, flows.used_kwh, kvarh, *flows[2:]

    def regulate(self, is_on: bool) -> None:
        """A market decides from now on, or does so no longer and it holds the level that is wanted."""
        self.is_regulated = is_on
        self._promised_until_ms = 0
        self._look_ahead()

    def limit(self, most_kw: float) -> bool:
        """Run with no more than this from now on."""
        self.limit_kw = most_kw
        return True

    def known_kw(self, start_ms: int, end_ms: int) -> Sequence[tuple[int, float]]:
        """What it draws, slot by slot, as far as it stands now."""
        return [(until, kwh / to_hours(until - begin)) for begin, until, kwh in self._plan(start_ms, end_ms)]

    def deliver(
        self,
        requested: Sequence[int],
        units: Sequence[Unit],
        now_ms: int,
        step_ms: int,
        around: Surroundings,
    ) -> list[float]:
        """Promise to run over the coming step, or to wait.

        What it will take of its full power goes to the first resource that asked for it; where none has, and
        it holds its limit of comfort, to the first of all.
        """
        end_ms = now_ms + step_ms
        self._promised_until_ms = end_ms if any(requested) else 0
        self._look_ahead()
        delivered = [0.0] * len(requested)
        energy_kwh = 0.0
        for _, _, kwh in self._plan(now_ms, end_ms):  # `sum` adds in another way from Python 3.12 on
            energy_kwh += kwh
        first = requested.index(1) if 1 in requested else 0
        delivered[first] = in_parts(energy_kwh / (self.pump.power_kw * to_hours(step_ms)))
        return delivered

    def _look_ahead(self) -> None:
        self.until_ms = self._promised_until_ms if self._promised_until_ms > self.now_ms else NEVER

    def _plan(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, int, float]]:
        """Begin, end and energy of each slot or part of one, as far as it stands now."""
        store, at_ms, slot_ms = self.store, start_ms, self.pump.slot_ms
        level, done = store.level, store.done
        while at_ms < end_ms:
            until_ms = min(at_ms - at_ms % slot_ms + slot_ms, end_ms)
            if at_ms < self._promised_until_ms:
                until_ms = min(until_ms, self._promised_until_ms)
            weather, hours = store.weather(at_ms), (until_ms - at_ms) / MS_PER_HOUR
            energy, level, done = run(
                store.heated, weather, level, done, self._goal(at_ms), self._most_kw, hours
            )
            yield at_ms, until_ms, energy
            at_ms = until_ms

    @property
    def _most_kw(self) -> float:
        return max(min(self.pump.power_kw, self.limit_kw), 0.0)

    def _goal(self, at_ms: int) -> float:
        """The level that it works towards."""
        heated = self.store.heated
        if not self.is_regulated:
            return heated.wanted
        return goal(heated, at_ms < self._promised_until_ms, self.pump.runs_when_due)
