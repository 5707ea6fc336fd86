"""Where households are on the feeder: on which branch, and how far from each other along the lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from heapq import heappop, heappush
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from cosim.grid.bus_positions import Tree

_TRAFO_KM = 1e-9
"""Length of what has none, so that it counts as a connection."""


class FeederPlaces:
    """Households on the tree of their feeder; see `Places`.

    Parameters
    ----------
    tree : Tree
        The feeder's.
    columns : sequence of int
        Position of each household's bus.
    """

    def __init__(self, tree: Tree, columns: Sequence[int]) -> None:
        self._tree = tree
        self._columns = np.asarray(columns, dtype=np.int64)

    @property
    def size(self) -> int:
        """Number of households."""
        return len(self._columns)

    def branches(self) -> NDArray[np.int64]:
        """Position of the first bus of each household's branch, next to the busbar."""
        parent, distance_km = self._tree.parent, self._tree.distance_km
        found: dict[int, int] = {}
        for bus in np.unique(self._columns).tolist():
            at, above = bus, int(parent[bus])
            while above >= 0 and 0 < distance_km[above] < distance_km[at]:
                at, above = above, int(parent[above])
            found[bus] = at
        return np.array([found[bus] for bus in self._columns.tolist()], dtype=np.int64)

    def nearest(self, count: int) -> list[tuple[int, ...]]:
        """See `Places.nearest`.

        From each bus the search goes outwards, the nearest bus first, and ends once so many households lie
        behind it; so the work grows with the households and not with their square.
        """
        nearest_first = {
            bus: self._outwards(bus, count + 1) for bus in np.unique(self._columns).tolist()
        }  # one more, for a household is itself among those at its bus
        heard = []
        for household, bus in enumerate(self._columns.tolist()):
            others = [other for other in nearest_first[bus] if other != household]
            heard.append(tuple(sorted(others[:count])))
        return heard

    def _outwards(self, start: int, count: int) -> list[int]:
        """The first so many households around a bus; of those equally far the lower numbers first."""
        found: list[tuple[float, int]] = []
        reached: set[int] = set()
        ways = [(0.0, start)]
        while ways and not (len(found) >= count and ways[0][0] > found[-1][0]):
            away_km, bus = heappop(ways)
            if bus in reached:
                continue
            reached.add(bus)
            found += [(away_km, household) for household in self._at_bus.get(bus, ())[:count]]
            for other, length_km in self._next[bus]:
                if other not in reached:
                    heappush(ways, (away_km + length_km, other))
        nearest = [household for _, household in sorted(found)]
        there = set(nearest)
        beyond = (other for other in range(self.size) if other not in there)
        return nearest[:count] + list(islice(beyond, max(0, count - len(nearest))))

    @cached_property
    def _at_bus(self) -> dict[int, list[int]]:
        """Households at each bus, in ascending order."""
        at_bus = defaultdict(list)
        for household, bus in enumerate(self._columns.tolist()):
            at_bus[bus].append(household)
        return dict(at_bus)

    @cached_property
    def _next(self) -> list[list[tuple[int, float]]]:
        """Neighbours of each bus on the tree, and how far they are, km."""
        parent, distance_km = self._tree.parent, self._tree.distance_km
        neighbours: list[list[tuple[int, float]]] = [[] for _ in parent]
        below = np.flatnonzero(parent >= 0)
        above = parent[below]
        length_km = np.maximum(distance_km[below] - distance_km[above], _TRAFO_KM)
        for bus, other, away_km in zip(below.tolist(), above.tolist(), length_km.tolist(), strict=True):
            neighbours[bus].append((other, away_km))
            neighbours[other].append((bus, away_km))
        return neighbours
