"""Which columns of a file hold time stamps, and which the values that are wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cosim.config.csv_format import CsvSeriesFormat
from cosim.core.errors import Problem, suggest
from cosim.csv_files.column_units import OTHER, OTHER_PRICES, Unit, find_unit, split_header, usual
from cosim.csv_files.header_layout import Layout
from cosim.csv_files.number_cells import looks_like_number
from cosim.csv_files.stamps import is_clock, is_date, is_stamp
from cosim.csv_files.words import normal, shown

_SHOWN = 5
# Tools whose files say in their manual what they hold, and not in the header. Anything else is left out.
_PVGIS = {"P": "W"}
_NINJA = {"electricity": "kW"}
_ENDS = ("end", "ende", "ending", "endzeit", "bis", "until", "fin")


class TimeColumn(NamedTuple):
    """Where the time stamps stand."""

    places: tuple[int, ...]
    """Positions; two where date and time have a column each."""
    name: str
    """Header, or headers."""
    timezone: str
    """Zone that header or format tell; empty where they do not."""
    is_end: bool
    """Whether the header says that the stamps are the ends of slots."""


class ValueColumn(NamedTuple):
    """A column of values."""

    place: int
    """Position."""
    header: str
    name: str
    """As it stands, and without its unit."""
    unit: Unit | None
    """None where it is unknown."""
    unit_text: str
    """As it is written; empty where there is none."""


def find_time(layout: Layout, config: CsvSeriesFormat, file: str, problems: list[Problem]) -> TimeColumn:
    """The column of time stamps: named, or the first that looks like one, rather a start, rather in UTC."""
    header = layout.header
    stamped = [place for place in range(len(header)) if _mostly(layout, place, _stamp_test(config))]
    place = min(
        stamped, key=lambda each: (_is_end(header[each]), "utc" not in header[each].lower()), default=0
    )
    if config.time_column is not None:
        named = _named(config.time_column, header)
        if not named:
            remedy = suggest(config.time_column, map(shown, header))
            message = f"there is no column '{shown(config.time_column)}' of time stamps"
            problems.append(Problem(message, remedy, file=file, line=layout.header_line))
        place = named[0] if named else place
    places: tuple[int, ...] = (place,)
    if place + 1 < len(header) and _mostly(layout, place, is_date) and _mostly(layout, place + 1, is_clock):
        places = (place, place + 1)
    name = " + ".join(normal(header[each]) for each in places)
    return TimeColumn(places, name, _zone(layout, name, places), _is_end(name))


def _is_end(name: str) -> bool:
    """Whether a header says that its stamps are the ends of slots: ``Datum bis``, ``PeriodEnd``."""
    words = re.findall(r"[A-Z]?[a-zäöü]+|[A-Z]+(?![a-z])", normal(name))
    return any(word.lower() in _ENDS for word in words)


def _stamp_test(config: CsvSeriesFormat) -> Callable[[str], bool]:
    return lambda cell: is_stamp(cell, config.time_format)


def _mostly(layout: Layout, place: int, test: Callable[[str], bool]) -> bool:
    cells = [row[place] for row in layout.sample if place < len(row) and row[place]]
    return bool(cells) and 2 * sum(map(test, cells)) > len(cells)


def _zone(layout: Layout, name: str, places: Sequence[int]) -> str:
    """The zone that a header tells: ``utc_timestamp``, ``MTU (CET/CEST)``; or a tool's manual."""
    told = name.lower()
    if re.search(r"(?<![a-z])(utc|gmt)(?![a-z])", told):
        return "UTC"
    if re.search(r"cet[/_ ]cest|mez[/_ ]mesz", told):
        return "Europe/Berlin"
    if _tool(layout) or told == "mess_datum":
        return "UTC"
    return ""


def _tool(layout: Layout) -> dict[str, str] | None:
    """Units of a tool's columns, where the file is one of a tool whose headers have none."""
    header = set(layout.header)
    if {"time", "P"} <= header and any(re.match(r"\d{8}:\d{4}$", row[0]) for row in layout.sample if row):
        return _PVGIS
    return _NINJA if {"time", "electricity"} <= header else None


