"""The random numbers of a set of links, looked up by each link's own transmission counter.

A row belongs to a transmission counter, a column to a household. The k-th transmission of a link uses row k,
whatever became of the earlier ones and whatever other links do, so one household more, another order of
events or somebody else's retries change no household's draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from cosim.comms.latency import Latency
from cosim.core.streams import Streams

T = TypeVar("T")

LOST = -1
"""Stands for a latency in `Draws.fates`."""


class Rows(dict[int, list[T]], Generic[T]):
    """Rows made when first asked for; the newest `keep` are held, and an older one is made again.

    A dictionary, so that a row that is there is found without calling any Python.
    """

    def __init__(self, make: Callable[[int], list[T]], keep: int) -> None:
        super().__init__()
        self._make = make
        self._keep = keep

    def __missing__(self, counter: int) -> list[T]:
        row = self._make(counter)
        if len(self) >= self._keep:
            del self[next(iter(self))]
        self[counter] = row
        return row


class Draws:
    """Rows of every purpose for links that share a prefix, one column a link.

    Parameters
    ----------
    streams : Streams
        The run's random numbers.
    prefix : str
        ``uplink``, ``downlink``, ``meter``, or ``peer.7`` for what household 7 sends to its peers; the fields
        are ``uplink.loss``, ``uplink.latency`` and so on.
    latencies : sequence of Latency
        Distribution of each column; columns with the same object are transformed together.
    loss_probabilities : ndarray of float64, shape (n_columns,)
        Probability of an independent loss in each column.
    keep : int
        How many rows of each purpose are held.

    Attributes
    ----------
    fates : Rows of int
        Latency (ms), or `LOST`, for links with independent losses and nothing more.
    latency, duplicate_latency : Rows of int
        Latency of a message, and of its copy (ms).
    loss, loss_state, duplication : Rows of float
        Uniform numbers for the loss, the change of a Gilbert-Elliott chain's state, and the duplication.
    """

    def __init__(
        self,
        streams: Streams,
        prefix: str,
        latencies: Sequence[Latency],
        loss_probabilities: NDArray[np.float64],
        keep: int,
    ) -> None:
        self._streams = streams
        self._prefix = prefix
        self._n_columns = len(latencies)
        self._loss_probabilities = loss_probabilities
        self._loses = bool(np.any(loss_probabilities > 0))
        self._random_columns = _columns_by_latency(latencies)
        self._constant = np.zeros(len(latencies), dtype=np.int64)
        for column, latency in enumerate(latencies):
            if latency.is_constant:
                self._constant[column] = latency.sample_ms(np.zeros(1))[0]
        self._constant_row: list[int] = self._constant.tolist()
        self.loss = Rows(self._uniforms("loss"), keep)
        self.loss_state = Rows(self._uniforms("loss_state"), keep)
        self.duplication = Rows(self._uniforms("duplication"), keep)
        self.latency = Rows(self._latency_rows("latency"), keep)
        self.duplicate_latency = Rows(self._latency_rows("duplicate_latency"), keep)
        self.fates = Rows(self._fate_rows(), keep) if self._loses else self.latency
        self._keep = keep
        self._of_faults: dict[str, Rows[float]] = {}

    def initial_state(self, column: int) -> float:
        """Uniform number for the state in which a link's Gilbert-Elliott chain starts."""
        return self._streams.field(f"{self._prefix}.loss_initial_state").number(0, column)

    def of_fault(self, purpose: str) -> Rows[float]:
        """Uniform numbers for what a fault does to these links, made when first asked for."""
        rows = self._of_faults.get(purpose)
        if rows is None:
            rows = self._of_faults[purpose] = Rows(self._uniforms(purpose), self._keep)
        return rows

    def _uniforms(self, purpose: str) -> Callable[[int], list[float]]:
        field = self._streams.field(f"{self._prefix}.{purpose}")
        return lambda counter: field.row(counter, self._n_columns).tolist()

    def _latency_rows(self, purpose: str) -> Callable[[int], list[int]]:
        if not self._random_columns:
            return lambda counter: self._constant_row
        field = self._streams.field(f"{self._prefix}.{purpose}")

        def make(counter: int) -> list[int]:
            uniforms = field.row(counter, self._n_columns)
            if len(self._random_columns) == 1 and self._random_columns[0][1].size == self._n_columns:
                whole: list[int] = self._random_columns[0][0].sample_ms(uniforms).tolist()
                return whole
            row = self._constant.copy()
            for latency, columns in self._random_columns:
                row[columns] = latency.sample_ms(uniforms[columns])
            mixed: list[int] = row.tolist()
            return mixed

        return make

    def _fate_rows(self) -> Callable[[int], list[int]]:
        losses = self._streams.field(f"{self._prefix}.loss")
        latencies = self._latency_rows("latency")

        def make(counter: int) -> list[int]:
            is_lost = losses.row(counter, self._n_columns) < self._loss_probabilities
            row: list[int] = np.where(is_lost, LOST, latencies(counter)).tolist()
            return row

        return make


def _columns_by_latency(latencies: Sequence[Latency]) -> list[tuple[Latency, NDArray[np.int64]]]:
    """Each distribution that needs random numbers, with the columns that have it."""
    columns: dict[int, list[int]] = {}
    for column, latency in enumerate(latencies):
        if not latency.is_constant:
            columns.setdefault(id(latency), []).append(column)
    return [(latencies[which[0]], np.array(which, dtype=np.int64)) for which in columns.values()]
