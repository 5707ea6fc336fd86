"""What flows at given voltages, and whole power flows: loops over nodes and branches that numba compiles.

They run on lists of numbers as well, to the same bits: sums and products stand in a fixed order.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import compiled
from cosim.grid.elimination import substitute
from cosim.grid.zbus import ZbusSystem, currents, settle

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
IntArray = NDArray[np.int64]

N_TOTALS = 4
"""Totals of an interval: power of the supply, MW and Mvar, losses, MW, and largest unbalanced power, MVA."""


class Wiring(NamedTuple):
    """A feeder's nodes and branches as the loops need them."""

    base_mva: FloatArray
    """Base power of the per-unit system, MVA. Shape (1,)."""
    bus_node: IntArray
    """Node of each bus; -1 without supply. Shape (n_bus,)."""
    own: ComplexArray
    """What wards and motors inject, which are part of the network, per unit. Shape (n_node,)."""
    is_supply: NDArray[np.bool_]
    """Nodes with given voltage. Shape (n_node,)."""
    start: IntArray
    column: IntArray
    admittance: ComplexArray
    """Bus admittance matrix in compressed rows, per unit. Shapes (n_node + 1,), (n,), (n,)."""
    from_node: IntArray
    to_node: IntArray
    """Nodes at the ends of each branch. Shape (n_branch,)."""
    branch: ComplexArray
    """Admittances of a branch: current at its first end from the voltages of both, then at the other. Shape
    (n_branch, 4)."""
    element: IntArray
    """Which line or transformer it is, lines first; -1 for neither. Shape (n_branch,)."""
    percent: FloatArray
    """Its loading for a current of 1 pu at either end. Shape (n_branch, 2)."""
    idle: FloatArray
    """Loading of elements that carry nothing: 0 where switched off between supplied buses, else NaN. Shape
    (n_line + n_trafo,)."""


class Flows(NamedTuple):
    """What is written to, interval by interval.

    Attributes
    ----------
    vm_pu : ndarray of float64, shape (T, n_bus)
    loading_percent : ndarray of float64, shape (T, n_line + n_trafo)
    totals : ndarray of float64, shape (T, N_TOTALS)
    iterations : ndarray of int64, shape (T,)
    """

    vm_pu: FloatArray
    loading_percent: FloatArray
    totals: FloatArray
    iterations: IntArray

    @classmethod
    def empty(cls, wiring: Wiring, n_interval: int) -> Flows:
        """Room for some intervals."""
        return cls(
            np.empty((n_interval, len(wiring.bus_node))),
            np.empty((n_interval, len(wiring.idle))),
            np.empty((n_interval, N_TOTALS)),
            np.empty(n_interval, dtype=np.int64),
        )


def inject(wiring: Wiring, p_mw: FloatArray, q_mvar: FloatArray, power: ComplexArray) -> None:
    """Power of the nodes from what the buses draw; one interval."""
    per_mw, node_of = -1.0 / wiring.base_mva[0], wiring.bus_node
    for node in range(len(power)):
        power[node] = 0j
    for bus in range(len(node_of)):
        if node_of[bus] >= 0:
            power[node_of[bus]] += complex(per_mw * p_mw[bus], per_mw * q_mvar[bus])
    for node in range(len(power)):
        power[node] += wiring.own[node]


def spread(system: ZbusSystem, free: ComplexArray, voltage: ComplexArray) -> None:
    """Voltages of all nodes from those of the free ones."""
    for k in range(len(system.supply)):
        voltage[system.supply[k]] = system.supply_voltage[k]
    for k in range(len(free)):
        voltage[system.order[k]] = free[k]


def follow(power: ComplexArray, following: FloatArray, voltage: ComplexArray) -> None:
    """Add what follows the voltages that were solved."""
    for node in range(len(power)):
        re, im = voltage[node].real, voltage[node].imag
        square = re * re + im * im
        vm = math.sqrt(square)
        power[node] += complex(
            following[0][node] * (square - 1.0) + following[1][node] * (vm - 1.0),
            following[2][node] * (square - 1.0) + following[3][node] * (vm - 1.0),
        )


def balance(wiring: Wiring, voltage: ComplexArray, power: ComplexArray, totals: FloatArray) -> None:
    """What the supply gives, and the largest power V · conj(Y V) that is not injected elsewhere."""
    p_supply, q_supply, worst = 0.0, 0.0, 0.0
    for node in range(len(power)):
        current = 0j
        for entry in range(wiring.start[node], wiring.start[node + 1]):
            current += wiring.admittance[entry] * voltage[wiring.column[entry]]
        re, im = voltage[node].real, voltage[node].imag
        p = re * current.real + im * current.imag - power[node].real
        q = im * current.real - re * current.imag - power[node].imag
        if wiring.is_supply[node]:
            p_supply += p
            q_supply += q
        else:
            worst = max(worst, abs(p), abs(q))
    base_mva = wiring.base_mva[0]
    totals[0], totals[1], totals[3] = base_mva * p_supply, base_mva * q_supply, base_mva * worst


