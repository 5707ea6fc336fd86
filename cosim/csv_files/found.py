"""What was found out about a CSV file, so that its user can see how it was understood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from cosim.core.errors import count


class FoundColumn(NamedTuple):
    """A column that is used."""

    name: str
    """Without its unit."""
    unit: str
    """As it was understood, such as ``kWh`` (energy in each slot)."""


class CsvFound(NamedTuple):
    """How a file of a time series was understood."""

    file: str
    """As the scenario names it."""
    encoding: str
    separator: str
    decimal: str
    """The file's dialect."""
    header_line: int
    """The line that holds the names of the columns, from 1."""
    time_column: str
    """Name of the column of time stamps; of a date and a time, both."""
    time_format: str
    """How its stamps are written."""
    timezone: str
    """The time zone of stamps that have no offset, and where that is known from."""
    slot_ms: int
    """Length of a slot, ms."""
    n_rows: int
    """Number of slots."""
    first: datetime
    last: datetime
    """Start of the first and of the last slot, UTC."""
    columns: tuple[FoundColumn, ...]
    """Those that are used."""
    left_out: tuple[str, ...] = ()
    """Names of the columns that are not."""
    n_footer: int = 0
    """Number of lines of text below the data."""

    def lines(self) -> tuple[str, ...]:
        """The same in words, a line each."""
        separator = {"\t": "tab", ";": "semicolon", ",": "comma", "|": "bar"}.get(self.separator)
        decimal = {",": "comma", ".": "point"}[self.decimal]
        columns = ", ".join(f"{column.name} [{column.unit}]" for column in self.columns)
        lines = [
            f"{self.file}: {self.encoding}, separator {separator}, decimal {decimal}, "
            f"header in line {self.header_line}",
            f"{self.file}: time in '{self.time_column}' as {self.time_format}, {self.timezone}",
            f"{self.file}: {self.n_rows} slots of {self.slot_ms / 60_000:g} min, "
            f"first {_instant(self.first)}, last {_instant(self.last)}",
            f"{self.file}: columns {columns}",
        ]
        if self.left_out:
            lines.append(f"{self.file}: not used: columns {', '.join(self.left_out)}")
        if self.n_footer:
            lines.append(f"{self.file}: not used: {count(self.n_footer, 'line')} of text below the data")
        return tuple(lines)


def _instant(stamp: datetime) -> str:
    return f"{stamp:%Y-%m-%dT%H:%M:%S}Z"


def file_lines(files: Sequence[CsvFound]) -> Iterator[str]:
    """How each file was understood, as a section of `cosim explain`."""
    if files:
        yield "# CSV files: how each was understood"
    for found in files:
        yield from found.lines()
