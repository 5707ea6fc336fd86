"""Who bears what an island cannot balance: by declared priority, and among equals in proportion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.core.population import Population

Array = NDArray[np.float64]


def ranks(first: Sequence[str], population: Population) -> list[NDArray[np.int64]]:
    """Households by who comes first: a class for each group that is named, then all others together."""
    groups = {group.name: group for group in population.groups}
    classes = [np.array(groups[name].members, dtype=np.int64) for name in first]
    others = [m for group in population.groups if group.name not in first for m in group.members]
    return [*classes, np.array(others, dtype=np.int64)]


def shared(total: float, most: Array, classes: Sequence[NDArray[np.int64]]) -> Array:
    """What each bears of a total, shape (n,).

    Parameters
    ----------
    total : float
        What is to be borne; as much of it as all together can.
    most : ndarray, shape (n,)
        What each can bear.
    classes : sequence of ndarray of int
        Who comes first; a class bears what it can before the next one bears anything.
    """
    borne = np.zeros_like(most)
    for members in classes:
        able = float(most[members].sum())
        if total <= 0 or able <= 0:
            continue
        share = min(total / able, 1.0)
        borne[members] = share * most[members]
        total -= min(total, able)
    return borne
