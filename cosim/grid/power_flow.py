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
from cosim.grid.flow_loops import Flows, flow_rows
from cosim.grid.flow_result import ROUTE_TYPE, FlowResult
from cosim.grid.flow_solver import NOTHING, FlowSolver
from cosim.grid.matrices import Matrices, build_matrices
from cosim.grid.power_flow_route import slow_route_warning
from cosim.grid.reference import NoMatricesError, RunppSolver, probe
from cosim.grid.tap_control import reasons
from cosim.grid.voltage_control import ControlledPower
from cosim.grid.voltage_dependence import DependentPower
from cosim.grid.zbus import MAX_ITERATIONS
from cosim.grid.zbus_controlled import MAX_STEPS, MIXED_STEPS, at_nodes, solve_controlled

FloatArray = NDArray[np.float64]

__all__ = ["FlowResult", "PowerFlow"]

RESIDUAL_TOLERANCE_MVA = 1e-8
"""Largest power that may be unbalanced at a node, MVA (a hundredth of a watt)."""
_BLOCK_ENTRIES = 16_384
_SOLVED = (
    np.full(1, "converged", dtype="U9"),
    np.full(1, "", dtype=object),
    np.full(1, "zbus", dtype=ROUTE_TYPE),
)
"""Status, cause and route of an interval that the loops have solved."""
_UNSETTLED = (
    f"the inverters' characteristics and the voltages did not settle together in {MAX_STEPS} steps, damped"
)


class PowerFlow:
    """Solves power flows of one feeder.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    matrices : Matrices, optional
        Its matrices, where they are known.

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
    matrices : Matrices or None
        What the fixed point solves with; None where it does not.
    """

    def __init__(self, feeder: Feeder, matrices: Matrices | None = None) -> None:
        self.feeder = feeder
        self._runpp = RunppSolver(feeder)
        controls = (f"{each} (one more for each step of a tap)" for each in reasons(feeder.source.controls))
        self.slow_because = (*feeder.facts.slow, *controls)
        self.matrices: Matrices | None = None
        self._block = 1
        self._unsolved = ""
        self._dead = None if feeder.bus.supplied.all() else ~feeder.bus.supplied
        if not self.slow_because:
            try:
                self.matrices = matrices or build_matrices(feeder)
                self._loops = FlowSolver(self.matrices.system, self.matrices.wiring)
                self._block = max(16, _BLOCK_ENTRIES // self.matrices.system.n_node)
                self._no_trafo3w = np.full((1, self.matrices.n_trafo3w), np.nan)
            except NoMatricesError as error:
                self.slow_because = (str(error),)
        self._is_plain = self.matrices is not None and self._dead is None
        if self.matrices is None:
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
        if self._is_plain and controlled is None and 0 < len(p_mw) <= self._block:
            result, _, n_open = self._by_loops(p_mw, q_mvar, dependent)
            if not n_open:  # which powers that are no numbers would leave open
                return result
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
        if self.matrices is None:
            return self._runpp.solve(p_mw[0], q_mvar[0], dependent, controlled)
        if controlled is not None:
            return self._solve_controlled(self.matrices, p_mw, q_mvar, dependent, controlled)
        return self._solve_block(p_mw, q_mvar, dependent)

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

    def _by_loops(
        self, p_mw: FloatArray, q_mvar: FloatArray, dependent: DependentPower | None
    ) -> tuple[FlowResult, NDArray[np.int64], int]:
        """Z-bus for all: what it gives, iterations, and how many intervals that leaves open."""
        assert self.matrices is not None
        following = self.matrices.dependent_to_nodes(dependent)
        flows, n_open = self._loops.solve(p_mw, q_mvar, following, RESIDUAL_TOLERANCE_MVA)
        return self._results(self.matrices, flows), flows.iterations, n_open

    def _solve_block(
        self, p_mw: FloatArray, q_mvar: FloatArray, dependent: DependentPower | None
    ) -> FlowResult:
        """Z-bus for all, `runpp` for those that do not close."""
        result, iterations, n_open = self._by_loops(p_mw, q_mvar, dependent)
        if not n_open:
            return result
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
        power, following = m.to_nodes(p_mw, q_mvar), m.dependent_to_nodes(dependent)
        inverters = at_nodes(m, controlled)
        voltage, steps = solve_controlled(m.system, power, following, inverters)
        flows = Flows.empty(m.wiring, len(p_mw))
        flows.iterations[:] = steps
        with np.errstate(all="ignore"):  # intervals that ran away are put right below
            injected = inverters.injected(voltage[:, inverters.node])
        for unit, node in enumerate(inverters.node):
            power[:, node] += injected[:, unit]
        rest = NOTHING if following is None else following
        flow_rows(m.wiring, voltage, power, rest, following is not None, RESIDUAL_TOLERANCE_MVA, flows)
        result = self._results(m, flows)
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
        assert self.matrices is not None
        held = controlled.on_buses(p_mw, q_mvar, np.ones_like(p_mw))
        return bool(self._by_loops(*held, dependent)[1][0] > 0)

    def _results(self, m: Matrices, flows: Flows) -> FlowResult:
        """Everything that follows from the voltages, as if all had converged."""
        status, cause, route = (each.repeat(len(flows.totals)) for each in _SOLVED)
        p_slack_mw, q_slack_mvar, losses_mw, residual_mva = flows.totals.T
        return FlowResult(
            flows.vm_pu,
            flows.loading_percent[:, : m.n_line],
            flows.loading_percent[:, m.n_line :],
            self._no_trafo3w.repeat(len(status), axis=0),
            p_slack_mw,
            q_slack_mvar,
            losses_mw,
            status,
            cause,
            residual_mva,
            route,
            np.zeros((len(status), 0), dtype=np.int64),
            np.zeros((len(status), 0, 2)),
        )

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
