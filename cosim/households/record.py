"""What is written down of the connection points: tables `meters` and `batteries`, and the energies."""

from __future__ import annotations

import numpy as np

from cosim.core.clock import to_utc
from cosim.core.tables import PROSUMER, TIME, Coded, Column, Summary, Table, TableStore
from cosim.engine.builder import Parts
from cosim.engine.scenario import Scenario
from cosim.households.meters import Reading
from cosim.results.energy_metrics import EnergyMetrics

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

    def __init__(self, scenario: Scenario, parts: Parts, store: TableStore) -> None:
        self._start = scenario.time.start
        self._warm_up_ms = scenario.time.warm_up_ms
        self._names = parts.population.names
        self._with_battery = np.array([home.index for home in parts.homes if home.battery is not None], int)
        self._meters = store.writer(METERS) if scenario.record.meters else None
        wants_batteries = scenario.record.batteries and len(self._with_battery) > 0
        self._batteries = store.writer(BATTERIES) if wants_batteries else None
        self._starts_ms: list[int] = []
        self._readings: list[Reading] = []
        self._metrics = EnergyMetrics(
            np.array([home.stored_kwh for home in parts.homes]),
            np.array([home.battery.charge_efficiency if home.battery else 1.0 for home in parts.homes]),
        )

    def add(self, start_ms: int, reading: Reading) -> None:
        """Take the reading of the interval that started at `start_ms`."""
        self._metrics.add(
            reading.load_kwh,
            reading.pv_kwh,
            reading.net_kwh,
            reading.charged_kwh,
            reading.discharged_kwh,
            reading.stored_kwh,
            counts=start_ms >= self._warm_up_ms,
        )
        self._starts_ms.append(start_ms)
        self._readings.append(reading)
        if len(self._readings) >= _INTERVALS_PER_BATCH:
            self.flush()

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
            owners = self._with_battery
            self._batteries.append(
                {
                    "time": np.repeat(times, len(owners)),
                    "prosumer": Coded(np.tile(owners, len(times)), self._names),
                    "soc_kwh": np.concatenate([reading.stored_kwh[owners] for reading in readings]),
                    "charge_kwh": np.concatenate([reading.charged_kwh[owners] for reading in readings]),
                    "discharge_kwh": np.concatenate([reading.discharged_kwh[owners] for reading in readings]),
                    "leaked_kwh": np.concatenate([reading.leaked_kwh[owners] for reading in readings]),
                }
            )

    def summary(self) -> Summary:
        """Energies, self-consumption and self-sufficiency."""
        return self._metrics.result()
