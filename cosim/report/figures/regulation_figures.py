"""Figures of the community as its platform sees it: aggregates, signals, averages, frequencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.report.figures.interface import run_figure
from cosim.report.long_series import bin_width_ms, rolling_mean
from cosim.report.regulation_data import ResourceSeries, resource_series
from cosim.report.run_data import RunData
from cosim.report.style import (
    DARK,
    LIGHT,
    LOOKS,
    STRONG,
    UNCERTAIN,
    WARM,
    Look,
    TimeAxis,
    draw_series,
    grid_shape,
    hide_unused,
    legend_of_axes,
    new_figure,
    scale_by_spread,
    stretch_text,
    time_axis,
    whole_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

LAST_STEPS = 40
"""Steps that `last_steps` shows, as paper A's Figure 8."""
HISTOGRAM_STEPS = 200
"""Steps that `frequency` counts, as paper A's Figure 9."""
_CAPACITY = Look(WARM, "--", "s", "")
_AGGREGATE = Look(STRONG, "-", "o", "")


@run_figure(
    "aggregate",
    "Aggregate and capacity",
    "What the community did of each resource in each step, against the capacity it was meant to follow; "
    "for a long run, the mean of each day or stretch with the band that holds 90 % of the steps.",
)
def aggregate(run: RunData) -> Figure | None:
    """Aggregate of each resource against its capacity."""
    series = resource_series(run)
    if not series:
        return None
    axis = time_axis(run.scenario)
    rows, columns = grid_shape(len(series))
    figure, axes = new_figure(1.0 + 2.4 * rows, rows, columns, sharex=True)
    for ax, one in zip(axes, series, strict=False):
        _draw_aggregate(ax, axis, one)
        ax.set_title(f"{one.title}: what the community did, and its capacity")
        ax.set_ylabel(f"{one.unit} per step")
        axis.finish(ax, label=ax in axes[-columns:])
    hide_unused(axes, len(series))
    legend_of_axes(figure, axes, 2 if bin_width_ms(series[0].time_ms) else 3)
    return figure


