"""A table as rows of text, for a CSV file and for a page in Markdown."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import Any

from cosim.core.text import markdown_text, spreadsheet_cell


@dataclass(frozen=True)
class TextTable:
    """A table as it is written down.

    Attributes
    ----------
    name, title : str
        Of its file, and above it on the page.
    columns : tuple of str
        Headings.
    rows : list of list
        Cells: text, and numbers as they are.
    headings : tuple of str
        What stands above the columns on a page, where names are no words; `columns` by default.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[list[Any]]
    headings: tuple[str, ...] = ()

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


def _shown(cell: Any) -> str:
    if isinstance(cell, float):
        return "–" if math.isnan(cell) else f"{cell:.4g}"
    return markdown_text(str(cell), in_table=True) if cell != "" else "–"