def find_values(
    layout: Layout,
    time: TimeColumn,
    config: CsvSeriesFormat,
    known: Mapping[str, Unit],
    wanted: Sequence[str],
    only_first: bool,
    file: str,
    problems: list[Problem],
) -> tuple[list[ValueColumn], list[ValueColumn]]:
    """Columns that are wanted, and those that are left out; every doubt about a name is a problem.

    Without `wanted` it is every column with a known unit, or the first of them; one that may be meant and has
    none is a problem.
    """
    columns = [
        _column(layout, place, config, known)
        for place in range(len(layout.header))
        if place not in time.places
    ]
    problems += _twice(columns, [layout.header[each] for each in time.places], layout, file)
    if wanted:
        chosen = []
        for name in wanted:
            found = [columns[each] for each in _named(name, [column.name for column in columns])]
            found = found or [columns[each] for each in _named(name, [column.header for column in columns])]
            if not found:
                remedy = suggest(name, (shown(column.name) for column in columns))
                message = f"there is no column '{shown(name)}'"
                problems.append(Problem(message, remedy, file=file, line=layout.header_line))
            chosen += found[:1]
    else:
        meant = [column for column in columns if _is_meant(layout, column)]
        first = [column for column in meant if column.unit is not None][:1] if only_first else []
        chosen = first or meant
    if times := [column for column in chosen if is_clock(column.name)][1:]:
        message = "the columns are times of day, with a day in each row"
        remedy = "Write a row for each slot, with its date and time: time,NAME [kW]."
        problems.append(Problem(message, remedy, shown(times[0].header), file, layout.header_line))
    problems += [
        Problem(
            "a name holds a control character",
            "Correct the header.",
            shown(column.header),
            file,
            layout.header_line,
        )
        for column in chosen
        if not column.name.isprintable()
    ]
    return chosen, [column for column in columns if column not in chosen]


def _column(layout: Layout, place: int, config: CsvSeriesFormat, known: Mapping[str, Unit]) -> ValueColumn:
    header = normal(layout.header[place])
    name, text = split_header(header, known)
    tool = _tool(layout)
    if not text and tool:
        text = tool.get(header, "")
    if not text and config.unit is not None:
        text = config.unit
    return ValueColumn(place, header, name, find_unit(text, known) if text else None, text)


def _is_meant(layout: Layout, column: ValueColumn) -> bool:
    """Whether a column that nobody named holds values of the kind that is looked for, or may do so."""
    if column.unit is not None:
        return True
    if column.unit_text in (*OTHER, *OTHER_PRICES) or _tool(layout):
        return False
    if column.unit_text:
        return True
    if not column.header or column.header.lower().endswith("timestep"):
        return False
    if _mostly(layout, column.place, is_stamp) or _mostly(layout, column.place, is_clock):
        return False
    cells = [row[column.place] for row in layout.sample if column.place < len(row) and row[column.place]]
    return not cells or any(looks_like_number(cell) for cell in cells)


def used_and_empty(
    chosen: Sequence[ValueColumn], cells: Mapping[int, Any]
) -> tuple[list[ValueColumn], list[ValueColumn]]:
    """Columns that are used, and those beside them that have neither a unit nor a single value.

    Parameters
    ----------
    chosen : sequence of ValueColumn
        As `find_values` gives them where no column is wanted by its name.
    cells : mapping of int to pandas.Series of str
        What stands in them, by place.
    """
    empty = [
        column
        for column in chosen
        if column.unit is None
        and not column.unit_text
        and not (cells[column.place].fillna("").str.strip() != "").any()
    ]
    if not any(column.unit for column in chosen):
        empty = []
    return [column for column in chosen if column not in empty], empty


def without_unit(
    chosen: Sequence[ValueColumn],
    wanted: bool,
    known: Mapping[str, Unit],
    config: CsvSeriesFormat,
    layout: Layout,
    file: str,
) -> Iterator[Problem]:
    """Columns without a unit that is known, or with another than the scenario says."""
    symbols = usual(known)
    others = "" if wanted else "; or name the columns that are meant"
    bad = [column for column in chosen if column.unit is None]
    for column in bad[:_SHOWN]:
        what = f"unknown unit [{shown(column.unit_text)}]" if column.unit_text else "no unit in the header"
        remedy = f"Write it as 'name [unit]', or give `unit`, with one of: {symbols}{others}."
        yield Problem(what, remedy, shown(column.header), file, layout.header_line)
    if len(bad) > _SHOWN:
        message = f"{len(bad) - _SHOWN} more columns have no known unit"
        yield Problem(message, "Name the columns that are meant.", file=file, line=layout.header_line)
    for column in chosen:
        given = find_unit(config.unit, known) if config.unit else None
        if given and column.unit and given != column.unit:
            message = f"the header says {column.unit.symbol}, and the scenario {given.symbol}"
            yield Problem(message, "Leave `unit` out.", shown(column.header), file, layout.header_line)


def _twice(
    columns: Sequence[ValueColumn], time: Sequence[str], layout: Layout, file: str
) -> Iterator[Problem]:
    first: dict[str, str] = {normal(header): normal(header) for header in time}
    for column in columns:
        if not column.name:
            continue
        if column.name in first:
            message = f"two columns have the name '{shown(column.name)}'"
            if first[column.name] != column.header:
                message += f", {shown(first[column.name])} and {shown(column.header)}"
            yield Problem(message, "Rename or remove one.", shown(column.header), file, layout.header_line)
        first.setdefault(column.name, column.header)


def _named(name: str, names: Sequence[str]) -> list[int]:
    return [place for place, each in enumerate(names) if normal(each) == normal(name)]
