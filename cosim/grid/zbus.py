"""The Z-bus fixed point: voltages of a feeder for many intervals at once.

With the buses split into supplied ones (voltages V₀ given) and the others, Kirchhoff's current law reads
Y V + Y₀ V₀ = conj(S / V), S the injected power. So V is a fixed point of

    V ← w + Y⁻¹ conj(S / V),   w = −Y⁻¹ Y₀ V₀,

which the iteration reaches from V = w whenever the feeder is not near its limit of loadability (Bolognani
and Zampieri, IEEE Trans. Power Systems 31(1), 2016, theorem 1; Wang et al., IEEE Trans. Power Systems 33(1),
2018). The step that remains is proportional to the power that is not yet balanced. S may follow |V|: loads of
constant impedance or constant current are worked out anew in each step.

To the bit, an interval's voltages do not depend on which other intervals are solved with it: there is no
warm start, an interval is frozen when it has converged, and sums run in the order of the rows of sparse
matrices, never through BLAS, whose order depends on the block's shape and the number of threads. Complex
numbers are added and divided, which is done one by one; NumPy multiplies them by several at once, rounding
otherwise where an array ends, so that what multiplies outside of SciPy's products keeps the parts apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.grid.elimination import Product, inverse_factors

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

STEP_TOLERANCE_PU = 1e-12
"""An interval has converged when no part of any voltage moves by more than this, per unit."""
MAX_ITERATIONS = 200


@dataclass(frozen=True)
class ZbusSystem:
    """A feeder as the iteration needs it.

    Attributes
    ----------
    n_node : int
        Number of electrical nodes (buses joined by closed switches are one; open line ends are nodes too).
    supply : ndarray of int64, shape (n_supply,)
        Nodes with given voltage.
    order : ndarray of int64, shape (n_free,)
        The other nodes, in the order of elimination.
    lower_inverse, upper_inverse : Product, shape (n_free, n_free)
        Factors of the inverse admittance matrix, in that order.
    no_load : ndarray of complex128, shape (n_free, 1)
        Voltages w without injections, in that order, per unit.
    supply_voltage : ndarray of complex128, shape (n_supply, 1)
        Given voltages, per unit.
    """

    n_node: int
    supply: NDArray[np.int64]
    order: NDArray[np.int64]
    lower_inverse: Product
    upper_inverse: Product
    no_load: ComplexArray
    supply_voltage: ComplexArray

    def voltages(self, before: ComplexArray, conjugate_power: ComplexArray) -> ComplexArray:
        """One step of the iteration: w + Y⁻¹ conj(S / V) of the free nodes, per unit."""
        current = np.conj(before)
        np.divide(conjugate_power, current, out=current)
        new = self.upper_inverse(self.lower_inverse(current))
        new += self.no_load
        return new


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
        Product(lower),
        Product(upper),
        no_load[:, None],
        supply_voltage[:, None],
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

    def conjugate_change(self, voltage: ComplexArray) -> ComplexArray:
        """The same as p − jq, of the nodes' voltages."""
        re, im = voltage.real, voltage.imag
        return conjugate_of(*self.change(re * re + im * im))


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
    conjugate = conjugate_of(p_pu[system.order], q_pu[system.order])
    if dependent is not None:
        dependent = dependent.take(system.order, slice(None))
    solution = np.repeat(system.no_load, n_interval, axis=1)
    iterations = np.full(n_interval, -1, dtype=np.int64)
    going = np.arange(n_interval)
    voltage = solution
    with np.errstate(all="ignore"):  # an interval that runs away is told by its iterations, not by a warning
        for iteration in range(1, MAX_ITERATIONS + 1):
            power = conjugate if dependent is None else conjugate + dependent.conjugate_change(voltage)
            new = system.voltages(voltage, power)
            parts = (new - voltage).view(np.float64)
            np.abs(parts, out=parts)
            voltage = new
            if len(going) == 1 and STEP_TOLERANCE_PU < parts.max(initial=0.0) < np.inf:
                continue
            step = parts.max(axis=0, initial=0.0).reshape(-1, 2).max(axis=1)
            done = step <= STEP_TOLERANCE_PU
            over = done | ~np.isfinite(step)
            if over.all():
                solution[:, going], iterations[going[done]] = voltage, iteration
                break
            if over.any():
                solution[:, going[over]] = voltage[:, over]
                iterations[going[done]] = iteration
                stay = np.flatnonzero(~over)
                going, voltage, conjugate = going[stay], voltage.take(stay, 1), conjugate.take(stay, 1)
                if dependent is not None:
                    dependent = dependent.take(slice(None), stay)
    return all_nodes(system, solution), iterations


def conjugate_of(p: FloatArray, q: FloatArray) -> ComplexArray:
    """p − jq."""
    power = np.empty(p.shape, dtype=np.complex128)
    power.real = p
    np.negative(q, out=power.imag)
    return power


def all_nodes(system: ZbusSystem, solution: ComplexArray) -> FloatArray:
    """Voltages of all nodes from those of the free ones, real parts stacked on imaginary parts."""
    n_node = system.n_node
    voltage = np.empty((2 * n_node, solution.shape[1]))
    voltage[system.order], voltage[system.order + n_node] = solution.real, solution.imag
    given = system.supply_voltage
    voltage[system.supply], voltage[system.supply + n_node] = given.real, given.imag
    return voltage
