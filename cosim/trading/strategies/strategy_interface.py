"""What a strategy is, of a seller who asks and of a buyer who bids: pure; what it remembers is an array.

A price has a place on the market's own scale: 0 at what feeding in earns, 1 at what the grid's kWh costs.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Model
from cosim.core.errors import Problem
from cosim.core.registry import Registry
from cosim.trading.strategies.price_band import prices_at

Array = NDArray[np.float64]
EDGE = 1e-9
"""Places of asks keep this distance from both ends: κ lies in an open interval (12)."""


class Chosen(NamedTuple):
    """What a learner chose, to be learnt from when it is known what it earned."""

    number: int
    """Of its choices; 0 for one that has none."""
    probability: float
    """With which it chose that."""


class Lesson(NamedTuple):
    """What became of a day's orders."""

    reward: float
    """What trading gained, as a share of the most that the orders could have gained; 0 ... 1."""
    ordered_kwh: Array
    passed_kwh: Array
    """What was ordered, and what was bought or sold of it. Shape (n_hours,)."""
    kept: Array
    """The share of the scale that the household kept by the price of what passed: for a seller the place of
    the price, for a buyer 1 less that; NaN where nothing passed. Shape (n_hours,)."""


class Remembering(Model):
    """What strategies of sellers and buyers have in common; one that learns nothing defines none of it."""

    kind: str = ""
    learns: ClassVar[bool] = False
    """Whether it remembers anything."""

    def first_memory(self, n_hours: int) -> Array:
        """What it knows before it begins; one number after the other."""
        return np.zeros(0)

    def learn(self, memory: Array, chosen: Chosen, lesson: Lesson, uniforms: Array) -> Array:
        """What it knows after a day.

        Parameters
        ----------
        memory : ndarray
            What it knew before; not changed.
        chosen : Chosen
            What it had chosen for that day.
        lesson : Lesson
            What became of it.
        uniforms : ndarray, shape (2, n_hours)
            Numbers on [0, 1), for who perturbs what it learns.
        """
        return memory


class SellingStrategy(Remembering):
    """At what price a household offers its generation."""

    @abstractmethod
    def asks(
        self, feed_in: Array, grid: Array, uniforms: Array, memory: Array
    ) -> tuple[Array, Chosen | None]:
        """Prices of a day, EUR/kWh; NaN where nothing is offered.

        Parameters
        ----------
        feed_in, grid : ndarray, shape (n_hours,)
            What feeding in earns, and what a buyer would pay the grid, EUR/kWh.
        uniforms : ndarray, shape (n_hours,)
            Numbers on [0, 1), drawn for the household and day; who makes one choice a day takes the first.
        memory : ndarray
            What it remembers.

        Returns
        -------
        prices : ndarray, shape (n_hours,)
        chosen : Chosen or None
            What to learn from; None for who does not.
        """

    def problems(self, feed_in: Array, grid: Array) -> list[Problem]:
        """What of its keys fits no hour of a run, or not all, by key."""
        return []


class BuyingStrategy(Remembering):
    """At what price a household bids for what its own generation does not cover.

    Attributes
    ----------
    as_one : bool
        Whether it bids for all load of an hour at once, whatever each part is worth to it.
    """

    as_one: ClassVar[bool] = False

    @abstractmethod
    def places(self, worth: Array, uniforms: Array, memory: Array) -> tuple[Array, Chosen | None]:
        """The places of its bids.

        Parameters
        ----------
        worth : ndarray, shape (n_parts, n_hours)
            What each part of the load is worth to it, as a place: 1 where it would else pay the grid.
        uniforms, memory
            As for `SellingStrategy.asks`.

        Returns
        -------
        places : ndarray, shape (n_parts, n_hours)
        chosen : Chosen or None
            What to learn from; None for who does not.
        """


class Greedy(SellingStrategy, BuyingStrategy):
    """A strategy for either side that decides by how much of what trading gains it keeps for itself.

    With greed 0 a seller asks what feeding in earns it and a buyer bids what the energy is worth to it; with
    greed 1 a seller asks the grid's price and a buyer bids the feed-in price. So nobody loses by a trade.
    """

    @abstractmethod
    def greed(self, n_hours: int, uniforms: Array, memory: Array) -> tuple[Array, Chosen | None]:
        """Greed by hour, 0 ... 1, shape (n_hours,), and what to learn from."""

    def asks(
        self, feed_in: Array, grid: Array, uniforms: Array, memory: Array
    ) -> tuple[Array, Chosen | None]:
        """See `SellingStrategy.asks`."""
        greed, chosen = self.greed(len(grid), uniforms, memory)
        return prices_at(np.clip(greed, EDGE, 1 - EDGE), feed_in, grid), chosen

    def places(self, worth: Array, uniforms: Array, memory: Array) -> tuple[Array, Chosen | None]:
        """See `BuyingStrategy.places`."""
        greed, chosen = self.greed(worth.shape[1], uniforms, memory)
        return worth * (1 - greed), chosen


SELLING: Registry[SellingStrategy] = Registry("selling strategy", SellingStrategy)  # type: ignore[type-abstract]
"""Strategies of sellers by name: `bidding`."""
BUYING: Registry[BuyingStrategy] = Registry("buying strategy", BuyingStrategy)  # type: ignore[type-abstract]
"""Strategies of buyers by name: `buying`."""
