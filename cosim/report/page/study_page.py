"""``report.html`` of a study: the answer first, its figures, the runs behind them, and its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cosim.core.shown import NO_VALUE
from cosim.report.page.origin import Origin
from cosim.report.page.rendering import render
from cosim.report.page.study_figures import Figure
from cosim.report.text_table import TextTable, cell_text, with_intervals
from cosim.results.safe_files import write_whole

PAGE = "report.html"
MOST_ROWS = 500
_SCRIPTS = ("data.js", "elements.js", "plots.js", "study.js")


def write_study_page(
    folder: Path,
    title: str,
    answer: Sequence[str],
    notes: Sequence[str],
    figures: Sequence[Figure],
    tables: Sequence[TextTable],
    commands: Sequence[tuple[str, str]] = (),
    origin: Origin | None = None,
    words: Mapping[str, str] | None = None,
    about_runs: str = "",
) -> Path:
    """Write the page into an existing directory.

    Parameters
    ----------
    folder : Path
        Where to.
    title : str
        Of the study.
    answer, notes : sequence of str
        Sentences: what was found, and what a reader must know before using it.
    figures : sequence of dict
        See `study_figures`.
    tables : sequence of TextTable
        In full in files of their own; here at most `MOST_ROWS` rows of each.
    commands : sequence of tuple of str
        Runs worth a look, each with the command that repeats it.
    origin : Origin
        Where it comes from.
    words : mapping of str to str
        What the words of the page mean.
    about_runs : str
        A sentence about the runs worth a look.

    Returns
    -------
    Path
        The page.
    """
    shown = [_table(with_intervals(table)) for table in tables if table.rows]
    data = {"start_ms": 0, "figures": list(figures)}
    said = {"title": title, "answer": list(answer), "notes": list(notes), "commands": list(commands)}
    text = render(
        "study.html.j2",
        _SCRIPTS,
        data,
        **said,
        tables=shown,
        origin=origin,
        words=words or {},
        about_runs=about_runs,
    )
    write_whole(folder / PAGE, text)
    return folder / PAGE


def _table(table: TextTable) -> dict[str, Any]:
    rows = [[_cell(cell) for cell in row] for row in table.rows[:MOST_ROWS]]
    numbers = tuple(
        n
        for n in range(len(table.columns))
        if any(isinstance(row[n], int | float) for row in table.rows[:MOST_ROWS])
    )
    more = (
        f"{len(rows)} of {len(table.rows)} rows; all are in {table.name}.csv."
        if len(table.rows) > len(rows)
        else ""
    )
    return {
        "title": table.title,
        "columns": table.headings or table.columns,
        "rows": rows,
        "numbers": numbers,
        "more": more,
    }


def _cell(cell: Any) -> str:
    return cell_text(cell) or NO_VALUE
