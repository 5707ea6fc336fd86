"""The meters at all connection points: they close together, at the end of each interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import to_hours
from cosim.households.household import Equipment
from cosim.households.profile_book import ProfileBook

Array = NDArray[np.float64]


class DeviceReading(NamedTuple):
    """One interval of all devices of a kind.

    Attributes
    ----------
    owners : ndarray of int, shape (n,)
        The household of each.
    values : dict of str to ndarray, shape (n,)
        What their meters show, by name.
    n_households : int
        Size of the population.
    """

    owners: NDArray[np.int64]
    values: dict[str, Array]
    n_households: int

    def of_households(self, name: str) -> Array:
        """Sums over each household's devices; shape (n_households,)."""
        return np.bincount(self.owners, self.values[name], self.n_households).astype(float, copy=False)


class Reading(NamedTuple):
    """One interval, each of shape (n_households,).

    Attributes
    ----------
    load_kwh, pv_kwh, net_kwh : ndarray
        Consumed and generated as profiles say, and drawn from the feeder at the connection point.
    devices : dict of str to DeviceReading
        All others, by kind.
    p_kw, q_kvar : ndarray
        Mean power drawn from the feeder: what the power flow sees.
    """

    load_kwh: Array
    pv_kwh: Array
    net_kwh: Array
    devices: dict[str, DeviceReading]
    p_kw: Array
    q_kvar: Array

    @property
    def consumed_kwh(self) -> Array:
        """What the household and its devices take."""
        return self._with("taken_kwh", self.load_kwh)

    @property
    def generated_kwh(self) -> Array:
        """What the household and its devices give."""
        return self._with("given_kwh", self.pv_kwh)

    def _with(self, name: str, total: Array) -> Array:
        for devices in self.devices.values():
            total = total + devices.of_households(name)
        return total


class Meters:
    """All meters of a run.

    Parameters
    ----------
    equipment : Equipment
        The households and their devices.
    book : ProfileBook
        Their load and generation.
    interval_ms : int
        Length of an interval.

    Attributes
    ----------
    book : ProfileBook
        Their load and generation.
    """

    def __init__(self, equipment: Equipment, book: ProfileBook, interval_ms: int) -> None:
        self._households = equipment.households
        self._devices = {
            kind: (np.array([owner for owner, _ in each]), [device for _, device in each])
            for kind, each in equipment.devices.items()
            if each
        }
        self.book = book
        self._interval_ms = interval_ms

    def close(self, interval: int) -> Reading:
        """Read and reset all meters at the end of `interval`; intervals are closed in their order."""
        end_ms = (interval + 1) * self._interval_ms
        hours = to_hours(self._interval_ms)
        load_kw, generation_kw, q_kvar = self.book.interval_means(interval)
        for household in self._households:
            household.advance(end_ms)
        self.book.turn_to(interval + 1)
        p_kw = load_kw - generation_kw
        readings = {}
        for kind, (owners, devices) in self._devices.items():
            rows = np.array([device.close() for device in devices]).T
            values = dict(zip(devices[0].metered, rows, strict=True))
            reading = readings[kind] = DeviceReading(owners, values, len(p_kw))
            active_kwh = reading.of_households("taken_kwh") - reading.of_households("given_kwh")
            p_kw = p_kw + active_kwh / hours
            q_kvar = q_kvar + reading.of_households("taken_kvarh") / hours
        return Reading(load_kw * hours, generation_kw * hours, p_kw * hours, readings, p_kw, q_kvar)
