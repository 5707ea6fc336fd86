"""The Z-bus fixed point: voltages of a feeder for many intervals at once.

With the buses split into supplied ones (voltages V₀ given) and the others, Kirchhoff's current law reads
Y V + Y₀ V₀ = conj(S / V), S the injected power. So V is a fixed point of

    V ← w + Y⁻¹ conj(S / V),   w = −Y⁻¹ Y₀ V₀,

which the iteration reaches from V = w whenever the feeder is not near its limit of loadability (Bolognani
and Zampieri, IEEE Trans. Power Systems 31(1), 2016, theorem 1; Wang et al., IEEE Trans. Power Systems 33(1),
2018). The step that remains is proportional to the power that is not yet balanced. S may follow |V|: loads of
constant impedance or constant current are worked out anew in each step.

To the bit, an interval's voltages do not depend on which other intervals are solved with it: each is solved
by itself, from the same start, in a loop over its nodes that numba compiles.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.grid.elimination import Factors, factorised, substitute

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
IntArray = NDArray[np.int64]

STEP_TOLERANCE_PU = 1e-12
"""An interval has converged when no part of any voltage moves by more than this, per unit."""
MAX_ITERATIONS = 200


class ZbusSystem(NamedTuple):
    """A feeder as the iteration needs it."""

    supply: IntArray
    """Nodes with given voltage, ascending (buses joined by closed switches are one node; open line ends are
    nodes too). Shape (n_supply,)."""
    supply_voltage: ComplexArray
    """Given voltages, per unit. Shape (n_supply,)."""
    order: IntArray
    """The other nodes, in the order of elimination. Shape (n_free,)."""
    factors: Factors
    """Of their admittance matrix, in that order."""
    no_load: ComplexArray
    """Voltages w without injections, in that order, per unit. Shape (n_free,)."""

    @property
    def n_node(self) -> int:
        """Number of electrical nodes."""
        return len(self.supply) + len(self.order)


def make_system(admittance: Any, supply: IntArray, supply_voltage: ComplexArray) -> ZbusSystem:
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
    free = np.setdiff1d(np.arange(admittance.shape[0]), supply)
    rows = admittance.tocsr()[free]
    order, factors = factorised(rows[:, free])
    no_load = -(rows[order][:, supply] @ supply_voltage)
    substitute(factors, no_load)
    return ZbusSystem(supply, supply_voltage, free[order], factors, no_load)


def currents(
    order: IntArray,
    power: ComplexArray,
    following: FloatArray,
    follows: bool,
    voltage: ComplexArray,
    current: ComplexArray,
) -> None:
    """Injected currents conj(S / V) of the free nodes of one interval.

    Parameters
    ----------
    order : ndarray of int64, shape (n_free,)
        Their nodes.
    power : ndarray of complex128, shape (n_node,)
        Injected power (generation positive) at 1 pu, per unit.
    following : ndarray of float64, shape (4, n_node)
        What of it follows the voltage: active power at constant impedance and at constant current, then
        reactive power.
    follows : bool
        Whether anything does; else `following` is not looked at.
    voltage : ndarray of complex128, shape (n_free,)
    current : ndarray of complex128, shape (n_free,)
        Written to.
    """
    for k in range(len(order)):
        node = order[k]
        re, im = voltage[k].real, voltage[k].imag
        p, q = power[node].real, power[node].imag
        square = re * re + im * im
        if follows:
            vm = math.sqrt(square)
            p += following[0][node] * (square - 1.0) + following[1][node] * (vm - 1.0)
            q += following[2][node] * (square - 1.0) + following[3][node] * (vm - 1.0)
        part = 1.0 / square
        current[k] = complex((p * re + q * im) * part, (p * im - q * re) * part)


def settle(
    system: ZbusSystem,
    power: ComplexArray,
    following: FloatArray,
    follows: bool,
    most: int,
    voltage: ComplexArray,
    current: ComplexArray,
) -> int:
    """Iterate one interval.

    Parameters
    ----------
    system : ZbusSystem
        The feeder.
    power, following, follows
        As for `currents`.
    most : int
        Number of iterations after which it is given up.
    voltage : ndarray of complex128, shape (n_free,)
        Written to: voltages of the free nodes, per unit.
    current : ndarray of complex128, shape (n_free,)
        Written to, for no use outside.

    Returns
    -------
    int
        Iterations taken; -1 where the step did not fall below the tolerance.
    """
    n = len(system.order)
    for k in range(n):
        voltage[k] = system.no_load[k]
    for iteration in range(1, most + 1):
        currents(system.order, power, following, follows, voltage, current)
        substitute(system.factors, current)
        moved, total = 0.0, 0.0
        for k in range(n):
            old, new = voltage[k], system.no_load[k] + current[k]
            step = max(abs(new.real - old.real), abs(new.imag - old.imag))
            moved = max(moved, step)
            total += step
            voltage[k] = new
        if not total < math.inf:
            return -1
        if moved <= STEP_TOLERANCE_PU:
            return iteration
    return -1
