"""What a platform has heard from its households, as arrays: the same sums as of `Reports`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.comms.link_arrays import NEVER_MS, Times, Which
from cosim.regulation.aggregates.reports import Missing

Array = NDArray[np.float64]


class _Sent(NamedTuple):
    """A report of each of some households, of which none has been taken yet."""

    which: Which
    step: int
    values: Array
    answered: NDArray[np.int64]
    arrival_ms: Times


class ReportArrays:
    """The newest report of each household of a community, all of whom take part.

    Deliveries are whole parts of a unit, so that their sum is the same in any order.

    Parameters
    ----------
    due_step : ndarray of int64, shape (n,)
        Number of the first tick at which each household's report can be there.
    initial : sequence of float, length m
        x(0).
    """

    def __init__(self, due_step: NDArray[np.int64], initial: Sequence[float]) -> None:
        self._n = n = len(due_step)
        self._newest = np.tile(np.array(initial, np.float64).reshape(-1, 1), (1, n))
        self._step = np.full(n, -1, np.int64)
        self._is_fresh = due_step > 0
        self._answered = np.zeros(n, np.int64)
        self._due_step = due_step
        self._last_due = int(due_step.max())
        self._ones = np.ones(n)
        self._sent: list[_Sent] = []
        # Of each report that was overtaken by others of its step: household, step, arrival (ms), signal
        # answered; and what it says.
        self._late = np.zeros((4, 0), np.int64)
        self._late_values = np.zeros((len(initial), 0))

    def send(
        self, which: Which, step: int, values: Array, answered: NDArray[np.int64], arrival_ms: Times
    ) -> None:
        """Some households report a step that is newer than all that they reported before."""
        self._sent.append(_Sent(which, step, values, answered, arrival_ms))

    def take(self, now_ms: int) -> None:
        """Take all that has arrived up to now."""
        if self._late.shape[1]:
            self._take_late(now_ms)
        if self._sent:
            self._sent = [sent for sent in self._sent if not self._take_sent(sent, now_ms)]

    def _take_sent(self, sent: _Sent, now_ms: int) -> bool:
        """Take what has arrived of some reports, and put the rest with the late ones; else wait for all."""
        which, step, values, answered, arrival_ms = sent
        has_arrived = arrival_ms <= now_ms
        n_there = np.count_nonzero(has_arrived)
        is_coming = arrival_ms < NEVER_MS
        n_coming = np.count_nonzero(is_coming)
        if not n_there:
            return not n_coming
        if n_there != n_coming:
            is_late = is_coming & ~has_arrived
            who = np.arange(self._n)[which][is_late]
            late = np.array([who, np.full(len(who), step), arrival_ms[is_late], answered[is_late]])
            self._late = np.concatenate([self._late, late], axis=1)
            self._late_values = np.concatenate([self._late_values, values[:, is_late]], axis=1)
        has_arrived &= self._step[which] < step
        if isinstance(which, slice):
            np.copyto(self._newest, values, where=has_arrived)
            np.copyto(self._step, step, where=has_arrived)
            np.copyto(self._answered, answered, where=has_arrived)
            self._is_fresh |= has_arrived
        else:
            who = which[has_arrived]
            self._newest[:, who] = values[:, has_arrived]
            self._step[who] = step
            self._answered[who] = answered[has_arrived]
            self._is_fresh[who] = True
        return True

    def _take_late(self, now_ms: int) -> None:
        has_arrived = self._late[2] <= now_ms
        if not has_arrived.any():
            return
        who, step, _, answered = self._late[:, has_arrived]
        values = self._late_values[:, has_arrived]
        self._late, self._late_values = self._late[:, ~has_arrived], self._late_values[:, ~has_arrived]
        # The freshest of each household, if it is fresher than what is known; put in order it comes last.
        order = np.argsort(step, kind="stable")
        order = order[step[order] > self._step[who[order]]]
        who = who[order]
        self._newest[:, who] = values[:, order]
        self._step[who] = step[order]
        self._answered[who] = answered[order]
        self._is_fresh[who] = True

    def sums(self, members: Sequence[int], n_resources: int, missing: Missing) -> list[float]:
        """Σ x of each resource, as of `Reports`."""
        if missing == "hold_last":
            whole: list[float] = (self._newest @ self._ones).tolist()
            return whole
        told = int(np.count_nonzero(self._is_fresh))
        sums: list[float] = (self._newest @ self._is_fresh).tolist()
        if missing != "scale" or told == self._n:
            return sums
        return [total * self._n / told for total in sums] if told else [math.nan] * n_resources

    def answered(self, members: Sequence[int], missing: Missing) -> list[int]:
        """Numbers of the signals that the reports answer which the aggregate is made from."""
        answered: list[int] = self._answered[... if missing == "hold_last" else self._is_fresh].tolist()
        return answered

    def open_window(self, step: int) -> None:
        """Start to listen for tick `step`."""
        if step >= self._last_due:
            self._is_fresh.fill(False)
        else:
            self._is_fresh = step < self._due_step
