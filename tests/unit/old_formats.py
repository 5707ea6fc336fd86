"""Files as older versions of pandapower wrote them, made from a small grid of our own.

The grid's tables are taken back step by step to what a version had: columns that came later go, names and
units become the old ones, and generation becomes negative, as it was before version 2. The facts of each
format are those that ``pandapower.convert_format`` undoes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandapower as pp
import pandas as pd

from tests.unit.old_grid import VERSIONS, grid

_TABLES = {  # the columns of version 2.14
    "bus": "name vn_kv type zone in_service",
    "load": "name bus p_mw q_mvar const_z_percent const_i_percent sn_mva scaling in_service type",
    "sgen": "name bus p_mw q_mvar sn_mva scaling in_service type current_source",
    "storage": "name bus p_mw q_mvar sn_mva soc_percent min_e_mwh max_e_mwh scaling in_service type",
    "gen": "name bus p_mw vm_pu sn_mva min_q_mvar max_q_mvar scaling slack in_service slack_weight type",
    "switch": "bus element et type closed name z_ohm in_ka",
    "shunt": "bus name q_mvar p_mw vn_kv step max_step in_service",
    "ext_grid": "name bus vm_pu va_degree slack_weight in_service s_sc_max_mva rx_min rx_max",
    "line": "name std_type from_bus to_bus length_km r_ohm_per_km x_ohm_per_km c_nf_per_km g_us_per_km "
    "max_i_ka df parallel type in_service",
    "trafo": "name std_type hv_bus lv_bus sn_mva vn_hv_kv vn_lv_kv vk_percent vkr_percent pfe_kw i0_percent "
    "shift_degree tap_side tap_neutral tap_min tap_max tap_step_percent tap_step_degree tap_pos "
    "tap_phase_shifter parallel df in_service tap_dependent_impedance vk_percent_characteristic",
    "trafo3w": "name std_type hv_bus mv_bus lv_bus sn_hv_mva sn_mv_mva sn_lv_mva vn_hv_kv vn_mv_kv vn_lv_kv "
    "vk_hv_percent vk_mv_percent vk_lv_percent vkr_hv_percent vkr_mv_percent vkr_lv_percent pfe_kw "
    "i0_percent shift_mv_degree shift_lv_degree tap_side tap_neutral tap_min tap_max tap_step_percent "
    "tap_step_degree tap_pos tap_at_star_point in_service",
    "impedance": "name from_bus to_bus rft_pu xft_pu rtf_pu xtf_pu sn_mva in_service",
    "dcline": "name from_bus to_bus p_mw loss_percent loss_mw vm_from_pu vm_to_pu max_p_mw min_q_from_mvar "
    "min_q_to_mvar max_q_from_mvar max_q_to_mvar in_service",
    "ward": "name bus ps_mw qs_mvar qz_mvar pz_mw in_service",
    "xward": "name bus ps_mw qs_mvar qz_mvar pz_mw r_ohm x_ohm vm_pu slack_weight in_service",
    "res_bus": "vm_pu va_degree p_mw q_mvar",
    "res_ext_grid": "p_mw q_mvar",
    "res_gen": "p_mw q_mvar va_degree vm_pu",
    "res_sgen": "p_mw q_mvar",
    "res_load": "p_mw q_mvar",
    "res_line": "p_from_mw q_from_mvar p_to_mw q_to_mvar pl_mw ql_mvar i_from_ka i_to_ka i_ka "
    "vm_from_pu va_from_degree vm_to_pu va_to_degree loading_percent",
}

_NOT_YET = {  # what the version, and those before it, did not have
    "2.0.1": {
        "gen": "slack_weight",
        "switch": "in_ka",
        "ext_grid": "slack_weight",
        "trafo": "tap_dependent_impedance vk_percent_characteristic",
        "xward": "slack_weight",
    },
    "1.6.0": {
        "gen": "slack",
        "sgen": "current_source",
        "switch": "z_ohm",
        "res_line": "vm_from_pu va_from_degree vm_to_pu va_to_degree",
    },
    "1.2.0": {
        "load": "const_z_percent const_i_percent",
        "shunt": "vn_kv step max_step",
        "line": "g_us_per_km",
        "trafo": "tap_phase_shifter df",
        "trafo3w": "tap_step_degree tap_at_star_point",
    },
}

_WHOLE = {  # the types of whole numbers that the installed pandapower does not leave in these columns
    "shunt": {"step": "uint32", "max_step": "uint32"},
    "trafo": {"tap_pos": "int32"},
    "trafo3w": dict.fromkeys(("hv_bus", "mv_bus", "lv_bus"), "uint32")
    | dict.fromkeys(("tap_neutral", "tap_min", "tap_max", "tap_pos"), "int32"),
}
_NEW_IN_TYPES = ["alpha", "voltage_rating", "tap_changer_type", "trafo_characteristic_table"]

_EMPTY_IN_2_14 = ("motor", "svc", "ssc", "tcsc")
_MEASUREMENTS = {
    1: "name type element_type value std_dev bus element",
    2: "name measurement_type element_type element value std_dev side",
}
_COSTS = {
    1: {
        "piecewise_linear_cost": "type element element_type p f",
        "polynomial_cost": "type element element_type c",
    },
    2: {
        "pwl_cost": "power_type element et points",
        "poly_cost": "element et cp0_eur cp1_eur_per_mw cp2_eur_per_mw2 cq0_eur "
        "cq1_eur_per_mvar cq2_eur_per_mvar2",
    },
}


def old_file(version: str, folder: Path) -> Path:
    """The grid in a file of a version."""
    file = folder / "old.json"
    file.write_text(_text(version))
    return file


@cache
def _text(version: str) -> str:
    """The text of a version's file."""
    return _WRITERS[version](_tables(version), _standard_types(version))


