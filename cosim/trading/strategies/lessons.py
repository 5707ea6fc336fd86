"""What households learn from: what became of the orders of a day, and who remembers what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.trading.strategies.strategy_interface import Array, Chosen, Lesson, Remembering


def selling_reward(
    sold_kwh: ArrayLike,
    offered_kwh: ArrayLike,
    price: ArrayLike,
    feed_in_price: ArrayLike,
    grid_price: ArrayLike,
) -> float:
    """What a day's sales earned beyond feeding in, as a share of the most they could have earned; 0 ... 1.

    Parameters
    ----------
    sold_kwh, offered_kwh : array_like, shape (n_hours,)
        Energy sold to other households and offered to them.
    price, feed_in_price, grid_price : array_like, shape (n_hours,)
        EUR/kWh; hours without a margin or an offer do not count, whatever their price.

    Returns
    -------
    float
        1 if all was sold at the grid's price, 0 if nothing was sold.
    """
    iep, grid = np.asarray(feed_in_price, dtype=np.float64), np.asarray(grid_price, dtype=np.float64)
    margin = np.maximum(grid - iep, 0.0)
    possible = float(np.sum(np.asarray(offered_kwh) * margin))
    if possible <= 0:
        return 0.0
    earned = np.where(np.asarray(sold_kwh) > 0, np.asarray(sold_kwh) * (np.asarray(price) - iep), 0.0)
    return max(0.0, float(np.sum(earned)) / possible)


def sellers_lesson(
    reward: float, ordered_kwh: Array, sold_kwh: Array, price: Array, feed_in: Array, grid: Array
) -> Lesson:
    """What a seller learns from.

    Parameters
    ----------
    reward : float
        See `selling_reward`.
    ordered_kwh, sold_kwh : ndarray, shape (n_hours,)
        What it offered and did not use itself, and what it sold of that.
    price, feed_in, grid : ndarray, shape (n_hours,)
        What it got, what feeding in earns, the highest price that a buyer would pay, EUR/kWh.
    """
    return Lesson(reward, ordered_kwh, sold_kwh, _place(price, feed_in, grid, sold_kwh))


def buyers_lesson(ordered_kwh: Array, bought_kwh: Array, price: Array, feed_in: Array, grid: Array) -> Lesson:
    """What a buyer learns from: what it paid less than the grid's price, as a share of the most.

    Parameters
    ----------
    ordered_kwh, bought_kwh : ndarray, shape (n_hours,)
        What it bid for, and what it bought of that.
    price, feed_in, grid : ndarray, shape (n_hours,)
        What it paid; the lowest that a seller would take; what it pays the grid, EUR/kWh.
    """
    possible = float(np.sum(ordered_kwh * np.maximum(grid - feed_in, 0.0)))
    saved = float(np.sum(np.where(bought_kwh > 0, bought_kwh * (grid - price), 0.0)))
    reward = min(1.0, max(0.0, saved / possible)) if possible > 0 else 0.0
    return Lesson(reward, ordered_kwh, bought_kwh, 1 - _place(price, feed_in, grid, bought_kwh))


def _place(price: Array, feed_in: Array, grid: Array, passed_kwh: Array) -> Array:
    """The place of prices between feed-in price and grid price; NaN where nothing passed."""
    margin = grid - feed_in
    known = (passed_kwh > 0) & (margin > 0)
    place = np.full(len(margin), np.nan)
    np.divide(price - feed_in, margin, out=place, where=known)
    return place


class Learners:
    """What the households of one side of the market have learnt, and what they chose.

    Parameters
    ----------
    strategies : sequence of Remembering
        By household.
    n_hours : int
        Hours of a day.

    Attributes
    ----------
    memory : dict of int to ndarray
        By household, of those that learn.
    chosen : dict of int to dict of int to Chosen
        By day and household, until it is known what it earned.
    """

    def __init__(self, strategies: Sequence[Remembering], n_hours: int) -> None:
        self._strategies = strategies
        self._n_hours = n_hours
        self._nothing = np.zeros(0)
        self.memory = {
            household: each.first_memory(n_hours) for household, each in enumerate(strategies) if each.learns
        }
        self.chosen: dict[int, dict[int, Chosen]] = {}

    def known(self, household: int) -> Array:
        """What a household remembers; nothing, of one that does not learn."""
        return self.memory.get(household, self._nothing)

    def keep(self, day: int, household: int, chosen: Chosen | None) -> None:
        """Remember what a household chose for a day."""
        if chosen is not None:
            self.chosen.setdefault(day, {})[household] = chosen

    def of(self, day: int) -> list[tuple[int, Chosen]]:
        """Who chose what for a day, to be learnt from once."""
        return sorted(self.chosen.pop(day, {}).items())

    def learn(self, household: int, chosen: Chosen, lesson: Lesson, uniforms: NDArray[np.float64]) -> None:
        """Let a household learn."""
        strategy, before = self._strategies[household], self.memory[household]
        self.memory[household] = strategy.learn(before, chosen, lesson, uniforms)

    def lose(self, household: int) -> None:
        """A household has lost what it learnt, and what it chose for days that are not settled."""
        for choices in self.chosen.values():
            choices.pop(household, None)
        if household in self.memory:
            self.memory[household] = self._strategies[household].first_memory(self._n_hours)

    def forget(self, day: int) -> None:
        """Drop a settled day."""
        self.chosen.pop(day, None)
