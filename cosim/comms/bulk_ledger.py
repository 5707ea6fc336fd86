"""The account of what links carry as arrays: what became of every message, link by link.

It holds what the `Tally` of each link would, to the message. Messages whose fate is settled are counted many
transmissions at a time; of those that were delivered each leaves two bytes, its latency's bucket, up to
`_ROWS_KEPT` transmissions of a link, and from there on a count for each bucket that occurred.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.comms.histogram import EXACT_BELOW_MS, SIGNIFICANT_BITS, middle_ms
from cosim.comms.link_arrays import NEVER_MS, Flight, Times, Which

_ROWS_KEPT = 1024
_NUMBERS_TOGETHER = 2**16
_MOST_ROWS = 64
_NOT_DELIVERED = np.iinfo(np.uint16).max
_HALF = 1 << (SIGNIFICANT_BITS - 1)
_COLUMNS_TOGETHER = 2**16

Counts = NDArray[np.int64]


class BulkAccount(NamedTuple):
    """What became of the messages of each link, arrays of shape (n,); latencies NaN where none arrived."""

    sent: Counts
    duplicated: Counts
    delivered: Counts
    lost: Counts
    expired: Counts
    in_flight: Counts
    latency_p50_ms: NDArray[np.float64]
    latency_p99_ms: NDArray[np.float64]


class _Row(NamedTuple):
    """One transmission of some links that is not settled."""

    which: Which
    sent_ms: int | Times
    flight: Flight


class BulkLedger:
    """Counts what `LinkArrays` carry.

    Parameters
    ----------
    n_links : int
        How many links there are.
    lifetime_ms : ndarray of int64, shape (n,), or None
        Of each link's messages.
    """

    def __init__(self, n_links: int, lifetime_ms: Times | None) -> None:
        self._n = n_links
        self._lifetime_ms = lifetime_ms
        self._per_settlement = max(2, min(_MOST_ROWS, _NUMBERS_TOGETHER // max(1, n_links)))
        self._open: list[_Row] = []
        self._sent, self._duplicated, self._lost, self._expired = np.zeros((4, n_links), np.int64)
        self._delivered = np.zeros(n_links, np.int64)
        self._by_code = np.zeros(0, np.int64)
        self._codes: list[NDArray[np.uint16]] = []
        self._n_rows = 0
        # Pairs of a key (link and code) and how often it occurred; those loose are not merged yet.
        self._counted = np.zeros((2, 0), np.int64)
        self._loose: list[Counts] = []
        self._n_loose = 0
        # Of each message on its way whose transmission is settled: link, arrival and age on arrival, ms.
        self._on_way = np.zeros((3, 0), np.int64)

    def note(self, which: Which, sent_ms: int | Times, flight: Flight, now_ms: int) -> None:
        """Take one transmission of some links; `sent_ms` is when each message was first sent."""
        if len(self._open) >= self._per_settlement:
            self.settle(now_ms)
        self._open.append(_Row(which, sent_ms, flight))

    def settle(self, now_ms: int) -> None:
        """Count all that has been noted, as it stands now; what is on its way then is counted later."""
        rows, self._open = self._open, []
        self._arrive(now_ms)
        for which, sent_ms, flight in _together(rows, self._n):
            self._count(which, sent_ms, flight, now_ms)
        if self._n_rows >= _ROWS_KEPT:
            self._count_keys(self._flat())
            self._codes, self._n_rows = [], 0

    def account(self, now_ms: int) -> BulkAccount:
        """What became of all messages up to now."""
        self.settle(now_ms)
        in_flight = np.bincount(self._on_way[0], minlength=self._n)
        half, most = self._quantiles((0.5, 0.99))
        return BulkAccount(
            self._sent, self._duplicated, self._delivered, self._lost, self._expired, in_flight, half, most
        )

    def histogram(self) -> dict[int, int]:
        """How many messages were delivered with each latency, by the lower bound of its bucket, ms."""
        (codes,) = np.nonzero(self._by_code)
        return dict(zip(_bucket_ms(codes).tolist(), self._by_code[codes].tolist(), strict=True))

    def _count(self, which: Which, sent_ms: int | Times, flight: Flight, now_ms: int) -> None:
        """Count transmissions of shape (n,) or (n_rows, n)."""
        arrival_ms, copy_ms, _ = flight
        n_rows = 1 if arrival_ms.ndim == 1 else len(arrival_ms)
        _add(self._sent, which, n_rows)
        _add(self._lost, which, _down(arrival_ms >= NEVER_MS))
        self._deliver(which, sent_ms, arrival_ms, now_ms)
        if copy_ms is not None:
            _add(self._duplicated, which, _down(copy_ms < NEVER_MS))
            self._deliver(which, sent_ms, copy_ms, now_ms)

    def _deliver(self, which: Which, sent_ms: int | Times, arrival_ms: Times, now_ms: int) -> None:
        """Count what has arrived, and remember what has not."""
        age_ms = arrival_ms - sent_ms
        has_arrived = arrival_ms <= now_ms
        is_late = ~has_arrived & (arrival_ms < NEVER_MS)
        if is_late.any():
            links = np.broadcast_to(_links(which, self._n), arrival_ms.shape)
            later = np.array([links[is_late], arrival_ms[is_late], age_ms[is_late]])
            self._on_way = np.concatenate([self._on_way, later], axis=1)
        if self._lifetime_ms is not None:
            is_old = has_arrived & (age_ms > self._lifetime_ms[which])
            _add(self._expired, which, _down(is_old))
            has_arrived &= ~is_old
        _add(self._delivered, which, _down(has_arrived))
        codes = np.where(has_arrived, _codes(np.where(has_arrived, age_ms, 0)), _NOT_DELIVERED)
        self._count_codes(codes[has_arrived])
        if isinstance(which, slice):
            self._codes.append(codes.astype(np.uint16).reshape(-1, self._n))
            self._n_rows += len(self._codes[-1])
        else:
            links = np.broadcast_to(which, codes.shape)
            self._count_keys(_keys(links[has_arrived], codes[has_arrived]))

    def _arrive(self, now_ms: int) -> None:
        """Count what was on its way and has arrived."""
        has_arrived = self._on_way[1] <= now_ms
        if not has_arrived.any():
            return
        links, _, age_ms = self._on_way[:, has_arrived]
        self._on_way = self._on_way[:, ~has_arrived]
        if self._lifetime_ms is not None:
            is_old = age_ms > self._lifetime_ms[links]
            self._expired += np.bincount(links[is_old], minlength=self._n)
            links, age_ms = links[~is_old], age_ms[~is_old]
        self._delivered += np.bincount(links, minlength=self._n)
        codes = _codes(age_ms)
        self._count_codes(codes)
        self._count_keys(_keys(links, codes))

    def _count_keys(self, keys: Counts) -> None:
        self._loose.append(keys)
        self._n_loose += keys.shape[1]
        if self._n_loose > max(_NUMBERS_TOGETHER, self._counted.shape[1]):
            self._merge()

    def _merge(self) -> None:
        self._counted = _merged([self._counted, *self._loose])
        self._loose, self._n_loose = [], 0

    def _count_codes(self, codes: Counts) -> None:
        counts = np.bincount(codes, minlength=len(self._by_code))
        counts[: len(self._by_code)] += self._by_code
        self._by_code = counts

    def _flat(self, columns: Counts | None = None) -> Counts:
        """Link and code as one key, and how often, of the rows that are held; of some links alone."""
        parts = []
        for rows in self._codes:
            own = rows if columns is None else rows[:, columns]
            links = np.broadcast_to(np.arange(self._n) if columns is None else columns, own.shape)
            there = own != _NOT_DELIVERED
            parts.append(_keys(links[there], own[there].astype(np.int64)))
        return np.concatenate(parts, axis=1) if parts else np.zeros((2, 0), np.int64)

    def _quantiles(self, probabilities: tuple[float, ...]) -> list[NDArray[np.float64]]:
        """Smallest latency that the share of the delivered does not exceed, ms, as `quantile_ms` says it."""
        self._merge()
        result = [np.full(self._n, np.nan) for _ in probabilities]
        mixed = np.unique(self._counted[0] >> 16)
        is_mixed = np.zeros(self._n, dtype=bool)
        is_mixed[mixed] = True
        plain = np.flatnonzero(~is_mixed & (self._delivered > 0))
        for first in range(0, len(plain), _COLUMNS_TOGETHER):
            columns = plain[first : first + _COLUMNS_TOGETHER]
            rows = np.sort(np.concatenate([rows[:, columns] for rows in self._codes]), axis=0)
            for values, probability in zip(result, probabilities, strict=True):
                rank = _rank(probability, self._delivered[columns])
                values[columns] = _middle_ms(rows[rank - 1, np.arange(len(columns))].astype(np.int64))
        if len(mixed):
            keys, counts = _merged([self._counted, self._flat(mixed)])
            up_to = np.cumsum(counts)
            starts = np.searchsorted(keys >> 16, mixed)
            before = np.append(0, up_to)[starts]
            for values, probability in zip(result, probabilities, strict=True):
                rank = _rank(probability, self._delivered[mixed])
                found = np.searchsorted(up_to, before + rank)
                values[mixed] = _middle_ms(keys[found] & 0xFFFF)
        return result


def _together(rows: list[_Row], n_links: int) -> list[_Row]:
    """Transmissions of all links, with or without copies, stacked; the others as they are."""
    whole = [row for row in rows if isinstance(row.which, slice)]
    result = [row for row in rows if not isinstance(row.which, slice)]
    if not whole:
        return result
    sent_ms = np.stack([np.broadcast_to(row.sent_ms, (n_links,)) for row in whole])
    arrival_ms = np.stack([row.flight.arrival_ms for row in whole])
    copies = [row.flight.copy_ms for row in whole if row.flight.copy_ms is not None]
    copy_ms = np.stack(copies) if copies else None  # a link that makes copies has a row of them each time
    return [_Row(slice(None), sent_ms, Flight(arrival_ms, copy_ms)), *result]


def _add(counts: Counts, which: Which, more: int | NDArray[np.int64]) -> None:
    counts[which] += more  # positions of one transmission are each there once


def _down(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    return flags.astype(np.int64) if flags.ndim == 1 else np.asarray(np.count_nonzero(flags, axis=0))


def _links(which: Which, n: int) -> NDArray[np.int64]:
    return np.arange(n) if isinstance(which, slice) else which


def _rank(probability: float, total: Counts) -> Counts:
    """Smallest number of messages that is at least the share of all."""
    ranks: Counts = np.maximum(1, np.ceil(probability * total).astype(np.int64))
    return ranks


def _keys(links: Counts, codes: Counts) -> Counts:
    return np.array([(links << 16) | codes, np.ones(len(links), np.int64)])


def _merged(lists: list[Counts]) -> Counts:
    """Lists of keys and counts as one, by key."""
    keys, counts = np.concatenate(lists, axis=1)
    found, inverse = np.unique(keys, return_inverse=True)
    total = np.bincount(inverse, weights=counts, minlength=len(found))  # whole numbers below 2**53
    return np.array([found, total.astype(np.int64)])


def _codes(latency_ms: Times) -> Counts:
    """The buckets of `histogram.bucket_ms`, numbered from 0."""
    if not latency_ms.size or latency_ms.max() < EXACT_BELOW_MS:
        return latency_ms
    # A latency is below 2**53, so it is a float exactly, and the exponent is its number of binary digits.
    shift = np.maximum(np.frexp(latency_ms.astype(np.float64))[1] - SIGNIFICANT_BITS, 0).astype(np.int64)
    above = EXACT_BELOW_MS + (shift - 1) * _HALF + (latency_ms >> shift) - _HALF
    return np.where(latency_ms < EXACT_BELOW_MS, latency_ms, above)


def _bucket_ms(codes: Counts) -> Times:
    """Lower bounds of numbered buckets, ms."""
    above = codes - EXACT_BELOW_MS
    shift = np.maximum(above // _HALF + 1, 0)
    return np.where(above < 0, codes, (above % _HALF + _HALF) << shift)


def _middle_ms(codes: Counts) -> NDArray[np.float64]:
    buckets, inverse = np.unique(_bucket_ms(codes), return_inverse=True)
    return np.array([middle_ms(int(bucket)) for bucket in buckets], np.float64)[inverse]
