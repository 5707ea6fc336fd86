"""The reference: pandapower's `runpp` on the feeder, one load a bus, to 1e-11 MVA."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem
from cosim.grid.column_check import cells_of
from cosim.grid.feeder import Feeder
from cosim.grid.fixed_point import Damping, Mixing
from cosim.grid.flow_result import FlowResult
from cosim.grid.tap_control import TapControl, put_controls
from cosim.grid.voltage_control import ControlledPower
from cosim.grid.voltage_dependence import DependentPower, change

if TYPE_CHECKING:
    import pandas as pd
    from pandapower.auxiliary import pandapowerNet

FloatArray = NDArray[np.float64]

TOLERANCE_MVA = 1e-11
"""pandapower's default of 1e-8 MVA is itself off by 1e-8 pu."""
FALLBACK_TOLERANCE_MVA = 1e-8
MAX_ITERATIONS = 30
_MAX_ROUNDS = 50
"""How often loads of constant current are adapted to the voltage."""
_MIXED_ROUNDS, _MAX_CONTROL_ROUNDS, _DAMPED_PART = 25, 125, 0.1
"""Rounds of inverters' set-points and power flows: after the first they are damped, to a part of the way."""
_RANGES = ("min_p_mw", "max_p_mw", "min_q_mvar", "max_q_mvar")
_WITHOUT_BEARING = dict.fromkeys(("line", "line_dc", "trafo", "trafo3w"), ("max_loading_percent",)) | {
    "gen": (*_RANGES, "min_vm_pu", "max_vm_pu", "slack_weight"),
    "ext_grid": (*_RANGES, "slack_weight"),
    "dcline": ("max_p_mw", *(f"{end}_q_{side}_mvar" for end in ("min", "max") for side in ("from", "to"))),
    "switch": ("in_ka",),
}
"""Columns for an optimal power flow, a distributed slack, or a loading that no table of a run has."""
_FILL = {"slack_weight": 0.0}
_UNKNOWN_RESIDUAL = ("svc", "ssc", "tcsc", "vsc")


