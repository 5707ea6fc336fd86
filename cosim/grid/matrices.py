"""The matrices that pandapower builds for a feeder, and the way between its tables and their nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.grid.feeder import Feeder
from cosim.grid.flow_loops import Wiring
from cosim.grid.reference import refuse_other_supply, solve_unloaded
from cosim.grid.voltage_dependence import DependentPower
from cosim.grid.zbus import ComplexArray, ZbusSystem, make_system

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

FloatArray = NDArray[np.float64]
_FROM_NODE, _TO_NODE = 0, 1


@dataclass(frozen=True)
class Matrices:
    """A feeder's matrices, as its power flows need them."""

    system: ZbusSystem
    """What the iteration needs."""
    wiring: Wiring
    """Nodes, branches and the elements they stand for."""
    base_mva: float
    """Base power of the per-unit system, MVA."""
    n_line: int
    """Number of lines; the other elements with a loading are transformers."""
    n_trafo3w: int
    """Number of three-winding transformers, none of which is in service here."""

    @property
    def bus_node(self) -> NDArray[np.int64]:
        """Node of each bus; -1 without supply."""
        return self.wiring.bus_node

    def to_nodes(self, p_mw: FloatArray, q_mvar: FloatArray) -> ComplexArray:
        """What is injected at the nodes, per unit, shape (T, n_node), from what buses draw, (T, n_bus)."""
        power = self._at_nodes(p_mw, self.bus_node) + 1j * self._at_nodes(q_mvar, self.bus_node)
        return power + self.wiring.own

    def dependent_to_nodes(self, power: DependentPower | None) -> FloatArray | None:
        """What of the injections follows the voltage, per unit, (T, 4, n_node); None where nothing does."""
        if power is None:
            return None
        node = self.bus_node[power.columns]
        return np.stack([self._at_nodes(part, node) for part in power.parts], axis=1)

    def _at_nodes(self, power: FloatArray, node: NDArray[np.int64]) -> FloatArray:
        """Sums of the columns that lie at a node, per unit of injection, shape (T, n_node)."""
        sums = np.zeros((len(power), self.system.n_node))
        for column in np.flatnonzero(node >= 0):
            sums[:, node[column]] += power[:, column] * (-1.0 / self.base_mva)
        return sums


def build_matrices(feeder: Feeder) -> Matrices:
    """The matrices of a feeder, from one `runpp` without any injection.

    Raises
    ------
    InputError
        If pandapower supplies other buses than the feeder's own tree says.
    NoMatricesError
        If that power flow does not converge, or there is nothing to calculate.
    """
    from pandapower.pypower.idx_bus import BASE_KV, PD, QD

    net = solve_unloaded(feeder)
    internal = net._ppc["internal"]
    admittance = internal["Ybus"].tocsr()
    admittance.sort_indices()
    n_node = admittance.shape[0]
    bus_node = _bus_nodes(net, feeder, n_node)
    supply = np.sort(np.asarray(internal["ref"], dtype=np.int64))
    base_mva = float(internal["baseMVA"])
    ends = np.ascontiguousarray(internal["branch"][:, [_FROM_NODE, _TO_NODE]].real.astype(np.int64).T)
    base_kv = internal["bus"][:, BASE_KV].real
    current_ka = base_mva / np.sqrt(3.0) / np.column_stack([base_kv[end] for end in ends])
    own = -(internal["bus"][:, PD].real + 1j * internal["bus"][:, QD].real) / base_mva
    elements = [_rated_lines(net, current_ka, bus_node), _rated_trafos(net, current_ka, bus_node)]
    element, percent = np.full(ends.shape[1], -1, dtype=np.int64), np.zeros((ends.shape[1], 2))
    for first, rated in zip((0, len(net.line)), elements, strict=True):
        element[rated.branch], percent[rated.branch] = first + rated.column, rated.percent
    wiring = Wiring(
        np.array([base_mva]),
        bus_node,
        own,
        np.isin(np.arange(n_node), supply),
        admittance.indptr.astype(np.int64),
        admittance.indices.astype(np.int64),
        admittance.data.astype(np.complex128),
        ends[0],
        ends[1],
        _branch_admittances(internal["Yf"], internal["Yt"], ends),
        element,
        percent,
        np.concatenate([rated.idle for rated in elements]),
    )
    system = make_system(admittance, supply, np.asarray(internal["V"], dtype=np.complex128)[supply])
    return Matrices(system, wiring, base_mva, len(net.line), len(net.trafo3w))


