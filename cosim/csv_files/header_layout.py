"""Where the header of a CSV file stands and what separates its cells."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cosim.core.errors import InputError, Problem
from cosim.csv_files.column_units import OTHER, POWER, PRICE, find_unit
from cosim.csv_files.number_cells import looks_like_number

_SEPARATORS = (";", "\t", ",", "|")
_LOOKED_AT = 400
_COMPARED = 20
_LONGEST_LINE = 2_000_000
MAX_COLUMNS = 20_000

IsStamp = Callable[[str], bool]


class Layout(NamedTuple):
    """How the lines of a file are divided."""

    separator: str
    """Between cells."""
    header_line: int
    """The line of the header, from 1."""
    first_line: int
    """The first line below it that can hold data, from 1."""
    header: tuple[str, ...]
    """Cells of the header, stripped, without empty ones at its end; a second line of units is joined."""
    comments: tuple[str, ...]
    """Lines above the header."""
    sample: tuple[tuple[str, ...], ...]
    """Cells of the first rows below it."""


def find_layout(
    text: bytes, file: str, separator: str | None, skip_rows: int | None, is_stamp: IsStamp | None
) -> Layout:
    """Find header and separator.

    Parameters
    ----------
    text : bytes
        The file, UTF-8.
    file : str
        Its name in messages.
    separator : str or None
        Where it is known.
    skip_rows : int or None
        Number of lines before the header, where it is known.
    is_stamp : callable or None
        Tells whether a cell is a time stamp; None for files that have none.

    Raises
    ------
    InputError
        If there is no header, or a line is longer than any line of data.
    """
    first = skip_rows or 0
    lines = _head(text, first, file)
    told = re.fullmatch(r'"?sep=(.)"?', lines[0].strip()) if lines and not first else None
    if told:
        separator = separator or told[1]
        lines[0] = ""
    if not any(line.strip() for line in lines):
        raise InputError([Problem("the file is empty", "Give a header and rows.", file=file, line=first + 1)])
    candidates = (separator,) if separator else _SEPARATORS
    best = max(
        (_guess(lines, each, skip_rows is not None, is_stamp) for each in candidates),
        key=lambda guess: guess.score,
    )
    if best.header_at < 0:
        message = "the first line is a row of data; the line above it should name the columns"
        raise InputError([Problem(message, "Add a header: time,NAME [kW],...", file=file, line=first + 1)])
    header = [cell.strip() for cell in _cells(lines[best.header_at].lstrip("# "), best.separator)]
    if best.units_at is not None:
        units = [cell.strip().strip("[]()") for cell in _cells(lines[best.units_at], best.separator)]
        units += [""] * (len(header) - len(units))
        header = [f"{name} [{unit}]" if unit else name for name, unit in zip(header, units, strict=False)]
    while header and not header[-1]:
        header.pop()
    if len(header) > MAX_COLUMNS:
        message = f"{len(header)} columns are more than the limit of {MAX_COLUMNS}"
        raise InputError([Problem(message, "Leave out what is not used.", file=file, line=first + 1)])
    comments = tuple(line for line in lines[: best.header_at] if line.strip())
    last = best.header_at if best.units_at is None else best.units_at
    below = [_cells(line, best.separator) for line in lines[last + 1 :] if line.strip()][:_COMPARED]
    sample = tuple(tuple(cell.strip() for cell in row) for row in below)
    return Layout(
        best.separator, first + best.header_at + 1, first + last + 2, tuple(header), comments, sample
    )


class _Guess(NamedTuple):
    separator: str
    score: tuple[int, int, int]
    header_at: int
    units_at: int | None


def _head(text: bytes, skip: int, file: str) -> list[str]:
    at = 0
    for _ in range(skip):
        at = text.find(b"\n", at) + 1
        if at == 0:
            message = f"skip_rows leaves nothing: the file has at most {skip} lines"
            raise InputError([Problem(message, "Give a smaller number.", file=file)])
    lines: list[str] = []
    while at < len(text) and len(lines) < _LOOKED_AT:
        end = text.find(b"\n", at)
        end = len(text) if end < 0 else end
        if end - at > _LONGEST_LINE:
            message = f"this line is {(end - at) / 1e6:.0f} MB long, which is too long for a row of data"
            raise InputError([Problem(message, "Name a CSV file.", file=file, line=skip + len(lines) + 1)])
        lines.append(text[at:end].decode("utf-8"))
        at = end + 1
        if len(lines) > _COMPARED and at > 4 * _LONGEST_LINE:
            break
    return lines


def _guess(lines: Sequence[str], separator: str, skipped: bool, is_stamp: IsStamp | None) -> _Guess:
    rows = [[] if _is_comment(line) else _cells(line, separator) for line in lines]
    filled = [at for at, row in enumerate(rows) if any(cell.strip() for cell in row)]
    if not filled:
        return _Guess(separator, (0, 0, 0), _last_comment(lines, len(lines)), None)
    if skipped:
        return _Guess(separator, (0, 0, len(rows[filled[0]])), filled[0], None)
    first = None if is_stamp is None else _first_row_of_data(rows, filled, is_stamp)
    if first is None:
        return _Guess(separator, (0, 0, len(rows[filled[0]])), filled[0], None)
    at, column, with_number = first
    while (before := filled.index(at)) and _has_stamp(rows[filled[before - 1]], column, is_stamp):
        at = filled[before - 1]  # a row of data, whatever is wrong with its values
    below = [rows[each] for each in filled if each >= at][:_COMPARED]
    alike = sum(_has_stamp(row, column, is_stamp) for row in below)
    above = [each for each in filled if each < at]
    score = (1 + with_number, alike, len(rows[at]))
    if not above:
        return _Guess(separator, score, _last_comment(lines, at), None)
    if len(above) > 1 and _are_units(rows[above[-1]]) and not _are_units(rows[above[-2]]):
        return _Guess(separator, score, above[-2], above[-1])
    return _Guess(separator, score, above[-1], None)


def _first_row_of_data(
    rows: Sequence[Sequence[str]], filled: Sequence[int], is_stamp: IsStamp
) -> tuple[int, int, bool] | None:
    """The first row with a stamp and a number beside it, or with a stamp; and the column of the stamp."""
    only_stamp = None
    for at in filled:
        for column, cell in enumerate(rows[at]):
            if not is_stamp(cell):
                continue
            others = [other for place, other in enumerate(rows[at]) if place != column]
            if any(looks_like_number(other) for other in others):
                return at, column, True
            if only_stamp is None and others:
                only_stamp = (at, column, False)
    return only_stamp


def _has_stamp(row: Sequence[str], column: int, is_stamp: IsStamp | None) -> bool:
    return is_stamp is not None and column < len(row) and is_stamp(row[column])


def _are_units(row: Sequence[str]) -> bool:
    cells = [cell.strip().strip("[]()") for cell in row]
    known = [cell for cell in cells if cell and (find_unit(cell, POWER | PRICE) or cell in OTHER)]
    return bool(known) and all(cell in known or len(cell) < 8 for cell in cells[1:])


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _last_comment(lines: Sequence[str], before: int) -> int:
    """The last comment above the data, which is then the header; -1 where there is none."""
    return max((at for at, line in enumerate(lines[:before]) if _is_comment(line)), default=-1)


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return [line]