def load_branches(
    wiring: Wiring, voltage: ComplexArray, loading_percent: FloatArray, totals: FloatArray
) -> None:
    """Loadings of lines and transformers, and losses of all branches."""
    for element in range(len(loading_percent)):
        loading_percent[element] = wiring.idle[element]
    losses = 0.0
    for number in range(len(wiring.from_node)):
        first, last = voltage[wiring.from_node[number]], voltage[wiring.to_node[number]]
        y = wiring.branch[number]
        into, out_of = y[0] * first + y[1] * last, y[2] * first + y[3] * last
        losses += (first.real * into.real + first.imag * into.imag) + (
            last.real * out_of.real + last.imag * out_of.imag
        )
        element = wiring.element[number]
        if element >= 0:
            loading_percent[element] = max(
                math.sqrt(into.real * into.real + into.imag * into.imag) * wiring.percent[number][0],
                math.sqrt(out_of.real * out_of.real + out_of.imag * out_of.imag) * wiring.percent[number][1],
            )
    totals[2] = wiring.base_mva[0] * losses


def magnitudes(wiring: Wiring, voltage: ComplexArray, vm_pu: FloatArray) -> None:
    """Voltage of each bus."""
    for bus in range(len(vm_pu)):
        node = wiring.bus_node[bus]
        if node >= 0:
            re, im = voltage[node].real, voltage[node].imag
            vm_pu[bus] = math.sqrt(re * re + im * im)
        else:
            vm_pu[bus] = math.nan


def flow(
    wiring: Wiring, voltage: ComplexArray, power: ComplexArray, flows: Flows, row: int, tolerance_mva: float
) -> int:
    """What flows in an interval; 1 where it was not settled or too much is unbalanced, else 0."""
    totals = flows.totals[row]
    balance(wiring, voltage, power, totals)
    load_branches(wiring, voltage, flows.loading_percent[row], totals)
    magnitudes(wiring, voltage, flows.vm_pu[row])
    is_known = totals[0] - totals[0] == 0.0 and totals[1] - totals[1] == 0.0
    return 0 if flows.iterations[row] > 0 and totals[3] <= tolerance_mva and is_known else 1


@compiled(substitute, currents, settle, inject, spread, follow, balance, load_branches, magnitudes, flow)
def solve_rows(
    system: ZbusSystem,
    wiring: Wiring,
    p_mw: FloatArray,
    q_mvar: FloatArray,
    following: FloatArray,
    follows: bool,
    most: int,
    tolerance_mva: float,
    work: ComplexArray,
    flows: Flows,
) -> int:
    """Power flows of T intervals.

    Parameters
    ----------
    system, wiring
        The feeder.
    p_mw, q_mvar : ndarray of float64, shape (T, n_bus)
        What the buses draw at 1 pu.
    following : ndarray of float64, shape (T, 4, n_node)
        What of it follows the voltage, as in `cosim.grid.zbus.currents`; of any length where nothing does.
    follows : bool
        Whether anything does.
    most : int
        Number of iterations after which an interval is given up.
    tolerance_mva : float
        Largest power that may be unbalanced at a node.
    work : ndarray of complex128, shape (4, n_node)
        Written to, for no use outside.
    flows : Flows
        Written to.

    Returns
    -------
    int
        In how many intervals the iteration did not settle, more is unbalanced, or powers are no numbers.
    """
    n_open, n_free = 0, len(system.order)
    voltage, power, free, current = work[0], work[1], work[2][:n_free], work[3][:n_free]
    for row in range(len(p_mw)):
        some = following[row if follows else 0]
        inject(wiring, p_mw[row], q_mvar[row], power)
        flows.iterations[row] = settle(system, power, some, follows, most, free, current)
        spread(system, free, voltage)
        if follows:
            follow(power, some, voltage)
        n_open += flow(wiring, voltage, power, flows, row, tolerance_mva)
    return n_open


@compiled(follow, balance, load_branches, magnitudes, flow)
def flow_rows(
    wiring: Wiring,
    voltage: ComplexArray,
    power: ComplexArray,
    following: FloatArray,
    follows: bool,
    tolerance_mva: float,
    flows: Flows,
) -> int:
    """What flows at voltages that are known, shape (T, n_node), with the powers that are injected at 1 pu.

    Parameters and what is returned are as for `solve_rows`; `power` is written to, iterations are given.
    """
    n_open = 0
    for row in range(len(voltage)):
        if follows:
            follow(power[row], following[row], voltage[row])
        n_open += flow(wiring, voltage[row], power[row], flows, row, tolerance_mva)
    return n_open
