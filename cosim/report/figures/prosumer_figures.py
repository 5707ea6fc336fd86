"""Figures of the households behind the aggregates: paper A's Figures 4 to 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.report.decision_data import DecisionData, Group, decision_data
from cosim.report.figures.interface import run_figure
from cosim.report.run_data import RunData
from cosim.report.style import (
    DARK,
    LIGHT,
    LOOKS,
    MIDDLE,
    PALE,
    STRONG,
    WARM,
    TimeAxis,
    hide_unused,
    legend_of_axes,
    new_figure,
    time_axis,
    whole_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


@run_figure(
    "averages_by_prosumer",
    "Averages of single households",
    "Time-averaged decisions of three households of each group: those whose averages are lowest, in the "
    "middle and highest at the end (paper A, Figure 4).",
)
def averages_by_prosumer(run: RunData) -> Figure | None:
    """Averages of some households of each group over time."""
    data = decision_data(run)
    if data is None:
        return None
    axis = time_axis(run.scenario)
    n = len(data.resources)
    figure, axes = new_figure(1.1 + 2.6 * n, n, sharex=True)
    for column, ax in enumerate(axes):
        for number, group in enumerate(data.groups):
            if column in group.resources:
                _draw_sample(ax, axis, data, number, data.average[:, :, column])
        ax.set_title(f"{data.resources[column]}: averages of single households{_of_points(data)}")
        ax.set_ylabel("average [units per step]")
        axis.finish(ax, label=ax is axes[-1])
    legend_of_axes(figure, axes, 3)
    return figure


def _draw_sample(ax: Axes, axis: TimeAxis, data: DecisionData, group_number: int, values: Array) -> None:
    """Some households of a group: the line tells the group, colour and marker the household."""
    x = axis.positions(data.time_ms)
    group, look = data.groups[group_number], LOOKS[group_number % len(LOOKS)]
    for number, (rank, member) in enumerate(sample(data, group).items()):
        every = max(1, len(x) // 12)
        ax.plot(
            x,
            values[:, member],
            color=(WARM, MIDDLE, STRONG)[number],
            linestyle=look.line,
            marker="vos"[number],
            markersize=4,
            markevery=(number * every // 3, every),
            markerfacecolor="white" if group_number else None,
            linewidth=1.1,
            label=f"{group.name}: {data.prosumers[member]}{rank}",
        )


def sample(data: DecisionData, group: Group) -> dict[str, int]:
    """The members of a group whose averages are lowest, in the middle and highest at the end.

    Columns by rank, as a label says it; of equals the one with the lower number. None is there twice in a
    group of fewer than three, and a single household has no rank.
    """
    total = np.nansum(data.last_average[group.members], axis=1)
    if len(group.members) == 1:
        return {"": int(group.members[0])}
    order = group.members[np.argsort(total, kind="stable")]
    ranks = {" (lowest)": 0, " (highest)": len(order) - 1, " (middle)": (len(order) - 1) // 2}
    first_rank = {int(order[place]): rank for rank, place in reversed(ranks.items())}
    return {first_rank[member]: member for member in sorted(first_rank, key=order.tolist().index)}


@run_figure(
    "averages_at_end",
    "Averages of every household at the end",
    "The average of every household at its last decision, by group (paper A, Figure 5).",
)
def averages_at_end(run: RunData) -> Figure | None:
    """Averages of every household at the end, by group."""
    data = decision_data(run)
    if data is None:
        return None
    n_rows, n_columns = len(data.groups), len(data.resources)
    figure, axes = new_figure(1.2 + 2.1 * n_rows, n_rows, n_columns, sharey=True)
    for row, group in enumerate(data.groups):
        for column, resource in enumerate(data.resources):
            ax = axes[row * n_columns + column]
            ax.set_visible(column in group.resources)
            _draw_by_household(ax, data, group, data.last_average[:, column])
            ax.set_title(f"{group.name}: {resource}")
            if column == 0:
                ax.set_ylabel("average [units per step]")
    # They share one axis, whose top is fixed by setting its bottom: only once everything is drawn.
    axes[0].set_ylim(bottom=0)
    _label_last_row(axes, n_columns)
    figure.suptitle(f"Averages of every household at its last decision (step {data.last_step})")
    legend_of_axes(figure, axes)
    return figure


def _draw_by_household(ax: Axes, data: DecisionData, group: Group, values: Array) -> None:
    """One stem a household, numbered as in its name, and the mean over the group."""
    numbers, heights = group.members + 1, values[group.members]
    many = len(numbers) > 150
    if not many:
        ax.vlines(numbers, 0, heights, color=LIGHT, linewidth=1.5)
    size = 1.5 if many else 3.5
    ax.plot(numbers, heights, color=STRONG, linestyle="", marker="o", markersize=size, label="household")
    if np.isfinite(heights).any():
        mean = float(np.nanmean(heights))
        ax.axhline(mean, color=WARM, linestyle="--", label="mean of the group")
    ax.set_xlim(numbers[0] - 1, numbers[-1] + 1)
    ax.grid(axis="x", visible=False)


def _label_last_row(axes: list[Axes], n_columns: int) -> None:
    for ax in axes:
        whole_numbers(ax.xaxis)
    for ax in axes[-n_columns:]:
        ax.set_xlabel("number of the household")


@run_figure(
    "utilisation",
    "Distance from the desired utilisation",
    "How far the sum of a household's averages is from the T of its cost: over time for three "
    "households of each group, and at the end for all (paper A, Figure 6).",
)
def utilisation(run: RunData) -> Figure | None:
    """How far the sum of each household's averages is from the T of its cost: over time, and at the end."""
    data = decision_data(run)
    if data is None or len(data.resources) < 2 or not np.isfinite(data.target).any():
        return None
    axis = time_axis(run.scenario)
    over_time, at_end = target_gap(data.average, data.target), target_gap(data.last_average, data.target)
    groups = data.groups
    figure, axes = new_figure(
        3.6 + 1.9 * len(groups), 1 + len(groups), height_ratios=[1.5] + [1] * len(groups)
    )
    for number, group in enumerate(groups):
        _draw_sample(axes[0], axis, data, number, over_time)
        ax = axes[1 + number]
        _draw_by_household(ax, data, group, at_end)
        ax.set_title(f"{group.name}: at the last decision (step {data.last_step}), every household")
        ax.set_ylabel("|T − Σ averages| [units]")
        ax.set_ylim(bottom=0)
    axes[0].set_title(f"Single households' distance from the utilisation T of their cost{_of_points(data)}")
    axes[0].set_ylabel("|T − Σ averages| [units]")
    axes[0].set_ylim(bottom=0)
    axis.finish(axes[0])
    _label_last_row(axes[1:], 1)
    legend_of_axes(figure, axes, 3)
    return figure


