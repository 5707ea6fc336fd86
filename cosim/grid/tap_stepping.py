"""Power flows in the order of time, with tap changers whose positions go on from one interval to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cosim.grid.flow_result import FlowResult
from cosim.grid.power_flow import PowerFlow
from cosim.grid.tap_changers import TapChanger, moved, with_positions
from cosim.grid.voltage_control import ControlledPower
from cosim.grid.voltage_dependence import DependentPower

FloatArray = NDArray[np.float64]
_AHEAD = 8
"""Intervals that are solved together after a step; more and more while nothing moves."""
_HUNTING = "the tap changers did not come to rest: they hunt"


class TapStepping:
    """Solves intervals in their order, and moves the taps.

    Parameters
    ----------
    power_flow : PowerFlow
        The feeder's solver.
    changers : sequence of TapChanger
        Its tap changers.

    Attributes
    ----------
    positions : list of int
        Where they stand.
    """

    def __init__(self, power_flow: PowerFlow, changers: Sequence[TapChanger]) -> None:
        self._power_flow = power_flow
        self._changers = tuple(changers)
        self._solvers: dict[tuple[int, ...], PowerFlow] = {}
        self.positions = [each.start for each in changers]
        self._outside = [0] * len(changers)
        self._most_tries = 2 * sum(each.last - each.first for each in changers)

    def solve(
        self,
        p_mw: FloatArray,
        q_mvar: FloatArray,
        dependent: DependentPower | None = None,
        controlled: ControlledPower | None = None,
    ) -> FlowResult:
        """Power flows of the T intervals that come next; the arguments are those of `PowerFlow.solve`.

        Returns
        -------
        FlowResult
            To the bit the same, however the intervals are parted into calls.
        """
        n = len(p_mw)
        result = FlowResult.empty(n, self._power_flow.feeder)
        result = replace(result, tap_positions=np.zeros((n, len(self._changers)), dtype=np.int64))
        first, tries, ahead = 0, 0, self._power_flow.block
        while first < n:
            rows = slice(first, min(first + ahead, n))
            part = self._solver().solve(
                p_mw[rows],
                q_mvar[rows],
                None if dependent is None else dependent.rows(rows),
                None if controlled is None else controlled.rows(rows),
            )
            here = np.repeat(np.array([self.positions], dtype=np.int64), len(part.status), axis=0)
            part = replace(part, tap_positions=here)
            stood, steps, at_once = self._scan(part.vm_pu)
            if at_once and not stood and tries == self._most_tries:
                part.status[0], part.cause[0], stood, steps = "diverged", _HUNTING, 1, []
                part.vm_pu[0] = np.nan
                at_once = False
            result.put(slice(first, first + stood), part.rows(slice(0, stood)))
            first += stood
            if any(steps):
                self._move(steps)
                tries = 1 if stood or not at_once else tries + 1
                ahead = min(_AHEAD, self._power_flow.block)
            else:
                tries, ahead = 0, min(4 * ahead, self._power_flow.block)
        return result

    def _scan(self, vm_pu: FloatArray) -> tuple[int, list[int], bool]:
        """How many of some intervals stand, the steps then, and whether the next interval is solved again."""
        for row, voltages in enumerate(vm_pu):
            wanted = list(moved(self.positions, self._changers, voltages))
            now = [
                0 if each.delay_intervals else step for step, each in zip(wanted, self._changers, strict=True)
            ]
            if any(now):
                return row, now, True
            for k, (step, each) in enumerate(zip(wanted, self._changers, strict=True)):
                self._outside[k] = self._outside[k] + 1 if step else 0
                wanted[k] = step if self._outside[k] >= each.delay_intervals else 0
            if any(wanted):
                return row + 1, wanted, False
        return len(vm_pu), [], False

    def _move(self, steps: Sequence[int]) -> None:
        self.positions = [position + step for position, step in zip(self.positions, steps, strict=True)]
        self._outside = [0 if step else n for n, step in zip(self._outside, steps, strict=True)]

    def _solver(self) -> PowerFlow:
        """The solver of the feeder with the taps where they are now."""
        key = tuple(self.positions)
        if key not in self._solvers:
            self._solvers[key] = PowerFlow(with_positions(self._power_flow.feeder, self._changers, key))
        return self._solvers[key]
