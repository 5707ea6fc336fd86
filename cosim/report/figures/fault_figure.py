"""What faults did: the tracking error over time, with the times shaded in which something was broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.faults.recovery import WINDOW, moving_rms
from cosim.faults.schema import fault_names
from cosim.report.figures.interface import run_figure
from cosim.report.regulation_data import ResourceSeries, resource_series
from cosim.report.run_data import RunData
from cosim.report.style import (
    DARK,
    LIGHT,
    LOOKS,
    STRONG,
    Look,
    TimeAxis,
    draw_series,
    legend_of_axes,
    new_figure,
    time_axis,
    whole_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Times = NDArray[np.int64]

MAX_NAMED = len(LOOKS)
"""With more faults than this they are drawn as one."""


class Broken(NamedTuple):
    """When a fault was on."""

    name: str
    """The fault."""
    is_at_random: bool
    """Whether it happens at random, now and then."""
    starts_ms: Times
    ends_ms: Times
    """Of its events, ms since 1970. Shape (n,)."""
    targets: NDArray[np.int64]
    """How many households each hits; 1 for a platform or a meter. Shape (n,)."""

    def spans(self) -> list[tuple[int, int]]:
        """Times in which some event is on, in order, without overlap."""
        spans: list[tuple[int, int]] = []
        for start, end in sorted(zip(self.starts_ms.tolist(), self.ends_ms.tolist(), strict=True)):
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], end))
            else:
                spans.append((start, end))
        return spans

    def how_many(self) -> tuple[Times, Array]:
        """Instants at which the number of targets that are hit changes, and the number from then on."""
        changes = np.concatenate([self.targets, -self.targets])
        instants, where = np.unique(np.concatenate([self.starts_ms, self.ends_ms]), return_inverse=True)
        on = np.cumsum(np.bincount(where, weights=changes))
        return np.append(instants[0], instants), np.append(0.0, on)  # it rises from nothing


@run_figure(
    "faults",
    "Faults and the tracking error",
    "The aggregate less its capacity in each step, its moving root mean square, and the periods in "
    "which something had failed; below, how many households were affected.",
)
def faults(run: RunData) -> Figure | None:
    """Tracking error of each resource with the times of the faults, and how many were on."""
    if not run.has("faults"):
        return None
    series, broken = resource_series(run), _broken(run)
    axis = time_axis(run.scenario)
    heights = [2.2] * len(series) + [1.0 + 0.12 * len(broken)]
    figure, axes = new_figure(
        0.9 + sum(heights), len(heights), sharex=True, gridspec_kw={"height_ratios": heights}
    )
    for ax, one in zip(axes, series, strict=False):
        _shade(ax, axis, broken)
        _draw_error(ax, axis, one)
        ax.set_title(f"{one.title}: what the community did less its capacity")
        ax.set_ylabel(f"{one.unit}\nper step")
        axis.finish(ax, label=False)
    _draw_count(axes[-1], axis, broken)
    legend_of_axes(figure, axes, 3)
    return figure


def _broken(run: RunData) -> list[Broken]:
    table = run.read("faults", ["fault", "start", "end", "households"])
    names, starts, ends = table["fault"], table["start"], table["end"]
    targets = np.maximum(table["households"], 1)
    configured = run.scenario.faults
    at_random = {
        name for name, fault in zip(fault_names(configured), configured, strict=True) if fault.rate_per_day
    }
    found = []
    for code, text in enumerate(names.texts):
        own = names.codes == code
        if np.any(own):
            found.append(Broken(str(text), text in at_random, starts[own], ends[own], targets[own]))
    if len(found) <= MAX_NAMED:
        return sorted(found, key=lambda each: int(each.starts_ms.min()))
    return [Broken(f"{len(found)} faults", False, starts, ends, targets)]


def _shade(ax: Axes, axis: TimeAxis, broken: list[Broken]) -> None:
    """Grey where something is broken; darker where several things are.

    What breaks at random now and then would shade everything; it is shown where there is nothing else.
    """
    planned = [each for each in broken if not each.is_at_random]
    for each in planned or broken:
        for start, end in each.spans():
            left, right = axis.positions(np.array([start, end]))
            ax.axvspan(left, right, facecolor=LIGHT, alpha=0.45, linewidth=0, label="times of the faults")
            ax.axvline(left, color=DARK, linewidth=0.6, linestyle=":")
            ax.axvline(right, color=DARK, linewidth=0.6, linestyle=":")


def _draw_error(ax: Axes, axis: TimeAxis, one: ResourceSeries) -> None:
    ends_ms, error = one.time_ms[1:], (one.aggregate - one.target)[1:]
    draw_series(ax, axis, ends_ms, error, Look(STRONG, "-", "o", ""), "error", steps=True)
    ax.axhline(0, color=DARK, linewidth=0.6)
    if len(error) >= WINDOW:
        level = moving_rms(error, WINDOW)
        look = Look(LOOKS[1].color, "--", "", "")
        label = f"root mean square of the last {WINDOW} steps"
        draw_series(ax, axis, ends_ms[WINDOW - 1 :], level, look, label, band=False)


def _draw_count(ax: Axes, axis: TimeAxis, broken: list[Broken]) -> None:
    for number, each in enumerate(broken):
        instants, on = each.how_many()
        look = LOOKS[number % len(LOOKS)]
        ax.step(
            axis.positions(instants),
            on,
            where="post",
            color=look.color,
            linestyle=look.line,
            marker=look.marker if len(instants) <= 20 else None,
            markersize=4,
            label=each.name,
        )
    ax.set_title("How many households were affected (a platform or a meter counts as one)")
    ax.set_ylabel("households")
    ax.set_ylim(bottom=0)
    whole_numbers(ax.yaxis)
    axis.finish(ax)
