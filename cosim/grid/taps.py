"""Tap changers, whose fields count only together: applied in full, refused, or assumed with a warning.

pandapower 3 moves a transformer's rated voltage only where `tap_changer_type` is ``Ratio``, ``Symmetrical``
or ``Ideal``, `tap_side` names a side, and position, neutral position and step are all there; else it leaves
the tap out without a word. Before version 3 the type did not exist: a tap changer was a ratio unless
`tap_phase_shifter` said that it is an ideal phase shifter. A position that has no type is read in that way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem, listed
from cosim.grid.column_check import each
from cosim.grid.element_warnings import doubt

if TYPE_CHECKING:
    import pandas as pd
    from pandapower.auxiliary import pandapowerNet

BoolArray = NDArray[np.bool_]
_CHANGERS = (("trafo", "tap"), ("trafo", "tap2"), ("trafo3w", "tap"))


def complete_taps(net: pandapowerNet, knows_ratio: bool = False) -> list[Problem]:
    """Complete the tap changers of `net`, in place.

    Parameters
    ----------
    net : pandapowerNet
        A net whose columns were checked and typed.
    knows_ratio : bool
        Whether the source says that its tap changers are ratios (SimBench does), so that taking them as such
        assumes nothing.

    Returns
    -------
    list of Problem
        Warnings that say what was assumed, and errors where nothing can be.
    """
    return [problem for table, tap in _CHANGERS for problem in _complete(net[table], table, tap, knows_ratio)]


def _complete(rows: pd.DataFrame, table: str, tap: str, knows_ratio: bool) -> Iterator[Problem]:
    """The same of one table and one of its tap changers."""
    if not len(rows) or f"{tap}_pos" not in rows.columns:
        return
    for field in ("side", "changer_type"):
        if f"{tap}_{field}" not in rows.columns:
            rows[f"{tap}_{field}"] = None
    pos, neutral = _numbers(rows, f"{tap}_pos"), _numbers(rows, f"{tap}_neutral")
    percent, degree = _numbers(rows, f"{tap}_step_percent"), _numbers(rows, f"{tap}_step_degree")
    steps = (np.nan_to_num(percent) != 0) | (np.nan_to_num(degree) != 0)
    has_side = rows[f"{tap}_side"].notna().to_numpy()
    kind = rows[f"{tap}_changer_type"].to_numpy(object)
    steps = np.where(np.isin(kind.astype(str), ("Ratio", "Symmetrical")), np.nan_to_num(percent) != 0, steps)
    has_type = rows[f"{tap}_changer_type"].notna().to_numpy()
    by_table = (
        rows["tap_dependency_table"].to_numpy(bool) if "tap_dependency_table" in rows else ~has_type & False
    )

    unset = np.isnan(pos) & (has_type | (steps & has_side)) & ~by_table
    at = np.where(np.isnan(neutral), 0.0, neutral)
    yield from doubt(
        rows,
        unset,
        table,
        f"{tap}_pos",
        "the tap changer has no position; its neutral position is taken",
        f"give {tap}_pos",
    )
    pos = np.where(unset, at, pos)
    rows.loc[unset, f"{tap}_pos"] = pos[unset]
    if f"{tap}_neutral" in rows:
        rows.loc[unset & np.isnan(neutral), f"{tap}_neutral"] = 0.0
        neutral = np.where(unset & np.isnan(neutral), 0.0, neutral)

    moved = ~np.isnan(pos) & (pos != neutral) & ~by_table & (steps | has_type | (np.nan_to_num(pos) != 0))
    lacking = {
        f"{tap}_neutral": np.isnan(neutral),
        f"{tap}_side": ~has_side,
        f"{tap}_step_percent": ~steps,
    }
    incomplete = moved & np.any(list(lacking.values()), axis=0)
    for label, index in zip(np.flatnonzero(incomplete), rows.index[incomplete], strict=True):
        names = [column for column, gone in lacking.items() if gone[label]]
        message = f"the tap position has no meaning without {listed(names)}"
        remedy = f"give {listed(names)}, or set {tap}_pos to the neutral position"
        yield Problem(message, remedy, f"{table}.{index}.{tap}_pos", value=f"{pos[label]:g}")
    yield from _name_types(rows, table, tap, moved & ~incomplete & ~has_type, percent, knows_ratio)
    both = (kind == "Ideal") & (np.nan_to_num(percent) != 0) & (np.nan_to_num(degree) != 0) & ~by_table
    message = "an ideal phase shifter has a step in percent or in degrees, not both"
    yield from each(rows, both, table, message, f"set {tap}_step_percent to 0", f"{tap}_step_percent")
    message = "the tap changer follows a table, but tap_dependency_table is false"
    lost = (kind == "Tabular") & ~by_table & moved
    yield from each(rows, lost, table, message, "set it to true, or give another type", f"{tap}_changer_type")


def _name_types(
    rows: pd.DataFrame,
    table: str,
    tap: str,
    untyped: BoolArray,
    percent: NDArray[np.float64],
    knows_ratio: bool,
) -> Iterator[Problem]:
    """Give complete tap changers without a type the one they have; a warning says so."""
    shifter = np.zeros(len(rows), dtype=bool)
    if f"{tap}_phase_shifter" in rows:
        shifter = rows[f"{tap}_phase_shifter"].to_numpy(bool)
    ideal = shifter | (np.nan_to_num(percent) == 0)
    for name, mask in (("Ideal", untyped & ideal), ("Ratio", untyped & ~ideal)):
        if not (name == "Ratio" and knows_ratio):
            message = f"the tap position has no {tap}_changer_type; it is applied as '{name}'"
            yield from doubt(rows, mask, table, f"{tap}_pos", message, f"give {tap}_changer_type")
        rows.loc[mask, f"{tap}_changer_type"] = name


def _numbers(rows: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column as numbers; NaN where it is not there."""
    if column not in rows:
        return np.full(len(rows), np.nan)
    return np.asarray(rows[column].to_numpy(np.float64, na_value=np.nan), dtype=np.float64)


def table_problems(net: pandapowerNet) -> Iterator[Problem]:
    """Elements that follow a table which does not have their position: pandapower would take 1 instead."""
    for table, flag, step, lookup in (
        ("trafo", "tap_dependency_table", "tap_pos", "trafo_characteristic_table"),
        ("trafo3w", "tap_dependency_table", "tap_pos", "trafo_characteristic_table"),
        ("shunt", "step_dependency_table", "step", "shunt_characteristic_table"),
    ):
        rows = net[table]
        if flag not in rows or not rows[flag].any():
            continue
        follows = rows[flag].to_numpy(bool)
        points = net.get(lookup)
        known: set[tuple[float, float]] = set()
        if points is not None and {"id_characteristic", "step"} <= set(points.columns):
            known = set(zip(points.id_characteristic.astype(float), points.step.astype(float), strict=True))
        ids = _numbers(rows, "id_characteristic_table")
        found = [point in known for point in zip(ids, rows[step].to_numpy(np.float64), strict=True)]
        absent = follows & ~np.array(found, dtype=bool)
        message = f"its {step} is missing from {lookup} for its id_characteristic_table"
        yield from each(rows, absent, table, message, f"complete {lookup}, or set {flag} to false", step)
