"""Configuration of what a household knows of the day to come."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cosim.config.base import FractionBelowOne, Integer, Model, Number, Range


class PerfectForecast(Model):
    """The day to come is known."""

    kind: Literal["perfect"] = "perfect"
    """The true values."""


class PersistenceForecast(Model):
    """The day to come is like an earlier one; before there is one, the day is known."""

    kind: Literal["persistence"]
    """What was."""
    days: Annotated[Integer, Range(1, 28)] = 1
    """How many days earlier: 1 for yesterday, 7 for the same day of last week."""


class ErrorForecast(Model):
    """The day to come with an error: value · (1 + bias + e), at least 0.

    e is a stationary first-order autoregressive series over the day's hours (Box and Jenkins), of its own
    for each household, day and quantity.
    """

    kind: Literal["error"]
    """The true values with an error."""
    bias: Annotated[Number, Range(-1, 1_000, above_low=True)] = 0.0
    """Mean of the relative error."""
    std: Annotated[Number, Range(0, 1_000)] = 0.2
    """Standard deviation of e, as a share of the value."""
    correlation: FractionBelowOne = 0.7
    """Correlation of e from hour to hour."""


ForecastConfig = Annotated[PerfectForecast | PersistenceForecast | ErrorForecast, Field(discriminator="kind")]
"""`{kind: perfect}`, `{kind: persistence}` or `{kind: error, std: 0.2}`."""
