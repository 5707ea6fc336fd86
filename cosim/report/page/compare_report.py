"""The page of runs side by side: what differs in their scenarios, and what that did to their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cosim.core.shown import number_text
from cosim.report.compare_figure import drawn_keys
from cosim.report.page.origin import Origin
from cosim.report.page.study_figures import Figure, dot, dots
from cosim.report.page.study_page import write_study_page
from cosim.report.text_table import TextTable
from cosim.study.compare import ComparedRun, Comparison
from cosim.study.scenario_differences import value_text

_LONGEST_VALUE = 200
_SHORT_VALUE = 40
_MOST_TOLD = 3
_LARGE_PERCENT = 100
"""Beside larger changes the others would all look like none; these have a figure of their own."""


def write_compare_report(comparison: Comparison, folder: Path) -> Path:
    """Write ``report.html`` into an existing directory; gives the file."""
    runs = comparison.runs
    answer = [
        *_what_differs(comparison),
        *(f"{each.letter} ({each.label}): {each.record.get('verdict') or each.status}" for each in runs),
    ]
    title = f"Runs side by side: {', '.join(run.label for run in comparison.runs)}"
    tables = [_differences(comparison), _numbers(comparison)]
    facts = [(f"{each.letter} ({each.label})", _run_text(each)) for each in runs]
    figures, cautions = _figures(comparison), list(comparison.cautions)
    return write_study_page(folder, title, answer, cautions, figures, tables, origin=Origin(facts, []))


def _run_text(run: ComparedRun) -> str:
    """What a run was made from."""
    names = {"scenario": "scenario", "seed": "seed", "scenario_hash": "hash", "cosim": "cosim"}
    found = {name: run.record.get(key, "") for key, name in names.items()}
    return ", ".join(f"{name} {value}" for name, value in found.items() if value not in ("", None))


def _what_differs(comparison: Comparison) -> Iterator[str]:
    """The values of their scenarios that differ, as far as they fit into a sentence."""
    found = comparison.differences
    if not found:
        yield "The scenarios have the same values."
        return
    told = []
    for one in found[:_MOST_TOLD]:
        values = zip(comparison.runs, one.values, strict=True)
        sides = [f"{run.letter} {value_text(value, _SHORT_VALUE)}" for run, value in values]
        told.append(f"{one.path} ({', '.join(sides)})")
    more = f", and {len(found) - _MOST_TOLD} more below" if len(found) > _MOST_TOLD else ""
    yield f"Their scenarios differ in {'; '.join(told)}{more}."


def _figures(comparison: Comparison) -> list[Figure]:
    """For each run what changes against the first one, number by number, in per cent of it."""
    first, *others = comparison.runs
    found = []
    for run in others:
        rows: dict[bool, list[Any]] = {False: [], True: []}
        for key in drawn_keys(comparison):
            percent, told = comparison.change(key, run).percent, comparison.describe(key)
            if percent is not None:
                community = f"{told.section}: " if told.section.startswith("Community") else ""
                rows[abs(percent) > _LARGE_PERCENT].append(
                    dot(f"{community}{told.name}", (percent, percent, percent))
                )
        about = "Voltages change little in per cent; the table of every number has what each is."
        label = f"{run.letter} ({run.label}) against {first.letter} ({first.label})"
        for is_large, mine in rows.items():
            what = f"{label}: changes of more than {_LARGE_PERCENT} %" if is_large else label
            if mine:
                found.append(dots(what, f"change [% of {first.letter}]", mine, zero=True, about=about))
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
    order = comparison.catalogue.sections(comparison.communities)
    rows.sort(key=lambda row: order.index(row[0]))
    return TextTable("numbers", "Every number", columns, rows)


def _text(value: float | int | None, scale: int) -> str:
    return number_text(None if value is None else value * scale)
