"""A quantity along the one axis of a sweep that is a number: a line with its band for each of the cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cosim.engine.wings import describe
from cosim.report.style import DARK, LOOKS, legend_of_axes, new_figure, scale_axis, scale_by_spread
from cosim.study.robustness.break_even import BreakEven
from cosim.study.robustness.cells import Panel, label_of
from cosim.study.robustness.points import Axis, SweepPoints
from cosim.study.robustness.quantities import Quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    ax.set_xlabel(axis.name)
    ax.set_ylabel(f"{name.name} [{name.unit or '-'}]")
    legend_of_axes(figure, axes, 3)
    return figure


def effect_lines(points: SweepPoints, found: Sequence[BreakEven]) -> Figure:
    """What each remedy changes against none along an axis, with the point from which on it is better."""
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
        _line(ax, x, values, number, ", ".join(part for part in (each.remedy, held) if part))
        if np.isfinite(each.value) and each.value > x[0]:
            ax.plot([each.value], [0.0], marker=look.marker, color=look.color, markeredgecolor=DARK)
    ax.set_title(
        f"{name.name}: what each case changes against '{first.baseline}' ({better_side(first.quantity)})"
    )
    ax.set_xlabel(first.axis.name)
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
