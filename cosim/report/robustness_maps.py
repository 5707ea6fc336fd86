"""Heat maps over two axes of a sweep, with intervals in the cells and the loop's limit over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosim.config.axis_words import axis_label
from cosim.core.shown import number_text
from cosim.engine.wings import describe
from cosim.regulation.design import GAIN_OVER_LIMIT
from cosim.report.style import COLORMAP, DARK, WARM, legend_of_axes, new_figure
from cosim.study.robustness.boundary import Boundary
from cosim.study.robustness.cells import Panel, drawn_axes, panels
from cosim.study.robustness.estimates import Estimate
from cosim.study.robustness.points import Axis, SweepPoints

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

_MOST_TEXT_COLUMNS, _MOST_TEXT_ROWS = 11, 14
"""Larger maps have no room for numbers in their cells: the intervals get a panel of their own."""
DIVERGING = "PuOr_r"
"""Purple below 0, white at 0, orange above."""


def quantity_map(points: SweepPoints, key: str, found: Sequence[Panel], limits: Sequence[Boundary]) -> Figure:
    """Means over two numeric axes, a map for each combination of the others.

    Parameters
    ----------
    points : SweepPoints
        The sweep; it has two numeric axes.
    key : str
        The quantity.
    found : sequence of Panel
        Its means and intervals.
    limits : sequence of Boundary
        Boundaries of the resource it is of, drawn over the map where its axes are theirs.
    """
    name = describe(key, points.communities)
    unit = f" [{name.unit}]" if name.unit else ""
    maps = [(panel.label, np.stack([panel.mean, panel.low, panel.high]) * name.scale) for panel in found]
    y_axis, x_axis = drawn_axes(points)
    with_text = len(x_axis.values) <= _MOST_TEXT_COLUMNS and len(y_axis.values) <= _MOST_TEXT_ROWS
    transposed = _is_better_transposed(y_axis, x_axis, limits)
    if transposed:
        y_axis, x_axis = x_axis, y_axis
        maps = [(label, values.transpose(0, 2, 1)) for label, values in maps]
    figure, axes = _panels_figure(len(maps) * (1 if with_text else 2), len(y_axis.values), with_text)
    norm = _norm([mean for _, (mean, _, _) in maps])
    for number, (label, values) in enumerate(maps):
        mean, low, high = values
        ax = axes[number if with_text else 2 * number]
        _draw_map(ax, x_axis, y_axis, mean, norm, COLORMAP, f"mean{unit}")
        ax.set_title(label if with_text else label or "Mean over the seeds")
        if with_text:
            _write_cells(ax, values, norm, COLORMAP)
        else:
            beside = axes[2 * number + 1]
            half = (high - low) / 2
            _draw_map(beside, x_axis, y_axis, half, _norm([half]), COLORMAP, f"±{unit}")
            beside.set_title("Half-width of the 95 % interval")
        _draw_limits(ax, points, x_axis, y_axis, found[number], limits, transposed)
    text = f"{name.name}{unit}: mean and 95 % interval over {points.n_seeds} seeds"
    figure.suptitle(text, x=0.01, ha="left")
    legend_of_axes(figure, axes, 1)
    return figure


def effect_map(
    title: str,
    axes_: tuple[Axis, Axis],
    maps: Sequence[tuple[str, Array]],
    unit: str,
    larger_is_worse: bool,
) -> Figure:
    """Differences over two numeric axes, one map each: orange is worse, purple better.

    Parameters
    ----------
    title : str
        Of the figure.
    axes_ : (Axis, Axis)
        Vertical and horizontal.
    maps : sequence of (label, array of shape (3, n_y, n_x))
        Mean and ends of the interval; a difference whose interval holds 0 is written in brackets.
    unit : str
        Of the differences.
    larger_is_worse : bool
        Whether positive differences are orange.
    """
    from matplotlib.colors import TwoSlopeNorm

    colors = DIVERGING if larger_is_worse else DIVERGING.removesuffix("_r")

    y_axis, x_axis = axes_
    figure, axes = _panels_figure(len(maps), len(y_axis.values), True)
    largest = max(float(np.nanmax(np.abs(mean), initial=0.0)) for _, (mean, _, _) in maps) or 1.0
    norm = TwoSlopeNorm(0.0, -largest, largest)
    for ax, (label, values) in zip(axes, maps, strict=True):
        mean, low, high = values
        _draw_map(ax, x_axis, y_axis, mean, norm, colors, unit)
        _write_cells(ax, values, norm, colors, in_doubt=(low <= 0) & (high >= 0))
        ax.set_title(label)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def _panels_figure(n_panels: int, n_rows: int, with_text: bool) -> tuple[Figure, list[Axes]]:
    height = 0.9 + (0.26 * n_rows if with_text else 2.6)
    if with_text:
        return new_figure(0.6 + n_panels * max(height, 1.8), n_panels, 1)
    return new_figure(1.2 + n_panels / 2 * 4.0, n_panels // 2, 2)


def _norm(arrays: Sequence[Array]) -> Any:
    """One scale of colours for all maps; logarithmic where values spread over a factor of ten."""
    from matplotlib.colors import LogNorm, Normalize

    values = np.concatenate([array.ravel() for array in arrays])
    values = values[np.isfinite(values)]
    if not len(values):
        return Normalize(0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if low > 0 and high > 10 * low:
        return LogNorm(low, high)
    return Normalize(low, high if high > low else low + 1.0)


def _draw_map(
    ax: Axes, x_axis: Axis, y_axis: Axis, values: Array, norm: Any, colors: str, label: str
) -> None:
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import FuncFormatter, LogFormatter

    drawn = ax.pcolormesh(np.ma.masked_invalid(values), cmap=colors, norm=norm, edgecolors="none")
    ax.set_facecolor("#ffffff")
    ax.grid(False)
    for which, axis in ((ax.xaxis, x_axis), (ax.yaxis, y_axis)):
        places, labels = _ticks(axis, 11 if which is ax.xaxis else 14)
        which.set_ticks(places, labels)
    ax.set_xlabel(axis_label(x_axis.name))
    ax.set_ylabel(axis_label(y_axis.name))
    bar = ax.figure.colorbar(drawn, ax=ax, pad=0.01, fraction=0.04)
    bar.set_label(label)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    if isinstance(norm, LogNorm):  # plain numbers between the powers of ten too
        bar.ax.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))


def _ticks(axis: Axis, most: int) -> tuple[list[float], list[str]]:
    """Ticks of an axis of cells: all values, or where there are too many every second, third, ..., the first
    among them; on a logarithmic axis then round numbers, wherever among the cells they lie."""
    n = len(axis.values)
    if n > most and axis.scale == "log":
        values = np.array(axis.values, dtype=float)
        powers = 10.0 ** np.arange(np.floor(np.log10(values[0])), np.ceil(np.log10(values[-1])) + 1)
        round_ones = np.sort(np.outer([1, 2, 5], powers).ravel())
        inside = round_ones[(round_ones >= values[0]) & (round_ones <= values[-1])]
        if len(inside) >= 3:
            places = np.interp(np.log(inside), np.log(values), np.arange(n) + 0.5)
            return places.tolist(), [f"{value:g}" for value in inside]
    shown = range(0, n, -(-n // most))
    return [place + 0.5 for place in shown], [f"{axis.values[place]:.3g}" for place in shown]


def _write_cells(
    ax: Axes, values: Array, norm: Any, colors: str, in_doubt: NDArray[np.bool_] | None = None
) -> None:
    import matplotlib

    palette, mean = matplotlib.colormaps[colors], values[0]
    size = 7.5 if mean.shape[1] <= 7 else 6.2
    for row, column in np.ndindex(*mean.shape):
        value, low, high = values[:, row, column].tolist()
        if not np.isfinite(value):
            ax.text(column + 0.5, row + 0.5, "–", ha="center", va="center", fontsize=size)
            continue
        red, green, blue, _ = palette(norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        text = short(value, low, high)
        if in_doubt is not None and in_doubt[row, column]:
            text = f"({text})"
        ax.text(
            column + 0.5,
            row + 0.5,
            text,
            ha="center",
            va="center",
            fontsize=size,
            color="w" if dark else DARK,
        )


def short(value: float, low: float, high: float) -> str:
    """A mean and its interval in few characters, with the digits that the interval leaves.

    Where what the quantity can be cuts the interval off, its ends are written out.
    """
    digits, half = 3 if abs(value) < 1000 else 4, (high - low) / 2
    if not np.isfinite(half) or half <= 1e-6 * abs(value):
        return number_text(value, digits)
    decimals = max(0, -int(np.floor(np.log10(half))))
    decimals = min(decimals, 6)
    shown, first, last = (f"{round(each, decimals) + 0.0:.{decimals}f}" for each in (value, low, high))
    if abs((value - low) - (high - value)) > 1e-6 * half:
        return f"{shown} [{first}, {last}]"
    return f"{shown}±{half:.{decimals}f}"


def short_estimate(found: Estimate, scale: float) -> str:
    """An estimate in few characters, times a scale."""
    return short(found.mean * scale, found.low * scale, found.high * scale)


def _is_better_transposed(y_axis: Axis, x_axis: Axis, limits: Sequence[Boundary]) -> bool:
    """A gain goes upwards over the delay."""
    return any(limit.gain_axis == x_axis for limit in limits)


def _draw_limits(
    ax: Axes,
    points: SweepPoints,
    x_axis: Axis,
    y_axis: Axis,
    panel: Panel,
    limits: Sequence[Boundary],
    transposed: bool,
) -> None:
    """The simulated boundary and the theoretical one, or where a fixed gain meets its limit."""
    for limit in limits:
        if limit.gain_axis == y_axis:
            _draw_boundary(ax, limit, x_axis, panel)
            return
    for key in points.table.columns:
        if describe(str(key)).number.pattern == GAIN_OVER_LIMIT:
            _draw_contour(ax, points, str(key), panel, transposed)


def _draw_boundary(ax: Axes, limit: Boundary, x_axis: Axis, panel: Panel) -> None:
    position = limit.other_axes.index(x_axis)
    mine = [
        point for point in limit.points if point.place[:position] + point.place[position + 1 :] == panel.held
    ]
    x = np.array([x_axis.values.index(point.place[position]) + 0.5 for point in mine])

    def height(gains: Sequence[float]) -> Array:
        """Where gains lie on the axis of cells; beyond its ends nowhere."""
        values = np.log(np.array(limit.gain_axis.values, dtype=float))
        inside = np.log(np.array(gains, dtype=float))
        places = np.arange(len(values)) + 0.5
        return np.asarray(np.interp(inside, values, places, left=np.nan, right=np.nan))

    label = "theory: largest stable gain for the households' own delays"
    ax.plot(x, height([point.theory for point in mine]), color="w", linewidth=3.2)
    ax.plot(x, height([point.theory for point in mine]), color=DARK, linewidth=1.6, label=label)
    label = "theory: 2 sin(π / (2(2d+1))) / G at the mean delay d"
    ax.plot(x, height([point.formula for point in mine]), color="w", linewidth=2.6)
    ax.plot(
        x, height([point.formula for point in mine]), color=DARK, linestyle=":", linewidth=1.4, label=label
    )
    y = height([point.simulated.mean for point in mine])
    low, high = (
        height([point.simulated.low for point in mine]),
        height([point.simulated.high for point in mine]),
    )
    spread = np.nan_to_num(np.vstack([y - low, high - y]))
    ax.errorbar(
        x, y, np.maximum(spread, 0.0), fmt="o", markersize=4.5, color=WARM, markeredgecolor=DARK,
        ecolor=DARK, elinewidth=1.0, label="simulated: where the error passes half of its largest, ± 95 %",
    )  # fmt: skip


def _draw_contour(ax: Axes, points: SweepPoints, key: str, panel: Panel, transposed: bool) -> None:
    held = [each for each in panels(points, key) if each.held == panel.held]
    over = held[0].mean.T if transposed else held[0].mean
    if np.nanmin(over) < 1 < np.nanmax(over):
        rows, columns = np.indices(over.shape)
        ax.contour(columns + 0.5, rows + 0.5, over, levels=[1.0], colors=[DARK], linewidths=2)
        ax.plot([], [], color=DARK, linewidth=2, label="gain at its theoretical limit")
