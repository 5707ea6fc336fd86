"""Figures of a sweep other than maps: lines along one axis, cases, pairs of cases, and a sample's points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cosim.config.axis_words import axis_label
from cosim.engine.wings import describe
from cosim.report.robustness_findings import interval_text
from cosim.report.robustness_maps import DIVERGING, short_estimate
from cosim.report.style import (
    DARK,
    LOOKS,
    STRONG,
    grid_shape,
    hide_unused,
    legend_of_axes,
    new_figure,
    scale_axis,
    scale_by_spread,
)
from cosim.study.robustness.break_even import BreakEven
from cosim.study.robustness.cells import Panel, cell_estimates, label_of
from cosim.study.robustness.estimates import Estimate
from cosim.study.robustness.pairs import Effect, PairMatrix
from cosim.study.robustness.points import Axis, SweepPoints
from cosim.study.robustness.quantities import Quantity
from cosim.study.robustness.sensitivity import SampledPlaces, Sensitivity, sampled_places

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MORE, LESS = "▲", "▼"
"""Marks of a pair that does more, or less, than its parts together."""


def quantity_lines(points: SweepPoints, key: str, axis: Axis, found: Sequence[Panel]) -> Figure:
    """Means with bands of 95 %.

    Parameters
    ----------
    points : SweepPoints
        The sweep.
    key : str
        The quantity.
    axis : Axis
        The axis that is a number.
    found : sequence of Panel
        A line each.
    """
    name = describe(key, points.communities)
    figure, axes = new_figure(3.4 + 0.12 * len(found))
    (ax,) = axes
    x = np.array(axis.values, dtype=float)
    for number, panel in enumerate(found):
        look = LOOKS[number % len(LOOKS)]
        mean = panel.mean * name.scale
        _line(ax, x, np.array([mean, panel.low * name.scale, panel.high * name.scale]), number, panel.label)
        ax.plot(x, mean, linestyle="none", marker=look.marker, markersize=4, color=look.color)
    scale_axis(ax, axis.scale)
    scale_by_spread(ax)
    ax.set_title(f"{name.name}: mean and 95 % interval over {points.n_seeds} seeds")
    ax.set_xlabel(axis_label(axis.name))
    ax.set_ylabel(f"{name.name} [{name.unit or '-'}]")
    legend_of_axes(figure, axes, 3)
    return figure


def effect_lines(points: SweepPoints, found: Sequence[BreakEven]) -> Figure:
    """What each case changes against none along an axis, with the point from which on it is better."""
    first = found[0]
    name = describe(first.quantity.key, points.communities)
    figure, axes = new_figure(3.4 + 0.12 * len(found))
    (ax,) = axes
    x = np.array(first.axis.values, dtype=float)
    ax.axhline(0.0, color=DARK, linewidth=1.0)
    for number, each in enumerate(found):
        values = each.quantity.harm(1) * name.scale * np.array([effect[:3] for effect in each.effects]).T
        look = LOOKS[number % len(LOOKS)]
        held = label_of(each.held_axes, each.held)
        _line(ax, x, values, number, ", ".join(part for part in (each.case, held) if part))
        if np.isfinite(each.value) and each.value > x[0]:
            ax.plot([each.value], [0.0], marker=look.marker, color=look.color, markeredgecolor=DARK)
    ax.set_title(
        f"{name.name}: what each case changes against '{first.baseline}' ({better_side(first.quantity)})"
    )
    ax.set_xlabel(axis_label(first.axis.name))
    ax.set_ylabel(f"change [{name.unit or '-'}]")
    legend_of_axes(figure, axes, 3)
    return figure


def better_side(quantity: Quantity) -> str:
    """On which side of 0 a change is for the better."""
    if quantity.better == "neither":
        return "neither side is better by itself"
    return f"{'below' if quantity.larger_is_worse else 'above'} 0 is better"


def _line(ax: Axes, x: np.ndarray, values: np.ndarray, number: int, label: str) -> None:
    """A line with its band; `values` are mean and two ends, and without an interval there is no band."""
    mean, one, other = np.where(np.isnan(values), values[0], values)
    look = LOOKS[number % len(LOOKS)]
    ax.fill_between(x, one, other, facecolor=look.color, alpha=0.2, linewidth=0)
    ax.plot(x, mean, color=look.color, linestyle=look.line, label=label or "mean")


def means_figure(points: SweepPoints, key: str) -> Figure:
    """A quantity at every place of a sweep that has no numeric axis."""
    name = describe(key, points.communities)
    cells = cell_estimates(points, key)
    labels = [label_of(points.axes, place) for place in cells]
    title = f"{name.name}: mean and 95 % interval over {points.n_seeds} seeds"
    return _dots(title, f"[{name.unit or '-'}]", labels, list(cells.values()), name.scale)


def changes_figure(points: SweepPoints, matrix: PairMatrix) -> Figure:
    """What each case changes against the baseline, seed by seed."""
    name = describe(matrix.quantity.key, points.communities)
    base = short_estimate(matrix.baseline, name.scale)
    title = f"{name.name}: what each case changes against none ({base}; {better_side(matrix.quantity)})"
    changes = [matrix.effects[(single,)].change for single in matrix.singles]
    labels = [_plain(single) for single in matrix.singles]
    figure = _dots(title, f"change [{name.unit or '-'}]", labels, changes, name.scale)
    figure.axes[0].axvline(0.0, color=DARK, linewidth=1.0)
    return figure


def _dots(title: str, unit: str, labels: Sequence[str], found: Sequence[Estimate], scale: float) -> Figure:
    """A dot with its interval for each label, the first at the top."""
    figure, (ax,) = new_figure(1.1 + 0.28 * len(labels))
    mean, low, high = np.array([each[:3] for each in found]).T * scale
    around = np.nan_to_num([mean - low, high - mean])
    rows = np.arange(len(labels))
    ax.errorbar(mean, rows, xerr=around, fmt="o", color=STRONG, ecolor=STRONG, elinewidth=1.4, capsize=2.5)
    ax.set_yticks(rows, labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_xlabel(unit)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def pairs_figure(points: SweepPoints, matrix: PairMatrix) -> Figure:
    """The change by each case (diagonal) and each pair (below it).

    Parameters
    ----------
    points : SweepPoints
        The sweep.
    matrix : PairMatrix
        The effects on one quantity.
    """
    from matplotlib.colors import TwoSlopeNorm

    name = describe(matrix.quantity.key, points.communities)
    n = len(matrix.singles)
    values = np.full((n, n), np.nan)
    for names, effect in matrix.effects.items():
        row, column = _cell_of(matrix, names)
        values[row, column] = effect.change.mean * name.scale
    largest = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    figure, (ax,) = new_figure(1.5 + 0.48 * n)
    norm = TwoSlopeNorm(0.0, -largest, largest)
    drawn = ax.pcolormesh(np.ma.masked_invalid(values), cmap=DIVERGING, norm=norm, edgecolors="w")
    for names, effect in matrix.effects.items():
        row, column = _cell_of(matrix, names)
        strong = abs(values[row, column]) > 0.7 * largest
        text = f"{_cell_text(effect, name.scale)}"
        weight = "bold" if len(names) == 1 else "normal"
        ax.text(
            column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=6.2, weight=weight,
            color="w" if strong else DARK,
        )  # fmt: skip
    places = np.arange(n) + 0.5
    labels = [_plain(single) for single in matrix.singles]
    ax.set_xticks(places, labels, rotation=35, ha="right")
    ax.set_yticks(places, labels)
    ax.invert_yaxis()
    ax.grid(False)
    bar = figure.colorbar(drawn, ax=ax, pad=0.01, fraction=0.04)
    bar.set_label(f"change [{name.unit or '-'}]")
    base = short_estimate(matrix.baseline, name.scale)
    ax.set_title(
        f"{name.name} [{name.unit or '-'}]: change against none ({base}); alone on the diagonal.\n"
        f"{MORE} / {LESS}: a pair does more / less than its parts together"
    )
    return figure


def _plain(case: str) -> str:
    """A case's name in plain letters."""
    return case.replace("_", " ")


