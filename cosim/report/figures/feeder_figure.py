"""The feeder as a map or a tree, each element coloured by how near it came to its own limits at worst."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.grid.named_elements import Elements, element_name
from cosim.report.figures.interface import run_figure
from cosim.report.grid_data import ByElement, loadings, voltage_band
from cosim.report.run_data import RunData, text_list
from cosim.report.style import DARK, MIDDLE, legend_below, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Array = NDArray[np.float64]

_BOUNDS = (0.0, 50.0, 80.0, 100.0, 120.0)
"""Where classes of use begin, % of an element's own limit; the last one is open."""
_SHADES = ("#dfe6ec", "#8fb3d1", "#e08a00", "#b3201e", "#3a0010")
"""From light to dark, so that they stay apart in grey."""


class FeederMap(NamedTuple):
    """A feeder as it is drawn, with the worst of each element."""

    bus: NDArray[np.int64]
    """Indices of the buses that have a place on the drawing. Shape (n_bus,)."""
    xy: Array
    """Their coordinates. Shape (n_bus, 2)."""
    vm_pu: Array
    """Voltage of each bus when it is farthest from 1 pu; NaN where it is not known. Shape (n_bus,)."""
    line: dict[int, tuple[int, int]]
    """Ends of each line as positions in `bus`."""
    trafo: list[tuple[str, int, tuple[int, int]]]
    """Kind, index and ends of each transformer; of one with three windings for each that is not on the
    high-voltage side."""
    closed: set[tuple[str, int]]
    """Elements that are closed."""
    percent: dict[tuple[str, int], float]
    """Highest loading of each element where it is known."""
    bus_usage: Array
    """How far each bus uses its own voltage band at worst: 0 in its middle, 1 at a limit, more outside. Shape
    (n_bus,)."""
    usage: dict[tuple[str, int], float]
    """Highest loading of each element over its own limit, where it is known."""
    elements: Elements
    """Names of all elements."""

    def called(self, kind: str, index: int) -> str:
        """An element by its name; by its index where it has none."""
        return element_name(kind, index, self.elements) or str(index)


@run_figure(
    "feeder",
    "The feeder",
    "The feeder, each bus, line and transformer coloured by how near it came to its own limits, each in "
    "its own worst interval.",
)
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
    handles = [*_draw_lines(ax, found), *_draw_trafos(ax, found), *_draw_buses(ax, found)]
    _draw_scale(figure, ax)
    _finish_axes(ax, found.xy)
    ax.set_title(f"Every element in its own worst interval\n{_worst_text(found)}")
    legend_below(figure, handles, 2)  # names of elements are long
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
    trafo: list[tuple[str, int, tuple[int, int]]] = []
    closed = set()
    columns = (branches[name].tolist() for name in ("element", "from_bus", "to_bus", "closed"))
    for kind, element, start, end, is_closed in zip(text_list(branches["kind"]), *columns, strict=True):
        if start in position and end in position:
            ends = position[start], position[end]
            if kind == "line":
                line[element] = ends
            else:
                trafo.append((kind, element, ends))
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
    return FeederMap(bus, xy[placed], vm_pu, line, trafo, closed, percent, bus_usage, usage, run.elements)


def _band_usage(run: RunData, extremes: ByElement) -> Array:
    """How much of its band each bus uses: the farther of its extremes from the middle, over half the band."""
    low, high = (
        np.array([run.limits[name].get(bus, usual) for bus in extremes.elements])
        for name, usual in (("vm_min_pu", 0.9), ("vm_max_pu", 1.1))
    )
    middle, half = (low + high) / 2, (high - low) / 2
    return np.asarray(np.fmax(np.abs(extremes.low - middle), np.abs(extremes.high - middle)) / half)


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


def _shades(usage: Array) -> list[str]:
    """The colour of each share of a limit."""
    # What is exactly at its limit has not exceeded it.
    classes = np.searchsorted(np.array(_BOUNDS[1:]), 100 * usage * (1 - 1e-9), side="left")
    return [_SHADES[each] for each in classes.tolist()]


