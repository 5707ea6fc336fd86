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
from cosim.core.compiled import Patience
from cosim.core.delivery import BulkDeliverer
from cosim.core.errors import SimulationError
from cosim.regulation import household_loops
from cosim.regulation.agent import DecisionLog, log_width
from cosim.regulation.aggregate import ActiveSum
from cosim.regulation.answer_loops import AnswerRules, answer
from cosim.regulation.averages import Average
from cosim.regulation.decision_rule import DecisionRule
from cosim.regulation.report_arrays import ReportArrays
from cosim.regulation.signals_heard import SignalsHeard
from cosim.regulation.wake_ups import EVERYONE, WakeOrder, WakeUp, WakeUps

Array = NDArray[np.float64]

_patience = Patience(answer)
"""Until then answers are worked out at once, where there is a loop for them too."""


@dataclass(frozen=True, slots=True)
class ArrayRules:
    """What all households of a community have in common."""

    average: Average
    """How x̄ takes one more outcome in (17)."""
    decision: DecisionRule
    """From averages and signals to responses."""
    answers: AnswerRules | None
    """Averages, responses and draws in one loop, where there is one for them."""
    draws: RowBlocks[np.float64]
    """For each step, a uniform number for each resource and household, shape (m, n)."""
    report_at_end: bool
    """Report a step when it ends, or when it is decided."""
    silent_after_ms: float
    """Age of the newest signal from which on nothing is decided by it."""
    silent_request: int
    """What is asked for then."""
    step_ms: int
    """Length of a step."""


@dataclass(slots=True)
class CommunityArrays:
    """The households of a community, all of which take part from the start to the end."""

    members: NDArray[np.int64]
    """Their numbers. Shape (n,)."""
    rules: ArrayRules
    """What they have in common."""
    wake_ups: WakeUps
    """When they wake."""
    averages: Array
    delivered: Array
    """x̄, and what each delivers; at first x̄(0) and x(0). Shape (m, n)."""
    signals: SignalsHeard
    """What they know of the platform's signals."""
    reports: ReportArrays
    """What the platform knows of them."""
    total: ActiveSum
    """What they deliver in sum."""
    down: BulkLinks
    up: BulkLinks
    """The links to them, and from them."""
    devices: BulkDeliverer | None
    """What carries out the households' decisions; without any, everything requested is delivered."""
    meters_ms: int
    """How often the meters of these close, always together with a tick; 0 where they do not."""
    n_sent: int = 0
    """How many times something was sent to them."""


