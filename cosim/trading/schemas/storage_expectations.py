"""Configuration of what a household expects of the market when it plans its battery."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, model_validator

from cosim.config.base import Items, Model, Probability
from cosim.config.hours import HOURS, one_an_hour

Places = Probability | Annotated[Items[Probability], AfterValidator(one_an_hour)]
"""A place from feed-in price (0) to grid price (1), or one for each hour of the day."""


class StorageConfig(Model):
    """What a household expects of the market when it plans a battery with `scheduled_by: energy_value`.

    Prices are given by their place between what feeding in earns (0) and what the grid costs (1).
    """

    sells_at: Places = 0.5
    """At what price it expects to sell; one place, or 24 by hour. With 0 the battery serves its own home."""
    buys_at: Places = 1.0
    """At what price it expects to buy; with 1, of the grid."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        below = np.flatnonzero(self.places("buys_at") < self.places("sells_at")).tolist()
        if below:
            raise ValueError(
                f"in hour {below[0]} buys_at is below sells_at: a household that expects to buy for less "
                "than it sells would do both at once; raise buys_at, or lower sells_at"
            )
        return self

    def places(self, side: Literal["sells_at", "buys_at"], per_hour: int = 1) -> NDArray[np.float64]:
        """The places of a side by market interval, shape (24 · per_hour,)."""
        return np.repeat(np.broadcast_to(np.asarray(getattr(self, side), dtype=np.float64), HOURS), per_hour)
