"""Who hears whose offers: by hand on a small feeder, and against distances worked out another way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from cosim.grid.bus_positions import Edge, shortest_tree
from cosim.trading.audiences import AUDIENCES
from cosim.trading.audiences.neighbours import Everybody, Nearest, SameBranch
from cosim.trading.feeder_places import FeederPlaces

# 0 grid ─trafo─ 1 busbar ─0.1─ 2 ─0.2─ 3
#                   │            └0.5─ 4
#                   └─0.3─ 5 ─0.1─ 6
EDGES = [
    Edge(0, 1, 0.0, is_trafo=True), Edge(1, 2, 0.1), Edge(2, 3, 0.2), Edge(2, 4, 0.5), Edge(1, 5, 0.3),
    Edge(5, 6, 0.1),
]  # fmt: skip
TREE = shortest_tree(7, EDGES, [0])
PLACES = FeederPlaces(TREE, [3, 4, 5, 6, 6, 1])


def test_branches_begin_behind_the_busbar() -> None:
    assert PLACES.branches().tolist() == [2, 2, 5, 5, 5, 1]
    assert SameBranch().listeners(PLACES) == [(1,), (0,), (3, 4), (2, 4), (2, 3), ()]


def test_the_nearest_are_the_first_by_distance_and_then_by_number() -> None:
    assert Nearest(peers=2).listeners(PLACES) == [(2, 5), (0, 5), (3, 4), (2, 4), (2, 3), (0, 2)]
    assert Nearest(peers=99).listeners(PLACES) == Everybody().listeners(PLACES)


def random_places(rng: np.random.Generator) -> tuple[FeederPlaces, NDArray[np.float64]]:
    """Households on a random tree, one line in eight open; and how far apart they are.

    Distances are SciPy's (Dijkstra) between all buses, infinite where nothing leads.
    """
    n = int(rng.integers(2, 40))
    edges = [
        Edge(int(rng.integers(0, k)), k, float(rng.integers(0, 4) / 8))  # eighths: many are equally far
        for k in range(1, n)
        if rng.uniform() > 0.125
    ]
    tree = shortest_tree(n, edges, [0])
    ways = np.zeros((n, n))
    for edge in edges:
        if tree.supplied[edge.first]:
            ways[edge.first, edge.second] = max(edge.length_km, 1e-9)
    columns = rng.integers(0, n, int(rng.integers(1, 60)))
    away_km = dijkstra(csr_array(ways), directed=False)
    return FeederPlaces(tree, columns.tolist()), away_km[np.ix_(columns, columns)]


def test_the_nearest_are_those_of_all_distances_sorted() -> None:
    rng = np.random.Generator(np.random.Philox(4))
    for _ in range(200):
        places, away_km = random_places(rng)
        np.fill_diagonal(away_km, np.inf)
        peers = int(rng.integers(1, 12))
        ranked = np.argsort(away_km, axis=1, kind="stable").tolist()
        others = [[other for other in row if other != own] for own, row in enumerate(ranked)]
        assert Nearest(peers=peers).listeners(places) == [tuple(sorted(row[:peers])) for row in others]


def test_only_everybody_grows_with_the_square() -> None:
    most = {name: AUDIENCES[name]().most_listeners(1001) for name in AUDIENCES}
    assert most == {"everybody": 1000, "same_branch": 1000, "nearest": 10, "broker": 1}
