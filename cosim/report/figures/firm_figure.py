"""Figure of a local firm: who gave what, how full its battery was, what an island could not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cosim.core.clock import to_hours
from cosim.report.figures.interface import run_figure
from cosim.report.run_data import RunData
from cosim.report.style import LOOKS, draw_series, legend_of_axes, new_figure, time_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GIVEN = {
    "generator": ("generator_kwh", None),
    "battery": ("discharge_kwh", "charge_kwh"),
    "main grid": ("grid_import_kwh", "grid_export_kwh"),
    "households": ("fed_in_kwh", "drawn_kwh"),
}
"""Who gives and takes, with the columns of both."""
_CUT = {"load not served": "unserved_kwh", "generation curtailed": "curtailed_kwh", "ballast": "dumped_kwh"}


@run_figure(
    "firm",
    "The local firm",
    "What its generator, its battery and the main grid gave in each interval, how full the battery was, "
    "and what an island could not serve or take.",
)
def firm(run: RunData) -> Figure | None:
    """Powers, state of charge and cuts over time; None without a firm."""
    config = run.scenario.firm
    if config is None or not run.has("firm"):
        return None
    columns = {name for pair in _GIVEN.values() for name in pair if name} | set(_CUT.values())
    table = run.read("firm", ["time", "stored_kwh", *sorted(columns)])
    hours, time_ms, axis = to_hours(run.scenario.interval_ms), table["time"], time_axis(run.scenario)
    is_island = config.kind == "isolated"
    figure, axes = new_figure(1.0 + 1.9 * (2 + is_island), 2 + is_island, sharex=True)
    for look, (label, (given, taken)) in zip(LOOKS, _GIVEN.items(), strict=False):
        power_kw = (table[given] - (table[taken] if taken else 0.0)) / hours
        if np.nansum(np.abs(power_kw)):
            draw_series(axes[0], axis, time_ms, power_kw, look, label, band=False)
    axes[0].set_ylabel("gives [kW]")
    axes[0].set_title("What each gives, less what it takes")
    if config.battery is not None:
        soc_percent = 100 * table["stored_kwh"] / config.battery.capacity_kwh
        draw_series(axes[1], axis, time_ms, soc_percent, LOOKS[0], "", band=False)
    axes[1].set_ylabel("stored [%]")
    axes[1].set_ylim(0, 103)
    axes[1].set_title("State of charge of the firm's battery")
    if is_island:
        # those that the powers above leave: there is no main grid, and one legend is for all panels
        for look, (label, column) in zip((LOOKS[4], LOOKS[5], LOOKS[2]), _CUT.items(), strict=True):
            if table[column].any():
                draw_series(axes[2], axis, time_ms, table[column] / hours, look, label, band=False)
        axes[2].set_ylabel("cut [kW]")
        axes[2].set_ylim(bottom=0)
        axes[2].set_title("What the island could not serve or take")
    for number, ax in enumerate(axes):
        axis.finish(ax, label=number == len(axes) - 1)
    legend_of_axes(figure, axes, 4)
    return figure
