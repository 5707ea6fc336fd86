"""Values that can hardly be meant are doubted, by the element's name; clean grids say nothing."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from pathlib import Path

import pandapower as pp
import pandapower.networks as nw
import pytest

from cosim.config.library import names, shelf_folder
from cosim.core.errors import InputError, Problem
from cosim.grid.grid_source import source_of
from cosim.grid.intake import take_in
from cosim.grid.network_file import load_network
from cosim.grid.network_functions import read_source

Change = Callable[[pp.pandapowerNet], None]


@functools.cache
def small() -> pp.pandapowerNet:
    """A medium-voltage bus, a transformer, and two low-voltage lines: nothing to be doubted."""
    net = pp.create_empty_network()
    mv, lv, far, end = (
        pp.create_bus(net, kv, name=name)
        for kv, name in ((20, "mv"), (0.4, "lv"), (0.4, "far"), (0.4, "end"))
    )
    pp.create_ext_grid(net, mv, name="supply")
    pp.create_transformer(net, mv, lv, "0.25 MVA 20/0.4 kV", name="T1")
    pp.create_line(net, lv, far, 0.2, "NAYY 4x150 SE", name="first")
    pp.create_line(net, far, end, 0.2, "NAYY 4x150 SE", name="second")
    pp.create_load(net, end, 0.003, name="home")
    pp.create_sgen(net, far, 0.002, name="roof")
    pp.create_shunt(net, lv, q_mvar=-0.001, name="cap")
    pp.create_switch(net, far, end, "b", closed=False, name="tie")
    return net


def said(change: Change) -> tuple[Problem, ...]:
    """The warnings about the small grid after a change."""
    net = copy.deepcopy(small())
    change(net)
    return take_in(source_of(net)).warnings


def put(table: str, column: str | list[str], value: object, index: int = 0) -> Change:
    """A change of one cell."""

    def change(net: pp.pandapowerNet) -> None:
        net[table].loc[index, column] = value

    return change


def both(*changes: Change) -> Change:
    """Several changes."""

    def change(net: pp.pandapowerNet) -> None:
        for each in changes:
            each(net)

    return change


def tie_across(net: pp.pandapowerNet) -> None:
    """A closed switch between 20 kV and 0.4 kV."""
    net.switch.loc[0, ["bus", "closed"]] = [0, True]


def impedance_across(net: pp.pandapowerNet) -> None:
    """An impedance between 20 kV and 0.4 kV."""
    pp.create_impedance(net, 0, 1, 0.1, 0.1, 1.0, name="z")


def swap(net: pp.pandapowerNet) -> None:
    """The transformer are swapped."""
    net.trafo.loc[0, ["hv_bus", "lv_bus"]] = [1, 0]


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        # voltage levels of two ends
        (tie_across, "switch.0.element", "switch 0 ('tie'): connects 20 kV and 0.4 kV"),
        (impedance_across, "impedance.0.to_bus", "impedance 0 ('z'): connects 20 kV and 0.4 kV"),
        (put("line", "to_bus", 0), "line.0.to_bus", "line 0 ('first'): connects 0.4 kV and 20 kV"),
        (put("bus", "vn_kv", 0.23, 3), "line.1.to_bus", "connects 0.4 kV and 0.23 kV"),
        # a transformer's sides and ratings against its buses
        (
            put("trafo", "vn_lv_kv", 0.69),
            "trafo.0.vn_lv_kv",
            "0.69 kV on its lv side, at a bus of 0.4 kV",
        ),
        (
            put("trafo", "vn_hv_kv", 10.0),
            "trafo.0.vn_hv_kv",
            "10 kV on its hv side, at a bus of 20 kV",
        ),
        (put("trafo", "vn_hv_kv", 20000.0), "trafo.0.vn_hv_kv", "rated for 20000 kV"),
        (put("bus", "vn_kv", 400.0, 1), "trafo.0.vn_lv_kv", "at a bus of 400 kV"),
        (swap, "trafo.0.hv_bus", "are swapped"),
        (put("shunt", "vn_kv", 20.0), "shunt.0.vn_kv", "shunt 0 ('cap'): its powers are for 20 kV"),
        (put("shunt", "step", 3), "shunt.0.step", "above max_step"),
        # no-load losses
        (put("trafo", "pfe_kw", 80.0), "trafo.0.pfe_kw", "iron losses of 80 kW are above the no-load power"),
        (put("trafo", "i0_percent", 0.0), "trafo.0.pfe_kw", "above the no-load power of 0 kVA"),
        (put("trafo", "i0_percent", 0.05), "trafo.0.pfe_kw", "above the no-load power of 0.125 kVA"),
        # resistances that deliver power
        (put("line", "r_ohm_per_km", -0.2), "line.0.r_ohm_per_km", "r_ohm_per_km is negative"),
        (put("trafo", "vkr_percent", -1.0), "trafo.0.vkr_percent", "vkr_percent is negative"),
        (
            both(impedance_across, put("impedance", "rtf_pu", -0.1)),
            "impedance.0.rtf_pu",
            "rtf_pu is negative",
        ),
        # ratings
        (put("line", "max_i_ka", 270.0), "line.0.max_i_ka", "line 0 ('first'): rated for 270 kA"),
        (put("line", "max_i_ka", 3.0, 1), "line.1.max_i_ka", "line 1 ('second'): rated for 3 kA"),
        (put("line", "max_i_ka", 99999.0), "line.0.max_i_ka", "99,999 kA"),
        (put("line", "max_i_ka", None), "line.0.max_i_ka", "there is no loading"),
        (put("trafo", "sn_mva", 250.0), "trafo.0.sn_mva", "250 MVA to low voltage"),
        (
            put("trafo", ["vk_percent", "vkr_percent"], [0.06, 0.01]),
            "trafo.0.vk_percent",
            "short-circuit voltage",
        ),
        # lengths and impedances of lines
        (put("line", "length_km", 500.0), "line.0.length_km", "500 km long at 0.4 kV"),
        (put("line", "length_km", 60.0, 1), "line.1.length_km", "60 km long"),
        (put("line", "r_ohm_per_km", 208.0), "line.0.r_ohm_per_km", "208 ohm per km"),
        (put("line", "x_ohm_per_km", 80.0), "line.0.x_ohm_per_km", "80 ohm per km"),
        (put("line", "c_nf_per_km", 264e3), "line.0.c_nf_per_km", "264,000 nF per km is far more"),
        (put("line", "c_nf_per_km", -2e4, 1), "line.1.c_nf_per_km", "-20,000 nF per km is far more"),
        (put("line", "g_us_per_km", 5e4), "line.0.g_us_per_km", "50,000 µS per km is far more"),
        # taps beyond their range
        (put("trafo", "tap_pos", 7), "trafo.0.tap_pos", "outside -2 to 2"),
        (put("trafo", "tap_pos", -3), "trafo.0.tap_pos", "outside -2 to 2"),
        (put("trafo", "tap_max", -1), "trafo.0.tap_pos", "outside -2 to -1"),
        (put("trafo", ["tap_min", "tap_max"], [3, -3]), "trafo.0.tap_min", "tap_min is above tap_max, -3"),
        # powers
        (put("load", "p_mw", 3.0), "load.0.p_mw", "load 0 ('home'): 3 MVA at a low-voltage bus"),
        (put("sgen", "p_mw", 9.9), "sgen.0.p_mw", "9.9 MVA at a low-voltage bus"),
        (put("load", "scaling", 1000.0), "load.0.p_mw", "3 MVA at a low-voltage bus"),
        (put("load", ["p_mw", "q_mvar"], [0.001, 5.0]), "load.0.q_mvar", "5 MVA at a low-voltage bus"),
        (put("shunt", "q_mvar", -30.0), "shunt.0.q_mvar", "shunt 0 ('cap'): 30 MVA at a low-voltage bus"),
        (lambda net: pp.create_ward(net, 2, 0, 0, 4.0, 0.1), "ward.0.pz_mw", "4.001 MVA at a low-voltage"),
        (lambda net: pp.create_motor(net, 2, 15.0, 0.9), "motor.0.pn_mech_mw", "15 MVA at a low-voltage"),
        (
            lambda net: pp.create_asymmetric_load(net, 2, 1.5, 0.9, -0.4, scaling=2),
            "asymmetric_load.0.p_a_mw",
            "5.6 MVA at a low-voltage",
        ),
        (
            lambda net: pp.create_asymmetric_sgen(net, 2, q_b_mvar=40),
            "asymmetric_sgen.0.q_a_mvar",
            "40 MVA at a low-",
        ),
        # factors and shares
        (put("line", "df", 1000.0), "line.0.df", "line 0 ('first'): df is 1,000"),
        (put("line", "parallel", 150, 1), "line.1.parallel", "line 1 ('second'): parallel is 150"),
        (put("trafo", "i0_percent", 290.0), "trafo.0.i0_percent", "i0_percent is 290"),
        # what supplies it
        (put("ext_grid", "vm_pu", 20.0), "ext_grid.0.vm_pu", "external grid 0 ('supply'): holds 20 times"),
        (put("ext_grid", "vm_pu", 0.1), "ext_grid.0.vm_pu", "holds 0.1 times"),
        (lambda net: pp.create_gen(net, 0, 0.1, vm_pu=1.5), "gen.0.vm_pu", "holds 1.5 times"),
        (put("bus", "vn_kv", 20000.0), "bus.0.vn_kv", "no grid has such a voltage"),
        (lambda net: net.update(f_hz=0.05), "f_hz", "no grid has such a frequency"),
    ],
)
def test_doubts_name_the_element(change: Change, path: str, says: str) -> None:
    warnings = said(change)
    found = [warning for warning in warnings if warning.path == path and says in warning.message]
    assert found, [str(warning) for warning in warnings]
    assert {warning.severity for warning in warnings} == {"warning"}
    assert found[0].remedy


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        (put("trafo", "vkr_percent", 6.5), "trafo.0.vkr_percent", "above vk_percent"),
        (put("trafo", "vkr_percent", -7.0), "trafo.0.vkr_percent", "above vk_percent"),
        (put("trafo", "vk_percent", 1.0), "trafo.0.vkr_percent", "above vk_percent"),
        (put("line", "length_km", 0.0), "line.0.length_km", "positive number"),
        (put("line", ["r_ohm_per_km", "x_ohm_per_km"], 0.0), "line.0.x_ohm_per_km", "no impedance"),
        (put("switch", "element", 99), "switch.0.element", "not there"),
    ],
)
def test_what_is_impossible_is_refused(change: Change, path: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        said(change)
    assert [problem.path for problem in caught.value.problems] == [path]
    assert says in caught.value.problems[0].message


@pytest.mark.parametrize(
    "change",
    [
        lambda net: None,
        both(put("line", "length_km", 900.0), put("line", "in_service", False)),
        both(put("load", "p_mw", 9.0), put("load", "in_service", False)),
        both(put("trafo", "vn_lv_kv", 0.42), put("trafo", "vn_hv_kv", 21.0)),
        put("ext_grid", "vm_pu", 1.05),
        put("line", "max_i_ka", 1.9),
    ],
)
def test_what_is_out_of_service_or_usual_is_not_doubted(change: Change) -> None:
    assert said(change) == ()


def test_one_line_says_it_of_many() -> None:
    net = nw.create_kerber_dorfnetz()
    net.line["max_i_ka"] *= 1000
    (warning,) = take_in(source_of(net)).warnings
    assert f"and {len(net.line) - 5} more" in warning.message


@pytest.mark.parametrize("name", [name for name in names("networks") if not name.startswith("simbench")])
@pytest.mark.fast_cases("cigre_lv", "kerber_landnetz_freileitung_2")
def test_no_built_in_network_is_doubted(name: str) -> None:
    network, folder = load_network(name, Path())
    assert take_in(read_source(network, folder)).warnings == ()


def test_the_simbench_grid_of_the_tests_is_not_doubted() -> None:
    pytest.importorskip("simbench")
    network, folder = load_network("simbench_rural3", shelf_folder("networks"))
    taken = take_in(read_source(network, folder))
    assert taken.warnings == ()
    assert taken.left_out == ()
