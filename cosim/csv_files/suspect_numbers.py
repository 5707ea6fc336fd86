"""Numbers that stand for something else: marks of missing values, readings of a meter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem, count
from cosim.csv_files.words import shown

_NEVER_MEANT = (-99.0, -999.0, -9999.0, -99999.0, -99.9, -999.9, -9999.9, -32768.0)
_IF_FAR_OFF = (999.0, 9999.0, 99999.0, 999999.0, 32767.0, 65535.0)
_HUGE = 1e15
_ROWS_OF_A_COUNTER = 24


def sentinels(
    numbers: NDArray[np.float64], names: Sequence[str], lines: NDArray[np.int64], file: str
) -> Iterator[Problem]:
    """A warning if numbers are probably the marks of missing values.

    Parameters
    ----------
    numbers : ndarray, shape (n, len(names))
        As they stand in the file.
    names : sequence of str
        Columns.
    lines : ndarray of int, shape (n,)
        The line of each row.
    file : str
        For messages.
    """
    marks = [np.flatnonzero(_marked(numbers[:, column])) for column in range(len(names))]
    found = [column for column, rows in enumerate(marks) if len(rows)]
    if found:
        first = marks[found[0]]
        message = (
            f"{numbers[first[0], found[0]]:g} usually marks a missing value, but is used as a number here "
            f"({count(len(first), 'such value')})"
        )
        remedy = "Enter what was measured, or fill the series."
        yield _warning(message, remedy, names, found, int(lines[first[0]]), file)


def _marked(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    marked: NDArray[np.bool_] = np.isin(values, _NEVER_MEANT) | (np.abs(values) >= _HUGE)
    high = np.isin(values, _IF_FAR_OFF) & ~marked
    if high.any() and not (high | marked).all():
        marked |= high & (values > 5 * np.abs(values[~high & ~marked]).max(initial=0.0))
    return marked


def counters(
    numbers: NDArray[np.float64],
    names: Sequence[str],
    counted: Sequence[int],
    lines: NDArray[np.int64],
    file: str,
) -> Iterator[Problem]:
    """A warning if energy in each slot is probably what a meter reads: it never falls and starts high.

    Parameters
    ----------
    numbers : ndarray, shape (n, len(names))
        As they stand in the file.
    names : sequence of str
        Columns.
    counted : sequence of int
        Columns in a unit of energy.
    lines : ndarray of int, shape (n,)
        The line of each row.
    file : str
        For messages.
    """
    if len(numbers) < _ROWS_OF_A_COUNTER:
        return
    found = [
        column
        for column in counted
        if np.all((steps := np.diff(numbers[:, column])) >= 0)
        and steps.any()
        and numbers[0, column] >= 0
        and numbers[-1, column] > 3 * steps.max()
    ]
    if found:
        message = "the values never fall: they are probably a meter's readings, not the energy in each slot"
        remedy = "Give what was used in each slot: the difference of two readings."
        yield _warning(message, remedy, names, found, int(lines[0]), file)


def _warning(
    message: str, remedy: str, names: Sequence[str], found: Sequence[int], line: int, file: str
) -> Problem:
    """A warning that names the first of the columns found."""
    if len(found) > 1:
        message += f"; likewise in {count(len(found) - 1, 'other column')}"
    return Problem(message, remedy, shown(names[found[0]]), file, line, severity="warning")
