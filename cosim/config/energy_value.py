"""Configuration of the energy-value market (paper B: Lotfi et al., 2019): appliances, values, prices, bids.

Hours are counted from 0: hour t is from t:00 to t+1:00. Paper B counts from 1, so its hour 20 is hour 19
here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from cosim.config.base import (
    Finite,
    LocalPath,
    Model,
    Name,
    NonNegative,
    Positive,
    PositiveCount,
    Probability,
)
from cosim.config.trading import TradingRulesConfig
from cosim.config.values import (
    AnyValue,
    Choice,
    Each,
    NonNegativeValue,
    PositiveValue,
    UniformInt,
    Value,
    bounds,
)

HOURS = 24
"""Hours of a day that are scheduled together."""

# --- preferences ---------------------------------------------------------------------------------------

PatternName = Literal[
    "any_time",
    "space_heaters",
    "oven_and_stove",
    "clothes_iron",
    "clothes_dryer",
    "clothes_washer",
    "dishwasher",
    "refrigerator",
    "entertainment",
]
"""Named preferences: the columns of paper B's Table III, and one that does not care."""

Preference = Annotated[float, Field(ge=1, le=3, allow_inf_nan=False)]


def _one_an_hour(numbers: tuple[float, ...]) -> tuple[float, ...]:
    # Not min_length: that counts the valid entries only, and so a bad entry would be two problems.
    if len(numbers) != HOURS:
        raise ValueError(
            f"{HOURS} numbers are needed, one for each hour of the day, and these are {len(numbers)}"
        )
    return numbers


# Each digit is an hour, 0 to 23: paper B, Table III, columns α₁ to α₈; α₉, the base load, is `any_time`.
_PATTERNS: dict[PatternName, str] = {
    "any_time": "111111111111111111111111",
    "space_heaters": "111111111111111222222111",
    "oven_and_stove": "111111111111111111232111",
    "clothes_iron": "111111111111111112321111",
    "clothes_dryer": "111111222222222211111111",
    "clothes_washer": "111111111111111111233211",
    "dishwasher": "111111112333332111111111",
    "refrigerator": "111111111111233311111111",
    "entertainment": "111111111111111111333333",
}


def preferences_of(preferences: PatternName | tuple[float, ...]) -> tuple[float, ...]:
    """The 24 preferences, 1 ... 3, that a name or a list stands for."""
    if isinstance(preferences, str):
        return tuple(float(digit) for digit in _PATTERNS[preferences])
    return preferences


def _pattern_or_list(raw: Any) -> str:
    return "pattern" if isinstance(raw, str) else "list"


Preferences = Annotated[
    Annotated[PatternName, Tag("pattern")]
    | Annotated[tuple[Preference, ...], AfterValidator(_one_an_hour), Tag("list")],
    Discriminator(_pattern_or_list),
]
"""A pattern by name, or 24 numbers from 1 (lowest) to 3 (highest)."""

# --- appliances ----------------------------------------------------------------------------------------


class ApplianceConfig(Model):
    """An appliance that is scheduled, at a constant power for whole hours."""

    name: Name
    """Name of the appliance."""
    power_kw: Positive
    """Power while it runs, kW."""
    duration_h: Annotated[int, Field(ge=1, le=HOURS)]
    """Length of a run, whole hours."""
    contiguous: bool = True
    """Whether a run is in one piece; if not, its hours may lie anywhere in the window."""
    earliest_start_h: Annotated[int, Field(ge=0, lt=HOURS)] = 0
    """Hour of the day before which it does not run."""
    latest_end_h: Annotated[int, Field(ge=1, le=HOURS)] = HOURS
    """Hour of the day after which it does not run."""
    runs_per_day: PositiveCount = 1
    """Number of runs a day; they do not overlap."""
    preferences: Preferences = "any_time"
    """How gladly it runs in each hour: 24 numbers from 1 (lowest) to 3 (highest), or a pattern's name."""

    @model_validator(mode="after")
    def _fits_its_window(self) -> Self:
        window_h = self.latest_end_h - self.earliest_start_h
        needed_h = self.duration_h * self.runs_per_day
        if window_h <= 0:
            raise ValueError(
                f"the window ends at {self.latest_end_h} h and begins at {self.earliest_start_h} h; "
                "windows do not reach over midnight, so let it end later in the day"
            )
        if needed_h > window_h:
            raise ValueError(
                f"{needed_h} h of running do not fit into a window of {window_h} h; widen the window by "
                "earliest_start_h and latest_end_h, or lower duration_h or runs_per_day"
            )
        return self


