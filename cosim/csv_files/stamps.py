"""How time stamps are written, and what instants they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem
from cosim.csv_files.number_cells import plain_numbers

ISO = "yyyy-mm-dd hh:mm (ISO 8601)"
UNIX_S, UNIX_MS = "seconds since 1970", "milliseconds since 1970"

_TIME = r"(?P<gap>[T ]|, ?)(?P<time>\d\d?:\d\d(?::\d\d(?P<fraction>[.,]\d+)?)?)(?P<half> ?[AaPp][Mm])?"
_DATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\d{4}-\d\d?-\d\d?", ("%Y-%m-%d",)),
    (r"\d{4}/\d\d?/\d\d?", ("%Y/%m/%d",)),
    (r"\d{4}\.\d\d?\.\d\d?", ("%Y.%m.%d",)),
    (r"\d\d?\.\d\d?\.\d{4}", ("%d.%m.%Y",)),
    (r"\d\d?\.\d\d?\.\d\d", ("%d.%m.%y",)),
    (r"\d\d?/\d\d?/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d\d?/\d\d?/\d\d", ("%d/%m/%y", "%m/%d/%y")),
    (r"\d\d?-\d\d?-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d\d?-[A-Za-z]{3}-\d{4}", ("%d-%b-%Y",)),
    (r"\d\d? [A-Za-z]{3} \d{4}", ("%d %b %Y",)),
    (r"[A-Z][a-z]{2} \d\d?, \d{4}", ("%b %d, %Y",)),
)
_PACKED: tuple[tuple[str, str], ...] = (
    (r"(?:19|20|21)\d{6}:\d{4}", "%Y%m%d:%H%M"),
    (r"(?:19|20|21)\d{6}[T ]\d{4}", "%Y%m%d %H%M"),
    (r"(?:19|20|21)\d{6}[T ]\d{6}", "%Y%m%d %H%M%S"),
    (r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d", "%Y%m%d%H%M"),
    (r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d", "%Y%m%d%H%M%S"),
    (r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])", "%Y%m%d%H"),
    (r"1[0-8]\d{8}", UNIX_S),
    (r"1[0-8]\d{11}", UNIX_MS),
)
_CLOCK = re.compile(r"\d\d?:\d\d(?::\d\d)?")
_INTERVAL = r" (?:-|–|bis|to) .*$"
_ZONES = {" (CET)": "+01:00", " (CEST)": "+02:00", " MEZ": "+01:00", " MESZ": "+02:00"}
_AFTER = r"\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?|\d{8}[T ]\d{4}(?:\d\d)?"
_OFFSET = rf"^(.*(?:{_AFTER}))\s*(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)$"


class Stamps(NamedTuple):
    """A column of time stamps, read."""

    local: Any
    """As written, without an offset, a pandas series; NaT where it cannot be read."""
    offset_min: NDArray[np.float64]
    """Minutes that each is ahead of UTC; NaN where it has no offset. Shape (n,)."""
    written_as: str
    """The format."""


class UnclearDateError(Exception):
    """Day and month could be either way round."""


def is_stamp(cell: str, time_format: str | None = None) -> bool:
    """Whether a cell is a time stamp in any of the ways of writing that are known."""
    if time_format is not None:
        try:
            datetime.strptime(cell.strip(), time_format)
        except ValueError:
            return False
        return True
    return bool(_formats(_bare(cell)))


def is_date(cell: str) -> bool:
    """Whether a cell is a date without a time."""
    return any(re.fullmatch(pattern, cell.strip()) for pattern, _ in _DATES)


def is_clock(cell: str) -> bool:
    """Whether a cell is a time without a date."""
    return _CLOCK.fullmatch(cell.strip()) is not None


def read_stamps(column: Any, time_format: str | None) -> Stamps:
    """Read a column of time stamps.

    Parameters
    ----------
    column : pandas.Series of str
        Cells; of a date and a time in columns of their own, joined by a space.
    time_format : str or None
        How they are written (strptime); found out if None.

    Raises
    ------
    UnclearDateError
        If day and month could be either way round.
    """
    text = column.str.strip().str.replace(_INTERVAL, "", regex=True).str.replace(r"\s+", " ", regex=True)
    text = text.str.replace(r" Uhr$", "", regex=True)
    for name, offset in _ZONES.items():
        text = text.str.replace(name, offset, regex=False)
    parts = text.str.extract(_OFFSET)
    has_offset = parts[0].notna().to_numpy(bool)
    body = text.mask(has_offset, parts[0]) if has_offset.any() else text
    offsets = _minutes(parts[1], has_offset)
    formats = _formats_of(body) if time_format is None else (time_format,)
    read = [(_parsed(body, written_as), written_as) for written_as in formats]
    unfit = [_unfit(local) for local, _ in read]
    best = [each for each, count in zip(read, unfit, strict=True) if count == min(unfit)]
    if len(best) > 1:
        raise UnclearDateError
    local, written_as = best[0]
    if written_as in (UNIX_S, UNIX_MS):
        offsets = np.zeros(len(body))
    return Stamps(local, offsets, written_as)


def _formats_of(body: Any) -> Sequence[str]:
    """The formats of the first cell that is a stamp."""
    for cell in body.head(50):
        if formats := _formats(str(cell)):
            return formats
    return (ISO,)


def _parsed(body: Any, written_as: str) -> Any:
    import pandas as pd

    if written_as in (UNIX_S, UNIX_MS):
        count = pd.Series(plain_numbers(body))
        unit, year_2100 = ("s", 4.1e9) if written_as == UNIX_S else ("ms", 4.1e12)
        return pd.to_datetime(count.where(count.between(0, year_2100)), unit=unit, errors="coerce")
    if written_as == ISO:
        proper = body.str.contains(r"^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?$")
        iso = body.str.replace(",", ".", regex=False).where(proper)
        return pd.to_datetime(iso.astype(object), errors="coerce", format="ISO8601")
    return pd.to_datetime(body.astype(object), errors="coerce", format=written_as)


def _minutes(offsets: Any, given: NDArray[np.bool_]) -> NDArray[np.float64]:
    minutes = np.full(len(given), np.nan)
    for text in offsets[given].unique():
        digits = re.fullmatch(r"([+-])(\d\d):?(\d\d)?", str(text))
        ahead = 0 if digits is None else 60 * int(digits[2]) + int(digits[3] or 0)
        minutes[(offsets == text).to_numpy(bool, na_value=False)] = (
            -ahead if digits is not None and digits[1] == "-" else ahead
        )
    return minutes


def _unfit(local: Any) -> tuple[int, int]:
    """How many stamps cannot be read, and how many steps differ from the usual one."""
    unread = local.isna().to_numpy(bool)
    steps = np.diff(local.to_numpy("datetime64[ns]").astype(np.int64)[~unread])
    return int(unread.sum()), int(np.sum(steps != np.median(steps))) if len(steps) else 0


def _bare(cell: str) -> str:
    """A cell without what stands behind a stamp: the end of its interval, its offset."""
    text = re.sub(_INTERVAL, "", " ".join(cell.split()))
    text = text.removesuffix(" Uhr")
    for name in _ZONES:
        text = text.replace(name, "")
    match = re.match(_OFFSET, text)
    return match[1] if match else text


def _formats(text: str) -> Sequence[str]:
    """The formats that a stamp without offset can have been written in."""
    for pattern, written_as in _PACKED:
        if re.fullmatch(pattern, text):
            return (written_as.replace(" ", "T", 1) if "T" in text else written_as,)
    return tuple(_dated(text))


def _dated(text: str) -> Iterator[str]:
    for pattern, dates in _DATES:
        match = re.fullmatch(rf"(?:{pattern})(?:{_TIME})?", text)
        if match is None:
            continue
        if (
            dates == ("%Y-%m-%d",)
            and re.fullmatch(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?", text)
            and not match["half"]
        ):
            yield ISO
            return
        clock = ""
        if match["time"]:
            clock = match["gap"] + ("%I" if match["half"] else "%H") + ":%M"
            clock += ":%S" if match["time"].count(":") == 2 else ""
            clock += ".%f" if match["fraction"] else ""
            clock += "" if not match["half"] else " %p" if match["half"].startswith(" ") else "%p"
        yield from (date + clock for date in dates)
        return


def to_utc(
    stamps: Stamps, timezone: str | None, fixed_min: int | None, file: str, lines: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[Problem]]:
    """Instants of stamps, ns since 1970 in UTC, and what is wrong with them.

    Parameters
    ----------
    stamps : Stamps
        All of them readable.
    timezone : str or None
        Of stamps without offset; UTC if None.
    fixed_min : int or None
        Where the zone is an offset: minutes ahead of UTC.
    file : str
        For messages.
    lines : ndarray of int
        The line of each stamp.
    """
    local = stamps.local.to_numpy("datetime64[ns]").astype(np.int64)
    naive = np.isnan(stamps.offset_min)
    if not naive.all():
        bad = np.flatnonzero(naive)[:5]
        message, remedy = (
            "this time stamp has no offset from UTC, and others have one",
            "Give all of them one.",
        )
        return local - np.nan_to_num(stamps.offset_min * 60e9).astype(np.int64), [
            Problem(message, remedy, file=file, line=int(lines[row])) for row in bad
        ]
    if timezone is None or fixed_min is not None:
        return local - 60_000_000_000 * (fixed_min or 0), []
    return _localized(stamps.local, timezone, file, lines)


def _localized(
    local: Any, timezone: str, file: str, lines: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[Problem]]:
    """Local time with daylight saving: of an hour that comes twice, summer time is the first."""
    unclear = local.dt.tz_localize(timezone, ambiguous="NaT", nonexistent="shift_forward").isna()
    first, alone = _first_pass(local.to_numpy("datetime64[ns]"), unclear.to_numpy(bool))
    summer = local.dt.tz_localize(timezone, ambiguous=first | alone, nonexistent="NaT")
    skipped = np.flatnonzero(summer.isna().to_numpy(bool))
    utc = summer.astype("int64").to_numpy()
    remedy = "Check `timezone`; stamps in standard time all year are in a zone such as +01:00."
    message = f"this time does not exist in {timezone}: the clocks skip it"
    problems = [Problem(message, remedy, file=file, line=int(lines[row])) for row in skipped[:5]]
    if problems or not alone.any():
        return utc, problems
    # The series begins or ends within the hour that comes twice: one of the two keeps its rows evenly apart.
    winter = local.dt.tz_localize(timezone, ambiguous=first, nonexistent="NaT").astype("int64").to_numpy()
    even = [each for each in (utc, winter) if len(np.unique(np.diff(each))) == 1]
    if len(even) != 1:
        line = int(lines[int(np.flatnonzero(alone)[0])])
        message = f"this time occurs twice in {timezone} when the clocks go back, and is here only once"
        remedy = "Give stamps with their offset, as 2016-10-30T02:30:00+02:00."
        return utc, [Problem(message, remedy, file=file, line=line)]
    return even[0], []


def _first_pass(
    local: NDArray[np.datetime64], unclear: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which stamps of an hour that comes twice are its first pass, and which stand there in one pass only."""
    first, alone = np.zeros(len(local), bool), np.zeros(len(local), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], unclear, [False]]).astype(np.int8)))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        back = np.flatnonzero(np.diff(local[begin:end]) <= np.timedelta64(0))
        if len(back):
            first[begin : begin + back[0] + 1] = True
        else:
            alone[begin:end] = True
    return first, alone
