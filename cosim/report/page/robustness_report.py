"""The page of a sweep's evaluation: its numbers over the axes, and the runs behind each place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cosim.config.axis_words import axis_label
from cosim.core.shown import number_text
from cosim.engine.wings import describe
from cosim.report.page.origin import Origin, versions
from cosim.report.page.study_figures import Figure, cell, cell_map, curve, curves, dot, dots
from cosim.report.page.study_page import write_study_page
from cosim.report.robustness_findings import completeness, findings
from cosim.report.robustness_page import intervals_text, write_robustness_files
from cosim.report.text_table import cell_text
from cosim.results.run_files import read_sweep_record
from cosim.study.robustness.analysis import Analysis
from cosim.study.robustness.cells import Panel, cell_estimates, drawn_axes, label_of, panels
from cosim.study.robustness.points import SweepPoints
from cosim.study.robustness.quantities import Quantity

_MOST_MAPS = 24


def write_robustness(analysis: Analysis, folder: Path) -> list[Path]:
    """Write all that there is to see of a sweep into an existing directory.

    Parameters
    ----------
    analysis : Analysis
        What was worked out.
    folder : Path
        The directory; files of an earlier evaluation are overwritten.

    Returns
    -------
    list of Path
        The files, both pages first.
    """
    points = analysis.points
    (text, *files), tables = write_robustness_files(analysis, folder)
    figures = [figure for quantity in analysis.quantities for figure in _figures(analysis, quantity)]
    answer, notes = [*_answer(analysis), *completeness(points)], [intervals_text(analysis)]
    title, shown = points.title or points.name, figures[:_MOST_MAPS]
    page = write_study_page(folder, title, answer, notes, shown, tables, origin=_origin(points))
    return [text, page, *files]


def _origin(points: SweepPoints) -> Origin:
    """What was run; not when, which says nothing of the results."""
    record = read_sweep_record(points.folder)
    seeds = sorted(points.table["seed"].unique().tolist()) if "seed" in points.table else []
    facts = [
        ("Sweep", points.name),
        *((axis_label(axis.name), ", ".join(map(cell_text, axis.values))) for axis in points.axes),
        ("Seeds", ", ".join(map(str, seeds))),
        ("Runs", number_text(points.n_done)),
        ("Hash of sweep and inputs", str(record.get("hash", ""))),
    ]
    text = (points.folder / "sweep.yaml").read_text(encoding="utf-8")
    about = "The sweep: cosim sweep of this file runs it again, to the same numbers"
    return Origin([(name, value) for name, value in facts if value], versions(record), text, about)


def _answer(analysis: Analysis) -> Iterator[str]:
    """Where each number is worst, and what it is at the first place."""
    first: dict[str, str] = {}
    for each in findings(analysis):
        if each.finding == "at the first place":
            first[each.number] = f"{each.value} at {each.of}"
        elif each.finding == "the worst place":
            beside = f", against {first[each.number]}" if each.number in first else ""
            yield f"{each.number}: worst at {each.of}, {each.value}{beside}."


def _figures(analysis: Analysis, quantity: Quantity) -> Iterator[Figure]:
    points, key = analysis.points, quantity.key
    name = describe(key, points.communities)
    title = f"{name.section}: {name.name}" if name.section.startswith("Community") else name.name
    unit = name.unit or "-"
    drawn = drawn_axes(points)
    if len(drawn) == 1 and not points.is_sample:
        lines = [
            curve(
                each.label or title,
                drawn[0].values,
                *(name.scale * v for v in (each.mean, each.low, each.high)),
            )
            for each in panels(points, key)
        ]
        about = "Mean over the seeds with its 95 % interval."
        yield curves(
            title,
            axis_label(drawn[0].name),
            f"{name.name} [{unit}]",
            lines,
            about=about,
            log=drawn[0].scale == "log",
        )
    elif len(drawn) == 2 and not points.is_sample:
        for each in panels(points, key):
            yield _map(analysis, key, each, title, unit, name.scale)
    elif not drawn:
        rows = [
            dot(label_of(points.axes, place), (name.scale * value for value in found[:3]))
            for place, found in cell_estimates(points, key).items()
        ]
        yield dots(title, f"{name.name} [{unit}]", rows, about="Mean over the seeds with its 95 % interval.")


def _map(analysis: Analysis, key: str, panel: Panel, title: str, unit: str, scale: int) -> Figure:
    points = analysis.points
    digits = max(3, describe(key, points.communities).number.digits - 1)
    y_axis, x_axis = drawn_axes(points)
    others = [axis.name for axis in points.axes if axis not in (y_axis, x_axis)]
    held = points.table
    for axis, value in zip(others, panel.held, strict=True):
        held = held[held[axis] == value]
    behind = dict(list(held.groupby([x_axis.name, y_axis.name], sort=False)))
    cells = []
    for row, y in enumerate(y_axis.values):
        for column, x in enumerate(x_axis.values):
            mean, low, high = (
                scale * float(values[row, column]) for values in (panel.mean, panel.low, panel.high)
            )
            if np.isfinite(mean):
                ends = (
                    f" ({number_text(low, digits)} to {number_text(high, digits)})"
                    if np.isfinite(low)
                    else ""
                )
                runs = _runs(behind.get((x, y)), key, scale)
                cells.append(cell((f"{x:g}", f"{y:g}"), mean, f"{number_text(mean, digits)}{ends}", runs))
    values = tuple([f"{value:g}" for value in axis.values] for axis in (x_axis, y_axis))
    about = "Mean over the seeds with its 95 % interval; choose a cell for the runs behind it."
    label = f"{title}{f', {panel.label}' if panel.label else ''}"
    columns = ["point of the sweep", "seed", f"value [{unit}]"]
    return cell_map(
        label,
        (axis_label(x_axis.name), axis_label(y_axis.name)),
        (values[0], values[1]),
        cells,
        unit,
        about=about,
        columns=columns,
    )


def _runs(rows: pd.DataFrame | None, key: str, scale: int) -> Iterator[list[str]]:
    if rows is None:
        return
    numbers = rows.get("point", rows.index)
    for point, seed, value in zip(numbers, rows["seed"], rows[key], strict=True):
        yield [str(point), str(seed), "–" if pd.isna(value) else number_text(scale * _number(value))]


def _number(value: Any) -> float:
    return float(value)
