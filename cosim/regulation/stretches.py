"""Stretches: many steps of a community and its platform at once, where nothing comes between two ticks.

What they leave is what the two leave step by step, to the bit. A step that is not of their kind (the first,
or one in which not all households wake together) is left to these.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cosim.comms.link_arrays import Times
from cosim.core.compiled import can_compile, is_kept
from cosim.regulation.aggregate import MeanReader
from cosim.regulation.answer_loops import AnswerRules
from cosim.regulation.control_laws import IntegralControl
from cosim.regulation.household_arrays import CommunityArrays, refuse
from cosim.regulation.household_loops import whole_sums
from cosim.regulation.mitigations import AgainstDelay, AgainstFalseReports
from cosim.regulation.platform import Platform, Tick
from cosim.regulation.stretch_loops import MISSING, NO_DEVICES, StretchRows, StretchRules, stretch_with
from cosim.regulation.wake_ups import EVERYONE

Record = Callable[[int, int, Tick, list[float], NDArray[np.float64]], None]

WORTH_COMPILING = 20_000
"""With more ticks in a run the loop is worth the seconds of compiling it, if that has not been done."""

_MOST_TICKS = 96
_NUMBERS_TOGETHER = 2**16


class Stretches:
    """The ticks of a community, many at a time.

    Parameters
    ----------
    arrays : CommunityArrays
        Its households.
    answers : AnswerRules
        How they answer.
    platform : Platform
        Its platform.
    n_ticks : int
        How many there are in the run.
    """

    def __init__(
        self, arrays: CommunityArrays, answers: AnswerRules, platform: Platform, n_ticks: int
    ) -> None:
        self._n_ticks = n_ticks
        loop = None if arrays.devices is None else arrays.devices.loop
        self._loop = NO_DEVICES if loop is None else loop
        self._stretch = stretch_with(self._loop)
        self._arrays, self._answers, self._platform = arrays, answers, platform
        rules, n = platform.rules, len(arrays.members)
        self._most = _most_ticks(arrays)
        self._is_compiled: bool | None = None
        self._averages: NDArray[np.float64] | None = None
        self._rules = StretchRules(
            step_ms=rules.step_ms,
            lag=0,
            phases_ms=arrays.wake_ups.phases_ms,
            everyone=np.arange(n),
            report_at_end=arrays.rules.report_at_end,
            missing=MISSING[rules.missing],
            due_step=arrays.reports.due_step,
            gains=np.array(platform.state.gains),
            low=float(rules.signal_limits[0]),
            high=float(rules.signal_limits[1]),
            meters_ms=arrays.meters_ms,
        )

    @property
    def most(self) -> int:
        """So many ticks go together at most."""
        if self._is_compiled is None:  # which takes a look into a folder
            is_worth_it = self._n_ticks > WORTH_COMPILING or is_kept(self._stretch)
            self._is_compiled = can_compile() and is_worth_it
        return self._most if self._is_compiled else 1

    def make(self, first: int, n_ticks: int, reader: MeanReader, record: Record) -> int:
        """Make ticks from number `first` on, up to so many, all of which are due.

        Parameters
        ----------
        first, n_ticks : int
            Number of the next tick, and how many are due.
        reader : MeanReader
            Reads the mean of what is delivered.
        record : callable
            Told of each tick: its number and instant (ms), what it worked with, the aggregates and averages.

        Returns
        -------
        int
            How many were made; 0 where the next is not of this kind.
        """
        arrays, platform, step_ms = self._arrays, self._platform, self._rules.step_ms
        step = arrays.wake_ups.together((first - 1) * step_ms, first * step_ms)
        most = self.most
        n_ticks = min(n_ticks, most)
        heard = None if step is None or most == 1 else arrays.signals.open_stretch(first, n_ticks)
        if step is None or heard is None:
            return 0
        arrival_ms, signals, n_late_signals = heard
        rows = self._rows(first, step, n_ticks, arrival_ms)
        reports, n_late_reports = arrays.reports.open_stretch(n_ticks)
        devices = None if arrays.devices is None else arrays.devices.in_loop()
        n_made, n_late_signals, n_late_reports = self._stretch(
            first, self._rules._replace(lag=first - step), self._answers, rows, arrays.averages,
            arrays.delivered, signals, n_late_signals, reports, n_late_reports, devices,
        )  # fmt: skip
        self._account(first, n_made, rows, reader, record)
        if n_made < n_ticks:
            refuse(arrays, EVERYONE, step + n_made + 1, rows.answers[1])
        last = first + n_ticks - 1
        if arrays.devices is not None and len(rows.flows):
            meters_ms = self._rules.meters_ms
            arrays.devices.keep_flows(last * step_ms // meters_ms * meters_ms, rows.flows)
        arrays.signals.close_stretch(last + 1, rows.down_ms[n_ticks - 1], n_late_signals)
        arrays.reports.close_stretch(n_late_reports)
        arrays.wake_ups.pass_over(n_ticks)
        arrays.n_sent += n_ticks
        platform.state.signals = tuple(signals.known[:, last + 1].tolist())
        platform.state.signal_step = last + 1
        return n_ticks

    def _rows(self, first: int, step: int, n_ticks: int, arrival_ms: Times) -> StretchRows:
        arrays, capacities = self._arrays, self._platform.rules.capacities
        (m, n), ticks = arrays.averages.shape, range(first, first + n_ticks)
        step_ms, meters_ms = self._rules.step_ms, self._rules.meters_ms
        n_closed = (
            ticks[-1] * step_ms // meters_ms - (ticks[0] - 1) * step_ms // meters_ms if meters_ms else 0
        )
        if self._averages is None:
            self._averages = np.empty((self._most, m, n))
        return StretchRows(
            draws=arrays.rules.draws.rows(step + 1, n_ticks),
            up_ms=arrays.up.latencies_ms(step, n_ticks),
            before_ms=arrival_ms,
            down_ms=arrays.down.latencies_ms(arrays.n_sent, n_ticks),
            capacities=np.array([capacities(tick * step_ms) for tick in ticks], np.float64),
            signals=np.empty((n_ticks, m)),
            measured=np.empty((n_ticks, m)),
            wake_ms=np.empty((n_ticks, n), np.int64),
            averages=self._averages[:n_ticks],
            sums=np.empty((n_ticks, 3, m), np.int64),
            answers=np.empty((3, m, n)),
            delivered=np.empty((m, n)),
            flows=np.empty((n_closed, self._loop.n_flows, n)),
        )

    def _account(
        self, first: int, n_made: int, rows: StretchRows, reader: MeanReader, record: Record
    ) -> None:
        """Write down what happened at each tick."""
        if not n_made:
            return
        arrays, step_ms = self._arrays, self._rules.step_ms
        numbers = range(first, first + n_made)
        times_ms = [number * step_ms for number in numbers]
        told = np.stack([rows.signals, rows.capacities, rows.measured], axis=1)[:n_made].tolist()
        # A resource at a time: for each tick the sum of changes, and of these times what has passed.
        sums = [whole_sums(each) for each in rows.sums[:n_made].transpose(2, 1, 0).tolist()]
        means = reader.read_each(times_ms, *zip(*sums, strict=True))
        for number, now_ms, each, mean, averages in zip(
            numbers, times_ms, told, means, rows.averages, strict=False
        ):
            record(number, now_ms, Tick(*map(tuple, each)), mean, averages)
        now_ms = times_ms[-1]
        sent_ms = np.empty((n_made, rows.wake_ms.shape[1]), np.int64)
        sent_ms[:] = np.array(times_ms)[:, np.newaxis]
        arrays.up.note_rows(rows.wake_ms[:n_made], rows.up_ms[:n_made], now_ms)
        arrays.down.note_rows(sent_ms, rows.down_ms[:n_made], now_ms)


def stretches_of(
    arrays: CommunityArrays, platform: Platform, n_ticks: int, is_apart: bool
) -> Stretches | None:
    """The stretches of a community of this kind; None where its steps go one by one.

    Parameters
    ----------
    arrays : CommunityArrays
        Its households.
    platform : Platform
        Its platform.
    n_ticks : int
        How many there are in the run.
    is_apart : bool
        Whether nobody looks at the two between their ticks, nor writes decisions down.
    """
    rules = platform.rules
    is_known = (
        (arrays.devices is None or (bool(arrays.meters_ms) and arrays.devices.loop is not None))
        and math.isinf(arrays.rules.silent_after_ms)
        and arrays.down.is_plain
        and arrays.up.is_plain
        and rules.measurement == "reports"
        and not rules.grid_aware
        and type(rules.against_delay) is AgainstDelay
        and type(rules.against_false_reports) is AgainstFalseReports
        and type(rules.control) is IntegralControl
    )
    answers = arrays.rules.answers
    if answers is None or not (is_apart and is_known) or _most_ticks(arrays) < 2:
        return None
    return Stretches(arrays, answers, platform, n_ticks)


def _most_ticks(arrays: CommunityArrays) -> int:
    return min(_MOST_TICKS, _NUMBERS_TOGETHER // arrays.averages.size)
