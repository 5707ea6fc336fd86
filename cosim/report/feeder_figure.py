"""The feeder as a map or a tree, each of its elements coloured by its own worst interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.report.grid_data import ByElement, loadings, voltage_band
from cosim.report.run_data import RunData, text_list
from cosim.report.style import COLORMAP, DARK, MIDDLE, legend_below, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Array = NDArray[np.float64]

_LINE_COLORMAP = "YlOrBr"


class FeederMap(NamedTuple):
    """A feeder as it is drawn, with the worst of each element.

    Attributes
    ----------
    bus : ndarray of int64, shape (n_bus,)
        Indices of the buses that have a place on the drawing.
    xy : ndarray of float64, shape (n_bus, 2)
        Their coordinates.
    vm_pu : ndarray of float64, shape (n_bus,)
        Voltage of each bus when it is farthest from 1 pu; NaN where it is not known.
    line : dict of int to tuple
        Ends of each line as positions in `bus`.
    trafo : list of tuple
        Ends of each transformer; of one with three windings, of each that is not on the high-voltage side.
    closed : set of tuple of str and int
        Elements that are closed.
    percent : dict of tuple of str and int to float
        Highest loading of each element where it is known.
    bus_usage : ndarray of float64, shape (n_bus,)
        How far each bus uses its own voltage band at worst: 1 is at the limit, more is outside.
    usage : dict of tuple of str and int to float
        Highest loading of each element over its own limit, where it is known.
    """

    bus: NDArray[np.int64]
    xy: Array
    vm_pu: Array
    line: dict[int, tuple[int, int]]
    trafo: list[tuple[int, int]]
    closed: set[tuple[str, int]]
    percent: dict[tuple[str, int], float]
    bus_usage: Array
    usage: dict[tuple[str, int], float]


def feeder(run: RunData) -> Figure | None:
    """The feeder, its buses by their worst voltage and its lines by their highest loading."""
    if not all(run.has(table) for table in ("feeder_buses", "feeder_branches", "bus_voltage")):
        return None
    found = feeder_map(run)
    if len(found.bus) == 0 or not np.isfinite(found.vm_pu).any():
        return None
    tall = 6.6 if not _is_tree(found.xy) else min(11.0, max(4.5, 1.8 + 0.11 * _n_leaves(found)))
    figure, (ax,) = new_figure(tall)
    ax.grid(False)
    handles = [*_draw_lines(figure, ax, found), *_draw_trafos(ax, found), *_draw_buses(figure, ax, found)]
    _finish_axes(ax, found.xy)
    ax.set_title(f"Every element in its own worst interval\n{_worst_text(found)}")
    legend_below(figure, handles, 3)
    return figure


def feeder_map(run: RunData) -> FeederMap:
    """Topology and coordinates from the tables, and the worst of each element."""
    buses = run.read("feeder_buses", ["bus", "x", "y"])
    branches = run.read("feeder_branches", ["kind", "element", "from_bus", "to_bus", "closed"])
    xy = np.column_stack([buses["x"], buses["y"]])
    placed = np.isfinite(xy).all(axis=1)
    bus = buses["bus"][placed]
    position = {int(index): place for place, index in enumerate(bus)}
    line: dict[int, tuple[int, int]] = {}
    trafo: list[tuple[int, int]] = []
    closed = set()
    columns = (branches[name].tolist() for name in ("element", "from_bus", "to_bus", "closed"))
    for kind, element, start, end, is_closed in zip(text_list(branches["kind"]), *columns, strict=True):
        if start in position and end in position:
            ends = position[start], position[end]
            if kind == "line":
                line[element] = ends
            else:
                trafo.append(ends)
        if is_closed:
            closed.add((kind, element))
    _, extremes = voltage_band(run)
    worst = dict(zip(extremes.elements, worst_voltage(extremes).tolist(), strict=True))
    vm_pu = np.array([worst.get(int(index), np.nan) for index in bus])
    used = dict(zip(extremes.elements, _band_usage(run, extremes).tolist(), strict=True))
    bus_usage = np.array([used.get(int(index), np.nan) for index in bus])
    percent = _highest_loadings(run)
    usage = {
        (kind, element): value / run.limits[kind].get(element, 100.0)
        for (kind, element), value in percent.items()
    }
    return FeederMap(bus, xy[placed], vm_pu, line, trafo, closed, percent, bus_usage, usage)


def _band_usage(run: RunData, extremes: ByElement) -> Array:
    """The larger of lowest limit over lowest voltage and highest voltage over highest limit, bus by bus."""
    low, high = (
        np.array([run.limits[name].get(bus, usual) for bus in extremes.elements])
        for name, usual in (("vm_min_pu", 0.9), ("vm_max_pu", 1.1))
    )
    return np.asarray(np.fmax(low / extremes.low, extremes.high / high))


def worst_voltage(extremes: ByElement) -> Array:
    """Whichever of a bus's extremes lies farther from 1 pu."""
    return np.where(np.abs(extremes.high - 1) >= np.abs(extremes.low - 1), extremes.high, extremes.low)


