"""From the configuration of tariffs to prices of every hour of a run, or to all that is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.config.weekdays import DAYS
from cosim.core.errors import InputError, Problem, collected
from cosim.core.population import Population
from cosim.csv_files.found import CsvFound
from cosim.trading.schemas.retailers import PriceByDay, RetailerConfig, TariffPrice, TariffsConfig
from cosim.trading.schemas.rules import TradingRulesConfig
from cosim.trading.schemas.tariffs import FeedInShare, HourlyPrice
from cosim.trading.tariffs.local_days import LocalTime, local_time
from cosim.trading.tariffs.tariff_prices import Supplier
from cosim.trading.valuation.prices import HourlySeries, Prices, hourly_series

Array = NDArray[np.float64]
_PATH = "energy_value.tariffs"


def suppliers(
    tariffs: TariffsConfig,
    base: Prices,
    rules: TradingRulesConfig,
    population: Population,
    start: datetime,
    folder: Path,
) -> tuple[list[Supplier], tuple[CsvFound, ...], list[Problem]]:
    """Who supplies whom at what prices, the files behind that, and what is doubtful about them.

    Parameters
    ----------
    tariffs : TariffsConfig
        As configured.
    base : Prices
        Of households without a retailer; feeding in is paid by the rule.
    rules : TradingRulesConfig
        What feeding in earns, and what intervals are traded.
    population : Population
        The households.
    start : datetime
        Start of the run, with its time zone.
    folder : Path
        The scenario's folder, for files.

    Raises
    ------
    InputError
        If local hours do not fit the market's, or a file cannot be read.
    """
    problems: list[Problem] = []
    per_hour = rules.slots.per_hour
    with collected(problems):
        times = _local(tariffs, start, len(base.grid) // per_hour, per_hour)
    if problems:
        raise InputError(problems)
    found: list[Supplier] = []
    files: dict[CsvFound, None] = {}
    doubts: dict[Problem, None] = {}
    served: set[int] = set()
    for number, retailer in enumerate(tariffs.retailers):
        with collected(problems):
            path = f"{_PATH}.retailers.{number}"
            series = _series(retailer, path, times, start, folder, per_hour)
            for each in series:
                files |= {each.file: None} if each.file is not None else {}
                doubts |= dict.fromkeys(each.warnings)
            grid = series[0].values
            share = retailer.feed_in.share if isinstance(retailer.feed_in, FeedInShare) else 0.0
            indexed = series[1].values if len(series) > 1 else share * grid
            groups = population.named(retailer.groups)
            members = np.array([each for group in groups for each in group.members], dtype=np.int64)
            served |= set(members.tolist())
            found.append(
                Supplier(retailer.name, members, Prices(grid, rules.rule.feed_in_price(grid, indexed)))
            )
    if problems:
        raise InputError(problems)
    rest = np.array([each for each in range(population.size) if each not in served], dtype=np.int64)
    return [Supplier("grid", rest, base), *found], tuple(files), list(doubts)


def _local(tariffs: TariffsConfig, start: datetime, n_hours: int, per_hour: int) -> LocalTime:
    try:
        return local_time(start, n_hours, tariffs.time_zone, tariffs.holidays, per_hour)
    except InputError as error:
        raise InputError(
            [replace(problem, path=f"{_PATH}.{problem.path}") for problem in error.problems]
        ) from None


def _series(
    retailer: RetailerConfig, path: str, times: LocalTime, start: datetime, folder: Path, per_hour: int
) -> Sequence[HourlySeries]:
    sources = {f"{path}.grid": retailer.grid}
    if not isinstance(retailer.feed_in, FeedInShare):
        sources[f"{path}.feed_in.price"] = retailer.feed_in.price
    return [local_series(source, key, times, start, folder, per_hour) for key, source in sources.items()]


def local_series(
    source: TariffPrice, path: str, times: LocalTime, start: datetime, folder: Path, per_hour: int = 1
) -> HourlySeries:
    """One series of prices for every hour of a run; hours and days are local.

    Parameters
    ----------
    source : float, HourlyPrice, PriceByDay or CsvPrice
        Where it comes from.
    path : str
        The key that says so.
    times : LocalTime
        The hours of the run.
    start, folder, per_hour
        As for `hourly_prices`.
    """
    match source:
        case PriceByDay():
            table = np.zeros((len(DAYS), 24))
            for each in source.by_day:
                table[[DAYS.index(day) for day in each.kinds]] = _by_hour(each.price)
            return HourlySeries(table[times.day, times.hour], None, ())
        case HourlyPrice():
            return HourlySeries(_by_hour(source)[times.hour], None, ())
        case _:
            return hourly_series(source, path, start, len(times.hour) // per_hour, folder, per_hour)


def _by_hour(price: float | HourlyPrice) -> Array:
    return np.array(price.by_hour if isinstance(price, HourlyPrice) else [price] * 24, dtype=np.float64)