def _tables(version: str) -> dict[str, pd.DataFrame]:
    """The grid's tables as the version had them."""
    net = grid(version)
    tables = {}
    for table, columns in _TABLES.items():
        frame = _before_3(net, table)
        gone = {
            name
            for later, missing in _NOT_YET.items()
            if VERSIONS.index(version) <= VERSIONS.index(later)
            for name in missing.get(table, "").split()
        }
        kept = frame[[name for name in columns.split() if name not in gone]]
        tables[table] = kept if version.startswith("2") else _before_2(kept, table)
    if version == "1.2.0":
        return {table: frame for table, frame in tables.items() if len(frame)}  # it wrote no empty table
    generation = int(version[0])
    empty = {"line_geodata": "coords", "measurement": _MEASUREMENTS[generation]} | _COSTS[generation]
    tables |= {key: pd.DataFrame(columns=columns.split()) for key, columns in empty.items()}
    tables["bus_geodata"] = pd.DataFrame({"x": net.bus.index * 1.5, "y": net.bus.index * -0.5})
    if version == "1.5.1":  # the installed pandapower does not read places in a file of 1.5
        tables |= {"bus_geodata": tables["bus_geodata"][:0], "line_geodata": pd.DataFrame()}
    if generation == 2:
        tables["bus_geodata"]["coords"] = None
    if version == "2.14.0":
        tables |= {table: net[table] for table in _EMPTY_IN_2_14}
        tables["group"] = net.group.rename(columns={"element_index": "element"})
    return tables


def _before_3(net: pp.pandapowerNet, table: str) -> pd.DataFrame:
    """A table with the columns that version 3 has replaced."""
    frame = net[table].astype(_WHOLE.get(table, {}))
    if table == "load":
        frame["const_z_percent"], frame["const_i_percent"] = frame.const_z_p_percent, frame.const_i_p_percent
    if table == "trafo":
        frame["tap_phase_shifter"] = frame.tap_changer_type.eq("Ideal")
        follows = frame.index == 1
        frame["tap_dependent_impedance"] = follows
        frame["vk_percent_characteristic"] = pd.Series(0, index=frame.index, dtype="Int64").where(follows)
        frame.loc[follows, "vk_percent"] = 4.0  # at the tap position the characteristic says otherwise
    return frame


