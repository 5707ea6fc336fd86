"""Whatever stands in a net is solved as `runpp` solves it: held voltages, three windings, odd switches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandapower as pp
import pandas as pd
import pytest

from cosim.grid.feeder import feeder_from_net
from cosim.grid.power_flow import PowerFlow
from cosim.grid.power_flow_route import slow_elements
from tests.theory.grid_judge import NETWORK, assert_equals, background, judged, solved

Change = Callable[[pp.pandapowerNet], object]


def town() -> pp.pandapowerNet:
    """110 kV, 20 kV and 0.4 kV, meshed at 20 kV; buses 0 (110), 1 to 4 (20), 5 to 7 (0.4)."""
    net = pp.create_empty_network()
    pp.create_bus(net, 110.0)
    pp.create_buses(net, 4, 20.0)
    pp.create_buses(net, 3, 0.4)
    pp.create_ext_grid(net, 0, vm_pu=1.01, va_degree=3.0)
    pp.create_transformer(net, 0, 1, "25 MVA 110/20 kV", tap_pos=2)
    for first, second, length in ((1, 2, 4.0), (2, 3, 3.0), (3, 4, 5.0), (4, 1, 6.0)):
        pp.create_line(net, first, second, length, "NA2XS2Y 1x185 RM/25 12/20 kV")
    pp.create_transformer(net, 3, 5, "0.4 MVA 20/0.4 kV", tap_pos=-1)
    pp.create_line(net, 5, 6, 0.2, "NAYY 4x150 SE")
    pp.create_line(net, 6, 7, 0.1, "NAYY 4x150 SE")
    pp.create_load(net, 2, 3.0, 0.8)
    pp.create_load(net, 4, 2.0, 0.3)
    pp.create_load(net, 6, 0.05, 0.01)
    pp.create_load(net, 7, 0.03, 0.01)
    pp.create_sgen(net, 7, 0.02)
    return net


def gen(net: pp.pandapowerNet) -> None:
    pp.create_gen(net, 4, p_mw=1.5, vm_pu=1.02)


def gen_for_ext_grid(net: pp.pandapowerNet) -> None:
    net.ext_grid["in_service"] = False
    pp.create_gen(net, 0, p_mw=0.0, vm_pu=1.01, slack=True)


def gen_beside_ext_grid(net: pp.pandapowerNet) -> None:
    pp.create_gen(net, 4, p_mw=1.0, vm_pu=1.01, slack=True)


def xward(net: pp.pandapowerNet) -> None:
    pp.create_xward(net, 2, 0.5, 0.2, 0.3, 0.1, 0.8, 1.2, 1.01)


def trafo3w(net: pp.pandapowerNet) -> None:
    pp.create_bus(net, 10.0)
    pp.create_transformer3w(net, 0, 2, 8, "63/25/38 MVA 110/20/10 kV", tap_pos=3)
    net.trafo3w["shift_mv_degree"] = 150.0
    pp.create_load(net, 8, 4.0, 1.0)


def trafo3w_open(net: pp.pandapowerNet) -> None:
    trafo3w(net)
    pp.create_bus(net, 10.0)
    pp.create_line(net, 8, 9, 1.0, "NA2XS2Y 1x185 RM/25 12/20 kV")
    pp.create_switch(net, 2, 0, "t3", closed=False)


def trafo3w_dead_side(net: pp.pandapowerNet) -> None:
    trafo3w(net)
    pp.create_switch(net, 8, 0, "t3", closed=False)


def dcline(net: pp.pandapowerNet) -> None:
    pp.create_dcline(net, 2, 4, 0.8, 1.0, 0.02, vm_from_pu=1.0, vm_to_pu=1.01)


SLOW: tuple[Change, ...] = (
    *(gen, gen_for_ext_grid, gen_beside_ext_grid, xward, trafo3w, trafo3w_open, trafo3w_dead_side, dcline),
)


def high_voltage() -> pp.pandapowerNet:
    """Five buses of 110 kV in a ring with a spur of two."""
    net = pp.create_empty_network(sn_mva=100.0)
    pp.create_buses(net, 5, 110.0)
    pp.create_ext_grid(net, 0, vm_pu=1.01)
    for first, second in ((0, 1), (1, 2), (0, 2), (2, 3), (3, 4)):
        pp.create_line_from_parameters(net, first, second, 18.0, 0.05, 0.14, 150.0, 0.7)
    pp.create_load(net, 3, 60.0, 20.0)
    pp.create_load(net, 1, 20.0, 5.0)
    return net


def svc(net: pp.pandapowerNet) -> None:
    pp.create_svc(net, 3, 1.0, -10.0, 1.0, 120.0)


def svc_fixed(net: pp.pandapowerNet) -> None:
    pp.create_svc(net, 3, 1.0, -10.0, 1.0, 145.0, controllable=False)


def ssc(net: pp.pandapowerNet) -> None:
    pp.create_ssc(net, 3, 0.0, 5.0, set_vm_pu=1.0)


def tcsc(net: pp.pandapowerNet) -> None:
    pp.create_tcsc(net, 1, 4, 0.3, -14.0, -6.0, 160.0)


def vsc(net: pp.pandapowerNet) -> None:
    pp.create_bus_dc(net, 110.0)
    pp.create_bus_dc(net, 110.0)
    pp.create_line_dc_from_parameters(net, 0, 1, 50.0, 0.1, 1.0)
    for bus, bus_dc, mode, value in ((1, 0, "vm_pu", 1.02), (4, 1, "p_mw", 5.0)):
        pp.create_vsc(
            *(net, bus, bus_dc, 0.1, 5.0, 0.15),
            control_mode_ac="vm_pu",
            control_value_ac=1.0,
            control_mode_dc=mode,
            control_value_dc=value,
        )


CONTROLLED: tuple[Change, ...] = (svc, svc_fixed, ssc, tcsc, vsc)


def ward(net: pp.pandapowerNet) -> None:
    pp.create_ward(net, 2, 0.5, 0.2, 0.3, 0.1)
    pp.create_ward(net, 0, 0.5, 0.2, 0.3, 0.1)


def motor(net: pp.pandapowerNet) -> None:
    pp.create_motor(net, 7, 0.03, 0.85, efficiency_percent=92.0, loading_percent=80.0, scaling=0.9)


def impedance(net: pp.pandapowerNet) -> None:
    pp.create_impedance(net, 2, 4, 0.02, 0.05, 5.0, rtf_pu=0.03, xtf_pu=0.04)


def shunt_steps(net: pp.pandapowerNet) -> None:
    pp.create_shunt(net, 3, q_mvar=-0.2, p_mw=0.01, step=2, max_step=3)
    table = {
        "id_characteristic": 0,
        "step": [1, 2, 3],
        "q_mvar": [-0.2, -0.5, -0.6],
        "p_mw": [0.0, 0.01, 0.02],
    }
    net["shunt_characteristic_table"] = pd.DataFrame(table)
    net.shunt["id_characteristic_table"] = pd.array([0], dtype="Int64")
    net.shunt["step_dependency_table"] = True


def tap_table(net: pp.pandapowerNet) -> None:
    net["trafo_characteristic_table"] = pd.DataFrame(
        {
            "id_characteristic": 0,
            "step": [-2, -1, 0, 1, 2],
            "voltage_ratio": [0.95, 0.97, 1.0, 1.02, 1.06],
            "angle_deg": [0.0, 0.1, 0.0, -0.1, -0.2],
            "vk_percent": [5.0, 5.5, 6.0, 6.5, 7.0],
            "vkr_percent": [1.4, 1.42, 1.44, 1.46, 1.48],
        }
    )
    net.trafo["id_characteristic_table"] = pd.array([pd.NA, 0], dtype="Int64")
    net.trafo["tap_dependency_table"] = [False, True]


def asleep(net: pp.pandapowerNet) -> None:
    for change in (gen, xward, trafo3w, dcline, ward, motor):
        change(net)
    for table in ("gen", "xward", "trafo3w", "dcline", "ward", "motor"):
        net[table]["in_service"] = False


def parallel_and_out(net: pp.pandapowerNet) -> None:
    net.line.loc[0, "parallel"] = 2
    net.trafo.loc[1, ["parallel", "df"]] = 2, 0.9
    net.line.loc[2, "in_service"] = False


def fused(net: pp.pandapowerNet) -> None:
    pp.create_buses(net, 2, 0.4)
    pp.create_switch(net, 7, 8, "b")
    pp.create_switch(net, 8, 9, "b")
    pp.create_load(net, 9, 0.01)


def isolated(net: pp.pandapowerNet) -> None:
    pp.create_buses(net, 2, 0.4)
    pp.create_line(net, 8, 9, 0.1, "NAYY 4x150 SE")
    pp.create_load(net, 9, 0.01)
    net.bus.loc[7, "in_service"] = False


def angles(net: pp.pandapowerNet) -> None:
    pp.create_ext_grid(net, 3, vm_pu=1.005, va_degree=3.0 - 150.0)


def open_line_end(net: pp.pandapowerNet) -> None:
    pp.create_switch(net, 3, 2, "l", closed=False)
    pp.create_switch(net, 7, 5, "l", closed=False)


def open_trafo(net: pp.pandapowerNet) -> None:
    pp.create_transformer(net, 4, 6, "0.4 MVA 20/0.4 kV")
    pp.create_switch(net, 6, 2, "t", closed=False)
    pp.create_switch(net, 3, 1, "t", closed=True)


def switch_with_impedance(net: pp.pandapowerNet) -> None:
    pp.create_bus(net, 0.4)
    pp.create_switch(net, 7, 8, "b", z_ohm=0.02)
    pp.create_load(net, 8, 0.01)


FAST: tuple[Change, ...] = (
    *(ward, motor, impedance, shunt_steps, tap_table, asleep, parallel_and_out, fused, isolated, angles),
    *(open_line_end, open_trafo, switch_with_impedance),
)


@pytest.mark.parametrize("change", SLOW, ids=lambda change: change.__name__)
@pytest.mark.fast_cases("gen", "trafo3w", "dcline")
def test_what_holds_a_voltage_is_solved_by_runpp(change: Change) -> None:
    net = town()
    change(net)
    flow, result = solved(net)
    assert flow.slow_because == slow_elements(net) != ()
    assert result.route.tolist() == ["runpp"]
    assert_equals(result, judged(net))


@pytest.mark.parametrize("change", CONTROLLED, ids=lambda change: change.__name__)
@pytest.mark.fast_cases("svc", "vsc")
def test_what_controls_a_flow_or_carries_direct_current_is_solved_by_runpp(change: Change) -> None:
    net = high_voltage()
    change(net)
    flow, result = solved(net)
    assert flow.slow_because
    assert result.route.tolist() == ["runpp"]
    assert np.isnan(result.residual_mva[0])
    assert_equals(result, judged(net))


@pytest.mark.parametrize("change", FAST, ids=lambda change: change.__name__)
@pytest.mark.fast_cases("ward", "tap_table", "fused", "open_line_end", "switch_with_impedance")
def test_what_is_linear_or_a_power_is_solved_by_the_fixed_point(change: Change) -> None:
    net = town()
    change(net)
    flow, result = solved(net)
    assert flow.slow_because == ()
    assert not flow.warnings(1)
    assert result.route.tolist() == ["zbus"]
    assert_equals(result, judged(net), losses=change is not switch_with_impedance)


def one_bus() -> pp.pandapowerNet:
    net = pp.create_empty_network()
    pp.create_bus(net, 0.4)
    pp.create_ext_grid(net, 0, vm_pu=1.02)
    pp.create_load(net, 0, 0.01, 0.002)
    return net


def one_node() -> pp.pandapowerNet:
    net = one_bus()
    pp.create_bus(net, 0.4)
    pp.create_switch(net, 0, 1, "b")
    pp.create_load(net, 1, 0.003)
    return net


def no_branch() -> pp.pandapowerNet:
    net = one_bus()
    pp.create_bus(net, 0.4)
    pp.create_load(net, 1, 0.003)
    return net


def two_supplies() -> pp.pandapowerNet:
    net = one_bus()
    pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, 1, vm_pu=0.98, va_degree=20.0)
    pp.create_sgen(net, 1, 0.003)
    return net


@pytest.mark.parametrize("make", [one_bus, one_node, no_branch, two_supplies], ids=lambda make: make.__name__)
def test_a_network_without_a_branch_has_the_voltages_of_its_supply(
    make: Callable[[], pp.pandapowerNet],
) -> None:
    net = make()
    flow, result = solved(net)
    assert flow.slow_because == ("a network without a branch",)
    assert_equals(result, judged(net))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, id=change.__name__, marks=() if change is trafo3w else pytest.mark.slow)
        for change in SLOW[:6]
    ],
)
def test_an_interval_is_the_same_bits_in_any_order(change: Change) -> None:
    net = town()
    change(net)
    flow = PowerFlow(feeder_from_net(net, NETWORK))
    powers = [background(flow.feeder, scaling).power(0, 1) for scaling in (0.2, 1.0, 40.0, 0.7)]
    p_mw, q_mvar = (np.concatenate(part) for part in zip(*powers, strict=True))
    forwards, backwards = flow.solve(p_mw, q_mvar), flow.solve(p_mw[::-1], q_mvar[::-1])
    fresh = PowerFlow(feeder_from_net(net, NETWORK)).solve(p_mw[3:], q_mvar[3:])
    assert forwards.status.tolist() == ["converged", "converged", "diverged", "converged"]
    for name in ("vm_pu", "line_loading_percent", "trafo3w_loading_percent", "p_slack_mw", "losses_mw"):
        values = getattr(forwards, name)
        assert values.tobytes() == getattr(backwards, name)[::-1].tobytes()
        assert values[3:].tobytes() == getattr(fresh, name).tobytes()


def test_the_line_that_says_so_names_elements_and_time() -> None:
    net = town()
    gen(net)
    ward(net)
    trafo3w(net)
    flow = PowerFlow(feeder_from_net(net, NETWORK))
    (warning,) = flow.warnings(48)
    assert warning.severity == "warning"
    assert "so about 2 s for 48 intervals; because of 1 gen, 1 trafo3w" in warning.message
    assert "about 5.6 h" in flow.warnings(500_000)[0].message


def test_what_runpp_does_not_solve_says_so_before_the_run() -> None:
    net = town()
    gen(net)
    net.load.loc[0, "p_mw"] = 4000.0
    flow = PowerFlow(feeder_from_net(net, NETWORK))
    assert len(flow.warnings(1)) == 2
    assert "did not converge" in flow.warnings(1)[1].message
