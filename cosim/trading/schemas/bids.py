"""Configuration of the prices that households ask: κ of paper B (11)–(13)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cosim.config.base import Fraction, FractionBelowOne, Integer, Model, OpenFraction, Positive, Range


class RandomBids(Model):
    """κ drawn anew for every hour, as in paper B's case study."""

    strategy: Literal["random"] = "random"
    """Uniform between `low` and `high`."""
    low: OpenFraction | None = None
    """Smallest κ; φ^IEP by default."""
    high: Fraction = 1.0
    """Largest κ, itself not drawn."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low is not None and self.low >= self.high:
            raise ValueError(f"low {self.low:g} must be below high {self.high:g}")
        return self


class FixedBids(Model):
    """The same κ always."""

    strategy: Literal["fixed"]
    """One κ for every hour."""
    kappa: OpenFraction
    """κ, in (φ^IEP, 1)."""


class LearningBids(Model):
    """κ learnt from what was earned with it: the modified Roth–Erev rule.

    I. Erev and A. Roth, Predicting how people play games, American Economic Review 88 (1998); modified by J.
    Nicolaisen, V. Petrov and L. Tesfatsion, Market power and efficiency in a computational electricity
    market with discriminatory double-auction pricing, IEEE Trans. Evolutionary Computation 5 (2001),
    504-523.
    """

    strategy: Literal["learning"]
    """Modified Roth–Erev reinforcement."""
    choices: Annotated[Integer, Range(2, 100)] = 10
    """Number of κ to choose from, evenly spread over (φ^IEP, 1)."""
    experimentation: FractionBelowOne = 0.2
    """e: how much of a reward goes to the choices not made."""
    recency: FractionBelowOne = 0.1
    """r: share of what was learnt that is forgotten from day to day."""
    initial_propensity: Positive = 1.0
    """s(0), what every choice begins with; a day's best possible reward is 1."""


BiddingConfig = Annotated[RandomBids | FixedBids | LearningBids, Field(discriminator="strategy")]
"""`{strategy: random}`, `{strategy: fixed, kappa: 0.5}` or `{strategy: learning}`."""
