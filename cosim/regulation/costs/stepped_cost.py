"""A cost that changes at given times."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from cosim.config.base import Hours, Items, Model
from cosim.config.choice import Choice
from cosim.core.clock import MS_PER_HOUR, to_ms
from cosim.regulation.costs.interface import COSTS, LASTING, ChangingCost, Cost


class CostStep(Model):
    """A cost that holds from an hour on, until the next one."""

    from_h: Hours
    """From when on, since the scenario's start [h]."""
    cost: Annotated[Cost, Choice(LASTING)]
    """The cost; one that does not change itself."""


@COSTS.register("stepped")
class SteppedCost(ChangingCost):
    """A cost that changes at given times.

    A household's number that is drawn is drawn once: where two steps have the same distribution at the same
    key, it has the same number in both.
    """

    steps: Annotated[Items[CostStep], Field(min_length=1)]
    """The costs, in chronological order; the first from 0 h on."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        times = [step.from_h for step in self.steps]
        if times[0] != 0:
            raise ValueError("there is no cost at the start; let the first step begin at from_h: 0")
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError(
                "from_h must increase from one step to the next; put the steps in chronological order"
            )
        return self

    @property
    def parts(self) -> tuple[tuple[str, Cost], ...]:
        """One a step."""
        return tuple((f"steps.{number}.cost", step.cost) for number, step in enumerate(self.steps))

    def over(self, duration_ms: int, start: datetime) -> list[tuple[int, int]]:
        """Those that begin before the run ends."""
        times = [to_ms(step.from_h, MS_PER_HOUR) for step in self.steps]
        return [(time_ms, number) for number, time_ms in enumerate(times) if time_ms < duration_ms]
