"""A feeder: the net that the power flow solves, and its tables as plain arrays and records.

The feeder's own loads, generators and storages are taken out of the net and kept as records: every power
comes in as P and Q at a bus. Nothing else in the net is changed.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem, suggest
from cosim.grid.bus_positions import Edge, Tree, read_points, shortest_tree, tree_layout
from cosim.grid.elements import ElementRecord, take_elements
from cosim.grid.feeder_profiles import FeederProfiles, FileProfiles, SimbenchProfiles, follow_profiles
from cosim.grid.grid_source import GridSource, source_of
from cosim.grid.intake import take_in
from cosim.grid.network_functions import read_source
from cosim.grid.schema import BusRef, NetworkConfig, SimbenchSource
from cosim.grid.simbench_data import scenario_of
from cosim.grid.voltage_dependence import mixed_node_warnings

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


@dataclass(frozen=True)
class Feeder:
    """A feeder ready for power flows.

    Attributes
    ----------
    network : NetworkConfig
        What it was made from.
    net : pandapowerNet
        The net without loads, generators and storages. Do not change it; copy it first.
    bus, line, trafo, trafo3w : BusTable, LineTable, TrafoTable, Trafo3wTable
        Its tables.
    elements : tuple of ElementRecord
        The loads, generators and storages that the net had, in service and at supplied buses.
    candidate_buses : tuple of int
        Index of the bus of each place for a household: place i is the feeder's load i, or the i-th bus the
        network file lists. A bus with two loads is there twice.
    coordinates : {"own", "layout"}
        Whether `bus.xy` are the net's own coordinates or the tree laid out here.
    source : GridSource
        What it was made from: the whole net as pandapower reads it, profiles, and what was left out.
    warnings : tuple of Problem
        What about the grid is doubtful or was assumed, element by element.
    profiles : FeederProfiles or None
        What its own elements may follow; None where there are no profiles.
    """

    network: NetworkConfig
    net: pandapowerNet
    bus: BusTable
    line: LineTable
    trafo: TrafoTable
    trafo3w: Trafo3wTable
    elements: tuple[ElementRecord, ...]
    candidate_buses: tuple[int, ...]
    coordinates: Literal["own", "layout"]
    source: GridSource
    warnings: tuple[Problem, ...] = ()
    profiles: FeederProfiles | None = None

    @property
    def n_bus(self) -> int:
        """Number of buses."""
        return len(self.bus.index)

    @property
    def loads(self) -> tuple[ElementRecord, ...]:
        """The feeder's own loads."""
        return tuple(element for element in self.elements if element.is_load)

    @property
    def sgens(self) -> tuple[ElementRecord, ...]:
        """The feeder's own generators."""
        return tuple(element for element in self.elements if element.is_sgen)

    @property
    def has_profiles(self) -> bool:
        """Whether its own elements have profiles to follow."""
        return any(element.p_profile for element in self.elements)

    def bus_positions(self, buses: NDArray[np.int64] | tuple[int, ...] | list[int]) -> NDArray[np.int64]:
        """Columns of buses given by their index in the net.

        Raises
        ------
        KeyError
            If an index is none of the feeder's.
        """
        position = {int(index): column for column, index in enumerate(self.bus.index)}
        return np.array([position[int(bus)] for bus in buses], dtype=np.int64)

    def resolve_bus(self, reference: BusRef, path: str = "") -> int:
        """Index of the bus that an index or a name means.

        Raises
        ------
        InputError
            If there is no such bus, the name is not unique, or the bus is not supplied.
        """
        return _resolve(reference, self.bus, path)


def load_feeder(network: NetworkConfig, folder: Path, run_control: bool = False) -> Feeder:
    """The feeder that a network file describes.

    Parameters
    ----------
    network : NetworkConfig
        The file's content.
    folder : Path
        The file's folder; a JSON source lies in it.
    run_control : bool
        Whether its tap controllers act.

    Raises
    ------
    InputError
        With everything about the grid that cannot be calculated, element by element.
    """
    return _feeder(read_source(network, folder), network, run_control)


def feeder_from_net(source: pandapowerNet, network: NetworkConfig, run_control: bool = False) -> Feeder:
    """The feeder of a pandapower net; the net itself is left as it is.

    Parameters
    ----------
    source : pandapowerNet
        A low-voltage grid.
    network : NetworkConfig
        What says where households go and what the limits are; its `source` is not read.
    run_control : bool
        Whether its tap controllers act.

    Raises
    ------
    InputError
        As in `load_feeder`.
    """
    return _feeder(source_of(source), network, run_control)


def _feeder(source: GridSource, network: NetworkConfig, run_control: bool) -> Feeder:
    """The feeder of what a source gives."""
    source = take_in(source, run_control)
    net = copy.deepcopy(source.net)
    elements = take_elements(net)
    line, trafo, trafo3w = _line_table(net), _trafo_table(net), _trafo3w_table(net)
    bus, coordinates = _bus_table(net, line, trafo, trafo3w)
    supplied = set(bus.index[bus.supplied].tolist())
    elements = tuple(element for element in elements if element.bus in supplied)
    profiles = _profiles(network, source)
    elements, assumed = follow_profiles(elements, profiles)
    places = _places(network, bus, elements)
    warnings = (*source.warnings, *mixed_node_warnings(source.net), *assumed)
    tables = (bus, line, trafo, trafo3w)
    return Feeder(network, net, *tables, elements, places, coordinates, source, warnings, profiles)


def _profiles(network: NetworkConfig, source: GridSource) -> FeederProfiles | None:
    """The profiles of SimBench for its grids, those that it brings along for any other."""
    if source.profiles is not None:
        return FileProfiles(source.profiles, source.file)
    if isinstance(network.source, SimbenchSource):
        return SimbenchProfiles(scenario_of(network.source.code))
    return None


def _line_table(net: pandapowerNet) -> LineTable:
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


def _trafo_table(net: pandapowerNet) -> TrafoTable:
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


def _trafo3w_table(net: pandapowerNet) -> Trafo3wTable:
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


def _bus_table(
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


def _places(network: NetworkConfig, bus: BusTable, elements: tuple[ElementRecord, ...]) -> tuple[int, ...]:
    """Bus of each place for a household."""
    if network.households == "loads":
        return tuple(element.bus for element in elements if element.is_load)
    problems: list[Problem] = []
    places = []
    for position, reference in enumerate(network.households):
        try:
            places.append(_resolve(reference, bus, f"households.{position}"))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return tuple(places)


def _resolve(reference: BusRef, bus: BusTable, path: str) -> int:
    """Index of the supplied bus that an index or a name means."""
    if isinstance(reference, str):
        found = [int(i) for i, name in zip(bus.index, bus.name, strict=True) if name == reference]
        remedy = suggest(reference, [name for name in bus.name if name])
    else:
        found = [reference] if reference in bus.index else []
        remedy = f"indices go from {bus.index.min()} to {bus.index.max()}"
    if len(found) != 1:
        message = "several buses have this name" if found else "the feeder has no such bus"
        remedy = "name the bus by its index" if found else remedy
        raise InputError([Problem(message, remedy, path, value=str(reference))])
    if not bus.supplied[np.flatnonzero(bus.index == found[0])[0]]:
        message = "this bus is out of service or has no way to a supply"
        raise InputError([Problem(message, "name a bus that is supplied", path, value=str(reference))])
    return found[0]
