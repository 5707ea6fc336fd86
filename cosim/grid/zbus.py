"""The Z-bus fixed point: voltages of a feeder for many intervals at once.

With the buses split into supplied ones (voltages V₀ given) and the others, Kirchhoff's current law reads
Y V + Y₀ V₀ = conj(S / V), S the injected power. So V is a fixed point of

    V ← w + Y⁻¹ conj(S / V),   w = −Y⁻¹ Y₀ V₀,

which the iteration reaches from V = w whenever the feeder is not near its limit of loadability (Bolognani
and Zampieri, IEEE Trans. Power Systems 31(1), 2016, theorem 1; Wang et al., IEEE Trans. Power Systems 33(1),
2018). The step that remains is proportional to the power that is not yet balanced. S may follow |V|: loads of
constant impedance or constant current are worked out anew in each step.

To the bit, an interval's voltages do not depend on which other intervals are solved with it: there is no
warm start, an interval is frozen when it has converged, real and imaginary parts are kept apart so that only
single additions, multiplications, divisions and square roots occur, and sums run in the order of the rows of
sparse matrices, never through BLAS, whose order depends on the block's shape and the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.grid.elimination import as_real, inverse_factors

FloatArray = NDArray[np.float64]

STEP_TOLERANCE_PU = 1e-12
"""An interval has converged when no part of any voltage moves by more than this, per unit."""
MAX_ITERATIONS = 200


@dataclass(frozen=True)
class ZbusSystem:
    """A feeder as the iteration needs it; all matrices act on stacked real and imaginary parts.

    Attributes
    ----------
    n_node : int
        Number of electrical nodes (buses joined by closed switches are one; open line ends are nodes too).
    supply : ndarray of int64, shape (n_supply,)
        Nodes with given voltage.
    order : ndarray of int64, shape (n_free,)
        The other nodes, in the order of elimination.
    lower_inverse, upper_inverse : sparse float64, shape (2 n_free, 2 n_free)
        Factors of the inverse admittance matrix, in that order.
    no_load : ndarray of float64, shape (2 n_free, 1)
        Voltages w without injections, in that order, per unit.
    supply_voltage : ndarray of float64, shape (2 n_supply, 1)
        Given voltages, per unit.
    admittance : sparse float64, shape (2 n_node, 2 n_node)
        Of all nodes, per unit.
    """

    n_node: int
    supply: NDArray[np.int64]
    order: NDArray[np.int64]
    lower_inverse: Any
    upper_inverse: Any
    no_load: FloatArray
    supply_voltage: FloatArray
    admittance: Any


def make_system(
    admittance: Any, supply: NDArray[np.int64], supply_voltage: NDArray[np.complex128]
) -> ZbusSystem:
    """The system of a feeder.

    Parameters
    ----------
    admittance : scipy sparse matrix of complex128, shape (n_node, n_node)
        Bus admittance matrix, per unit.
    supply : ndarray of int64, shape (n_supply,)
        Nodes with given voltage, ascending.
    supply_voltage : ndarray of complex128, shape (n_supply,)
        Their voltages, per unit.
    """
    n_node = admittance.shape[0]
    free = np.setdiff1d(np.arange(n_node), supply)
    rows = admittance.tocsr()[free]
    if len(free):
        order, lower, upper = inverse_factors(rows[:, free])
    else:
        order, lower, upper = free, rows[:, free], rows[:, free]
    drawn = -(rows[order][:, supply] @ supply_voltage)
    no_load = upper @ (lower @ drawn)
    return ZbusSystem(
        n_node,
        supply,
        free[order],
        as_real(lower),
        as_real(upper),
        np.concatenate([no_load.real, no_load.imag])[:, None],
        np.concatenate([supply_voltage.real, supply_voltage.imag])[:, None],
        as_real(admittance.tocsr()),
    )


@dataclass(frozen=True)
class NodePower:
    """Injected powers that follow the voltage, per unit at 1 pu.

    Attributes
    ----------
    p_impedance, p_current, q_impedance, q_current : ndarray of float64, shape (n_node, n_interval)
        Their parts at constant impedance (they follow |V|²) and at constant current (|V|).
    """

    p_impedance: FloatArray
    p_current: FloatArray
    q_impedance: FloatArray
    q_current: FloatArray

    def take(self, nodes: Any, intervals: Any) -> NodePower:
        """Some nodes, in some intervals."""
        parts = (self.p_impedance, self.p_current, self.q_impedance, self.q_current)
        return NodePower(*(part[nodes][:, intervals] for part in parts))

    def change(self, square: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What is injected beyond what is injected at 1 pu; `square` is |V|²."""
        vm = np.sqrt(square)
        return (
            self.p_impedance * (square - 1.0) + self.p_current * (vm - 1.0),
            self.q_impedance * (square - 1.0) + self.q_current * (vm - 1.0),
        )


