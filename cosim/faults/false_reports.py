"""What a household says instead of what it did: lies, and meters that stick."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Lie = Callable[[Sequence[float]], tuple[float, ...]]
"""From what was delivered of each resource to what is reported of it."""


def constant(value: float, delivered: Sequence[float]) -> tuple[float, ...]:
    """The same for every resource, whatever was done."""
    return (value,) * len(delivered)


def inverted(delivered: Sequence[float]) -> tuple[float, ...]:
    """A unit for none, none for a unit."""
    return tuple(1 - one for one in delivered)


def scaled(factor: float, delivered: Sequence[float]) -> tuple[float, ...]:
    """So many times what was done."""
    return tuple(factor * one for one in delivered)


def stuck(shown: tuple[float, ...], delivered: Sequence[float]) -> tuple[float, ...]:
    """What a meter showed last."""
    return shown


class FalseReports:
    """What households say in place of what they did; given to the channel of their reports.

    Attributes
    ----------
    lies : dict of int to dict of str to Lie
        By household: what it says, by the name of the fault that makes it so. Several apply in turn.
    last : dict of int to tuple of float
        What each household reported last.
    """

    def __init__(self) -> None:
        self.lies: dict[int, dict[str, Lie]] = {}
        self.last: dict[int, tuple[float, ...]] = {}

    def distort(self, household: int, delivered: tuple[float, ...]) -> tuple[float, ...]:
        """What a household reports of what it delivered."""
        for lie in self.lies.get(household, {}).values():
            delivered = lie(delivered)
        self.last[household] = delivered
        return delivered