def _table_i(name: str, power_kw: float, duration_h: int, preferences: PatternName, contiguous: bool) -> Any:
    return ApplianceConfig(
        name=name, power_kw=power_kw, duration_h=duration_h, preferences=preferences, contiguous=contiguous
    )


TABLE_I: tuple[ApplianceConfig, ...] = (
    _table_i("space_heaters", 3.0, 6, "space_heaters", True),
    _table_i("oven_and_stove", 2.0, 2, "oven_and_stove", True),
    _table_i("clothes_iron", 1.0, 1, "clothes_iron", True),
    _table_i("clothes_dryer", 3.0, 3, "clothes_dryer", True),
    _table_i("clothes_washer", 1.0, 3, "clothes_washer", True),
    _table_i("dishwasher", 2.0, 1, "dishwasher", True),
    _table_i("refrigerator", 0.5, 20, "refrigerator", False),
    _table_i("entertainment", 0.4, 4, "entertainment", True),
    _table_i("base_load", 2.0, 24, "any_time", False),
)
"""The nine appliances of paper B's Table I with their preferences of Table III.

The refrigerator may pause: 20 hours in one piece would leave it five starts. Table IV shows it in hours 1
to 19.
"""


class TableIAppliances(Model):
    """The nine appliances of paper B's Table I with the preferences of its Table III."""

    kind: Literal["table_1"] = "table_1"
    """Paper B's Table I."""
    base_load: bool = True
    """Whether its base load of 2 kW is there; leave it out where a load profile stands for it."""


class ListedAppliances(Model):
    """Appliances one by one, the same in every household."""

    kind: Literal["list"]
    """Listed here."""
    appliances: Annotated[tuple[ApplianceConfig, ...], Field(min_length=1)]
    """The appliances."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [appliance.name for appliance in self.appliances]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two appliances are called {', '.join(twice)}; give each a name of its own")
        return self


class GeneratedAppliances(Model):
    """A population drawn by seed: who owns what, when it is liked to run, and on which days it does.

    Ownership, cycles a year, cycle lengths and powers are those of StROBe (R. Baetens and D. Saelens,
    Modelling uncertainty in district energy simulations by stochastic residential occupant behaviour, J.
    Building Performance Simulation 9, 2016; `Data/Appliances.py` of github.com/open-ideas/StROBe). Hours are
    the patterns of paper B's Table III, shifted for each household.
    """

    kind: Literal["generated"]
    """Drawn by seed."""
    power_spread: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Powers are uniform within this share above and below the source's."""
    habit_shift_h: Annotated[int, Field(ge=0, le=6)] = 2
    """Preferences are shifted by up to so many hours, earlier or later."""
    space_heater_share: Probability = 0.0
    """Share of households with the space heaters of Table I; the source has none."""
    ownership: Annotated[dict[str, Probability], Field(default_factory=dict)]
    """Share of households that own an appliance, by its name, instead of the source's."""


class NoAppliances(Model):
    """Nothing to schedule: such a household offers what it generates and buys what its profile draws."""

    kind: Literal["none"]
    """No appliances."""


AppliancesConfig = Annotated[
    TableIAppliances | ListedAppliances | GeneratedAppliances | NoAppliances, Field(discriminator="kind")
]
"""`{kind: table_1}`, `{kind: list, appliances: [...]}`, `{kind: generated}` or `{kind: none}`."""

# --- values --------------------------------------------------------------------------------------------


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
            raise ValueError("rigidity is a whole number: give one, or uniform_int, choice or each")
    if any(number != int(number) for number in numbers):
        raise ValueError("rigidity is a whole number")
    return value


class RigidityConfig(Model):
    """How much preferences weigh against cost, paper B (7) and (8)."""

    rigidity: Annotated[Value, AfterValidator(_whole)] = 3
    """R, a whole number from 1 (cost alone counts) to `rigidity_max`; or drawn for each household."""
    rigidity_max: Annotated[int, Field(gt=2)] = 5
    """R_max, more than 2."""
    gamma_b: NonNegativeValue = 1.0
    """γ_b: at R = R_max, the most preferred hour is worth (1 + γ_b) times the grid's price."""

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        low, high = bounds(self.rigidity)
        if low < 1 or high > self.rigidity_max:
            raise ValueError(
                f"rigidity reaches from {low:g} to {high:g}, and must lie in 1 ... "
                f"rigidity_max = {self.rigidity_max}"
            )
        return self


