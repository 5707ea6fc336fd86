"""Configuration of ties: two communities, the buses where they meet, and how much may pass.

Paper A, section 2: communities may exchange resources with each other. What one sells is what the other
takes.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import model_validator

from cosim.config.base import (
    MAX_KWH,
    Fraction,
    Model,
    Name,
    NonNegativePrice,
    Number,
    PositiveCount,
    PositiveKilowatts,
    Range,
)
from cosim.grid.schema import BusRef


class TieEnd(Model):
    """One end of a tie: a resource of a community, and the bus where it is connected."""

    community: Name
    """The community."""
    resource: Name
    """Its resource that passes over the tie; its capacity is of the kind `over_tie`."""
    unit_kwh: Annotated[Number, Range(0, MAX_KWH, above_low=True)] | None = None
    """What a unit of it is over the tie, kWh; that of the resource by default."""
    bus: BusRef | None = None
    """The bus where the tie ends, by index or name; needed where there is a grid."""


class TieConfig(Model):
    """A controlled connection (two converters, back to back) over which one community sells to another.

    In each step the seller's platform offers at its signal, and the buyer's answers with a quantity: more
    than the last one where the sum of their marginal costs is below 0, less where it is above. The converter
    carries what the seller has an answer to, and nothing once the newest answer is older than `valid_steps`.
    """

    name: Name
    """Its name."""
    seller: TieEnd
    """Who sells."""
    buyer: TieEnd
    """Who takes it."""
    limit_kw: PositiveKilowatts
    """Largest power, kW."""
    price: NonNegativePrice = 0.15
    """What the buyer's community pays for a kWh, EUR/kWh."""
    share: Fraction = 0.05
    """Step of the agreement: share of the quantity that would close the gap between the marginal costs, by
    the curvature of both communities' costs [1]."""
    valid_steps: PositiveCount = 4
    """For how many steps an answer holds [steps]."""

    @model_validator(mode="after")
    def _joins_two(self) -> Self:
        if self.seller.community == self.buyer.community:
            raise ValueError("a tie of a community to itself; name two communities")
        return self
