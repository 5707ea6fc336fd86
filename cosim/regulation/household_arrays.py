"""All households of a community at once: what `Agent` does one by one, as arrays between two ticks.

Between two ticks of their platform households do not meet, and every random number has its place. So all that
they hear, decide, deliver and report up to an instant can happen there at once, from the same functions of
averages, costs and policies, to the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.comms.bulk_draws import RowBlocks
from cosim.comms.bulk_links import BulkLinks
from cosim.comms.link_arrays import Which
from cosim.core.delivery import BulkDeliverer
from cosim.core.errors import SimulationError
from cosim.regulation import household_loops
from cosim.regulation.agent import DecisionLog, log_width
from cosim.regulation.aggregate import ActiveSum
from cosim.regulation.averages import Average
from cosim.regulation.decision_rule import DecisionRule
from cosim.regulation.report_arrays import ReportArrays
from cosim.regulation.signals_heard import SignalsHeard
from cosim.regulation.wake_ups import WakeOrder, WakeUp, WakeUps

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ArrayRules:
    """What all households of a community have in common.

    Attributes
    ----------
    average : Average
        How x̄ takes one more outcome in (17).
    decision : DecisionRule
        From averages and signals to responses.
    draws : RowBlocks
        For each step, a uniform number for each resource and household, shape (m, n).
    report_at_end : bool
        Report a step when it ends, or when it is decided.
    silent_after_ms : float
        Age of the newest signal from which on nothing is decided by it.
    silent_request : int
        What is asked for then.
    step_ms : int
        Length of a step.
    """

    average: Average
    decision: DecisionRule
    draws: RowBlocks[np.float64]
    report_at_end: bool
    silent_after_ms: float
    silent_request: int
    step_ms: int


class HouseholdArrays:
    """The households of a community, all of which take part from the start to the end.

    Parameters
    ----------
    members : ndarray of int64, shape (n,)
        Their numbers.
    rules : ArrayRules
        What they have in common.
    wake_ups : WakeUps
        When they wake.
    averages : ndarray, shape (m, n)
        x̄(0).
    initial : float
        x(0) of every resource.
    signals : SignalsHeard
        What they know of the platform's signals.
    reports : ReportArrays
        What the platform knows of them.
    total : ActiveSum
        What they deliver in sum.
    links : (BulkLinks, BulkLinks)
        To them, and from them.
    devices : BulkDeliverer or None
        What carries out the households' decisions; without any, everything requested is delivered.
    log : DecisionLog or None
        Where decisions are written down.
    recorded : ndarray of bool, shape (n,)
        Whose.
    """

    def __init__(
        self,
        members: NDArray[np.int64],
        rules: ArrayRules,
        wake_ups: WakeUps,
        averages: Array,
        initial: float,
        signals: SignalsHeard,
        reports: ReportArrays,
        total: ActiveSum,
        links: tuple[BulkLinks, BulkLinks],
        devices: BulkDeliverer | None,
        log: DecisionLog | None,
        recorded: NDArray[np.bool_],
    ) -> None:
        self._members = members
        self._rules = rules
        self._wake_ups = wake_ups
        self._averages = averages
        self._delivered = np.full_like(averages, initial)
        self._answered = np.zeros(len(members), np.int64)
        self._signals = signals
        self._reports = reports
        self._total = total
        self._down, self._up = links
        self._devices = devices
        self._log = log
        self._recorded = np.flatnonzero(recorded)
        self._order = WakeOrder(len(self._recorded))
        self._place_recorded = np.full(len(members), -1, np.int64)
        self._place_recorded[self._recorded] = np.arange(len(self._recorded))
        self._n_sent = 0
        self._caught_up_ms = -1
        self._everyone = np.arange(len(members))

    def averages(self) -> Array:
        """x̄ of each resource and household as it stands, shape (m, n)."""
        return self._averages.copy()

    def broadcast(self, number: int, signals: Sequence[float], now_ms: int, first_sent_ms: int) -> None:
        """The platform sends a signal to everyone."""
        self.catch_up(now_ms)
        everyone = slice(None)
        arrival_ms = self._down.send(self._n_sent, everyone, now_ms, now_ms, first_sent_ms)
        self._n_sent += 1
        self._signals.send(number, signals, arrival_ms)

    def catch_up(self, now_ms: int) -> None:
        """Let everything happen that happens to the households up to now, all but what a tick does."""
        if now_ms == self._caught_up_ms:
            return
        self._caught_up_ms = now_ms
        rows: list[tuple[WakeUp, Array]] = []
        self._reports.take_late(now_ms)
        for wake_up in self._wake_ups.due(now_ms):
            self._wake(wake_up, now_ms, rows)
        if self._log is not None and any(len(part) for _, part in rows):
            self._write(self._log, rows)

    def _wake(self, wake_up: WakeUp, now_ms: int, rows: list[tuple[WakeUp, Array]]) -> None:
        """End step k and account for it; decide, deliver and report step k+1 (Algorithm 2, lines 5 to 9)."""
        which, step, time_ms = wake_up
        rules, who, before = self._rules, self._everyone[which], some(self._delivered, which)
        averages = some(self._averages, which)
        if step:
            averages = rules.average.update(averages, before, step - 1)
        if rules.report_at_end:
            self._report(wake_up, who, step, before, now_ms)
        self._signals.hear(which, time_ms)
        gradients, responses = rules.decision.responses(which, averages, self._signals.values(which))
        requested = np.empty_like(responses)
        if not household_loops.draw(rules.draws.row(step + 1), who, responses, requested):
            self._refuse(which, step + 1, responses)
        if rules.silent_after_ms != np.inf:
            is_silent = time_ms - self._signals.sent_ms(which) >= rules.silent_after_ms
            requested[:, is_silent] = rules.silent_request
        delivered = requested
        if self._devices is not None:
            delivered = self._devices.deliver(who, requested, time_ms)
        total, high, low = household_loops.account(now_ms, who, delivered, time_ms, self._delivered).tolist()
        passed = [(upper << household_loops.LOW_BITS) + lower for upper, lower in zip(high, low, strict=True)]
        self._total.change_together(now_ms, total, passed)
        self._answered[which] = self._signals.newest[which]
        self._averages[:, which] = averages
        if self._log is not None:
            rows.append(self._rows(wake_up, requested, delivered, averages, gradients, responses))
        if not rules.report_at_end:
            self._report(wake_up, who, step + 1, delivered, now_ms)

    def _report(
        self, wake_up: WakeUp, who: NDArray[np.int64], step: int, delivered: Array, now_ms: int
    ) -> None:
        which, turn, time_ms = wake_up
        arrival_ms = self._up.send(turn, which, time_ms, now_ms)
        self._reports.send(who, step, delivered, self._answered[which], arrival_ms, now_ms)

    def _refuse(self, which: Which, step: int, responses: Array) -> None:
        """A response that no number is above or below: 0 would be one that nobody decided."""
        (places,) = np.nonzero(np.isnan(responses).any(axis=0))
        household = int(self._members[which][places[0]])
        at = f"of household {household + 1} in step {step}"
        raise SimulationError(f"the response {at} is nan, by {self._rules.decision.called(which, places[0])}")

    def _rows(self, wake_up: WakeUp, *parts: Array) -> tuple[WakeUp, Array]:
        """Decisions of those who are recorded, as a `DecisionLog` has them, a row each.

        The parts are requested, delivered, averages, gradients and responses, in this order. Who woke is told
        by place among those who are recorded.
        """
        which, step, time_ms = wake_up
        places = self._place_recorded[which]
        picked = np.flatnonzero(places >= 0)
        who, m = self._everyone[which][picked], len(parts[0])
        rows = np.empty((len(picked), log_width(m)))
        rows[:, 0] = step + 1
        rows[:, 1] = time_ms[picked]
        rows[:, 2] = self._members[who]
        rows[:, 3] = self._signals.newest[who]
        rows[:, 4] = time_ms[picked] - self._signals.sent_ms(who)
        for number, part in enumerate(parts):
            rows[:, 5 + number * m : 5 + (number + 1) * m] = part[:, picked].T
        return WakeUp(places[picked], step, time_ms[picked]), rows

    def _write(self, log: DecisionLog, rows: list[tuple[WakeUp, Array]]) -> None:
        order, _ = self._order.sorted([wake_up for wake_up, _ in rows])
        log.frombytes(np.concatenate([part for _, part in rows])[order].tobytes())


def some(columns: Array, which: Which) -> Array:
    """Some columns; all of them as they are, others copied."""
    return columns if isinstance(which, slice) else columns.take(which, axis=1)
