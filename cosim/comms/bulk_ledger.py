"""The account of what links carry as arrays: what became of every message, link by link.

It holds what the `Tally` of each link would, to the message. Messages whose fate is settled are counted many
transmissions at a time. Each that was delivered leaves two bytes, the bucket of its latency, for up to 1,024
transmissions of a link or four million of all; beyond that a count is kept of each bucket that occurred.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.comms import ledger_loops
from cosim.comms.histogram import EXACT_BELOW_MS, SIGNIFICANT_BITS, middle_ms
from cosim.comms.ledger_loops import DELIVERED, DUPLICATED, NOT_DELIVERED, SENT
from cosim.comms.link_arrays import NEVER_MS, Flight, Times, Which
from cosim.core.growing import with_room

_ROWS_KEPT = 1024
_NUMBERS_KEPT = 2**22
_NUMBERS_TOGETHER = 2**16
_MOST_ROWS = 64
_LEFT_OPEN = 2
_COLUMNS_TOGETHER = 2**12
_HALF = 1 << (SIGNIFICANT_BITS - 1)

Counts = NDArray[np.int64]


def rows_kept(n_links: int) -> int:
    """Of how many transmissions of each link the latencies are held one by one, two bytes each."""
    return max(_ROWS_KEPT, _NUMBERS_KEPT // max(1, n_links))


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
        self._lifetime_ms = np.full(n_links, NEVER_MS, np.int64) if lifetime_ms is None else lifetime_ms
        self._per_settlement = max(2, min(_MOST_ROWS, _NUMBERS_TOGETHER // max(1, n_links))) + _LEFT_OPEN
        self._rows_kept = rows_kept(n_links)
        self._everyone = np.arange(n_links)
        self._open: list[_Row] = []
        self._fates = np.zeros((5, n_links), np.int64)
        self._by_code = np.zeros(NOT_DELIVERED, np.int64)
        self._codes: list[NDArray[np.uint16]] = []
        self._n_rows = 0
        # Pairs of a key (link and code) and how often it occurred; those loose are not merged yet.
        self._counted = np.zeros((2, 0), np.int64)
        self._loose: list[Counts] = []
        self._n_loose = 0
        # Of each message on its way whose transmission is settled: link, arrival and age on arrival, ms.
        self._on_way = np.zeros((3, 0), np.int64)
        self._n_on_way = 0

    def note(self, which: Which, sent_ms: int | Times, flight: Flight, now_ms: int) -> None:
        """Take one transmission of some links; `sent_ms` is when each message was first sent."""
        if len(self._open) >= self._per_settlement:
            self._settle(now_ms, len(self._open) - _LEFT_OPEN)
        self._open.append(_Row(which, sent_ms, flight))

    def note_rows(self, sent_ms: Times, arrival_ms: Times, now_ms: int) -> None:
        """Take transmissions of all links that made no copies, a row each, sent up to now."""
        self._settle(now_ms, len(self._open))
        everyone, last = slice(None), max(0, len(sent_ms) - _LEFT_OPEN)
        self._count_rows(everyone, sent_ms[:last], arrival_ms[:last], SENT, now_ms)
        # What is on its way when it is counted is counted by keys, which takes far longer.
        self._open += [
            _Row(everyone, *row) for row in zip(sent_ms[last:], map(Flight, arrival_ms[last:]), strict=True)
        ]

    def _settle(self, now_ms: int, n_rows: int) -> None:
        """Count the oldest that have been noted, as they stand now; what is on its way is counted later."""
        rows, self._open = self._open[:n_rows], self._open[n_rows:]
        self._arrive(now_ms)
        whole = [row for row in rows if isinstance(row.which, slice)]
        for some in (whole, *([row] for row in rows if not isinstance(row.which, slice))):
            copied = [row for row in some if row.flight.copy_ms is not None]
            self._count(some, [row.flight.arrival_ms for row in some], SENT, now_ms)
            self._count(copied, [row.flight.copy_ms for row in copied], DUPLICATED, now_ms)
        if self._n_rows >= self._rows_kept:
            self._count_keys(self._flat())
            self._codes, self._n_rows = [], 0

    def _count(self, rows: list[_Row], arrivals_ms: list[Times | None], first: int, now_ms: int) -> None:
        """Count transmissions of the same links; `first` is what each message is counted as at first."""
        if not rows:
            return
        arrival_ms = np.array(arrivals_ms)
        sent_ms = np.empty(arrival_ms.shape, np.int64)
        for each, row in zip(sent_ms, rows, strict=True):
            each[:] = row.sent_ms
        self._count_rows(rows[0].which, sent_ms, arrival_ms, first, now_ms)

    def _count_rows(self, which: Which, sent_ms: Times, arrival_ms: Times, first: int, now_ms: int) -> None:
        who, codes = self._everyone[which], np.empty(arrival_ms.shape, np.uint16)
        self._on_way = with_room(self._on_way, self._n_on_way + arrival_ms.size)
        self._n_on_way = ledger_loops.settle(
            now_ms, who, sent_ms, arrival_ms, self._lifetime_ms, first, self._fates, self._by_code, codes,
            self._on_way, self._n_on_way,
        )  # fmt: skip
        if isinstance(which, slice):
            self._codes.append(codes)
            self._n_rows += len(codes)
        else:
            (there,) = np.nonzero(codes[0] != NOT_DELIVERED)
            self._count_keys(_keys(who[there], codes[0, there].astype(np.int64)))

    def _arrive(self, now_ms: int) -> None:
        """Count what was on its way and has arrived."""
        if not self._n_on_way:
            return
        keys = np.empty(self._n_on_way, np.int64)
        self._n_on_way, n_keys = ledger_loops.arrive(
            now_ms, self._lifetime_ms, self._fates, self._by_code, self._on_way, self._n_on_way, keys
        )
        if n_keys:
            self._count_keys(np.array([keys[:n_keys], np.ones(n_keys, np.int64)]))

    def account(self, now_ms: int) -> BulkAccount:
        """What became of all messages up to now."""
        self._settle(now_ms, len(self._open))
        in_flight = np.bincount(self._on_way[0, : self._n_on_way], minlength=self._n)
        half, most = self._quantiles((0.5, 0.99))
        sent, duplicated, delivered, lost, expired = self._fates
        return BulkAccount(sent, duplicated, delivered, lost, expired, in_flight, half, most)

    def histogram(self) -> dict[int, int]:
        """How many messages were delivered with each latency, by the lower bound of its bucket, ms."""
        (codes,) = np.nonzero(self._by_code)
        return dict(zip(_bucket_ms(codes).tolist(), self._by_code[codes].tolist(), strict=True))

    def _count_keys(self, keys: Counts) -> None:
        self._loose.append(keys)
        self._n_loose += keys.shape[1]
        if self._n_loose > max(_NUMBERS_TOGETHER, self._counted.shape[1]):
            self._merge()

    def _merge(self) -> None:
        self._counted = _merged([self._counted, *self._loose])
        self._loose, self._n_loose = [], 0

    def _flat(self, columns: Counts | None = None) -> Counts:
        """Link and code as one key, and how often, of the rows that are held; of some links alone."""
        parts = []
        for rows in self._codes:
            own = rows if columns is None else rows[:, columns]
            links = np.broadcast_to(np.arange(self._n) if columns is None else columns, own.shape)
            there = own != NOT_DELIVERED
            parts.append(_keys(links[there], own[there].astype(np.int64)))
        return np.concatenate(parts, axis=1) if parts else np.zeros((2, 0), np.int64)

    def _quantiles(self, probabilities: tuple[float, ...]) -> list[NDArray[np.float64]]:
        """Smallest latency that the share of the delivered does not exceed, ms, as `quantile_ms` says it."""
        self._merge()
        result = [np.full(self._n, np.nan) for _ in probabilities]
        mixed = np.unique(self._counted[0] >> 16)
        is_mixed = np.zeros(self._n, dtype=bool)
        is_mixed[mixed] = True
        plain = np.flatnonzero(~is_mixed & (self._fates[DELIVERED] > 0))
        codes = np.empty((len(probabilities), len(plain)), np.int64)
        for first in range(0, len(plain), _COLUMNS_TOGETHER):
            columns = plain[first : first + _COLUMNS_TOGETHER]
            begin, end = int(columns[0]), int(columns[-1]) + 1
            some: slice | Counts = slice(begin, end) if end - begin == len(columns) else columns
            # A stable sort goes digit by digit, fast for two bytes, on numbers next to each other in memory.
            whole = np.concatenate([rows[:, some] for rows in self._codes])
            rows = np.sort(np.ascontiguousarray(whole.T), axis=1, kind="stable")
            for found, probability in zip(codes[:, first : first + len(columns)], probabilities, strict=True):
                found[:] = rows[
                    np.arange(len(columns)), _rank(probability, self._fates[DELIVERED][columns]) - 1
                ]
        for values, found in zip(result, codes, strict=True):
            values[plain] = _middle_ms(found)
        if len(mixed):
            keys, counts = _merged([self._counted, self._flat(mixed)])
            up_to = np.cumsum(counts)
            starts = np.searchsorted(keys >> 16, mixed)
            before = np.append(0, up_to)[starts]
            for values, probability in zip(result, probabilities, strict=True):
                rank = _rank(probability, self._fates[DELIVERED][mixed])
                found = np.searchsorted(up_to, before + rank)
                values[mixed] = _middle_ms(keys[found] & 0xFFFF)
        return result


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


def _bucket_ms(codes: Counts) -> Times:
    """Lower bounds of numbered buckets, ms."""
    above = codes - EXACT_BELOW_MS
    shift = np.maximum(above // _HALF + 1, 0)
    return np.where(above < 0, codes, (above % _HALF + _HALF) << shift)


def _middle_ms(codes: Counts) -> NDArray[np.float64]:
    buckets, inverse = np.unique(_bucket_ms(codes), return_inverse=True)
    return np.array([middle_ms(int(bucket)) for bucket in buckets], np.float64)[inverse]
