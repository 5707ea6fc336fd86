"""A column of instants in a CSV file that is no time series: arrivals, departures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.config.csv_format import fixed_offset_minutes
from cosim.core.errors import InputError, Problem
from cosim.csv_files.named_columns import PlainTable
from cosim.csv_files.slots import NS_PER_MS, no_stamp
from cosim.csv_files.stamps import UnclearDateError, read_stamps, to_utc
from cosim.csv_files.words import shown

_SHOWN = 5


def read_instants(plain: PlainTable, place: int, timezone: str, time_format: str | None) -> NDArray[np.int64]:
    """The instants of a column, ms since 1970 in UTC; shape (n_rows,).

    Parameters
    ----------
    plain : PlainTable
        The file.
    place : int
        Position of the column.
    timezone : str
        Zone of stamps without an offset.
    time_format : str or None
        How they are written (strptime); found out if None.

    Raises
    ------
    InputError
        With the lines of cells that are no time stamps, or times that the zone does not have.
    """
    cells, lines, name = plain.text(place), plain.table.lines, shown(plain.names[place])
    try:
        stamps = read_stamps(cells, time_format)
    except UnclearDateError:
        message = "day and month could be either way round"
        remedy = "Set `time_format: '%d/%m/%Y %H:%M'` or `'%m/%d/%Y %H:%M'`, whichever it is."
        raise InputError([Problem(message, remedy, name, plain.file, int(lines[0]))]) from None
    unread = np.flatnonzero(stamps.local.isna().to_numpy(bool))
    problems = [no_stamp(str(cells.iat[row]), int(lines[row]), plain.file) for row in unread[:_SHOWN]]
    if not problems:
        utc, problems = to_utc(stamps, timezone, fixed_offset_minutes(timezone), plain.file, lines)
        if not problems:
            return utc // NS_PER_MS
    raise InputError(problems)
