"""The page of runs side by side: what differs in their scenarios, and what that did to their numbers."""

from __future__ import annotations

from pathlib import Path

from cosim.core.shown import number_text
from cosim.report.compare_figure import drawn_keys
from cosim.report.page.study_figures import Figure, dot, dots
from cosim.report.page.study_page import write_study_page
from cosim.report.text_table import TextTable
from cosim.study.compare import Comparison
from cosim.study.scenario_differences import value_text

_LONGEST_VALUE = 200


def write_compare_report(comparison: Comparison, folder: Path) -> Path:
    """Write ``report.html`` into an existing directory; gives the file."""
    answer = [
        f"{run.letter} ({run.label}): {run.record.get('verdict') or run.status}" for run in comparison.runs
    ]
    title = f"Runs side by side: {', '.join(run.label for run in comparison.runs)}"
    tables = [_differences(comparison), _numbers(comparison)]
    return write_study_page(folder, title, answer, list(comparison.cautions), _figures(comparison), tables)


def _figures(comparison: Comparison) -> list[Figure]:
    """For each run what changes against the first one, number by number, in per cent of it."""
    first, *others = comparison.runs
    found = []
    for run in others:
        rows = []
        for key in drawn_keys(comparison):
            percent, told = comparison.change(key, run).percent, comparison.describe(key)
            if percent is not None:
                community = f"{told.section}: " if told.section.startswith("Community") else ""
                rows.append(dot(f"{community}{told.name}", (percent, percent, percent)))
        about = "Voltages change little in per cent; the table of every number has what each is."
        label = f"{run.letter} ({run.label}) against {first.letter} ({first.label})"
        if rows:
            found.append(dots(label, f"change [% of {first.letter}]", rows, zero=True, about=about))
    return found


def _differences(comparison: Comparison) -> TextTable:
    columns = ("value of the scenario", *(run.letter for run in comparison.runs))
    rows = [
        [one.path, *(value_text(value, _LONGEST_VALUE) for value in one.values)]
        for one in comparison.differences
    ]
    return TextTable("differences", "What differs in the scenarios", columns, rows)


def _numbers(comparison: Comparison) -> TextTable:
    first, *others = comparison.runs
    columns: tuple[str, ...] = ("section", "number", "unit", first.letter)
    for run in others:
        columns += (run.letter, f"{run.letter} - {first.letter}", "in %")
    rows = []
    for key in comparison.keys:
        told = comparison.describe(key)
        if not told.is_comparable:
            continue
        row = [told.section, told.name, told.unit, _text(first.numbers.get(key), told.scale)]
        for run in others:
            change = comparison.change(key, run)
            row += [
                _text(run.numbers.get(key), told.scale),
                _text(change.absolute, told.scale),
                _text(change.percent, 1),
            ]
        rows.append(row)
    return TextTable("numbers", "Every number", columns, rows)


def _text(value: float | int | None, scale: int) -> str:
    return number_text(None if value is None else value * scale)
