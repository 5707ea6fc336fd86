"""The Z-bus fixed point together with inverters that follow the voltage.

Each step works out anew what the inverters do at the voltages of the last, and puts that power into the same
matrices; so voltages and set-points settle together. Steps are mixed (`cosim.grid.fixed_point`); an interval
that does not settle so, as with a steep characteristic, begins again and goes only a part of the way in each
step. That damps every oscillation of a characteristic which answers a high voltage by less power and more
reactive power drawn, if the part is small enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import compiled
from cosim.core.inverters import Conditions, Inverters
from cosim.grid.elimination import substitute
from cosim.grid.fixed_point import Damping, Mixing
from cosim.grid.flow_solver import NOTHING
from cosim.grid.matrices import Matrices
from cosim.grid.voltage_control import ControlledPower
from cosim.grid.zbus import STEP_TOLERANCE_PU, ComplexArray, ZbusSystem, currents

FloatArray = NDArray[np.float64]

MIXED_STEPS = 60
"""Steps after which an interval begins again, damped."""
DAMPED = ((0.1, 400), (0.01, 4000))
"""Part of the way that is gone in each damped step, and how many there are."""
MAX_STEPS = MIXED_STEPS + sum(most for _, most in DAMPED)


@dataclass(frozen=True)
class NodeInverters:
    """Inverters at the nodes of a system."""

    inverters: Inverters
    """All n of them."""
    met: Conditions
    """What they meet, of shape (n, T)."""
    node: NDArray[np.int64]
    """Node of each. Shape (n,)."""
    per_kw: float
    """Injection per unit of 1 kW."""

    def take(self, intervals: Any) -> NodeInverters:
        """Some intervals."""
        return NodeInverters(self.inverters, self.met.take((slice(None), intervals)), self.node, self.per_kw)

    def injected(self, voltage: ComplexArray) -> ComplexArray:
        """What each injects, per unit, shape (T, n), at the voltages of their nodes, of the same shape."""
        re, im = voltage.real, voltage.imag
        p_kw, q_kvar = self.inverters.set_points(self.met, np.ascontiguousarray(np.sqrt(re * re + im * im).T))
        power = np.empty(voltage.shape, dtype=np.complex128)
        power.real, power.imag = self.per_kw * p_kw.T, -self.per_kw * q_kvar.T
        return power


def at_nodes(m: Matrices, controlled: ControlledPower) -> NodeInverters:
    """The inverters of a block at their nodes; each must be supplied."""
    met = Conditions(*(np.ascontiguousarray(each.T) for each in controlled.met))
    per_kw = 1.0 / (1000.0 * m.base_mva)
    return NodeInverters(controlled.inverters, met, m.bus_node[controlled.columns], per_kw)


@compiled(substitute, currents)
def step_rows(
    system: ZbusSystem,
    power: ComplexArray,
    following: FloatArray,
    follows: bool,
    node: NDArray[np.int64],
    injected: ComplexArray,
    voltage: ComplexArray,
    new: ComplexArray,
    moved: FloatArray,
) -> None:
    """One step of the fixed point, for each of T intervals.

    Parameters
    ----------
    system : ZbusSystem
        The feeder.
    power : ndarray of complex128, shape (T, n_node)
        What is injected beside inverters, at 1 pu, per unit.
    following : ndarray of float64, shape (T, 4, n_node)
        What of that follows the voltage, as in `currents`; of any length where nothing does.
    follows : bool
        Whether anything does.
    node : ndarray of int64, shape (n,)
        Node of each inverter.
    injected : ndarray of complex128, shape (T, n)
        What they inject at these voltages.
    voltage : ndarray of complex128, shape (T, n_free)
        Voltages of the free nodes, in the order of elimination.
    new : ndarray of complex128, shape (T, n_free)
        Written to: those after the step.
    moved : ndarray of float64, shape (T,)
        Written to: the largest change of a part of them; infinite or NaN where one is.
    """
    for row in range(len(power)):
        all_power = power[row].copy()
        for k in range(len(node)):
            all_power[node[k]] += injected[row, k]
        currents(system.order, all_power, following[row if follows else 0], follows, voltage[row], new[row])
        substitute(system.factors, new[row])
        largest, total = 0.0, 0.0
        for k in range(len(system.order)):
            new[row, k] += system.no_load[k]
            change = new[row, k] - voltage[row, k]
            step = max(abs(change.real), abs(change.imag))
            largest = max(largest, step)
            total += step
        moved[row] = largest if total < math.inf else total


class _Iteration:
    """The fixed point of some intervals, step by step."""

    def __init__(
        self,
        system: ZbusSystem,
        power: ComplexArray,
        following: FloatArray | None,
        inverters: NodeInverters,
    ) -> None:
        self._system, self._power, self._following, self._inverters = system, power, following, inverters

    def take(self, stay: NDArray[np.bool_]) -> None:
        """Go on with some intervals."""
        self._power = self._power[stay]
        if self._following is not None:
            self._following = self._following[stay]
        self._inverters = self._inverters.take(stay)

    def __call__(self, voltage: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """Voltages of the free nodes, from those of the step before, and how far they moved."""
        at = everywhere(self._system, voltage)[:, self._inverters.node]
        new, moved = np.empty_like(voltage), np.empty(len(voltage))
        follows = self._following is not None
        following = NOTHING if self._following is None else self._following
        injected = self._inverters.injected(at)
        some = self._inverters.node, injected, voltage, new, moved
        step_rows(self._system, self._power, following, follows, *some)
        return new, moved


def everywhere(system: ZbusSystem, free: ComplexArray) -> ComplexArray:
    """Voltages of all nodes, shape (T, n_node), from those of the free ones in the order of elimination."""
    voltage = np.empty((len(free), system.n_node), dtype=np.complex128)
    voltage[:, system.supply] = system.supply_voltage
    voltage[:, system.order] = free
    return voltage


def solve_controlled(
    system: ZbusSystem, power: ComplexArray, following: FloatArray | None, inverters: NodeInverters
) -> tuple[ComplexArray, NDArray[np.int64]]:
    """Voltages for a block of intervals, in which inverters follow them.

    Parameters
    ----------
    system : ZbusSystem
        The feeder.
    power : ndarray of complex128, shape (T, n_node)
        What else is injected at 1 pu, per unit; finite.
    following : ndarray of float64, shape (T, 4, n_node), or None
        What of that follows the voltage, as in `cosim.grid.zbus.currents`.
    inverters : NodeInverters
        The inverters.

    Returns
    -------
    voltage : ndarray of complex128, shape (T, n_node)
        Per unit.
    steps : ndarray of int64, shape (T,)
        Steps taken, more than `MIXED_STEPS` where they had to be damped; -1 where it did not settle.
    """
    solution = np.repeat(system.no_load[None], len(power), axis=0)
    steps = np.full(len(power), -1, dtype=np.int64)
    before = 0
    for part, most in ((None, MIXED_STEPS), *DAMPED):
        left = np.flatnonzero(steps < 0)
        if not len(left):
            break
        some = None if following is None else following[left]
        iteration = _Iteration(system, power[left], some, inverters.take(left))
        solution[left], taken = _settle(iteration, system.no_load, len(left), part, most)
        steps[left] = np.where(taken > 0, taken + before, -1)
        before += most
    return everywhere(system, solution), steps


def _settle(
    iteration: _Iteration, start: ComplexArray, n: int, part: float | None, most: int
) -> tuple[ComplexArray, NDArray[np.int64]]:
    """Iterate `n` intervals from `start`, mixed or, where a part of each step is given, damped."""
    solution = np.repeat(start[None], n, axis=0)
    steps = np.full(n, -1, dtype=np.int64)
    going = np.arange(n)
    voltage = solution
    mixing = Mixing() if part is None else Damping(part)
    with np.errstate(all="ignore"):  # an interval that runs away is told by its steps, not by a warning
        for step in range(1, most + 1):
            new, moved = iteration(voltage)
            done = moved <= STEP_TOLERANCE_PU
            over = done | ~np.isfinite(moved)
            if over.any() or step == most:
                solution[going] = new
                steps[going[done]] = step
            voltage = mixing.next(voltage.view(np.float64), new.view(np.float64)).view(np.complex128)
            if over.any():
                stay = ~over
                going, voltage = going[stay], voltage[stay]
                iteration.take(stay)
                mixing.keep(stay)
                if not len(going):
                    break
    return solution, steps
