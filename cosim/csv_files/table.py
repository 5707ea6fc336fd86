"""The rows of a CSV file as columns of text, each row with its line in the file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem, count
from cosim.csv_files.header_layout import Layout
from cosim.csv_files.number_cells import looks_like_number
from cosim.csv_files.words import shown

_LONGEST_FOOTER = 200
_SHOWN = 5
_EXTRA = 8
"""How many cells beyond those of the header are looked at; pandas drops what stands farther out."""


class Table(NamedTuple):
    """Some columns of a file.

    Attributes
    ----------
    columns : dict of int to pandas.Series of str
        Cells by the column's position.
    lines : ndarray of int, shape (n,)
        The line of each row in the file, from 1.
    n_footer : int
        Number of rows of text below the data, which are not among them.
    """

    columns: dict[int, Any]
    lines: NDArray[np.int64]
    n_footer: int = 0

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def rows(self, keep: Any) -> Table:
        """Some of the rows (a slice, positions or truth values)."""
        columns = {place: column[keep].reset_index(drop=True) for place, column in self.columns.items()}
        return Table(columns, self.lines[keep])


def read_table(
    text: bytes, layout: Layout, file: str, used: Sequence[int], key: int, has_footer: bool = True
) -> Table:
    """Read the columns at the positions `used`.

    Blank rows, comments and text below the last row of data are left out; lines count on.

    Parameters
    ----------
    text : bytes
        The file, UTF-8.
    layout : Layout
        Header and separator.
    file : str
        Its name in messages.
    used : sequence of int
        Positions of columns.
    key : int
        One of them, which begins with a letter where a row below the data is text (the time stamp).
    has_footer : bool
        Whether there may be such text.

    Raises
    ------
    InputError
        If it cannot be divided into cells, a row has more of them than the header, or a quote is not closed.
    """
    at = 0
    for _ in range(layout.first_line - 1):
        at = text.find(b"\n", at) + 1 or len(text)
    frame = _cells(text[at:], layout, file, sorted(set(used)))
    lines = np.arange(len(frame), dtype=np.int64) + layout.first_line
    if len(frame):
        _no_line_breaks(text[at:], len(frame), layout, file)
    over = [frame.pop(len(layout.header) + extra) for extra in range(_EXTRA)]
    table = Table({place: frame[place] for place in sorted(set(used))}, lines)
    first = table.columns[key]
    comment = first.str.startswith("#").to_numpy(bool)
    keep = ~(comment | _blank(table, first))
    is_too_long = np.any([(cells.str.strip() != "").to_numpy(bool) for cells in over], axis=0)
    too_long = np.flatnonzero(is_too_long & keep)
    table = table if keep.all() else table.rows(keep)
    n_footer = _footer(table, key) if has_footer else 0
    if n_footer:
        table = table.rows(slice(0, table.n_rows - n_footer))._replace(n_footer=n_footer)
    last_line = int(table.lines[-1]) if table.n_rows else 0
    problems = [
        Problem(
            f"more cells than the header, which has {count(len(layout.header), 'column')}",
            "Correct the line; a decimal comma needs another separator, or quotes.",
            file=file,
            line=int(lines[row]),
        )
        for row in too_long[:_SHOWN]
        if lines[row] <= last_line
    ]
    if problems:
        raise InputError(problems)
    return table


def _blank(table: Table, first: Any) -> NDArray[np.bool_]:
    """Which rows have nothing in any column."""
    blank: NDArray[np.bool_] = (first.str.strip() == "").to_numpy(bool)
    rows = np.flatnonzero(blank)
    for column in table.columns.values() if len(rows) else ():
        blank[rows] &= (column.iloc[rows].str.strip() == "").to_numpy(bool)
    return blank


def _cells(body: bytes, layout: Layout, file: str, used: Sequence[int]) -> Any:
    import pandas as pd

    # pandas counts the columns of the first row: this one has some cells more than the header.
    n_columns = len(layout.header) + _EXTRA
    widest = (layout.separator * (n_columns - 1) + "\n").encode()
    try:
        frame = pd.read_csv(
            BytesIO(widest + body),
            sep=layout.separator,
            header=None,
            names=list(range(n_columns)),
            usecols=[*used, *range(len(layout.header), n_columns)],
            index_col=False,
            dtype="string[pyarrow]",
            na_filter=False,
            skip_blank_lines=False,
            skipinitialspace=True,
            low_memory=False,  # else a later piece without so wide a row is refused
            encoding="utf-8",
        )
        return frame.iloc[1:].reset_index(drop=True)
    except (ValueError, OverflowError) as error:  # pandas' ParserError is a ValueError
        text = str(error).rpartition("C error: ")[2]
        open_quote = re.search(r"EOF inside string starting at row (\d+)", text)
        line = layout.first_line + int(open_quote[1]) - 1 if open_quote else 0
        message = (
            "a quote is opened here and never closed"
            if open_quote
            else f"cannot be read as CSV: {shown(text)}"
        )
        raise InputError([Problem(message, "Correct the line.", file=file, line=line)]) from None


def _no_line_breaks(body: bytes, n_rows: int, layout: Layout, file: str) -> None:
    """Refuse cells with line breaks: what follows would not stand in the line that a message names."""
    if n_rows == body.count(b"\n") + (not body.endswith(b"\n")):
        return
    open_ended = (number for number, line in enumerate(body.split(b"\n")) if line.count(b'"') % 2)
    line = layout.first_line + next(open_ended, -layout.first_line)
    message = "a quoted cell continues past the end of its line"
    raise InputError([Problem(message, "Close the quote, or take the line break out.", file=file, line=line)])


def _footer(table: Table, key: int) -> int:
    """How many rows at the end are text: they begin with a letter, and no cell is a number."""
    n = 0
    others = [column for place, column in table.columns.items() if place != key]
    for row in range(table.n_rows - 1, max(-1, table.n_rows - 1 - _LONGEST_FOOTER), -1):
        head = str(table.columns[key].iat[row]).strip()
        if head[:1].isdigit() or any(looks_like_number(str(column.iat[row])) for column in others):
            break
        n += 1
    return n
