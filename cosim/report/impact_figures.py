"""Figures of an impact study: what is hosted, by mode and by communication, and where limits bind first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cosim.config.axis_words import axis_label
from cosim.grid.feeder import Feeder
from cosim.report.impact_places import first_violations
from cosim.report.impact_words import Feeders, bound_text, mode_number, mode_title, place_text
from cosim.report.style import (
    COLORMAP,
    DARK,
    LIGHT,
    LOOKS,
    MIDDLE,
    PALE,
    Look,
    grid_shape,
    hide_unused,
    legend_below,
    legend_of_axes,
    new_figure,
)
from cosim.study.impact.impact_analysis import Curve, ImpactAnalysis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_CURVES = len(LOOKS)


def mode_look(analysis: ImpactAnalysis, mode: str) -> Look:
    """How a mode is drawn, the same in every figure."""
    return LOOKS[mode_number(analysis, mode) % len(LOOKS)]


def impact_figures(analysis: ImpactAnalysis, feeders: Feeders) -> Iterator[tuple[str, Figure]]:
    """Every figure that the study has something for, with its name; those of a feeder end in its name."""
    known = [curve for curve in analysis.curves if len(curve.known)]
    if not known:
        return
    axes = analysis.config.communication.axes if analysis.config.communication else ()
    yield "hosting_capacity", _capacities(analysis, known)
    for feeder in analysis.config.feeder_names:
        mine = [curve for curve in known if curve.feeder == feeder]
        if not mine:
            continue
        end = f"_{feeder}" if feeder else ""
        plain = [curve for curve in mine if not curve.communication] or mine
        yield f"violation_probability{end}", _probabilities(analysis, plain[:_MOST_CURVES])
        if any(curve.communication for curve in mine):
            draw = _over_one_axis if len(axes) == 1 else capacity_maps
            yield f"communication{end}", draw(analysis, mine)
        if feeder in feeders and any(analysis.bindings(curve) for curve in mine):
            yield f"first_violations{end}", _map(analysis, mine, feeders[feeder])


def _probabilities(analysis: ImpactAnalysis, curves: list[Curve]) -> Figure:
    """Probability of a violation over penetration, a line a mode, with its interval."""
    figure, (ax,) = new_figure(3.6)
    modes = [curve.mode for curve in curves]
    for n, curve in enumerate(curves):
        look = mode_look(analysis, curve.mode)
        if modes.count(curve.mode) > 1:  # over several qualities of communication
            look = look._replace(line=LOOKS[n].line, marker=LOOKS[n].marker)
        # Bands would cover each other: curves stand a little beside each other, with whiskers.
        x = 100 * np.array(curve.grid) + 0.8 * (n - (len(curves) - 1) / 2)
        share, low, high = (
            100 * np.array([getattr(each, name) for each in curve.probabilities])
            for name in ("share", "low", "high")
        )
        style: dict[str, Any] = {
            "color": look.color,
            "linestyle": look.line,
            "marker": look.marker,
            "markersize": 5,
        }
        ax.vlines(x, low, high, color=look.color, linewidth=0.9)
        ax.plot(x, share, label=place_text(analysis, curve), **style)
        inferred = [analysis.n_run(curve, position) < len(curve.known) for position in range(len(x))]
        style |= {"linestyle": "", "markerfacecolor": "white"}
        ax.plot(x[inferred], share[inferred], **style)
    if analysis.is_inferred:
        ax.plot(
            [], [], linestyle="", marker="o", color=DARK, markerfacecolor="white", markersize=5,
            label="hollow: inferred, not every seed was run there",
        )  # fmt: skip
    risk = 100 * analysis.config.risk
    ax.axhline(risk, color=DARK, linewidth=0.8, label=f"risk of {risk:.4g} %")
    ax.set_xlabel("penetration [% of the connection points]")
    ax.set_ylabel("seeds with a violation [%]")
    ax.set_ylim(-3, 103)
    ax.set_title("How likely a limit is exceeded, with 95 % intervals")
    legend_of_axes(figure, [ax], 3)
    return figure


def _capacities(analysis: ImpactAnalysis, curves: list[Curve]) -> Figure:
    """Hosting capacity at the risk with its interval, and every seed as a dot, a row a mode."""
    figure, (ax,) = new_figure(min(14.0, 1.5 + 0.55 * len(curves)))
    aside = min(1.0, 20 * min(np.diff(curves[0].grid)))
    for row, curve in enumerate(curves):
        look = mode_look(analysis, curve.mode)
        for value, n in curve.penetrations.value_counts().items():
            # Seeds that host the same stand below in columns of four, so that all are seen and counted.
            column, place = np.divmod(np.arange(n), 4)
            x = 100 * float(value) + aside * (column - (n - 1) // 4 / 2)
            ax.plot(x, row + 0.2 + 0.08 * place, "o", color=MIDDLE, markersize=2.8, markeredgewidth=0)
        found = curve.at_risk
        assert found is not None  # curves without a seed are left out
        middle, *ends = (_percent(curve, each) for each in (found.position, *(found.ends or ())))
        ax.plot(ends, [row] * len(ends), color=look.color, linewidth=1.8)
        ax.plot(
            [middle],
            [row],
            "o",
            color=look.color,
            markeredgecolor=DARK,
            markersize=8,
            clip_on=False,
            zorder=5,
        )
        left = middle > 0
        ax.annotate(
            bound_text(curve, found.position), (middle, row), (-7 if left else 7, 4), size=8, zorder=6,
            textcoords="offset points", ha="right" if left else "left", va="bottom",
        )  # fmt: skip
    risk = f"{100 * analysis.config.risk:.4g} %"
    ax.plot([], [], "o", color=PALE, markeredgecolor=DARK, markersize=8, label=f"hosted at a risk of {risk}")
    if any(curve.at_risk and curve.at_risk.ends for curve in curves):
        ax.plot([], [], color=DARK, linewidth=1.8, label="its 95 % interval")
    ax.plot([], [], "o", color=MIDDLE, markersize=2.8, markeredgewidth=0, label="single seeds, each a dot")
    ax.set_yticks(range(len(curves)), [place_text(analysis, curve) for curve in curves])
    ax.set_ylim(len(curves) - 0.4, -0.5)
    ax.set_xlim(-3, 103)
    ax.set_xlabel("penetration [% of the connection points]")
    ax.set_title("What the feeder hosts; a colour is a mode, as in the other figures")
    legend_of_axes(figure, [ax], 3)
    return figure


def _percent(curve: Curve, position: int) -> float:
    """A capacity as it is drawn: 0 where even the lowest penetration exceeds a limit."""
    return 100 * curve.grid[position] if position >= 0 else 0.0


def _over_one_axis(analysis: ImpactAnalysis, curves: list[Curve]) -> Figure:
    """Hosting capacity over one quality of communication, beside the modes that need none."""
    assert analysis.config.communication is not None
    (axis,) = analysis.config.communication.axes
    figure, (ax,) = new_figure(3.6)
    modes = [*dict.fromkeys(curve.mode for curve in curves)]
    labels = [*dict.fromkeys(str(curve.communication[0]) for curve in curves if curve.communication)]
    for mode in modes:
        look, mine = mode_look(analysis, mode), [curve for curve in curves if curve.mode == mode]
        found = [curve.at_risk for curve in mine if curve.at_risk]
        middle = [_percent(mine[0], each.position) for each in found]
        low, high = (
            [_percent(mine[0], (each.ends or (each.position,) * 2)[end]) for each in found] for end in (0, 1)
        )
        if not mine[0].communication:
            ax.axhline(
                middle[0],
                color=look.color,
                linestyle=look.line,
                label=f"{mode_title(analysis, mode)} (needs no messages)",
            )
            continue
        x = [labels.index(str(curve.communication[0])) for curve in mine]
        ax.fill_between(x, low, high, color=look.color, alpha=0.13, linewidth=0)
        ax.plot(
            x,
            middle,
            color=look.color,
            linestyle=look.line,
            marker=look.marker,
            label=mode_title(analysis, mode),
        )
    ax.set_xticks(range(len(labels)), labels)
    ax.set_xlabel(axis_label(axis.column))
    ax.set_ylabel("hosting capacity [% of the connection points]")
    ax.set_ylim(-3, 103)
    ax.set_title(f"What the feeder hosts at a risk of {100 * analysis.config.risk:.4g} %, by communication")
    legend_of_axes(figure, [ax], 3)
    return figure


def capacity_maps(analysis: ImpactAnalysis, curves: list[Curve]) -> Figure:
    """Hosting capacity as a map over the first two axes of communication, one a mode."""
    assert analysis.config.communication is not None
    x_axis, y_axis = analysis.config.communication.axes[:2]
    modes = [*dict.fromkeys(curve.mode for curve in curves if curve.communication)]
    rows, columns = grid_shape(len(modes))
    figure, axes = new_figure(0.6 + 2.6 * rows, rows, columns)
    image: Any = None
    for ax, mode in zip(axes, modes, strict=False):
        mine = [curve for curve in curves if curve.mode == mode]
        image = _one_map(ax, mine)
        ax.set_xlabel(axis_label(x_axis.column))
        ax.set_ylabel(axis_label(y_axis.column))
        ax.set_title(mode_title(analysis, mode))
    hide_unused(axes, len(modes))
    figure.colorbar(image, ax=axes, shrink=0.85, label="hosting capacity [% of the connection points]")
    return figure


def _one_map(ax: Axes, curves: list[Curve]) -> Any:
    x_cells = [*dict.fromkeys(str(curve.communication[0]) for curve in curves)]
    y_cells = [*dict.fromkeys(str(curve.communication[1]) for curve in curves)]
    values = np.full((len(y_cells), len(x_cells)), np.nan)
    for curve in reversed(curves):
        found = curve.at_risk
        assert found is not None
        place = y_cells.index(str(curve.communication[1])), x_cells.index(str(curve.communication[0]))
        values[place] = _percent(curve, found.position)
    image = ax.imshow(values, cmap=COLORMAP, vmin=0, vmax=100, aspect="auto", origin="lower")
    for (y, x), value in np.ndenumerate(values):
        if np.isfinite(value):
            ax.text(
                x, y, f"{value:.3g}", ha="center", va="center", fontsize=8,
                color="white" if value > 55 else DARK,
            )  # fmt: skip
    ax.set_xticks(range(len(x_cells)), x_cells)
    ax.set_yticks(range(len(y_cells)), y_cells)
    ax.grid(False)
    return image


def _map(analysis: ImpactAnalysis, curves: list[Curve], feeder: Feeder) -> Figure:
    """The feeder, and where a limit is exceeded first: the larger, the more seeds."""
    figure, (ax,) = new_figure(5.6)
    ax.grid(False)
    bus = {int(index): place for place, index in enumerate(feeder.bus.index)}
    xy = feeder.bus.xy
    for start, end in zip(feeder.line.from_bus.tolist(), feeder.line.to_bus.tolist(), strict=True):
        if start in bus and end in bus:
            ax.plot(*xy[[bus[start], bus[end]]].T, color=LIGHT, linewidth=1, zorder=1)
    ax.plot(*xy.T, ".", color=MIDDLE, markersize=2.5, zorder=2)
    handles = []
    for rank, curve in enumerate([c for c in curves if analysis.bindings(c)][:_MOST_CURVES]):
        look, counts = mode_look(analysis, curve.mode), first_violations(analysis, curve, feeder)
        for (x, y), n in counts.items():
            size = 5 + 16 * np.sqrt(n / len(curve.known)) + 4 * rank  # those of several lie around each other
            style: dict[str, Any] = {"color": "none", "marker": look.marker, "markeredgecolor": look.color}
            ax.plot([x], [y], linestyle="", markersize=size, markeredgewidth=1.8, zorder=4, **style)
        if counts:
            (handle,) = ax.plot(
                [], [], linestyle="", color="none", marker=look.marker, markeredgecolor=look.color,
                markeredgewidth=1.8, markersize=8, label=place_text(analysis, curve),
            )  # fmt: skip
            handles.append(handle)
    ax.set_axis_off()
    ax.margins(0.06)
    ax.set_title("Where a limit is exceeded first: a ring for each mode, the larger the more seeds")
    legend_below(figure, handles, 3)
    return figure