class RunppSolver:
    """Solves a feeder by `runpp`, interval by interval.

    One net is prepared, and only the powers in it are changed. `runpp` starts each time anew (from its own DC
    solution), so that an interval's results do not depend on what was solved before: to the bit.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    """

    def __init__(self, feeder: Feeder) -> None:
        self._feeder = feeder
        self._live = feeder.bus.supplied
        self._net: pandapowerNet | None = None
        self._shunts: pd.Index | None = None
        self._shunt_columns: tuple[int, ...] = ()

    def solve(
        self,
        p_mw: FloatArray,
        q_mvar: FloatArray,
        dependent: DependentPower | None = None,
        controlled: ControlledPower | None = None,
    ) -> FlowResult:
        """One interval.

        Parameters
        ----------
        p_mw, q_mvar : ndarray of float64, shape (n_bus,)
            Power drawn at each bus at 1 pu (load convention).
        dependent : DependentPower, optional
            What of it follows the voltage, of one interval.
        controlled : ControlledPower, optional
            Inverters beside it that follow the voltage, of one interval.

        Returns
        -------
        FlowResult
            Of one interval; ``diverged`` with pandapower's cause where it does not converge.
        """
        result = FlowResult.empty(1, self._feeder)
        net = self._prepared(dependent)
        if controlled is not None:
            return self._solve_controlled(net, p_mw, q_mvar, dependent, controlled)
        cause = self._settle(net, p_mw, q_mvar, dependent)
        if cause:
            self._net = None  # what an interrupted power flow leaves behind is not trusted
            result.status[0], result.cause[0] = "diverged", cause
            return result
        read_results(net, result)
        return result

    def _solve_controlled(
        self,
        net: pandapowerNet,
        p_mw: FloatArray,
        q_mvar: FloatArray,
        dependent: DependentPower | None,
        controlled: ControlledPower,
    ) -> FlowResult:
        """The same, again until inverters do what their characteristics say at the voltages."""
        result = FlowResult.empty(1, self._feeder)
        n = len(controlled.columns)
        vm = np.ones((1, self._feeder.n_bus))
        power = np.concatenate([part[0] for part in controlled.set_points(vm)])[None] / 1000
        mixing: Mixing | Damping = Mixing()
        for round_ in range(1, _MAX_CONTROL_ROUNDS + 1):
            p, q = p_mw.copy(), q_mvar.copy()
            np.add.at(p, controlled.columns, -power[0, :n])
            np.add.at(q, controlled.columns, power[0, n:])
            cause = self._settle(net, p, q, dependent)
            if cause:
                break
            vm = net.res_bus.vm_pu.to_numpy(np.float64)[None]
            wanted = np.concatenate([part[0] for part in controlled.set_points(vm)])[None] / 1000
            apart = float(np.abs(wanted - power).max(initial=0.0))
            if apart <= TOLERANCE_MVA:
                read_results(net, result)
                result.residual_mva[0] = np.fmax(result.residual_mva[0], apart)
                result.route[0] = "runpp" if round_ <= _MIXED_ROUNDS else "runpp_damped"
                return result
            if round_ == _MIXED_ROUNDS:
                mixing = Damping(_DAMPED_PART)
            power = mixing.next(power, wanted)
        else:
            cause = f"runpp: inverters and voltages did not settle in {_MAX_CONTROL_ROUNDS} rounds, damped"
        self._net = None
        result.status[0], result.cause[0] = "diverged", cause
        return result

    def _prepared(self, dependent: DependentPower | None) -> pandapowerNet:
        """The net with a load at each supplied bus, and a shunt for what is of constant impedance."""
        import pandapower as pp

        columns = () if dependent is None else tuple(dependent.columns.tolist())
        if self._net is None or columns != self._shunt_columns:
            net, index = copy.deepcopy(self._feeder.net), self._feeder.bus.index
            pp.create_loads(net, index[self._live], p_mw=0.0, q_mvar=0.0)
            self._shunts = pp.create_shunts(net, index[list(columns)], q_mvar=0.0, p_mw=0.0)
            self._net, self._shunt_columns = net, columns
        return self._net

    def _settle(
        self, net: pandapowerNet, p_mw: FloatArray, q_mvar: FloatArray, dependent: DependentPower | None
    ) -> str:
        """Solve, again until loads of constant current no longer move; why it failed, or nothing."""
        if dependent is None:
            return self._call(net, p_mw, q_mvar)
        p_constant, q_constant = p_mw.copy(), q_mvar.copy()
        p_impedance, p_current, q_impedance, q_current = (part[0] for part in dependent.parts)
        # A shunt is exact at any voltage and part of the admittance matrix; its power stands at 1 pu.
        p_constant[dependent.columns] -= p_impedance
        q_constant[dependent.columns] -= q_impedance
        net.shunt.loc[self._shunts, "p_mw"], net.shunt.loc[self._shunts, "q_mvar"] = p_impedance, q_impedance
        if not (p_current.any() or q_current.any()):
            return self._call(net, p_constant, q_constant)
        p_more, q_more = np.zeros_like(p_current), np.zeros_like(q_current)
        for _ in range(_MAX_ROUNDS):
            p_now, q_now = p_constant.copy(), q_constant.copy()
            p_now[dependent.columns] += p_more
            q_now[dependent.columns] += q_more
            cause = self._call(net, p_now, q_now)
            if cause:
                return cause
            vm = net.res_bus.vm_pu.to_numpy(np.float64)[dependent.columns]
            p_next, q_next = change(vm, 0.0 * p_current, p_current), change(vm, 0.0 * q_current, q_current)
            moved = max(np.abs(p_next - p_more).max(), np.abs(q_next - q_more).max())
            if moved <= TOLERANCE_MVA:
                return ""
            p_more, q_more = p_next, q_next
        return f"runpp: loads of constant current did not settle in {_MAX_ROUNDS} rounds"

    def _call(self, net: pandapowerNet, p_mw: FloatArray, q_mvar: FloatArray) -> str:
        """Write the powers and solve."""
        net.load["p_mw"], net.load["q_mvar"] = p_mw[self._live], q_mvar[self._live]
        return run(net, self._feeder.source.controls, voltage_depend_loads=False)


def read_results(net: pandapowerNet, result: FlowResult) -> None:
    """Write what a solved net gives into a result of one interval."""
    result.vm_pu[0] = net.res_bus.vm_pu.to_numpy(np.float64)
    result.line_loading_percent[0] = net.res_line.loading_percent.to_numpy(np.float64)
    result.trafo_loading_percent[0] = net.res_trafo.loading_percent.to_numpy(np.float64)
    result.trafo3w_loading_percent[0] = net.res_trafo3w.loading_percent.to_numpy(np.float64)
    balancing = net.gen.slack.astype(bool) & net.gen.in_service.astype(bool)
    result.p_slack_mw[0] = net.res_ext_grid.p_mw.sum() + net.res_gen.p_mw[balancing].sum()
    result.q_slack_mvar[0] = net.res_ext_grid.q_mvar.sum() + net.res_gen.q_mvar[balancing].sum()
    result.losses_mw[0] = losses_mw(net)
    result.status[0] = "converged"
    result.residual_mva[0] = _residual(net)
    result.route[0] = "runpp"


def losses_mw(net: pandapowerNet) -> float:
    """Active losses of all connections between buses of a solved net, MW: of lines, transformers, impedances,
    switches with an impedance, and direct-current links. What an extended ward draws is no loss."""
    from pandapower.pypower.idx_brch import PF, PT

    branch = net._ppc["branch"]
    lost = (branch[:, PF] + branch[:, PT]).real
    first, last = net._pd2ppc_lookups["branch"].get("xward", (0, 0))
    lost[first:last] = 0.0
    direct = [net[f"res_{kind}"].pl_mw.sum() for kind in ("dcline", "line_dc") if len(net[kind])]
    return float(np.nansum(lost)) + float(sum(direct))


