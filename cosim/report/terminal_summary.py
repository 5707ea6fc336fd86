"""The summary of a run on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cosim.core.shown import THIN_SPACE
from cosim.report.summary_table import SummaryRow


def print_summary(console: Console, rows: Iterable[SummaryRow]) -> None:
    """Print every number of a summary with its unit, section by section."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for section, members in groupby(rows, key=lambda row: row.section):
        table.add_row(Text(section, style="bold"))
        for row in members:
            # Not every terminal has the thin space.
            table.add_row(Text(f" {row.name}"), row.value.replace(THIN_SPACE, " "), row.unit)
    console.print(table)
