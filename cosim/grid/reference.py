"""The reference: pandapower's `runpp` on a fresh copy of the feeder, one load a bus, to 1e-11 MVA."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.errors import InputError, Problem
from cosim.grid.feeder import Feeder
from cosim.grid.flow_result import FlowResult
from cosim.streams import Streams

if TYPE_CHECKING:
    from pandapower.auxiliary import pandapowerNet

FloatArray = NDArray[np.float64]

TOLERANCE_MVA = 1e-11
"""pandapower's default of 1e-8 MVA is itself off by 1e-8 pu."""
FALLBACK_TOLERANCE_MVA = 1e-8
MAX_ITERATIONS = 30


@dataclass(frozen=True)
class Agreement:
    """How far results and the reference are apart on the intervals compared.

    Attributes
    ----------
    intervals : tuple of int
        Which intervals were compared.
    vm_pu, line_loading_percent, trafo_loading_percent, p_slack_mw, losses_mw : float
        Largest differences; 0 where nothing was compared.
    status_differs : tuple of int
        Intervals that one converged on and the other did not.
    """

    intervals: tuple[int, ...]
    vm_pu: float
    line_loading_percent: float
    trafo_loading_percent: float
    p_slack_mw: float
    losses_mw: float
    status_differs: tuple[int, ...]


def reference(feeder: Feeder, p_mw: FloatArray, q_mvar: FloatArray) -> FlowResult:
    """One interval by `runpp` on a fresh copy of the feeder.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    p_mw, q_mvar : ndarray of float64, shape (n_bus,)
        Power drawn at each bus (load convention).

    Returns
    -------
    FlowResult
        Of one interval; ``diverged`` with pandapower's cause where it does not converge.
    """
    import pandapower as pp

    net = copy.deepcopy(feeder.net)
    live = feeder.bus.supplied
    pp.create_loads(net, feeder.bus.index[live], p_mw=p_mw[live], q_mvar=q_mvar[live])
    result = FlowResult.empty(1, feeder)
    cause = _run(net)
    if cause:
        result.status[0] = "diverged"
        result.cause[0] = cause
        return result
    branch_losses = [
        net[f"res_{kind}"].pl_mw.sum() for kind in ("line", "trafo", "impedance") if len(net[kind])
    ]
    result.vm_pu[0] = net.res_bus.vm_pu.to_numpy(np.float64)
    result.line_loading_percent[0] = net.res_line.loading_percent.to_numpy(np.float64)
    result.trafo_loading_percent[0] = net.res_trafo.loading_percent.to_numpy(np.float64)
    result.p_slack_mw[0] = net.res_ext_grid.p_mw.sum()
    result.q_slack_mvar[0] = net.res_ext_grid.q_mvar.sum()
    result.losses_mw[0] = sum(branch_losses)
    result.status[0] = "converged"
    result.residual_mva[0] = _residual(net)
    result.route[0] = "runpp"
    return result


def solve_unloaded(feeder: Feeder) -> pandapowerNet:
    """A copy of the feeder's net, solved without any injection.

    Raises
    ------
    InputError
        If pandapower cannot solve it.
    """
    net = copy.deepcopy(feeder.net)
    cause = _run(net)
    if cause:
        message = f"the grid cannot be solved even without any load: {cause}"
        remedy = "look for wrong impedances, voltages or taps"
        raise InputError([Problem(message, remedy, value=feeder.network.name)])
    return net


def _run(net: pandapowerNet) -> str:
    """Solve `net` in place; why it failed, or nothing."""
    import pandapower as pp

    cause = ""
    for tolerance in (TOLERANCE_MVA, FALLBACK_TOLERANCE_MVA):
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                # A Newton step on a singular matrix warns; that it did not converge is what counts.
                warnings.simplefilter("ignore")
                pp.runpp(net, tolerance_mva=tolerance, max_iteration=MAX_ITERATIONS, numba=False)
        except Exception as error:  # pandapower raises its own, numpy's and plain UserWarning
            cause = " ".join(str(error).split()) or type(error).__name__
            continue
        voltage = np.asarray(net._ppc["internal"]["V"])
        if np.isfinite(voltage).all():
            return ""
        cause = "runpp gave voltages that are no numbers"
    return f"runpp: {cause}" if not cause.startswith("runpp") else cause


def _residual(net: pandapowerNet) -> float:
    """Largest unbalanced power at a node without given voltage, MVA."""
    internal = net._ppc["internal"]
    voltage, free = np.asarray(internal["V"]), np.asarray(internal["pq"])
    gap = (voltage * np.conj(internal["Ybus"] @ voltage) - np.asarray(internal["Sbus"]))[free]
    worst = np.maximum(np.abs(gap.real), np.abs(gap.imag)).max(initial=0.0)
    return float(worst) * float(internal["baseMVA"])


def verify(
    feeder: Feeder, p_mw: FloatArray, q_mvar: FloatArray, result: FlowResult, n_samples: int, streams: Streams
) -> Agreement:
    """Solve some intervals again by `runpp` and compare.

    Parameters
    ----------
    feeder : Feeder
        The feeder.
    p_mw, q_mvar : ndarray of float64, shape (T, n_bus)
        What was solved.
    result : FlowResult
        What came out.
    n_samples : int
        Number of intervals, at most all that were not skipped.
    streams : Streams
        Decides which.
    """
    solved = np.flatnonzero(result.status != "skipped")
    draw = streams.field("verify power flow").row(0, len(solved))
    chosen = np.sort(solved[np.argsort(draw, kind="stable")[:n_samples]]).tolist()
    return compare(feeder, p_mw, q_mvar, result, chosen)


def compare(
    feeder: Feeder, p_mw: FloatArray, q_mvar: FloatArray, result: FlowResult, rows: list[int]
) -> Agreement:
    """Solve the intervals `rows` again by `runpp` and compare.

    Parameters
    ----------
    feeder, p_mw, q_mvar, result
        As in `verify`.
    rows : list of int
        Which intervals.
    """
    worst = dict.fromkeys(
        ("vm_pu", "line_loading_percent", "trafo_loading_percent", "p_slack_mw", "losses_mw"), 0.0
    )
    differs = []
    for row in rows:
        again = reference(feeder, p_mw[row], q_mvar[row])
        if again.converged[0] != result.converged[row]:
            differs.append(row)
        elif again.converged[0]:
            for name in worst:
                worst[name] = max(worst[name], _apart(getattr(result, name)[row], getattr(again, name)[0]))
    return Agreement(tuple(rows), **worst, status_differs=tuple(differs))


def _apart(first: FloatArray, second: FloatArray) -> float:
    """Largest difference; infinite where a number stands against none."""
    if (np.isnan(first) != np.isnan(second)).any():
        return float("inf")
    gap = np.abs(np.asarray(first - second))
    return float(np.nanmax(gap, initial=0.0)) if gap.size else 0.0
