"""Configuration of tariffs: retailers of groups of households, local days, grid fees and taxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from cosim.config.base import Model, Name, Parts, Price, Text
from cosim.config.choice import Choice
from cosim.config.weekdays import HOLIDAY, WEEKDAYS
from cosim.core.errors import listed
from cosim.trading.charges.charge_interface import GRID_FEES, TAXES, GridFee, Tax
from cosim.trading.schemas.tariffs import CsvPrice, FeedInShare, HourlyPrice

DayName = Literal[
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "holiday", "weekday",
    "weekend",
]  # fmt: skip
_SHORT = {"weekday": WEEKDAYS[:5], "weekend": WEEKDAYS[5:]}


def _hourly_form(raw: Any) -> str | None:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return "constant"
    keys = raw if isinstance(raw, dict) else type(raw).model_fields if isinstance(raw, Model) else ()
    forms = (("by_hour", "by_hour"), ("by_day", "by_day"), ("csv", "file"))
    return next((form for form, key in forms if key in keys), None)


_DAY_FORM = "a price of a day is a number or {by_hour: [24 numbers]}"


class DayPrice(Model):
    """The price on some days of the week, or on holidays."""

    days: Annotated[tuple[DayName, ...], Field(min_length=1, max_length=8)]
    """Days by name, `weekday` for Monday to Friday, `weekend` for Saturday and Sunday, `holiday`."""
    price: Annotated[
        Annotated[Price, Tag("constant")] | Annotated[HourlyPrice, Tag("by_hour")],
        Discriminator(_hourly_form, custom_error_type="day_price", custom_error_message=_DAY_FORM),
    ]
    """EUR/kWh: a number, or 24 by the local hour."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The days, without shorthands."""
        return tuple(day for name in self.days for day in _SHORT.get(name, (name,)))


class PriceByDay(Model):
    """A price that depends on the day of the week."""

    by_day: Parts[DayPrice]
    """Which days have which price; each day of the week has one."""

    @model_validator(mode="after")
    def _each_day_once(self) -> Self:
        times = Counter(day for each in self.by_day for day in each.kinds)
        twice = [day for day in (*WEEKDAYS, HOLIDAY) if times[day] > 1]
        missing = [day for day in WEEKDAYS if not times[day]]
        said = [f"more than one for {listed(twice)}"] if twice else []
        said += [f"none for {listed(missing)}"] if missing else []
        if said:
            raise ValueError(
                f"there must be one price for each day of the week, and there is {listed(said)}; list each "
                "day once"
            )
        return self

    @property
    def has_holidays(self) -> bool:
        """Whether holidays have a price of their own."""
        return any(HOLIDAY in each.kinds for each in self.by_day)


_TARIFF_FORM = "a price is a number, {by_hour: [24 numbers]}, {by_day: [...]} or {file: prices.csv}"

TariffPrice = Annotated[
    Annotated[Price, Tag("constant")]
    | Annotated[HourlyPrice, Tag("by_hour")]
    | Annotated[PriceByDay, Tag("by_day")]
    | Annotated[CsvPrice, Tag("csv")],
    Discriminator(_hourly_form, custom_error_type="tariff_form", custom_error_message=_TARIFF_FORM),
]
"""EUR/kWh: a number, `{by_hour: [24 numbers]}`, `{by_day: [{days: [weekday], price: 0.3}, ...]}`, or `{file:
prices.csv, column: NAME}`. Hours and days are local ones; a file has time stamps of its own."""


class TariffFeedIn(Model):
    """What a retailer pays for energy that is fed in."""

    price: TariffPrice
    """EUR/kWh."""


def _feed_in_form(raw: Any) -> str | None:
    keys = raw if isinstance(raw, dict) else type(raw).model_fields if isinstance(raw, Model) else ()
    return next((key for key in ("share", "price") if key in keys), None)


_FEED_IN_FORM = "the feed-in price is {share: 0.1} of the retailer's price or its own {price: ...}"


class RetailerConfig(Model):
    """Who sells what others do not, to households of some groups, and buys what they feed in."""

    name: Name
    """Its name, as in the bills."""
    groups: Annotated[Parts[Text], Field(min_length=1)]
    """The groups of its customers."""
    grid: TariffPrice
    """What a kWh costs without fees and taxes [EUR/kWh]."""
    feed_in: Annotated[
        Annotated[FeedInShare, Tag("share")] | Annotated[TariffFeedIn, Tag("price")],
        Discriminator(_feed_in_form, custom_error_type="feed_in", custom_error_message=_FEED_IN_FORM),
    ] = FeedInShare()
    """P^IEP, what it pays for energy that nobody bought: a share of its price, or a price of its own."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(
            f"there is no time zone '{name}'; give a name of the IANA database, such as Europe/Berlin"
        ) from None
    return name


TaxOrFee = GridFee | Tax


class TariffsConfig(Model):
    """What energy costs besides P^G: retailers of some groups, grid fees, taxes.

    With it the prices of the market, and those of retailers, are without fees and taxes, which come on top of
    what is bought from the grid and, as far as they say so, of what is bought from others.
    """

    time_zone: Annotated[Text, AfterValidator(_zone)] = "UTC"
    """Time zone of the hours and days of tariffs, daylight saving included: a name of the IANA database."""
    holidays: Annotated[tuple[date, ...], Field(max_length=10_000)] = ()
    """Dates that are holidays there, such as 2016-12-26; each has the price of `holiday` where a tariff goes
    by days."""
    retailers: Parts[RetailerConfig] = ()
    """Suppliers of some groups; the others buy at `prices`."""
    grid_fees: Parts[Annotated[GridFee, Choice(GRID_FEES)]] = ()
    """What the grid operator gets for a kWh."""
    taxes: Parts[Annotated[Tax, Choice(TAXES)]] = ()
    """What the state gets, in order: each may be a share of those before it."""
    negative_fees: bool = False
    """Whether fees and taxes may be below 0, as subsidies are."""

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        for what, names in (
            ("retailers", [each.name for each in self.retailers]),
            ("fees or taxes", [each.called for each in self.charges]),
            ("holidays", [each.isoformat() for each in self.holidays]),
        ):
            twice = [name for name, times in Counter(names).items() if times > 1]
            if twice:
                remedy = "leave one out" if what == "holidays" else "give one of them a `name` of its own"
                raise ValueError(f"two {what} are called {listed(twice)}; {remedy}")
        taken = [each.name for each in self.retailers if each.name in ("grid", "grid_operator", "state")]
        if taken:
            raise ValueError(
                f"a retailer cannot be called {listed(taken)}, as others are in the bills; choose another "
                "name"
            )
        return self

    @property
    def charges(self) -> tuple[TaxOrFee, ...]:
        """Fees, then taxes."""
        return (*self.grid_fees, *self.taxes)

    def prices(self) -> Iterator[tuple[str, Any]]:
        """Every price of retailers, with its key."""
        for number, retailer in enumerate(self.retailers):
            yield f"retailers.{number}.grid", retailer.grid
            if isinstance(retailer.feed_in, TariffFeedIn):
                yield f"retailers.{number}.feed_in.price", retailer.feed_in.price


def tariff_files(tariffs: TariffsConfig | None) -> dict[str, str]:
    """The files that prices of retailers are read from, with the key of each below `tariffs`."""
    sources = () if tariffs is None else tariffs.prices()
    return {price.file: f"{key}.file" for key, price in sources if isinstance(price, CsvPrice)}
