"""What meters and devices did, as pages and figures show it: a curve a household, and the sum of all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.devices.interface import DEVICES, Device, Shown
from cosim.report.long_series import sums_over_elements
from cosim.report.run_data import RunData

Array = NDArray[np.float64]
Times = NDArray[np.int64]

_OF_ALL = {
    "kW": ("power", "kW"),
    "kWh": ("energy", "kWh"),
    "of the interval": ("number", "devices on average"),
}


class ShownColumn(NamedTuple):
    """A column of a table as it is shown."""

    table: str
    column: str
    """Where it stands."""
    label: str
    unit: str
    """What it is called, and in what it is shown."""
    factor: float
    """What makes this unit of the table's."""
    is_level: bool
    """Whether it holds at an interval's end."""


class Panel(NamedTuple):
    """Curves of all devices of a kind together."""

    name: str
    title: str
    unit: str
    table: str
    """Its name among figures, what stands above it, in what it is, and the table that holds it."""
    curves: tuple[tuple[str, Times, Array], ...]
    """Label, instants in ms since 1970, shape (T,), and values, shape (T,). A flow stands at its interval's
    start, a level at its end."""


def shown_columns(run: RunData, kind: str) -> list[ShownColumn]:
    """The columns that are shown of a kind of device, as far as the run has them."""
    device = DEVICES[kind]
    if device.table is None:
        return []
    units = {column.name: column.unit for column in device.table.columns if column.type == "number"}
    # Of a column of which nothing is said it is not known whether it is a flow: it is shown as it stands.
    chosen = device.shown or tuple(Shown(name, _label(name), is_level=True) for name in units)
    return [
        _shown(run, device.table.name, each, units[each.column])
        for each in chosen
        if run.has(device.table.name, each.column)
    ]


def metered_columns(run: RunData) -> list[ShownColumn]:
    """What households' meters show."""
    labels = {"load_kwh": "load", "pv_kwh": "generation", "net_kwh": "drawn from the feeder"}
    return [
        _shown(run, "meters", Shown(column, label), "kWh")
        for column, label in labels.items()
        if run.has("meters", column)
    ]


def panels(run: RunData) -> Iterator[Panel]:
    """What all devices of each kind did together: power, energy, and how many."""
    for kind in DEVICES:
        columns = [each for each in shown_columns(run, kind) if each.unit in _OF_ALL]
        if not columns:
            continue
        time_ms, sums = sums_over_elements(run, columns[0].table, [each.column for each in columns])
        for unit, (what, of_all) in _OF_ALL.items():
            curves = tuple(
                (
                    each.label,
                    time_ms + each.is_level * run.scenario.interval_ms,
                    each.factor * sums[each.column],
                )
                for each in columns
                if each.unit == unit and sums[each.column].any()
            )
            if curves:
                title = f"{_title(kind, DEVICES[kind])}: {what}"
                yield Panel(f"{kind}_{what}", title, of_all, columns[0].table, curves)


def _shown(run: RunData, table: str, shown: Shown, unit: str) -> ShownColumn:
    """Energy is shown as mean power over the interval, a time in it as its share."""
    per_h = MS_PER_HOUR / run.scenario.interval_ms
    units = {"kWh": ("kW", per_h), "h": ("of the interval", per_h)}
    shown_unit, factor = (unit, 1.0) if shown.is_level else units.get(unit, (unit, 1.0))
    return ShownColumn(table, shown.column, shown.label, shown_unit, factor, shown.is_level)


def _label(column: str) -> str:
    """Of a column that nobody gave one: its name without its unit."""
    return column.rsplit("_", 1)[0].replace("_", " ")


def _title(kind: str, device: type[Device]) -> str:
    return device.title or kind.replace("_", " ").capitalize()