class HouseholdArrays:
    """What happens to the households of a community between two ticks.

    Parameters
    ----------
    arrays : CommunityArrays
        The households.
    log : DecisionLog or None
        Where decisions are written down.
    recorded : ndarray of bool, shape (n,)
        Whose.
    """

    def __init__(self, arrays: CommunityArrays, log: DecisionLog | None, recorded: NDArray[np.bool_]) -> None:
        self._arrays = arrays
        self._log = log
        self._recorded = np.flatnonzero(recorded)
        self._order = WakeOrder(len(self._recorded))
        self._place_recorded = np.full(len(recorded), -1, np.int64)
        self._place_recorded[self._recorded] = np.arange(len(self._recorded))
        self._caught_up_ms = -1
        self._everyone = np.arange(len(recorded))

    @property
    def has_devices(self) -> bool:
        """Whether devices carry out what they decide."""
        return self._arrays.devices is not None

    def averages(self) -> Array:
        """x̄ of each resource and household as it stands, shape (m, n)."""
        return self._arrays.averages.copy()

    def broadcast(self, number: int, signals: Sequence[float], now_ms: int, first_sent_ms: int) -> None:
        """The platform sends a signal to everyone."""
        self.catch_up(now_ms)
        arrays = self._arrays
        arrival_ms = arrays.down.send(arrays.n_sent, EVERYONE, now_ms, now_ms, first_sent_ms)
        arrays.n_sent += 1
        arrays.signals.send(number, signals, arrival_ms)

    def catch_up(self, now_ms: int) -> None:
        """Let everything happen that happens to the households up to now, all but what a tick does."""
        if now_ms == self._caught_up_ms:
            return
        self._caught_up_ms = now_ms
        rows: list[tuple[WakeUp, Array]] = []
        is_anybody_up = False
        for wake_up in self._arrays.wake_ups.due(now_ms):
            is_anybody_up = True
            self._wake(wake_up, now_ms, rows)
        if not is_anybody_up:
            self._arrays.reports.take_late(now_ms)
        devices, meters_ms = self._arrays.devices, self._arrays.meters_ms
        if devices is not None and meters_ms and now_ms % meters_ms == 0:
            devices.close_meters(now_ms)
        if self._log is not None and any(len(part) for _, part in rows):
            self._write(self._log, rows)

    def _wake(self, wake_up: WakeUp, now_ms: int, rows: list[tuple[WakeUp, Array]]) -> None:
        """End step k and account for it; decide, deliver and report step k+1 (Algorithm 2, lines 5 to 9)."""
        which, step, time_ms = wake_up
        arrays, who = self._arrays, self._everyone[which]
        rules = arrays.rules
        if rules.report_at_end:
            self._report(wake_up, who, step, now_ms)
        arrays.signals.hear(which, time_ms)
        gradients, responses, requested = self._answer(which, who, step)
        if rules.silent_after_ms != np.inf:
            is_silent = time_ms - arrays.signals.sent_ms(which) >= rules.silent_after_ms
            requested[:, is_silent] = rules.silent_request
        delivered = requested
        if arrays.devices is not None:
            delivered = arrays.devices.deliver(who, requested, time_ms)
        sums = household_loops.account(now_ms, who, delivered, time_ms, arrays.delivered)
        arrays.total.change_together(now_ms, *household_loops.whole_sums(sums.tolist()))
        if self._log is not None:
            averages = some(arrays.averages, which)
            rows.append(self._rows(wake_up, requested, delivered, averages, gradients, responses))
        if not rules.report_at_end:
            self._report(wake_up, who, step + 1, now_ms)

    def _answer(self, which: Which, who: NDArray[np.int64], step: int) -> Sequence[Array]:
        """Gradients and responses of some households, and what they ask for, when their step k ends."""
        arrays = self._arrays
        rules, signals, draws = arrays.rules, arrays.signals, arrays.rules.draws.row(step + 1)
        if rules.answers is not None and _patience.is_over:
            answers = np.empty((3, len(arrays.averages), len(who)))
            is_number = answer(
                step, who, *rules.answers, arrays.averages, arrays.delivered, signals.newest, signals.known,
                draws, answers,
            )  # fmt: skip
            gradients, responses, requested = answers
        else:
            _patience.spend(10 * draws.size)
            gradients, responses, requested = self._answer_at_once(which, step, draws)
            is_number = not np.isnan(responses).any()
        if not is_number:
            refuse(arrays, which, step + 1, responses)
        return gradients, responses, requested

    def _answer_at_once(self, which: Which, step: int, draws: Array) -> Sequence[Array]:
        """The same by operations on whole arrays."""
        arrays, rules = self._arrays, self._arrays.rules
        averages = some(arrays.averages, which)
        if step:
            averages = rules.average.update(averages, some(arrays.delivered, which), step - 1)
        arrays.averages[:, which] = averages
        gradients, responses = rules.decision.responses(which, averages, arrays.signals.values(which))
        requested = (some(draws, which) < responses).astype(np.float64)
        return gradients, responses, requested

    def _report(self, wake_up: WakeUp, who: NDArray[np.int64], step: int, now_ms: int) -> None:
        which, turn, time_ms = wake_up
        arrays = self._arrays
        arrival_ms = arrays.up.send(turn, which, time_ms, now_ms)
        # The signal that is newest to a household since it woke last is the one it answered then.
        arrays.reports.send(who, step, arrays.delivered, arrays.signals.newest, arrival_ms, now_ms)

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
        rows[:, 2] = self._arrays.members[who]
        rows[:, 3] = self._arrays.signals.newest[who]
        rows[:, 4] = time_ms[picked] - self._arrays.signals.sent_ms(who)
        for number, part in enumerate(parts):
            rows[:, 5 + number * m : 5 + (number + 1) * m] = part[:, picked].T
        return WakeUp(places[picked], step, time_ms[picked]), rows

    def _write(self, log: DecisionLog, rows: list[tuple[WakeUp, Array]]) -> None:
        order, _ = self._order.sorted([wake_up for wake_up, _ in rows])
        log.frombytes(np.concatenate([part for _, part in rows])[order].tobytes())


def refuse(arrays: CommunityArrays, which: Which, step: int, responses: Array) -> None:
    """Refuse a response that no number is above or below: 0 would be one that nobody decided."""
    (places,) = np.nonzero(np.isnan(responses).any(axis=0))
    household = int(arrays.members[which][places[0]])
    at = f"of household {household + 1} in step {step}"
    raise SimulationError(f"the response {at} is nan, by {arrays.rules.decision.called(which, places[0])}")


def some(columns: Array, which: Which) -> Array:
    """Some columns; all of them as they are, others copied."""
    return columns if isinstance(which, slice) else columns.take(which, axis=1)