def _branch_admittances(at_first: Any, at_last: Any, ends: NDArray[np.int64]) -> NDArray[np.complex128]:
    """Of each branch: current at its first end from the voltage there and at the other, then at its last."""
    number = np.arange(ends.shape[1])
    columns = [np.asarray(side.tocsr()[number, end]).ravel() for side in (at_first, at_last) for end in ends]
    admittances = np.column_stack(columns).astype(np.complex128)
    admittances[ends[0] == ends[1], 1::2] = 0.0  # both ends at one node: its whole admittance stands once
    return admittances


def _bus_nodes(net: pandapowerNet, feeder: Feeder, n_node: int) -> NDArray[np.int64]:
    """Node of each bus, -1 without supply; pandapower puts what is out of service behind the other nodes."""
    node = np.asarray(net._pd2ppc_lookups["bus"])[feeder.bus.index].astype(np.int64)
    node = np.where((node >= 0) & (node < n_node), node, -1)
    refuse_other_supply(feeder, node >= 0)
    return node


class _Rated(NamedTuple):
    """Which branches are a table's elements, and what current is their full load."""

    column: NDArray[np.int64]
    """Columns of the table that are in service and supplied. Shape (n_found,)."""
    branch: NDArray[np.int64]
    """Their branches. Shape (n_found,)."""
    percent: FloatArray
    """Loading in percent for a current of 1 pu at either end. Shape (n_found, 2)."""
    idle: FloatArray
    """Loading of the elements that carry nothing: 0 where switched off between supplied buses, else NaN.
    Shape (n_element,)."""


def _rated_lines(net: pandapowerNet, current_ka: FloatArray, bus_node: NDArray[np.int64]) -> _Rated:
    """Lines: percent of ``max_i_ka · df · parallel``."""
    table = net.line
    rated_ka = (table.max_i_ka * table.df * table.parallel).to_numpy(np.float64)
    ends = (table.from_bus.to_numpy(np.int64), table.to_bus.to_numpy(np.int64))
    return _rated(net, "line", ends, current_ka, np.column_stack([rated_ka, rated_ka]), bus_node)


def _rated_trafos(net: pandapowerNet, current_ka: FloatArray, bus_node: NDArray[np.int64]) -> _Rated:
    """Transformers: percent of ``sn_mva / (√3 · vn_kv) · df · parallel``, on either side."""
    table = net.trafo
    units = (table.df * table.parallel).to_numpy(np.float64)
    sides_kv = table[["vn_hv_kv", "vn_lv_kv"]].to_numpy(np.float64)
    rated_ka = table.sn_mva.to_numpy(np.float64)[:, None] / (np.sqrt(3.0) * sides_kv) * units[:, None]
    ends = (table.hv_bus.to_numpy(np.int64), table.lv_bus.to_numpy(np.int64))
    return _rated(net, "trafo", ends, current_ka, rated_ka, bus_node)


def _rated(
    net: pandapowerNet,
    kind: str,
    ends: tuple[NDArray[np.int64], NDArray[np.int64]],
    current_ka: FloatArray,
    rated_ka: FloatArray,
    bus_node: NDArray[np.int64],
) -> _Rated:
    """A table's elements among the branches that are in service.

    Parameters
    ----------
    kind : {"line", "trafo"}
        The table.
    ends : tuple of ndarray of int64, shape (n_element,)
        Index of the bus at either end.
    current_ka : ndarray of float64, shape (n_branch, 2)
        Current of 1 pu at either end of a branch, kA.
    rated_ka : ndarray of float64, shape (n_element, 2)
        Rated current at either end, kA.
    """
    position = {int(index): column for column, index in enumerate(net.bus.index)}
    supplied = [np.array([bus_node[position[int(bus)]] >= 0 for bus in side], dtype=bool) for side in ends]
    switched_off = ~net[kind].in_service.to_numpy(
        bool
    )  # in service but not supplied is NaN, as in pandapower
    idle = np.where(switched_off & supplied[0] & supplied[1], 0.0, np.nan)
    first, last = net._pd2ppc_lookups["branch"].get(kind, (0, 0))
    in_service = np.asarray(net._ppc["internal"]["branch_is"], dtype=bool)
    number = np.cumsum(in_service) - 1
    column = np.flatnonzero(in_service[first:last])
    branch = number[first:last][column]
    percent = 100.0 * current_ka[branch] / rated_ka[column]
    return _Rated(column, branch, percent, idle)