# --- prices --------------------------------------------------------------------------------------------


class HourlyPrice(Model):
    """A price for each hour of the day."""

    by_hour: Annotated[tuple[Finite, ...], AfterValidator(_one_an_hour)]
    """24 prices, EUR/kWh; the first holds from 00:00 to 01:00. They may be negative."""


class CsvPrice(Model):
    """Prices from a CSV file with a time stamp column and the unit in the header, `price [EUR/kWh]`."""

    file: LocalPath
    """The file, inside the scenario's folder; hourly."""
    column: str = ""
    """Column (name without unit); the first after the time stamps by default."""


_PRICE_FORM = "a price is a number, {by_hour: [24 numbers]} or {file: prices.csv}"


def _price_form(raw: Any) -> str | None:
    if isinstance(raw, int | float | str) and not isinstance(raw, bool):
        return "constant"
    keys = raw if isinstance(raw, dict) else type(raw).model_fields if isinstance(raw, Model) else ()
    return next((form for form, key in (("by_hour", "by_hour"), ("csv", "file")) if key in keys), None)


PriceSeries = Annotated[
    Annotated[Finite, Tag("constant")]
    | Annotated[HourlyPrice, Tag("by_hour")]
    | Annotated[CsvPrice, Tag("csv")],
    Discriminator(_price_form, custom_error_type="price_form", custom_error_message=_PRICE_FORM),
]
"""EUR/kWh: a number, `{by_hour: [24 numbers]}` or `{file: prices.csv, column: NAME}`."""


class FeedInShare(Model):
    """The indexed electricity price as a share of the grid's price."""

    share: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.1
    """φ^IEP, at least 0 and below 1; paper B takes 10 %."""


class FeedInPrice(Model):
    """The indexed electricity price as a series of its own."""

    price: PriceSeries
    """P^IEP, EUR/kWh."""


def _feed_in_form(raw: Any) -> str | None:
    keys = raw if isinstance(raw, dict) else type(raw).model_fields if isinstance(raw, Model) else ()
    return next((key for key in ("share", "price") if key in keys), None)


FeedIn = Annotated[
    Annotated[FeedInShare, Tag("share")] | Annotated[FeedInPrice, Tag("price")],
    Discriminator(
        _feed_in_form,
        custom_error_type="feed_in_form",
        custom_error_message="the feed-in price is {share: 0.1} of the grid's price or its own {price: ...}",
    ),
]


class PricesConfig(Model):
    """What energy costs from the grid, and what the grid pays for it."""

    grid: PriceSeries
    """P^G, EUR/kWh; may be negative."""
    feed_in: FeedIn = FeedInShare()
    """P^IEP, what energy earns that nobody bought: a share of the grid's price or a series of its own."""


# --- bids ----------------------------------------------------------------------------------------------

OpenFraction = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


class RandomBids(Model):
    """κ drawn anew for every hour, as in paper B's case study."""

    strategy: Literal["random"] = "random"
    """Uniform between `low` and `high`."""
    low: OpenFraction | None = None
    """Smallest κ; φ^IEP by default."""
    high: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
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
    choices: Annotated[int, Field(ge=2, le=100)] = 10
    """Number of κ to choose from, evenly spread over (φ^IEP, 1)."""
    experimentation: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """e: how much of a reward goes to the choices not made."""
    recency: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """r: what share of what was learnt is forgotten from day to day."""
    initial_propensity: Positive = 1.0
    """s(0), what every choice begins with; a day's best possible reward is 1."""


BiddingConfig = Annotated[RandomBids | FixedBids | LearningBids, Field(discriminator="strategy")]
"""`{strategy: random}`, `{strategy: fixed, kappa: 0.5}` or `{strategy: learning}`."""


def lowest_kappa(bidding: RandomBids | FixedBids | LearningBids) -> float | None:
    """The smallest κ that a strategy asks for by number; None where it follows φ^IEP."""
    match bidding:
        case RandomBids(low=low):
            return low
        case FixedBids(kappa=kappa):
            return kappa
        case _:
            return None


# --- forecasts -----------------------------------------------------------------------------------------


class PerfectForecast(Model):
    """The day to come is known."""

    kind: Literal["perfect"] = "perfect"
    """What will be."""


