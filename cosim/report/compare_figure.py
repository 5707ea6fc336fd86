"""Figures of runs side by side: key numbers as bars, and duration curves of the feeder over each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.core.shown import NO_VALUE, number_text
from cosim.report.long_series import blocks
from cosim.report.run_data import RunData
from cosim.report.style import (
    DARK,
    LOOKS,
    Look,
    drawing,
    hide_unused,
    legend_below,
    legend_of_axes,
    new_figure,
    save,
)
from cosim.study.compare import ComparedRun, Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

KEY_NUMBERS = (
    "peak_feeder_import_kw",
    "peak_feeder_export_kw",
    "peak_household_import_kw",
    "self_consumption_fraction",
    "self_sufficiency_fraction",
    "voltage_min_pu",
    "voltage_max_pu",
    "line_loading_max_percent",
    "trafo_loading_max_percent",
    "energy_lost_in_feeder_kwh",
    "messages_sent",
    "messages_lost",
)
"""What every comparison draws, where a run has it; amounts of money come first, communities' numbers last."""
MOST_MONEY, MOST_OF_COMMUNITIES = 6, 6
"""Panels for amounts of money, and for what communities have of their own."""
_COLUMNS = 4
_OF_COMMUNITIES = ("{community}_cost_gap_end", "{community}_{resource}_tracking_rmse_units")


