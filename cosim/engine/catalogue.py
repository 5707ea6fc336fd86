"""Every table and every number that a run leaves: each wing says what it writes, here it is all together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from cosim.comms import record as messages
from cosim.comms.record import MESSAGE_LATENCY, MESSAGES
from cosim.core.errors import Problem
from cosim.core.numbers import Catalogue, Described, Summary
from cosim.core.registry import registrations
from cosim.core.tables import Column, Table
from cosim.devices.interface import DEVICES
from cosim.faults import record as faults
from cosim.faults.record import FAULT_EFFECTS, FAULTS
from cosim.grid import agreement, extremes
from cosim.grid import record as feeder
from cosim.grid.feeder_tables import FEEDER_BRANCHES, FEEDER_BUSES, SOURCE_ELEMENTS
from cosim.grid.record import (
    BUS_VOLTAGE,
    INJECTIONS,
    LINE_LOADING,
    POWER_FLOW,
    TRAFO3W_LOADING,
    TRAFO_LOADING,
)
from cosim.households import energy_account
from cosim.households.prosumer_table import PROSUMERS
from cosim.households.record import METERS
from cosim.regulation import design, mitigation_build, tracking
from cosim.regulation.record import DECISIONS, REGULATION
from cosim.results.metrics import METRICS, Metric
from cosim.trading import delivery_days, totals
from cosim.trading.record import BILLS, OFFERS, PRICES, SCHEDULE, TRADES


def tables() -> dict[str, Table]:
    """Tables by name, in the order of the documentation."""
    return _tables(registrations())


@cache
def _tables(_: int) -> dict[str, Table]:
    of_devices = [device.table for device in DEVICES.classes() if device.table is not None]
    known = (
        *(PROSUMERS, REGULATION, DECISIONS, INJECTIONS, BUS_VOLTAGE, LINE_LOADING, TRAFO_LOADING),
        *(TRAFO3W_LOADING, POWER_FLOW, FEEDER_BUSES, FEEDER_BRANCHES, SOURCE_ELEMENTS, MESSAGES),
        *(
            MESSAGE_LATENCY,
            FAULTS,
            FAULT_EFFECTS,
            *of_devices,
            METERS,
            PRICES,
            OFFERS,
            SCHEDULE,
            TRADES,
            BILLS,
        ),
    )
    return {table.name: table for table in known}


def columns_of(table: str) -> tuple[Column, ...]:
    """The columns that a table has whatever the scenario; none of a table that no wing writes."""
    return tables()[table].columns if table in tables() else ()


def catalogue() -> Catalogue:
    """Numbers of a summary, section by section; those of metrics last."""
    return _catalogue(METRICS.classes())


@cache
def _catalogue(metrics: tuple[type[Metric], ...]) -> Catalogue:
    parts = (
        *(tracking, design, mitigation_build, totals, delivery_days, messages, energy_account),
        *(extremes, feeder, agreement, faults),
    )
    return Catalogue(
        [number for part in parts for number in part.NUMBERS]
        + [number for metric in metrics for number in metric.NUMBERS]
    )


def describe(key: str, communities: Sequence[str] = ()) -> Described:
    """What a number of a summary is; see `Catalogue.describe`."""
    return catalogue().describe(key, communities)


def doubts(summary: Summary) -> list[Problem]:
    """What in a summary says that results are not whole or not right, as warnings."""
    return [*agreement.doubts(summary), *totals.doubts(summary)]