class PersistenceForecast(Model):
    """The day to come is like an earlier one; before there is one, the day is known."""

    kind: Literal["persistence"]
    """What was."""
    days: Annotated[int, Field(ge=1, le=28)] = 1
    """How many days earlier: 1 for yesterday, 7 for the same day of last week."""


class ErrorForecast(Model):
    """The day to come with an error: value · (1 + bias + e), at least 0.

    e is a stationary first-order autoregressive series over the day's hours (Box and Jenkins), of its own
    for each household, day and quantity.
    """

    kind: Literal["error"]
    """What will be, with an error."""
    bias: Annotated[float, Field(gt=-1, allow_inf_nan=False)] = 0.0
    """Mean of the relative error."""
    std: NonNegative = 0.2
    """Standard deviation of e, as a share of the value."""
    correlation: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.7
    """Correlation of e from hour to hour."""


ForecastConfig = Annotated[PerfectForecast | PersistenceForecast | ErrorForecast, Field(discriminator="kind")]
"""`{kind: perfect}`, `{kind: persistence}` or `{kind: error, std: 0.2}`."""

# --- the household -------------------------------------------------------------------------------------


class TradingConfig(Model):
    """How a household takes part in the energy-value market."""

    appliances: AppliancesConfig = TableIAppliances()
    """What it schedules."""
    values: RigidityConfig = RigidityConfig()
    """How much its preferences weigh against cost."""
    bidding: BiddingConfig = RandomBids()
    """At what price it offers its generation."""
    load_forecast: ForecastConfig = PerfectForecast()
    """What it knows of its own load when it schedules."""
    pv_forecast: ForecastConfig = PerfectForecast()
    """What it knows of its own generation when it offers."""
    contracted_power_kw: PositiveValue = 10.35
    """Largest load of an hour, kW. (Paper B writes kWh; it is a power.)"""
    solver: Literal["exact", "greedy"] = "exact"
    """How it schedules: proved optimal, or one appliance after the other."""


class EnergyValueConfig(Model):
    """The energy-value market: prices, and how households take part unless they say otherwise."""

    prices: PricesConfig
    """Grid price and feed-in price."""
    household: TradingConfig = TradingConfig()
    """How a household takes part, unless its group has `trading` of its own."""
    rules: TradingRulesConfig = TradingRulesConfig()
    """The rule by which energy is scheduled, traded and settled, and the timetable of trading."""

    @model_validator(mode="after")
    def _kappa_above_feed_in(self) -> Self:
        problems = kappa_problems(self.household.bidding, self.prices)
        if problems:
            raise ValueError("; ".join(problems))
        return self


def price_files(prices: PricesConfig) -> dict[str, str]:
    """The files that prices are read from, with the key of each below `prices`."""
    sources = {"grid": prices.grid}
    if isinstance(prices.feed_in, FeedInPrice):
        sources["feed_in.price"] = prices.feed_in.price
    return {source.file: f"{key}.file" for key, source in sources.items() if isinstance(source, CsvPrice)}


def kappa_problems(bidding: RandomBids | FixedBids | LearningBids, prices: PricesConfig) -> list[str]:
    """Where a strategy's κ is not above φ^IEP (12), as far as the prices are known without reading files.

    Returns
    -------
    list of str
        One sentence each; empty if there is nothing to object to.
    """
    kappa = lowest_kappa(bidding)
    if kappa is None:
        return []
    if isinstance(prices.feed_in, FeedInShare):
        share = prices.feed_in.share
        below = (isinstance(bidding, RandomBids) and kappa < share) or (
            isinstance(bidding, FixedBids) and kappa <= share
        )
        return [f"κ = {kappa:g} must be above the feed-in share {share:g} and below 1"] if below else []
    grid, feed_in = _hours(prices.grid), _hours(prices.feed_in.price)
    if grid is None or feed_in is None:
        return []
    late = [
        f"{hour} (φ = {fed / bought:.3g})"
        for hour, (bought, fed) in enumerate(zip(grid, feed_in, strict=True))
        if bought > 0 and fed < bought and kappa <= fed / bought
    ]
    if not late:
        return []
    return [
        f"κ = {kappa:g} is not above the feed-in price over the grid's in hour {', '.join(late)}; raise it"
    ]


def _hours(price: float | HourlyPrice | CsvPrice) -> tuple[float, ...] | None:
    match price:
        case HourlyPrice(by_hour=prices):
            return prices
        case CsvPrice():
            return None
        case _:
            return (float(price),) * HOURS
