"""Figures of the households' energy: batteries, load, generation and what the community draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.report.figures.interface import run_figure
from cosim.report.long_series import bin_width_ms, blocks, gather, row_quantiles, sums_over_elements
from cosim.report.run_data import RunData, text_list
from cosim.report.style import (
    DARK,
    LIGHT,
    MIDDLE,
    PALE,
    STRONG,
    TimeAxis,
    legend_below,
    new_figure,
    stretch_text,
    time_axis,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Times = NDArray[np.int64]


class Power(NamedTuple):
    """The community's mean power over time, kW, shape (T,)."""

    time_ms: Times
    load: Array
    generation: Array
    net: Array
    """Consumed, generated, and drawn at the connection points."""
    charge: Array
    discharge: Array
    """Into the batteries and out of them; zeros where there are none."""
    net_low: Array
    net_high: Array
    """5 % and 95 % quantile of `net` within a stretch; `net` itself where each interval stands for itself."""
    width_ms: int


@run_figure(
    "storage",
    "Batteries and power",
    "How full the batteries are, and below it what all households together consume, generate, store and "
    "draw.",
)
def storage(run: RunData) -> Figure | None:
    """State of charge of the batteries, and below it the power of the community."""
    if not run.has("batteries"):
        return None
    with_power = run.has("meters")
    axis = time_axis(run.scenario)
    figure, axes = new_figure(6.2 if with_power else 3.4, 2 if with_power else 1, sharex=True)
    handles = _draw_charge(axes[0], axis, run)
    if with_power:
        handles += _draw_power(axes[1], axis, community_power(run))
    axis.finish(axes[0], label=not with_power)
    if with_power:
        axis.finish(axes[1])
    legend_below(figure, handles, 3)
    return figure


@run_figure(
    "power",
    "Power",
    "What all households together consume, generate and draw.",
)
def power(run: RunData) -> Figure | None:
    """Power of the community, where it has no battery; else `storage` shows it."""
    if not run.has("meters") or run.has("batteries"):
        return None
    axis = time_axis(run.scenario)
    figure, (ax,) = new_figure(3.8)
    legend_below(figure, _draw_power(ax, axis, community_power(run)), 4)
    axis.finish(ax)
    return figure


def _draw_charge(ax: Axes, axis: TimeAxis, run: RunData) -> list[Artist]:
    capacity = _capacities(run)
    time_ms, quantiles, width_ms = _charge(run, capacity)
    x = axis.positions(time_ms)
    low, low5, median, high5, high = quantiles.T
    ax.fill_between(x, low, high, facecolor=PALE, edgecolor="none", label="all batteries")
    ax.fill_between(x, low5, high5, facecolor=LIGHT, edgecolor="none", label="5 to 95 % of the batteries")
    ax.plot(x, median, color=STRONG, label="median battery")
    stretch = f"mean of {stretch_text(axis, width_ms)}" if width_ms else "end of each interval"
    ax.set_title(f"State of charge of the batteries ({stretch})")
    ax.set_ylabel("stored [% of capacity]" if capacity else "stored [kWh]")
    ax.set_ylim(bottom=0)
    if capacity:
        ax.set_ylim(0, 103)
    return list(ax.get_legend_handles_labels()[0])


def _capacities(run: RunData) -> dict[str, float]:
    """Capacity of each battery, kWh; empty where the table of prosumers is missing."""
    if not run.has("prosumers", "battery_capacity_kwh"):
        return {}
    table = run.read("prosumers", ["prosumer", "battery_capacity_kwh"])
    return dict(zip(text_list(table["prosumer"]), table["battery_capacity_kwh"].tolist(), strict=True))


