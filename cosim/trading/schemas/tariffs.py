"""Configuration of what energy costs from the grid, and what the grid pays for it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Tag

from cosim.config.base import FractionBelowOne, Items, LocalPath, Model, Price, Text
from cosim.config.csv_format import CsvSeriesFormat
from cosim.config.hours import one_an_hour


class HourlyPrice(Model):
    """A price for each hour of the day."""

    by_hour: Annotated[Items[Price], AfterValidator(one_an_hour)]
    """24 prices, EUR/kWh; the first holds from 00:00 to 01:00. They may be negative."""


class CsvPrice(CsvSeriesFormat):
    """Prices from a CSV file with a column of time stamps and the unit in the header, `price [EUR/kWh]`."""

    file: LocalPath
    """The file, inside the scenario's folder; hourly."""
    column: Text = ""
    """Column (name without unit); the first with a unit of prices by default."""


_PRICE_FORM = "a price is a number, {by_hour: [24 numbers]} or {file: prices.csv}"


def _price_form(raw: Any) -> str | None:
    if isinstance(raw, int | float | str) and not isinstance(raw, bool):
        return "constant"
    keys = raw if isinstance(raw, dict) else type(raw).model_fields if isinstance(raw, Model) else ()
    return next((form for form, key in (("by_hour", "by_hour"), ("csv", "file")) if key in keys), None)


PriceSeries = Annotated[
    Annotated[Price, Tag("constant")]
    | Annotated[HourlyPrice, Tag("by_hour")]
    | Annotated[CsvPrice, Tag("csv")],
    Discriminator(_price_form, custom_error_type="price_form", custom_error_message=_PRICE_FORM),
]
"""EUR/kWh: a number, `{by_hour: [24 numbers]}` or `{file: prices.csv, column: NAME}`."""


class FeedInShare(Model):
    """The indexed electricity price as a share of the grid's price."""

    share: FractionBelowOne = 0.1
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
    """P^IEP, what energy that nobody bought earns: a share of the grid's price or a series of its own."""


def price_files(prices: PricesConfig) -> dict[str, str]:
    """The files that prices are read from, with the key of each below `prices`."""
    sources = {"grid": prices.grid}
    if isinstance(prices.feed_in, FeedInPrice):
        sources["feed_in.price"] = prices.feed_in.price
    return {source.file: f"{key}.file" for key, source in sources.items() if isinstance(source, CsvPrice)}
