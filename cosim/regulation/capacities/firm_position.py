"""A capacity that a local firm sets from its position: how full its battery is."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from cosim.config.base import NonNegative, Probability
from cosim.regulation.capacities.interface import CAPACITIES
from cosim.regulation.capacities.told import ToldCapacity


@CAPACITIES.register("firm_position")
class FirmPosition(ToldCapacity):
    """A capacity that a local firm sets from the state of charge of its battery, between two values."""

    empty: NonNegative
    """While the firm's battery is at `soc_empty` or below [units per step]."""
    full: NonNegative
    """While it is at `soc_full` or above; in between in proportion [units per step]."""
    soc_empty: Probability = 0.2
    """State of charge at which the firm counts as empty [1]."""
    soc_full: Probability = 0.9
    """State of charge at which it counts as full [1]."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.soc_empty >= self.soc_full:
            raise ValueError("soc_empty is not below soc_full; swap or correct them")
        return self

    def of(self, soc: float) -> float:
        """The capacity at a state of charge, units per step."""
        share = min(max((soc - self.soc_empty) / (self.soc_full - self.soc_empty), 0.0), 1.0)
        return self.empty + share * (self.full - self.empty)

    def expected(self) -> float:
        """Half-way between the two."""
        return (self.empty + self.full) / 2

    def greatest(self) -> float:
        """The larger of the two."""
        return max(self.empty, self.full)
