"""Figure of dimming: who was limited and why, what strained the feeder, what devices drew meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.dimming.schema import DimmingConfig
from cosim.report.dimming_data import LIMITED, limited
from cosim.report.figures.interface import run_figure
from cosim.report.long_series import blocks, sums_over_elements
from cosim.report.run_data import RunData
from cosim.report.style import (
    LOOKS,
    MIDDLE,
    WARM,
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


@run_figure(
    "dimming",
    "Dimming",
    "How many households were under a limit by the operator's order or because they heard nothing, the "
    "loading and the voltages that the operator acts on, and what devices drew meanwhile.",
)
def dimming(run: RunData) -> Figure | None:
    """Households under a limit, highest loading, voltages and power; None where nobody was ever limited."""
    config = run.scenario.dimming
    if config is None or not run.has("power_limits"):
        return None
    axis = time_axis(run.scenario)
    panels = [_draw_limited]
    if run.has("line_loading") or run.has("trafo_loading"):
        panels.append(_draw_loading)
    if run.has("bus_voltage"):
        panels.append(_draw_voltage)
    if run.has("meters"):
        panels.append(_draw_power)
    figure, axes = new_figure(1.0 + 1.9 * len(panels), len(panels), sharex=True)
    for number, (ax, draw) in enumerate(zip(axes, panels, strict=True)):
        draw(ax, axis, run, config)
        axis.finish(ax, label=number == len(panels) - 1)
    legend_of_axes(figure, axes, 3)
    return figure


def _draw_limited(ax: Axes, axis: TimeAxis, run: RunData, config: DimmingConfig) -> None:
    found = limited(run)
    for kind, (look, label) in enumerate(zip(LOOKS, LIMITED, strict=False)):
        if found.households[:, kind].any():
            ax.plot(
                axis.positions(found.time_ms), found.households[:, kind], drawstyle="steps-post",
                color=look.color, linestyle=look.line, label=label,
            )  # fmt: skip
    ax.set_ylabel("households")
    ax.set_ylim(bottom=0)
    whole_numbers(ax.yaxis)
    silence = config.in_silence
    fallback = "" if silence is None or silence.max_kw is None else f", {silence.max_kw:g} kW in silence"
    ax.set_title(f"Households under a limit: {config.max_kw:g} kW a device by an order{fallback}")


def _draw_loading(ax: Axes, axis: TimeAxis, run: RunData, config: DimmingConfig) -> None:
    """The highest loading of an interval as the operator reads it: as a share of the element's own limit."""
    highest: dict[int, float] = {}
    for kind in ("line", "trafo"):
        if not run.has(f"{kind}_loading"):
            continue
        elements = run.distinct(f"{kind}_loading", kind)
        limits = np.array([run.limits.get(kind, {}).get(element, 100.0) for element in elements])
        for time_ms, percent in blocks(run, f"{kind}_loading", kind, "loading_percent", elements):
            used = np.fmax.reduce(100.0 * percent / limits, axis=1)
            for at, value in zip(time_ms.tolist(), used.tolist(), strict=True):
                highest[at] = float(np.fmax(highest.get(at, np.nan), value))
    time_ms = np.array(sorted(highest), dtype=np.int64)
    values = np.array([highest[at] for at in time_ms.tolist()])
    draw_series(ax, axis, time_ms, values, LOOKS[0], "", band=False)
    _draw_threshold(ax, config.from_loading_percent, "a limit begins")
    _draw_threshold(ax, config.until_loading_percent, "it is lifted", ":")
    ax.set_ylabel("loading [% of limit]")
    ax.set_ylim(bottom=0)
    ax.set_title("Highest loading of a line or transformer")


def _draw_voltage(ax: Axes, axis: TimeAxis, run: RunData, config: DimmingConfig) -> None:
    """The lowest voltage, and the highest where feed-in is limited by it."""
    times, low, high = [], [], []
    for time_ms, vm_pu in blocks(run, "bus_voltage", "bus", "vm_pu", run.distinct("bus_voltage", "bus")):
        times.append(time_ms)
        low.append(np.fmin.reduce(vm_pu, axis=1))
        high.append(np.fmax.reduce(vm_pu, axis=1))
    time_ms = np.concatenate(times)
    draw_series(ax, axis, time_ms, np.concatenate(low), LOOKS[2], "lowest voltage", band=False)
    _draw_threshold(ax, config.from_vm_pu, "a limit begins")
    _draw_threshold(ax, config.until_vm_pu, "it is lifted", ":")
    if config.feed_in is not None:
        draw_series(ax, axis, time_ms, np.concatenate(high), LOOKS[3], "highest voltage", band=False)
        _draw_threshold(ax, config.feed_in.from_vm_pu, "a limit begins")
        _draw_threshold(ax, config.feed_in.until_vm_pu, "it is lifted", ":")
    ax.set_ylabel("voltage [pu]")
    ax.set_title("Voltages of all buses")


def _draw_power(ax: Axes, axis: TimeAxis, run: RunData, config: DimmingConfig) -> None:
    """What devices besides load and generation take, and what of the generation is given up."""
    per_kwh = MS_PER_HOUR / run.scenario.interval_ms
    time_ms, sums = sums_over_elements(run, "meters", ["load_kwh", "pv_kwh", "net_kwh"])
    devices_kw = per_kwh * (sums["net_kwh"] - sums["load_kwh"] + sums["pv_kwh"])
    draw_series(ax, axis, time_ms, devices_kw, LOOKS[0], "", band=False)
    given_up = ""
    if run.has("inverters"):
        time_ms, sums = sums_over_elements(run, "inverters", ["curtailed_kwh"])
        label = "generation given up"
        draw_series(ax, axis, time_ms, per_kwh * sums["curtailed_kwh"], LOOKS[1], label, band=False)
        given_up = ", and generation given up"
    ax.set_ylabel("power [kW]")
    ax.set_title(f"What vehicles, heat pumps and batteries draw together{given_up}")


def _draw_threshold(ax: Axes, value: float, label: str, line: str = "--") -> None:
    ax.axhline(value, color=WARM if line == "--" else MIDDLE, linestyle=line, linewidth=1.2, label=label)
