"""The matrices that pandapower builds for a feeder, and the way between its tables and their nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.grid.elimination import Product, as_real
from cosim.grid.feeder import Feeder
from cosim.grid.reference import refuse_other_supply, solve_unloaded
from cosim.grid.voltage_dependence import DependentPower
from cosim.grid.zbus import NodePower, ZbusSystem, make_system

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

FloatArray = NDArray[np.float64]
_FROM_NODE, _TO_NODE = 0, 1


@dataclass(frozen=True)
class Rated:
    """Which branches are a table's elements, and what current is their full load.

    Attributes
    ----------
    column : ndarray of int64, shape (n_found,)
        Columns of the table that are in service and supplied.
    branch : ndarray of int64, shape (n_found,)
        Their branches.
    from_percent, to_percent : ndarray of float64, shape (n_found, 1)
        Loading in percent for a current of 1 pu at either end.
    idle : ndarray of float64, shape (n_element,)
        Loading of the elements that carry nothing: 0 where switched off between supplied buses, else NaN.
    """

    column: NDArray[np.int64]
    branch: NDArray[np.int64]
    from_percent: FloatArray
    to_percent: FloatArray
    idle: FloatArray

    def loading(self, from_current: FloatArray, to_current: FloatArray) -> FloatArray:
        """Loading of each element, percent, shape (n_interval, n_element)."""
        if not len(self.column):
            return np.repeat(self.idle[None, :], from_current.shape[1], axis=0)
        worst = np.maximum(
            from_current.take(self.branch, 0) * self.from_percent,
            to_current.take(self.branch, 0) * self.to_percent,
        )
        if len(self.column) == len(self.idle):
            return np.ascontiguousarray(worst.T)
        table = np.repeat(self.idle[None, :], worst.shape[1], axis=0)
        table[:, self.column] = worst.T
        return table


class Branches(NamedTuple):
    """Loadings of lines and transformers, percent, and losses of all branches, MW, of each interval."""

    line_percent: FloatArray
    trafo_percent: FloatArray
    losses_mw: FloatArray


@dataclass(frozen=True)
class Matrices:
    """A feeder's matrices; those that act on voltages act on stacked real and imaginary parts.

    Attributes
    ----------
    system : ZbusSystem
        What the iteration needs.
    base_mva : float
        Base power of the per-unit system, MVA.
    bus_node : ndarray of int64, shape (n_bus,)
        Node of each bus; -1 without supply.
    gather : Product, shape (n_node, n_bus)
        Sums the powers of the buses of a node, and turns consumption in MW into injection per unit.
    own_p_pu, own_q_pu : ndarray of float64, shape (n_node, 1)
        What wards and motors inject, which are part of the network, per unit.
    from_node, to_node : ndarray of int64, shape (n_branch,)
        Nodes at the ends of each branch.
    currents : Product, shape (2 n_node + 4 n_branch, 2 n_node)
        Currents from the voltages: into the feeder at each node, then into each branch at its first end, then
        at the other.
    total : Product, shape (1, n_branch)
        Sums over the branches.
    line, trafo : Rated
        Which branches these are.
    n_trafo3w : int
        Number of three-winding transformers, none of which is in service here.
    """

    system: ZbusSystem
    base_mva: float
    bus_node: NDArray[np.int64]
    gather: Product
    own_p_pu: FloatArray
    own_q_pu: FloatArray
    from_node: NDArray[np.int64]
    to_node: NDArray[np.int64]
    currents: Product
    total: Product
    line: Rated
    trafo: Rated
    n_trafo3w: int

    def to_nodes(self, power: FloatArray) -> FloatArray:
        """Injection of each node per unit, shape (n_node, T), from consumption in MW, shape (T, n_bus)."""
        return self.gather(power.T)

    def dependent_to_nodes(self, power: DependentPower) -> NodePower:
        """What of the injections follows the voltage, per unit."""
        gather = Product(self.gather.matrix.tocsc()[:, power.columns].tocsr())
        return NodePower(*(gather(part.T) for part in power.parts))

    def to_buses(self, values: FloatArray) -> FloatArray:
        """Values of each bus, shape (T, n_bus), from those of the nodes, shape (n_node, T)."""
        table: FloatArray = np.ascontiguousarray(values[self.bus_node].T)
        table[:, self.bus_node < 0] = np.nan
        return table

    def slack_power(self, p_pu: FloatArray, q_pu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Power that the external grids deliver, MW and Mvar, from what is injected beyond the buses' own."""
        p = np.zeros(p_pu.shape[1])
        q = np.zeros(p_pu.shape[1])
        for node in self.system.supply:
            p += p_pu[node]
            q += q_pu[node]
        return p * self.base_mva, q * self.base_mva

    def flows(self, voltage: FloatArray) -> tuple[FloatArray, FloatArray, Branches]:
        """What flows at these voltages.

        Parameters
        ----------
        voltage : ndarray of float64, shape (2 n_node, n_interval)
            Real parts, then imaginary parts, per unit.

        Returns
        -------
        p_pu, q_pu : ndarray of float64, shape (n_node, n_interval)
            Power that each node injects: V · conj(Y V), per unit.
        branches : Branches
            Loadings and losses.
        """
        n_node, n_branch = self.system.n_node, len(self.from_node)
        re, im = voltage[:n_node], voltage[n_node:]
        current = self.currents(voltage)
        i_re, i_im = current[:n_node], current[n_node : 2 * n_node]
        p_pu, q_pu = re * i_re + im * i_im, im * i_re - re * i_im
        loss, amount, first = np.zeros((n_branch, voltage.shape[1])), [], 2 * n_node
        for node in (self.from_node, self.to_node):
            i_re = current[first : first + n_branch]
            i_im = current[first + n_branch : first + 2 * n_branch]
            loss += re.take(node, 0) * i_re + im.take(node, 0) * i_im
            amount.append(np.sqrt(i_re * i_re + i_im * i_im))
            first += 2 * n_branch
        losses_mw = self.total(loss)[0] * self.base_mva
        return p_pu, q_pu, Branches(self.line.loading(*amount), self.trafo.loading(*amount), losses_mw)


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
    from scipy.sparse import csr_matrix, vstack

    net = solve_unloaded(feeder)
    internal = net._ppc["internal"]
    n_node = internal["Ybus"].shape[0]
    bus_node = _bus_nodes(net, feeder, n_node)
    supply = np.sort(np.asarray(internal["ref"], dtype=np.int64))
    base_mva = float(internal["baseMVA"])
    branch = internal["branch"]
    from_node = branch[:, _FROM_NODE].real.astype(np.int64)
    to_node = branch[:, _TO_NODE].real.astype(np.int64)
    base_kv = internal["bus"][:, BASE_KV].real
    found = np.flatnonzero(bus_node >= 0)
    gather = csr_matrix(
        (np.full(len(found), -1.0 / base_mva), (bus_node[found], found)), shape=(n_node, len(bus_node))
    )
    measured = [as_real(internal[name].tocsr()) for name in ("Ybus", "Yf", "Yt")]
    current_ka = base_mva / np.sqrt(3.0) / np.column_stack([base_kv[from_node], base_kv[to_node]])
    return Matrices(
        make_system(internal["Ybus"], supply, np.asarray(internal["V"])[supply]),
        base_mva,
        bus_node,
        Product(gather),
        -internal["bus"][:, [PD]].real / base_mva,
        -internal["bus"][:, [QD]].real / base_mva,
        from_node,
        to_node,
        Product(vstack(measured, format="csr")),
        Product(csr_matrix(np.ones((1, len(from_node))))),
        _rated_lines(net, current_ka, bus_node),
        _rated_trafos(net, current_ka, bus_node),
        len(net.trafo3w),
    )


def _bus_nodes(net: pandapowerNet, feeder: Feeder, n_node: int) -> NDArray[np.int64]:
    """Node of each bus, -1 without supply; pandapower puts what is out of service behind the other nodes."""
    node = np.asarray(net._pd2ppc_lookups["bus"])[feeder.bus.index].astype(np.int64)
    node = np.where((node >= 0) & (node < n_node), node, -1)
    refuse_other_supply(feeder, node >= 0)
    return node


def _rated_lines(net: pandapowerNet, current_ka: FloatArray, bus_node: NDArray[np.int64]) -> Rated:
    """Lines: percent of ``max_i_ka · df · parallel``."""
    table = net.line
    rated_ka = (table.max_i_ka * table.df * table.parallel).to_numpy(np.float64)
    ends = (table.from_bus.to_numpy(np.int64), table.to_bus.to_numpy(np.int64))
    return _rated(net, "line", ends, current_ka, np.column_stack([rated_ka, rated_ka]), bus_node)


def _rated_trafos(net: pandapowerNet, current_ka: FloatArray, bus_node: NDArray[np.int64]) -> Rated:
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
) -> Rated:
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
    return Rated(column, branch, percent[:, :1], percent[:, 1:], idle)
