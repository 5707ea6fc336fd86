"""A comparison of runs as CSV, for spreadsheets and pandas."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from cosim.core.text import spreadsheet_cell
from cosim.study.compare import Comparison
from cosim.study.scenario_differences import value_text


def numbers_csv(comparison: Comparison) -> str:
    """Every number as CSV: one row a number, one column a run, and its difference to the first run."""
    first, *others = comparison.runs
    header = ["number", *(run.label for run in comparison.runs)]
    for run in others:
        header += [f"{run.label} minus {first.label}", f"{run.label} change_percent"]
    rows: list[list[Any]] = [header]
    for key in comparison.keys:
        changes = [comparison.change(key, run) for run in others]
        rows.append(
            [key, *(run.numbers.get(key) for run in comparison.runs), *(v for c in changes for v in c)]
        )
    return _csv(rows)


def differences_csv(comparison: Comparison) -> str:
    """The scenario values that differ as CSV: one row a value, one column a run."""
    rows: list[list[Any]] = [["path", *(run.label for run in comparison.runs)]]
    rows += [[one.path, *map(value_text, one.values)] for one in comparison.differences]
    return _csv(rows)


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([map(spreadsheet_cell, row) for row in rows])
    return stream.getvalue()
