"""A feeder with inverters, and judges of what cosim makes of it: pandapower's controllers, a plain loop."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache

import numpy as np
import pandapower as pp
import pandapower.networks as nw
from pandapower.control import run_control
from scipy.optimize import brentq

from cosim.core.inverters import Inverter, Inverters
from cosim.grid.feeder import feeder_from_net
from cosim.grid.flow_result import FlowResult
from cosim.grid.power_flow import PowerFlow
from cosim.grid.voltage_control import ControlledPower
from tests.theory.grid_judge import NETWORK

LOAD_KW = 1.0
TIGHT = {"tolerance_mva": 1e-11, "max_iteration": 50, "numba": False}


@cache
def village() -> pp.pandapowerNet:
    """Kerber's village, of which pandapower draws some lines anew each time."""
    return nw.create_kerber_dorfnetz()


def feeder(has_generator: bool = False) -> pp.pandapowerNet:
    """The village with 57 connection points; a generator that holds its voltage asks for `runpp`."""
    net = copy.deepcopy(village())
    net.load["p_mw"], net.load["q_mvar"] = LOAD_KW / 1000, 0.0003
    if has_generator:
        pp.create_gen(net, int(net.load.bus.iloc[20]), p_mw=0.01, vm_pu=1.0)
    return net


@cache
def solver(has_generator: bool) -> PowerFlow:
    """cosim's solver of the feeder."""
    return PowerFlow(feeder_from_net(feeder(has_generator), NETWORK))


def solve(
    each: Sequence[Inverter], available_kw: np.ndarray, has_generator: bool = False
) -> tuple[FlowResult, np.ndarray, np.ndarray]:
    """cosim's power flows with an inverter at each load, and the set-points.

    `available_kw` is of shape (T, n).
    """
    flow = solver(has_generator)
    made = flow.feeder
    columns = made.bus_positions([element.bus for element in made.loads])
    inverters = Inverters(each)
    met = inverters.conditions(available_kw.T, 0.0 * available_kw.T, np.zeros_like(available_kw.T))
    controlled = ControlledPower(columns, inverters, type(met)(*(part.T for part in met)))
    p_mw, q_mvar = np.zeros((2, len(available_kw), made.n_bus))
    for load, column in zip(made.loads, columns, strict=True):
        p_mw[:, column] += load.p_mw
        q_mvar[:, column] += load.q_mvar
    result = flow.solve(p_mw, q_mvar, None, controlled)
    return result, *controlled.set_points(result.vm_pu)


def with_generators(net: pp.pandapowerNet, available_kw: np.ndarray, rating_kva: float) -> pp.pandapowerNet:
    """The same net with a static generator at each load."""
    net = copy.deepcopy(net)
    pp.create_sgens(
        net, net.load.bus.to_numpy(), p_mw=available_kw / 1000, q_mvar=0.0, sn_mva=rating_kva / 1000
    )
    return net


def by_controllers(net: pp.pandapowerNet) -> pp.pandapowerNet:
    """A net solved with its controller, which goes on when pandapower would stop, at 1e-5 of its powers."""
    run_control(net, max_iter=300, **TIGHT)
    controller = net.controller.object.iloc[0]
    for _ in range(20):
        controller.is_converged(net)
        controller.control_step(net)
        pp.runpp(net, **TIGHT)
    return net


def by_plain_loop(
    net: pp.pandapowerNet, each: Sequence[Inverter], available_kw: np.ndarray, rating_kva: float
) -> pp.pandapowerNet:
    """Power flow, read the voltages, go most of the way to what each inverter says alone, again."""
    net = with_generators(net, available_kw, rating_kva)
    p, q = available_kw.copy(), 0.0 * available_kw
    for _ in range(400):
        net.sgen["p_mw"], net.sgen["q_mvar"] = p / 1000, -q / 1000
        pp.runpp(net, **TIGHT)
        vm_pu = net.res_bus.vm_pu.loc[net.sgen.bus].to_numpy()
        wanted = [alone(one, kw, vm) for one, kw, vm in zip(each, available_kw, vm_pu, strict=True)]
        p_next, q_next = np.array(wanted).T
        if max(np.abs(p_next - p).max(), np.abs(q_next - q).max()) < 1e-7:
            return net
        p, q = p + 0.8 * (p_next - p), q + 0.8 * (q_next - q)
    raise AssertionError("the plain loop did not settle")


def alone(one: Inverter, available_kw: float, vm_pu: float) -> tuple[float, float]:
    """Active power generated and reactive power drawn by one inverter, with plain numbers."""
    p = min(available_kw, one.limit_kw, one.base_kva * float(np.interp(vm_pu, *one.p_of_v)))
    if one.q_of_v.y != (0.0,):
        q = one.base_kva * float(np.interp(vm_pu, *one.q_of_v)) if available_kw > 0 else 0.0
    else:
        p = min(p, _keeps_power_factor(one))
        factor = float(np.interp(p / one.base_kva, *one.power_factor))
        q = p * np.tan(np.arccos(factor)) * (-1 if one.over_excited else 1)
    if one.active_first:
        p = min(p, one.rating_kva)
        room = np.sqrt(one.rating_kva**2 - p**2)
        return p, float(np.clip(q, -room, room))
    q = float(np.clip(q, -one.rating_kva, one.rating_kva))
    return min(p, float(np.sqrt(one.rating_kva**2 - q**2))), q


def _keeps_power_factor(one: Inverter) -> float:
    """Largest power at which the apparent power is within the rating."""
    if one.active_first or not np.isfinite(one.rating_kva):
        return np.inf
    rating = one.rating_kva

    def beyond(p: float) -> float:
        return p - rating * float(np.interp(p / one.base_kva, *one.power_factor))

    return rating if beyond(rating) <= 0 else float(brentq(beyond, 0.0, rating, xtol=1e-15))