def draw_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Draw ``numbers.png``, and ``durations.png`` where a run has a feeder.

    Parameters
    ----------
    comparison : Comparison
        The runs.
    folder : Path
        An existing directory.

    Returns
    -------
    list of Path
        The files written; one of an earlier drawing that no longer applies is taken away.
    """
    written = []
    with drawing():
        for name, draw in (("numbers", key_numbers), ("durations", durations)):
            path, figure = folder / f"{name}.png", draw(comparison)
            if figure is None:
                path.unlink(missing_ok=True)
                continue
            save(figure, path)
            written.append(path)
    return written


def drawn_keys(comparison: Comparison) -> list[str]:
    """The numbers that are drawn: those of `KEY_NUMBERS` and amounts of money that some run has, and what
    communities have of their own where it is found in at least two runs.
    """
    n_runs = {
        key: sum(run.numbers.get(key) is not None for run in comparison.runs) for key in comparison.keys
    }
    known = [key for key, n in n_runs.items() if n]
    numbers = {key: comparison.describe(key).number for key in known}
    money = [key for key in known if numbers[key].unit == "EUR"][:MOST_MONEY]
    own = [key for key in known if n_runs[key] > 1 and numbers[key].pattern in _OF_COMMUNITIES]
    return [*money, *(key for key in KEY_NUMBERS if key in known), *own[:MOST_OF_COMMUNITIES]]


def key_numbers(comparison: Comparison) -> Figure | None:
    """Key numbers as bars, a panel each; None where no run has any."""
    from matplotlib.patches import Patch

    keys = drawn_keys(comparison)
    if not keys:
        return None
    rows = -(-len(keys) // _COLUMNS)
    figure, axes = new_figure(1.75 * rows + 0.6, rows, _COLUMNS)
    for ax, key in zip(axes, keys, strict=False):
        _draw_bars(ax, comparison, key)
    hide_unused(axes, len(keys))
    patches = [
        Patch(facecolor=look.color, hatch=look.hatch, edgecolor="white", label=_label(run))
        for run, look in zip(comparison.runs, _looks(comparison.runs), strict=True)
    ]
    legend_below(figure, patches, 3)
    return figure


def _looks(runs: Sequence[ComparedRun]) -> list[Look]:
    """A look for each run; with very many runs they come again, and the letters tell them apart."""
    return [LOOKS[number % len(LOOKS)] for number in range(len(runs))]


def _label(run: ComparedRun) -> str:
    return f"{run.letter}  {run.label}{'' if run.is_done else f' ({run.status})'}"


def _draw_bars(ax: Axes, comparison: Comparison, key: str) -> None:
    """A bar for each run from zero, or from the nominal voltage; the number over it."""
    found = comparison.describe(key)
    base = 1.0 if found.unit == "pu" else 0.0
    values = [run.numbers.get(key) for run in comparison.runs]
    reach = (
        max((abs(value * found.scale - base) for value in values if value is not None), default=0.0) or 1.0
    )
    for place, (value, look) in enumerate(zip(values, _looks(comparison.runs), strict=True)):
        height = 0.0 if value is None else value * found.scale - base
        ax.bar(
            place, height, 0.75, base, color=look.color, hatch=look.hatch, edgecolor="white", linewidth=0.5
        )
        shown = NO_VALUE if value is None else number_text(value * found.scale, 4 if base else 3)
        below = height < 0
        ax.annotate(
            shown,
            (place, base + height),
            (0, -2 if below else 2),
            textcoords="offset points",
            ha="center",
            va="top" if below else "bottom",
            fontsize=7 if len(values) <= 4 else 5.5,
        )
    heights = [0.0 if value is None else value * found.scale - base for value in values]
    ax.set_ylim(base + min(0.0, *heights) - 0.22 * reach * (min(heights) < 0), None)
    ax.set_ylim(None, base + max(0.0, *heights) + 0.22 * reach)
    ax.axhline(base, color=DARK, linewidth=0.8)
    ax.set_xlim(-0.6, len(values) - 0.4)
    ax.set_xticks(range(len(values)), [run.letter for run in comparison.runs])
    ax.grid(visible=False, axis="x")
    ax.tick_params(labelsize=7)
    ax.locator_params(axis="y", nbins=5)
    community = f"{found.section.removeprefix('Community ')}: " if found.section.startswith("Comm") else ""
    ax.set_title(_in_two_lines(f"{community}{found.name}"), fontsize=8)
    ax.set_ylabel(f"[{found.unit}]" if found.unit else "", fontsize=7.5)


def _in_two_lines(text: str) -> str:
    """Broken at the space nearest to the middle where it is long."""
    spaces = [place for place, letter in enumerate(text) if letter == " "]
    if len(text) <= 20 or not spaces:
        return text
    middle = min(spaces, key=lambda place: abs(place - len(text) / 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"


def durations(comparison: Comparison) -> Figure | None:
    """Voltage, power and loadings of the feeders, sorted, over each other; None where no run has a feeder.

    Of more runs than there are looks, the first ones are drawn.
    """
    runs = comparison.runs[: len(LOOKS)]
    data = {run.letter: RunData(run.folder) for run in runs}
    panels = [panel for panel in _PANELS if any(one.has(panel[0]) for one in data.values())]
    if not panels:
        return None
    columns = 2 if len(panels) > 1 else 1
    rows = -(-len(panels) // columns)
    figure, axes = new_figure(2.9 * rows + 0.5, rows, columns)
    for ax, (table, title, unit, curves_of) in zip(axes, panels, strict=False):
        for run, look in zip(runs, _looks(runs), strict=True):
            if not data[run.letter].has(table):
                continue
            for curve in curves_of(data[run.letter]):
                _draw_duration(ax, curve, look, _label(run))
        ax.set_title(title)
        ax.set_ylabel(unit)
        ax.set_xlabel("share of the intervals [%]")
        ax.set_xlim(0, 100)
    hide_unused(axes, len(panels))
    if len(comparison.runs) > len(runs):
        figure.suptitle(f"The first {len(runs)} of {len(comparison.runs)} runs")
    legend_of_axes(figure, axes[: len(panels)], 3)
    return figure


def _draw_duration(ax: Axes, values: Array, look: Look, label: str) -> None:
    """From the highest value to the lowest, as steps of an interval each; the whole run is 100 %."""
    falling = -np.sort(-values[np.isfinite(values)])
    if len(falling):
        share = np.linspace(0.0, 100.0, len(falling) + 1)
        steps = np.append(falling, falling[-1])
        ax.plot(share, steps, color=look.color, linestyle=look.line, drawstyle="steps-post", label=label)


def _voltages(run: RunData) -> list[Array]:
    """Highest and lowest voltage of each interval."""
    highest, lowest = [], []
    for _, vm_pu in blocks(run, "bus_voltage", "bus", "vm_pu", run.distinct("bus_voltage", "bus")):
        highest.append(np.fmax.reduce(vm_pu, axis=1))
        lowest.append(np.fmin.reduce(vm_pu, axis=1))
    return [np.concatenate(highest), np.concatenate(lowest)]


def _power(run: RunData) -> list[Array]:
    return [1000 * np.asarray(run.read("power_flow", ["p_slack_mw"])["p_slack_mw"])]


def _loading(kind: str) -> Callable[[RunData], list[Array]]:
    """The highest loading of each interval."""

    def of_run(run: RunData) -> list[Array]:
        table = f"{kind}_loading"
        parts = blocks(run, table, kind, "loading_percent", run.distinct(table, kind))
        return [np.concatenate([np.fmax.reduce(percent, axis=1) for _, percent in parts])]

    return of_run


_PANELS: tuple[tuple[str, str, str, Callable[[RunData], list[Array]]], ...] = (
    ("bus_voltage", "Highest and lowest voltage of all buses", "voltage magnitude [pu]", _voltages),
    ("power_flow", "Power drawn from the grid above", "active power [kW]", _power),
    ("line_loading", "Most loaded line", "loading [% of rated current]", _loading("line")),
    ("trafo_loading", "Most loaded transformer", "loading [% of rated current]", _loading("trafo")),
)
"""Table, title, label of the vertical axis, and the curves of a run."""
