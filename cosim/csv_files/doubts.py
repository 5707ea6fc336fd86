"""Numbers that stand for something else: marks of missing values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.csv_files.words import shown
from cosim.errors import Problem, count

_NEVER_MEANT = (-99.0, -999.0, -9999.0, -99999.0, -99.9, -999.9, -9999.9, -32768.0)
_IF_FAR_OFF = (999.0, 9999.0, 99999.0, 999999.0, 32767.0, 65535.0)
_HUGE = 1e15


def sentinels(
    numbers: NDArray[np.float64], names: Sequence[str], lines: NDArray[np.int64], file: str
) -> Iterator[Problem]:
    """A warning for each column in which a number is probably the mark of a missing value.

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
    for column, name in enumerate(names):
        values = numbers[:, column]
        marked = np.isin(values, _NEVER_MEANT) | (np.abs(values) >= _HUGE)
        high = np.isin(values, _IF_FAR_OFF)
        if high.any() and (~high).any():
            others = np.max(np.abs(values[~high & ~marked]), initial=0.0)
            marked |= high & (values > 5 * others)
        rows = np.flatnonzero(marked)
        if len(rows):
            first = values[rows[0]]
            message = (
                f"{first:g} is usually the mark of a missing value, and is used as a number here "
                f"({count(len(rows), 'such value')})"
            )
            yield Problem(
                message,
                "Put in what was measured, or fill the series.",
                shown(name),
                file,
                int(lines[rows[0]]),
                severity="warning",
            )
