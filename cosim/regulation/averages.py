"""How a household averages its own decisions: for ever (paper A (3), (16), (17)) or with a memory that fades.

Operators only, so that a float and an array give the same bits.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import fsum
from typing import Annotated, Any, TypeAlias

from cosim.config.base import Integer, Model, Positive, Range
from cosim.core.filters import weight_of_newest
from cosim.core.registry import Registry

FloatOrArray: TypeAlias = Any
"""A float, or a float64 array over households: the same operators work on both, to the same bits."""


class Average(Model):
    """A rule that takes one more outcome into an average."""

    kind: str = ""

    @property
    def window(self) -> int:
        """How many of the last outcomes it needs one by one; 0 for none."""
        return 0

    @abstractmethod
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


AVERAGES: Registry[Average] = Registry("average", Average)  # type: ignore[type-abstract]
"""Averages by name."""


@AVERAGES.register("cumulative")
class CumulativeAverage(Average):
    """The mean of all steps so far (paper A (3), (17)). It never forgets."""

    def update(self, average: FloatOrArray, outcome: FloatOrArray, k: FloatOrArray) -> FloatOrArray:
        """x̄(k+1) = (k+1)/(k+2)·x̄(k) + 1/(k+2)·x(k+1), in the order in which Algorithm 2 prints it."""
        return cumulative(average, outcome, k)


@AVERAGES.register("exponential")
class ExponentialAverage(Average):
    """A mean that forgets: weight 1 − exp(−1/T) on the newest step. For capacities that change."""

    time_constant_steps: Positive
    """T, the number of steps after which a step's weight has fallen to 1/e [steps]."""

    @cached_property
    def weight(self) -> float:
        """Weight of the newest step, in (0, 1]."""
        return weight_of_newest(self.time_constant_steps)

    def update(self, average: FloatOrArray, outcome: FloatOrArray, k: FloatOrArray) -> FloatOrArray:
        """x̄(k+1) = x̄(k) + w·(x(k+1) − x̄(k)); `k` does not matter."""
        return fading(average, outcome, self.weight)


@AVERAGES.register("window")
class WindowAverage(Average):
    """The mean of the last W steps alone; while there are fewer, of all steps including x(0)."""

    window_steps: Annotated[Integer, Range(1, 10_000)]
    """W, how many steps count, all with the same weight [steps]."""

    @property
    def window(self) -> int:
        """W."""
        return self.window_steps

    def update(self, average: FloatOrArray, outcome: FloatOrArray, k: FloatOrArray) -> FloatOrArray:
        """As `cumulative` while the window is not full; then the oldest of it leaves, see `window_mean`."""
        return cumulative(average, outcome, k)


def cumulative(average: FloatOrArray, outcome: FloatOrArray, k: FloatOrArray) -> FloatOrArray:
    """The mean of k+2 outcomes, from that of all but the newest."""
    return (k + 1) / (k + 2) * average + 1 / (k + 2) * outcome


def fading(average: FloatOrArray, outcome: FloatOrArray, weight: float) -> FloatOrArray:
    """The mean in which the newest outcome has this weight."""
    return average + weight * (outcome - average)


def window_mean(past: Sequence[Sequence[float]]) -> list[float]:
    """The mean of the outcomes of each resource, exact but for one rounding."""
    return [fsum(each) / len(past) for each in zip(*past, strict=True)]
