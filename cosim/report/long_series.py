"""What a figure shows of long series: quantiles over elements, and stretches of time drawn as one point."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_DAY
from cosim.core.tables import Coded
from cosim.report.run_data import RunData

Array = NDArray[np.float64]
Times = NDArray[np.int64]

MAX_POINTS = 1500
"""More points than this in a series are gathered into bins."""
N_BINS = 400
"""About how many bins there are where days do not suit."""


class Bins(NamedTuple):
    """A series gathered into stretches of time."""

    time_ms: Times
    """Middle of each stretch. Shape (B,)."""
    low: Array
    mean: Array
    high: Array
    """5 % quantile, mean and 95 % quantile of the values in it; NaN where it has none. Shape (B,)."""
    width_ms: int
    """Length of a stretch."""


def bin_width_ms(time_ms: Times, max_points: int = MAX_POINTS) -> int:
    """Length of a bin that makes a series readable; 0 where it is short enough to be drawn as it is.

    Days, where the series has at least a month of them; else the run's length over `N_BINS`.
    """
    n = len(time_ms)
    if n <= max_points:
        return 0
    span = int(time_ms[-1] - time_ms[0])
    step = max(1, span // (n - 1))
    if span >= 30 * MS_PER_DAY and step < MS_PER_DAY:
        return MS_PER_DAY
    return step * math.ceil(n / N_BINS)


def gather(time_ms: Times, values: Array, width_ms: int) -> Bins:
    """Gather a series into bins of `width_ms`, which start at multiples of it.

    Parameters
    ----------
    time_ms : ndarray of int64, shape (n,)
        Increasing.
    values : ndarray of float64, shape (n,)
        NaN is left out.
    width_ms : int
        Length of a bin.
    """
    number = time_ms // width_ms
    starts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    ends = np.append(starts[1:], len(values))
    rows = [values[a:b][np.isfinite(values[a:b])] for a, b in zip(starts, ends, strict=True)]
    low, high = (np.array([_quantile(row, q) for row in rows]) for q in (0.05, 0.95))
    mean = np.array([row.mean() if len(row) else math.nan for row in rows])
    return Bins(number[starts] * width_ms + width_ms // 2, low, mean, high, width_ms)


def _quantile(values: Array, q: float) -> float:
    return float(np.quantile(values, q)) if len(values) else math.nan


def row_quantiles(values: Array, quantiles: Sequence[float]) -> Array:
    """Quantiles of each row over its finite values, by linear interpolation.

    Parameters
    ----------
    values : ndarray of float64, shape (T, n)
        NaN is left out; numpy's own `nanquantile` takes a slow way, row by row, as soon as there is one.
    quantiles : sequence of float, length Q
        In [0, 1].

    Returns
    -------
    ndarray of float64, shape (T, Q)
        NaN in rows with no finite value.
    """
    ordered = np.sort(values, axis=1)  # NaN goes to the end
    count = np.count_nonzero(~np.isnan(ordered), axis=1)
    rows = np.arange(len(ordered))
    result = np.full((len(ordered), len(quantiles)), math.nan)
    if ordered.shape[1] == 0:
        return result
    for column, q in enumerate(quantiles):
        position = q * np.maximum(count - 1, 0)
        below = np.floor(position).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(count - 1, 0))
        share = position - below
        mixed = (1 - share) * ordered[rows, below] + share * ordered[rows, above]
        result[:, column] = np.where(count > 0, mixed, math.nan)
    return result


def rolling_mean(values: Array, window: int) -> Array:
    """Mean over the `window` values around each, fewer at the ends; shape as `values`."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    centre = np.arange(len(values))
    first = np.maximum(centre - window // 2, 0)
    last = np.minimum(centre + (window + 1) // 2, len(values))
    return np.asarray((total[last] - total[first]) / (last - first))


class Block(NamedTuple):
    """Some whole stretches of time of a table in long form."""

    time_ms: Times
    """The intervals. Shape (T,)."""
    values: Array
    """NaN where the table has no row. Shape (T, n_elements)."""


def blocks(
    run: RunData, table: str, element: str, value: str, elements: Sequence[Any], period_ms: int = 1
) -> Iterator[Block]:
    """A table in long form as matrices of time by element, a part of the run at a time.

    Parameters
    ----------
    run : RunData
        The run.
    table, element, value : str
        The table, and its columns for the element and for the value. Rows are in the order of time.
    elements : sequence
        The elements, sorted, as from `RunData.distinct`; the columns of the result.
    period_ms : int
        A block ends where a stretch of this length ends, so that no stretch is split.
    """
    position = {name: column for column, name in enumerate(elements)}
    names = np.asarray(elements)
    held: list[tuple[Times, NDArray[np.int64], Array]] = []
    for batch in run.batches(table, ["time", element, value]):
        if isinstance(batch[element], Coded):
            translation = np.array([position[text] for text in batch[element].texts], np.int64)
            columns = translation[batch[element].codes]
        else:
            columns = np.searchsorted(names, batch[element])
        held.append((batch["time"], columns, batch[value]))
        period = batch["time"] // period_ms
        if period[0] == period[-1] and held[0][0][0] // period_ms == period[0]:
            continue
        cut = int(np.flatnonzero(period != period[-1])[-1]) + 1 if period[0] != period[-1] else 0
        held[-1] = (batch["time"][:cut], columns[:cut], batch[value][:cut])
        yield _matrix(held, len(elements))
        held = [(batch["time"][cut:], columns[cut:], batch[value][cut:])]
    if held:
        yield _matrix(held, len(elements))


def _matrix(parts: list[tuple[Times, NDArray[np.int64], Array]], n_elements: int) -> Block:
    time_ms, columns, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    change = np.diff(time_ms, prepend=time_ms[0]) != 0
    rows = np.cumsum(change)
    matrix = np.full((int(rows[-1]) + 1, n_elements), math.nan)
    matrix[rows, columns] = values
    return Block(time_ms[np.flatnonzero(np.append(True, change[1:]))], matrix)


def sums_over_elements(run: RunData, table: str, columns: Sequence[str]) -> tuple[Times, dict[str, Array]]:
    """Sum of each column over the rows of each instant.

    Returns
    -------
    tuple of ndarray and dict
        The instants, and for each column the sums, shape (T,).
    """
    times: list[Times] = []
    parts: list[Array] = []
    for batch in run.batches(table, ["time", *columns]):
        starts = np.flatnonzero(np.diff(batch["time"], prepend=batch["time"][0] - 1))
        sums = np.array([np.add.reduceat(batch[name], starts) for name in columns])
        instants = batch["time"][starts]
        if times and times[-1][-1] == instants[0]:  # an instant may be split between two batches
            parts[-1][:, -1] += sums[:, 0]
            instants, sums = instants[1:], sums[:, 1:]
        if len(instants):
            times.append(instants)
            parts.append(sums)
    if not times:
        return np.zeros(0, np.int64), {name: np.zeros(0) for name in columns}
    total = np.concatenate(parts, axis=1)
    return np.concatenate(times), dict(zip(columns, total, strict=True))