def _draw_scale(figure: Figure, ax: Axes) -> None:
    """The classes of use beside the picture."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    colours = ListedColormap(_SHADES[:-1]).with_extremes(over=_SHADES[-1])
    scale = ScalarMappable(BoundaryNorm(_BOUNDS, len(_SHADES) - 1), colours)
    label = "use of its own limit (bus: of half its voltage band) at worst [%]"
    figure.colorbar(scale, ax=ax, shrink=0.8, pad=0.02, extend="max", ticks=_BOUNDS, label=label)


def _draw_lines(ax: Axes, found: FeederMap) -> list[Line2D]:
    """Lines: the darker and the wider, the nearer to their limits; dashed where they are open."""
    from matplotlib.collections import LineCollection

    handles = []
    known = [element for element in found.line if ("line", element) in found.percent]
    used = [element for element in known if ("line", element) in found.closed]
    if used:
        usage = np.array([found.usage["line", element] for element in used])
        places = [found.xy[list(found.line[element])] for element in used]
        widths = 1.5 + 4 * np.minimum(usage, 1.5)
        for colours, more, above in ((DARK, 0.9, 1.9), (_shades(usage), 0.0, 2.0)):  # light ones have an edge
            lines = LineCollection(places, colors=colours, linewidths=widths + more, zorder=above)
            lines.set_capstyle("round")
            ax.add_collection(lines)
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
        label = f"line nearest to its limit ({found.called('line', worst)})"
        handles.append(_handle(linestyle="", label=label, **mark))
    return handles


def _draw_trafos(ax: Axes, found: FeederMap) -> list[Line2D]:
    """Transformers as squares at their low-voltage bus."""
    mark: dict[str, Any] = {"marker": "s", "markersize": 15, "markeredgecolor": DARK, "markeredgewidth": 2}
    for kind, element, (start, end) in found.trafo:
        usage = found.usage.get((kind, element), np.nan)
        shade = _shades(np.array([usage]))[0] if np.isfinite(usage) else "white"
        ax.plot(*found.xy[[start, end]].T, color=DARK, linewidth=2, zorder=3)
        ax.plot(*found.xy[end], linestyle="", zorder=4, color=shade, **mark)
    return [_handle(linestyle="", label="transformer", color="white", **mark)] if found.trafo else []


def _draw_buses(ax: Axes, found: FeederMap) -> list[Line2D]:
    """Buses: the darker, the nearer to a limit; the triangle points to where the voltage went."""
    known = np.isfinite(found.vm_pu) & np.isfinite(found.bus_usage)
    handles = []
    for marker, chosen, label in (
        ("^", known & (found.vm_pu >= 1), "bus: worst above 1 pu"),
        ("v", known & (found.vm_pu < 1), "bus: worst below 1 pu"),
    ):
        if not chosen.any():
            continue
        ax.scatter(
            found.xy[chosen, 0],
            found.xy[chosen, 1],
            c=_shades(found.bus_usage[chosen]),
            marker=marker,
            s=40,
            edgecolors=DARK,
            linewidths=0.5,
            zorder=5,
        )
        handles.append(_handle(color=MIDDLE, marker=marker, linestyle="", markeredgecolor=DARK, label=label))
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
    label = f"bus nearest to its limits ({found.called('bus', int(found.bus[worst]))})"
    return [*handles, _handle(linestyle="", label=label, **ring)]


def _handle(**style: Any) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([], [], **style)


def _worst_text(found: FeederMap) -> str:
    worst = int(np.nanargmax(found.bus_usage))
    parts = [f"bus {found.called('bus', int(found.bus[worst]))} at {found.vm_pu[worst]:.4f} pu"]
    for kind, name in (
        ("line", "line"),
        ("trafo", "transformer"),
        ("trafo3w", "three-winding transformer"),
    ):
        percent = {element: value for (one, element), value in found.percent.items() if one == kind}
        if percent:
            element = max(percent, key=lambda one: found.usage[kind, one])
            parts.append(f"{name} {found.called(kind, element)} at {percent[element]:.3g} %")
    return "nearest to their limits: " + ",\n".join(parts)


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
