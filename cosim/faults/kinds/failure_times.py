"""When faults are on: windows that are given, and failures at random."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR, to_ms
from cosim.core.streams import Streams

Window = tuple[int, int]
"""Start and end, ms since the start of the run."""


def window(from_h: float, duration_h: float) -> Window:
    """A window from start and length; at least a millisecond: what begins must begin before it ends."""
    start_ms = to_ms(from_h, MS_PER_HOUR)
    return start_ms, max(start_ms + 1, to_ms(from_h + duration_h, MS_PER_HOUR))


def random_windows(
    streams: Streams, name: str, entity: int, within: Window, rate_per_day: float, mean_duration_h: float
) -> list[Window]:
    """Times at which something fails at random: an alternating renewal process, both parts exponential.

    Parameters
    ----------
    streams : Streams
        The run's random numbers; the k-th failure of an entity reads row k and the entity's column.
    name : str
        Name of the fault.
    entity : int
        Number of the household or platform.
    within : (int, int)
        When a failure may begin, ms.
    rate_per_day : float
        Failures per day of working time.
    mean_duration_h : float
        Mean length, h.

    Returns
    -------
    list of (int, int)
        Start and end, ms, in order; none shorter than a millisecond.
    """
    gaps, lengths = streams.field(f"fault/{name}/gap"), streams.field(f"fault/{name}/length")
    windows: list[Window] = []
    now_ms, last_ms = within
    for turn in range(last_ms - now_ms):  # each failure takes at least a millisecond
        wait = -math.log1p(-gaps.number(turn, entity)) / rate_per_day
        lasts = -math.log1p(-lengths.number(turn, entity)) * mean_duration_h
        start_ms = now_ms + to_ms(wait, MS_PER_DAY)
        if start_ms >= last_ms:
            break
        now_ms = start_ms + max(1, to_ms(lasts, MS_PER_HOUR))
        windows.append((start_ms, now_ms))
    return windows


def merged(windows: Sequence[Window]) -> list[Window]:
    """Windows in order, those that touch or overlap as one."""
    result: list[Window] = []
    for start_ms, stop_ms in sorted(windows):
        if result and start_ms <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], stop_ms))
        else:
            result.append((start_ms, stop_ms))
    return result
