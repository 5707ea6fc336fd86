"""How a household averages its own decisions: for ever (paper A (3), (16), (17)) or with a memory that fades.

Operators only, so that a float and an array give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from cosim.core.filters import weight_of_newest
from cosim.regulation.agent_schema import CumulativeAverage, ExponentialAverage

FloatOrArray: TypeAlias = Any
"""A float, or a float64 array over households: the same operators work on both, to the same bits."""


class Average(Protocol):
    """A rule that takes one more outcome into an average."""

    def update(self, average: FloatOrArray, outcome: FloatOrArray, k: FloatOrArray) -> FloatOrArray:
        """The average after step k+1.

        Parameters
        ----------
        average : float or ndarray
            x̄(k), the average up to step `k`.
        outcome : float or ndarray
            x(k+1), what the household did (what was delivered) in step k+1.
        k : int or ndarray
            Index of the last step in `average`, from 0; a household that joined later has its own.
        """


@dataclass(frozen=True, slots=True)
class Cumulative:
    """The mean of all steps so far (paper A (16), Algorithm 2)."""

    def update(self, average: FloatOrArray, outcome: FloatOrArray, k: FloatOrArray) -> FloatOrArray:
        """x̄(k+1) = (k+1)/(k+2)·x̄(k) + 1/(k+2)·x(k+1), in the order in which Algorithm 2 prints it."""
        return (k + 1) / (k + 2) * average + 1 / (k + 2) * outcome


@dataclass(frozen=True, slots=True)
class Exponential:
    """A mean that forgets at a fixed rate.

    Attributes
    ----------
    weight : float
        Weight of the newest step, in (0, 1].
    """

    weight: float

    def update(self, average: FloatOrArray, outcome: FloatOrArray, k: FloatOrArray) -> FloatOrArray:
        """x̄(k+1) = x̄(k) + w·(x(k+1) − x̄(k)); `k` does not matter."""
        return average + self.weight * (outcome - average)


def build_average(config: CumulativeAverage | ExponentialAverage) -> Average:
    """The rule that a configuration names."""
    if isinstance(config, ExponentialAverage):
        return Exponential(weight_of_newest(config.time_constant_steps))
    return Cumulative()
