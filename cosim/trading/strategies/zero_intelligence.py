"""Zero intelligence: traders who draw their prices, and never lose; and those who add a little (ZIP)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from cosim.config.base import Fraction, FractionBelowOne, Probability
from cosim.trading.clearing.grains import GRAIN_KWH
from cosim.trading.strategies.strategy_interface import (
    BUYING,
    SELLING,
    Array,
    Chosen,
    Greedy,
    Lesson,
)


@BUYING.register("zero_intelligence")
@SELLING.register("zero_intelligence")
class ZeroIntelligence(Greedy):
    """A price drawn anew for every hour, anywhere at which nothing is lost (ZI-C).

    D. K. Gode and S. Sunder, Allocative efficiency of markets with zero-intelligence traders, Journal of
    Political Economy 101 (1993), 119-137: with a budget constraint. A seller's cost is what feeding in earns,
    a buyer's value what the energy is worth to it.
    """

    def greed(self, n_hours: int, uniforms: Array, memory: Array) -> tuple[Array, Chosen | None]:
        """See `Greedy.greed`: uniform."""
        return uniforms, None


@BUYING.register("zip")
@SELLING.register("zip")
class ZeroIntelligencePlus(Greedy):
    """A price that rises after all was sold and falls after something was not, hour by hour (ZIP).

    D. Cliff, Minimal-intelligence agents for bargaining behaviors in market-based environments, report
    HPL-97-91 of Hewlett-Packard Laboratories (1997): zero intelligence plus, the Widrow–Hoff rule with
    momentum towards a price beside the last one, ``Γ ← m Γ + (1 - m) b (τ - p)``, ``p ← p + Γ``, where
    τ = R q + A. There traders hear every offer of a continuous auction. Here a market clears once for each
    hour, and a household hears of its own orders: after all of them passed q is the price that they passed
    at, R on [1, 1.05] and A on [0, 0.05] of the scale; after some did not, q is its own price, R on [0.95, 1]
    and A on [-0.05, 0]. A buyer's price counts from the other end of the scale.
    """

    learns: ClassVar[bool] = True

    initial_greed: Probability = 0.2
    """With what greed it begins; Cliff draws margins from 0.05 to 0.35."""
    learning_rate: Fraction = 0.3
    """b: how far a day takes it towards τ."""
    momentum: FractionBelowOne = 0.05
    """m: how much of the last change is repeated."""

    def first_memory(self, n_hours: int) -> Array:
        """The greed of each hour, then the last change Γ of each."""
        return np.concatenate([np.full(n_hours, self.initial_greed), np.zeros(n_hours)])

    def greed(self, n_hours: int, uniforms: Array, memory: Array) -> tuple[Array, Chosen | None]:
        """See `Greedy.greed`."""
        return memory[:n_hours], Chosen(0, 1.0)

    def learn(self, memory: Array, chosen: Chosen, lesson: Lesson, uniforms: Array) -> Array:
        """See `Remembering.learn`; hours without orders teach nothing."""
        own, change = np.split(memory, 2)
        all_passed = lesson.passed_kwh > lesson.ordered_kwh - GRAIN_KWH
        above = (1 + 0.05 * uniforms[0]) * lesson.kept + 0.05 * uniforms[1]
        below = (1 - 0.05 * uniforms[0]) * own - 0.05 * uniforms[1]
        target = np.where(all_passed, above, below)
        new = self.momentum * change + (1 - self.momentum) * self.learning_rate * (target - own)
        taught = (lesson.ordered_kwh > 0) & np.isfinite(target)
        new = np.where(taught, new, change)
        return np.concatenate([np.where(taught, np.clip(own + new, 0.0, 1.0), own), new])
