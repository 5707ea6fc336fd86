"""What of a net cannot be calculated, said before anything is calculated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.errors import Problem
from cosim.grid.voltage_dependence import share_problems

if TYPE_CHECKING:
    import pandas as pd
    from pandapower.auxiliary import pandapowerNet

MAX_BUSES = 20_000
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
_SWITCHED = {"b": "bus", "l": "line", "t": "trafo", "t3": "trafo3w"}


def find_problems(net: pandapowerNet) -> list[Problem]:
    """Everything about `net` that cannot be calculated, element by element."""
    if len(net.bus) > MAX_BUSES:
        message = f"{len(net.bus)} buses are more than a feeder has"
        return [Problem(message, f"give a grid of at most {MAX_BUSES} buses")]
    problems = [*_structure(net)]
    return problems or [
        *_numbers(net),
        *share_problems(net),
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


def _supply(net: pandapowerNet) -> Iterator[Problem]:
    """Something must balance the network: an external grid, or a generator that stands for one."""
    if not len(net.bus):
        yield Problem("the grid has no bus", "give a grid with buses", "bus")
        return
    balancing = net.gen.in_service.astype(bool) & net.gen.slack.astype(bool)
    if not net.ext_grid.in_service.astype(bool).any() and not balancing.any():
        remedy = "give one (ext_grid), or a generator with slack set to true"
        yield Problem("the grid has no external grid in service", remedy, "ext_grid")


def _switches(net: pandapowerNet) -> Iterator[Problem]:
    """Switches that name something that is not there."""
    for kind, table in _SWITCHED.items():
        rows = net.switch[net.switch.et == kind]
        astray = ~rows.element.isin(net[table].index)
        yield from _each(
            rows, astray, "switch", f"it switches a {table} that is not there", "remove it", "element"
        )
    strange = ~net.switch.et.isin([*_SWITCHED])
    yield from _each(
        net.switch, strange, "switch", "it switches something unknown", "et is b, l, t or t3", "et"
    )


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
