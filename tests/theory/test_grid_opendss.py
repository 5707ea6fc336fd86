"""OpenDSS, a solver by other people with another method, agrees to 1e-8 pu on the CIGRE feeder.

The circuit is written from pandapower's tables, without the feeder's code: three phases, wye, constant power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import opendssdirect as dss
import pandapower as pp
import pandapower.networks as nw

from cosim.core.inverters import Characteristic, Conditions, Inverter, Inverters
from cosim.grid.feeder import feeder_from_net
from cosim.grid.power_flow import PowerFlow
from cosim.grid.voltage_control import ControlledPower
from tests.theory.grid_judge import NETWORK

RATING_KVAR = 30.0


def write_circuit(net: pp.pandapowerNet) -> None:
    """The circuit in OpenDSS, without loads."""
    grid = net.ext_grid.iloc[0]
    source = f"b{grid.bus}"
    base_kv = net.bus.vn_kv.at[grid.bus]
    dss.Text.Command("Clear")
    dss.Text.Command(
        f"New Circuit.case bus1={source} basekv={base_kv} pu={grid.vm_pu} angle=0 "
        "Z1=[1e-9, 1e-9] Z0=[1e-9, 1e-9] Z2=[1e-9, 1e-9]"
    )
    for index, line in net.line.iterrows():
        dss.Text.Command(
            f"New Line.l{index} bus1=b{line.from_bus} bus2=b{line.to_bus} length={line.length_km} units=km "
            f"r1={line.r_ohm_per_km} x1={line.x_ohm_per_km} c1={line.c_nf_per_km} "
            f"r0={line.r_ohm_per_km} x0={line.x_ohm_per_km} c0={line.c_nf_per_km}"
        )
    for index, trafo in net.trafo.iterrows():
        assert trafo.pfe_kw == trafo.i0_percent == 0
        reactance = math.sqrt(trafo.vk_percent**2 - trafo.vkr_percent**2)
        dss.Text.Command(
            f"New Transformer.t{index} phases=3 windings=2 buses=[b{trafo.hv_bus}, b{trafo.lv_bus}] "
            f"conns=[wye, wye] kvs=[{trafo.vn_hv_kv}, {trafo.vn_lv_kv}] "
            f"kvas=[{trafo.sn_mva * 1000}, {trafo.sn_mva * 1000}] xhl={reactance!r} "
            f"%Rs=[{trafo.vkr_percent / 2!r}, {trafo.vkr_percent / 2!r}] ppm_antifloat=0"
        )
    for index, switch in net.switch.iterrows():
        assert switch.et == "b"
        assert switch.closed
        dss.Text.Command(
            f"New Line.s{index} bus1=b{switch.bus} bus2=b{switch.element} switch=no length=1 units=none "
            "r1=1e-9 x1=1e-9 c1=0 r0=1e-9 x0=1e-9 c0=0"
        )


def solve_dss(
    net: pp.pandapowerNet, p_mw: np.ndarray, q_mvar: np.ndarray, more: Sequence[str] = ()
) -> np.ndarray:
    """Voltage magnitudes of phase 1, pu, in the order of the bus table."""
    write_circuit(net)
    for bus, p, q in zip(net.bus.index, p_mw, q_mvar, strict=True):
        if p or q:
            dss.Text.Command(
                f"New Load.p{bus} bus1=b{bus} phases=3 conn=wye model=1 kv={net.bus.vn_kv.at[bus]} "
                f"kw={float(p) * 1000!r} kvar={float(q) * 1000!r} vminpu=0.3 vmaxpu=2"
            )
    for command in more:
        dss.Text.Command(command)
    dss.Text.Command("Set tolerance=1e-13")
    dss.Text.Command("Set maxiterations=1000")
    dss.Solution.Solve()
    assert dss.Solution.Converged()
    vm_pu = []
    for bus in net.bus.index:
        dss.Circuit.SetActiveBus(f"b{bus}")
        volts = dss.Bus.Voltages()
        vm_pu.append(math.hypot(volts[0], volts[1]) * math.sqrt(3) / (net.bus.vn_kv.at[bus] * 1000))
    return np.array(vm_pu)


def test_opendss_agrees() -> None:
    source = nw.create_cigre_network_lv()
    feeder = feeder_from_net(source, NETWORK)
    rng = np.random.default_rng(11)
    places = feeder.bus_positions(feeder.candidate_buses)
    p_mw, q_mvar = np.zeros((4, feeder.n_bus)), np.zeros((4, feeder.n_bus))
    for row, mean in enumerate((0.02, 0.005, -0.005, -0.02)):
        p_mw[row, places] = rng.normal(mean, 0.004, len(places))
        q_mvar[row, places] = rng.normal(0.002, 0.002, len(places))
    result = PowerFlow(feeder).solve(p_mw, q_mvar)
    assert result.converged.all()
    assert np.ptp(result.vm_pu) > 0.05  # far from no load, both ways
    for row in range(len(p_mw)):
        np.testing.assert_allclose(
            solve_dss(source, p_mw[row], q_mvar[row]), result.vm_pu[row], rtol=0, atol=1e-8
        )


def test_opendss_answers_the_voltage_with_the_same_reactive_power() -> None:
    """InvControl's volt-var, as far as its own tolerances go."""
    source = nw.create_cigre_network_lv()
    feeder = feeder_from_net(source, NETWORK)
    places = feeder.bus_positions(feeder.candidate_buses)
    rng = np.random.default_rng(5)
    available_kw = rng.uniform(15.0, 45.0, len(places))
    drawn = Characteristic((0.98, 1.0, 1.01, 1.05), (-0.44, 0.0, 0.0, 0.44))
    inverters = Inverters([Inverter(RATING_KVAR, q_of_v=drawn)] * len(places))
    met = inverters.conditions(available_kw[:, None], 0 * available_kw[:, None], 0 * available_kw[:, None])
    controlled = ControlledPower(places, inverters, Conditions(*(each.T for each in met)))
    p_mw, q_mvar = np.zeros((2, 1, feeder.n_bus))
    p_mw[0, places] = 0.005
    result = PowerFlow(feeder).solve(p_mw, q_mvar, None, controlled)
    _, drawn_kvar = controlled.set_points(result.vm_pu)
    vm_pu, found_kvar = with_inverters(
        source, p_mw[0], q_mvar[0], feeder.candidate_buses, available_kw, drawn
    )
    assert np.ptp(drawn_kvar) > 5
    np.testing.assert_allclose(vm_pu, result.vm_pu[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found_kvar, drawn_kvar[0], rtol=0, atol=1e-2)


def with_inverters(
    net: pp.pandapowerNet,
    p_mw: np.ndarray,
    q_mvar: np.ndarray,
    buses: np.ndarray,
    available_kw: np.ndarray,
    drawn: Characteristic,
) -> tuple[np.ndarray, np.ndarray]:
    """OpenDSS's voltages, pu, and the reactive power that each of its inverters draws, kvar."""
    # Beyond its points OpenDSS goes on along the slope, so that level ends are points too.
    x, y = [0.5, *drawn.x, 1.5], [-share for share in (drawn.y[0], *drawn.y, drawn.y[-1])]
    more = [f"New XYcurve.vv npts={len(x)} Xarray={x} Yarray={y}"]
    more += [
        f"New PVSystem.i{bus} bus1=b{bus} phases=3 kv={net.bus.vn_kv.at[bus]} kVA=500 Pmpp={float(kw)!r} "
        f"irradiance=1 %cutin=0.1 %cutout=0.1 vminpu=0.3 vmaxpu=2 "
        f"kvarMax={RATING_KVAR} kvarMaxAbs={RATING_KVAR}"
        for bus, kw in zip(buses, available_kw, strict=True)
    ]
    more += [
        "New InvControl.all mode=VOLTVAR vvc_curve1=vv RefReactivePower=VARMAX voltage_curvex_ref=rated "
        "deltaQ_factor=0.6 VarChangeTolerance=1e-8 VoltageChangeTolerance=1e-8 EventLog=no",
        "Set maxcontroliter=2000",
        "Set controlmode=static",
    ]
    vm_pu = solve_dss(net, p_mw, q_mvar, more)
    found = []
    for bus in buses:
        dss.Circuit.SetActiveElement(f"PVSystem.i{bus}")
        found.append(sum(dss.CktElement.Powers()[1:6:2]))
    return vm_pu, np.array(found)