def _highest_loadings(run: RunData) -> dict[tuple[str, int], float]:
    result = {}
    for kind in ("line", "trafo", "trafo3w"):
        if run.has(f"{kind}_loading"):
            by_element = loadings(run, kind, 3).by_element
            for element, percent in zip(by_element.elements, by_element.high.tolist(), strict=True):
                if np.isfinite(percent):
                    result[kind, element] = percent
    return result


def _draw_lines(figure: Figure, ax: Axes, found: FeederMap) -> list[Line2D]:
    """Lines: the darker and the wider, the more loaded; dashed where they are open."""
    from matplotlib.collections import LineCollection

    handles = []
    known = [element for element in found.line if ("line", element) in found.percent]
    used = [element for element in known if ("line", element) in found.closed]
    if used:
        percent = np.array([found.percent["line", element] for element in used])
        scale = max(float(percent.max()), 1e-9)
        lines = LineCollection(
            [found.xy[list(found.line[element])] for element in used],
            array=percent,
            cmap=_LINE_COLORMAP,
            clim=(-0.25 * scale, scale),
            linewidths=1.2 + 4 * percent / scale,
            capstyle="round",
            zorder=2,
        )
        ax.add_collection(lines)
        bar = figure.colorbar(
            lines, ax=ax, shrink=0.8, pad=0.01, label="line: highest loading [% of rated current]"
        )
        bar.ax.set_ylim(0, scale)
    idle = [ends for element, ends in found.line.items() if element not in used]
    for start, end in idle:
        ax.plot(*found.xy[[start, end]].T, color=MIDDLE, linestyle="--", linewidth=1, zorder=1)
    if idle:
        handles.append(_handle(color=MIDDLE, linestyle="--", label="line that is open or was not solved"))
    if used:
        worst = max(used, key=lambda element: found.usage["line", element])
        middle = found.xy[list(found.line[worst])].mean(axis=0)
        mark: dict[str, Any] = {"color": DARK, "marker": "X", "markersize": 9, "markeredgecolor": "white"}
        ax.plot(*middle, linestyle="", zorder=6, **mark)
        handles.append(_handle(linestyle="", label=f"line nearest to its limit ({worst})", **mark))
    return handles


def _draw_trafos(ax: Axes, found: FeederMap) -> list[Line2D]:
    """Transformers as squares at their low-voltage bus."""
    mark: dict[str, Any] = {
        "color": "white", "marker": "s", "markersize": 13, "markeredgecolor": DARK, "markeredgewidth": 2,
    }  # fmt: skip
    for start, end in found.trafo:
        ax.plot(*found.xy[[start, end]].T, color=DARK, linewidth=2, zorder=3)
        ax.plot(*found.xy[end], linestyle="", zorder=4, **mark)
    return [_handle(linestyle="", label="transformer", **mark)] if found.trafo else []


