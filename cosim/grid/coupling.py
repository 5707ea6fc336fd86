"""The feeder in step with the run: each interval's mean powers go in, voltages and loadings come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.grid.power_flow import FlowResult, PowerFlow
from cosim.grid.voltage_dependence import DependentPower, stack

Array = NDArray[np.float64]


class Block(NamedTuple):
    """Solved intervals.

    Attributes
    ----------
    starts_ms : ndarray of int, shape (n,)
        Start of each interval since the scenario's start.
    nominal_p_mw, nominal_q_mvar : ndarray, shape (n, n_bus)
        What each bus would draw at 1 pu.
    p_mw, q_mvar : ndarray, shape (n, n_bus)
        What was drawn at each bus: where loads follow the voltage, at the voltage that was solved.
    flow : FlowResult
        The power flows.
    """

    starts_ms: NDArray[np.int64]
    nominal_p_mw: Array
    nominal_q_mvar: Array
    p_mw: Array
    q_mvar: Array
    flow: FlowResult


class Coupling:
    """Collects intervals and solves them in blocks; a block of one is a power flow in the loop.

    The power flow gives each interval the same bits in any block, so the block's length changes the speed and
    nothing else.

    Parameters
    ----------
    power_flow : PowerFlow
        The feeder's solver.
    keep : callable
        Takes each solved block.
    intervals_per_block : int
        How many intervals are solved together.
    """

    def __init__(
        self, power_flow: PowerFlow, keep: Callable[[Block], None], intervals_per_block: int
    ) -> None:
        self._power_flow = power_flow
        self._keep = keep
        self._per_block = intervals_per_block
        self._starts_ms: list[int] = []
        self._p_mw: list[Array] = []
        self._q_mvar: list[Array] = []
        self._dependent: list[DependentPower | None] = []

    def add(
        self, start_ms: int, p_mw: Array, q_mvar: Array, dependent: DependentPower | None = None
    ) -> Block | None:
        """Take one interval; gives the block if this interval completed one.

        Parameters
        ----------
        start_ms : int
            Its start since the scenario's start.
        p_mw, q_mvar : ndarray, shape (n_bus,)
            What each bus draws at 1 pu.
        dependent : DependentPower, optional
            What of it follows the voltage, of one interval; in every interval the same buses, or never any.
        """
        self._starts_ms.append(start_ms)
        self._p_mw.append(p_mw)
        self._q_mvar.append(q_mvar)
        self._dependent.append(dependent)
        return self.flush() if len(self._starts_ms) >= self._per_block else None

    def flush(self) -> Block | None:
        """Solve what has been collected."""
        if not self._starts_ms:
            return None
        nominal = np.array(self._p_mw), np.array(self._q_mvar)
        dependent = stack(self._dependent)
        flow = self._power_flow.solve(*nominal, dependent)
        drawn = nominal if dependent is None else dependent.drawn(*nominal, flow.vm_pu)
        block = Block(np.array(self._starts_ms), *nominal, *drawn, flow)
        self._starts_ms, self._p_mw, self._q_mvar, self._dependent = [], [], [], []
        self._keep(block)
        return block