def _draw_aggregate(ax: Axes, axis: TimeAxis, one: ResourceSeries) -> None:
    noisy = len(one.time_ms) > 100 and _is_constant(one.capacity)
    if noisy and not bin_width_ms(one.time_ms):
        window = max(5, len(one.time_ms) // 40)
        raw = Look(LIGHT, "-", "", "")
        draw_series(ax, axis, one.time_ms, one.aggregate, raw, "aggregate Σx of each step", steps=True)
        smooth = rolling_mean(one.aggregate, window)
        draw_series(ax, axis, one.time_ms, smooth, _AGGREGATE, f"its mean over {window} steps")
    else:
        draw_series(ax, axis, one.time_ms, one.aggregate, _AGGREGATE, "aggregate Σx", steps=True)
    draw_series(ax, axis, one.time_ms, one.target, _CAPACITY, "capacity C", steps=True, band=False)


def _is_constant(values: Array) -> bool:
    return bool(np.all(values == values[0]))


@run_figure(
    "signals",
    "Signals",
    "The signal Ω of each resource that the platform broadcasts.",
)
def signals(run: RunData) -> Figure | None:
    """The signal of each resource over time."""
    series = resource_series(run)
    if not series:
        return None
    axis = time_axis(run.scenario)
    communities = list(dict.fromkeys(one.community for one in series))
    figure, axes = new_figure(0.9 + 2.6 * len(communities), len(communities), sharex=True)
    for ax, community in zip(axes, communities, strict=True):
        members = [one for one in series if one.community == community]
        for number, one in enumerate(members):
            draw_series(ax, axis, one.time_ms, one.signal, LOOKS[number % len(LOOKS)], f"Ω of {one.resource}")
        title = "the signal that the platform broadcasts"
        ax.set_title(f"{community}: {title}" if len(communities) > 1 else title.capitalize())
        ax.set_ylabel(f"signal Ω [{members[0].signal_unit}]")
        axis.finish(ax, label=ax is axes[-1])
    legend_of_axes(figure, axes, 4 if not bin_width_ms(series[0].time_ms) else 2)
    return figure


@run_figure(
    "averages",
    "Averages against the optimum",
    "The sums of the households' averages beside the capacities, and how far the averages are from the "
    "exact optimum: in cost (for the sums they reach), in distance (for the capacities), and in the "
    "spread of the gradients, which is zero at an inner optimum.",
)
def averages(run: RunData) -> Figure | None:
    """The averages against capacity and optimum."""
    series = resource_series(run)
    if not series:
        return None
    axis = time_axis(run.scenario)
    figure, axes = new_figure(6.4, 2, 2, sharex=True)
    for number, one in enumerate(series):
        look = LOOKS[number % len(LOOKS)]
        draw_series(axes[0], axis, one.time_ms, one.average_sum, look, f"{one.title}", band=False)
        capacity = Look(look.color, ":", "", "")
        draw_series(axes[0], axis, one.time_ms, one.capacity, capacity, f"{one.title}: capacity", band=False)
        _draw_positive(axes[3], axis, one.time_ms, one.gradient_spread, look)
    firsts = list({one.community: one for one in reversed(series)}.values())[::-1]
    for number, one in enumerate(firsts):
        look = LOOKS[number % len(LOOKS)] if len(firsts) > 1 else Look(DARK, "-", "o", "")
        _draw_positive(axes[1], axis, one.time_ms, one.optimum_gap, look)
        _draw_positive(axes[2], axis, one.time_ms, one.distance, look)
    axes[0].set_title("Sum of the averages, and the capacity")
    units = {one.unit for one in series}
    axes[0].set_ylabel(f"Σ of averages [{units.pop() if len(units) == 1 else 'units of each'}]")
    axes[1].set_title("Cost above the optimum")
    axes[1].set_ylabel("cost gap [cost]")
    axes[2].set_title("Distance of the averages from the optimum")
    axes[2].set_ylabel("‖average − optimum‖ [units]")
    axes[3].set_title("Spread of the gradients")
    axes[3].set_ylabel("largest − smallest ∇g [cost/unit]")
    for ax in axes:
        axis.finish(ax, label=ax in axes[2:])
    for ax in axes[1:]:
        _say_if_empty(ax)
        scale_by_spread(ax)
    figure.align_ylabels(axes)
    _legend_of_averages(figure, axes, firsts, axis)
    return figure


def _draw_positive(ax: Axes, axis: TimeAxis, time_ms: NDArray[np.int64], values: Array, look: Look) -> None:
    """What is above the rounding of the optimum's solver; the scale follows in `scale_by_spread`."""
    positive = np.where(values > 1e-9, values, np.nan)
    if np.isfinite(positive).any():
        draw_series(ax, axis, time_ms, positive, look, "_", band=False)


def _say_if_empty(ax: Axes) -> None:
    if not ax.lines:
        ax.text(
            0.5,
            0.5,
            "nothing above zero,\nor no optimum exists",
            ha="center",
            va="center",
            transform=ax.transAxes,
        )
        ax.set_yticks([])


def _legend_of_averages(
    figure: Figure, axes: list[Axes], firsts: list[ResourceSeries], axis: TimeAxis
) -> None:
    from matplotlib.lines import Line2D

    from cosim.report.style import legend_below

    handles = list(axes[0].get_legend_handles_labels()[0])
    if len(firsts) > 1:
        handles += [
            Line2D([], [], color=look.color, linestyle=look.line, label=f"{one.community} (gap, distance)")
            for look, one in zip(LOOKS * len(firsts), firsts, strict=False)
        ]
    width_ms = bin_width_ms(firsts[0].time_ms)
    if width_ms:
        figure.suptitle(f"Each point is the mean of {stretch_text(axis, width_ms)}", fontsize=9)
        for handle in handles:
            handle.set_label(str(handle.get_label()).split(": mean of")[0])
    legend_below(figure, handles, 4 if len(firsts) == 1 else 3)


@run_figure(
    "last_steps",
    "The last steps",
    f"The aggregates of the last {LAST_STEPS} steps, one by one (paper A, Figure 8).",
)
def last_steps(run: RunData) -> Figure | None:
    """Aggregates of the last steps, one by one."""
    series = [one for one in resource_series(run) if len(one.time_ms) > LAST_STEPS]
    if not series:
        return None
    axis = time_axis(run.scenario)
    rows, columns = grid_shape(len(series))
    figure, axes = new_figure(1.0 + 2.3 * rows, rows, columns, sharex=True)
    for ax, one in zip(axes, series, strict=False):
        x = axis.positions(one.time_ms[-LAST_STEPS:])
        ax.plot(
            x, one.aggregate[-LAST_STEPS:], color=STRONG, marker="o", markersize=3.5, label="aggregate Σx"
        )
        ax.plot(
            x, one.target[-LAST_STEPS:], color=WARM, linestyle="--", drawstyle="steps-pre", label="capacity C"
        )
        ax.set_title(f"{one.title}: the last {LAST_STEPS} steps")
        ax.set_ylabel(f"{one.unit} per step")
        axis.finish(ax, label=ax in axes[-columns:])
    hide_unused(axes, len(series))
    legend_of_axes(figure, axes)
    return figure


@run_figure(
    "frequency",
    "Frequency of the aggregates",
    f"How often each aggregate occurred in the last {HISTOGRAM_STEPS} steps; where the capacity moves, "
    "how often each deviation from it did (paper A, Figure 9).",
)
def frequency(run: RunData) -> Figure | None:
    """How often each aggregate occurred in the last steps, or its deviation where the capacity moves."""
    series = [one for one in resource_series(run) if len(one.time_ms) >= 20]
    if not series:
        return None
    columns = min(2, len(series))
    rows = -(-len(series) // columns)
    figure, axes = new_figure(0.8 + 2.7 * rows, rows, columns)
    for ax, one in zip(axes, series, strict=False):
        _draw_histogram(ax, one)
    hide_unused(axes, len(series))
    legend_of_axes(figure, axes)
    return figure


def _draw_histogram(ax: Axes, one: ResourceSeries) -> None:
    used, target = one.aggregate[-HISTOGRAM_STEPS:], one.target[-HISTOGRAM_STEPS:]
    moves = not _is_constant(target[np.isfinite(target)])
    values = used - target if moves else used
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return
    ax.hist(values, bins=_edges(values), color=UNCERTAIN, edgecolor=DARK, linewidth=0.6)  # type: ignore[arg-type]
    middle = 0.0 if moves else float(target[-1])
    ax.axvline(middle, color=WARM, linestyle="--", linewidth=2, label="capacity C")
    ax.axvline(float(values.mean()), color=DARK, linestyle=":", linewidth=2, label="mean")
    ax.set_title(f"{one.title}: the last {len(values)} steps")
    ax.set_xlabel(f"{'aggregate − capacity' if moves else 'aggregate Σx'} [{one.unit} per step]")
    ax.set_ylabel("number of steps")
    whole_numbers(ax.yaxis)


def _edges(values: Array) -> Array:
    """A bin for every whole number where the values are such, else 25 bins."""
    low, high = float(values.min()), float(values.max())
    if np.all(values == np.round(values)) and high - low < 60:
        return np.arange(low - 0.5, high + 1.0)
    return np.linspace(low, high if high > low else low + 1.0, 26)
