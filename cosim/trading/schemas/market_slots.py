"""The intervals that a market trades: hours, half hours or quarter hours."""

from __future__ import annotations

from typing import NamedTuple

from cosim.config.hours import HOURS
from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR


class MarketSlots(NamedTuple):
    """Of how many intervals an hour and a day consist.

    Where numbers of them stand in code and messages as ``hour``, they count these intervals.
    """

    per_hour: int = 1
    """1, 2 or 4."""

    @property
    def per_day(self) -> int:
        """How many a day has."""
        return HOURS * self.per_hour

    @property
    def length_ms(self) -> int:
        """Length of one, ms."""
        return MS_PER_HOUR // self.per_hour

    @property
    def length_h(self) -> float:
        """Length of one, h."""
        return 1.0 / self.per_hour

    def of_day(self, day: int) -> slice:
        """Those of a day, counted from the start of the run."""
        return slice(day * self.per_day, (day + 1) * self.per_day)

    def number(self, at_ms: int) -> int:
        """In which of its day an instant lies, given in ms since the start of any day."""
        return at_ms % MS_PER_DAY // self.length_ms


HOURLY = MarketSlots()
"""A market of hours."""
