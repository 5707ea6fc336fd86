"""When the households of a community wake, as arrays: who is due up to an instant, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.comms.bulk_draws import RowBlocks
from cosim.comms.link_arrays import Times, Which

EVERYONE = slice(None)


class WakeUp(NamedTuple):
    """Households that take the same decision instant."""

    which: Which
    """Who, by position: all of them, or some."""
    step: int
    """Number k of the instant."""
    time_ms: Times
    """When each wakes, ms since the start. Shape (n,)."""


class WakeUps:
    """The alarms of households that take part from the start to the end.

    It says what `Clock.wake_ms` and `AlarmClock` say together: a household wakes at the instant that its
    clock names, or right away where that has passed.

    Parameters
    ----------
    step_ms : int
        Length of a step.
    phases_ms : ndarray of int64, shape (n,)
        Each household's place in it.
    slowness : ndarray of float64, shape (n,)
        Real over nominal time since the start.
    jitter_ms : float
        Each wake-up is late by up to this.
    jitter : RowBlocks or None
        Uniform numbers for that, a row a step.
    end_ms : int
        End of the run; nobody wakes then.

    Attributes
    ----------
    phases_ms : ndarray of int64, shape (n,)
        As given.
    """

    def __init__(
        self,
        step_ms: int,
        phases_ms: Times,
        slowness: NDArray[np.float64],
        jitter_ms: float,
        jitter: RowBlocks[np.float64] | None,
        end_ms: int,
    ) -> None:
        self._step_ms = step_ms
        self.phases_ms = phases_ms
        self._slowness = None if (slowness == 1.0).all() else slowness
        self._jitter_ms, self._jitter = jitter_ms, jitter
        self._end_ms = end_ms
        self._is_regular = self._slowness is None and jitter is None
        self._first_phase_ms, self._last_phase_ms = int(phases_ms.min()), int(phases_ms.max())
        self._n = len(phases_ms)
        self._steps = np.zeros(self._n, np.int64)
        self._common_step: int | None = 0
        self._next_ms = self._instants(EVERYONE, 0)

    def due(self, until_ms: int) -> Iterator[WakeUp]:
        """Who wakes up to `until_ms`, after all that was due before; each household in order of time."""
        until_ms = min(until_ms, self._end_ms - 1)
        while self._may_be_due(until_ms):
            if self._is_regular and self._common_step is not None and self._last_ms() <= until_ms:
                yield self._take(EVERYONE, self._common_step)
                self._common_step += 1
                continue
            is_due = self._next_ms <= until_ms
            n_due = int(np.count_nonzero(is_due))
            if not n_due:
                return
            step = self._common_step
            if n_due == self._n and step is not None:
                yield self._take(EVERYONE, step)
                self._common_step = step + 1
                continue
            if step is not None:
                self._steps[:] = step
            who = np.flatnonzero(is_due)
            steps = self._steps[who]
            for own in np.unique(steps).tolist():
                yield self._take(who[steps == own], own)
            self._steps[who] += 1
            lowest = int(self._steps.min())
            self._common_step = lowest if lowest == self._steps.max() else None

    def together(self, after_ms: int, until_ms: int) -> int | None:
        """The step in which all households wake next, all of them after `after_ms` and up to `until_ms`.

        None where there is none, or where clocks are wrong. Where they are right, the same holds of each step
        that follows, a step's length later.
        """
        step = self._common_step
        if not self._is_regular or step is None or self._last_ms() > until_ms:
            return None
        return step if step * self._step_ms + self._first_phase_ms > after_ms else None

    def pass_over(self, n_steps: int) -> None:
        """All wake up so many times, as `together` says."""
        assert self._common_step is not None
        self._common_step += n_steps
        self._next_ms = self._next_ms + n_steps * self._step_ms

    def _may_be_due(self, until_ms: int) -> bool:
        """Whether it is worth a look: most of the time the next step has not begun."""
        if not self._is_regular or self._common_step is None:
            return True
        return self._common_step * self._step_ms + self._first_phase_ms <= until_ms

    def _last_ms(self) -> int:
        """When the last one wakes in the step that is next of all, by clocks that are right."""
        assert self._common_step is not None
        return self._common_step * self._step_ms + self._last_phase_ms

    def _take(self, which: Which, step: int) -> WakeUp:
        time_ms = self._next_ms[which]
        if isinstance(which, slice):
            self._next_ms = self._after(time_ms, which, step + 1)
        else:
            self._next_ms[which] = self._after(time_ms, which, step + 1)
        return WakeUp(which, step, time_ms)

    def _after(self, now_ms: Times, which: Which, step: int) -> Times:
        if self._is_regular:
            return now_ms + self._step_ms
        return np.maximum(self._instants(which, step), now_ms)

    def _instants(self, which: Which, step: int) -> Times:
        nominal: Times = step * self._step_ms + self.phases_ms[which]
        if self._is_regular:
            return nominal
        late = 0.0 if self._jitter is None else self._jitter_ms * self._jitter.row(step)[which]
        slowness = 1.0 if self._slowness is None else self._slowness[which]
        instants: Times = np.rint(nominal * slowness + late).astype(np.int64)
        return instants


class WakeOrder:
    """In which order decisions of several households were taken.

    Who wakes at one instant wakes in the order in which the alarms were set, that is of the wake-ups before.

    Parameters
    ----------
    n : int
        How many households there are; at the start their alarms are set in their order.
    """

    def __init__(self, n: int) -> None:
        self._set_at = np.arange(n)

    def sorted(self, wake_ups: list[WakeUp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The order of all wake-ups since it was last asked, and how many there were of each household.

        Returns
        -------
        order : ndarray of int64
            Positions in the wake-ups put one after another, in the order in which they happened.
        who : ndarray of int64
            The household of each, before they are put in order.
        """
        everyone = np.arange(len(self._set_at))
        who = np.concatenate([everyone[wake_up.which] for wake_up in wake_ups])
        times = np.concatenate([wake_up.time_ms for wake_up in wake_ups])
        # Of equal instants goes first whose alarm was set first: at its own wake-up before, and so on back.
        before = self._earlier(wake_ups, int(np.bincount(who).max()) - 1)
        order = np.lexsort((self._set_at[who], *reversed(before), times))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        self._set_at -= len(everyone) + len(order)  # alarms that still stand were set before all these
        self._set_at[who] = place  # of several wake-ups of a household the last one counts
        return order, who

    def _earlier(self, wake_ups: list[WakeUp], depth: int) -> NDArray[np.int64]:
        """When the household of each wake-up woke before, shape (depth, ...), the last time first; -1 where
        it had not yet."""
        history = np.full((depth, len(self._set_at)), -1, np.int64)
        found = []
        for wake_up in wake_ups:
            own = history[:, wake_up.which].copy()
            found.append(own)
            if depth:
                history[1:, wake_up.which] = own[:-1]
                history[0, wake_up.which] = wake_up.time_ms
        return np.concatenate(found, axis=1)
