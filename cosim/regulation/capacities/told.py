"""Capacities that the platform is told while the run goes on: by a local firm, by what platforms agree."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime

from cosim.regulation.capacities.interface import Capacity


class ToldCapacity(Capacity):
    """A capacity that others set; until the first message about it arrives, the expected one holds."""

    @abstractmethod
    def expected(self) -> float:
        """What the controller is designed for, units per step, and what holds until the platform is told."""

    def at(self, elapsed_ms: int, start: datetime) -> float:
        """The expected one; what the platform is told takes its place."""
        return self.expected()
