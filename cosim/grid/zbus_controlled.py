"""The Z-bus fixed point together with inverters that follow the voltage.

Each step works out anew what the inverters do at the voltages of the last, and puts that power into the same
matrices; so voltages and set-points settle together. Steps are mixed (`cosim.grid.fixed_point`); an interval
that does not settle so, as with a steep characteristic, begins again and goes only a part of the way in each
step. That damps every oscillation of a characteristic which answers a high voltage by less power and more
reactive power drawn, if the part is small enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.inverters import Conditions, Inverters
from cosim.grid.fixed_point import Damping, Mixing
from cosim.grid.matrices import Matrices
from cosim.grid.voltage_control import ControlledPower
from cosim.grid.zbus import STEP_TOLERANCE_PU, NodePower, ZbusSystem, all_nodes, conjugate_of

FloatArray = NDArray[np.float64]

MIXED_STEPS = 60
"""Steps after which an interval begins again, damped."""
DAMPED = ((0.1, 400), (0.01, 4000))
"""Part of the way that is gone in each damped step, and how many there are."""
MAX_STEPS = MIXED_STEPS + sum(most for _, most in DAMPED)


@dataclass(frozen=True)
class NodeInverters:
    """Inverters at the nodes of a system.

    Attributes
    ----------
    inverters : Inverters
        All n of them.
    met : Conditions
        What they meet, of shape (n, n_interval).
    node : ndarray of int64, shape (n,)
        Node of each.
    scatter : sparse float64, shape (n_node, n)
        Sums the powers of a node's inverters, and turns kW into per unit.
    """

    inverters: Inverters
    met: Conditions
    node: NDArray[np.int64]
    scatter: Any

    def take(self, intervals: Any) -> NodeInverters:
        """Some intervals."""
        return NodeInverters(self.inverters, self.met.take((slice(None), intervals)), self.node, self.scatter)

    def injected(self, vm_pu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What they inject into each node, per unit; `vm_pu` is that of their own nodes, (n, n_interval)."""
        p_kw, q_kvar = self.inverters.set_points(self.met, vm_pu)
        return np.asarray(self.scatter @ p_kw), np.asarray(self.scatter @ -q_kvar)


def at_nodes(m: Matrices, controlled: ControlledPower) -> NodeInverters:
    """The inverters of a block at their nodes; each must be supplied."""
    from scipy.sparse import csr_matrix

    node = m.bus_node[controlled.columns]
    n = len(node)
    factor = np.full(n, 1.0 / (1000.0 * m.base_mva))
    scatter = csr_matrix((factor, (node, np.arange(n))), shape=(m.system.n_node, n))
    met = Conditions(*(np.ascontiguousarray(each.T) for each in controlled.met))
    return NodeInverters(controlled.inverters, met, node, scatter)


class _Iteration:
    """One step of the fixed point, for some intervals."""

    def __init__(
        self,
        system: ZbusSystem,
        p_pu: FloatArray,
        q_pu: FloatArray,
        dependent: NodePower | None,
        inverters: NodeInverters,
    ) -> None:
        self._system = system
        self._p, self._q = p_pu[system.order], q_pu[system.order]
        self._dependent = None if dependent is None else dependent.take(system.order, slice(None))
        n_free, n_supply = len(system.order), len(system.supply)
        place = np.zeros(system.n_node, dtype=np.int64)
        place[system.order] = np.arange(n_free)
        place[system.supply] = n_free + np.arange(n_supply)
        self._place = place[inverters.node]
        re, im = system.supply_voltage.real, system.supply_voltage.imag
        self._held = np.sqrt(re * re + im * im)
        self._scatter = inverters.scatter[system.order]
        self._inverters = inverters

    def take(self, stay: Any) -> None:
        """Go on with some intervals."""
        self._p, self._q = self._p[:, stay], self._q[:, stay]
        if self._dependent is not None:
            self._dependent = self._dependent.take(slice(None), stay)
        self._inverters = self._inverters.take(stay)

    def __call__(self, voltage: FloatArray) -> FloatArray:
        """Voltages of the free nodes, from those of the step before."""
        system, n_free = self._system, len(self._system.order)
        re, im = voltage[:n_free], voltage[n_free:]
        held = np.repeat(self._held, voltage.shape[1], axis=1)
        vm = np.concatenate([np.sqrt(re * re + im * im), held])[self._place]
        p_kw, q_kvar = self._inverters.inverters.set_points(self._inverters.met, vm)
        p, q = self._p + self._scatter @ p_kw, self._q - self._scatter @ q_kvar
        before = as_complex(voltage)
        power = conjugate_of(p, q)
        if self._dependent is not None:
            power += self._dependent.conjugate_change(before)
        new = system.voltages(before, power)
        return np.concatenate([new.real, new.imag])


