"""What sentence and table of a moment say: means over one interval of the feeder, as in the answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.report.page.feeder_data import moment_times
from cosim.report.page.packing import packed
from cosim.report.run_data import RunData

Array = NDArray[np.float64]
Times = NDArray[np.int64]


def then(run: RunData, time_ms: Times, values: Array, span_ms: int) -> dict[str, Any]:
    """A series' mean over each interval that the page can show, as a key of the series.

    Parameters
    ----------
    run : RunData
        The run.
    time_ms : ndarray of int64, shape (T,)
        Since when each value holds, ms since 1970; increasing.
    values : ndarray of float64, shape (T,)
        The series, before it is thinned.
    span_ms : int
        How long a value holds.

    Returns
    -------
    dict
        ``then``, packed, NaN where an interval has no value; empty where the page has no map, whose
        intervals are those that it shows.
    """
    at_ms = moment_times(run)
    if at_ms is None:
        return {}
    first = np.searchsorted(time_ms, at_ms - span_ms, side="right")
    last = np.searchsorted(time_ms, at_ms + run.scenario.interval_ms, side="left")
    if (last - first <= 1).all():
        whole = np.append(values, np.nan)
        means = whole[np.where(last > first, np.minimum(first, len(values)), len(values))]
    else:
        ends = zip(first.tolist(), last.tolist(), strict=True)
        means = np.array([values[a:b].mean() if b > a else np.nan for a, b in ends])
    return {"then": packed(means)}
