"""EXP3: choices by exponential weights, for who learns of his own choice alone, whatever the others do."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from cosim.config.base import Fraction, Integer, Range
from cosim.trading.strategies.roth_erev import choose, positions
from cosim.trading.strategies.strategy_interface import (
    BUYING,
    SELLING,
    Array,
    Chosen,
    Greedy,
    Lesson,
)


@BUYING.register("exp3")
@SELLING.register("exp3")
class ExponentialWeights(Greedy):
    """Exponential weights with exploration: little regret, even against an adversary (EXP3).

    P. Auer, N. Cesa-Bianchi, Y. Freund and R. E. Schapire, The nonstochastic multiarmed bandit problem, SIAM
    J. Computing 32 (2002), 48-77: over any rewards in [0, 1] the best single choice earns at most
    ``(e - 1) γ G + K ln K / γ`` more, where G is what that choice earns and K the number of choices. A day is
    chosen for before the day before it is settled, so learning lags by a day.
    """

    learns: ClassVar[bool] = True

    choices: Annotated[Integer, Range(2, 100)] = 10
    """K, number of places to choose from, evenly spread between feed-in price and grid price."""
    exploration: Fraction = 0.2
    """γ: how often a choice is drawn with equal chances for all."""

    def first_memory(self, n_hours: int) -> Array:
        """Logarithms of the weights, shape (choices,); the largest is always 0."""
        return np.zeros(self.choices)

    def probabilities(self, memory: Array) -> Array:
        """How likely each choice is, shape (choices,)."""
        weights = np.exp(memory)
        return np.asarray((1 - self.exploration) * weights / weights.sum() + self.exploration / self.choices)

    def greed(self, n_hours: int, uniforms: Array, memory: Array) -> tuple[Array, Chosen | None]:
        """See `Greedy.greed`: one for all hours of the day."""
        likely = self.probabilities(memory)
        number = int(choose(likely[None, :], uniforms[:1])[0])
        return np.full(n_hours, positions(self.choices)[number]), Chosen(number, float(likely[number]))

    def learn(self, memory: Array, chosen: Chosen, lesson: Lesson, uniforms: Array) -> Array:
        """See `Remembering.learn`: the reward over its probability is what the choice is thought to earn."""
        after = memory.copy()
        after[chosen.number] += self.exploration * lesson.reward / (chosen.probability * self.choices)
        return np.asarray(after - after.max())
