"""What is done household by household when a community is stepped as arrays: loops that numba compiles.

Households are told apart by their place in the community, from 0; `who` are the places of those that a call
is about, an entry of each array ``(k,)`` or column of each array ``(m, k)`` one of them. Arrays are
C-contiguous: each other form of one would be compiled anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.comms.link_arrays import NEVER_MS
from cosim.core.compiled import compiled
from cosim.core.delivery import PARTS
from cosim.regulation import households_at_once
from cosim.regulation.households_at_once import LOW_BITS

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_LOW = (1 << LOW_BITS) - 1


def hear_all(number: int, arrival_ms: Whole, time_ms: Whole, newest: Whole, late: Whole, n_late: int) -> int:
    """Take what has arrived when a household wakes, of a signal and of what was late; the rest is late.

    Parameters
    ----------
    number : int
        Of the signal.
    arrival_ms, time_ms : ndarray of int64, shape (n,) or (0,), and (n,)
        When it arrives at each household, and when that wakes; -1 for one that does not. Without arrivals
        there is no signal but what was late.
    newest : ndarray of int64, shape (n,)
        Number of the freshest signal of each; changed.
    late : ndarray of int64, shape (3, at least n_late + n)
        Household, number and arrival of each message that was not there when its household woke; changed.
    n_late : int
        How many there are, and then are.
    """
    kept = 0
    for each in range(n_late):
        place = late[0, each]
        if late[2, each] <= time_ms[place]:
            newest[place] = max(newest[place], late[1, each])
        else:
            for row in range(3):
                late[row, kept] = late[row, each]
            kept += 1
    for place in range(len(arrival_ms)):
        if arrival_ms[place] <= time_ms[place]:
            newest[place] = max(newest[place], number)
        elif arrival_ms[place] < NEVER_MS:
            late[0, kept], late[1, kept], late[2, kept] = place, number, arrival_ms[place]
            kept += 1
    return kept


def take_all(
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
    """Take the reports that have arrived, of a step and what was late before, unless a newer one is known.

    Parameters
    ----------
    now_ms, step : int
        The present, and the step that is reported.
    who, arrival_ms : ndarray of int64, shape (k,)
        Whose reports, and when they arrive.
    values, answered : ndarray, shape (m, n) and (n,)
        What each household would report, and the signal that it answers.
    newest, newest_step, newest_answered, is_fresh : ndarray, shape (m, n) and (n,)
        The newest report of each household, and whether it came since the last tick; changed.
    late : ndarray of int64, shape (4, at least n_late + k)
        Household, step, arrival and signal of each report that is on its way; changed.
    late_values : ndarray, likewise of m rows
        What each says; changed.
    n_late : int
        How many there are, and then are.
    """
    kept = 0
    for each in range(n_late):
        place = late[0, each]
        if late[2, each] > now_ms:
            for row in range(4):
                late[row, kept] = late[row, each]
            for row in range(len(newest)):
                late_values[row, kept] = late_values[row, each]
            kept += 1
        elif newest_step[place] < late[1, each]:
            for row in range(len(newest)):
                newest[row, place] = late_values[row, each]
            newest_step[place], newest_answered[place] = late[1, each], late[3, each]
            is_fresh[place] = True
    for each in range(len(who)):
        place = who[each]
        if arrival_ms[each] > now_ms:
            if arrival_ms[each] < NEVER_MS:
                late[0, kept], late[1, kept], late[2, kept] = place, step, arrival_ms[each]
                late[3, kept] = answered[place]
                for row in range(len(newest)):
                    late_values[row, kept] = values[row, place]
                kept += 1
        elif newest_step[place] < step:
            for row in range(len(newest)):
                newest[row, place] = values[row, place]
            newest_step[place], newest_answered[place] = step, answered[place]
            is_fresh[place] = True
    return kept


def account_all(now_ms: int, who: Whole, delivered: Array, time_ms: Whole, current: Array) -> Whole:
    """Let some deliver something else, each from its own instant on.

    Parameters
    ----------
    now_ms : int
        The present.
    who, delivered, time_ms : ndarray
        Who delivers what from when on.
    current : ndarray, shape (m, n)
        What each household delivers; changed.

    Returns
    -------
    ndarray of int64, shape (3, m)
        The sum of all changes of each resource, in parts of a unit; and the sum of each times what has passed
        since it, in ms, as a high part (to be shifted by `LOW_BITS`) and a low one.
    """
    sums = np.empty((3, len(current)), np.int64)  # zeros would take twice as long to compile as all the rest
    for row in range(len(current)):
        sums[0, row] = sums[1, row] = sums[2, row] = 0
        for each in range(len(who)):
            parts = int((delivered[row, each] - current[row, who[each]]) * PARTS)
            passed_ms = now_ms - time_ms[each]
            sums[0, row] += parts
            sums[1, row] += parts * (passed_ms >> LOW_BITS)
            sums[2, row] += parts * (passed_ms & _LOW)
            current[row, who[each]] = delivered[row, each]
    return sums


hear = compiled(instead=households_at_once.hear)(hear_all)
take = compiled(instead=households_at_once.take)(take_all)
account = compiled(instead=households_at_once.account)(account_all)


def whole_sums(sums: Sequence[Sequence[int]]) -> tuple[Sequence[int], list[int]]:
    """Of what `account_all` returns, the sums of changes and of those times what has passed, of any size."""
    total, high, low = sums
    return total, [(upper << LOW_BITS) + lower for upper, lower in zip(high, low, strict=True)]
