"""What a page shows of single households: who they are, and what they and their devices did over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cosim.core.clock import MS_PER_HOUR
from cosim.core.tables import Table
from cosim.devices.interface import DEVICES
from cosim.report.long_series import blocks
from cosim.report.page.packing import low_and_high, packed
from cosim.report.run_data import RunData, text_list
from cosim.report.table_rows import start_ms

MOST_VALUES = 1_600_000
"""Values of all households on a page; of a longer run the least and the most of stretches are kept."""
_LEVELS = ("soc_kwh", "stored_kwh", "needed_kwh", "ahead_kwh")
"""What is a level at an interval's end, and no flow over it."""
_SHOWN = {
    "meters": ("load_kwh", "pv_kwh", "net_kwh"),
    "batteries": ("charge_kwh", "discharge_kwh", "soc_kwh"),
    "evs": ("charge_kwh", "stored_kwh", "needed_kwh"),
    "heat_pumps": ("taken_kwh", "temperature_c"),
}
"""Columns of the tables of meters and devices; of a device from outside, all numbers."""
_WORDS = {
    "load_kwh": "load",
    "pv_kwh": "generation",
    "net_kwh": "drawn from the feeder",
    "soc_kwh": "stored",
    "charge_kwh": "charging",
    "discharge_kwh": "discharging",
    "temperature_c": "temperature",
}


def households(run: RunData) -> dict[str, Any] | None:
    """Who lives at which bus, and their series; None where the run did not write who they are."""
    if not run.has("prosumers", "prosumer", "group", "community", "bus"):
        return None
    table = run.read("prosumers", ["prosumer", "group", "community", "bus"])
    names = text_list(table["prosumer"])
    who = {
        "name": names,
        "group": text_list(table["group"]),
        "community": text_list(table["community"]),
        "bus": table["bus"].tolist(),
    }
    return {"who": who, "series": list(_series(run, names))}


def _series(run: RunData, names: list[str]) -> Iterator[dict[str, Any]]:
    wanted = [
        (table, column) for table in _tables() for column in _columns(table) if run.has(table.name, column)
    ]
    most = max(2, MOST_VALUES // max(1, len(names) * len(wanted)))
    interval_ms, zero = run.scenario.interval_ms, start_ms(run)
    for table, column in wanted:
        owners = run.distinct(table.name, "prosumer")
        parts = list(blocks(run, table.name, "prosumer", column, owners))
        time_ms = np.concatenate([each.time_ms for each in parts])
        values, gap = low_and_high(np.concatenate([each.values for each in parts]), most)
        unit = next(each.unit for each in table.columns if each.name == column)
        is_flow = unit == "kWh" and column not in _LEVELS
        if is_flow:
            values, unit = values * (MS_PER_HOUR / interval_ms), "kW"
        first = int(time_ms[0]) + (0 if is_flow else interval_ms)
        yield {
            "table": table.name,
            "name": _WORDS.get(column, column.rsplit("_", 1)[0].replace("_", " ")),
            "unit": unit,
            "x": {"first": (first - zero) // 1000, "gap": gap * interval_ms // 1000, "n": len(values)},
            "thinned": gap > 1,
            "owners": [names.index(owner) for owner in owners if owner in names],
            "y": packed(values[:, [n for n, owner in enumerate(owners) if owner in names]].T),
        }


def _tables() -> list[Table]:
    from cosim.households.record import METERS

    return [METERS, *(device.table for device in DEVICES.classes() if device.table is not None)]


def _columns(table: Table) -> list[str]:
    numbers = [column.name for column in table.columns if column.type == "number"]
    return [name for name in numbers if name in _SHOWN.get(table.name, numbers)]
