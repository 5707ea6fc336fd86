"""A quantity over each axis of a sample: a point a place, and how both go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cosim.engine.wings import describe
from cosim.report.style import (
    DARK,
    LOOKS,
    grid_shape,
    hide_unused,
    legend_of_axes,
    new_figure,
    scale_axis,
    scale_by_spread,
)
from cosim.study.robustness.points import Axis, SweepPoints
from cosim.study.robustness.sensitivity import SampledPlaces, Sensitivity, sampled_places

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
        ax.set_xlabel(each.axis.name)
        ax.set_ylabel(f"[{name.unit or '-'}]")
    hide_unused(axes, len(found))
    over = f", mean over {points.n_seeds} seeds" if points.n_seeds > 1 else ""
    figure.suptitle(f"{name.name} at each place of the sample{over}", x=0.01, ha="left")
    legend_of_axes(figure, axes, 3)
    return figure


def interval_text(found: Sensitivity) -> str:
    """A rank correlation with its interval."""
    if np.isnan(found.correlation):
        return "not known"
    interval = "" if np.isnan(found.low) else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.correlation:+.2f}{interval}"


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
