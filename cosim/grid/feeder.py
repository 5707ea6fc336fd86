"""A feeder: the net that the power flow solves, and its tables as plain arrays and records.

The feeder's own loads, generators and storages are taken out of the net and kept as records: every power
comes in as P and Q at a bus. Nothing else in the net is changed.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem, listed, suggest
from cosim.grid.elements import ElementRecord, take_elements
from cosim.grid.feeder_profiles import FeederProfiles, FileProfiles, SimbenchProfiles, follow_profiles
from cosim.grid.grid_source import GridSource, LaterNet, net_of, source_of
from cosim.grid.intake import take_in
from cosim.grid.islanding import islanded
from cosim.grid.net_arrays import (
    BusTable,
    LineTable,
    Trafo3wTable,
    TrafoTable,
    bus_table,
    line_table,
    trafo3w_table,
    trafo_table,
)
from cosim.grid.network_functions import read_source
from cosim.grid.schema import BusRef, NetworkConfig, SimbenchSource, SupplyConfig
from cosim.grid.simbench_data import scenario_of
from cosim.grid.source_facts import SourceFacts, facts_of
from cosim.grid.voltage_dependence import mixed_node_warnings

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet


class FeederCopies(NamedTuple):
    """Of what a feeder consists that is many copies of one."""

    one: Feeder
    """One of them, by itself."""
    number: int
    """How many there are."""
    stride: int
    """Element i of copy k has the index ``k * stride + i``; copies are numbered from 1."""

    @property
    def shifts(self) -> range:
        """By how much the indices of each copy are shifted."""
        return range(self.stride, (self.number + 1) * self.stride, self.stride)


@dataclass(frozen=True)
class Feeder:
    """A feeder ready for power flows."""

    network: NetworkConfig
    """What it was made from."""
    given: pandapowerNet | LaterNet
    """What `net` gives."""
    bus: BusTable
    line: LineTable
    trafo: TrafoTable
    trafo3w: Trafo3wTable
    """Its tables."""
    elements: tuple[ElementRecord, ...]
    """The loads, generators and storages that the net had, in service and at supplied buses."""
    candidate_buses: tuple[int, ...]
    """Index of the bus of each place for a household: place i is the feeder's load i, or the i-th bus the
    network file lists. A bus with two loads is there twice."""
    coordinates: Literal["own", "layout"]
    """Whether `bus.xy` are the net's own coordinates or the tree laid out here."""
    source: GridSource
    """What it was made from: the whole net as pandapower reads it, profiles, and what was left out."""
    facts: SourceFacts
    """What else a run has to know of its source."""
    warnings: tuple[Problem, ...] = ()
    """What about the grid is doubtful or was assumed, element by element."""
    profiles: FeederProfiles | None = None
    """What its own elements may follow; None where there are no profiles."""
    copies: FeederCopies | None = None
    """Of what it consists, where it is many copies of one; `given` and `source` are then those of one."""

    @property
    def net(self) -> pandapowerNet:
        """The net without loads, generators and storages. Do not change it; copy it first."""
        return net_of(self.given)

    @property
    def n_bus(self) -> int:
        """Number of buses."""
        return len(self.bus.index)

    @property
    def held(self) -> NDArray[np.bool_]:
        """Buses whose voltage the grid above holds, shape (n_bus,)."""
        return np.isin(self.bus.index, self.facts.held)

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


def load_feeder(
    network: NetworkConfig, folder: Path, run_control: bool = False, supply: SupplyConfig | None = None
) -> Feeder:
    """The feeder that a network file describes.

    Parameters
    ----------
    network : NetworkConfig
        The file's content.
    folder : Path
        The file's folder; a JSON source lies in it.
    run_control : bool
        Whether its tap controllers act.
    supply : SupplyConfig, optional
        What supplies it in place of the grid above.

    Raises
    ------
    InputError
        With everything about the grid that cannot be calculated, element by element.
    """
    return _feeder(read_source(network, folder), network, run_control, supply)


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


def _feeder(
    source: GridSource, network: NetworkConfig, run_control: bool, supply: SupplyConfig | None = None
) -> Feeder:
    """The feeder of what a source gives."""
    source = take_in(source, run_control)
    if supply is not None:
        bus, _ = bus_table(source.net, *_branch_tables(source.net))
        source = islanded(source, supply, _resolve(supply.bus, bus, "grid.supply.bus"))
    net = copy.deepcopy(source.net)
    elements = take_elements(net)
    line, trafo, trafo3w = _branch_tables(net)
    bus, coordinates = bus_table(net, line, trafo, trafo3w)
    supplied = set(bus.index[bus.supplied].tolist())
    elements = tuple(element for element in elements if element.bus in supplied)
    profiles = _profiles(network, source)
    elements, assumed = follow_profiles(elements, profiles)
    places = _places(network, bus, elements)
    warnings = (*source.warnings, *mixed_node_warnings(source.net), *assumed)
    tables = (bus, line, trafo, trafo3w)
    facts = facts_of(source.net)
    return Feeder(network, net, *tables, elements, places, coordinates, source, facts, warnings, profiles)


def _branch_tables(net: pandapowerNet) -> tuple[LineTable, TrafoTable, Trafo3wTable]:
    """Its lines and transformers."""
    return line_table(net), trafo_table(net), trafo3w_table(net)


def _profiles(network: NetworkConfig, source: GridSource) -> FeederProfiles | None:
    """The profiles of SimBench for its grids, those that it brings along for any other."""
    if source.profiles is not None:
        return FileProfiles(source.profiles, source.file)
    if isinstance(network.source, SimbenchSource):
        return SimbenchProfiles(scenario_of(network.source.code))
    return None


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
        names = [name for name in bus.name if name]
        remedy = suggest(reference, names) or (
            f"its buses have names as {listed(names[:3])}" if names else "none has a name: give an index"
        )
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
