"""Writes the analysis of a sweep: figures, tables as CSV, and a page in Markdown that shows it all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cosim.core.text import markdown_text
from cosim.engine.wings import describe
from cosim.report.robustness_figures import (
    better_side,
    changes_figure,
    effect_lines,
    means_figure,
    pairs_figure,
    quantity_lines,
    quantity_scatter,
)
from cosim.report.robustness_findings import completeness
from cosim.report.robustness_maps import effect_map, quantity_map
from cosim.report.robustness_tables import boundary_name, findings_table, tables
from cosim.report.style import drawing, save
from cosim.report.text_table import TextTable
from cosim.results.safe_files import write_whole
from cosim.study.robustness.analysis import Analysis
from cosim.study.robustness.boundary import Boundary
from cosim.study.robustness.break_even import BreakEven
from cosim.study.robustness.cells import drawn_axes, label_of
from cosim.study.robustness.quantities import Quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = "robustness.md"
_MOST_ROWS_ON_PAGE = 60
"""Longer tables are in their files alone."""


def write_robustness_files(analysis: Analysis, folder: Path) -> tuple[list[Path], list[TextTable]]:
    """Write page, figures and tables into a directory.

    Parameters
    ----------
    analysis : Analysis
        What was worked out.
    folder : Path
        An existing directory.

    Returns
    -------
    tuple of list
        The files, the page first; and the tables.
    """
    figures = []
    with drawing():
        for name, figure in _figures(analysis):
            path = folder / f"{name}.png"
            save(figure, path)
            figures.append(path)
    found = [findings_table(analysis), *tables(analysis)]
    files = [folder / f"{table.name}.csv" for table in found]
    for file, table in zip(files, found, strict=True):
        write_whole(file, table.csv())
    page = folder / PAGE
    write_whole(page, "\n".join(_lines(analysis, figures, found)) + "\n")
    return [page, *figures, *files], found


def _figures(analysis: Analysis) -> Iterator[tuple[str, Figure]]:
    points = analysis.points
    for boundary in analysis.boundaries:
        key = f"{boundary.resource}_measured_rmse_units"
        if len(points.numeric_axes) > 1:
            yield boundary_name(boundary, analysis), _map(analysis, key, [boundary])
    for quantity in analysis.quantities:
        mine = [each for each in analysis.sensitivities if each.quantity == quantity]
        found = analysis.panels.get(quantity.key)
        if mine:
            yield quantity.key, quantity_scatter(points, quantity.key, mine)
        elif found and len(points.numeric_axes) > 1:
            yield quantity.key, _map(analysis, quantity.key, [])
        elif found:
            yield quantity.key, quantity_lines(points, quantity.key, points.numeric_axes[0], found)
    yield from _effect_figures(analysis)
    if not points.numeric_axes:
        for quantity in analysis.quantities:
            yield quantity.key, means_figure(points, quantity.key)
    for matrix in analysis.pair_matrices:
        if matrix.has_pairs:
            yield f"pairs_{matrix.quantity.key}", pairs_figure(points, matrix)
        else:
            yield f"effect_{matrix.quantity.key}", changes_figure(points, matrix)


def _map(analysis: Analysis, key: str, limits: list[Boundary]) -> Figure:
    from cosim.study.robustness.cells import panels

    found = analysis.panels.get(key) or panels(analysis.points, key)
    return quantity_map(analysis.points, key, found, limits)


def _effect_figures(analysis: Analysis) -> Iterator[tuple[str, Figure]]:
    """What each case changes, a figure for each quantity."""
    for quantity in analysis.quantities:
        mine = [b for b in analysis.break_evens if b.quantity == quantity]
        if not mine:
            continue
        drawn = drawn_axes(analysis.points)
        if len(drawn) == 1:
            yield f"effect_{quantity.key}", effect_lines(analysis.points, mine)
        else:
            yield f"effect_{quantity.key}", _effect_map(analysis, quantity, mine)


def _effect_map(analysis: Analysis, quantity: Quantity, found: list[BreakEven]) -> Figure:
    """The effects along the second drawn axis, one row for each value of the first."""
    points = analysis.points
    y_axis, x_axis = drawn_axes(points)
    name = describe(quantity.key, points.communities)
    rows: dict[str, dict[float, BreakEven]] = {}
    for each in found:
        if each.axis != x_axis:
            continue
        position = each.held_axes.index(y_axis)
        rest = [axis for axis in each.held_axes if axis != y_axis]
        values = each.held[:position] + each.held[position + 1 :]
        label = ", ".join(part for part in (each.case, label_of(rest, values)) if part)
        rows.setdefault(label, {})[each.held[position]] = each
    maps = []
    for label, by_y in rows.items():
        effects = [by_y[value].effects for value in y_axis.values]
        drawn = np.array([[effect[:3] for effect in row] for row in effects]) * name.scale
        if not quantity.larger_is_worse:  # effects are harm; the map shows the change itself
            drawn = -drawn[..., [0, 2, 1]]
        maps.append((label, np.moveaxis(drawn, -1, 0)))
    title = f"{name.name}: what each case changes against '{found[0].baseline}' ({better_side(quantity)})"
    unit = f"change [{name.unit or '-'}]"
    return effect_map(title, (y_axis, x_axis), maps, unit, quantity.larger_is_worse)


def _lines(analysis: Analysis, figures: list[Path], found: list[TextTable]) -> Iterator[str]:
    points = analysis.points
    yield f"# Robustness: {points.name}"
    yield ""
    if points.title:
        yield markdown_text(points.title.rstrip(".") + ".")
        yield ""
    axes = ", ".join(
        f"{axis.name} ({axis.values[0]:g} to {axis.values[-1]:g}, {len(axis.values)} values)"
        if axis.is_numeric
        else f"{axis.name} ({len(axis.values)} cases)"
        for axis in points.axes
    )
    yield f"{'Sampled' if points.is_sample else 'Varied'}: {markdown_text(axes)}. {intervals_text(analysis)}"
    yield (
        "Whether a difference is beyond chance is judged at each place separately; of many places, about "
        "one in twenty appears so by chance."
    )
    yield ""
    yield "## Findings"
    yield ""
    for sentence in completeness(points):
        yield markdown_text(sentence)
        yield ""
    yield from found[0].markdown()
    yield ""
    yield f"These rows are in [{found[0].name}.csv]({found[0].name}.csv)."
    yield ""
    yield "## Figures"
    yield ""
    yield "To look at them with values, and with the runs behind each: `report.html`."
    for figure in figures:
        yield ""
        yield f"![{figure.stem.replace('_', ' ')}]({figure.name})"
    yield ""
    yield "## Tables"
    for table in found[1:]:
        yield ""
        yield f"{table.title}: [{table.name}.csv]({table.name}.csv), {len(table.rows)} rows."
        if len(table.rows) <= _MOST_ROWS_ON_PAGE:
            yield ""
            yield from table.markdown()


def intervals_text(analysis: Analysis) -> str:
    """What the intervals on the page are."""
    intervals = (
        "Intervals are 95 % intervals: Student's t over the seeds, within the range a number can have (no "
        "count is below 0)"
    )
    if analysis.points.is_sample:
        return (
            f"{intervals}, for a rank correlation Fisher's over the "
            "places. A rank correlation is partial: what the other axes explain is removed. It detects "
            "what rises or falls throughout, but not what is best in the middle."
        )
    return f"{intervals}, for a break-even by bootstrap."
