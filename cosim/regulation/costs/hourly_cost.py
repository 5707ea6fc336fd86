"""A cost with numbers by the hour of the day."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from cosim.config.base import MAX_PARTS, Finite, Items, Text
from cosim.config.choice import Choice
from cosim.config.hours import HOURS, one_an_hour
from cosim.core.clock import MS_PER_HOUR
from cosim.regulation.costs.interface import COSTS, LASTING, ChangingCost, Cost

Numbers = Annotated[Items[Finite], AfterValidator(one_an_hour)]


@COSTS.register("hourly")
class HourlyCost(ChangingCost):
    """A cost some of whose numbers change with the hour of the day."""

    cost: Annotated[Cost, Choice(LASTING)]
    """The cost; one that does not change itself."""
    by_hour: Annotated[dict[Text, Numbers], Field(max_length=MAX_PARTS)]
    """Which of its keys change: for each 24 numbers in place of its own, the first from 00:00 to 01:00 in the
    scenario's clock."""

    @field_validator("by_hour")
    @classmethod
    def _suits(cls, by_hour: dict[str, Numbers], info: ValidationInfo) -> dict[str, Numbers]:
        cost = info.data.get("cost")
        if cost is None:  # it has an error of its own
            return by_hour
        keys = [key for key in type(cost).model_fields if key != "kind"]
        if not by_hour:
            raise ValueError("no number changes; name a key of the cost, or give the cost itself")
        for key in by_hour:
            if key not in keys:
                raise ValueError(f"the cost '{cost.kind}' has no key '{key}'; it has {', '.join(keys)}")
        for hour in range(HOURS):
            try:
                _with(cost, by_hour, hour)
            except ValidationError as error:
                first = error.errors()[0]
                number = first["loc"][0]  # what follows is the form of a value
                message = f"{number} from {hour:02}:00 on is {first['input']}, and {first['msg']}"
                raise ValueError(f"{message}; correct number {hour + 1} of the {HOURS}") from None
        return by_hour

    @cached_property
    def parts(self) -> tuple[tuple[str, Cost], ...]:
        """One an hour."""
        return tuple(("by_hour", _with(self.cost, self.by_hour, hour)) for hour in range(HOURS))

    def over(self, duration_ms: int, start: datetime) -> list[tuple[int, int]]:
        """Hour after hour of the scenario's clock."""
        first = start.replace(minute=0, second=0, microsecond=0)
        begun_ms = (start - first) // timedelta(milliseconds=1)
        n_hours = -(-(duration_ms + begun_ms) // MS_PER_HOUR)
        return [
            (max(0, number * MS_PER_HOUR - begun_ms), (first.hour + number) % HOURS)
            for number in range(n_hours)
        ]


def _with(cost: Cost, by_hour: dict[str, Numbers], hour: int) -> Cost:
    """A cost with the numbers of an hour."""
    given = {key: getattr(cost, key) for key in type(cost).model_fields}
    return type(cost).model_validate(given | {key: each[hour] for key, each in by_hour.items()})
