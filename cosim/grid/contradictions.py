"""What of a net cannot be calculated though each cell is right: tables that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from cosim.core.errors import Problem
from cosim.grid.column_check import each
from cosim.grid.voltage_dependence import share_problems

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

MAX_BUSES = 20_000
_SWITCHED = {"b": "bus", "l": "line", "t": "trafo", "t3": "trafo3w"}
_ENDS = {
    "line": ["from_bus", "to_bus"],
    "trafo": ["hv_bus", "lv_bus"],
    "trafo3w": ["hv_bus", "mv_bus", "lv_bus"],
}


def find_problems(net: pandapowerNet) -> list[Problem]:
    """Everything about `net` that cannot be calculated, element by element."""
    return [
        *_branches(net),
        *share_problems(net),
        *_supply(net),
        *_switches(net),
    ]


def _branches(net: pandapowerNet) -> Iterator[Problem]:
    """Branches without an impedance, and parts that are more than the whole."""
    rows = net.line
    none = (rows.r_ohm_per_km == 0) & (rows.x_ohm_per_km == 0) & rows.in_service
    message, remedy = "it has no impedance", "give a closed bus-bus switch instead"
    yield from each(rows, none, "line", message, remedy, "x_ohm_per_km")
    for table, sides in (("trafo", ("",)), ("trafo3w", ("hv_", "mv_", "lv_"))):
        rows = net[table]
        for side in sides:
            vk, vkr = f"vk_{side}percent", f"vkr_{side}percent"
            above = (rows[vkr].abs() > rows[vk].abs()) & rows.in_service
            message = f"{vkr} is above {vk}, of which it is a part"
            yield from each(rows, above, table, message, "correct one of them", vkr)
    rows = net.motor
    message = "cos_phi is above 1"
    yield from each(rows, rows.in_service & (rows.cos_phi > 1), "motor", message, "correct it", "cos_phi")


def _supply(net: pandapowerNet) -> Iterator[Problem]:
    """Something must balance the network: an external grid, or a generator that stands for one."""
    if not len(net.bus):
        yield Problem("the grid has no bus", "give a grid with buses", "bus")
        return
    balancing = net.gen.in_service.astype(bool) & net.gen.slack.astype(bool)
    if not net.ext_grid.in_service.astype(bool).any() and not balancing.any():
        remedy = "give one (ext_grid), or a generator with slack set to true"
        yield Problem("the grid has no external grid in service", remedy, "ext_grid")


def _switches(net: pandapowerNet) -> Iterator[Problem]:
    """Switches that name something that is not there, or that is not at their bus."""
    for kind, table in _SWITCHED.items():
        rows = net.switch[net.switch.et == kind]
        there = rows.element.isin(net[table].index)
        message = f"it switches a {table} that is not there"
        yield from each(rows, ~there, "switch", message, "remove it", "element")
        if kind == "b" or not len(rows):
            continue
        ends = net[table][_ENDS[table]].astype(np.float64).reindex(rows.element).to_numpy()
        apart = there & ~(ends == rows.bus.to_numpy(np.float64)[:, None]).any(axis=1)
        message = f"its bus is at neither end of the {table} that it switches, so it would do nothing"
        yield from each(rows, apart, "switch", message, "correct bus or element", "bus")
