"""What became of single messages, link by link: loops that numba compiles."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cosim.comms.histogram import EXACT_BELOW_MS, SIGNIFICANT_BITS
from cosim.comms.link_arrays import NEVER_MS
from cosim.core.compiled import compiled

Whole = NDArray[np.int64]

NOT_DELIVERED: Final = 2**16 - 1
"""Stands for the bucket of a latency that there is not."""
_HALF = 1 << (SIGNIFICANT_BITS - 1)

SENT, DUPLICATED, DELIVERED, LOST, EXPIRED = range(5)
"""The rows in which messages are counted."""


def bucket_number(latency_ms: int) -> int:
    """The buckets of `histogram.bucket_ms`, numbered from 0."""
    if latency_ms < EXACT_BELOW_MS:
        return latency_ms
    shift = 0
    while latency_ms >> shift >= 2 * _HALF:
        shift += 1
    return EXACT_BELOW_MS + (shift - 1) * _HALF + (latency_ms >> shift) - _HALF


def settle_at_once(
    now_ms: int,
    who: Whole,
    sent_ms: Whole,
    arrival_ms: Whole,
    lifetime_ms: Whole,
    first: int,
    fates: Whole,
    by_code: Whole,
    codes: NDArray[np.uint16],
    on_way: Whole,
    n_on_way: int,
) -> int:
    """As `settle`, by operations on whole arrays: for runs too short to compile it."""
    is_lost, age_ms = arrival_ms >= NEVER_MS, arrival_ms - sent_ms
    is_on_way = ~is_lost & (arrival_ms > now_ms)
    is_expired = ~is_lost & ~is_on_way & (age_ms > lifetime_ms[who])
    is_delivered = ~(is_lost | is_on_way | is_expired)
    if first == SENT:  # a copy that never arrives was never made
        fates[SENT, who] += len(arrival_ms)
        fates[LOST, who] += is_lost.sum(axis=0)
    else:
        fates[first, who] += len(arrival_ms) - is_lost.sum(axis=0)
    fates[EXPIRED, who] += is_expired.sum(axis=0)
    fates[DELIVERED, who] += is_delivered.sum(axis=0)
    ages, where = np.unique(age_ms[is_delivered], return_inverse=True)
    numbers = np.array([bucket_number(age) for age in ages.tolist()], np.int64)[where]
    by_code += np.bincount(numbers, minlength=len(by_code))
    codes[...] = NOT_DELIVERED
    codes[is_delivered] = numbers
    _, columns = np.nonzero(is_on_way)
    end = n_on_way + len(columns)
    on_way[0, n_on_way:end] = who[columns]
    on_way[1, n_on_way:end], on_way[2, n_on_way:end] = arrival_ms[is_on_way], age_ms[is_on_way]
    return end


@compiled(bucket_number, instead=settle_at_once)
def settle(
    now_ms: int,
    who: Whole,
    sent_ms: Whole,
    arrival_ms: Whole,
    lifetime_ms: Whole,
    first: int,
    fates: Whole,
    by_code: Whole,
    codes: NDArray[np.uint16],
    on_way: Whole,
    n_on_way: int,
) -> int:
    """Count some transmissions of some links, or the copies of them.

    Parameters
    ----------
    now_ms : int
        The present.
    who : ndarray of int64, shape (k,)
        Which links.
    sent_ms, arrival_ms : ndarray of int64, shape (n_rows, k)
        When each message was first sent, and when it arrives.
    lifetime_ms : ndarray of int64, shape (n,)
        Of each link's messages.
    first : int
        As what each is counted at first: `SENT`, or for copies `DUPLICATED`.
    fates : ndarray of int64, shape (5, n)
        The counts; changed.
    by_code : ndarray of int64
        How many were delivered, by bucket; changed.
    codes : ndarray of uint16, shape (n_rows, k)
        The bucket of each that was delivered; written.
    on_way : ndarray of int64, shape (3, at least n_on_way + n_rows * k)
        Link, arrival and age on arrival of what is on its way; changed.
    n_on_way : int
        How many there are, and then are.
    """
    for row in range(len(arrival_ms)):
        for each in range(len(who)):
            link, arrives_ms = who[each], arrival_ms[row, each]
            codes[row, each] = NOT_DELIVERED
            if arrives_ms >= NEVER_MS:
                if first == SENT:  # a copy that never arrives was never made
                    fates[SENT, link] += 1
                    fates[LOST, link] += 1
                continue
            fates[first, link] += 1
            age_ms = arrives_ms - sent_ms[row, each]
            if arrives_ms > now_ms:
                on_way[0, n_on_way], on_way[1, n_on_way], on_way[2, n_on_way] = link, arrives_ms, age_ms
                n_on_way += 1
            elif age_ms > lifetime_ms[link]:
                fates[EXPIRED, link] += 1
            else:
                fates[DELIVERED, link] += 1
                code = bucket_number(age_ms)
                by_code[code] += 1
                codes[row, each] = code
    return n_on_way


@compiled(bucket_number)
def arrive(
    now_ms: int, lifetime_ms: Whole, fates: Whole, by_code: Whole, on_way: Whole, n_on_way: int, keys: Whole
) -> tuple[int, int]:
    """Count what was on its way and has arrived; see `settle`.

    Returns
    -------
    n_on_way, n_keys : int
        How many are still on their way, and how many keys (link and bucket) of delivered ones were written.
    """
    kept = n_keys = 0
    for each in range(n_on_way):
        link, age_ms = on_way[0, each], on_way[2, each]
        if on_way[1, each] > now_ms:
            for row in range(3):
                on_way[row, kept] = on_way[row, each]
            kept += 1
        elif age_ms > lifetime_ms[link]:
            fates[EXPIRED, link] += 1
        else:
            fates[DELIVERED, link] += 1
            code = bucket_number(age_ms)
            by_code[code] += 1
            keys[n_keys] = (link << 16) | code
            n_keys += 1
    return kept, n_keys
