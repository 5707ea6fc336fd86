"""Configuration of the energy-value market (paper B: Lotfi et al., 2019), and of households' values."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from cosim.config.base import Integer, Model, Range
from cosim.config.choice import Choice as OneOf
from cosim.config.values import (
    AnyValue,
    Choice,
    Each,
    NonNegativeValue,
    PositiveKilowattsValue,
    UniformInt,
    Value,
    bounds,
)
from cosim.trading.schemas.appliances import AppliancesConfig, TableIAppliances
from cosim.trading.schemas.forecasts import ForecastConfig, PerfectForecast
from cosim.trading.schemas.retailers import TariffsConfig
from cosim.trading.schemas.rules import TradingRulesConfig
from cosim.trading.schemas.storage_expectations import StorageConfig
from cosim.trading.schemas.tariffs import PricesConfig
from cosim.trading.strategies.kappa_asks import RandomAsks
from cosim.trading.strategies.strategy_interface import BUYING, SELLING, BuyingStrategy, SellingStrategy
from cosim.trading.strategies.true_values import ValueBids


def _whole(value: AnyValue) -> AnyValue:
    numbers: tuple[float, ...]
    match value:
        case UniformInt():
            return value
        case Choice(choice=numbers) | Each(each=numbers):
            pass
        case float() | int():
            numbers = (float(value),)
        case _:
            raise ValueError("rigidity is a whole number; give one, or uniform_int, choice or each")
    if any(number != int(number) for number in numbers):
        raise ValueError("rigidity is a whole number; round it")
    return value


class RigidityConfig(Model):
    """How much preferences weigh against cost, paper B (7) and (8)."""

    rigidity: Annotated[Value, AfterValidator(_whole)] = 3
    """R, a whole number from 1 (cost alone counts) to `rigidity_max`; or drawn for each household."""
    rigidity_max: Annotated[Integer, Range(3, 1_000)] = 5
    """R_max, more than 2."""
    gamma_b: NonNegativeValue = 1.0
    """γ_b: at R = R_max, the most preferred hour is worth (1 + γ_b) times the grid's price."""

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        low, high = bounds(self.rigidity)
        if low < 1 or high > self.rigidity_max:
            raise ValueError(
                f"rigidity reaches from {low:g} to {high:g}; keep it within 1 to rigidity_max = "
                f"{self.rigidity_max}, or raise that"
            )
        return self


class TradingConfig(Model):
    """How a household takes part in the energy-value market."""

    appliances: AppliancesConfig = TableIAppliances()
    """What it schedules."""
    values: RigidityConfig = RigidityConfig()
    """How much its preferences weigh against cost."""
    bidding: Annotated[SellingStrategy, OneOf(SELLING)] = RandomAsks()
    """At what price it offers its generation; without effect where `rules.clearing` sets the prices."""
    buying: Annotated[BuyingStrategy, OneOf(BUYING)] = ValueBids()
    """At what price it bids in a double auction for what its own generation does not cover; posted offers
    know no bids."""
    load_forecast: ForecastConfig = PerfectForecast()
    """What it knows of its own load when it schedules."""
    pv_forecast: ForecastConfig = PerfectForecast()
    """What it knows of its own generation when it offers."""
    storage: StorageConfig = StorageConfig()
    """What it expects of the market when it plans its battery."""
    contracted_power_kw: PositiveKilowattsValue = 10.35
    """Largest load of an hour, kW. (Paper B writes kWh; it is a power.)"""
    solver: Literal["exact", "greedy"] = "exact"
    """How it schedules: the best schedule, or one appliance after the other."""
    search_limit: Annotated[int, Field(ge=1, le=10_000_000)] | None = 1000
    """With `exact`: after how many subproblems, of 5 to 10 ms each for a day of Table I, it takes the best
    schedule known, and `schedule_gap_max_eur` says how far from the best it may be. A limit on work, not on
    time: the result is the same on every machine. null: continues until it is proved."""


class EnergyValueConfig(Model):
    """The energy-value market: prices, and how households take part unless they say otherwise."""

    prices: PricesConfig
    """Grid price and feed-in price."""
    household: TradingConfig = TradingConfig()
    """How a household takes part, unless its group has `trading` of its own."""
    tariffs: TariffsConfig | None = None
    """Retailers of some groups, local days, grid fees and taxes; by default there are none."""
    rules: TradingRulesConfig = TradingRulesConfig()
    """The rule by which energy is scheduled, traded and settled, and the timetable of trading."""

    @property
    def has_operator(self) -> bool:
        """Whether households trade by orders to an operator."""
        return self.rules.has_operator