def _before_2(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """A table in kilowatts, generation negative, taps and short-circuit voltages by their old names."""
    frame = frame.copy()
    if table in ("gen", "sgen", "res_gen", "res_sgen", "res_ext_grid"):
        frame[[name for name in frame.columns if name.endswith(("p_mw", "q_mvar"))]] *= -1
    if table == "gen":
        frame[["min_q_mvar", "max_q_mvar"]] = frame[["max_q_mvar", "min_q_mvar"]].to_numpy()
    for name in frame.columns:
        if "_mw" in name or ("_mva" in name and name != "s_sc_max_mva"):  # that was in MVA before, too
            frame[name] *= 1e3
    return frame.rename(columns=_old_name)


def _old_name(name: str) -> str:
    """A column's name before version 2."""
    if name.startswith("tap_") and name != "tap_at_star_point":
        name = name.replace("tap_", "tp_").replace("_step_", "_st_").replace("_neutral", "_mid")
    if name.startswith("vk"):
        name = f"vsc{name[2:]}"
    return name if name == "s_sc_max_mva" else name.replace("_mw", "_kw").replace("_mva", "_kva")


def _standard_types(version: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The standard types in use, by kind and name."""
    net = grid(version)
    kinds: dict[str, dict[str, dict[str, Any]]] = {"line": {}, "trafo": {}, "trafo3w": {}}
    for kind, types in kinds.items():
        for name in net[kind].std_type.dropna().unique():
            values = pd.DataFrame([net.std_types[kind][name]]).drop(columns=_NEW_IN_TYPES, errors="ignore")
            if kind == "trafo" and version != "1.2.0":
                values["tap_phase_shifter"] = False
            values = values if version.startswith("2") else _before_2(values, kind)
            types[name] = json.loads(values.to_json(orient="records"))[0]
    return kinds


def _by_column(frame: pd.DataFrame) -> Any:
    """A table as it was written before 1.6: each column maps the index, a text, to a value."""
    return json.loads(frame.to_json())


def _split(frame: pd.DataFrame, **more: Any) -> dict[str, Any]:
    """A table as it is written since 1.6."""
    return {
        "_module": "pandas.core.frame",
        "_class": "DataFrame",
        "_object": frame.to_json(orient="split", double_precision=15),
        "orient": "split",
        "dtype": {name: str(kind) for name, kind in frame.dtypes.items()},
    } | more


def _1_2(tables: dict[str, pd.DataFrame], types: dict[str, Any]) -> str:
    single = {
        "version": 1.2,
        "name": None,
        "converged": True,
        "f_hz": 50.0,
        "sn_kva": 1000.0,
        "std_types": types,
    }
    return json.dumps({key: _by_column(frame) for key, frame in tables.items()} | single)


def _1_5(tables: dict[str, pd.DataFrame], types: dict[str, Any]) -> str:
    """Single values stand below ``parameters``, standard types and the types of columns in tables."""
    kinds = [(table, name, str(kind)) for table in tables for name, kind in tables[table].dtypes.items()]
    frames = tables | {f"{kind}_std_types": pd.DataFrame(types[kind]).T for kind in types}
    frames["dtypes"] = pd.DataFrame(kinds, columns=["element", "column", "dtype"])
    single = {
        "name": "",
        "version": 1.5,
        "converged": True,
        "OPF_converged": False,
        "f_hz": 50.0,
        "sn_kva": 1000.0,
    }
    document = {key: _by_column(frame) for key, frame in frames.items()}
    return json.dumps(document | {"parameters": {"parameter": single}})


def _1_6(tables: dict[str, pd.DataFrame], types: dict[str, Any]) -> str:
    single = {"version": 1.6, "sn_kva": 1000.0} | _single(types)
    return json.dumps({key: _split(frame) for key, frame in tables.items()} | single)


def _2_0(tables: dict[str, pd.DataFrame], types: dict[str, Any]) -> str:
    """The whole net is a text."""
    single = {"version": "2.0.1", "sn_mva": 1} | _single(types)
    inner = json.dumps({key: _split(frame) for key, frame in tables.items()} | single)
    return json.dumps({"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": inner})


def _2_14(tables: dict[str, pd.DataFrame], types: dict[str, Any]) -> str:
    """With a characteristic and a controller, which are objects."""
    characteristic = pd.DataFrame({"object": [_characteristic()]})
    controller = pd.DataFrame(
        {"object": [_tap_controller()], "in_service": True, "order": 0.0, "level": 0, "initial_run": True}
    )
    controller["recycle"] = [{"trafo": True, "gen": False, "bus_pq": False}]
    frames = tables | {"characteristic": characteristic, "controller": controller}
    net: dict[str, Any]
    net = {key: _split(frame, is_multiindex=False, is_multicolumn=False) for key, frame in frames.items()}
    net |= {"version": "2.14.0", "format_version": "2.14.0", "sn_mva": 1} | _single(types)
    return json.dumps({"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": net})


def _single(types: dict[str, Any]) -> dict[str, Any]:
    """The single values of 1.6 and later."""
    return {
        "name": "",
        "converged": True,
        "OPF_converged": False,
        "f_hz": 50.0,
        "std_types": types,
        "user_pf_options": {},
    }


def _characteristic() -> dict[str, Any]:
    """A short-circuit voltage that rises with the tap position."""
    state = {"x_vals": [-2, 0, 2], "y_vals": [3.5, 4, 4.5], "index": _numpy("int64", 0), "kwargs": {}}
    return _object("pandapower.control.util.characteristic", state | {"interpolator_kind": "interp1d"})


def _tap_controller() -> dict[str, Any]:
    """A controller of the secondary transformer's tap changer, as version 2 called its attributes."""
    state = {
        "index": _numpy("int64", 0),
        "matching_params": {"tid": 1, "trafotype": "2W"},
        "trafotype": "2W",
        "tid": 1,
        "trafotable": "trafo",
        "side": "lv",
        "_read_write_flag": "single_index",
        "trafobus": _numpy("uint32", 4),
        "controlled_tid": 1,
        "controlled_bus": _numpy("uint32", 4),
        "tap_min": _numpy("float64", -2.0),
        "tap_max": _numpy("float64", 2.0),
        "tap_neutral": _numpy("float64", 0.0),
        "tap_step_percent": _numpy("float64", 2.5),
        "tap_step_degree": _numpy("float64", 0.0),
        "tap_pos": _numpy("int32", -2),
        "tap_sign": 1,
        "tap_side_coeff": 1,
        "tol": 0.001,
        "vm_lower_pu": 1.01,
        "vm_upper_pu": 1.04,
        "vm_delta_pu": _numpy("float64", 0.0135),
        "_vm_set_pu": None,
    }
    return _object("pandapower.control.controller.trafo.DiscreteTapControl", state)


def _object(module: str, state: dict[str, Any]) -> dict[str, Any]:
    name = "SplineCharacteristic" if module.endswith("characteristic") else module.rpartition(".")[2]
    return {"_module": module, "_class": name, "_object": json.dumps(state)}


def _numpy(kind: str, value: float) -> dict[str, Any]:
    return {"_module": "numpy", "_class": kind, "_object": value}


_WRITERS: dict[str, Callable[[dict[str, pd.DataFrame], dict[str, Any]], str]] = {
    "1.2.0": _1_2,
    "1.5.1": _1_5,
    "1.6.0": _1_6,
    "2.0.1": _2_0,
    "2.14.0": _2_14,
}
