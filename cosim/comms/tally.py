"""Counting what became of each message, per link and kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.comms.histogram import bucket_ms, quantile_ms


class Account(NamedTuple):
    """One row of the table ``messages``.

    At every instant ``sent + duplicated == delivered + lost + expired + in_flight``.
    """

    link: str
    """``downlink/NAME``, ``uplink/NAME``, ``peer/SENDER/RECIPIENT``, ``meter``, ``meter/reverse``,
    ``platform/SENDER/RECIPIENT`` with the numbers of communities, or ``firm``."""
    kind: str
    """Kind of the messages."""
    sent: int
    """Transmissions, repeated ones included."""
    duplicated: int
    """Copies that the link added."""
    delivered: int
    """Arrivals, whether or not somebody was there to take them."""
    lost: int
    """Lost to outages, on the way, or to a full queue."""
    expired: int
    """Arrived, but too old."""
    in_flight: int
    """Waiting for the transmitter or on the way."""
    latency_p50_ms: int | None
    latency_p99_ms: int | None
    """Quantiles of the delivered messages' age on arrival (ms); None where nothing was delivered. The age of
    a repeated message counts from its first transmission."""


class AccountColumns(NamedTuple):
    """Rows of the table ``messages`` as columns; see `Account`."""

    link: list[str]
    kind: list[str]
    """Which link, and which messages."""
    counts: NDArray[np.int64]
    """sent, duplicated, delivered, lost, expired and in flight. Shape (6, n)."""
    latency_ms: NDArray[np.float64]
    """Median and 99th percentile; NaN where nothing was delivered. Shape (2, n)."""

    def rows(self) -> Iterator[Account]:
        """One by one."""
        latencies = (
            [None if each != each else int(each) for each in row.tolist()] for row in self.latency_ms
        )
        return map(Account, self.link, self.kind, *self.counts.tolist(), *latencies)


def columns_of(accounts: Sequence[Account]) -> AccountColumns:
    """Rows as columns."""
    counts = np.array([each[2:8] for each in accounts], np.int64).reshape(-1, 6).T
    latency_ms = np.array([each[8:] for each in accounts], np.float64).reshape(-1, 2).T
    return AccountColumns(
        [each.link for each in accounts], [each.kind for each in accounts], counts, latency_ms
    )


def in_order(parts: Sequence[AccountColumns]) -> AccountColumns:
    """All rows, by link and kind."""
    link = [each for part in parts for each in part.link]
    kind = [each for part in parts for each in part.kind]
    counts = np.concatenate([part.counts for part in parts], axis=1)
    latency_ms = np.concatenate([part.latency_ms for part in parts], axis=1)
    # Strings are compared in a third of the time that pairs take.
    keys = [f"{one}\0{other}" for one, other in zip(link, kind, strict=True)]
    if all(one <= other for one, other in pairwise(keys)):
        return AccountColumns(link, kind, counts, latency_ms)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return AccountColumns(
        [link[place] for place in order],
        [kind[place] for place in order],
        counts[:, order],
        latency_ms[:, order],
    )


class Tally:
    """Counters of one link and kind. The delivered messages are counted by their latency alone."""

    __slots__ = (
        "abandoned",
        "deduplicated",
        "delivered_by_latency",
        "duplicated",
        "expired",
        "kind",
        "link_name",
        "lost_at_queue",
        "lost_in_outage",
        "lost_on_way",
        "retransmitted",
        "sent",
    )

    def __init__(self, link_name: str, kind: str) -> None:
        self.link_name = link_name
        self.kind = kind
        self.sent = 0
        self.duplicated = 0
        self.lost_in_outage = 0
        self.lost_on_way = 0
        self.lost_at_queue = 0
        self.expired = 0
        self.retransmitted = 0
        self.deduplicated = 0
        self.abandoned = 0
        self.delivered_by_latency: dict[int, int] = {}

    def count_delivered(self, latency_ms: int) -> None:
        """Count one arrival."""
        bucket = bucket_ms(latency_ms)
        self.delivered_by_latency[bucket] = self.delivered_by_latency.get(bucket, 0) + 1

    def account(self, in_flight: int) -> Account:
        """The counters as a row; `in_flight` is counted elsewhere, so that the identity can fail."""
        latencies = self.delivered_by_latency
        return Account(
            self.link_name,
            self.kind,
            self.sent,
            self.duplicated,
            sum(latencies.values()),
            self.lost_in_outage + self.lost_on_way + self.lost_at_queue,
            self.expired,
            in_flight,
            quantile_ms(latencies, 0.5),
            quantile_ms(latencies, 0.99),
        )
