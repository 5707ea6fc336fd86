"""A CSV file that is no time series: named columns of text, each row with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.csv_format import CsvFormat
from cosim.core.errors import InputError, Problem, suggest
from cosim.csv_files.column_units import Unit, split_header
from cosim.csv_files.header_layout import Layout, find_layout
from cosim.csv_files.number_cells import decimal_mark, to_numbers
from cosim.csv_files.table import Table, read_table
from cosim.csv_files.utf8_text import read_text
from cosim.csv_files.words import is_of_totals, normal, shown

MAX_BYTES = 100_000_000


class PlainTable(NamedTuple):
    """Columns of a file by name."""

    file: str
    """Its name in messages."""
    layout: Layout
    """Header and separator."""
    names: tuple[str, ...]
    """Headers without their units."""
    units: tuple[str, ...]
    """Their units; empty where there is none."""
    table: Table
    """The cells."""
    config: CsvFormat
    """What is known of the way it is written."""

    def place(self, name: str, remedy: str) -> int:
        """Position of a column.

        Raises
        ------
        InputError
            If there is none of this name; the remedy stands where none is alike.
        """
        for names in (self.names, tuple(normal(header) for header in self.layout.header)):
            if normal(name) in names:
                return names.index(normal(name))
        known = [shown(each) for each in self.layout.header]
        message = f"there is no column '{shown(name)}'"
        raise InputError(
            [
                Problem(
                    message,
                    suggest(name, known) or remedy,
                    file=self.file,
                    line=self.layout.header_line,
                    value=shown(", ".join(known)),
                )
            ]
        )

    def text(self, place: int) -> Any:
        """Cells of a column, stripped: a pandas.Series of str."""
        return self.table.columns[place].str.strip()

    def numbers(self, places: Sequence[int]) -> list[NDArray[np.float64]]:
        """Cells of some columns as numbers, NaN for what is none.

        Raises
        ------
        InputError
            If nothing tells what the decimal mark is.
        """
        columns = [self.table.columns[place] for place in places]
        names = [self.names[place] for place in places]
        mark = decimal_mark(
            columns, names, self.layout.separator, self.config.decimal, self.table.lines, self.file
        )
        return [to_numbers(column, mark) for column in columns]


def read_plain(file: Path, shown_as: str, config: CsvFormat, known: Mapping[str, Unit]) -> PlainTable:
    """Read a CSV file with a header.

    Parameters
    ----------
    file : Path
        The file.
    shown_as : str
        Its name in messages.
    config : CsvFormat
        What is known of the way it is written; the rest is found out.
    known : mapping of str to Unit
        Units that its headers can have.

    Raises
    ------
    InputError
        If it is no CSV text, or two columns have one name.
    """
    text = read_text(file, shown_as, MAX_BYTES, config)
    layout = find_layout(text, shown_as, config.separator, config.skip_rows, None)
    heads = [split_header(normal(header), known) for header in layout.header]
    names = tuple(name for name, _ in heads)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        message = "two columns have the name '{}'"
        raise InputError(
            [
                Problem(
                    message.format(shown(name)),
                    "Rename or remove one.",
                    file=shown_as,
                    line=layout.header_line,
                )
                for name in twice[:5]
            ]
        )
    places = list(range(len(layout.header)))
    table = read_table(text, layout, shown_as, places, 0, has_footer=False)
    _no_totals(table, shown_as)
    return PlainTable(shown_as, layout, names, tuple(unit for _, unit in heads), table, config)


def _no_totals(table: Table, file: str) -> None:
    """Refuse a last row that sums up the others, whose number would be taken for one of theirs."""
    for column in table.columns.values() if table.n_rows else ():
        *others, last = column
        if is_of_totals(str(last)) and not any(is_of_totals(str(cell)) for cell in others):
            message, line = "this looks like a row of totals, not like data", int(table.lines[-1])
            raise InputError([Problem(message, "Remove the line.", "", file, line, shown(str(last).strip()))])
