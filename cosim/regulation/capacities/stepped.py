"""A capacity that changes at given times."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from cosim.config.base import Hours, Items, Model, NonNegative
from cosim.core.clock import MS_PER_HOUR, to_ms
from cosim.regulation.capacities.interface import CAPACITIES, Capacity


class CapacityStep(Model):
    """A capacity that holds from an hour on, until the next one."""

    from_h: Hours
    """From when on, since the scenario's start [h]."""
    value: NonNegative
    """The capacity [units per step]."""


@CAPACITIES.register("stepped")
class SteppedCapacity(Capacity):
    """A capacity that changes at given times."""

    steps: Annotated[Items[CapacityStep], Field(min_length=1)]
    """The capacities, in chronological order; the first from 0 h on."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        times = [step.from_h for step in self.steps]
        if times[0] != 0:
            raise ValueError("there is no capacity at the start; let the first step begin at from_h: 0")
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError(
                "from_h must increase from one step to the next; put the steps in chronological order"
            )
        return self

    def at(self, elapsed_ms: int, start: datetime) -> float:
        """Of the last step that has begun."""
        return self.steps[max(0, bisect_right(self._times_ms(), elapsed_ms) - 1)].value

    def greatest(self) -> float:
        """Of all steps."""
        return max(step.value for step in self.steps)

    def over(self, elapsed_ms: NDArray[np.int64], start: datetime) -> NDArray[np.float64]:
        """The same as arrays."""
        place = np.searchsorted(self._times_ms(), elapsed_ms, side="right") - 1
        return np.array([step.value for step in self.steps])[np.maximum(place, 0)]

    def _times_ms(self) -> list[int]:
        return [to_ms(step.from_h, MS_PER_HOUR) for step in self.steps]
