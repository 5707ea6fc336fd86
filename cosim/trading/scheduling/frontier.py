"""Partial schedules, appliance by appliance, all of one depth at once, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.trading.scheduling.choices import Choices
from cosim.trading.scheduling.shadow_prices import Relaxation

_HUGE = 1e15
"""Stands for an infinite slack, which cannot be multiplied by 0."""


@dataclass(frozen=True, eq=False)
class Frontier:
    """Schedules of all listed appliances that may still be better than the best one known."""

    ways: NDArray[np.int64]
    """How each listed appliance runs. Shape (n, n_listed)."""
    levels: NDArray[np.int64]
    """The level of each hour. Shape (n, n_hours)."""
    loss: NDArray[np.float64]
    """At least so much less than the relaxation's bound each is worth, EUR. Shape (n,)."""
    largest: int
    """Most partial schedules held at any depth."""


def expand(choices: Choices, relaxation: Relaxation, gap: float, limit: int) -> Frontier | None:
    """List every schedule of the listed appliances that loses less than `gap` against the bound.

    Parameters
    ----------
    choices : Choices
        What is to be decided.
    relaxation : Relaxation
        Bound, regrets and slacks at some prices.
    gap : float
        How much a schedule may lose, EUR.
    limit : int
        Give up when there are more partial schedules than this.

    Returns
    -------
    Frontier or None
        None if it gave up.
    """
    n_hours, n_listed = choices.n_hours, len(choices.ways)
    hours = np.arange(n_hours)
    kept = [np.flatnonzero(regrets < gap) for regrets in relaxation.regrets]
    least = _least_slack(choices, relaxation, kept)
    levels = np.zeros((1, n_hours), dtype=np.int64)
    regret = np.zeros(1)
    ways = np.zeros((1, 0), dtype=np.int64)
    loss = regret + least[0][levels, hours].sum(axis=1)
    largest = 1
    for number in range(n_listed):
        plus, table, open_ways = choices.levels.plus[number], least[number + 1], kept[number]
        rows = choices.ways[number][open_ways]
        off = table[levels, hours]
        # A way adds, in the hours it covers, the slack of the level above less that of the level itself.
        step = table[plus[levels], hours] - off
        total = step @ rows.T
        total += (regret + off.sum(axis=1))[:, None]
        total += relaxation.regrets[number][open_ways]
        parent, child = np.nonzero(total < gap)
        if len(parent) > limit:
            return None
        largest = max(largest, len(parent))
        loss = total[parent, child]
        regret = regret[parent] + relaxation.regrets[number][open_ways[child]]
        above = levels[parent]
        levels = np.where(rows[child] > 0, plus[above], above)
        ways = np.concatenate([ways[parent], open_ways[child][:, None]], axis=1)
    return Frontier(ways, levels, loss, largest)


def _least_slack(
    choices: Choices, relaxation: Relaxation, kept: list[NDArray[np.int64]]
) -> list[NDArray[np.float64]]:
    """Least slack of each level and hour over what the appliances from each depth on may add.

    Entry k has shape (n_levels, n_hours) and holds for partial schedules of the first k listed appliances.
    """
    table = np.minimum(relaxation.slack.min(axis=0), _HUGE)
    tables = [table]
    for number in range(len(kept) - 1, -1, -1):
        reachable = choices.ways[number][kept[number]].any(axis=0)
        added = table[choices.levels.plus[number]]
        table = np.where(reachable, np.minimum(table, added), table)
        tables.append(table)
    return tables[::-1]
