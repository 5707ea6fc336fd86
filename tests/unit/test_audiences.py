"""Who hears whose offers: by hand on a small feeder, and against distances worked out another way."""

from __future__ import annotations

import numpy as np

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


def test_distances_are_lengths_of_lines() -> None:
    away = PLACES.distances_km(np.arange(6))
    assert np.allclose(away, away.T)
    assert np.allclose(away[0], [0, 0.7, 0.6, 0.7, 0.7, 0.3], atol=1e-6)
    assert np.allclose(away[3], [0.7, 1.0, 0.1, 0, 0, 0.4], atol=1e-6)


def test_the_nearest_are_the_first_by_distance_and_then_by_number() -> None:
    assert Nearest(peers=2).listeners(PLACES) == [(2, 5), (0, 5), (3, 4), (2, 4), (2, 3), (0, 2)]
    assert Nearest(peers=99).listeners(PLACES) == Everybody().listeners(PLACES)


def test_distances_on_a_random_tree_are_sums_over_the_path() -> None:
    rng = np.random.Generator(np.random.Philox(4))
    n = 40
    above = [int(rng.integers(0, k)) for k in range(1, n)]
    length = rng.uniform(0.01, 0.3, n - 1)
    edges = [Edge(k, a, float(x)) for k, a, x in zip(range(1, n), above, length, strict=True)]
    tree = shortest_tree(n, edges, [0])

    def way(bus: int) -> list[int]:
        return [bus] if bus == 0 else [bus, *way(above[bus - 1])]

    places = FeederPlaces(tree, range(n))
    away = places.distances_km(np.arange(n))
    for one in range(n):
        for other in range(n):
            apart = set(way(one)) ^ set(way(other))
            assert abs(away[one, other] - sum(length[bus - 1] for bus in apart)) < 1e-6


def test_only_everybody_grows_with_the_square() -> None:
    most = {name: AUDIENCES[name]().most_listeners(1001) for name in AUDIENCES}
    assert most == {"everybody": 1000, "same_branch": 1000, "nearest": 10, "broker": 1}