def _cell_of(matrix: PairMatrix, names: tuple[str, ...]) -> tuple[int, int]:
    """Row and column: a pair stands below the diagonal."""
    places = sorted(matrix.singles.index(name) for name in names)
    return places[-1], places[0]


def _cell_text(effect: Effect, scale: float) -> str:
    """In two lines, which leave room for the mark: the mean, and half the interval or its ends."""
    mean, mark, rest = short_estimate(effect.change, scale).replace(" [", "[").partition("±")
    if "[" in mean:
        mean, mark, rest = mean.partition("[")
    text = f"{mean}\n{mark}{rest}".rstrip()
    if effect.interaction is None or effect.interaction.sign == 0:
        return text
    return f"{text} {MORE if effect.interaction.sign > 0 else LESS}"


def quantity_scatter(points: SweepPoints, key: str, found: Sequence[Sensitivity]) -> Figure:
    """A panel for each numeric axis; the cases of the first named axis are told apart.

    Parameters
    ----------
    points : SweepPoints
        A sweep whose points are a sample.
    key : str
        The quantity.
    found : sequence of Sensitivity
        Of this quantity, one for each panel.
    """
    name = describe(key, points.communities)
    places = sampled_places(points, key)
    rows, columns = grid_shape(len(found))
    figure, axes = new_figure(0.8 + 2.4 * rows, rows, columns)
    for ax, each in zip(axes, found, strict=False):
        _draw_places(ax, points, places, each.axis, name.scale)
        ax.set_title(f"rank correlation {interval_text(each)}")
        ax.set_xlabel(axis_label(each.axis.name))
        ax.set_ylabel(f"[{name.unit or '-'}]")
    hide_unused(axes, len(found))
    over = f", mean over {points.n_seeds} seeds" if points.n_seeds > 1 else ""
    figure.suptitle(f"{name.name} at each place of the sample{over}", x=0.01, ha="left")
    legend_of_axes(figure, axes, 3)
    return figure


def _draw_places(ax: Axes, points: SweepPoints, places: SampledPlaces, axis: Axis, scale: float) -> None:
    x = np.array(places.coordinates[axis], dtype=float)
    named = points.named_axes[:1]
    cases = np.array([str(value) for value in places.coordinates[named[0]]]) if named else np.full(len(x), "")
    for number, case in enumerate([str(value) for value in named[0].values] if named else [""]):
        mine = cases == case
        look = LOOKS[number % len(LOOKS)]
        ax.plot(
            x[mine], places.means[mine] * scale, linestyle="none", marker=look.marker, markersize=4.5,
            color=look.color, markeredgecolor=DARK, markeredgewidth=0.4, alpha=0.85, label=case or None,
        )  # fmt: skip
    scale_axis(ax, axis.scale)
    scale_by_spread(ax)