def solve_block(
    system: ZbusSystem, p_pu: FloatArray, q_pu: FloatArray, dependent: NodePower | None = None
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Voltages for a block of intervals.

    Parameters
    ----------
    system : ZbusSystem
        The feeder.
    p_pu, q_pu : ndarray of float64, shape (n_node, n_interval)
        Injected powers (generation positive) at 1 pu, per unit; finite.
    dependent : NodePower, optional
        What of them follows the voltage.

    Returns
    -------
    voltage : ndarray of float64, shape (2 n_node, n_interval)
        Real parts, then imaginary parts, per unit.
    iterations : ndarray of int64, shape (n_interval,)
        Iterations taken; -1 where the step did not fall below the tolerance.
    """
    n_interval = p_pu.shape[1]
    p, q = p_pu[system.order], q_pu[system.order]
    n_free = len(system.order)
    if dependent is not None:
        dependent = dependent.take(system.order, slice(None))
    solution = np.repeat(system.no_load, n_interval, axis=1)
    iterations = np.full(n_interval, -1, dtype=np.int64)
    going = np.arange(n_interval)
    voltage = solution
    with np.errstate(all="ignore"):  # an interval that runs away is told by its iterations, not by a warning
        for iteration in range(1, MAX_ITERATIONS + 1):
            current = injected_current(voltage[:n_free], voltage[n_free:], p, q, dependent)
            new = system.upper_inverse @ (system.lower_inverse @ current)
            new += system.no_load
            step = np.abs(new - voltage).max(axis=0, initial=0.0)
            voltage = new
            done = step <= STEP_TOLERANCE_PU
            over = done | ~np.isfinite(step)
            if over.any():
                solution[:, going[over]] = voltage[:, over]
                iterations[going[done]] = iteration
                stay = ~over
                going, voltage, p, q = going[stay], voltage[:, stay], p[:, stay], q[:, stay]
                if dependent is not None:
                    dependent = dependent.take(slice(None), stay)
                if not len(going):
                    break
    return all_nodes(system, solution), iterations


def injected_current(
    re: FloatArray, im: FloatArray, p: FloatArray, q: FloatArray, dependent: NodePower | None
) -> FloatArray:
    """conj(S / V), real parts stacked on imaginary parts."""
    square = re * re + im * im
    if dependent is not None:
        p_more, q_more = dependent.change(square)
        p, q = p + p_more, q + q_more
    p_share, q_share = p / square, q / square
    return np.concatenate([p_share * re + q_share * im, p_share * im - q_share * re])


def all_nodes(system: ZbusSystem, solution: FloatArray) -> FloatArray:
    """Voltages of all nodes from those of the free ones."""
    n_free, n_node = len(system.order), system.n_node
    voltage = np.empty((2 * n_node, solution.shape[1]))
    voltage[system.order] = solution[:n_free]
    voltage[system.order + n_node] = solution[n_free:]
    n_supply = len(system.supply)
    voltage[system.supply] = system.supply_voltage[:n_supply]
    voltage[system.supply + n_node] = system.supply_voltage[n_supply:]
    return voltage


def injected_power(system: ZbusSystem, voltage: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Active and reactive power that each node injects at these voltages, from the admittance matrix.

    Parameters
    ----------
    system : ZbusSystem
        The feeder.
    voltage : ndarray of float64, shape (2 n_node, n_interval)
        As `solve_block` gives it.

    Returns
    -------
    p_pu, q_pu : ndarray of float64, shape (n_node, n_interval)
        V · conj(Y V), per unit.
    """
    n_node = system.n_node
    current = system.admittance @ voltage
    re, im, i_re, i_im = voltage[:n_node], voltage[n_node:], current[:n_node], current[n_node:]
    return re * i_re + im * i_im, im * i_re - re * i_im