def _draw_buses(figure: Figure, ax: Axes, found: FeederMap) -> list[Line2D]:
    """Buses: the darker, the farther from 1 pu; the triangle points to where the voltage went."""
    deviation = 100 * (found.vm_pu - 1)
    known = np.isfinite(deviation)
    lightest, darkest = _color_range(np.abs(deviation[known]))
    handles = []
    dots = None
    for marker, chosen, label in (
        ("^", known & (deviation >= 0), "bus: worst above 1 pu"),
        ("v", known & (deviation < 0), "bus: worst below 1 pu"),
    ):
        if not chosen.any():
            continue
        dots = ax.scatter(
            found.xy[chosen, 0],
            found.xy[chosen, 1],
            c=np.abs(deviation[chosen]),
            cmap=COLORMAP,
            vmin=lightest,
            vmax=darkest,
            marker=marker,
            s=40,
            edgecolors=DARK,
            linewidths=0.5,
            zorder=5,
        )
        handles.append(_handle(color=MIDDLE, marker=marker, linestyle="", markeredgecolor=DARK, label=label))
    assert dots is not None
    figure.colorbar(
        dots, ax=ax, shrink=0.8, pad=0.02, label="bus: largest deviation from 1 pu [% of nominal]"
    )
    if not known.all():
        mark: dict[str, Any] = {"color": "white", "marker": "o", "markersize": 4, "markeredgecolor": MIDDLE}
        ax.plot(*found.xy[~known].T, linestyle="", zorder=4, **mark)
        handles.append(_handle(linestyle="", label="bus not supplied or not solved", **mark))
    worst = int(np.nanargmax(found.bus_usage))
    ring: dict[str, Any] = {
        "marker": "o",
        "markersize": 15,
        "markerfacecolor": "none",
        "markeredgecolor": DARK,
    }
    ax.plot(*found.xy[worst], linestyle="", markeredgewidth=1.6, zorder=7, **ring)
    return [*handles, _handle(linestyle="", label=f"bus nearest to its limits ({found.bus[worst]})", **ring)]


def _color_range(deviation: Array) -> tuple[float, float]:
    """From 0, or from the smallest where all are far from 0, so that they can be told apart."""
    low, high = float(deviation.min()), max(float(deviation.max()), 1e-6)
    return (low if 0.3 * high < low < high else 0.0), high


def _handle(**style: Any) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([], [], **style)


def _worst_text(found: FeederMap) -> str:
    worst = int(np.nanargmax(found.bus_usage))
    parts = [f"bus {found.bus[worst]} at {found.vm_pu[worst]:.4f} pu"]
    for kind, name in (
        ("line", "line"),
        ("trafo", "transformer"),
        ("trafo3w", "three-winding transformer"),
    ):
        percent = {element: value for (one, element), value in found.percent.items() if one == kind}
        if percent:
            element = max(percent, key=lambda one: found.usage[kind, one])
            parts.append(f"{name} {element} at {percent[element]:.3g} %")
    return "nearest to their limits: " + ", ".join(parts)


def _finish_axes(ax: Axes, xy: Array) -> None:
    """Axes that fit the kind of coordinates: kilometres along a tree, degrees of a map, or none."""
    ax.margins(0.04)
    if _is_tree(xy):
        ax.set_xlabel("distance from the transformer along the lines [km]")
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        return
    if _is_geographic(xy):
        ax.set_aspect(1 / float(np.cos(np.radians(xy[:, 1].mean()))), adjustable="datalim")
        ax.set_xlabel("longitude [°]")
        ax.set_ylabel("latitude [°]")
        ax.locator_params(nbins=6)
        return
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_xlabel("x coordinate of the feeder's data [no unit]")
    ax.set_ylabel("y coordinate of the feeder's data [no unit]")


def _is_tree(xy: Array) -> bool:
    """Whether this is the tree laid out for a feeder without coordinates: supply at 0, leaves downwards."""
    return bool(xy[:, 0].min() == 0 and xy[:, 1].max() == 0)


def _is_geographic(xy: Array) -> bool:
    """Whether this can only be longitudes and latitudes: degrees in range, a village in extent."""
    extent = np.ptp(xy, axis=0)
    return bool((extent < 0.5).all() and np.abs(xy[:, 0]).max() <= 180 and np.abs(xy[:, 1]).max() <= 90)


def _n_leaves(found: FeederMap) -> int:
    return len(np.unique(found.xy[:, 1]))
