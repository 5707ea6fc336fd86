"""What the feeder meter shows: what it measures, or the same all the time."""

from __future__ import annotations


class Gauge:
    """One display of the feeder meter.

    Parameters
    ----------
    is_aggregate : bool
        Whether it shows the aggregate of each resource; else voltages and loadings.
    n_values : int
        How many values it shows.

    Attributes
    ----------
    shown : tuple of float or None
        What it showed last.
    sticks : int
        How many faults make it stick; it follows what is measured while there is none.
    """

    def __init__(self, is_aggregate: bool, n_values: int) -> None:
        self._is_aggregate = is_aggregate
        self._n_values = n_values
        self.shown: tuple[float, ...] | None = None
        self.sticks = 0

    def stick(self, value: float | None) -> None:
        """Show the same from now on: what it showed last, or of an aggregate the value given."""
        self.sticks += 1
        if value is not None and self._is_aggregate:
            self.shown = (value,) * self._n_values

    def read(self, measured: tuple[float, ...]) -> tuple[float, ...]:
        """What it shows; one that sticks from the start shows the first measurement."""
        if self.sticks == 0 or self.shown is None:
            self.shown = measured
        return self.shown
