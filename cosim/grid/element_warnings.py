"""Warnings that name the elements they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem, listed
from cosim.grid.column_check import NAMED, shown

if TYPE_CHECKING:
    import pandas as pd

NOUNS = {
    "line": ("line", "lines"),
    "trafo": ("transformer", "transformers"),
    "trafo3w": ("three-winding transformer", "three-winding transformers"),
    "ext_grid": ("external grid", "external grids"),
    "gen": ("generator", "generators"),
    "sgen": ("static generator", "static generators"),
    "storage": ("storage", "storages"),
    "switch": ("switch", "switches"),
    "bus": ("bus", "buses"),
    "impedance": ("impedance", "impedances"),
    "shunt": ("shunt", "shunts"),
    "asymmetric_load": ("single-phase load", "single-phase loads"),
    "asymmetric_sgen": ("single-phase generator", "single-phase generators"),
}
"""What an element of a table is called, one and several."""


def named(rows: pd.DataFrame, found: list[int], table: str) -> str:
    """Elements by index and name: ``line 3 ('Line 4')``, ``lines 3, 4, 5, 6, 7 and 12 more``."""
    one, many = NOUNS.get(table, (table, f"{table}s"))
    texts = []
    for index in found[:NAMED]:
        name = rows.at[index, "name"] if "name" in rows.columns else None
        texts.append(f"{index} ({shown(name)})" if isinstance(name, str) and name else str(index))
    if len(found) > NAMED:
        texts.append(f"{len(found) - NAMED} more")
    return f"{one if len(found) == 1 else many} {listed(texts)}"


def doubt(
    rows: pd.DataFrame,
    mask: NDArray[np.bool_] | pd.Series,
    table: str,
    column: str,
    message: str,
    remedy: str,
) -> list[Problem]:
    """One warning that names the elements of a mask; none where it holds for none of them.

    The path is that of the first; `value` is its cell. `message` follows the elements' names and a colon.
    """
    found = [int(index) for index in rows.index[np.asarray(mask, dtype=bool)]]
    if not found:
        return []
    value = shown(rows.at[found[0], column]) if column in rows.columns else ""
    if len(found) > 1 and value:
        value = f"{value} at {NOUNS.get(table, (table,))[0]} {found[0]}"
    text = f"{named(rows, found, table)}: {message}"
    return [Problem(text, remedy, f"{table}.{found[0]}.{column}", value=value, severity="warning")]
