"""The modified Roth–Erev rule: what earned more is chosen more often."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.config.base import FractionBelowOne, Integer, Positive, Range
from cosim.trading.strategies.strategy_interface import (
    BUYING,
    SELLING,
    Array,
    Chosen,
    Greedy,
    Lesson,
)


@BUYING.register("roth_erev")
@SELLING.register("roth_erev")
class RothErev(Greedy):
    """Reinforcement: a day's greed is drawn in proportion to what each choice has earned (Roth–Erev).

    I. Erev and A. Roth, Predicting how people play games, American Economic Review 88 (1998); modified by J.
    Nicolaisen, V. Petrov and L. Tesfatsion, Market power and efficiency in a computational electricity
    market with discriminatory double-auction pricing, IEEE Trans. Evolutionary Computation 5 (2001),
    504-523.
    """

    learns: ClassVar[bool] = True

    choices: Annotated[Integer, Range(2, 100)] = 10
    """Number of places to choose from, evenly spread between feed-in price and grid price."""
    experimentation: FractionBelowOne = 0.2
    """e: how much of a reward goes to the choices not made."""
    recency: FractionBelowOne = 0.1
    """r: share of what was learnt that is forgotten from day to day."""
    initial_propensity: Positive = 1.0
    """s(0), what every choice begins with; a day's best possible reward is 1."""

    def first_memory(self, n_hours: int) -> Array:
        """The propensities, shape (choices,)."""
        return np.full(self.choices, self.initial_propensity)

    def greed(self, n_hours: int, uniforms: Array, memory: Array) -> tuple[Array, Chosen | None]:
        """See `Greedy.greed`: one for all hours of the day."""
        number = int(choose(memory[None, :], uniforms[:1])[0])
        chosen = Chosen(number, float(memory[number] / memory.sum()))
        return np.full(n_hours, positions(self.choices)[number]), chosen

    def learn(self, memory: Array, chosen: Chosen, lesson: Lesson, uniforms: Array) -> Array:
        """See `Remembering.learn`."""
        return np.asarray(learn(self, memory[None, :], np.array([chosen.number]), [lesson.reward])[0])


def positions(choices: int) -> NDArray[np.float64]:
    """The places between feed-in price and grid price that a learner chooses from, shape (choices,)."""
    return np.asarray((np.arange(choices) + 0.5) / choices)


def choose(propensities: NDArray[np.float64], uniforms: ArrayLike) -> NDArray[np.int64]:
    """Each household's choice, with a probability in proportion to its propensity.

    Parameters
    ----------
    propensities : ndarray, shape (n_households, choices)
        At least 0, not all 0 in a row.
    uniforms : array_like, shape (n_households,)
        Numbers on [0, 1), one a household.

    Returns
    -------
    ndarray of int, shape (n_households,)
    """
    below = np.cumsum(propensities, axis=1)
    target = np.asarray(uniforms, dtype=np.float64) * below[:, -1]
    return np.asarray(np.minimum((below <= target[:, None]).sum(axis=1), propensities.shape[1] - 1))


def learn(
    rule: RothErev, propensities: NDArray[np.float64], chosen: NDArray[np.int64], rewards: ArrayLike
) -> NDArray[np.float64]:
    """Propensities after a day: the modified Roth–Erev rule.

    ``q_j ← (1 - r) q_j + reward · (1 - e)`` for the choice made, and ``(1 - r) q_j + q_j e / (choices - 1)``
    for the others (Nicolaisen, Petrov and Tesfatsion, 2001).

    Parameters
    ----------
    rule : RothErev
        r (recency), e (experimentation).
    propensities : ndarray, shape (n_households, choices)
        Before; not changed.
    chosen : ndarray of int, shape (n_households,)
        What each chose; below 0 for a household that offered nothing, and learns nothing.
    rewards : array_like, shape (n_households,)
        At least 0, see `reward`.

    Returns
    -------
    ndarray, shape (n_households, choices)
    """
    gain = np.asarray(rewards, dtype=np.float64)
    keep, spread = 1 - rule.recency, rule.experimentation / (rule.choices - 1)
    after = propensities * (keep + spread)
    row = np.arange(len(propensities))
    after[row, chosen] = propensities[row, chosen] * keep + gain * (1 - rule.experimentation)
    return np.where((chosen >= 0)[:, None], after, propensities)
