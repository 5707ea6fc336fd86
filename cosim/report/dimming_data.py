"""How many households were under a limit, from the table of limits: for the figure and for the page."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.report.run_data import RunData, text_list
from cosim.report.table_rows import start_ms

Times = NDArray[np.int64]

LIMITED = ("devices limited by an order", "limited in silence", "feed-in limited by an order")


class Limited(NamedTuple):
    """How many households were limited."""

    time_ms: Times
    """Instants from which on the numbers hold; the run's start and end among them. Shape (T,)."""
    households: NDArray[np.int64]
    """Their devices by an order, devices or feed-in because they heard nothing, feed-in by an order. Shape
    (T, 3)."""


def limited(run: RunData) -> Limited:
    """How many households were limited over time; needs the table `power_limits`."""
    table = run.read("power_limits", ["time", "prosumer", "max_kw", "feed_in_kw", "cause"])
    causes, names = text_list(table["cause"]), text_list(table["prosumer"])
    rows = zip(names, causes, np.isfinite(table["max_kw"]), np.isfinite(table["feed_in_kw"]), strict=True)
    now: dict[str, list[int]] = {}
    count, counts = np.zeros(3, dtype=np.int64), []
    for name, cause, is_limited, feeds_in in rows:
        by_order = cause == "order"
        next_ = [int(by_order and is_limited), int(cause == "silence"), int(by_order and feeds_in)]
        count = count + next_ - now.get(name, [0, 0, 0])
        now[name] = next_
        counts.append(count)
    last = np.append(np.flatnonzero(np.diff(table["time"])), len(counts) - 1)
    first_ms = start_ms(run)
    end_ms = first_ms + run.scenario.time.duration_ms
    time_ms = np.concatenate([[first_ms], table["time"][last], [end_ms]]).astype(np.int64)
    return Limited(time_ms, np.array([np.zeros(3, np.int64), *(counts[row] for row in last), counts[-1]]))