def _charge(run: RunData, capacity: dict[str, float]) -> tuple[Times, Array, int]:
    """Quantiles over the batteries of each interval, averaged over stretches where the run is long."""
    owners = run.distinct("batteries", "prosumer")
    scale = np.array([100 / capacity[owner] for owner in owners]) if capacity else np.ones(len(owners))
    times, rows = [], []
    for time_ms, soc_kwh in blocks(run, "batteries", "prosumer", "soc_kwh", owners):
        times.append(time_ms)
        rows.append(row_quantiles(soc_kwh * scale, (0.0, 0.05, 0.5, 0.95, 1.0)))
    time_ms, quantiles = np.concatenate(times), np.concatenate(rows)
    width_ms = bin_width_ms(time_ms)
    if not width_ms:
        return time_ms + run.scenario.interval_ms, quantiles, 0
    gathered = [gather(time_ms, column, width_ms) for column in quantiles.T]
    return gathered[0].time_ms, np.column_stack([bins.mean for bins in gathered]), width_ms


def community_power(run: RunData) -> Power:
    """What all households together draw; needs the table `meters`."""
    to_kw = MS_PER_HOUR / run.scenario.interval_ms
    time_ms, sums = sums_over_elements(run, "meters", ["load_kwh", "pv_kwh", "net_kwh"])
    load, generation, net = (to_kw * sums[name] for name in ("load_kwh", "pv_kwh", "net_kwh"))
    charge, discharge = np.zeros(len(time_ms)), np.zeros(len(time_ms))
    if run.has("batteries"):
        at_ms, flows = sums_over_elements(run, "batteries", ["charge_kwh", "discharge_kwh"])
        shared, here, there = np.intersect1d(time_ms, at_ms, assume_unique=True, return_indices=True)
        del shared  # a killed run may have one table longer than the other
        charge[here] = to_kw * flows["charge_kwh"][there]
        discharge[here] = to_kw * flows["discharge_kwh"][there]
    width_ms = bin_width_ms(time_ms)
    if not width_ms:
        return Power(time_ms, load, generation, net, charge, discharge, net, net, 0)
    bins = gather(time_ms, net, width_ms)
    load, generation, charge, discharge = (
        gather(time_ms, values, width_ms).mean for values in (load, generation, charge, discharge)
    )
    return Power(bins.time_ms, load, generation, bins.mean, charge, discharge, bins.low, bins.high, width_ms)


def _draw_power(ax: Axes, axis: TimeAxis, data: Power) -> list[Artist]:
    """Consumption upwards and generation downwards, stacked; the net power as a line."""
    x = axis.positions(data.time_ms)
    step: Literal["post"] | None = None if data.width_ms else "post"
    nothing = np.zeros(len(x))
    layers = [(nothing, data.load, STRONG, "", "load")]
    if data.generation.any():
        layers.append((nothing, -data.generation, "#f0c75e", "..", "generation (negative)"))
    if data.charge.any() or data.discharge.any():
        layers += [
            (data.load, data.load + data.charge, "#9ab8d1", "///", "into batteries"),
            (
                -data.generation,
                -data.generation - data.discharge,
                "#e9e2cf",
                "\\\\\\",
                "out of batteries (negative)",
            ),
        ]
    handles: list[Artist] = []
    for bottom, top, color, hatch, label in layers:
        handles.append(
            ax.fill_between(
                x,
                bottom,
                top,
                step=step,
                facecolor=color,
                hatch=hatch,
                edgecolor=MIDDLE,
                linewidth=0,
                label=label,
            )
        )
    if data.width_ms:
        ax.plot(x, data.net_low, color=DARK, linestyle=":", linewidth=0.8, label="net: 5 and 95 % quantile")
        ax.plot(x, data.net_high, color=DARK, linestyle=":", linewidth=0.8)
    drawn = "default" if data.width_ms else "steps-post"
    ax.plot(x, data.net, color="white", linewidth=2.4, drawstyle=drawn)
    ax.plot(x, data.net, color=DARK, linewidth=1.3, drawstyle=drawn, label="net at the connection points")
    ax.axhline(0, color=DARK, linewidth=0.8)
    stretch = f"mean of {stretch_text(axis, data.width_ms)}" if data.width_ms else "mean of each interval"
    ax.set_title(f"Power of all households ({stretch}); positive is consumption")
    ax.set_ylabel("power [kW]")
    return handles + list(ax.get_legend_handles_labels()[0])
