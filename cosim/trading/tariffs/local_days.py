"""Local days of a run: which hour of which kind of day each of its hours is, where people live."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cosim.config.weekdays import WEEKDAYS
from cosim.core.errors import InputError, Problem


class LocalTime(NamedTuple):
    """The hours of a run on the clocks of a place."""

    hour: NDArray[np.int64]
    """Hour of the local day. When clocks are put forward an hour is missing, when they are put back there is
    one twice. Shape (n_hours * per_hour,)."""
    day: NDArray[np.int64]
    """Position of the local day's kind in `DAYS`: 0 for Monday, 7 for a holiday, whatever its weekday. Shape
    (n_hours * per_hour,)."""


def local_time(
    start: datetime, n_hours: int, time_zone: str, holidays: Collection[date] = (), per_hour: int = 1
) -> LocalTime:
    """The hours of a run on local clocks.

    Parameters
    ----------
    start : datetime
        Start of the run, with its time zone; on the hour.
    n_hours : int
        Length of the run.
    time_zone : str
        A name of the IANA database, such as ``Europe/Berlin``.
    holidays : collection of date
        Local days that are holidays.
    per_hour : int
        Into how many intervals each hour is split: there are as many of all that is returned.

    Raises
    ------
    InputError
        If an interval is parts of two local hours, as where clocks differ from UTC by half hours.
    """
    zone = ZoneInfo(time_zone)
    hours = np.empty(n_hours * per_hour, dtype=np.int64)
    days = hours.copy()
    free = frozenset(holidays)
    interval = timedelta(hours=1) / per_hour
    for number in range(n_hours * per_hour):
        local = (start + number * interval).astimezone(zone)
        if (local.minute * 60 + local.second) % interval.total_seconds():
            message = f"local hours of {time_zone} begin within the market's intervals, at {local:%H:%M}"
            remedy = "Name a zone that differs from UTC by whole hours, or trade shorter intervals."
            raise InputError([Problem(message, remedy, "time_zone", value=time_zone)])
        hours[number] = local.hour
        days[number] = len(WEEKDAYS) if local.date() in free else local.weekday()
    return LocalTime(hours, days)
