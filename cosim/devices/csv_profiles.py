"""Profiles from a CSV file: a time stamp column, units in the header, no gaps.

time,home_1 [kW],home_2 [kW]
2016-07-04T00:00:00Z,0.31,0.12
2016-07-04T00:15:00Z,0.28,0.10
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.errors import InputError, Problem, suggest

MAX_BYTES = 500_000_000
_UNITS_KW = {"kW": 1.0, "W": 1e-3, "MW": 1e3, "kW/kWp": 1.0}


class CsvProfiles(NamedTuple):
    """What a CSV file holds.

    Attributes
    ----------
    columns : tuple of str
        Names without unit.
    values_kw : ndarray, shape (n, len(columns))
        Mean power over each slot, kW (or kW per kWp).
    start : datetime
        Start of the first slot, UTC.
    slot_ms : int
        Length of a slot, ms.
    """

    columns: tuple[str, ...]
    values_kw: NDArray[np.float64]
    start: datetime
    slot_ms: int

    @property
    def end(self) -> datetime:
        """End of the last slot, UTC."""
        return self.start + timedelta(milliseconds=self.slot_ms * len(self.values_kw))


def read_csv(file: Path, shown_as: str, wanted: tuple[str, ...] = ()) -> CsvProfiles:
    """Read and check a file of profiles.

    Parameters
    ----------
    file : Path
        The file; the first column holds the start of each slot (ISO 8601, UTC unless it says otherwise).
    shown_as : str
        Its name in messages.
    wanted : tuple of str
        Columns to keep, in this order; all by default.

    Raises
    ------
    InputError
        If it is missing, too large, has no unit in a header, an unknown column, a value that is no finite
        number, stamps that do not increase, or a gap. Every problem is named, with its line.
    """
    import pandas as pd

    if not file.is_file():
        raise InputError(
            [Problem("no such file", "Paths are relative to the scenario's folder.", file=shown_as)]
        )
    if file.stat().st_size > MAX_BYTES:
        size_mb = file.stat().st_size / 1e6
        raise InputError([Problem(f"{size_mb:.0f} MB is larger than the limit of 500 MB", file=shown_as)])
    try:
        frame = pd.read_csv(file, dtype=str, encoding="utf-8")
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise InputError([Problem(f"cannot be read as CSV: {error}", file=shown_as)]) from None
    if frame.shape[1] < 2 or len(frame) < 2:
        message = "needs a time stamp column, at least one column of values and two rows"
        raise InputError([Problem(message, "Header: time,NAME [kW],...", file=shown_as, line=1)])
    problems: list[Problem] = []
    names, factors = _header(frame.columns[1:], shown_as, problems)
    keep = _selection(names, wanted, shown_as, problems)
    stamps, slot_ms = _stamps(frame.iloc[:, 0], shown_as, problems)
    values = _values(frame, names, keep, shown_as, problems)
    if problems:
        raise InputError(problems)
    scale = np.array([factors[names.index(name)] for name in keep])
    return CsvProfiles(tuple(keep), values * scale, stamps[0].to_pydatetime(), slot_ms)


def _header(columns: Any, file: str, problems: list[Problem]) -> tuple[list[str], list[float]]:
    names, factors = [], []
    for column in columns:
        match = re.fullmatch(r"\s*(.*?)\s*\[([^\]]+)\]\s*", str(column))
        unit = match[2] if match else ""
        if unit not in _UNITS_KW:
            what = f"unknown unit [{unit}]" if match else "no unit in the header"
            remedy = f"Write it as 'name [unit]' with one of: {', '.join(_UNITS_KW)}."
            problems.append(Problem(what, remedy, str(column), file, 1))
        names.append(match[1] if match else str(column).strip())
        factors.append(_UNITS_KW.get(unit, 1.0))
    return names, factors


def _selection(names: list[str], wanted: tuple[str, ...], file: str, problems: list[Problem]) -> list[str]:
    for name in wanted:
        if name not in names:
            problems.append(Problem(f"there is no column '{name}'", suggest(name, names), file=file, line=1))
    return [name for name in wanted if name in names] or names


def _stamps(column: Any, file: str, problems: list[Problem]) -> tuple[Any, int]:
    import pandas as pd

    stamps = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
    for row in np.flatnonzero(stamps.isna().to_numpy())[:5]:
        remedy = "Write it as 2016-07-04T00:15:00Z."
        problems.append(
            Problem("no time stamp", remedy, file=file, line=int(row) + 2, value=str(column.iloc[row]))
        )
    if problems:
        return stamps, 0
    steps_ms = (stamps.diff().dropna().dt.total_seconds() * 1000).round().astype("int64").to_numpy()
    slot_ms = int(np.median(steps_ms))
    for row in np.flatnonzero(steps_ms != slot_ms)[:5]:
        line, minutes = int(row) + 3, steps_ms[row] / 60_000
        what = "a gap" if steps_ms[row] > slot_ms else "time stamps that do not increase evenly"
        message = f"{what}: {minutes:g} min after the row before, where {slot_ms / 60_000:g} min are usual"
        problems.append(
            Problem(message, "Fill or cut the series; gaps are not filled here.", file=file, line=line)
        )
    return stamps, slot_ms


def _values(
    frame: Any, names: list[str], keep: list[str], file: str, problems: list[Problem]
) -> NDArray[np.float64]:
    import pandas as pd

    columns = []
    for name in keep:
        text = frame.iloc[:, 1 + names.index(name)]
        numbers = pd.to_numeric(text, errors="coerce").to_numpy(float)
        for row in np.flatnonzero(~np.isfinite(numbers))[:5]:
            value = str(text.iloc[row])
            message = "not a finite number" if value != "nan" else "a value is missing (NaN)"
            problems.append(Problem(message, "Give a number.", name, file, int(row) + 2, value))
        columns.append(numbers)
    return np.stack(columns, axis=1)
