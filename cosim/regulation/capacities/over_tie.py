"""A capacity that follows what two communities have agreed to exchange over a tie."""

from __future__ import annotations

from cosim.config.base import NonNegative
from cosim.regulation.capacities.interface import CAPACITIES
from cosim.regulation.capacities.told import ToldCapacity


@CAPACITIES.register("over_tie")
class OverTie(ToldCapacity):
    """A capacity of its own, and on top of it what passes over a tie to or from another community."""

    own: NonNegative = 0.0
    """Without the tie [units per step]."""
    expected_over_tie: NonNegative
    """What is expected over the tie; the controller is designed for it on top of `own` [units per step]."""

    def expected(self) -> float:
        """Both."""
        return self.own + self.expected_over_tie

    def greatest(self) -> float:
        """Both: more is the agreement's to answer for."""
        return self.expected()
