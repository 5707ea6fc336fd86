"""Figure of the devices: what all of each kind took, stored and lacked over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cosim.report.device_data import panels
from cosim.report.figures.interface import run_figure
from cosim.report.run_data import RunData
from cosim.report.style import LOOKS, draw_series, new_figure, time_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@run_figure(
    "devices",
    "Devices",
    "What all devices of each kind together took, stored, still needed and lacked.",
)
def devices(run: RunData) -> Figure | None:
    """Each kind of device that a run has a table of, all of them together; None where it has none."""
    found = list(panels(run))
    if not found:
        return None
    axis = time_axis(run.scenario)
    figure, axes = new_figure(1.0 + 1.9 * len(found), len(found), sharex=True)
    for ax, panel in zip(axes, found, strict=True):
        for number, (label, time_ms, values) in enumerate(panel.curves):
            draw_series(ax, axis, time_ms, values, LOOKS[number % len(LOOKS)], label, band=False)
        alone = len(panel.curves) == 1
        ax.set_title(f"{panel.title} ({panel.curves[0][0]})" if alone else panel.title)
        if not alone:
            ax.legend(loc="upper right", ncols=len(panel.curves))
        ax.set_ylabel(panel.unit)
        ax.set_ylim(bottom=0)
        axis.finish(ax, label=ax is axes[-1])
    return figure
