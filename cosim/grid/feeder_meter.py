"""What the feeder meter shows: what it measures, or the same all the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Shown = TypeVar("Shown")


class FeederMeter(Generic[Shown]):
    """One display of the feeder meter.

    Parameters
    ----------
    at_value : callable, optional
        What it shows where it sticks at a value; without it, it sticks at what it showed last in any case.

    Attributes
    ----------
    shown : object or None
        What it showed last.
    sticks : int
        How many faults make it stick; it follows what is measured while there is none.
    """

    def __init__(self, at_value: Callable[[float], Shown] | None = None) -> None:
        self._at_value = at_value
        self.shown: Shown | None = None
        self.sticks = 0

    def stick(self, value: float | None) -> None:
        """Show the same from now on: what it showed last, or where it can show it the value given."""
        self.sticks += 1
        if value is not None and self._at_value is not None:
            self.shown = self._at_value(value)

    def release(self) -> None:
        """Follow what is measured again, unless another fault makes it stick."""
        self.sticks -= 1

    def read(self, measured: Shown) -> Shown:
        """What it shows; one that sticks from the start shows the first measurement."""
        if self.sticks == 0 or self.shown is None:
            self.shown = measured
        return self.shown
