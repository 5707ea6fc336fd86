"""The buses, lines and transformers of a net as arrays, and the tree below its supply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.grid.bus_positions import Edge, Tree, read_points, shortest_tree, tree_layout

if TYPE_CHECKING:
    import pandas as pd
    from pandapower.auxiliary import pandapowerNet


@dataclass(frozen=True)
class BusTable:
    """Buses, in the order of ``net.bus``; the columns of every result are in this order."""

    index: NDArray[np.int64]
    """Index in the net, shape (n_bus,)."""
    name: tuple[str, ...]
    """Name in the net; empty where it has none."""
    vn_kv: NDArray[np.float64]
    """Nominal voltage, kV."""
    supplied: NDArray[np.bool_]
    """Whether the bus is in service and a closed way leads to a supply."""
    xy: NDArray[np.float64]
    """Coordinates, shape (n_bus, 2); see `Feeder.coordinates`."""
    tree: Tree
    """Shortest ways to the supply."""


@dataclass(frozen=True)
class LineTable:
    """Lines, in the order of ``net.line``."""

    index: NDArray[np.int64]
    """Index in the net, shape (n_line,)."""
    name: tuple[str, ...]
    """Name in the net; empty where it has none."""
    from_bus: NDArray[np.int64]
    """Index of the bus at one end."""
    to_bus: NDArray[np.int64]
    """Index of the bus at the other end."""
    length_km: NDArray[np.float64]
    """Length, km."""
    closed: NDArray[np.bool_]
    """In service, and no open switch at either end."""


@dataclass(frozen=True)
class TrafoTable:
    """Transformers, in the order of ``net.trafo``."""

    index: NDArray[np.int64]
    """Index in the net, shape (n_trafo,)."""
    name: tuple[str, ...]
    """Name in the net; empty where it has none."""
    hv_bus: NDArray[np.int64]
    """Index of the bus on the high-voltage side."""
    lv_bus: NDArray[np.int64]
    """Index of the bus on the low-voltage side."""
    sn_mva: NDArray[np.float64]
    """Rated power of one unit, MVA."""
    closed: NDArray[np.bool_]
    """In service, and no open switch on either side."""


@dataclass(frozen=True)
class Trafo3wTable:
    """Three-winding transformers, in the order of ``net.trafo3w``."""

    index: NDArray[np.int64]
    """Index in the net, shape (n_trafo3w,)."""
    name: tuple[str, ...]
    """Name in the net; empty where it has none."""
    buses: NDArray[np.int64]
    """Index of the bus on the high-, medium- and low-voltage side, shape (n_trafo3w, 3)."""
    closed: NDArray[np.bool_]
    """Which sides are connected: in service, and no open switch there; shape (n_trafo3w, 3)."""


def line_table(net: pandapowerNet) -> LineTable:
    """Lines as arrays."""
    table = net.line
    return LineTable(
        table.index.to_numpy(np.int64),
        _names(table),
        table.from_bus.to_numpy(np.int64),
        table.to_bus.to_numpy(np.int64),
        table.length_km.to_numpy(np.float64),
        _closed(net, "l", table),
    )


def trafo_table(net: pandapowerNet) -> TrafoTable:
    """Transformers as arrays."""
    table = net.trafo
    return TrafoTable(
        table.index.to_numpy(np.int64),
        _names(table),
        table.hv_bus.to_numpy(np.int64),
        table.lv_bus.to_numpy(np.int64),
        table.sn_mva.to_numpy(np.float64),
        _closed(net, "t", table),
    )


def trafo3w_table(net: pandapowerNet) -> Trafo3wTable:
    """Three-winding transformers as arrays."""
    table = net.trafo3w
    sides = table[["hv_bus", "mv_bus", "lv_bus"]].to_numpy(np.int64).reshape(-1, 3)
    closed = np.repeat(table.in_service.to_numpy(bool)[:, None], 3, axis=1)
    switches = net.switch[(net.switch.et == "t3") & ~net.switch.closed.astype(bool)]
    row = {int(index): k for k, index in enumerate(table.index)}
    for element, bus in zip(switches.element, switches.bus, strict=True):
        closed[row[int(element)], sides[row[int(element)]] == int(bus)] = False
    return Trafo3wTable(table.index.to_numpy(np.int64), _names(table), sides, closed)


def _closed(net: pandapowerNet, kind: str, table: pd.DataFrame) -> NDArray[np.bool_]:
    """Elements in service with no open switch at either end."""
    open_switches = net.switch[(net.switch.et == kind) & ~net.switch.closed.astype(bool)]
    return np.asarray(table.in_service.to_numpy(bool) & ~table.index.isin(open_switches.element))


def bus_table(
    net: pandapowerNet, line: LineTable, trafo: TrafoTable, trafo3w: Trafo3wTable
) -> tuple[BusTable, Literal["own", "layout"]]:
    """Buses as arrays, with the tree below the supply, and whether the coordinates are the net's own."""
    index = net.bus.index.to_numpy(np.int64)
    tree = _tree(net, index, line, trafo, trafo3w)
    points = read_points(net.bus["geo"].tolist()) if "geo" in net.bus else None
    coordinates: Literal["own", "layout"] = "layout" if points is None else "own"
    xy = tree_layout(tree.parent, tree.distance_km) if points is None else points
    vn_kv = net.bus.vn_kv.to_numpy(np.float64)
    return BusTable(index, _names(net.bus), vn_kv, tree.supplied, xy, tree), coordinates


def _tree(
    net: pandapowerNet,
    index: NDArray[np.int64],
    line: LineTable,
    trafo: TrafoTable,
    trafo3w: Trafo3wTable,
) -> Tree:
    """Shortest ways from what balances the network over everything that is closed and in service."""
    in_service = set(index[net.bus.in_service.to_numpy(bool)].tolist())
    position = {int(bus): column for column, bus in enumerate(index)}
    edges: list[Edge] = []

    def connect(first: int, second: int, length_km: float = 0.0, is_trafo: bool = False) -> None:
        if first in in_service and second in in_service:
            edges.append(Edge(position[first], position[second], length_km, is_trafo))

    for k in np.flatnonzero(line.closed):
        connect(int(line.from_bus[k]), int(line.to_bus[k]), float(line.length_km[k]))
    for k in np.flatnonzero(trafo.closed):
        connect(int(trafo.hv_bus[k]), int(trafo.lv_bus[k]), is_trafo=True)
    switches = net.switch[(net.switch.et == "b") & net.switch.closed.astype(bool)]
    for first, second in zip(switches.bus, switches.element, strict=True):
        connect(int(first), int(second))
    for buses, connected in zip(trafo3w.buses.tolist(), trafo3w.closed, strict=True):
        sides = [bus for bus, there in zip(buses, connected, strict=True) if there and bus in in_service]
        for other in sides[1:]:
            connect(sides[0], other, is_trafo=True)
    for table in (net.impedance, net.tcsc):
        active = table[table.in_service.astype(bool)]
        for first, second in zip(active.from_bus, active.to_bus, strict=True):
            connect(int(first), int(second))
    grids = net.ext_grid[net.ext_grid.in_service.astype(bool)]
    balancing = net.gen[net.gen.in_service.astype(bool) & net.gen.slack.astype(bool)]
    roots = [position[int(bus)] for bus in (*grids.bus, *balancing.bus) if int(bus) in in_service]
    return shortest_tree(len(index), edges, roots)


def _names(table: pd.DataFrame) -> tuple[str, ...]:
    """Names of a table's elements; empty where there is none."""
    missing = table["name"].isna()
    return tuple("" if absent else str(name) for name, absent in zip(table["name"], missing, strict=True))
