"""Where a feeder's buses are: as a tree below the supply, in kilometres along the lines, and on a drawing."""

from __future__ import annotations

import heapq
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Edge:
    """A closed connection between two buses."""

    first: int
    second: int
    """Positions of the two buses."""
    length_km: float
    """Length; 0 for a transformer or a switch."""
    is_trafo: bool = False
    """Whether it is a transformer; lengths are counted from the far side of the last one."""


@dataclass(frozen=True)
class Tree:
    """Shortest ways from the supply to each bus."""

    parent: NDArray[np.int64]
    """Position of the next bus towards the supply; -1 at a supply and where no supply is reached. Shape
    (n_bus,)."""
    depth: NDArray[np.int64]
    """Number of connections from the supply; -1 where no supply is reached. Shape (n_bus,)."""
    distance_km: NDArray[np.float64]
    """Length of the lines from the last transformer on the way (from the supply, where there is none), km;
    NaN where no supply is reached. Shape (n_bus,)."""

    @property
    def supplied(self) -> NDArray[np.bool_]:
        """Buses that a supply reaches."""
        return np.asarray(self.depth >= 0)


def shortest_tree(n_bus: int, edges: Sequence[Edge], roots: Sequence[int]) -> Tree:
    """Tree of the shortest ways (Dijkstra), ties decided by the number of connections, then by position.

    Parameters
    ----------
    n_bus : int
        Number of buses.
    edges : sequence of Edge
        Closed connections.
    roots : sequence of int
        Positions of the supplied buses.
    """
    neighbours: list[list[Edge]] = [[] for _ in range(n_bus)]
    for edge in edges:
        neighbours[edge.first].append(edge)
        neighbours[edge.second].append(edge)
    parent = np.full(n_bus, -1, dtype=np.int64)
    depth = np.full(n_bus, -1, dtype=np.int64)
    distance = np.full(n_bus, np.nan)
    heap = [(0.0, 0, root, -1, 0.0) for root in sorted(set(roots))]
    while heap:
        total, hops, bus, above, since_trafo = heapq.heappop(heap)
        if depth[bus] >= 0:
            continue
        parent[bus], depth[bus], distance[bus] = above, hops, since_trafo
        for edge in neighbours[bus]:
            other = edge.second if edge.first == bus else edge.first
            if depth[other] < 0:
                along = 0.0 if edge.is_trafo else since_trafo + edge.length_km
                heapq.heappush(heap, (total + edge.length_km, hops + 1, other, bus, along))
    return Tree(parent, depth, distance)


def tree_layout(parent: NDArray[np.int64], distance_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates for a tree that has none: the distance to the right, the leaves evenly one below the other.

    A bus with branches stands at the mean height of them. Two buses at one distance on one way, such as the
    two sides of a transformer, are set apart by a small step.

    Parameters
    ----------
    parent : ndarray of int64, shape (n_bus,)
        As in `Tree`.
    distance_km : ndarray of float64, shape (n_bus,)
        As in `Tree`.

    Returns
    -------
    ndarray of float64, shape (n_bus, 2)
        x and y; not to scale in y. NaN where no supply is reached.
    """
    supplied = ~np.isnan(distance_km)
    order, children = _top_down(parent, supplied)
    longest = float(np.nanmax(distance_km)) if supplied.any() else 0.0
    step = (longest or 1.0) / 50
    x = np.full(len(parent), np.nan)
    for bus in order:
        above = int(parent[bus])
        x[bus] = distance_km[bus] if above < 0 else max(float(distance_km[bus]), x[above] + step)
    return np.column_stack([x, _heights(order, children, len(parent)) * step])


def _top_down(parent: NDArray[np.int64], supplied: NDArray[np.bool_]) -> tuple[list[int], list[list[int]]]:
    """Buses from the supply outwards, a branch at a time, and the buses below each."""
    children: list[list[int]] = [[] for _ in parent]
    stack = []
    for bus in np.flatnonzero(supplied)[::-1].tolist():
        if parent[bus] >= 0:
            children[parent[bus]].insert(0, bus)
        else:
            stack.append(bus)
    order = []
    while stack:
        bus = stack.pop()
        order.append(bus)
        stack.extend(reversed(children[bus]))
    return order, children


def _heights(order: list[int], children: list[list[int]], n_bus: int) -> NDArray[np.float64]:
    """Leaves at 0, -1, -2 ...; a bus with branches at the mean of them."""
    y = np.full(n_bus, np.nan)
    leaves = [bus for bus in order if not children[bus]]
    y[leaves] = -np.arange(len(leaves), dtype=float)
    for bus in reversed(order):
        if children[bus]:
            y[bus] = sum(y[below] for below in children[bus]) / len(children[bus])
    return y


def read_points(cells: Sequence[Any]) -> NDArray[np.float64] | None:
    """Coordinates from a column of GeoJSON points; None where any is missing or no point.

    Returns
    -------
    ndarray of float64, shape (n_bus, 2), or None
    """
    points = [_point(cell) for cell in cells]
    found = [point for point in points if point is not None]
    if not found or len(found) < len(points):
        return None
    return np.array(found, dtype=np.float64)


def _point(cell: Any) -> tuple[float, float] | None:
    """x and y of one GeoJSON point."""
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError):
            return None
    if not isinstance(cell, dict) or cell.get("type") != "Point":
        return None
    coordinates = cell.get("coordinates")
    if not isinstance(coordinates, list | tuple) or len(coordinates) < 2:
        return None
    x, y = coordinates[0], coordinates[1]
    if not isinstance(x, int | float) or not isinstance(y, int | float) or not np.isfinite([x, y]).all():
        return None
    return float(x), float(y)
