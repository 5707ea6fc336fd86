"""What a platform has heard from its households, as arrays: the same sums as of `Reports`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.comms.link_arrays import Times
from cosim.core.growing import with_room
from cosim.regulation import household_loops
from cosim.regulation.heard_reports import Missing
from cosim.regulation.stretch_loops import KnownReports

Array = NDArray[np.float64]
_NOBODY = np.zeros(0, np.int64)


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
        self._late = np.zeros((4, n), np.int64)
        self._late_values = np.zeros((len(initial), n))
        self._n_late = 0

    def send(
        self, who: NDArray[np.int64], step: int, values: Array, answered: NDArray[np.int64],
        arrival_ms: Times, now_ms: int,
    ) -> None:  # fmt: skip
        """Some households report a step; what has arrived up to now is taken.

        `values` and `answered` are those of all households, shape (m, n) and (n,).
        """
        self._make_room(self._n_late + len(who))
        self._n_late = household_loops.take(
            now_ms, step, who, values, answered, arrival_ms, self._newest, self._step, self._answered,
            self._is_fresh, self._late, self._late_values, self._n_late,
        )  # fmt: skip

    def take_late(self, now_ms: int) -> None:
        """Take what had not arrived when it was sent, and has now."""
        if self._n_late:
            self.send(_NOBODY, 0, self._newest, self._answered, _NOBODY, now_ms)

    def open_stretch(self, n_ticks: int) -> tuple[KnownReports, int]:
        """All that is known, with room for a report of everyone in each of so many ticks."""
        self._make_room(self._n_late + n_ticks * self._n)
        known = KnownReports(
            self._newest, self._step, self._answered, self._is_fresh, self._late, self._late_values
        )
        return known, self._n_late

    def close_stretch(self, n_late: int) -> None:
        """Go on with so many reports that are late."""
        self._n_late = n_late

    @property
    def due_step(self) -> NDArray[np.int64]:
        """Number of the first tick at which each household's report can be there."""
        return self._due_step

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

    def _make_room(self, n_late: int) -> None:
        if n_late > self._late.shape[1]:
            self._late, self._late_values = (
                with_room(self._late, n_late),
                with_room(self._late_values, n_late),
            )
