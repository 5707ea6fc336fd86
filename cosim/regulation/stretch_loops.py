"""Many steps of a community in one compiled loop: what `HouseholdArrays` and `Platform` do step by step.

It is for households that wake together in every step, over links without a state, with no devices or such as
can go in a loop, and for a platform that sums up reports and integrates; from the same functions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import compiled
from cosim.core.delivery import DeviceLoop
from cosim.regulation.answer_loops import ANSWERS, AnswerRules, answer_all
from cosim.regulation.control_laws import limited, update
from cosim.regulation.household_loops import account_all, hear_all, take_all

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

HOLD_LAST, ZERO, SCALE = range(3)
MISSING: Final = {"hold_last": HOLD_LAST, "zero": ZERO, "scale": SCALE}
"""What stands for a report that is missing, by number."""


class StretchRules(NamedTuple):
    """What stays the same from stretch to stretch."""

    step_ms: int
    """Length of a step."""
    lag: int
    """By how much the number of the step that ends is below the tick's: 0 where all phases are 0, else 1."""
    phases_ms: Whole
    """Each household's place in its step. Shape (n,)."""
    everyone: Whole
    """All places. Shape (n,)."""
    report_at_end: bool
    """Report a step when it ends, or when it is decided."""
    missing: int
    """By number."""
    due_step: Whole
    """Number of the first tick at which each household's report can be there. Shape (n,)."""
    gains: Array
    """τ. Shape (m,)."""
    low: float
    high: float
    """Limits of the signals."""
    meters_ms: int
    """How often the meters of devices close, at the same instant as a tick; 0 for never."""


class StretchRows(NamedTuple):
    """Of K ticks and steps, what is drawn and given, and what comes of it, a row each."""

    draws: Array
    """Uniform numbers of the decisions. Shape (K, m, n)."""
    up_ms: Whole
    """Latencies of the reports; then when they arrive. Shape (K, n)."""
    before_ms: Whole
    """When the signal before arrives. Shape (n,)."""
    down_ms: Whole
    """Latencies of the signals; then when they arrive. Shape (K, n)."""
    capacities: Array
    signals: Array
    measured: Array
    """C; written: Ω in force and Σx as measured. Shape (K, m)."""
    wake_ms: Whole
    """When each household wakes; written. Shape (K, n)."""
    averages: Array
    """x̄ as they stand at each tick; written. Shape (K, m, n)."""
    sums: Whole
    """Of what changes, see `account_all`; written. Shape (K, 3, m)."""
    answers: Array
    """As of `answer_all`, of the last step; written. Shape (3, m, n)."""
    delivered: Array
    """What devices deliver of it, where there are any; written. Shape (m, n)."""
    flows: Array
    """What their meters count, interval by interval; written. Shape (n_intervals, n_flows, n)."""


class KnownSignals(NamedTuple):
    """What households know of signals, as of `SignalsHeard`; changed."""

    newest: Whole
    known: Array
    late: Whole


class KnownReports(NamedTuple):
    """What a platform knows of its households, as of `ReportArrays`; changed."""

    newest: Array
    step: Whole
    answered: Whole
    is_fresh: NDArray[np.bool_]
    late: Whole
    late_values: Array


def measured_sum(newest: Array, is_fresh: NDArray[np.bool_], missing: int) -> float:
    """Σx of one resource by the newest reports, as of `ReportArrays.sums`: exact in any order."""
    total, told, n = 0.0, 0, len(newest)
    for i in range(n):
        if missing == HOLD_LAST or is_fresh[i]:
            total += newest[i]
            told += 1
    if missing != SCALE or told == n:
        return total
    return total * n / told if told > 0 else np.nan


def _as_asked(places: Whole, requested: Array, times_ms: Whole, devices: None, delivered: Array) -> Array:
    """Without devices everything requested is delivered."""
    return requested


def _no_meters(now_ms: int, devices: None, flows: Array) -> None:
    """Without devices there is nothing to meter."""


NO_DEVICES = DeviceLoop(_as_asked, _no_meters, 0, ())


