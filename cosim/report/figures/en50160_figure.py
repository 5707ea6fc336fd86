"""Figure of EN 50160: which buses keep its voltage band in which weeks, and which do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import count
from cosim.grid.en50160 import LEAST_SHARE
from cosim.report.figures.interface import run_figure
from cosim.report.run_data import RunData
from cosim.report.style import DARK, LIGHT, STRONG, WARM, legend_of_axes, new_figure, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
_MOST_NAMED = 40
"""Buses that a horizontal axis has room to name."""


class BusWeeks(NamedTuple):
    """What was judged."""

    buses: NDArray[np.int64]
    """The buses, the one with the worst week first. Shape (n_bus,)."""
    outside: Array
    """Share of the 10-minute means outside of ±10 %. Shape (n_week, n_bus)."""
    kept: NDArray[np.bool_]
    """Whether both rules are kept. Shape (n_week, n_bus)."""


@run_figure(
    "en50160",
    "Voltage quality by EN 50160",
    "For how much of its worst week the 10-minute means of each bus's voltage were outside ±10 %, and "
    "how many buses broke one of the two rules in each week.",
)
def en50160(run: RunData) -> Figure | None:
    """Each bus in its worst week, and how many break a rule week by week; None without a whole week."""
    if not run.has("en50160"):
        return None
    found = bus_weeks(run)
    if found.kept.all():
        figure, axes = new_figure(3.6)
    else:
        figure, axes = new_figure(5.4, 2, gridspec_kw={"height_ratios": [2, 1]})
        _draw_weeks(axes[1], found)
    _draw_buses(axes[0], found)
    legend_of_axes(figure, axes, 3)
    return figure


def bus_weeks(run: RunData) -> BusWeeks:
    """The table `en50160` as weeks by buses."""
    table = run.read("en50160", ["time", "bus", "within_10_percent_share", "kept"])
    weeks, week = np.unique(table["time"], return_inverse=True)
    buses, bus = np.unique(table["bus"], return_inverse=True)
    outside = np.full((len(weeks), len(buses)), np.nan)
    kept = np.ones((len(weeks), len(buses)), dtype=np.bool_)
    outside[week, bus] = 1.0 - table["within_10_percent_share"]
    kept[week, bus] = table["kept"].astype(bool)
    order = np.lexsort((buses, -outside.max(axis=0), kept.all(axis=0)))
    return BusWeeks(buses[order].astype(np.int64), outside[:, order], kept[:, order])


def _draw_buses(ax: Axes, found: BusWeeks) -> None:
    """Share outside ±10 % by bus: its range over the weeks, the worst, and where a rule is broken."""
    x, percent = np.arange(len(found.buses)), 100.0 * found.outside
    worst, broken = percent.max(axis=0), ~found.kept.all(axis=0)
    if len(percent) > 1 and worst.any():
        ax.vlines(x, percent.min(axis=0), worst, color=LIGHT, linewidth=3, label="all weeks")
    ax.plot(x[~broken], worst[~broken], ".", color=STRONG, label="worst week of a bus, rules kept")
    if broken.any():
        ax.plot(x[broken], worst[broken], "X", color=WARM, markersize=6, label="worst week, a rule broken")
    ax.axhline(100.0 * (1.0 - LEAST_SHARE), color=DARK, linestyle="--", linewidth=1, label="5 % of a week")
    ax.set_ylabel("outside ±10 %\n[% of 10-minute means]")
    ax.set_ylim(bottom=-0.5)
    if len(x) <= _MOST_NAMED:
        ax.set_xticks(x, [str(bus) for bus in found.buses.tolist()], rotation=90, fontsize=7)
        ax.set_xlabel("bus, the worst first")
    else:
        first = f", beginning with bus {found.buses[0]}" if worst.any() else ""
        ax.set_xlabel(f"buses in the order of their worst week{first}")
        whole_numbers(ax.xaxis)
    said = f"{count(int(broken.sum()), 'bus', 'buses')} of {len(x)} break EN 50160 in some week"
    ax.set_title(said if broken.any() else f"All {len(x)} buses keep EN 50160 in every week")
    ax.margins(x=0.02)


def _draw_weeks(ax: Axes, found: BusWeeks) -> None:
    broken = (~found.kept).sum(axis=1)
    ax.bar(np.arange(len(broken)) + 1, broken, color=WARM, width=0.7)
    ax.set_xlabel("week of the run")
    ax.set_ylabel("buses that\nbreak a rule")
    ax.set_xlim(0.4, len(broken) + 0.6)
    ax.set_ylim(0, max(1, int(broken.max())) * 1.08)
    whole_numbers(ax.xaxis)
    whole_numbers(ax.yaxis)
