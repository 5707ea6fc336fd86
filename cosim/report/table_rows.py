"""Some rows of a run's tables: those in which columns have given values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_DAY, MS_PER_SECOND
from cosim.core.tables import Coded
from cosim.report.run_data import Columns, RunData


def rows_where(run: RunData, table: str, columns: list[str], **equal: int | str) -> Columns:
    """Rows of a table in which columns have the given values.

    Parameters
    ----------
    run : RunData
        The run.
    table : str
        A table's name.
    columns : list of str
        The columns to read.
    **equal : int or str
        Values of columns. Of a table of intervals (``time`` among `columns`) ``day`` means all intervals
        of that day of the run.

    Returns
    -------
    dict of str to ndarray
        By column; texts as objects.
    """
    by_time = "day" in equal and "time" in columns
    compared = [name for name in equal if not (by_time and name == "day")]
    kept: dict[str, list[NDArray[Any]]] = {name: [] for name in columns}
    for batch in run.batches(table, list(dict.fromkeys([*columns, *compared]))):
        masks = [_equals(batch[name], equal[name]) for name in compared]
        if by_time:
            masks.append((batch["time"] - start_ms(run)) // MS_PER_DAY == equal["day"])
        rows = np.flatnonzero(np.logical_and.reduce(masks))
        for name in columns:
            kept[name].append(_texts_or_numbers(batch[name], rows))
    return {name: np.concatenate(parts) if parts else np.zeros(0, int) for name, parts in kept.items()}


def _equals(column: Any, wanted: int | str) -> NDArray[np.bool_]:
    if isinstance(column, Coded):
        return np.asarray(column.codes == (column.texts.index(wanted) if wanted in column.texts else -1))
    return np.asarray(column == wanted)


def _texts_or_numbers(column: Any, rows: NDArray[np.int64]) -> NDArray[Any]:
    if isinstance(column, Coded):
        return np.asarray(np.array(column.texts, object)[column.codes[rows]])
    return np.asarray(column[rows])


def start_ms(run: RunData) -> int:
    """Start of the run, ms since 1970."""
    return round(run.scenario.time.start.timestamp() * MS_PER_SECOND)
