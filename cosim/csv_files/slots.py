"""From time stamps to slots of one length without a gap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.csv_format import CsvSeriesFormat, fixed_offset_minutes
from cosim.core.errors import Problem
from cosim.csv_files.columns import TimeColumn
from cosim.csv_files.stamps import Stamps, UnclearDateError, read_stamps, to_utc
from cosim.csv_files.table import Table
from cosim.csv_files.words import is_of_totals, shown

NS_PER_MS = 1_000_000
_MINUTE_NS = 60_000 * NS_PER_MS
_SHOWN = 5
_ASSUMED = "UTC (assumed)"
_MONTHS_OF_CHANGES = (3, 4, 9, 10, 11)


class Slots(NamedTuple):
    """The grid of time of a file."""

    start_ms: int
    """Start of the first slot, ms since 1970, UTC."""
    slot_ms: int
    """Length of a slot."""
    is_reversed: bool
    """Whether the file has its newest row first."""
    written_as: str
    """Format of the stamps."""
    timezone: str
    """Their zone, and where that is known from."""
    warnings: tuple[Problem, ...]
    """What is doubtful."""


def slots_of(
    table: Table,
    time: TimeColumn,
    config: CsvSeriesFormat,
    single_slot_ms: int,
    file: str,
    problems: list[Problem],
) -> Slots | None:
    """The slots that a column of time stamps means; None with what is wrong among the problems."""
    column = table.columns[time.places[0]]
    if len(time.places) > 1:
        column = column.str.strip() + " " + table.columns[time.places[1]].str.strip()
    lines = table.lines
    try:
        stamps = read_stamps(column, config.time_format)
    except UnclearDateError:
        message = "day and month could be either way round"
        remedy = "Set `time_format: '%d/%m/%Y %H:%M'` or `'%m/%d/%Y %H:%M'`, whichever it is."
        problems.append(
            Problem(message, remedy, file=file, line=int(lines[0]), value=shown(str(column.iat[0])))
        )
        return None
    unread = np.flatnonzero(stamps.local.isna().to_numpy(bool))
    problems += [no_stamp(str(column.iat[row]), int(lines[row]), file) for row in unread[:_SHOWN]]
    if len(unread):
        return None
    is_reversed, warnings = _direction(stamps, lines, file)
    if is_reversed:
        stamps = Stamps(stamps.local[::-1].reset_index(drop=True), stamps.offset_min[::-1], stamps.written_as)
        lines = lines[::-1]
    zone, known_from, doubts = _zone(stamps, time, config, int(lines[0]), file)
    utc, wrong = to_utc(stamps, zone, fixed_offset_minutes(zone), file, lines)
    problems += wrong
    if wrong:
        return None
    is_assumed = known_from == _ASSUMED
    slot_ns = _step(utc, lines, file, single_slot_ms, is_assumed, stamps, problems)
    if not slot_ns:
        return None
    doubts += _contradiction(utc, stamps, zone, time.timezone, file, lines)
    doubts += _ends(time, slot_ns, file, int(lines[0]))
    start_ns, shift = _aligned(int(utc[0]), slot_ns, stamps.written_as, int(lines[0]), file)
    return Slots(
        start_ns // NS_PER_MS,
        slot_ns // NS_PER_MS,
        is_reversed,
        stamps.written_as,
        known_from,
        (*warnings, *doubts, *shift),
    )


def no_stamp(cell: str, line: int, file: str) -> Problem:
    """What is said of a cell that is to be a time stamp and is none."""
    if is_of_totals(cell):
        message = "this looks like a row of totals, not of a time"
        return Problem(message, "Remove the line.", file=file, line=line, value=shown(cell.strip()))
    remedy = "Write it as 2016-07-04T00:15:00Z, or set `time_column` and `time_format`."
    try:
        days = float(cell.replace(",", "."))
    except ValueError:
        days = 0.0
    if 20_000 < days < 80_000:
        remedy = "It looks like a spreadsheet's count of days; format the cells as yyyy-mm-dd hh:mm."
    elif " 24:00" in cell:
        remedy = "A day ends at 00:00 of the next; stamps are the start of a slot."
    return Problem("no time stamp", remedy, file=file, line=line, value=shown(cell.strip()) or "nothing")


def _direction(stamps: Stamps, lines: NDArray[np.int64], file: str) -> tuple[bool, list[Problem]]:
    steps = np.diff(stamps.local.to_numpy("datetime64[ns]").astype(np.int64))
    if np.sum(steps < 0) <= np.sum(steps > 0) or np.sum(steps < 0) < len(steps) / 2:
        return False, []
    message = "the newest row comes first; the rows were reversed"
    remedy = "Nothing needs to be done; oldest first is usual."
    return True, [Problem(message, remedy, file=file, line=int(lines[0]), severity="warning")]


def _zone(
    stamps: Stamps, time: TimeColumn, config: CsvSeriesFormat, line: int, file: str
) -> tuple[str, str, list[Problem]]:
    """The zone of stamps without offset, where that is known from, and what is to be said of it."""
    if not np.isnan(stamps.offset_min).any():
        if config.timezone is None:
            return "UTC", "with its offset from UTC", []
        message = "the stamps carry their offset from UTC, so `timezone` is not used"
        return (
            "UTC",
            "with its offset from UTC",
            [Problem(message, "Leave `timezone` out.", file=file, line=line, severity="warning")],
        )
    if config.timezone is not None:
        return config.timezone, f"{config.timezone} (given)", []
    if time.timezone:
        return time.timezone, f"{time.timezone} (by the header or the tool)", []
    message = "the time stamps have no offset and are taken as UTC"
    remedy = "Set `timezone: UTC` if they are, or the zone that they are in, such as Europe/Berlin."
    return "UTC", _ASSUMED, [Problem(message, remedy, file=file, line=line, severity="warning")]


def _contradiction(
    utc: NDArray[np.int64], stamps: Stamps, zone: str, told: str, file: str, lines: NDArray[np.int64]
) -> list[Problem]:
    """A warning if the zone that is used gives other instants than the one that the file tells."""
    if not told or zone == told or not np.isnan(stamps.offset_min).all():
        return []
    by_file, wrong = to_utc(stamps, told, fixed_offset_minutes(told), file, lines)
    if not wrong and np.array_equal(by_file, utc):
        return []
    message = f"the header or the tool says {told}, and the scenario {zone}, which is used"
    remedy = "Leave `timezone` out, unless the file is wrong."
    return [Problem(message, remedy, file=file, line=int(lines[0]), severity="warning")]


def _ends(time: TimeColumn, slot_ns: int, file: str, line: int) -> list[Problem]:
    """A warning if stamps that are taken as the starts of slots are probably their ends."""
    if not time.is_end:
        return []
    message = (
        f"the stamps in '{shown(time.name)}' are probably the ends of the slots, "
        f"and are taken as their starts: everything is {slot_ns / _MINUTE_NS:g} min late"
    )
    remedy = "Give the start of each slot."
    return [Problem(message, remedy, file=file, line=line, severity="warning")]


def _step(
    utc: NDArray[np.int64],
    lines: NDArray[np.int64],
    file: str,
    single_slot_ms: int,
    is_assumed: bool,
    stamps: Stamps,
    problems: list[Problem],
) -> int:
    """Length of a slot, ns; 0 where the stamps do not advance evenly."""
    if len(utc) == 1:
        return single_slot_ms * NS_PER_MS
    steps = np.diff(utc)
    slot = int(np.median(steps))
    if 0 <= slot < NS_PER_MS:
        row = int(np.flatnonzero((steps >= 0) & (steps < NS_PER_MS))[0]) + 1
        what = (
            "the same time stamp as in the previous row"
            if slot == 0
            else "less than a millisecond after the previous row"
        )
        problems.append(Problem(what, "Give every row a time of its own.", file=file, line=int(lines[row])))
        return 0
    uneven = np.flatnonzero(steps != slot)
    if is_assumed and (changes := _changes_of_the_clocks(steps, slot, uneven, stamps)):
        row = changes[0] + 1
        message = "an hour is missing or occurs twice, as in local time when the clocks change"
        remedy = "Set `timezone`, such as `timezone: Europe/Berlin`."
        problems.append(Problem(message, remedy, file=file, line=int(lines[row])))
        return 0
    for row in uneven[:_SHOWN]:
        what = "a gap" if steps[row] > slot else "time stamps that do not increase evenly"
        usual = f"where {slot / _MINUTE_NS:g} min are usual"
        message = f"{what}: {steps[row] / _MINUTE_NS:g} min after the previous row, {usual}"
        remedy = "Fill or cut the series; gaps are not filled here."
        problems.append(Problem(message, remedy, file=file, line=int(lines[row + 1])))
    if not len(uneven) and slot % NS_PER_MS:
        message = f"a row every {slot / NS_PER_MS:g} ms is not a whole number of milliseconds"
        problems.append(Problem(message, "Resample the series.", file=file, line=int(lines[1])))
        return 0
    return 0 if len(uneven) else slot


def _changes_of_the_clocks(
    steps: NDArray[np.int64], slot: int, uneven: NDArray[np.int64], stamps: Stamps
) -> list[int]:
    """Steps that are an hour too long or too short, on a Sunday in a month in which clocks change."""
    found = []
    for row in uneven[:1000]:
        at = stamps.local.iat[int(row) + 1]
        is_hour = abs(int(steps[row]) - slot) == 60 * _MINUTE_NS
        if is_hour and at.dayofweek == 6 and at.month in _MONTHS_OF_CHANGES and at.hour <= 4:
            found.append(int(row))
    return found


def _aligned(start: int, slot: int, written_as: str, line: int, file: str) -> tuple[int, list[Problem]]:
    """Start of the first slot; PVGIS stamps an hour with the minute in which the satellite looked."""
    past = start % slot
    if written_as != "%Y%m%d:%H%M" or not past or slot != 60 * _MINUTE_NS:
        return start, []
    message = f"PVGIS stamps values {past / _MINUTE_NS:g} min past the hour; they are taken from its start"
    remedy = "Nothing needs to be done."
    return start - past, [Problem(message, remedy, file=file, line=line, severity="warning")]
