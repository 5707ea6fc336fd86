"""One look at every cell that a power flow reads, before anything is made of it: type, finite, sign, bus."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem, listed
from cosim.grid.column_facts import FACTS, WORDS, Fact, modern_name

if TYPE_CHECKING:
    import pandas as pd

BoolArray = NDArray[np.bool_]
NAMED = 5
"""How many elements with the same fault are named one by one."""
_NEED = {
    "truth": "true or false",
    "number": "a number",
    "nonzero": "a number other than 0",
    "positive": "a positive number",
    "not_negative": "a number that is not negative",
    "share": "a number from 0 to 1",
    "count": "a whole number from 1",
    "whole": "a whole number",
    "bus": "the index of a bus",
    "bus_dc": "the index of a DC bus",
} | {kind: listed(words, "or") for kind, words in WORDS.items()}


_REMEDIES = {"length_km": "give the length; a line without impedance is a closed bus-bus switch"}


@dataclass(frozen=True)
class Cells:
    """The cells of a column, told apart."""

    missing: BoolArray
    """Empty: null, NaN, or a text of no characters."""
    number: NDArray[np.float64]
    """The numbers, true and false as 1 and 0; NaN where there is none."""
    is_truth: BoolArray
    is_number: BoolArray
    """Whether it is a real truth value, and whether a real number."""


def column_problems(tables: Mapping[str, Any], is_converted: bool) -> list[Problem]:
    """What is wrong with the cells of a grid's tables.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The tables by pandapower's names; others are not looked at. Columns may have the names of older
        versions.
    is_converted : bool
        Whether they are in the installed pandapower's format, so that every column must be there.
    """
    return [problem for table in FACTS for problem in _table_problems(tables, table, is_converted)]


def _table_problems(tables: Mapping[str, Any], table: str, is_converted: bool) -> Iterator[Problem]:
    """What is wrong with one table."""
    rows = tables.get(table)
    if rows is None or not len(rows):
        return
    labels = list(rows.index)
    if any(isinstance(i, bool) or not isinstance(i, int | np.integer) or i < 0 for i in labels):
        yield Problem("an index is not a whole number", "number the elements from 0", table)
        return
    if len(set(labels)) < len(labels):
        yield Problem("an index is given twice", "number the elements from 0", table)
        return
    columns = {modern_name(table, str(name)): name for name in rows.columns}
    idle = _idle(rows)
    for fact in FACTS[table]:
        if fact.column in columns:
            yield from _cell_problems(tables, table, columns[fact.column], fact, idle)
        elif is_converted and not fact.may_be_missing and fact.default is None:
            remedy = "save the grid with pandapower.to_json"
            yield Problem(f"the table has no column {fact.column}", remedy, table)


def _cell_problems(
    tables: Mapping[str, Any], table: str, column: Any, fact: Fact, idle: BoolArray
) -> Iterator[Problem]:
    """What is wrong with the cells of one column."""
    rows = tables[table]
    values = rows[column]
    if getattr(values, "ndim", 1) != 1:
        yield Problem("the column occurs twice", "name each column once", f"{table}.{column}")
        return
    cells = cells_of(values)
    need = _NEED[fact.kind]
    if fact.kind in WORDS and fact.may_be_missing:  # pandapower itself has written False and "nan" for "none"
        none = (cells.is_truth & (cells.number == 0)) | (values.astype(str) == "nan").to_numpy(bool)
        cells = replace(cells, missing=cells.missing | none)
    wrong = _is_wrong(values, cells, fact)
    message = f"{column} must be {need}"
    remedy = _REMEDIES.get(fact.column, "correct it in the grid")
    yield from each(rows, wrong & ~cells.missing, table, message, remedy, str(column))
    if not fact.may_be_missing or fact.kind == "share":  # such a column may be absent, but has no gaps
        always = fact.kind in ("truth", "bus", "bus_dc", "switched", "share")
        gone = cells.missing & ~(idle if not always else False)
        yield from each(rows, gone, table, f"{column} is missing", f"give {need}", str(column))
    if fact.kind in ("bus", "bus_dc"):
        there = tables.get(fact.kind)
        known = np.isin(cells.number, [] if there is None else there.index.to_numpy())
        astray = cells.is_number & ~wrong & ~known
        what = "bus" if fact.kind == "bus" else "DC bus"
        message = f"its {column} is not a {what} of the grid"
        yield from each(rows, astray, table, message, f"name a {what}", str(column))


def _is_wrong(values: pd.Series, cells: Cells, fact: Fact) -> BoolArray:
    """Which cells cannot stand in a column of this kind; what is said of missing ones does not count."""
    number = cells.number
    if fact.kind == "truth":
        return ~(cells.is_truth | (cells.is_number & np.isin(number, (0.0, 1.0))))
    if fact.kind in WORDS:
        return ~np.isin(values.astype(str).to_numpy(str), WORDS[fact.kind])
    is_good = cells.is_number & np.isfinite(number)
    with np.errstate(invalid="ignore"):
        match fact.kind:
            case "nonzero":
                is_good &= number != 0
            case "positive":
                is_good &= number > 0
            case "not_negative":
                is_good &= number >= 0
            case "share":
                is_good &= (number >= 0) & (number <= 1)
            case "count":
                is_good &= (number >= 1) & (number == np.floor(number))
            case "whole" | "bus" | "bus_dc":
                is_good &= number == np.floor(number)
    return ~is_good


def cells_of(values: pd.Series) -> Cells:
    """The cells of a column, told apart."""
    n = len(values)
    nowhere, everywhere = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else "O"
    if kind in "iuf":
        number = values.to_numpy(np.float64)
        return Cells(np.isnan(number), number, nowhere, everywhere & ~np.isnan(number))
    if kind == "b":
        return Cells(nowhere, values.to_numpy(np.float64), everywhere, nowhere)
    cells = values.astype(object).tolist()
    is_truth = np.array([isinstance(cell, bool | np.bool_) for cell in cells], dtype=bool)
    is_number = np.array([_is_number(cell) for cell in cells], dtype=bool)
    number = np.array(
        [float(cell) if flag else math.nan for cell, flag in zip(cells, is_truth | is_number, strict=True)]
    )
    missing = np.array([_is_missing(cell) for cell in cells], dtype=bool)
    return Cells(missing, number, is_truth, is_number & ~missing)


def _is_number(cell: Any) -> bool:
    """Whether a cell is a number that a float can hold; truth values are none."""
    if isinstance(cell, bool | np.bool_):
        return False
    if isinstance(cell, int):
        return abs(cell) < 2**63
    return isinstance(cell, float | np.floating | np.integer)


def _is_missing(cell: Any) -> bool:
    """Whether a cell is empty."""
    if isinstance(cell, float | np.floating):
        return math.isnan(cell)
    return (
        cell is None or (isinstance(cell, str) and not cell) or type(cell).__name__ in ("NAType", "NaTType")
    )


def _idle(rows: pd.DataFrame) -> BoolArray:
    """Which elements are out of service, so that what they would do may be missing."""
    if "in_service" not in rows.columns or getattr(rows["in_service"], "ndim", 1) != 1:
        return np.zeros(len(rows), dtype=bool)
    cells = cells_of(rows["in_service"])
    return np.asarray((cells.is_truth | cells.is_number) & (cells.number == 0), dtype=bool)


def each(
    rows: pd.DataFrame,
    wrong: pd.Series | BoolArray,
    table: str,
    message: str,
    remedy: str,
    column: str = "",
) -> Iterator[Problem]:
    """One problem for the first few rows that are wrong, and one that counts the rest."""
    found = rows.index[np.asarray(wrong, dtype=bool)]
    for index in found[:NAMED]:
        value = shown(rows.at[index, column]) if column else ""
        yield Problem(message, remedy, f"{table}.{index}" + (f".{column}" if column else ""), value=value)
    if len(found) > NAMED:
        yield Problem(f"{message}: the same in {len(found) - NAMED} more", remedy, table)


def shown(cell: Any) -> str:
    """A cell for a message: a text in quotes, nothing where it is missing."""
    if _is_missing(cell):
        return ""
    text = repr(cell) if isinstance(cell, str) else str(cell)
    return text if len(text) <= 80 else text[:77] + "..."