@functools.cache
def stretch_with(devices: DeviceLoop) -> Callable[..., tuple[int, int, int]]:
    """The loop for households with such devices, as `stretch` describes it."""
    deliver, close_meters = devices.deliver, devices.close

    @compiled(
        account_all, hear_all, take_all, limited, measured_sum, update, *ANSWERS,
        deliver, close_meters, *devices.uses,
    )  # fmt: skip
    def stretch(
        first: int,
        rules: StretchRules,
        answers: AnswerRules,
        rows: StretchRows,
        averages: Array,
        delivered: Array,
        signals: KnownSignals,
        n_late_signals: int,
        reports: KnownReports,
        n_late_reports: int,
        devices: Any,
    ) -> tuple[int, int, int]:
        """Let households and platform go on from tick `first`, for as many ticks as there are rows.

        Parameters
        ----------
        first : int
            The first tick; the signal before was sent at the one before, and to everyone.
        rules, answers, rows
            As described there.
        averages, delivered : ndarray, shape (m, n)
            x̄, and what each household delivers; changed.
        signals, n_late_signals, reports, n_late_reports
            What is known, and how many messages are late; changed.
        devices : named tuple or None
            The devices' state; changed.

        Returns
        -------
        n_ticks, n_late_signals, n_late_reports : int
            How many ticks were made: all, or those before the first step in which a response is NaN.
        """
        n, m, n_closed = len(rules.everyone), len(averages), 0
        for j in range(len(rows.capacities)):
            tick = first + j
            now_ms, step = tick * rules.step_ms, tick - rules.lag
            wake_ms, up_ms, down_ms = rows.wake_ms[j], rows.up_ms[j], rows.down_ms[j]
            for i in range(n):
                wake_ms[i] = step * rules.step_ms + rules.phases_ms[i]
                up_ms[i] += wake_ms[i]
                down_ms[i] += now_ms
            # What is reported of a step that ends are deliveries and signals from before the wake-up.
            if rules.report_at_end:
                n_late_reports = take_all(
                    now_ms, step, rules.everyone, delivered, signals.newest, up_ms, reports.newest,
                    reports.step, reports.answered, reports.is_fresh, reports.late, reports.late_values,
                    n_late_reports,
                )  # fmt: skip
            n_late_signals = hear_all(
                tick,
                rows.before_ms if j == 0 else rows.down_ms[j - 1],
                wake_ms,
                signals.newest,
                signals.late,
                n_late_signals,
            )
            is_number = answer_all(
                step, rules.everyone, answers.weight, answers.policies, answers.numbers, averages, delivered,
                signals.newest, signals.known, rows.draws[j], rows.answers,
            )  # fmt: skip
            if not is_number:
                return j, n_late_signals, n_late_reports
            given = deliver(rules.everyone, rows.answers[2], wake_ms, devices, rows.delivered)
            sums = account_all(now_ms, rules.everyone, given, wake_ms, delivered)
            if not rules.report_at_end:
                n_late_reports = take_all(
                    now_ms, step + 1, rules.everyone, delivered, signals.newest, up_ms, reports.newest,
                    reports.step, reports.answered, reports.is_fresh, reports.late, reports.late_values,
                    n_late_reports,
                )  # fmt: skip
            for r in range(m):
                for row in range(3):
                    rows.sums[j, row, r] = sums[row, r]
                for i in range(n):
                    rows.averages[j, r, i] = averages[r, i]
                signal = signals.known[r, tick]
                measured = measured_sum(reports.newest[r], reports.is_fresh, rules.missing)
                rows.signals[j, r], rows.measured[j, r] = signal, measured
                following = update(signal, rules.gains[r], measured, rows.capacities[j, r])
                signals.known[r, tick + 1] = limited(following, rules.low, rules.high)
            for i in range(n):
                reports.is_fresh[i] = tick + 1 < rules.due_step[i]
            if rules.meters_ms > 0 and now_ms % rules.meters_ms == 0:
                close_meters(now_ms, devices, rows.flows[n_closed])
                n_closed += 1
        return len(rows.capacities), n_late_signals, n_late_reports

    return stretch