def as_complex(stacked: FloatArray) -> NDArray[np.complex128]:
    """Numbers whose real parts are stacked on their imaginary parts."""
    n = len(stacked) // 2
    numbers = np.empty((n, stacked.shape[1]), dtype=np.complex128)
    numbers.real, numbers.imag = stacked[:n], stacked[n:]
    return numbers


def solve_controlled(
    system: ZbusSystem,
    p_pu: FloatArray,
    q_pu: FloatArray,
    dependent: NodePower | None,
    inverters: NodeInverters,
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Voltages for a block of intervals, in which inverters follow them.

    Parameters
    ----------
    system : ZbusSystem
        The feeder.
    p_pu, q_pu : ndarray of float64, shape (n_node, n_interval)
        What else is injected at 1 pu, per unit; finite.
    dependent : NodePower or None
        What of that follows the voltage.
    inverters : NodeInverters
        The inverters.

    Returns
    -------
    voltage : ndarray of float64, shape (2 n_node, n_interval)
        Real parts, then imaginary parts, per unit.
    steps : ndarray of int64, shape (n_interval,)
        Steps taken, more than `MIXED_STEPS` where they had to be damped; -1 where it did not settle.
    """
    n_interval = p_pu.shape[1]
    start = np.concatenate([system.no_load.real, system.no_load.imag])
    solution = np.repeat(start, n_interval, axis=1)
    steps = np.full(n_interval, -1, dtype=np.int64)
    before = 0
    for part, most in ((None, MIXED_STEPS), *DAMPED):
        left = np.flatnonzero(steps < 0)
        if not len(left):
            break
        iteration = _Iteration(
            system,
            p_pu[:, left],
            q_pu[:, left],
            None if dependent is None else dependent.take(slice(None), left),
            inverters.take(left),
        )
        solution[:, left], taken = _settle(iteration, start, len(left), part, most)
        steps[left] = np.where(taken > 0, taken + before, -1)
        before += most
    return all_nodes(system, as_complex(solution)), steps


def _settle(
    iteration: _Iteration, start: FloatArray, n: int, part: float | None, most: int
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Iterate `n` intervals from `start`, mixed or, where a part of each step is given, damped."""
    solution = np.repeat(start, n, axis=1)
    steps = np.full(n, -1, dtype=np.int64)
    going = np.arange(n)
    voltage = solution
    mixing = Mixing(len(start)) if part is None else Damping(part)
    with np.errstate(all="ignore"):  # an interval that runs away is told by its steps, not by a warning
        for step in range(1, most + 1):
            new = iteration(voltage)
            moved = np.abs(new - voltage).max(axis=0, initial=0.0)
            done = moved <= STEP_TOLERANCE_PU
            over = done | ~np.isfinite(moved)
            if over.any() or step == most:
                solution[:, going] = new
                steps[going[done]] = step
            voltage = mixing.next(voltage, new)
            if over.any():
                stay = ~over
                going, voltage = going[stay], voltage[:, stay]
                iteration.take(stay)
                mixing.keep(stay)
                if not len(going):
                    break
    return solution, steps
