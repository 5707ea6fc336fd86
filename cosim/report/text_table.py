"""A table as rows of text, for a CSV file and for a page in Markdown."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from cosim.core.shown import NO_VALUE, number_text
from cosim.core.text import markdown_text, spreadsheet_cell


@dataclass(frozen=True)
class TextTable:
    """A table as it is written down."""

    name: str
    title: str
    """Of its file, and above it on the page."""
    columns: tuple[str, ...]
    """Headings."""
    rows: list[list[Any]]
    """Cells: text, and numbers as they are."""
    headings: tuple[str, ...] = ()
    """What stands above the columns on a page, where names are no words; `columns` by default."""

    def csv(self) -> str:
        """As comma-separated values, numbers in full; what is not known is empty."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(map(spreadsheet_cell, self.columns))
        writer.writerows([_plain(cell) for cell in row] for row in self.rows)
        return stream.getvalue()

    def markdown(self) -> list[str]:
        """As lines of Markdown, numbers with four digits."""
        names = self.headings or self.columns
        head = ["| " + " | ".join(map(_shown, names)) + " |", "|" + "---|" * len(names)]
        return head + ["| " + " | ".join(_shown(cell) for cell in row) + " |" for row in self.rows]


def _plain(cell: Any) -> Any:
    if isinstance(cell, float):
        return "" if math.isnan(cell) else repr(cell)
    return spreadsheet_cell(cell)


def cell_text(cell: Any) -> str:
    """A cell as readers see it; empty for what is not known."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int | float):
        return number_text(cell) if math.isfinite(cell) else ""
    return "" if cell is None else str(cell)


def with_intervals(table: TextTable) -> TextTable:
    """The two ends of each interval, ``... from`` and ``... to``, as one column, for a page."""
    names = table.headings or table.columns
    pairs = {n for n, (name, after) in enumerate(pairwise(names)) if _ends(name, after)}

    def joined(cells: Sequence[Any], join: Callable[[Any, Any], Any]) -> list[Any]:
        whole = range(len(names))
        return [join(cells[n], cells[n + 1]) if n in pairs else cells[n] for n in whole if n - 1 not in pairs]

    headings = joined(
        names, lambda name, _: f"{name.removesuffix('from').strip()}, 95 % interval".removeprefix(", ")
    )
    rows = [joined(row, _span) for row in table.rows]
    return replace(table, columns=tuple(headings), headings=(), rows=rows)


def _ends(name: str, after: str) -> bool:
    return name.endswith("from") and after == f"{name.removesuffix('from')}to"


def _span(low: Any, high: Any) -> str:
    ends = cell_text(low), cell_text(high)
    if low == high:
        return ends[0]
    return f"{ends[0]} to {ends[1]}" if all(ends) else ""


def _shown(cell: Any) -> str:
    return markdown_text(cell_text(cell), in_table=True) or NO_VALUE
