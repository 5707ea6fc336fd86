"""Power flows of a feeder, interval by interval: honest about each, the same in a block and alone.

The reference is pandapower's ``runpp`` with a tolerance of 1e-11 MVA. The work is done by the Z-bus fixed
point (`cosim.grid.zbus`) on the matrices that one ``runpp`` builds. Each interval's power balance is checked
against the admittance matrix; where it does not close, ``runpp`` tries, and where that fails the interval is
``diverged``: its values are NaN. No value is ever taken from another interval. Networks with elements that
the fixed point cannot solve (`cosim.grid.power_flow_route`), or with tap controllers that act, are solved by
``runpp``, interval by interval.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem
from cosim.grid.feeder import Feeder
from cosim.grid.flow_result import ROUTE_TYPE, FlowResult
from cosim.grid.matrices import Matrices, build_matrices
from cosim.grid.power_flow_route import slow_elements, slow_route_warning
from cosim.grid.reference import NoMatricesError, RunppSolver, probe
from cosim.grid.tap_control import reasons
from cosim.grid.voltage_control import ControlledPower
from cosim.grid.voltage_dependence import DependentPower
from cosim.grid.zbus import MAX_ITERATIONS, NodePower, solve_block
from cosim.grid.zbus_controlled import MAX_STEPS, MIXED_STEPS, NodeInverters, at_nodes, solve_controlled

FloatArray = NDArray[np.float64]

__all__ = ["FlowResult", "PowerFlow"]

RESIDUAL_TOLERANCE_MVA = 1e-8
"""Largest power that may be unbalanced at a node, MVA (a hundredth of a watt)."""
_BLOCK_ENTRIES = 16_384
_UNSETTLED = (
    f"the inverters' characteristics and the voltages did not settle together in {MAX_STEPS} steps, damped"
)


class PowerFlow:
    """Solves power flows of one feeder.

    Parameters
    ----------
    feeder : Feeder
        The feeder.

    Raises
    ------
    InputError
        If pandapower cannot read the network.

    Attributes
    ----------
    feeder : Feeder
        The feeder.
    slow_because : tuple of str
        Why each interval is solved by `runpp`; empty where the fixed point solves them.
    """

    def __init__(self, feeder: Feeder) -> None:
        self.feeder = feeder
        self._runpp = RunppSolver(feeder)
        controls = (f"{each} (one more for each step of a tap)" for each in reasons(feeder.source.controls))
        self.slow_because = (*slow_elements(feeder.net), *controls)
        self._matrices: Matrices | None = None
        self._block = 1
        self._unsolved = ""
        self._dead = None if feeder.bus.supplied.all() else ~feeder.bus.supplied
        if not self.slow_because:
            try:
                self._matrices = build_matrices(feeder)
                self._block = max(16, _BLOCK_ENTRIES // self._matrices.system.n_node)
            except NoMatricesError as error:
                self.slow_because = (str(error),)
        if self._matrices is None:
            self._unsolved = probe(feeder)

    @property
    def block(self) -> int:
        """How many intervals are best solved together."""
        return self._block

    def warnings(self, n_intervals: int) -> list[Problem]:
        """What a run should know: that it is solved by `runpp`, and about how long that takes."""
        if not self.slow_because:
            return []
        found = [slow_route_warning(self.slow_because, self.feeder.n_bus, n_intervals)]
        if self._unsolved:
            message = f"with the powers of its own elements the network is not solved; {self._unsolved}"
            remedy = "check impedances, voltages and taps"
            found.append(Problem(message, remedy, "grid.network", severity="warning"))
        return found

    def solve(
        self,
        p_mw: FloatArray,
        q_mvar: FloatArray,
        dependent: DependentPower | None = None,
        controlled: ControlledPower | None = None,
    ) -> FlowResult:
        """Power flows of T intervals.

        Parameters
        ----------
        p_mw, q_mvar : ndarray of float64, shape (T, n_bus)
            Power drawn at each bus at 1 pu (load convention: generation is negative), columns as
            `feeder.bus.index`.
        dependent : DependentPower, optional
            What of it follows the voltage; nothing when absent.
        controlled : ControlledPower, optional
            Inverters beside it that follow the voltage, at supplied buses.

        Returns
        -------
        FlowResult
            To the bit the same for an interval, whatever other intervals are solved with it.

        Raises
        ------
        ValueError
            If the shapes are not (T, n_bus).
        """
        p_mw, q_mvar = np.asarray(p_mw, np.float64), np.asarray(q_mvar, np.float64)
        if p_mw.ndim != 2 or p_mw.shape != q_mvar.shape or p_mw.shape[1] != self.feeder.n_bus:
            raise ValueError(f"expected shape (T, {self.feeder.n_bus}), got {p_mw.shape} and {q_mvar.shape}")
        causes = self._unsolvable(p_mw, q_mvar)
        if not causes and 0 < len(p_mw) <= self._block:
            return self._solve_rows(p_mw, q_mvar, dependent, controlled)
        result = FlowResult.empty(len(p_mw), self.feeder)
        for row, cause in causes.items():
            result.cause[row] = cause
        solvable = np.flatnonzero(result.cause == "")
        for first in range(0, len(solvable), self._block):
            rows = solvable[first : first + self._block]
            part = None if dependent is None else dependent.rows(rows)
            some = None if controlled is None else controlled.rows(rows)
            result.put(rows, self._solve_rows(p_mw[rows], q_mvar[rows], part, some))
        return result

    def _solve_rows(
        self,
        p_mw: FloatArray,
        q_mvar: FloatArray,
        dependent: DependentPower | None,
        controlled: ControlledPower | None,
    ) -> FlowResult:
        """The intervals of one block."""
        if self._matrices is None:
            return self._runpp.solve(p_mw[0], q_mvar[0], dependent, controlled)
        if controlled is not None:
            return self._solve_controlled(self._matrices, p_mw, q_mvar, dependent, controlled)
        return self._solve_block(self._matrices, p_mw, q_mvar, dependent)

    def _unsolvable(self, p_mw: FloatArray, q_mvar: FloatArray) -> dict[int, str]:
        """Why intervals cannot be solved, by row: no number, or power at a bus without supply."""
        causes: dict[int, str] = {}
        if not np.isfinite(p_mw + q_mvar).all():
            bad = ~np.isfinite(p_mw) | ~np.isfinite(q_mvar)
            for row in np.flatnonzero(bad.any(axis=1)).tolist():
                bus = self.feeder.bus.index[bad[row].argmax()]
                causes[row] = f"the power at bus {bus} is not a finite number"
        if self._dead is not None:
            powered = self._dead & ((p_mw != 0) | (q_mvar != 0))
            for row in np.flatnonzero(powered.any(axis=1)).tolist():
                bus = self.feeder.bus.index[powered[row].argmax()]
                causes.setdefault(row, f"power at bus {bus}, which has no supply")
        return causes

    def _solve_block(
        self, m: Matrices, p_mw: FloatArray, q_mvar: FloatArray, dependent: DependentPower | None
    ) -> FlowResult:
        """Z-bus for all, `runpp` for those that do not close."""
        p_pu, q_pu = m.to_nodes(p_mw) + m.own_p_pu, m.to_nodes(q_mvar) + m.own_q_pu
        following = None if dependent is None else m.dependent_to_nodes(dependent)
        voltage, iterations = solve_block(m.system, p_pu, q_pu, following)
        with np.errstate(all="ignore"):  # intervals that ran away are put right below
            if following is not None:
                re, im = voltage[: m.system.n_node], voltage[m.system.n_node :]
                p_more, q_more = following.change(re * re + im * im)
                p_pu, q_pu = p_pu + p_more, q_pu + q_more
            result = _results(m, voltage, p_pu, q_pu)
        good = (iterations > 0) & (result.residual_mva <= RESIDUAL_TOLERANCE_MVA)
        for row in np.flatnonzero(~good):
            part = None if dependent is None else dependent.rows(slice(row, row + 1))
            again = self._fall_back(p_mw[row], q_mvar[row], part, None, int(iterations[row]))
            result.put(slice(row, row + 1), again)
        return result

    def _solve_controlled(
        self,
        m: Matrices,
        p_mw: FloatArray,
        q_mvar: FloatArray,
        dependent: DependentPower | None,
        controlled: ControlledPower,
    ) -> FlowResult:
        """The same with inverters that follow the voltage.

        What is balanced are the powers that their characteristics say at the voltages that were solved: so
        the residual is that of the characteristics too.
        """
        p_pu, q_pu = m.to_nodes(p_mw) + m.own_p_pu, m.to_nodes(q_mvar) + m.own_q_pu
        following = None if dependent is None else m.dependent_to_nodes(dependent)
        inverters = at_nodes(m, controlled)
        voltage, steps = solve_controlled(m.system, p_pu, q_pu, following, inverters)
        with np.errstate(all="ignore"):  # as above
            p_all, q_all = _with_changes(m, voltage, p_pu, q_pu, following, inverters)
            result = _results(m, voltage, p_all, q_all)
        result.route[steps > MIXED_STEPS] = "zbus_damped"
        good = (steps > 0) & (result.residual_mva <= RESIDUAL_TOLERANCE_MVA)
        for row in np.flatnonzero(~good):
            one = slice(row, row + 1)
            part = None if dependent is None else dependent.rows(one)
            some = controlled.rows(one)
            if steps[row] < 0 and self._solves_without_feedback(p_mw[one], q_mvar[one], part, some):
                again = FlowResult.empty(1, self.feeder)
                again.status[0], again.cause[0] = "diverged", _UNSETTLED
            else:
                again = self._fall_back(p_mw[row], q_mvar[row], part, some, int(steps[row]))
            result.put(one, again)
        return result

    def _solves_without_feedback(
        self,
        p_mw: FloatArray,
        q_mvar: FloatArray,
        dependent: DependentPower | None,
        controlled: ControlledPower,
    ) -> bool:
        """Whether an interval is solved if inverters do what they do at 1 pu: it is their feedback then."""
        assert self._matrices is not None
        held = controlled.on_buses(p_mw, q_mvar, np.ones_like(p_mw))
        m, following = self._matrices, None
        if dependent is not None:
            following = m.dependent_to_nodes(dependent)
        p_pu, q_pu = m.to_nodes(held[0]) + m.own_p_pu, m.to_nodes(held[1]) + m.own_q_pu
        return bool(solve_block(m.system, p_pu, q_pu, following)[1][0] > 0)

    def _fall_back(
        self,
        p_mw: FloatArray,
        q_mvar: FloatArray,
        dependent: DependentPower | None,
        controlled: ControlledPower | None,
        iterations: int,
    ) -> FlowResult:
        """One interval by `runpp`; diverged where that fails too."""
        result = self._runpp.solve(p_mw, q_mvar, dependent, controlled)
        if not result.converged[0]:
            most = MAX_ITERATIONS if controlled is None else MAX_STEPS
            stopped = f"did not settle in {most} steps" if iterations < 0 else "left power unbalanced"
            result.cause[0] = f"the Z-bus iteration {stopped}; {result.cause[0]}"
        return result


def _with_changes(
    m: Matrices,
    voltage: FloatArray,
    p_pu: FloatArray,
    q_pu: FloatArray,
    following: NodePower | None,
    inverters: NodeInverters,
) -> tuple[FloatArray, FloatArray]:
    """All that is injected at the nodes at these voltages, per unit."""
    re, im = voltage[: m.system.n_node], voltage[m.system.n_node :]
    square = re * re + im * im
    if following is not None:
        p_more, q_more = following.change(square)
        p_pu, q_pu = p_pu + p_more, q_pu + q_more
    p_more, q_more = inverters.injected(np.sqrt(square)[inverters.node])
    return p_pu + p_more, q_pu + q_more


def _results(m: Matrices, voltage: FloatArray, p_pu: FloatArray, q_pu: FloatArray) -> FlowResult:
    """Everything that follows from the voltages, as if all had converged."""
    n_node, supply = m.system.n_node, m.system.supply
    p_node, q_node, branches = m.flows(voltage)
    p_node -= p_pu
    q_node -= q_pu
    unbalanced = np.maximum(np.abs(p_node), np.abs(q_node))
    unbalanced[supply] = 0.0
    re, im = voltage[:n_node], voltage[n_node:]
    vm = np.sqrt(re * re + im * im)
    n_interval = voltage.shape[1]
    p_slack, q_slack = m.slack_power(p_node, q_node)
    return FlowResult(
        m.to_buses(vm),
        branches.line_percent,
        branches.trafo_percent,
        np.full((n_interval, m.n_trafo3w), np.nan),
        p_slack,
        q_slack,
        branches.losses_mw,
        np.full(n_interval, "converged", dtype="U9"),
        np.full(n_interval, "", dtype=object),
        unbalanced.max(axis=0, initial=0.0) * m.base_mva,
        np.full(n_interval, "zbus", dtype=ROUTE_TYPE),
        np.zeros((n_interval, 0), dtype=np.int64),
    )
