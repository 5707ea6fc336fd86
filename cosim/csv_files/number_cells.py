"""Cells of text as numbers: which mark is the decimal one, and what is no number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem
from cosim.csv_files.words import shown

_MISSING = ("", "nan", "na", "n/a", "#n/a", "#nv", "null", "none", "-", "--", "n/e")
_SPACES = " '\u2019\u00a0\u202f\u2009"


class AmbiguousDecimalError(Exception):
    """Every mark could group thousands, as in ``1.234``: the cell, and the column and row where it stands."""

    def __init__(self, cell: str, column: int, row: int) -> None:
        self.cell, self.column, self.row = cell, column, row
        super().__init__(cell, column, row)


def decimal_mark(
    columns: Sequence[Any],
    names: Sequence[str],
    separator: str,
    given: str | None,
    lines: NDArray[np.int64],
    file: str,
) -> str:
    """The decimal mark that is given, or else the one that the columns have.

    Raises
    ------
    InputError
        If nothing tells it.
    """
    if given is not None:
        return given
    try:
        return find_decimal(columns, separator)
    except AmbiguousDecimalError as doubt:
        message = (
            "a point or comma may be the decimal mark or group thousands, and no other number shows which"
        )
        remedy, name = 'Set `decimal: "."` or `decimal: ","`.', shown(names[doubt.column])
        raise InputError(
            [Problem(message, remedy, name, file, int(lines[doubt.row]), shown(doubt.cell))]
        ) from None


def find_decimal(columns: Sequence[Any], separator: str) -> str:
    """The decimal mark of columns of text.

    Parameters
    ----------
    columns : sequence of pandas.Series of str
        Cells.
    separator : str
        What separates them.

    Raises
    ------
    AmbiguousDecimalError
        If nothing tells it.
    """
    if separator == "," and not any(column.str.contains(",", regex=False).any() for column in columns):
        return "."  # a comma that separates is no decimal mark, and nobody groups with points then
    votes = {".": 0, ",": 0}
    in_doubt: AmbiguousDecimalError | None = None
    ungrouped = 0
    for number, column in enumerate(columns):
        marked = column[column.str.contains(r"[.,]")]
        ungrouped += int(column.str.contains(r"^\s*[+-]?\d{4,}\s*$").sum())
        for mark, other in ((".", ","), (",", ".")):
            m, o = re.escape(mark), re.escape(other)
            grouped = rf"^\s*[+-]?[1-9]\d{{0,2}}(?:{m}\d\d\d)+\s*$"
            one_mark = marked[marked.str.contains(rf"^[^{o}]*$")]
            several = one_mark.str.contains(rf"{m}.*{m}")
            votes[other] += int((several & one_mark.str.contains(grouped)).sum())
            votes[mark] += int(marked.str.contains(rf"^[^{m}]*{o}[^{m}]*{m}[^{m}{o}]*$").sum())
            open_to_both = ~several & one_mark.str.contains(grouped)
            votes[mark] += int((~several & ~open_to_both).sum())
            if in_doubt is None and open_to_both.any():
                row = int(open_to_both.idxmax())
                in_doubt = AmbiguousDecimalError(str(one_mark.loc[row]).strip(), number, row)
    if not any(votes.values()):
        if in_doubt is None:
            return "."
        if not ungrouped:
            raise in_doubt
        return "." if "." in in_doubt.cell else ","
    return "," if votes[","] > votes["."] else "."


def to_numbers(column: Any, decimal: str) -> NDArray[np.float64]:
    """Cells as numbers, NaN for what is none; groups of three digits may be set apart.

    Parameters
    ----------
    column : pandas.Series of str
        Cells.
    decimal : {".", ","}
        The decimal mark.
    """
    group = "," if decimal == "." else "."
    usual = column
    if decimal == ",":
        usual = column.str.replace(",", ".", regex=False).mask(column.str.contains(".", regex=False), "?")
    with suppress(ValueError):  # all cells are numbers without anything that groups digits: much faster
        fast: NDArray[np.float64] = usual.astype("double[pyarrow]").to_numpy(float)
        return fast
    text = column.str.replace("\u2212", "-", regex=False)
    marks = re.escape(group) + _SPACES
    grouped = text.str.contains(rf"\S[{marks}]+\S")
    if grouped.any():
        shape = rf"^\s*[+-]?[1-9]\d{{0,2}}(?:[{marks}]\d\d\d)+(?:{re.escape(decimal)}\d*)?\s*$"
        proper = text.str.contains(shape)
        text = text.mask(grouped & ~proper, "?").mask(proper, text.str.replace(rf"[{marks}]", "", regex=True))
    if decimal == ",":
        text = text.str.replace(",", ".", regex=False)
    return plain_numbers(text)


def plain_numbers(text: Any) -> NDArray[np.float64]:
    """Cells with a decimal point as numbers, NaN for what is none."""
    import pandas as pd

    # pandas 2.3 reads beyond its tables of powers for an exponent of many digits, and the process dies.
    safe = text.mask(text.str.contains(r"[eE][+-]?\d{4}|\S{400}"))
    numbers: NDArray[np.float64] = pd.to_numeric(safe, errors="coerce").to_numpy(float, na_value=np.nan)
    return numbers


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.strip().lower() in _MISSING


def looks_like_number(cell: str) -> bool:
    """Whether a cell could be a number in any way of writing."""
    return re.fullmatch(rf"\s*[+-]?[\d][\d.,{_SPACES}]*(?:[eE][+-]?\d+)?\s*", cell) is not None
