"""What a page's figures are made of, as its scripts read it: series over time, curves, bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.report.page.packing import kept_rows, packed, packed_times

Array = NDArray[np.float64]
Times = NDArray[np.int64]
Chart = dict[str, Any]


def series(name: str, time_ms: Times, values: Array, start_ms: int, **look: Any) -> dict[str, Any]:
    """A series over time, thinned where it is long.

    Parameters
    ----------
    name : str
        In the legend.
    time_ms : ndarray of int64, shape (T,)
        ms since 1970.
    values : ndarray of float64, shape (T,)
        NaN leaves a gap.
    start_ms : int
        Start of the run, ms since 1970.
    **look
        ``steps`` (a value holds from its instant on), ``dash``, ``then`` (see `moment_data`).
    """
    rows = kept_rows(values)
    x = packed_times(time_ms[rows], start_ms)
    return {"name": name, "x": x, "y": packed(values[rows]), "n_all": len(values), **look}


def band(name: str, time_ms: Times, low: Array, high: Array, start_ms: int) -> dict[str, Any]:
    """A band between two series, thinned where it is long."""
    rows = kept_rows(np.column_stack([low, high]))
    x = packed_times(time_ms[rows], start_ms)
    return {"name": name, "x": x, "low": packed(low[rows]), "y": packed(high[rows]),
            "n_all": len(low)}  # fmt: skip


def chart(
    name: str, title: str, unit: str, found: Sequence[dict[str, Any]], *, about: str = "", **more: Any
) -> Chart:
    """A figure over time.

    Parameters
    ----------
    name, title : str
        Its id, and what stands above it.
    unit : str
        Of the vertical axis.
    found : sequence of dict
        As from `series` and `band`.
    about : str
        A sentence below it.
    **more
        ``lines``: limits, each a value with its name; ``tables``: those of the run that hold every value.
    """
    return {"id": name, "title": title, "unit": unit, "series": list(found), "about": about, **more}


def duration(name: str, values: Array) -> dict[str, Any]:
    """A duration curve: values sorted from the highest, over the share of the time in per cent."""
    falling = -np.sort(-values[np.isfinite(values)])
    share = 100.0 * (np.arange(len(falling)) + 1) / max(1, len(falling))
    rows = np.unique(np.linspace(0, max(0, len(falling) - 1), min(len(falling), 600)).astype(int))
    return {"name": name, "x": packed(share[rows]), "y": packed(falling[rows])}
