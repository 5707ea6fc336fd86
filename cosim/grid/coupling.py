"""The feeder in step with the run: each interval's mean powers go in, voltages and loadings come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.grid.copies import CopiedFlow
from cosim.grid.power_flow import FlowResult, PowerFlow
from cosim.grid.tap_stepping import TapStepping
from cosim.grid.voltage_control import ControlledPower, stack_controlled
from cosim.grid.voltage_dependence import DependentPower, stack

Array = NDArray[np.float64]


class Block(NamedTuple):
    """Solved intervals."""

    starts_ms: NDArray[np.int64]
    """Start of each interval since the scenario's start. Shape (n,)."""
    nominal_p_mw: Array
    nominal_q_mvar: Array
    """What each bus would draw at 1 pu; of inverters that follow the voltage, what they do at the voltage
    that was solved. Shape (n, n_bus)."""
    p_mw: Array
    q_mvar: Array
    """What was drawn at each bus: where loads follow the voltage, at the voltage that was solved. Shape (n,
    n_bus)."""
    flow: FlowResult
    """The power flows."""
    generated_kw: Array
    drawn_kvar: Array
    """What each inverter that follows the voltage did; NaN where the interval was not solved. Shape (n,
    n_inverters)."""


def stack_blocks(blocks: list[Block]) -> Block:
    """Blocks that follow one another as one."""
    if len(blocks) == 1:
        return blocks[0]
    flow = FlowResult.stacked([block.flow for block in blocks])
    columns = {
        name: np.concatenate([getattr(block, name) for block in blocks])
        for name in Block._fields
        if name != "flow"
    }
    return Block(flow=flow, **columns)


class Coupling:
    """Collects intervals and solves them in blocks; a block of one is a power flow in the loop.

    The power flow gives each interval the same bits in any block, so the block's length changes the speed and
    nothing else.

    Parameters
    ----------
    power_flow : PowerFlow, TapStepping or CopiedFlow
        The feeder's solver; the second where taps move from interval to interval, the third of copies.
    keep : callable
        Takes each solved block.
    intervals_per_block : int
        How many intervals are solved together.
    """

    def __init__(
        self,
        power_flow: PowerFlow | TapStepping | CopiedFlow,
        keep: Callable[[Block], None],
        intervals_per_block: int,
    ) -> None:
        self._power_flow = power_flow
        self._keep = keep
        self._per_block = intervals_per_block
        self._starts_ms: list[int] = []
        self._p_mw: list[Array] = []
        self._q_mvar: list[Array] = []
        self._dependent: list[DependentPower | None] = []
        self._controlled: list[ControlledPower | None] = []

    def add(
        self,
        start_ms: int,
        p_mw: Array,
        q_mvar: Array,
        dependent: DependentPower | None = None,
        controlled: ControlledPower | None = None,
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
        controlled : ControlledPower, optional
            Inverters beside it that follow the voltage, of one interval; likewise.
        """
        self._starts_ms.append(start_ms)
        self._p_mw.append(p_mw)
        self._q_mvar.append(q_mvar)
        self._dependent.append(dependent)
        self._controlled.append(controlled)
        return self.flush() if len(self._starts_ms) >= self._per_block else None

    def flush(self) -> Block | None:
        """Solve what has been collected."""
        if not self._starts_ms:
            return None
        nominal = np.array(self._p_mw), np.array(self._q_mvar)
        dependent, controlled = stack(self._dependent), stack_controlled(self._controlled)
        flow = self._power_flow.solve(*nominal, dependent, controlled)
        set_points = np.empty((2, len(nominal[0]), 0))
        if controlled is not None:
            set_points = np.stack(controlled.set_points(flow.vm_pu))
            nominal = controlled.on_buses(*nominal, flow.vm_pu)
        drawn = nominal if dependent is None else dependent.drawn(*nominal, flow.vm_pu)
        block = Block(np.array(self._starts_ms), *nominal, *drawn, flow, *set_points)
        self._starts_ms, self._p_mw, self._q_mvar = [], [], []
        self._dependent, self._controlled = [], []
        self._keep(block)
        return block
