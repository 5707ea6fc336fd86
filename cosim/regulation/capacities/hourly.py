"""A capacity by the hour of the day, and perhaps by the month."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from cosim.config.base import Items, NonNegative
from cosim.config.hours import one_a_month, one_an_hour
from cosim.regulation.capacities.interface import CAPACITIES, Capacity


@CAPACITIES.register("hourly")
class HourlyCapacity(Capacity):
    """A capacity for each hour of the day."""

    by_hour: Annotated[Items[NonNegative], AfterValidator(one_an_hour)]
    """24 capacities; the first holds from 00:00 to 01:00 in the scenario's clock [units per step]."""
    by_month: Annotated[Items[NonNegative], AfterValidator(one_a_month)] | None = None
    """12 factors on them, January to December; none by default [1]."""

    def at(self, elapsed_ms: int, start: datetime) -> float:
        """Of the hour, times the factor of the month."""
        moment = start + timedelta(milliseconds=elapsed_ms)
        value = self.by_hour[moment.hour]
        return value if self.by_month is None else value * self.by_month[moment.month - 1]

    def greatest(self) -> float:
        """Of the hour and the month with the largest."""
        return max(self.by_hour) * max(self.by_month or (1.0,))

    def over(self, elapsed_ms: NDArray[np.int64], start: datetime) -> NDArray[np.float64]:
        """The same as arrays."""
        moments = np.datetime64(start.replace(tzinfo=None), "ms") + elapsed_ms.astype("timedelta64[ms]")
        values = np.array(self.by_hour)[moments.astype("datetime64[h]").astype(np.int64) % 24]
        if self.by_month is not None:
            values = values * np.array(self.by_month)[moments.astype("datetime64[M]").astype(np.int64) % 12]
        return np.asarray(values)
