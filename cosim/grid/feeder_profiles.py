"""The time series that a feeder's own elements follow: SimBench's, or those that its file brings along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem, count, listed, suggest
from cosim.grid.column_check import cells_of
from cosim.grid.elements import ElementRecord
from cosim.grid.profile_pages import ProfilePages
from cosim.grid.simbench_data import SLOT_MINUTES

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]

_SIMBENCH_STAMP = "%d.%m.%Y %H:%M"
_NAMED = 5


class ProfileRows(Protocol):
    """Some profiles over a stretch of time, in quarter hours."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""

    def rows(self, first: int, end: int) -> FloatArray:
        """Quarter hours ``first ... end - 1``, without those beyond the last; shape (n, n_names)."""


class FeederProfiles(Protocol):
    """Every profile that a feeder's elements may follow."""

    def has(self, column: str) -> bool:
        """Whether there is a column of this name."""

    def open(self, names: Iterable[str], start: datetime, n_slots: int) -> ProfileRows:
        """Some columns over `n_slots` quarter hours from `start` on.

        Raises
        ------
        InputError
            If a column is unknown or holds what is no number, or the time asked for is not covered.
        """


@dataclass(frozen=True)
class SimbenchProfiles:
    """The profiles of a SimBench scenario, from the cache."""

    scenario: int
    """0, 1 or 2."""

    def has(self, column: str) -> bool:
        """True: SimBench has every profile that its grids name, and `open` finds out if it has not."""
        return True

    def open(self, names: Iterable[str], start: datetime, n_slots: int) -> ProfileRows:
        """As `FeederProfiles.open`."""
        return ProfilePages(names, start, n_slots, self.scenario)


@dataclass(frozen=True)
class FileProfiles:
    """The profiles that a network file brings along, in the form that SimBench's networks have."""

    tables: Mapping[str, pd.DataFrame]
    """``load``, ``renewables``, ``powerplants``, ``storage``: columns of factors, and `time`, either with an
    offset or in German local time as SimBench writes it."""
    file: str = ""
    """Where they come from."""

    def has(self, column: str) -> bool:
        """Whether there is a column of this name."""
        return column in self._table_of

    def table_of(self, column: str) -> str:
        """The table that has a column."""
        return self._table_of[column]

    def factors(self, column: str) -> FloatArray:
        """What stands in a column; NaN for what is no finite number."""
        cells = cells_of(self.tables[self._table_of[column]][column])
        return np.where(cells.is_number & np.isfinite(cells.number), cells.number, np.nan)

    def open(self, names: Iterable[str], start: datetime, n_slots: int) -> ProfileRows:
        """As `FeederProfiles.open`."""
        wanted = tuple(names)
        problems = [
            self._problem("the network has no such profile", suggest(name, self._table_of), "profiles", name)
            for name in wanted
            if name not in self._table_of
        ]
        if problems:
            raise InputError(problems)
        parts = [self._column(name, start, n_slots) for name in wanted]
        return HeldRows(wanted, np.stack(parts, axis=1) if parts else np.zeros((n_slots, 0)))

    @cached_property
    def _table_of(self) -> dict[str, str]:
        """The table of each column; an InputError where two tables have one of the same name."""
        found: dict[str, str] = {}
        for table, frame in self.tables.items():
            for name in map(str, frame.columns):
                if name == "time":
                    continue
                other = found.setdefault(name, table)
                if other != table and not frame[name].equals(self.tables[other][name]):
                    message = f"the tables {other} and {table} both have it, with other values"
                    raise InputError(
                        [self._problem(message, "rename one of them", f"profiles.{table}", name)]
                    )
        return found

    def _column(self, name: str, start: datetime, n_slots: int) -> FloatArray:
        """One column in the quarter hours asked for."""
        table = self._table_of[name]
        begin, step_min = self._times[table]
        first, rest = divmod(start - begin, timedelta(minutes=SLOT_MINUTES))
        per_row = step_min // SLOT_MINUTES
        end = begin + timedelta(minutes=step_min) * len(self.tables[table])
        if rest or first < 0 or start + timedelta(minutes=SLOT_MINUTES) * n_slots > end:
            covered = f"{begin:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}, in steps of {step_min} min"
            message = f"the network's own profiles cover {covered}, and the run is outside or between them"
            remedy = "move time.start, shorten the run, or write grid.background: nominal"
            raise InputError([self._problem(message, remedy, f"profiles.{table}", start.isoformat())])
        rows = (first + np.arange(n_slots)) // per_row
        values = self.factors(name)
        wrong = np.flatnonzero(np.isnan(values))
        if wrong.size:
            given = str(self.tables[table][name].iloc[wrong[0]])
            where = f"profiles.{table}.{name}, row {wrong[0]}"
            raise InputError([self._problem("a profile must be finite numbers", "correct it", where, given)])
        return np.asarray(values[rows])

    @cached_property
    def _times(self) -> dict[str, tuple[datetime, int]]:
        """Start (UTC) and step (min) of each table that has columns."""
        used = {table: self.tables[table] for table in dict.fromkeys(self._table_of.values())}
        return {table: self._time_axis(table, frame) for table, frame in used.items()}

    def _time_axis(self, table: str, frame: pd.DataFrame) -> tuple[datetime, int]:
        """Start and step of a table, from its column `time`."""
        import pandas as pd

        path = f"profiles.{table}.time"
        remedy = "give evenly spaced times, with an offset (2016-01-01T00:00+01:00) or as SimBench does"
        if "time" not in frame or len(frame) < 2:
            raise InputError([self._problem("a profile needs a column time and two rows", remedy, path)])
        given = frame["time"]
        try:
            try:
                times = pd.to_datetime(given, format=_SIMBENCH_STAMP)
            except ValueError:
                times = pd.to_datetime(given)
            if times.dt.tz is None:
                times = times.dt.tz_localize("Europe/Berlin", ambiguous="infer", nonexistent="raise")
            stamps = times.dt.tz_convert("UTC")
        except Exception as error:  # pandas raises its own, pytz's and plain ones
            message = f"the times cannot be read: {error}"
            raise InputError([self._problem(message, remedy, path, str(given.iloc[0]))]) from None
        steps = stamps.diff().iloc[1:]
        minutes = steps.iloc[0] / pd.Timedelta(minutes=1)
        uneven = np.flatnonzero((steps != steps.iloc[0]).to_numpy())
        if uneven.size:
            at = str(given.iloc[int(uneven[0]) + 1])
            raise InputError([self._problem("the times are not evenly spaced", remedy, path, at)])
        if minutes <= 0 or minutes % SLOT_MINUTES:
            message = (
                f"the time step of a network's profiles must be a multiple of {SLOT_MINUTES} min, not "
                f"{minutes:g}"
            )
            raise InputError([self._problem(message, "give their means over quarter hours", path)])
        return stamps.iloc[0].to_pydatetime(), int(minutes)

    def _problem(self, message: str, remedy: str, path: str, value: str = "") -> Problem:
        return Problem(message, remedy, path, self.file, value=value)


