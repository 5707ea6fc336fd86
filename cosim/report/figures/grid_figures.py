"""Figures of the feeder over time: its voltage band, and how long its elements carry how much."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.grid.named_elements import element_name
from cosim.report.figures.interface import run_figure
from cosim.report.grid_data import loadings, unsolved, voltage_band
from cosim.report.run_data import RunData
from cosim.report.style import (
    DARK,
    LIGHT,
    LOOKS,
    MIDDLE,
    PALE,
    WARM,
    legend_of_axes,
    new_figure,
    stretch_text,
    time_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

N_LINES = 3
"""Lines whose duration curve is drawn."""
N_TRAFOS = 3
"""Transformers whose duration curve is drawn."""


@run_figure(
    "voltage_band",
    "Voltages",
    "Lowest, median and highest voltage of all buses over time, with the limits where they are near.",
)
def voltage(run: RunData) -> Figure | None:
    """Smallest, median and largest bus voltage over time, with the limits."""
    if not run.has("bus_voltage"):
        return None
    axis = time_axis(run.scenario)
    band, _ = voltage_band(run)
    figure, (ax,) = new_figure(3.9)
    x = axis.positions(band.time_ms)
    low, low5, median, high5, high = band.quantiles.T
    ax.fill_between(x, low, high, facecolor=PALE, edgecolor="none", label="all buses")
    ax.fill_between(x, low5, high5, facecolor=LIGHT, edgecolor="none", label="5 to 95 %")
    ax.plot(x, low, color=MIDDLE, linestyle=":", linewidth=1, label="lowest")
    ax.plot(x, high, color=MIDDLE, linestyle="--", linewidth=1, label="highest")
    ax.plot(x, median, color=DARK, label="median")
    missing = unsolved(run)
    if len(missing):
        marks = np.full(len(missing), 0.02)
        ax.plot(
            axis.positions(missing),
            marks,
            color=DARK,
            linestyle="",
            marker="x",
            transform=ax.get_xaxis_transform(),
            label=f"not solved ({len(missing)} intervals)",
        )
    of_what = f"of {stretch_text(axis, band.width_ms)}" if band.width_ms else "in each interval"
    ax.set_title(f"Voltages of all buses {of_what}{_draw_voltage_limits(ax, run, band.quantiles)}")
    ax.set_ylabel("voltage magnitude [pu]")
    axis.finish(ax)
    legend_of_axes(figure, [ax], 4)
    return figure


def _draw_voltage_limits(ax: Axes, run: RunData, values: Array) -> str:
    """Draw the limits that lie near the values; what to say of the others."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return ""
    low, high = float(known.min()), float(known.max())
    reach = max(high - low, 0.005)
    far = []
    for name, style in (("vm_min_pu", ":"), ("vm_max_pu", "--")):
        limit, others = _usual_limit(run.limits[name])
        if limit is None:
            continue
        if low - reach <= limit <= high + reach:
            label = f"limit {limit:g} pu{others}"
            ax.axhline(limit, color=WARM, linestyle=style, linewidth=2, label=label)
        else:
            far.append(f"{limit:g}{others}")
    return f" (outside the picture: limits of {' and '.join(far)} pu)" if far else ""


def _usual_limit(limits: dict[int, float]) -> tuple[float | None, str]:
    """The limit that most elements have, and a remark where some have another."""
    if not limits:
        return None, ""
    (usual, number), *_ = Counter(limits.values()).most_common(1)
    return usual, f" (another at {len(limits) - number} of {len(limits)})" if number < len(limits) else ""


@run_figure(
    "loading_duration",
    "Loading duration",
    "For how many hours the most loaded lines and transformers carried at least a given loading.",
)
def loading_duration(run: RunData) -> Figure | None:
    """For how many hours lines and transformers carry at least how much."""
    kinds = [kind for kind in ("line", "trafo", "trafo3w") if run.has(f"{kind}_loading")]
    if not kinds:
        return None
    hours = run.scenario.interval_ms / MS_PER_HOUR
    figure, axes = new_figure(4.0, 1, len(kinds), sharey=False)
    for ax, kind in zip(axes, kinds, strict=True):
        _draw_durations(ax, run, kind, hours)
        ax.set_xlabel("hours with at least this loading [h]")
        ax.set_ylabel("loading [% of rated current]")
        ax.set_ylim(bottom=0)
        ax.margins(x=0.01)
    legend_of_axes(figure, axes, 2)  # names of elements are long
    return figure


def _draw_durations(ax: Axes, run: RunData, kind: str, hours: float) -> None:
    name = {"line": "line", "trafo": "transformer"}.get(kind, "three-winding transformer")
    found = loadings(run, kind, N_LINES if kind == "line" else N_TRAFOS)
    usual, others = _usual_limit(run.limits[kind])
    if kind == "line" and len(found.by_element.elements) > 1:
        _draw_duration(ax, found.largest, hours, color=LIGHT, linewidth=4, label="highest of all lines")
    for look, (element, percent) in zip(LOOKS, found.busiest.items(), strict=False):
        peak = f" (up to {np.nanmax(percent):.3g} %)" if np.isfinite(percent).any() else " (never solved)"
        own = run.limits[kind].get(element, usual)
        called = element_name(kind, element, run.elements) or element
        label = f"{name} {called}{peak}{'' if own == usual else f', limit {own:g} %'}"
        _draw_duration(ax, percent, hours, color=look.color, linestyle=look.line, label=label)
    limit = usual
    if limit is not None and np.nanmax(found.largest, initial=0.0) > limit / 2:
        ax.axhline(limit, color=DARK, linestyle=":", linewidth=2, label=f"limit {limit:g} %{others}")
        limit = None
    remark = "" if limit is None else f"; limit {limit:g} %{others}"
    of_how_many = f"{len(found.busiest)} of {len(found.by_element.elements)}"
    ax.set_title(f"Most loaded {name}s ({of_how_many}){remark}")


def _draw_duration(ax: Axes, percent: Array, hours: float, **style: Any) -> None:
    """A curve that falls from the highest value to the lowest, as steps of an interval each."""
    falling = -np.sort(-percent[np.isfinite(percent)])
    x = hours * np.arange(len(falling) + 1)
    ax.plot(x, np.append(falling, falling[-1] if len(falling) else np.nan), drawstyle="steps-post", **style)
