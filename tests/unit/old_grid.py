"""A small grid with the elements that files of older pandapower versions hold, built with the installed one.

::

    0 (110 kV) -trafo 0- 1 (20 kV) -line- 2 -line, open- 3; 1 -switch- 3 -trafo 1- 4 (0.4 kV) -line- 5
    0 -line- 6 (110 kV) -trafo3w- 7 (20 kV), 8 (10 kV)
    6 -impedance- 9 (110 kV) -trafo 2, which shifts the phase; not in 1.2- 0
"""

from __future__ import annotations

from functools import cache

import pandapower as pp

VERSIONS = ("1.2.0", "1.5.1", "1.6.0", "2.0.1", "2.14.0")


@cache
def grid(version: str) -> pp.pandapowerNet:
    """The grid in the installed pandapower's format, solved; it holds no more than `version` can say."""
    net = pp.create_empty_network()
    for name, vn_kv in zip("abcdefghij", (110, 20, 20, 20, 0.4, 0.4, 110, 20, 10, 110), strict=True):
        pp.create_bus(net, vn_kv, name=f"Bus {name}")
    pp.create_ext_grid(net, 0, vm_pu=1.02, s_sc_max_mva=5000.0, rx_min=0.1, rx_max=0.1, name="Supply")
    _add_branches(net)
    _add_powers(net)
    if version != "1.2.0":  # there: no shunt of several steps, no load that follows its voltage ...
        net.shunt["step"], net.shunt["max_step"] = 2, 3
        net.line["g_us_per_km"] = 1.5
        net.load["const_z_p_percent"] = net.load["const_z_q_percent"] = 30.0
        net.load["const_i_p_percent"] = net.load["const_i_q_percent"] = 20.0
        net.trafo["df"] = 0.9
        pp.create_transformer_from_parameters(  # ... and nothing that says what a tap changer does
            net, 0, 9, 100, 110, 110, vk_percent=10, vkr_percent=0.3, pfe_kw=20, i0_percent=0.05,
            tap_side="hv", tap_neutral=0, tap_min=-5, tap_max=5, tap_step_degree=1.5, tap_pos=1,
            tap_changer_type="Ideal", name="Shifter",
        )  # fmt: skip
    if version == "2.14.0":
        net.trafo.loc[1, ["tap_pos", "vk_percent"]] = -2, 3.5
    pp.runpp(net, tolerance_mva=1e-11, numba=False)
    return net


def _add_branches(net: pp.pandapowerNet) -> None:
    """Transformers with taps, lines, switches and an impedance."""
    pp.create_transformer_from_parameters(
        net, 0, 1, 40, 110, 20, vk_percent=12, vkr_percent=0.4, pfe_kw=18, i0_percent=0.05, shift_degree=30,
        tap_side="hv", tap_neutral=0, tap_min=-9, tap_max=9, tap_step_percent=1.5, tap_pos=-2,
        tap_changer_type="Ratio", name="Primary",
    )  # fmt: skip
    pp.create_transformer(net, 3, 4, "0.4 MVA 20/0.4 kV", tap_pos=1, name="Secondary")
    net.trafo.loc[1, ["vk_percent", "vkr_percent"]] = 4.0, 1.4
    pp.create_transformer3w(net, 6, 7, 8, "63/25/38 MVA 110/20/10 kV", tap_pos=2, name="Three")
    net.trafo3w[["shift_mv_degree", "shift_lv_degree"]] = 30.0
    pp.create_line(net, 1, 2, 4.0, "NA2XS2Y 1x185 RM/25 12/20 kV", parallel=2)
    ring = pp.create_line(net, 2, 3, 3.0, "NA2XS2Y 1x185 RM/25 12/20 kV")
    pp.create_line(net, 4, 5, 0.15, "NAYY 4x150 SE", df=0.9)
    pp.create_line(net, 0, 6, 25.0, "184-AL1/30-ST1A 110.0")
    pp.create_impedance(net, 6, 9, rft_pu=0.01, xft_pu=0.05, rtf_pu=0.012, xtf_pu=0.06, sn_mva=100)
    pp.create_switch(net, 1, 3, "b", type="CB", name="Coupler")
    pp.create_switch(net, 3, ring, "l", closed=False, type="LBS")
    pp.create_switch(net, 4, 1, "t", type="CB")


def _add_powers(net: pp.pandapowerNet) -> None:
    """What draws and feeds in."""
    for bus, p_mw, q_mvar in ((2, 6.0, 1.5), (5, 0.08, 0.02), (7, 9.0, 2.0), (8, 4.0, 1.0), (9, 12.0, 3.0)):
        pp.create_load(net, bus, p_mw, q_mvar, scaling=0.9)
    pp.create_sgen(net, 5, 0.03, -0.004, sn_mva=0.04, type="PV")
    pp.create_sgen(net, 2, 2.0, 0.3, type="WP")
    pp.create_gen(net, 8, 5.0, vm_pu=1.01, min_q_mvar=-4.0, max_q_mvar=6.0, name="Turbine")
    pp.create_shunt(net, 2, q_mvar=-0.6, p_mw=0.01)
    pp.create_ward(net, 7, ps_mw=0.5, qs_mvar=0.1, pz_mw=0.2, qz_mvar=-0.1)
    pp.create_xward(net, 9, 2.0, -1.0, 1.5, 0.4, r_ohm=0.3, x_ohm=12.0, vm_pu=1.01)
