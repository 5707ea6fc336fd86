"""What the loops of `household_loops` do, by operations on whole arrays: for runs too short to compile these.

Parameters and results are those of the loops, to the bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.comms.link_arrays import NEVER_MS
from cosim.core.delivery import PARTS

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

LOW_BITS = 20
"""Times are summed in two parts, the lower of this many binary digits, so that no sum overflows."""


def hear(number: int, arrival_ms: Whole, time_ms: Whole, newest: Whole, late: Whole, n_late: int) -> int:
    """See `hear_all`."""
    if n_late:
        was_late = late[:, :n_late]
        is_there = was_late[2] <= time_ms[was_late[0]]
        np.maximum.at(newest, was_late[0, is_there], was_late[1, is_there])
        n_late = _keep(was_late, ~is_there)
    if not len(arrival_ms):
        return n_late
    is_there = arrival_ms <= time_ms
    newest[is_there] = np.maximum(newest[is_there], number)
    (places,) = np.nonzero(~is_there & (arrival_ms < NEVER_MS))
    end = n_late + len(places)
    late[0, n_late:end], late[1, n_late:end], late[2, n_late:end] = places, number, arrival_ms[places]
    return end


def take(
    now_ms: int,
    step: int,
    who: Whole,
    values: Array,
    answered: Whole,
    arrival_ms: Whole,
    newest: Array,
    newest_step: Whole,
    newest_answered: Whole,
    is_fresh: NDArray[np.bool_],
    late: Whole,
    late_values: Array,
    n_late: int,
) -> int:
    """See `take_all`."""
    if n_late:
        was_late, is_there = late[:, :n_late], late[2, :n_late] <= now_ms
        for each in np.flatnonzero(is_there).tolist():  # of one household there may be several
            place = was_late[0, each]
            if newest_step[place] < was_late[1, each]:
                newest[:, place] = late_values[:, each]
                newest_step[place], newest_answered[place] = was_late[1, each], was_late[3, each]
                is_fresh[place] = True
        _keep(late_values[:, :n_late], ~is_there)
        n_late = _keep(was_late, ~is_there)
    is_there = arrival_ms <= now_ms
    places = who[is_there & (newest_step[who] < step)]
    newest[:, places] = values[:, places]
    newest_step[places], newest_answered[places], is_fresh[places] = step, answered[places], True
    (waiting,) = np.nonzero(~is_there & (arrival_ms < NEVER_MS))
    end, places = n_late + len(waiting), who[waiting]
    late[0, n_late:end], late[1, n_late:end], late[2, n_late:end] = places, step, arrival_ms[waiting]
    late[3, n_late:end], late_values[:, n_late:end] = answered[places], values[:, places]
    return end


def account(now_ms: int, who: Whole, delivered: Array, time_ms: Whole, current: Array) -> Whole:
    """See `account_all`."""
    parts = ((delivered - current[:, who]) * PARTS).astype(np.int64)
    high_ms, low_ms = np.divmod(now_ms - time_ms, 1 << LOW_BITS)
    current[:, who] = delivered
    sums: Whole = np.array([parts.sum(axis=1), (parts * high_ms).sum(axis=1), (parts * low_ms).sum(axis=1)])
    return sums


def _keep(rows: NDArray[np.generic], kept: NDArray[np.bool_]) -> int:
    """Move the columns that are kept to the front; how many there are."""
    n = int(kept.sum())
    rows[:, :n] = rows[:, kept]
    return n
