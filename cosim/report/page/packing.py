"""Numbers as a page holds them: short integers in base64, and long series thinned so that extremes stay."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Times = NDArray[np.int64]

_UNKNOWN = 65535
_LEVELS = 65534
MOST_POINTS = 3000
"""Points of one series on a page; of a longer one, the extremes of stretches are kept."""


def packed(values: NDArray[Any]) -> dict[str, Any]:
    """Numbers as 65,535 even levels between the smallest and the largest: far finer than a screen shows.

    Parameters
    ----------
    values : ndarray
        Any shape, taken row by row; NaN stands for what is not known.

    Returns
    -------
    dict
        ``levels`` in base64 (little-endian, 65,535 for what is not known), ``low`` and ``step``: a value is
        low + level · step.
    """
    flat = np.asarray(values, np.float64).ravel()
    known = np.isfinite(flat)
    low, high = (float(flat[known].min()), float(flat[known].max())) if known.any() else (0.0, 0.0)
    step = (high - low) / _LEVELS
    levels = np.full(len(flat), _UNKNOWN, "<u2")
    levels[known] = np.rint((flat[known] - low) / step) if step > 0 else 0
    return {"levels": base64.b64encode(levels.tobytes()).decode("ascii"), "low": low, "step": step}


def packed_times(time_ms: Times, start_ms: int) -> dict[str, Any]:
    """Instants as whole seconds since the start; evenly spaced ones as three numbers."""
    seconds = (np.asarray(time_ms, np.int64) - start_ms) // 1000
    gaps = np.unique(np.diff(seconds))
    if len(seconds) > 1 and len(gaps) == 1:
        return {"first": int(seconds[0]), "gap": int(gaps[0]), "n": len(seconds)}
    return {"seconds": base64.b64encode(seconds.astype("<i4").tobytes()).decode("ascii")}


def kept_rows(values: Array, most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Which rows of a long series are drawn: of each stretch the first, and where a column is least or most.

    Parameters
    ----------
    values : ndarray of float64, shape (T,) or (T, n)
        What must not lose its extremes; NaN does not count.
    most : int
        About how many rows may stay.

    Returns
    -------
    ndarray of int64, shape (K,)
        Increasing; all T of a series that is short enough.
    """
    table = values.reshape(len(values), -1)
    n_rows, n_columns = table.shape
    if n_rows <= most:
        return np.arange(n_rows)
    edges = np.linspace(0, n_rows, max(1, most // (2 * n_columns + 1)) + 1).astype(np.int64)
    starts = edges[:-1]
    kept = [starts]
    for signed in (*table.T, *-table.T):
        filled = np.where(np.isfinite(signed), signed, np.inf)
        least = np.repeat(np.minimum.reduceat(filled, starts), np.diff(edges))
        places = np.flatnonzero((filled == least) & np.isfinite(filled))
        stretch = np.searchsorted(edges, places, side="right")
        kept.append(places[np.unique(stretch, return_index=True)[1]])
    return np.unique(np.concatenate(kept))


def low_and_high(values: Array, most: int) -> tuple[Array, int]:
    """Many long series on one axis of time: of each stretch the least and the most, in their order.

    Parameters
    ----------
    values : ndarray of float64, shape (T, n)
        Series side by side.
    most : int
        How many rows may stay.

    Returns
    -------
    tuple of ndarray and int
        The rows, and how many of the old ones each stands for; 1 where nothing was thinned.
    """
    n_rows = len(values)
    if n_rows <= most:
        return values, 1
    length = -(-2 * n_rows // most)
    length += length % 2
    padded = np.full((-(-n_rows // length) * length, values.shape[1]), np.nan)
    padded[:n_rows] = values
    stretches = padded.reshape(-1, length, values.shape[1])
    known = np.isfinite(stretches)
    lowest = np.where(known, stretches, np.inf).argmin(axis=1)
    highest = np.where(known, stretches, -np.inf).argmax(axis=1)
    first, second = np.minimum(lowest, highest), np.maximum(lowest, highest)
    rows, columns = np.ogrid[: len(stretches), : values.shape[1]]
    pairs = np.stack([stretches[rows, first, columns], stretches[rows, second, columns]], axis=1)
    return pairs.reshape(-1, values.shape[1]), length // 2
