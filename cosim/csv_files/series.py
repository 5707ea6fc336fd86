"""A time series from a CSV file: the one reader for profiles and prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.csv_format import CsvSeriesFormat
from cosim.core.clock import MS_PER_HOUR
from cosim.core.errors import InputError, Problem
from cosim.csv_files.column_units import Unit, usual
from cosim.csv_files.columns import (
    TimeColumn,
    ValueColumn,
    find_time,
    find_values,
    used_and_empty,
    without_unit,
)
from cosim.csv_files.found import CsvFound, FoundColumn
from cosim.csv_files.header_layout import Layout, find_layout
from cosim.csv_files.number_cells import decimal_mark, is_missing, to_numbers
from cosim.csv_files.slots import Slots, slots_of
from cosim.csv_files.stamps import is_stamp
from cosim.csv_files.suspect_numbers import counters, sentinels
from cosim.csv_files.table import Table, read_table
from cosim.csv_files.utf8_text import read_text
from cosim.csv_files.words import shown

_SHOWN = 5
_LARGEST = 1e30


class CsvSeries(NamedTuple):
    """What a CSV file holds."""

    columns: tuple[str, ...]
    """Names without unit."""
    units: tuple[Unit, ...]
    """Their units."""
    values: NDArray[np.float64]
    """Means over each slot in the unit's base: kW (or kW per kWp), EUR/kWh. Shape (n, len(columns))."""
    lines: NDArray[np.int64]
    """The line of each row in the file. Shape (n,)."""
    start: datetime
    """Start of the first slot, UTC."""
    slot_ms: int
    """Length of a slot, ms."""
    found: CsvFound
    """How the file was understood."""
    warnings: tuple[Problem, ...]
    """What is doubtful in it."""

    @property
    def end(self) -> datetime:
        """End of the last slot, UTC."""
        return self.start + timedelta(milliseconds=self.slot_ms * len(self.values))


def read_series(
    file: Path,
    shown_as: str,
    config: CsvSeriesFormat,
    known: Mapping[str, Unit],
    *,
    wanted: Sequence[str] = (),
    only_first: bool = False,
    single_slot_ms: int = 0,
    limit: int = 500_000_000,
) -> CsvSeries:
    """Read and check a file of a time series.

    Parameters
    ----------
    file : Path
        The file.
    shown_as : str
        Its name in messages.
    config : CsvSeriesFormat
        What is known of the way it is written; the rest is found out.
    known : dict of str to Unit
        The units that its values can have.
    wanted : sequence of str
        Columns to keep, in this order; all that have such a unit by default.
    only_first : bool
        Whether the first of those is enough.
    single_slot_ms : int
        Length of a slot where there is only one row; 0 where two rows are needed.
    limit : int
        The largest size, bytes.

    Raises
    ------
    InputError
        With every problem, each with its line in the file.
    """
    text = read_text(file, shown_as, limit, config)
    layout = find_layout(
        text, shown_as, config.separator, config.skip_rows, lambda cell: is_stamp(cell, config.time_format)
    )
    if len(layout.header) < 2:
        message = "needs a column of time stamps and at least one column of values"
        raise InputError(
            [Problem(message, "Header: time,NAME [unit],...", file=shown_as, line=layout.header_line)]
        )
    problems: list[Problem] = []
    time = find_time(layout, config, shown_as, problems)
    chosen, left_out = find_values(layout, time, config, known, wanted, only_first, shown_as, problems)
    if not chosen and not problems:
        message = "no column has a known unit"
        remedy = f"Write it as 'name [unit]', or give `unit`, with one of: {usual(known)}."
        problems.append(Problem(message, remedy, file=shown_as, line=layout.header_line))
    if len(layout.header) == 2 and not wanted and problems and not chosen:
        raise InputError(problems)
    table = read_table(
        text, layout, shown_as, [*time.places, *(column.place for column in chosen)], time.places[0]
    )
    del text
    if not wanted:
        chosen, empty = used_and_empty(chosen, table.columns)
        left_out += empty
    problems += without_unit(chosen, bool(wanted), known, config, layout, shown_as)
    if table.n_rows < (1 if single_slot_ms else 2):
        message = "has one row of data" if table.n_rows else "has no row of data"
        remedy = (
            "Give one row per slot." if single_slot_ms else "Give two or more; they tell the slot's length."
        )
        raise InputError([*problems, Problem(message, remedy, file=shown_as, line=layout.header_line)])
    slots = slots_of(table, time, config, single_slot_ms, shown_as, problems)
    decimal, numbers = _numbers(table, chosen, layout, config, shown_as, problems)
    if problems or slots is None:
        raise InputError(problems)
    return _series(shown_as, config, layout, time, chosen, left_out, decimal, numbers, table, slots)


