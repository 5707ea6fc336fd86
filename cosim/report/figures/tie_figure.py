"""Figure of ties: what passes, the limit, and the marginal costs of both communities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cosim.core.clock import to_hours
from cosim.report.figures.interface import run_figure
from cosim.report.run_data import RunData, text_list
from cosim.report.style import LOOKS, draw_series, legend_of_axes, new_figure, time_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@run_figure(
    "ties",
    "The tie between two communities",
    "What passes over the first tie and its limit; below, what a kWh more costs the seller's community "
    "and is worth to the buyer's, which meet where the limit does not bind.",
)
def ties(run: RunData) -> Figure | None:
    """Power and marginal costs of the first tie over time; None without one."""
    if not run.scenario.ties or not run.has("ties"):
        return None
    config, axis = run.scenario.ties[0], time_axis(run.scenario)
    table = run.read("ties", ["time", "tie", "energy_kwh", "seller_cost", "buyer_cost"])
    own = np.array([name == config.name for name in text_list(table["tie"])])
    time_ms, hours = table["time"][own], to_hours(run.scenario.interval_ms)
    figure, axes = new_figure(4.8, 2, sharex=True)
    draw_series(axes[0], axis, time_ms, table["energy_kwh"][own] / hours, LOOKS[0], "passes", band=False)
    axes[0].axhline(config.limit_kw, color=LOOKS[1].color, linestyle=LOOKS[1].line, label="limit")
    axes[0].set_ylabel("power [kW]")
    axes[0].set_ylim(bottom=0)
    axes[0].set_title(f"{config.name}: {config.seller.community} sells to {config.buyer.community}")
    sides = (
        (f"cost to {config.seller.community}", table["seller_cost"]),
        (f"worth to {config.buyer.community}", -table["buyer_cost"]),
    )
    for look, (label, costs) in zip(LOOKS[2:], sides, strict=False):
        draw_series(axes[1], axis, time_ms, costs[own], look, label, band=False)
    axes[1].set_ylabel("of a kWh [cost/kWh]")
    axes[1].set_title("What a kWh more costs the seller, and is worth to the buyer")
    for number, ax in enumerate(axes):
        axis.finish(ax, label=number == 1)
    legend_of_axes(figure, axes, 4)
    return figure