def target_gap(average: Array, target: Array) -> Array:
    """Paper A, Figure 6: ``|T - sum of the averages|``.

    Parameters
    ----------
    average : ndarray of float64, shape (..., P, R)
        Averages; NaN for a resource that a household does not take.
    target : ndarray of float64, shape (P,)
        T of each household.

    Returns
    -------
    ndarray of float64, shape (..., P)
        NaN where a household has no average at all.
    """
    known = np.isfinite(average)
    total = np.where(known, average, 0.0).sum(axis=-1)
    return np.asarray(np.where(known.any(axis=-1), np.abs(target - total), np.nan))


@run_figure(
    "gradients",
    "Gradients",
    "Gradients of the households' costs by group: mean with standard deviation, median and extremes; "
    "they come together where the averages approach an inner optimum (paper A, Figure 7).",
)
def gradients(run: RunData) -> Figure | None:
    """Gradients of the costs by group: mean, standard deviation and extremes."""
    data = decision_data(run)
    if data is None:
        return None
    axis = time_axis(run.scenario)
    n_rows, n_columns = len(data.groups), len(data.resources)
    figure, axes = new_figure(1.2 + 2.3 * n_rows, n_rows, n_columns, sharex=True, sharey="row")
    for row, group in enumerate(data.groups):
        for column, resource in enumerate(data.resources):
            ax = axes[row * n_columns + column]
            ax.set_visible(column in group.resources)
            _draw_spread(ax, axis.positions(data.time_ms), data.gradient[:, group.members, column])
            ax.set_title(f"{group.name}: {resource}")
            axis.finish(ax, label=row == n_rows - 1)
            if column == 0:
                ax.set_ylabel("gradient ∇g [cost/unit]")
    figure.suptitle(f"Gradients of the households' costs, by group{_of_points(data)}")
    legend_of_axes(figure, axes)
    hide_unused(axes, n_rows * n_columns)
    return figure


def _draw_spread(ax: Axes, x: Array, values: Array) -> None:
    """Mean with one standard deviation, and the smallest and largest, over the households."""
    kept = np.isfinite(values).any(axis=1)
    if not kept.any():
        return
    x, values = x[kept], values[kept]
    mean, spread = np.nanmean(values, axis=1), np.nanstd(values, axis=1)
    ax.fill_between(
        x, mean - spread, mean + spread, facecolor=LIGHT, edgecolor=PALE, label="± standard deviation"
    )
    ax.plot(
        x, np.nanmin(values, axis=1), color=MIDDLE, linestyle=":", linewidth=1, label="smallest and largest"
    )
    ax.plot(x, np.nanmax(values, axis=1), color=MIDDLE, linestyle=":", linewidth=1)
    ax.plot(x, np.nanmedian(values, axis=1), color=WARM, linestyle="--", label="median")
    ax.plot(x, mean, color=DARK, label="mean of the group")


def _of_points(data: DecisionData) -> str:
    """What to add to a title where a point is not one step."""
    return f" (means of {data.steps_per_point} steps)" if data.steps_per_point > 1 else ""
