"""Charging sessions from a CSV file, a row each: vehicle, arrival, departure, energy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import MAX_KWH, LocalPath, Numbers, Text
from cosim.config.csv_format import CsvFormat, TimeFormat, TimeZone
from cosim.core.errors import InputError, Problem, count, suggest
from cosim.csv_files.column_units import ENERGY, find_unit
from cosim.csv_files.instants import read_instants
from cosim.csv_files.named_columns import PlainTable, read_plain
from cosim.csv_files.words import shown
from cosim.devices.ev_sessions import SESSIONS, Session, SessionSource
from cosim.devices.sites import Site

_COLUMNS = ("vehicle", "arrival", "departure", "energy")
_HEADER = "Header: vehicle,arrival,departure,energy [kWh]"
_SHOWN = 20


class _Rows(NamedTuple):
    """All rows of a file, in its order."""

    vehicles: Any
    arrivals_ms: NDArray[np.int64]
    departures_ms: NDArray[np.int64]
    needed_kwh: NDArray[np.float64]
    lines: NDArray[np.int64]


@SESSIONS.register("csv")
class CsvSessions(CsvFormat, SessionSource):
    """Sessions from a CSV file with the columns `vehicle`, `arrival`, `departure` and `energy [kWh]`, a row a
    session: what the battery is to be given until it leaves."""

    file: LocalPath
    """The file, inside the scenario's folder."""
    vehicles: Numbers[Text] = ()
    """Vehicles, dealt to the households in turn; all of the file's by default."""
    timezone: TimeZone = "UTC"
    """Time zone of stamps that have no offset."""
    time_format: TimeFormat | None = None
    """How the stamps are written, in the format codes of Python's strptime; detected by default."""

    def files(self) -> tuple[str, ...]:
        """The file."""
        return (self.file,)

    def sessions(self, site: Site, battery_kwh: NDArray[np.float64]) -> list[list[Session]]:
        """The file's vehicles, dealt in turn."""
        rows, time = _read(self, site), site.context.time
        start_ms = round(time.start.timestamp() * 1000)
        by_vehicle: dict[str, list[Session]] = {}
        for name, arrival, departure, needed, line in zip(*(each.tolist() for each in rows), strict=True):
            session = Session(arrival - start_ms, departure - start_ms, needed, line)
            by_vehicle.setdefault(name, []).append(session)
        names = self._chosen(list(by_vehicle))
        stays = {name: sorted(by_vehicle[name]) for name in names}
        _refuse(self.file, stays)
        during = {
            name: [each for each in own if each.departure_ms > 0 and each.arrival_ms < time.duration_ms]
            for name, own in stays.items()
        }
        if not any(during.values()):
            message, remedy = (
                "no session of the file is within the run",
                "Move time.start, or check `timezone`.",
            )
            site.warn([Problem(message, remedy, f"{site.path}.sessions.file", self.file, severity="warning")])
        dealt = [names[position % len(names)] for position in range(len(site.group.members))]
        too_large = (
            session
            for name, capacity in zip(dealt, battery_kwh.tolist(), strict=True)
            for session in during[name]
            if session.needed_kwh > capacity
        )
        if (first := next(too_large, None)) is not None:
            message = f"{first.needed_kwh:g} kWh are more than the vehicle's battery holds"
            remedy = "Raise battery_kwh, or correct the energy."
            raise InputError([Problem(message, remedy, "energy", self.file, first.line)])
        return [during[name] for name in dealt]

    def _chosen(self, known: Sequence[str]) -> Sequence[str]:
        missing = [name for name in self.vehicles if name not in known]
        if missing:
            raise InputError(
                [
                    Problem(
                        f"there is no vehicle '{shown(name)}'",
                        suggest(name, map(shown, known)),
                        "vehicle",
                        self.file,
                    )
                    for name in missing[:_SHOWN]
                ]
            )
        return self.vehicles or known


def _read(config: CsvSessions, site: Site) -> _Rows:
    """All rows, each with numbers that can be.

    Raises
    ------
    InputError
        With every bad line.
    """
    plain = read_plain(site.context.folder / config.file, config.file, config, ENERGY)
    places = [plain.place(name, _HEADER) for name in _COLUMNS]
    unit = find_unit(plain.units[places[3]] or "kWh", ENERGY)
    if unit is None:
        message = f"unknown unit [{shown(plain.units[places[3]])}]"
        remedy = f"Give energies in one of: {', '.join(ENERGY)}."
        raise InputError([Problem(message, remedy, "energy", plain.file, plain.layout.header_line)])
    if not plain.table.n_rows:
        message, remedy = "the file holds no session", "Give at least one row."
        raise InputError([Problem(message, remedy, "", plain.file, plain.layout.header_line)])
    problems: list[Problem] = []
    instants = []
    for place in places[1:3]:
        try:
            instants.append(read_instants(plain, place, config.timezone, config.time_format))
        except InputError as error:
            problems += error.problems
    (energy,) = plain.numbers(places[3:])
    problems += _bad_energies(plain, places[3], energy, unit.factor)
    problems += _nameless(plain, places[0])
    if problems:
        raise InputError(problems)
    arrivals_ms, departures_ms = instants
    vehicles, lines = plain.text(places[0]), plain.table.lines
    return _Rows(vehicles, arrivals_ms, departures_ms, energy * unit.factor, lines)


def _bad_energies(
    plain: PlainTable, place: int, energy: NDArray[np.float64], factor: float
) -> Iterator[Problem]:
    bad = np.flatnonzero(~((energy >= 0) & (energy * factor <= MAX_KWH)))
    for row in bad[:_SHOWN]:
        cell = shown(str(plain.text(place).iat[row])) or "nothing"
        message = "the energy of a session must be a finite number, not negative"
        yield Problem(
            message, "Give it in kWh, 0 or more.", "energy", plain.file, int(plain.table.lines[row]), cell
        )
    if len(bad) > _SHOWN:
        yield Problem(
            f"{len(bad) - _SHOWN} more energies are negative or not finite", "", "energy", plain.file
        )


def _nameless(plain: PlainTable, place: int) -> Iterator[Problem]:
    for row in np.flatnonzero((plain.text(place) == "").to_numpy(bool))[:_SHOWN]:
        line = int(plain.table.lines[row])
        yield Problem("a session without a vehicle", "Name its vehicle.", "vehicle", plain.file, line)


def _refuse(file: str, stays: dict[str, list[Session]]) -> None:
    """Sessions that end before they begin, or begin before the same vehicle's session before has ended."""
    problems = []
    for name, own in stays.items():
        for session in own:
            if session.departure_ms <= session.arrival_ms:
                message, remedy = "the departure is not after the arrival", "Correct the times."
                problems.append(Problem(message, remedy, "departure", file, session.line))
        for earlier, later in pairwise(own):
            if later.arrival_ms < earlier.departure_ms:
                message = f"{shown(name)} arrives before its session of line {earlier.line} has ended"
                problems.append(Problem(message, "Correct the times.", "arrival", file, later.line))
    if problems:
        more = len(problems) - _SHOWN
        last = (
            [Problem(f"{count(more, 'more error')} of this kind in the file", file=file)] if more > 0 else []
        )
        raise InputError([*problems[:_SHOWN], *last])
