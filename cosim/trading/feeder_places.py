"""Where households are on the feeder: on which branch, and how far from each other along the lines."""

from __future__ import annotations

from collections.abc import Sequence

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

    def distances_km(self, households: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `Places.distances_km`; infinite where no closed way leads from one to the other."""
        from scipy.sparse import coo_array  # takes long to load, and few runs need it
        from scipy.sparse.csgraph import dijkstra

        parent, distance_km = self._tree.parent, self._tree.distance_km
        below = np.flatnonzero(parent >= 0)
        above = parent[below]
        length_km = np.maximum(distance_km[below] - distance_km[above], _TRAFO_KM)
        ways = coo_array((length_km, (below, above)), shape=(len(parent), len(parent)))
        buses, place = np.unique(self._columns[households], return_inverse=True)
        from_each = dijkstra(ways.tocsr(), directed=False, indices=buses)
        return np.asarray(from_each[place][:, self._columns])
