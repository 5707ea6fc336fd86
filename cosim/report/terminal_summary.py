"""The summary of a run on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cosim.core.shown import THIN_SPACE
from cosim.report.summary_table import summary_rows


def print_summary(console: Console, status: str, summary: Mapping[str, float | int | None]) -> None:
    """Print every number of a summary with its unit, section by section.

    Parameters
    ----------
    console : Console
        Where to.
    status : str
        How the run ended.
    summary : mapping
        What ``summary.json`` holds.
    """
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for section, rows in groupby(summary_rows(summary), key=lambda row: row.section):
        table.add_row(Text(section, style="bold"))
        for row in rows:
            # Not every terminal has the thin space.
            table.add_row(Text(f" {row.name}"), row.value.replace(THIN_SPACE, " "), row.unit)
    console.print(table)
