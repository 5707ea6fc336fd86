"""Measured latencies out of CSV text."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from cosim.errors import InputError, Problem, suggest


def parse_trace(lines: Iterable[str], column: str, file: str) -> NDArray[np.float64]:
    """Latencies in `column` of CSV text with a header.

    Parameters
    ----------
    lines : iterable of str
        The text, line by line.
    column : str
        Name of the column that holds latencies (ms).
    file : str
        Name of the file, for messages.

    Returns
    -------
    ndarray of float64, shape (n,)
        Latencies in ms, n >= 1.

    Raises
    ------
    InputError
        If the column is missing, a value is no number, not finite or negative, or there is none. It
        names every bad line.
    """
    reader = csv.reader(lines)
    header = [name.strip() for name in next(reader, [])]
    if column not in header:
        raise InputError(
            [
                Problem(
                    f"the trace has no column '{column}'",
                    suggest(column, header) or "Give a CSV file with a header that names the column.",
                    file=file,
                    line=1,
                    value=", ".join(header),
                )
            ]
        )
    position = header.index(column)
    values: list[float] = []
    problems: list[Problem] = []
    for row in reader:
        if not row:
            continue
        text = row[position].strip() if position < len(row) else ""
        value = _latency(text)
        if value is None:
            problems.append(
                Problem(
                    "a latency must be a finite number, not negative",
                    "Give milliseconds, with a point as the decimal mark.",
                    column,
                    file,
                    reader.line_num,
                    text,
                )
            )
        else:
            values.append(value)
    if not values and not problems:
        problems.append(Problem("the trace holds no latency", "Give at least one row.", column, file))
    if problems:
        raise InputError(problems)
    return np.array(values)


def _latency(text: str) -> float | None:
    """The latency that `text` states, or None where it states none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