@dataclass(frozen=True)
class HeldRows:
    """Profiles that are in memory."""

    names: tuple[str, ...]
    """Their names."""
    values: FloatArray
    """Factors by quarter hours. Shape (n_slots, n_names)."""

    def rows(self, first: int, end: int) -> FloatArray:
        """As `ProfileRows.rows`."""
        return self.values[first:end]


def follow_profiles(
    elements: Iterable[ElementRecord], profiles: FeederProfiles | None
) -> tuple[tuple[ElementRecord, ...], list[Problem]]:
    """Elements that follow their profile as far as there is one, and what was assumed where there is none."""
    followed, without, halves = [], [], []
    for element in elements:
        p_column, q_column = _columns_of(element)
        if element.profile and (profiles is None or not profiles.has(p_column)):
            without.append(element)
            p_column = q_column = ""
        elif q_column and profiles is not None and not profiles.has(q_column):
            halves.append(element)
            q_column = p_column
        followed.append(replace(element, p_profile=p_column, q_profile=q_column))
    problems = [
        _assumed("with a profile that the network does not include", "its nominal power counts", without),
        _assumed("with a profile of active power alone", "reactive power follows it too", halves),
    ]
    return tuple(followed), [problem for problem in problems if problem is not None]


def _columns_of(element: ElementRecord) -> tuple[str, str]:
    """Columns that are factors on an element's active and reactive power, by SimBench's rules."""
    if not element.profile:
        return "", ""
    if element.is_load:
        return f"{element.profile}_pload", f"{element.profile}_qload"
    return element.profile, ""


def _assumed(what: str, so: str, elements: list[ElementRecord]) -> Problem | None:
    """One warning for all of these elements; None for none."""
    if not elements:
        return None
    shown = [f"{e.kind} {e.index} ({e.profile})" for e in elements[:_NAMED]]
    shown += [f"{len(elements) - _NAMED} more"] if len(elements) > _NAMED else []
    p_kw = 1000 * sum(abs(element.p_mw) for element in elements)
    message = f"{p_kw:.4g} kW in {count(len(elements), 'element')} {what}: {listed(shown)}; {so}"
    return Problem(
        message,
        "give the profiles in the network file, or give the household a load of its own",
        f"{elements[0].kind}.{elements[0].index}.profile",
        severity="warning",
    )
