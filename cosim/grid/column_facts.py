"""Which columns of a grid's tables a power flow reads, and what may stand in them.

The one table of facts that checking, typing and completing a grid go by. After pandapower 3.5's own reading
of its tables (``build_bus``, ``build_branch``, ``build_gen``); names and units are pandapower's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "truth",
    "number",
    "nonzero",
    "positive",
    "not_negative",
    "count",
    "whole",
    "bus",
    "bus_dc",
    "side",
    "winding",
    "changer",
    "switched",
    "share",
]

WORDS: dict[str, tuple[str, ...]] = {
    "side": ("hv", "lv"),
    "winding": ("hv", "mv", "lv"),
    "changer": ("Ratio", "Symmetrical", "Ideal", "Tabular"),
    "switched": ("b", "l", "t", "t3"),
}
"""The texts that a column of each kind of text may hold."""


@dataclass(frozen=True)
class Fact:
    """What is known of one column."""

    column: str
    """Its name."""
    kind: Kind
    """What stands in it: ``truth`` (true or false), a number (any, not zero, positive, not negative; a
    ``share`` is from 0 to 1, a ``count`` a whole number from 1, ``whole`` any whole number), an index of a
    bus, or one of `WORDS`. A column of shares may be absent, but a cell of it may not be empty."""
    may_be_missing: bool
    """Whether a cell, and the column, may be empty."""
    default: float | bool | None
    """What the column is where a table does not have it; such a column must be there otherwise."""


_POWER = "bus:bus p_mw:number q_mvar:number scaling:not_negative=1 in_service:truth"
_PHASES = " ".join(f"p_{phase}_mw:number q_{phase}_mvar:number" for phase in "abc")
_UNBALANCED = f"bus:bus {_PHASES} scaling:not_negative=1 in_service:truth"
_TAP = (
    "tap_neutral:number? tap_min:number? tap_max:number? tap_step_percent:number? "
    "tap_step_degree:number? tap_pos:number? tap_changer_type:changer? tap_dependency_table:truth? "
    "tap_phase_shifter:truth? tap_dependent_impedance:truth? id_characteristic_table:whole?"
)
_TAP2 = (
    "tap2_side:side? tap2_neutral:number? tap2_min:number? tap2_max:number? tap2_step_percent:number? "
    "tap2_step_degree:number? tap2_pos:number? tap2_changer_type:changer? tap2_phase_shifter:truth?"
)
_CONVERTER = "r_ohm:number x_ohm:number r_dc_ohm:number pl_dc_mw:number controllable:truth in_service:truth"
_FACTS = {
    "bus": "vn_kv:positive in_service:truth",
    "bus_dc": "vn_kv:positive in_service:truth",
    "ext_grid": "bus:bus vm_pu:positive va_degree:number=0 in_service:truth",
    "line": "from_bus:bus to_bus:bus length_km:positive r_ohm_per_km:number x_ohm_per_km:number "
    "c_nf_per_km:number g_us_per_km:number=0 max_i_ka:positive? df:positive=1 parallel:count=1 "
    "in_service:truth",
    "line_dc": "from_bus_dc:bus_dc to_bus_dc:bus_dc length_km:positive r_ohm_per_km:number "
    "g_us_per_km:number=0 max_i_ka:positive? df:positive=1 parallel:count=1 in_service:truth",
    "trafo": "hv_bus:bus lv_bus:bus sn_mva:positive vn_hv_kv:positive vn_lv_kv:positive vk_percent:nonzero "
    "vkr_percent:number pfe_kw:number i0_percent:number shift_degree:number=0 parallel:count=1 df:positive=1 "
    "leakage_resistance_ratio_hv:share? leakage_reactance_ratio_hv:share? in_service:truth tap_side:side? "
    f"{_TAP} {_TAP2}",
    "trafo3w": "hv_bus:bus mv_bus:bus lv_bus:bus "
    "sn_hv_mva:positive sn_mv_mva:positive sn_lv_mva:positive vn_hv_kv:positive vn_mv_kv:positive "
    "vn_lv_kv:positive vk_hv_percent:number vk_mv_percent:number vk_lv_percent:number vkr_hv_percent:number "
    "vkr_mv_percent:number vkr_lv_percent:number pfe_kw:number i0_percent:number shift_mv_degree:number=0 "
    f"shift_lv_degree:number=0 tap_at_star_point:truth=False in_service:truth tap_side:winding? {_TAP}",
    "impedance": "from_bus:bus to_bus:bus rft_pu:number xft_pu:number rtf_pu:number xtf_pu:number "
    "gf_pu:number=0 bf_pu:number=0 gt_pu:number=0 bt_pu:number=0 sn_mva:positive in_service:truth",
    "switch": "bus:bus element:whole et:switched closed:truth z_ohm:not_negative=0",
    "load": f"{_POWER} const_z_p_percent:number=0 const_i_p_percent:number=0 "
    "const_z_q_percent:number=0 const_i_q_percent:number=0",
    "sgen": _POWER,
    "storage": _POWER,
    "asymmetric_load": _UNBALANCED,
    "asymmetric_sgen": _UNBALANCED,
    "gen": "bus:bus p_mw:number vm_pu:positive scaling:not_negative=1 slack:truth=False in_service:truth",
    "motor": "bus:bus pn_mech_mw:number loading_percent:number cos_phi:positive efficiency_percent:positive "
    "scaling:not_negative=1 in_service:truth",
    "shunt": "bus:bus p_mw:number q_mvar:number vn_kv:positive? step:number=1 max_step:number? "
    "step_dependency_table:truth? id_characteristic_table:whole? in_service:truth",
    "ward": "bus:bus ps_mw:number qs_mvar:number pz_mw:number qz_mvar:number in_service:truth",
    "xward": "bus:bus ps_mw:number qs_mvar:number pz_mw:number qz_mvar:number r_ohm:number x_ohm:number "
    "vm_pu:positive in_service:truth",
    "dcline": "from_bus:bus to_bus:bus p_mw:number loss_percent:number loss_mw:number vm_from_pu:positive "
    "vm_to_pu:positive in_service:truth",
    "svc": "bus:bus x_l_ohm:number x_cvar_ohm:number set_vm_pu:positive thyristor_firing_angle_degree:number "
    "controllable:truth in_service:truth min_angle_degree:number=90 max_angle_degree:number=180",
    "ssc": "bus:bus r_ohm:number x_ohm:number vm_internal_pu:positive va_internal_degree:number "
    "set_vm_pu:positive controllable:truth in_service:truth",
    "tcsc": "from_bus:bus to_bus:bus x_l_ohm:number x_cvar_ohm:number set_p_to_mw:number "
    "thyristor_firing_angle_degree:number controllable:truth in_service:truth",
    "vsc": f"bus:bus bus_dc:bus_dc {_CONVERTER} control_value_ac:number control_value_dc:number",
    "vsc_stacked": f"bus:bus bus_dc_plus:bus_dc bus_dc_minus:bus_dc {_CONVERTER} "
    "control_value_ac:number control_value_dc:number",
    "vsc_bipolar": f"bus:bus bus_dc_plus:bus_dc bus_dc_minus:bus_dc {_CONVERTER} "
    "control_value_1:number control_value_2:number",
    "source_dc": "bus_dc:bus_dc vm_pu:positive in_service:truth",
    "load_dc": "bus_dc:bus_dc p_dc_mw:number scaling:not_negative=1 in_service:truth",
    "trafo_characteristic_table": "id_characteristic:whole step:number voltage_ratio:number? "
    "angle_deg:number? vk_percent:number? vkr_percent:number?",
    "shunt_characteristic_table": "id_characteristic:whole step:number q_mvar:number p_mw:number",
}


def _fact(text: str) -> Fact:
    """``column:kind``, ``column:kind?`` or ``column:kind=default`` as a fact."""
    column, _, rest = text.partition(":")
    kind, equals, default = rest.rstrip("?").partition("=")
    value = None if not equals else default == "True" if default in ("True", "False") else float(default)
    return Fact(column, kind, rest.endswith("?"), value)  # type: ignore[arg-type]  # held by a test


FACTS: dict[str, tuple[Fact, ...]] = {
    table: tuple(_fact(text) for text in line.split()) for table, line in _FACTS.items()
}
"""The facts of each table."""

_RENAMED = (("tp_", "tap_"), ("_st_", "_step_"), ("_mid", "_neutral"), ("vsc", "vk"))
_UNITS = (("_kw", "_mw"), ("_kvar", "_mvar"), ("_kva", "_mva"))
_SINGLE = {"imax_ka": "max_i_ka", "r_pu": "rft_pu", "x_pu": "xft_pu"}


def modern_name(table: str, column: str) -> str:
    """The name that pandapower 3 has for a column of any of its versions."""
    name = _SINGLE.get(column, column)
    if table in ("trafo", "trafo3w") and column.startswith(("tp", "vsc")):
        for old, new in _RENAMED:
            name = name.replace(old, new)
    for old, new in _UNITS:
        if name.endswith(old) and name != "pfe_kw":
            return name.removesuffix(old) + new
    return name
