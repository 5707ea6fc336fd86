"""Solves intervals by the loops of a feeder: the first of a process by Python, the others compiled.

Loading numba takes longer than all power flows of a short run; where something else has loaded it, that is no
reason to wait. Both ways give the same bits.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import can_compile, is_kept
from cosim.grid import zbus
from cosim.grid.flow_loops import Flows, Wiring, solve_rows
from cosim.grid.zbus import ZbusSystem

FloatArray = NDArray[np.float64]

BY_PYTHON = 20_000
"""Nodes times intervals that are solved by Python first; it takes about as long as loading numba."""
BEFORE_COMPILING = 200_000
"""The same where the loops have never been compiled on this machine, which takes 3 s."""

NOTHING = np.zeros((1, 4, 0))
"""What follows the voltage where nothing does."""


class FlowSolver:
    """The loops of one feeder.

    Parameters
    ----------
    system, wiring
        The feeder.
    """

    def __init__(self, system: ZbusSystem, wiring: Wiring) -> None:
        self._arrays = system, wiring
        self._lists: tuple[ZbusSystem, Wiring] | None = None
        self._n_node = system.n_node
        self._work = np.empty((4, self._n_node), dtype=np.complex128)
        self._solved = 0
        self._is_kept: bool | None = None

    def solve(
        self, p_mw: FloatArray, q_mvar: FloatArray, following: FloatArray | None, tolerance_mva: float
    ) -> tuple[Flows, int]:
        """Power flows of T intervals.

        Parameters
        ----------
        p_mw, q_mvar : ndarray of float64, shape (T, n_bus)
            What the buses draw at 1 pu.
        following : ndarray of float64, shape (T, 4, n_node), or None
            What of it follows the voltage, as in `cosim.grid.zbus.currents`.
        tolerance_mva : float
            Largest power that may be unbalanced at a node.

        Returns
        -------
        Flows, int
            What flows, and in how many intervals that is not to be trusted: the iteration did not settle,
            more is unbalanced, or powers are no numbers.
        """
        follows, most = following is not None, zbus.MAX_ITERATIONS
        some = NOTHING if following is None else following
        self._solved += len(p_mw) * self._n_node
        if not self._is_worth_compiling():
            try:
                return self._by_python(p_mw, q_mvar, some, follows, most, tolerance_mva)
            except ZeroDivisionError:  # where arrays give infinity
                pass
        flows = Flows.empty(self._arrays[1], len(p_mw))
        p_mw, q_mvar = np.ascontiguousarray(p_mw), np.ascontiguousarray(q_mvar)
        system, wiring = self._arrays
        n_open = solve_rows(
            system, wiring, p_mw, q_mvar, some, follows, most, tolerance_mva, self._work, flows
        )
        return flows, n_open

    def _is_worth_compiling(self) -> bool:
        """Whether there is so much to solve that compiled loops save more than it takes to have them."""
        if self._solved <= BY_PYTHON and "numba" not in sys.modules:
            return False
        if self._is_kept is None:  # which takes a look into a folder
            self._is_kept = can_compile() and is_kept(solve_rows)
        return self._is_kept or (can_compile() and self._solved > BEFORE_COMPILING)

    def _by_python(
        self, p_mw: FloatArray, q_mvar: FloatArray, some: FloatArray, *given: Any
    ) -> tuple[Flows, int]:
        """The same loops, on lists."""
        if self._lists is None:
            self._lists = _as_lists(self._arrays[0]), _as_lists(self._arrays[1])
        flows: Any = _as_lists(Flows.empty(self._arrays[1], len(p_mw)))
        loop: Any = solve_rows.__wrapped__  # type: ignore[attr-defined]  # what the decorator was given
        drawn = p_mw.tolist(), q_mvar.tolist(), some.tolist()
        n_open = loop(*self._lists, *drawn, *given, self._work.tolist(), flows)
        return Flows(*(np.array(each) for each in flows)), n_open


def _as_lists(arrays: Any) -> Any:
    """A named tuple of arrays as one of lists."""
    if isinstance(arrays, np.ndarray):
        return arrays.tolist()
    return type(arrays)(*(_as_lists(each) for each in arrays))
