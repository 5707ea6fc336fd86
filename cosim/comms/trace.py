"""Measured latencies out of a CSV file."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.comms.latency import TraceLatency, TraceReader
from cosim.config.base import MAX_MS
from cosim.core.errors import InputError, Problem
from cosim.csv_files.column_units import TIME, find_unit
from cosim.csv_files.named_columns import read_plain
from cosim.csv_files.words import shown

_SHOWN = 100


def trace_reader(folder: Path) -> TraceReader:
    """Reads files of measured latencies that lie in `folder`, each once."""
    return cache(partial(read_trace, folder))


def read_trace(folder: Path, config: TraceLatency) -> NDArray[np.float64]:
    """Latencies in a column of a CSV file with a header.

    Parameters
    ----------
    folder : Path
        What the file is relative to.
    config : TraceLatency
        File and column, and what is known of the way it is written.

    Returns
    -------
    ndarray of float64, shape (n,)
        Latencies in ms, n >= 1.

    Raises
    ------
    InputError
        If the column is missing, a value is no number, not finite or negative, or there is none. It
        names the bad lines.
    """
    trace = read_plain(folder / config.file, config.file, config, TIME)
    place = trace.place(config.column, "Give a CSV file with a header that names the column.")
    unit = find_unit(trace.units[place] or "ms", TIME)
    if unit is None:
        message = f"unknown unit [{shown(trace.units[place])}]"
        remedy = f"Give latencies in one of: {', '.join(TIME)}."
        raise InputError([Problem(message, remedy, config.column, config.file, trace.layout.header_line)])
    (numbers,) = trace.numbers([place])
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(~((numbers >= 0) & (numbers <= MAX_MS / unit.factor)))
    text, lines = trace.text(place), trace.table.lines
    message = "a latency must be a finite number of at least 0"
    remedy = f"Give numbers from 0 to {MAX_MS / unit.factor:,.12g} {unit.symbol}."
    problems = [
        Problem(
            "a latency this large is not plausible" if 0 < numbers[row] < np.inf else message,
            remedy,
            config.column,
            config.file,
            int(lines[row]),
            shown(str(text.iat[row])) or "nothing",
        )
        for row in bad[:_SHOWN]
    ]
    if len(bad) > _SHOWN:
        more = f"{len(bad) - _SHOWN} more latencies are out of this range or not numbers"
        problems.append(Problem(more, remedy, config.column, config.file, int(lines[bad[_SHOWN]])))
    if not len(numbers):
        problems.append(
            Problem("the trace holds no latency", "Give at least one row.", config.column, config.file)
        )
    if problems:
        raise InputError(problems)
    return numbers * unit.factor
