"""Random numbers of links looked up one by one: for a sender that knows few of very many recipients.

The same numbers as those of `Draws`, which makes whole rows: those of N senders to N recipients would be N²
numbers a transmission, of which few are ever used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

from cosim.comms.draws import LOST, Draws
from cosim.comms.latency import Latency
from cosim.core.streams import Streams

T = TypeVar("T")


class _Row(Generic[T]):
    """Numbers of one transmission counter, by column."""

    __slots__ = ("_counter", "_value")

    def __init__(self, value: Callable[[int, int], T], counter: int) -> None:
        self._value = value
        self._counter = counter

    def __getitem__(self, column: int) -> T:
        return self._value(self._counter, column)


class Singles(Generic[T]):
    """Looks like `Rows`, and makes none: ``singles[counter][column]`` is worked out when it is asked for."""

    __slots__ = ("_value",)

    def __init__(self, value: Callable[[int, int], T]) -> None:
        self._value = value

    def __getitem__(self, counter: int) -> _Row[T]:
        return _Row(self._value, counter)


class SingleDraws:
    """See `Draws`, whose attributes it has; all links share one latency and one probability of loss.

    Parameters
    ----------
    streams : Streams
        The run's random numbers.
    prefix : str
        As for `Draws`.
    latency : Latency
        Of all links.
    loss_probability : float
        Of an independent loss.
    """

    def __init__(self, streams: Streams, prefix: str, latency: Latency, loss_probability: float) -> None:
        self._streams = streams
        self._prefix = prefix
        self.loss = Singles(self._uniforms("loss"))
        self.loss_state = Singles(self._uniforms("loss_state"))
        self.duplication = Singles(self._uniforms("duplication"))
        first, copy = (self._latencies(latency, each) for each in ("latency", "duplicate_latency"))
        self.latency, self.duplicate_latency = Singles(first), Singles(copy)
        lost = self._uniforms("loss")

        def fate(counter: int, column: int) -> int:
            return LOST if lost(counter, column) < loss_probability else first(counter, column)

        self._of_faults: dict[str, Singles[float]] = {}
        self.fates = Singles(fate) if loss_probability > 0 else self.latency

    def initial_state(self, column: int) -> float:
        """See `Draws.initial_state`."""
        return self._streams.field(f"{self._prefix}.loss_initial_state").number(0, column)

    def of_fault(self, purpose: str) -> Singles[float]:
        """See `Draws.of_fault`."""
        if purpose not in self._of_faults:
            self._of_faults[purpose] = Singles(self._uniforms(purpose))
        return self._of_faults[purpose]

    def _uniforms(self, purpose: str) -> Callable[[int, int], float]:
        return self._streams.field(f"{self._prefix}.{purpose}").number

    def _latencies(self, latency: Latency, purpose: str) -> Callable[[int, int], int]:
        if latency.is_constant:
            constant = int(latency.sample_ms(np.zeros(1))[0])
            return lambda counter, column: constant
        uniform = self._uniforms(purpose)
        return lambda counter, column: int(latency.sample_ms(np.array([uniform(counter, column)]))[0])


AnyDraws = Draws | SingleDraws
"""Draws of a link, in rows or one by one."""
