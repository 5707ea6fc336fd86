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


class ValueBuying(Model):
    """By the energy value of each appliance (paper B (4)), on the scale of the market's own prices."""

    strategy: Literal["energy_value"] = "energy_value"
    """An appliance at an hour is worth P^G and more, ζ = μγ + P^G; nobody bids more than the grid's price. So
    what ζ exceeds it by, as a share of γ_b P^G, that is μ(R − 1)/(R_max − 1), is the place of the bid between
    the feed-in price and the grid's. The rest of the load, which is not scheduled, bids the grid's price."""


class GridPriceBuying(Model):
    """Always the grid's price: what a kWh saves whoever would else buy it there."""

    strategy: Literal["grid_price"]
    """The most that anybody would pay."""


class RandomBuying(Model):
    """Anywhere between feed-in price and grid price, drawn anew for every hour.

    D. K. Gode and S. Sunder, Allocative efficiency of markets with zero-intelligence traders, Journal of
    Political Economy 101 (1993), 119-137: traders who draw their bids at random, but never at a loss.
    """

    strategy: Literal["random"]
    """Zero intelligence, constrained."""


BuyingConfig = Annotated[ValueBuying | GridPriceBuying | RandomBuying, Field(discriminator="strategy")]
"""`{strategy: energy_value}`, `{strategy: grid_price}` or `{strategy: random}`."""
