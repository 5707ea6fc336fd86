"""What is written down of the connection points: the table `meters`, those of devices, and energies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import to_utc
from cosim.core.context import Context
from cosim.core.numbers import Summary
from cosim.core.tables import PROSUMER, TIME, Coded, Column, RowSink, Table, TableStore
from cosim.devices.active_device import ActiveDevice
from cosim.devices.interface import DEVICES
from cosim.households.curtailment import Curtailment
from cosim.households.energy_account import EnergyMetrics, Store, StoreFlows, added_up
from cosim.households.household import Equipment
from cosim.households.meters import DeviceReading, Reading

METERS = Table(
    "meters",
    "What the meter of each household counted in each interval.",
    (
        TIME,
        PROSUMER,
        Column("load_kwh", "number", "kWh", "consumed by the household's load"),
        Column("pv_kwh", "number", "kWh", "generated"),
        Column(
            "net_kwh",
            "number",
            "kWh",
            "drawn at the connection point: load - generation + what devices take - what they give",
        ),
    ),
)
INVERTERS = Table(
    "inverters",
    "What each inverter that is controlled (`pv.control`) did in each interval.",
    (
        TIME,
        PROSUMER,
        Column("available_kwh", "number", "kWh", "what could have been generated"),
        Column("generated_kwh", "number", "kWh", "what was generated; NaN where not solved"),
        Column("curtailed_kwh", "number", "kWh", "the rest, which was given up"),
        Column(
            "drawn_kvarh", "number", "kvarh", "reactive, drawn from the grid; negative where it was fed in"
        ),
    ),
)
_OF_INVERTERS = [column.name for column in INVERTERS.columns[2:]]
_METERED = [column.name for column in METERS.columns[2:]]
_INTERVALS_PER_BATCH = 168
_NUMBERS_AT_ONCE = 500_000
_MOST_ROWS = 2_000_000
"""Readings of all households that wait to be written."""


class MeterRecorder:
    """Collects readings and writes them a batch of intervals at a time."""

    def __init__(
        self,
        equipment: Equipment,
        context: Context,
        store: TableStore,
        inverter_owners: NDArray[np.int64] | None = None,
    ) -> None:
        self._start = context.time.start
        self._warm_up_ms = context.time.warm_up_ms
        self._names = context.population.names
        self._meters = store.writer(METERS) if "meters" in context.records else None
        self._devices = {
            kind: store.writer(table)
            for kind, each in equipment.devices.items()
            if (table := DEVICES[kind].table) is not None and each and "devices" in context.records
        }
        self._equipment = equipment
        self._events = {
            kind: store.writer(table)
            for kind, each in equipment.devices.items()
            if (table := DEVICES[kind].event_table) is not None and each and "devices" in context.records
        }
        self._totals = {
            kind: dict.fromkeys(each[0][1].metered, 0.0) for kind, each in equipment.devices.items() if each
        }
        has_inverters = inverter_owners is not None
        self._inverters = store.writer(INVERTERS) if has_inverters and "devices" in context.records else None
        self._curtailment = Curtailment() if has_inverters else None
        self._starts_ms: list[int] = []
        self._readings: list[Reading] = []
        self._stores = [kind for kind in equipment.devices if DEVICES[kind].is_storage]
        self._metrics = EnergyMetrics(
            {kind: self._at_start(equipment.devices[kind]) for kind in self._stores}
        )

    def _at_start(self, devices: Sequence[tuple[int, ActiveDevice]]) -> Store:
        stored_kwh, efficiency = np.zeros(len(self._names)), np.ones(len(self._names))
        for owner, device in devices:
            stored_kwh[owner], efficiency[owner] = device.stored_kwh, device.charge_efficiency
        return Store(stored_kwh, efficiency)

    def add(self, start_ms: int, reading: Reading) -> None:
        """Take the reading of the interval that started at `start_ms`."""
        self._starts_ms.append(start_ms)
        self._readings.append(reading)
        n_waiting = len(self._readings)
        if n_waiting >= _INTERVALS_PER_BATCH or n_waiting * len(self._names) > _MOST_ROWS:
            self.flush()

    def _account(self, readings: Sequence[Reading], starts_ms: Sequence[int]) -> None:
        """Add energies up, some intervals at a time."""
        n_before = sum(start_ms < self._warm_up_ms for start_ms in starts_ms)
        most = max(1, _NUMBERS_AT_ONCE // max(1, len(self._names)))  # there may be no household
        for counts, some in ((False, readings[:n_before]), (True, readings[n_before:])):
            for first in range(0, len(some), most):
                self._add_up(some[first : first + most], counts)

    def _add_up(self, readings: Sequence[Reading], counts: bool) -> None:
        load_kwh, generated_kwh, net_kwh = (
            np.array([getattr(reading, name) for reading in readings]) for name in _METERED
        )
        stores = {kind: StoreFlows(*np.zeros((3, *load_kwh.shape))) for kind in self._stores}
        for kind in readings[0].devices:
            shown = [reading.devices[kind] for reading in readings]
            taken_kwh, given_kwh = (_of_households(shown, name) for name in ("taken_kwh", "given_kwh"))
            if kind in self._stores:
                stores[kind] = StoreFlows(taken_kwh, given_kwh, _of_households(shown, "stored_kwh"))
            else:
                load_kwh, generated_kwh = load_kwh + taken_kwh, generated_kwh + given_kwh
            if counts and DEVICES[kind].numbers:
                for name, total in self._totals[kind].items():
                    self._totals[kind][name] = added_up(
                        total, np.array([each.values[name] for each in shown])
                    )
        inverters = [reading.inverters for reading in readings if reading.inverters is not None]
        if inverters:
            known = ~np.isnan(net_kwh)  # what was not solved is left out, household by household
            load_kwh, generated_kwh, net_kwh = (
                np.where(known, each, 0.0) for each in (load_kwh, generated_kwh, net_kwh)
            )
        if counts and self._curtailment is not None:
            for each in inverters:
                self._curtailment.add(each)
        self._metrics.add(load_kwh, generated_kwh, net_kwh, stores, counts)

    def flush(self) -> None:
        """Write what has been collected."""
        if not self._readings:
            return
        readings, times = self._readings, to_utc(self._start, np.array(self._starts_ms))
        self._account(readings, self._starts_ms)
        self._readings, self._starts_ms = [], []
        if self._meters is not None:
            columns = {name: [getattr(reading, name) for reading in readings] for name in _METERED}
            self._write(self._meters, times, np.arange(len(self._names)), columns)
        shown = [reading.inverters for reading in readings if reading.inverters is not None]
        if self._inverters is not None and shown:
            columns = {name: [getattr(each, name) for each in shown] for name in _OF_INVERTERS}
            self._write(self._inverters, times, shown[0].owners, columns)
        for kind, writer in self._devices.items():
            each = [reading.devices[kind] for reading in readings]
            rows = [DEVICES[kind].rows(devices.values) for devices in each]
            self._write(
                writer, times, each[0].owners, {name: [row[name] for row in rows] for name in rows[0]}
            )
        for kind, writer in self._events.items():
            self._write_events(kind, writer)

    def _write_events(self, kind: str, writer: RowSink) -> None:
        """What has happened to devices of a kind, in order of time whenever it is written down."""
        table = DEVICES[kind].event_table
        rows = [(owner, *event) for owner, one in self._equipment.devices[kind] for event in one.events()]
        if not rows or table is None:
            return
        ended = max((i for i, column in enumerate(table.columns) if column.type == "time"), default=0)
        rows.sort(key=lambda row: row[ended])
        columns = dict(
            zip(
                (column.name for column in table.columns), map(np.array, zip(*rows, strict=True)), strict=True
            )
        )
        times = {c.name: to_utc(self._start, columns[c.name]) for c in table.columns if c.type == "time"}
        writer.append({**columns, **times, "prosumer": Coded(columns["prosumer"], self._names)})

    def _write(
        self,
        writer: RowSink,
        times: NDArray[np.datetime64],
        owners: NDArray[np.int64],
        columns: Mapping[str, list[NDArray[np.float64]]],
    ) -> None:
        writer.append(
            {
                "time": np.repeat(times, len(owners)),
                "prosumer": Coded(np.tile(owners, len(times)), self._names),
                **{name: np.concatenate(each) for name, each in columns.items()},
            }
        )

    def summary(self) -> Summary:
        """Energies, self-consumption and self-sufficiency; and what each kind of device gives."""
        result = self._metrics.result()
        if self._curtailment is not None:
            result |= self._curtailment.result()
        for kind, each in self._equipment.devices.items():
            result |= DEVICES[kind].summary(each, self._totals[kind], self._warm_up_ms) if each else {}
        return result


def _of_households(shown: Sequence[DeviceReading], name: str) -> NDArray[np.float64]:
    """Sums over each household's devices of a kind, shape (n_intervals, n_households)."""
    return np.array([each.of_households(name) for each in shown])
