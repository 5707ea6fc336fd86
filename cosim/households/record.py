"""What is written down of the connection points: tables `meters` and `batteries`, and the energies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosim.core.clock import to_utc
from cosim.core.context import Context
from cosim.core.numbers import Summary
from cosim.core.tables import PROSUMER, TIME, Coded, Column, Table, TableStore
from cosim.devices.interface import ActiveDevice
from cosim.households.energy_account import EnergyMetrics, Store, StoreFlows
from cosim.households.meters import Reading

METERS = Table(
    "meters",
    "What the meter of each household counted in each interval.",
    (
        TIME,
        PROSUMER,
        Column("load_kwh", "number", "kWh", "consumed by the household's load"),
        Column("pv_kwh", "number", "kWh", "generated"),
        Column("net_kwh", "number", "kWh", "load - generation + battery at the connection point"),
    ),
)
BATTERIES = Table(
    "batteries",
    "What each battery stored, took and gave in each interval.",
    (
        TIME,
        PROSUMER,
        Column("soc_kwh", "number", "kWh", "stored at the end of the interval"),
        Column("charge_kwh", "number", "kWh", "taken at the terminals"),
        Column("discharge_kwh", "number", "kWh", "given at the terminals"),
        Column("leaked_kwh", "number", "kWh", "lost by self-discharge"),
    ),
)

_INTERVALS_PER_BATCH = 168


class MeterRecorder:
    """Collects readings and writes them a batch of intervals at a time."""

    def __init__(
        self, batteries: Sequence[tuple[int, ActiveDevice]], context: Context, store: TableStore
    ) -> None:
        self._start = context.time.start
        self._warm_up_ms = context.time.warm_up_ms
        self._names = context.population.names
        self._meters = store.writer(METERS) if "meters" in context.records else None
        wants_batteries = "batteries" in context.records and len(batteries) > 0
        self._batteries = store.writer(BATTERIES) if wants_batteries else None
        self._starts_ms: list[int] = []
        self._readings: list[Reading] = []
        stored_kwh, efficiency = np.zeros(len(self._names)), np.ones(len(self._names))
        for owner, device in batteries:
            stored_kwh[owner], efficiency[owner] = device.stored_kwh, device.charge_efficiency
        self._metrics = EnergyMetrics({"battery": Store(stored_kwh, efficiency)})

    def add(self, start_ms: int, reading: Reading) -> None:
        """Take the reading of the interval that started at `start_ms`."""
        counts = start_ms >= self._warm_up_ms
        self._metrics.add(
            reading.load_kwh, reading.pv_kwh, reading.net_kwh, {"battery": self._store(reading)}, counts
        )
        self._starts_ms.append(start_ms)
        self._readings.append(reading)
        if len(self._readings) >= _INTERVALS_PER_BATCH:
            self.flush()

    def _store(self, reading: Reading) -> StoreFlows:
        if "battery" not in reading.devices:
            return StoreFlows(*np.zeros((3, len(self._names))))
        devices = reading.devices["battery"]
        names = ("taken_kwh", "given_kwh", "stored_kwh")
        return StoreFlows(*(devices.of_households(name) for name in names))

    def flush(self) -> None:
        """Write what has been collected."""
        if not self._readings:
            return
        readings, times = self._readings, to_utc(self._start, np.array(self._starts_ms))
        self._readings, self._starts_ms = [], []
        everyone = np.arange(len(self._names))
        if self._meters is not None:
            self._meters.append(
                {
                    "time": np.repeat(times, len(everyone)),
                    "prosumer": Coded(np.tile(everyone, len(times)), self._names),
                    "load_kwh": np.concatenate([reading.load_kwh for reading in readings]),
                    "pv_kwh": np.concatenate([reading.pv_kwh for reading in readings]),
                    "net_kwh": np.concatenate([reading.net_kwh for reading in readings]),
                }
            )
        if self._batteries is not None:
            each = [reading.devices["battery"] for reading in readings]
            owners = each[0].owners
            self._batteries.append(
                {
                    "time": np.repeat(times, len(owners)),
                    "prosumer": Coded(np.tile(owners, len(times)), self._names),
                    "soc_kwh": np.concatenate([devices.values["stored_kwh"] for devices in each]),
                    "charge_kwh": np.concatenate([devices.values["taken_kwh"] for devices in each]),
                    "discharge_kwh": np.concatenate([devices.values["given_kwh"] for devices in each]),
                    "leaked_kwh": np.concatenate([devices.values["leaked_kwh"] for devices in each]),
                }
            )

    def summary(self) -> Summary:
        """Energies, self-consumption and self-sufficiency."""
        return self._metrics.result()
