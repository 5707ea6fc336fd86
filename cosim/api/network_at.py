"""The feeder of a run in one of its intervals, as a pandapower net."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_SECOND
from cosim.core.errors import InputError, Problem
from cosim.engine.builder import Parts, build
from cosim.engine.load import load_scenario
from cosim.engine.scenario import Scenario
from cosim.grid.connected_feeder import ConnectedFeeder
from cosim.grid.reference import run as solve
from cosim.grid.subsystem import PowerGrid
from cosim.grid.verify import HOUSEHOLDS, WholeNetwork
from cosim.households.subsystem import Households
from cosim.report.run_data import RunData

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

Instant = str | datetime | int
"""An instant in ISO 8601 or as an object (UTC unless it says otherwise), or an interval's number from 0."""
AGREE_PU = 1e-6
"""The run's own voltages and those of the net differ by no more than this, unless the run's files have been
changed."""

Array = NDArray[np.float64]


def network_at(run: RunData, at: Instant) -> pandapowerNet:
    """The net, with the powers of an interval and pandapower's results for them.

    Raises
    ------
    InputError
        If the run has no such interval, no feeder or not the tables, or its files were changed since.
    """
    scenario = run.scenario
    _require_tables(run)
    interval = interval_of(scenario, at)
    p_mw, q_mvar = _of_interval(run, scenario, interval, "injections", ["p_mw", "q_mvar"])
    (vm_pu,) = _of_interval(run, scenario, interval, "bus_voltage", ["vm_pu"])
    parts = build(load_scenario(str(run.folder / "scenario.yaml")))
    grid = parts.of(PowerGrid).connected
    assert grid is not None  # the run has a feeder's tables
    taps: list[int] = []
    if grid.tap_changers:
        (positions,) = _of_interval(run, scenario, interval, "tap_positions", ["position"])
        taps = [int(each) for each in positions]
    net = _with_powers(grid, interval, p_mw, q_mvar, vm_pu, taps)
    _name_households(net, parts)
    solve(net, grid.feeder.source.controls)
    found = net.res_bus.vm_pu.to_numpy(np.float64) if net.converged else np.full_like(vm_pu, np.nan)
    apart = np.abs(found - vm_pu)
    if (np.isnan(found) != np.isnan(vm_pu)).any() or np.nanmax(apart, initial=0.0) > AGREE_PU:
        message = f"the network gives voltages that differ from those of this run in interval {interval}"
        remedy = "Run its scenario.yaml again: its feeder, or files of the run, have been changed."
        raise InputError([Problem(message, remedy, file=str(run.folder))])
    return net


def interval_of(scenario: Scenario, at: Instant) -> int:
    """The number of the interval that holds an instant.

    Raises
    ------
    InputError
        If the run has none.
    """
    n_intervals = scenario.time.duration_ms // scenario.interval_ms
    number = at if isinstance(at, int) else _number(scenario, at)
    if not 0 <= number < n_intervals:
        minutes = scenario.interval_ms // 60_000
        message = "the run has no such interval"
        remedy = (
            f"Its intervals are numbered 0 to {n_intervals - 1}, each of {minutes} min, from "
            f"{scenario.time.start:%Y-%m-%dT%H:%MZ}."
        )
        raise InputError([Problem(message, remedy, "at", value=str(at))])
    return number


def _number(scenario: Scenario, at: str | datetime) -> int:
    try:
        moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    except (TypeError, ValueError):
        remedy = "Write it as 2016-07-04T12:00Z, or give the number of the interval."
        raise InputError([Problem("this is not a date and time", remedy, "at", value=str(at))]) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    since_ms = (moment - scenario.time.start).total_seconds() * MS_PER_SECOND
    return int(since_ms // scenario.interval_ms)


def _require_tables(run: RunData) -> None:
    """Refuse a run without a feeder, or one that kept nothing of it."""
    if run.scenario.grid is None:
        message, remedy = "this run has no feeder", "Give its scenario a `grid:`."
        raise InputError([Problem(message, remedy, file=str(run.folder))])
    if run.scenario.grid.copies > 1:
        message = f"this run has {run.scenario.grid.copies:,} copies of its feeder, and a network holds one"
        raise InputError([Problem(message, "Run it with grid.copies: 1.", file=str(run.folder))])
    if not (run.has("injections", "p_mw") and run.has("bus_voltage", "vm_pu")):
        message = "this run did not record what its feeder carried"
        raise InputError([Problem(message, "Run it with record.grid: true.", file=str(run.folder))])


def _of_interval(
    run: RunData, scenario: Scenario, interval: int, table: str, columns: list[str]
) -> list[Array]:
    """Columns of a feeder's table in an interval, in the order of the buses."""
    start_ms = round(scenario.time.start.timestamp() * MS_PER_SECOND) + interval * scenario.interval_ms
    parts = [
        [batch[name][batch["time"] == start_ms] for name in columns]
        for batch in run.batches(table, ["time", *columns])
    ]
    found = [np.concatenate(column) for column in zip(*parts, strict=True)]
    if not len(found[0]):
        message = f"the run ended before interval {interval}"
        raise InputError([Problem(message, "Choose an earlier one.", "at", str(run.folder))])
    return found


def _with_powers(
    grid: ConnectedFeeder, interval: int, p_mw: Array, q_mvar: Array, vm_pu: Array, taps: list[int]
) -> pandapowerNet:
    """The source's net with everything that drew and fed in."""
    acting = grid.background.acting(interval)
    dependent = grid.background.dependent(interval, 1)
    if dependent is not None:  # the table holds what was drawn at the voltage that was solved
        p_mw, q_mvar = (each[0] for each in dependent.at_1_pu(p_mw[None], q_mvar[None], vm_pu[None]))
    if not (np.isfinite(p_mw).all() and np.isfinite(q_mvar).all()):
        message = f"the power flow of interval {interval} did not converge, and loads follow the voltage"
        raise InputError(
            [Problem(message, "Choose an interval that was solved: see table power_flow.", "at")]
        )
    judge = WholeNetwork(grid.feeder, grid.silent, grid.tap_changers)
    return judge.net(acting, p_mw, q_mvar, vm_pu, taps)


def _name_households(net: pandapowerNet, parts: Parts) -> None:
    """Let the load that stands for the households of a bus have their names."""
    at_bus: dict[int, list[str]] = {}
    for name, bus in zip(parts.context.population.names, parts.of(Households).placement.buses, strict=True):
        at_bus.setdefault(int(bus), []).append(name)
    for index in net.load.index[net.load.name == HOUSEHOLDS]:
        net.load.loc[index, "name"] = ", ".join(at_bus[int(net.load.loc[index, "bus"])])