class NoMatricesError(Exception):
    """A network that gives no matrices for the fixed point; says what it is."""


def solve_unloaded(feeder: Feeder) -> pandapowerNet:
    """A copy of the feeder's net, solved without any injection.

    Raises
    ------
    NoMatricesError
        If pandapower cannot solve it, or does so without matrices.
    """
    net = copy.deepcopy(feeder.net)
    cause = run(net)
    if cause:
        raise NoMatricesError(f"a network that does not converge without any load ({cause})")
    if "V" not in net._ppc["internal"]:
        raise NoMatricesError("a network without a branch")
    return net


def probe(feeder: Feeder) -> str:
    """Try the network as its source gives it, before intervals are solved by `runpp`.

    Returns
    -------
    str
        Why pandapower does not solve it with the powers of the file; empty where it does.

    Raises
    ------
    InputError
        If pandapower cannot read the network at all, or supplies other buses than the feeder's own tree says.
    """
    import pandapower as pp

    net = copy.deepcopy(feeder.source.net)
    cause = run(net, feeder.source.controls)
    if cause:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # It is linear: it tells what is supplied, and what cannot be read at all.
                pp.rundcpp(net, numba=False)
        except NotImplementedError:  # it does not know every element
            return cause
        except Exception as error:
            message = f"pandapower cannot calculate this network: {cause}"
            remedy = "correct what it names"
            raise InputError([Problem(message, remedy, "grid.network", value=feeder.network.name)]) from error
    found = net.res_bus.va_degree.notna().to_numpy()
    refuse_other_supply(feeder, found)
    return cause


def refuse_other_supply(feeder: Feeder, supplied: NDArray[np.bool_]) -> None:
    """Refuse a network of which pandapower supplies other buses than the feeder's own tree.

    Raises
    ------
    InputError
        Naming the first such bus.
    """
    differ = supplied != feeder.bus.supplied
    if differ.any():
        bus = int(feeder.bus.index[differ.argmax()])
        found = "supplies" if supplied[differ.argmax()] else "does not supply"
        otherwise = "no closed way leads to it" if supplied[differ.argmax()] else "a closed way leads to it"
        message = f"pandapower {found} this bus, though {otherwise}"
        remedy = "look at the switches and at what is out of service around it"
        raise InputError([Problem(message, remedy, f"bus.{bus}", value=feeder.network.name)])


def run(net: pandapowerNet, controls: Sequence[TapControl] = (), voltage_depend_loads: bool = True) -> str:
    """Solve `net` in place, tightly, its taps as the controls move them; why it failed, or nothing."""
    import pandapower as pp

    _read_ratings(net)
    cause = ""
    for tolerance in (TOLERANCE_MVA, FALLBACK_TOLERANCE_MVA):
        try:
            if controls:
                put_controls(net, controls)
            with np.errstate(all="ignore"), warnings.catch_warnings():
                # A Newton step on a singular matrix warns; that it did not converge is what counts.
                warnings.simplefilter("ignore")
                pp.runpp(
                    net,
                    tolerance_mva=tolerance,
                    max_iteration=MAX_ITERATIONS,
                    numba=False,
                    voltage_depend_loads=voltage_depend_loads,
                    run_control=bool(controls),
                )
        except Exception as error:  # pandapower raises its own, numpy's and plain UserWarning
            cause = " ".join(str(error).split()) or type(error).__name__
            continue
        # Without a branch pandapower calculates nothing: each bus has the voltage of its supply.
        voltage = np.asarray(net._ppc["internal"].get("V", 1.0))
        if np.isfinite(voltage).all():
            return ""
        cause = "runpp gave voltages that are not numbers"
    return f"runpp: {cause}" if not cause.startswith("runpp") else cause


def _read_ratings(net: pandapowerNet) -> None:
    """Make numbers of what bears on no voltage, whatever stands there: pandapower computes with it even where
    no power flow asks for that. What is wrong with permitted loadings, `element_limits` says."""
    for table, columns in _WITHOUT_BEARING.items():
        for column in columns:
            given = net[table].get(column)
            if given is not None and given.dtype.kind not in "iuf":
                net[table][column] = np.nan_to_num(cells_of(given).number, nan=_FILL.get(column, np.nan))


def _residual(net: pandapowerNet) -> float:
    """Largest unbalanced power at a node, MVA, where voltage or reactive power are not given; NaN where the
    equations of controlled elements are pandapower's own."""
    if any(net[table].in_service.any() for table in _UNKNOWN_RESIDUAL if len(net[table])):
        return float("nan")
    internal = net._ppc["internal"]
    if "V" not in internal:  # without a branch there is nothing to balance
        return 0.0
    voltage, free, held = (np.asarray(internal[name]) for name in ("V", "pq", "pv"))
    gap = voltage * np.conj(internal["Ybus"] @ voltage) - np.asarray(internal["Sbus"])
    parts = (np.abs(gap[free].real), np.abs(gap[free].imag), np.abs(gap[held].real))
    return float(np.concatenate(parts).max(initial=0.0)) * float(internal["baseMVA"])