def _series(
    file: str,
    config: CsvSeriesFormat,
    layout: Layout,
    time: TimeColumn,
    chosen: Sequence[ValueColumn],
    left_out: Sequence[ValueColumn],
    decimal: str,
    numbers: NDArray[np.float64],
    table: Table,
    slots: Slots,
) -> CsvSeries:
    units = [column.unit for column in chosen if column.unit is not None]
    names = tuple(column.name for column in chosen)
    lines, n_footer = table.lines, table.n_footer
    if slots.is_reversed:
        numbers, lines = numbers[::-1], lines[::-1]
    hours = slots.slot_ms / MS_PER_HOUR
    scale = np.array([unit.factor / hours if unit.is_energy else unit.factor for unit in units])
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=slots.start_ms)
    found = CsvFound(
        file,
        ("UTF-8" if config.encoding == "utf-8" else config.encoding)
        + (f" ({config.compression})" if config.compression else ""),
        layout.separator,
        decimal,
        layout.header_line,
        shown(time.name),
        slots.written_as,
        slots.timezone,
        slots.slot_ms,
        len(numbers),
        start,
        start + timedelta(milliseconds=slots.slot_ms * (len(numbers) - 1)),
        tuple(
            FoundColumn(shown(name), f"{unit.symbol} in each slot" if unit.is_energy else unit.symbol)
            for name, unit in zip(names, units, strict=True)
        ),
        tuple(shown(column.header) for column in left_out if column.header),
        n_footer,
    )
    counted = [place for place, unit in enumerate(units) if unit.is_energy]
    warnings = (
        *slots.warnings,
        *sentinels(numbers, names, lines, file),
        *counters(numbers, names, counted, lines, file),
    )
    return CsvSeries(names, tuple(units), numbers * scale, lines, start, slots.slot_ms, found, warnings)


def _numbers(
    table: Table,
    chosen: Sequence[ValueColumn],
    layout: Layout,
    config: CsvSeriesFormat,
    file: str,
    problems: list[Problem],
) -> tuple[str, NDArray[np.float64]]:
    """The decimal mark and all values as they stand, shape (n, len(chosen))."""
    columns = [table.columns[column.place] for column in chosen]
    names = [column.name for column in chosen]
    try:
        decimal = decimal_mark(columns, names, layout.separator, config.decimal, table.lines, file)
    except InputError as error:
        problems += error.problems
        return ".", np.zeros((table.n_rows, len(chosen)))
    numbers = np.empty((table.n_rows, len(chosen)))
    bad: list[Problem] = []
    for place, (column, text) in enumerate(zip(chosen, columns, strict=True)):
        values = numbers[:, place] = to_numbers(text, decimal)
        rows = np.flatnonzero(~(np.abs(values) < _LARGEST))
        for row in rows[:_SHOWN]:
            cell = str(text.iat[row]).strip()
            message = (
                "not a finite number"
                if not np.isfinite(values[row])
                else "a number this large is not plausible"
            )
            message = "a value is missing (NaN)" if is_missing(cell) else message
            line, name = int(table.lines[row]), shown(column.name)
            bad.append(Problem(message, "Give a number.", name, file, line, shown(cell) or "nothing"))
        if len(rows) > _SHOWN:
            message = f"{len(rows) - _SHOWN} more values are missing or not finite"
            bad.append(Problem(message, "", shown(column.name), file, int(table.lines[rows[_SHOWN]])))
        if len(bad) >= 100:
            break
    problems += bad
    return decimal, numbers
