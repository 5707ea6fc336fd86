"""What a platform has heard from its households, and their plain sum."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeAlias

Missing: TypeAlias = Literal["hold_last", "zero", "scale"]
"""What stands for a report that did not arrive."""


@dataclass(slots=True)
class Reports:
    """What a platform has heard from its households."""

    newest: list[Sequence[float]]
    """Each household's newest report: what was delivered of each resource."""
    step: list[int]
    """The step that report is of; -1 before the first."""
    is_fresh: list[bool]
    """Whether it arrived since the last tick, or is x(0) and no report can be there yet."""
    signal_step: list[int]
    """Number of the signal that was answered with it; before the first report that of Ω(0), which everyone
    knows."""
    due_step: list[int]
    """Number of the first tick at which a report of the household can be there. Nothing is missing before."""

    def sums(self, members: Sequence[int], n_resources: int, missing: Missing) -> list[float]:
        """See `measure`."""
        return measure(self, members, n_resources, missing)

    def answered(self, members: Sequence[int], missing: Missing) -> list[int]:
        """See `Heard`."""
        return [self.signal_step[i] for i in heard(self, members, missing)]

    def open_window(self, step: int) -> None:
        """See `open_window`."""
        open_window(self, step)


class Heard(Protocol):
    """What a platform works with of all that its households reported, however it is kept."""

    def sums(self, members: Sequence[int], n_resources: int, missing: Missing) -> list[float]:
        """Σ x of each resource over `members`; see `measure`."""

    def answered(self, members: Sequence[int], missing: Missing) -> list[int]:
        """Numbers of the signals that the reports answer which the aggregate is made from, in any order."""

    def open_window(self, step: int) -> None:
        """Start to listen for tick `step`; see `open_window`."""


class Report(NamedTuple):
    """What a household tells its platform of a step; the message's sequence number says which step."""

    delivered: Sequence[float]
    """What it did of each resource."""
    signal_step: int
    """Number of the signal it answered."""


def initial_reports(due_step: Sequence[int], decisions: Sequence[float]) -> Reports:
    """No report yet: every household is taken to do `decisions`, x(0) of Algorithm 2, as everyone knows.

    Parameters
    ----------
    due_step : sequence of int, length N
        Number of the first tick at which each household's report can be there.
    decisions : sequence of float, length m
        x(0).
    """
    n = len(due_step)
    return Reports([decisions] * n, [-1] * n, [due > 0 for due in due_step], [0] * n, list(due_step))


def expect(
    reports: Reports, household: int, decisions: Sequence[float], signal_step: int, due_step: int
) -> None:
    """A household that has just joined is taken to do `decisions`, and its reports are missing from tick
    `due_step` on."""
    reports.newest[household] = decisions
    reports.signal_step[household] = signal_step
    reports.is_fresh[household] = True
    reports.due_step[household] = due_step


def receive(reports: Reports, household: int, step: int, report: Report) -> bool:
    """Take a report in, unless a newer one is known; says whether it was taken."""
    if step <= reports.step[household]:
        return False
    reports.newest[household] = report.delivered
    reports.step[household] = step
    reports.is_fresh[household] = True
    reports.signal_step[household] = report.signal_step
    return True


def heard(reports: Reports, members: Iterable[int], missing: Missing) -> list[int]:
    """The households whose newest reports the aggregate is made from, as for `measure`."""
    everyone = list(members)
    return everyone if missing == "hold_last" else [i for i in everyone if reports.is_fresh[i]]


def measure(reports: Reports, members: Iterable[int], n_resources: int, missing: Missing) -> list[float]:
    """Σ x of each resource over `members`, from the reports that arrived since the last tick.

    Parameters
    ----------
    reports : Reports
        What was heard; not changed.
    members : iterable of int
        The households that take part now.
    n_resources : int
        m.
    missing : {"hold_last", "zero", "scale"}
        What stands for a household of which nothing arrived: its newest earlier report, nothing, or the
        mean of those that did report.

    Returns
    -------
    list of float, length m
        NaN with `scale` where no report arrived at all, for then nothing is known.
    """
    everyone = list(members)
    told = heard(reports, everyone, missing)
    newest = reports.newest
    sums = [float(sum(newest[i][r] for i in told)) for r in range(n_resources)]
    if missing != "scale" or len(told) == len(everyone):
        return sums
    if not told:
        return [math.nan] * n_resources
    return [total * len(everyone) / len(told) for total in sums]


def open_window(reports: Reports, step: int) -> None:
    """Start to listen for tick `step`: what arrived so far is no longer fresh, but what is not due stands."""
    reports.is_fresh[:] = [step < due for due in reports.due_step]
