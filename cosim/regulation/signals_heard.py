"""What the households of a community know of the platform's signals, as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.comms.link_arrays import Times, Which
from cosim.core.growing import with_room
from cosim.regulation import household_loops
from cosim.regulation.stretch_loops import KnownSignals

_NOTHING_SENT = 0, np.zeros(0, np.int64)


class SignalsHeard:
    """The freshest signal of each household when it wakes.

    Parameters
    ----------
    n : int
        How many households there are.
    initial : sequence of float
        Ω(0) of each resource, which everyone knows.
    step_ms : int
        Length of a step; signal k+1 was first sent at k of them.

    Attributes
    ----------
    newest : ndarray of int64, shape (n,)
        Number of the freshest signal of each, as of its last wake-up.
    known : ndarray, shape (m, at least all numbers)
        The signals by number.
    """

    def __init__(self, n: int, initial: Sequence[float], step_ms: int) -> None:
        self.newest = np.zeros(n, np.int64)
        self._step_ms = step_ms
        self.known = np.array(initial, np.float64).reshape(-1, 1)
        self._n_known = 1
        self._sent: list[tuple[int, Times]] = []
        self._late = np.zeros((3, n), np.int64)
        self._n_late = 0
        self._n = n

    def send(self, number: int, signals: Sequence[float], arrival_ms: Times) -> None:
        """A signal is sent to everyone; no wake-up up to now may be outstanding."""
        if number >= self._n_known:
            self._keep(number, signals)
        self._sent.append((number, arrival_ms))

    def hear(self, which: Which, time_ms: Times) -> None:
        """Some households wake, each at its own instant after all that was sent, and know what arrived."""
        if not isinstance(which, slice):
            at_ms = np.full(self._n, -1, np.int64)
            at_ms[which] = time_ms
            time_ms = at_ms
        sent, self._sent = self._sent, []
        if not sent and self._n_late:
            sent = [_NOTHING_SENT]
        room = self._n_late + len(sent) * self._n
        if room > self._late.shape[1]:
            self._late = with_room(self._late, room)
        for number, arrival_ms in sent:
            self._n_late = household_loops.hear(
                number, arrival_ms, time_ms, self.newest, self._late, self._n_late
            )

    def open_stretch(self, number: int, n_ticks: int) -> tuple[Times, KnownSignals, int] | None:
        """Arrivals of signal `number`, if that alone was sent since the last wake-ups, and all that is known.

        There is room for a signal to everyone in each of so many ticks. `close_stretch` ends it.
        """
        if [sent for sent, _ in self._sent] != [number]:
            return None
        ((_, arrival_ms),) = self._sent
        self.known = with_room(self.known, number + n_ticks + 1)
        self._late = with_room(self._late, self._n_late + n_ticks * self._n)
        return arrival_ms, KnownSignals(self.newest, self.known, self._late), self._n_late

    def close_stretch(self, number: int, arrival_ms: Times, n_late: int) -> None:
        """Go on with signal `number` as the one that was sent last."""
        self._sent, self._n_known, self._n_late = [(number, arrival_ms)], number + 1, n_late

    def values(self, which: Which) -> NDArray[np.float64]:
        """The freshest signals of some households, shape (m, n)."""
        return self.known.take(self.newest[which], axis=1)

    def sent_ms(self, which: Which) -> Times:
        """When each household's freshest signal was sent; 0 for Ω(0)."""
        return np.maximum(self.newest[which] - 1, 0) * self._step_ms

    def _keep(self, number: int, signals: Sequence[float]) -> None:
        self.known = with_room(self.known, number + 1)
        self.known[:, number] = signals
        self._n_known = number + 1
