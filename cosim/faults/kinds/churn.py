"""Households leave their community and come back, at times that are given, drawn, or in a trace."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from pydantic import model_validator

from cosim.config.base import LocalPath
from cosim.config.csv_format import CsvFormat
from cosim.core.clock import MS_PER_HOUR, to_ms
from cosim.core.context import Context
from cosim.core.errors import InputError, Problem, suggest
from cosim.csv_files.named_columns import read_plain
from cosim.csv_files.words import shown
from cosim.faults.kinds.failure_times import Window, merged
from cosim.faults.kinds.interface import FAULTS, FaultEvent, HouseholdFault, LastingEffect, Site
from cosim.faults.kinds.reach import Reach, Surroundings

_TRACE_COLUMNS = ("household", "leaves_h", "joins_h")
_LONGEST_H = 1e8  # longer than any run
_SHOWN = 100


class Churning(LastingEffect):
    """A household leaves when its first absence begins, and comes back when the last ends."""

    def __init__(self, reach: Reach, events: Sequence[FaultEvent]) -> None:
        super().__init__()
        self._agents = reach.agents()
        self._members = reach.members_of()
        self._away: set[int] = set()

    def apply(self, member: int, active: Sequence[FaultEvent]) -> None:
        """It leaves, or comes back."""
        members, agent = self._members[member], self._agents[member]
        if active and member not in self._away:
            self._away.add(member)
            members.leave(agent)
        elif not active:
            self._away.remove(member)
            members.come_back(agent)


@FAULTS.register("churn")
class Churn(HouseholdFault, CsvFormat):
    """Households leave their community and come back as newcomers; load and PV stay."""

    title: ClassVar = "absence of households"
    effect: ClassVar = Churning
    needs_community: ClassVar = True
    of_agents: ClassVar = True
    together: ClassVar = "A household that has left returns when both have ended."

    file: LocalPath | None = None
    """A trace in place of other times: a CSV file with the columns `household`, `leaves_h` and `joins_h`, in
    hours since the start; without `joins_h` it stays away."""

    @model_validator(mode="after")
    def _trace_alone(self) -> Self:
        if self.file is not None and (self.windows or self.from_h is not None or self.rate_per_day):
            raise ValueError("the file gives the times; leave out from_h, windows and rate_per_day")
        # A run's own scenario.yaml has every key, those of a file too, with their defaults.
        format_keys = CsvFormat.model_fields.items()
        given = sorted(key for key, field in format_keys if getattr(self, key) != field.get_default())
        if self.file is None and given:
            raise ValueError(f"there is no file for {given[0]} to apply to; name one, or leave it out")
        return self

    def files(self) -> tuple[str, ...]:
        """The trace."""
        return () if self.file is None else (self.file,)

    def events(self, site: Site) -> Iterator[FaultEvent]:
        """Each household by itself, or as the trace says."""
        if self.file is None:
            yield from super().events(site)
            return
        context = site.context
        names, concerned = context.population.names, set(self.selected(site))
        for household, (start_ms, stop_ms) in _read_trace(
            context.folder, self, self.file, names, context.time.duration_ms
        ):
            if household in concerned:
                yield FaultEvent(site.name, self, names[household], (household,), start_ms, stop_ms)

    def problems(self, around: Surroundings, context: Context) -> Iterator[Problem]:
        """Households that come and go by their membership already."""
        yield from super().problems(around, context)
        concerned = self.concerned(around, context.population)
        for group, membership in zip(context.population.groups, around.membership, strict=True):
            moves = membership.joins_h != 0.0 or membership.leaves_h is not None
            if moves and concerned & set(group.members):
                message = f"the group '{group.name}' says by `membership` when its households join and leave"
                yield Problem(message, "Remove one of the two, or name other groups.", value=self.kind)


def _read_trace(
    folder: Path, how: CsvFormat, file: str, households: Sequence[str], end_ms: int
) -> list[tuple[int, Window]]:
    """Absences from a trace: household, and start and end; those of one household without overlap."""
    try:
        return _read_absences(folder / file, file, how, households, end_ms)
    except InputError as error:
        raise InputError([replace(problem, path="file") for problem in error.problems]) from None


def _read_absences(
    path: Path, shown_as: str, how: CsvFormat, households: Sequence[str], end_ms: int
) -> list[tuple[int, Window]]:
    trace = read_plain(path, shown_as, how, {})
    remedy = f"Its first line must be: {','.join(_TRACE_COLUMNS)}"
    household, leaves, joins = (trace.place(column, remedy) for column in _TRACE_COLUMNS)
    leaves_h, joins_h = trace.numbers([leaves, joins])
    joins_h = np.where((trace.text(joins) == "").to_numpy(bool), math.inf, joins_h)
    bad = ~((leaves_h >= 0) & (leaves_h < joins_h) & (leaves_h < _LONGEST_H))
    number_of = {name: number for number, name in enumerate(households)}
    problems: list[Problem] = []
    absent: dict[int, list[Window]] = {}
    for row, name in enumerate(trace.text(household)):
        line = int(trace.table.lines[row])
        if bad[row]:
            message = "not valid times: leaves_h is a number, joins_h a later one or empty"
            problems.append(Problem(message, "Write hours since the start.", file=shown_as, line=line))
        elif name not in number_of:
            message, remedy = "there is no household of this name", suggest(name, number_of)
            problems.append(Problem(message, remedy, file=shown_as, line=line, value=shown(str(name))))
        else:
            absence = _absence(float(leaves_h[row]), float(joins_h[row]), end_ms)
            if absence[0] < end_ms:
                absent.setdefault(number_of[name], []).append(absence)
        if len(problems) >= _SHOWN:
            break
    if problems:
        raise InputError(problems)
    return [(number, each) for number in sorted(absent) for each in merged(absent[number])]


def _absence(leaves_h: float, joins_h: float, end_ms: int) -> Window:
    leaves_ms = to_ms(leaves_h, MS_PER_HOUR)
    if joins_h >= _LONGEST_H:
        return leaves_ms, max(end_ms, leaves_ms + 1)
    return leaves_ms, max(leaves_ms + 1, to_ms(joins_h, MS_PER_HOUR))
