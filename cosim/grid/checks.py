"""What of a net cannot be calculated as a balanced feeder of loads, said before anything is calculated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.errors import Problem

if TYPE_CHECKING:
    import pandas as pd
    from pandapower.auxiliary import pandapowerNet

MAX_BUSES = 20_000
_UNSUPPORTED = {
    "gen": "it holds its voltage; give a static generator (sgen) instead",
    "dcline": "it holds voltages; remove it",
    "trafo3w": "a loading of three-winding transformers is not reported; model it by two-winding ones",
    "ward": "it depends on the voltage; give a load and a shunt instead",
    "xward": "it holds a voltage; remove it",
    "motor": "give a load with its power instead",
    "svc": "it controls the voltage; remove it",
    "ssc": "it controls the voltage; remove it",
    "vsc": "it controls the voltage; remove it",
    "tcsc": "it controls the flow; remove it",
    "line_dc": "direct-current grids are not calculated; remove it",
    "bus_dc": "direct-current grids are not calculated; remove it",
}
_FINITE = {
    "bus": ("vn_kv",),
    "ext_grid": ("vm_pu", "va_degree"),
    "line": ("length_km", "r_ohm_per_km", "x_ohm_per_km", "c_nf_per_km", "max_i_ka", "df", "parallel"),
    "trafo": (
        *("sn_mva", "vn_hv_kv", "vn_lv_kv", "vk_percent", "vkr_percent"),
        *("pfe_kw", "i0_percent", "shift_degree", "parallel", "df"),
    ),
    "load": ("p_mw", "q_mvar", "scaling"),
    "sgen": ("p_mw", "q_mvar", "scaling"),
    "storage": ("p_mw", "q_mvar", "scaling"),
    "asymmetric_load": [f"{x}_{phase}_{unit}" for x, unit in (("p", "mw"), ("q", "mvar")) for phase in "abc"],
    "asymmetric_sgen": [f"{x}_{phase}_{unit}" for x, unit in (("p", "mw"), ("q", "mvar")) for phase in "abc"],
    "impedance": ("rft_pu", "xft_pu", "rtf_pu", "xtf_pu", "sn_mva"),
    "shunt": ("p_mw", "q_mvar", "vn_kv", "step"),
}
_POSITIVE = {
    "bus": ("vn_kv",),
    "ext_grid": ("vm_pu",),
    "line": ("length_km", "max_i_ka", "df", "parallel"),
    "trafo": ("sn_mva", "vn_hv_kv", "vn_lv_kv", "vk_percent", "parallel", "df"),
}
_BUS_COLUMNS = {
    "ext_grid": ("bus",),
    "line": ("from_bus", "to_bus"),
    "trafo": ("hv_bus", "lv_bus"),
    "load": ("bus",),
    "sgen": ("bus",),
    "storage": ("bus",),
    "asymmetric_load": ("bus",),
    "asymmetric_sgen": ("bus",),
    "shunt": ("bus",),
    "switch": ("bus",),
    "impedance": ("from_bus", "to_bus"),
}
_SWITCHED = {"b": "bus", "l": "line", "t": "trafo"}


def find_problems(net: pandapowerNet) -> list[Problem]:
    """Everything about `net` that cannot be calculated, element by element."""
    if len(net.bus) > MAX_BUSES:
        message = f"{len(net.bus)} buses are more than a feeder has"
        return [Problem(message, f"give a grid of at most {MAX_BUSES} buses")]
    problems = [*_structure(net)]
    return problems or [
        *_unsupported(net),
        *_numbers(net),
        *_voltage_dependence(net),
        *_supply(net),
        *_switches(net),
    ]


def _structure(net: pandapowerNet) -> Iterator[Problem]:
    """Missing columns, and elements at buses that are not there."""
    for table in sorted({*_FINITE, *_BUS_COLUMNS}):
        needed = {*_FINITE.get(table, ()), *_BUS_COLUMNS.get(table, ()), *_flags(table)}
        missing = sorted(needed - set(net[table].columns))
        if missing:
            remedy = "save the grid with pandapower.to_json"
            yield Problem(f"the table has no column {', '.join(missing)}", remedy, table)
            continue
        for column in _BUS_COLUMNS.get(table, ()):
            astray = ~net[table][column].isin(net.bus.index)
            yield from _each(
                net[table], astray, table, f"its {column} is no bus of the grid", "name a bus", column
            )


def _flags(table: str) -> tuple[str, ...]:
    """Columns that say whether an element is in use."""
    return (
        ("et", "element", "closed")
        if table == "switch"
        else ("in_service", "name")[: 1 if table == "shunt" else 2]
    )


def _unsupported(net: pandapowerNet) -> Iterator[Problem]:
    """Elements whose behaviour is not that of a load, a line or a transformer."""
    for table, remedy in _UNSUPPORTED.items():
        rows = net.get(table)
        if rows is not None and len(rows):
            active = rows["in_service"].astype(bool) if "in_service" in rows else rows.index == rows.index
            yield from _each(rows, active, table, "a feeder cannot hold this element", remedy)
    for table, column in (("trafo", "tap_dependency_table"), ("shunt", "step_dependency_table")):
        if column in net[table]:
            depends = net[table][column].fillna(False).astype(bool)
            yield from _each(
                net[table], depends, table, "characteristic tables are not read", f"set {column} to false"
            )


def _numbers(net: pandapowerNet) -> Iterator[Problem]:
    """Values in use that are missing, not finite, or not positive where they must be."""
    for table, columns in _FINITE.items():
        rows = net[table]
        active = rows["in_service"].astype(bool).to_numpy()
        for column in columns:
            try:
                values = rows[column].to_numpy(np.float64, na_value=np.nan)
            except (TypeError, ValueError):
                yield Problem(
                    "the column holds something else than numbers", "give numbers", f"{table}.{column}"
                )
                continue
            with np.errstate(invalid="ignore"):
                too_small = values <= 0 if column in _POSITIVE.get(table, ()) else np.zeros(len(values), bool)
            wrong = active & (~np.isfinite(values) | too_small)
            need = "a positive number" if column in _POSITIVE.get(table, ()) else "a number"
            yield from _each(rows, wrong, table, f"{column} must be {need}", "correct it in the grid", column)
    rows = net.line
    short = (rows.r_ohm_per_km == 0) & (rows.x_ohm_per_km == 0) & rows.in_service.astype(bool)
    yield from _each(rows, short, "line", "it has no impedance", "give a closed bus-bus switch instead")


def _voltage_dependence(net: pandapowerNet) -> Iterator[Problem]:
    """Loads that are not constant power: power comes in as P and Q, so their dependence would be lost."""
    rows = net.load
    shares = [column for column in rows.columns if str(column).startswith(("const_z", "const_i"))]
    for column in shares:
        depends = (rows[column].fillna(0) != 0) & rows.in_service.astype(bool)
        message = "it depends on the voltage, but here a load is its power (P, Q), whatever the voltage"
        yield from _each(rows, depends, "load", message, f"set {column} to 0", column)


def _supply(net: pandapowerNet) -> Iterator[Problem]:
    """A feeder without an external grid has no supply."""
    if not len(net.bus):
        yield Problem("the grid has no bus", "give a grid with buses", "bus")
    elif not net.ext_grid.in_service.astype(bool).any():
        yield Problem("the grid has no external grid in service", "give one (ext_grid)", "ext_grid")


def _switches(net: pandapowerNet) -> Iterator[Problem]:
    """Switches that name something that is not there."""
    for kind, table in _SWITCHED.items():
        rows = net.switch[net.switch.et == kind]
        astray = ~rows.element.isin(net[table].index)
        yield from _each(
            rows, astray, "switch", f"it switches a {table} that is not there", "remove it", "element"
        )
    strange = ~net.switch.et.isin([*_SWITCHED])
    yield from _each(net.switch, strange, "switch", "it switches something unknown", "et is b, l or t", "et")


def _each(
    rows: pd.DataFrame,
    wrong: pd.Series | NDArray[np.bool_],
    table: str,
    message: str,
    remedy: str,
    column: str = "",
) -> Iterator[Problem]:
    """One problem for the first few rows that are wrong, and one that counts the rest."""
    found = rows.index[np.asarray(wrong, dtype=bool)]
    for index in found[:5]:
        value = str(rows.at[index, column]) if column else ""
        yield Problem(message, remedy, f"{table}.{index}" + (f".{column}" if column else ""), value=value)
    if len(found) > 5:
        yield Problem(f"{message}: the same in {len(found) - 5} more", remedy, table)
