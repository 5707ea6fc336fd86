"""Simulated time: whole milliseconds since the scenario's start, and the order of things at one instant."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

import numpy as np
import simpy
from numpy.typing import NDArray

MS_PER_SECOND = 1_000
MS_PER_MINUTE = 60 * MS_PER_SECOND
MS_PER_HOUR = 60 * MS_PER_MINUTE
MS_PER_DAY = 24 * MS_PER_HOUR


class Priority(IntEnum):
    """Order at one instant (design section 3); the smaller goes first.

    SimPy's own events use 0 and 1, so all of these come after a process has been started or interrupted.
    What a tick sends with zero latency arrives in the same instant, after the decisions already taken.
    """

    FAULT = 10
    ARRIVAL = 20
    DECISION = 30
    TICK = 40
    METER_CLOSE = 50
    POWER_FLOW = 60
    END = 70


def to_ms(amount: float, unit_ms: int) -> int:
    """`amount` of a unit of `unit_ms` milliseconds, rounded to the nearest whole millisecond."""
    return round(amount * unit_ms)


def to_hours(duration_ms: int) -> float:
    """Length of `duration_ms` in hours."""
    return duration_ms / MS_PER_HOUR


def to_utc(start: datetime, times_ms: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Instants of a run that began at `start` as UTC time stamps."""
    return np.datetime64(start.replace(tzinfo=None), "ms") + times_ms.astype("timedelta64[ms]")


def wait_until(env: simpy.Environment, time_ms: int, priority: Priority) -> simpy.Event:
    """An event that happens at `time_ms`, in its priority's turn; now, if that time has passed.

    SimPy's own timeouts all have one priority, so that order at one instant would be the order of creation.
    """
    event = simpy.Event(env)
    event._ok = True
    event._value = None
    env.schedule(event, priority, max(0, time_ms - env.now))  # type: ignore[arg-type]
    return event
