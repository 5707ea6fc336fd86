"""Grid price and feed-in price, hour by hour over a run."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR, MS_PER_MINUTE
from cosim.core.errors import InputError, Problem, collected
from cosim.csv_files.column_units import PRICE
from cosim.csv_files.found import CsvFound
from cosim.csv_files.series import CsvSeries, read_series
from cosim.trading.schemas.tariffs import (
    CsvPrice,
    FeedInPrice,
    FeedInShare,
    HourlyPrice,
    PricesConfig,
    PriceSeries,
)

MAX_BYTES = 100_000_000
Array = NDArray[np.float64]
_HOUR = timedelta(hours=1)
DEAREST, CHEAPEST = 5.0, 0.002
"""EUR/kWh; beyond them, as the highest price of a run, the unit is probably another."""


class Prices(NamedTuple):
    """Prices of a run or of a day."""

    grid: Array
    """P^G, EUR/kWh; may be negative. Shape (n_hours,)."""
    feed_in: Array
    """What a kWh earns that is fed in, EUR/kWh: P^IEP, or by the tariff rule. Shape (n_hours,)."""
    files: tuple[CsvFound, ...] = ()
    """How each CSV file behind them was understood."""
    warnings: tuple[Problem, ...] = ()
    """What is doubtful in those files."""


class HourlySeries(NamedTuple):
    """One series of prices over a run."""

    values: Array
    """EUR/kWh. Shape (n_hours,)."""
    file: CsvFound | None
    """How the CSV file was understood that they are from."""
    warnings: tuple[Problem, ...]
    """What is doubtful about them."""


def hourly_prices(
    prices: PricesConfig, start: datetime, n_hours: int, folder: Path, per_hour: int = 1
) -> Prices:
    """Both prices for every hour of a run, or for every interval of a market.

    Parameters
    ----------
    prices : PricesConfig
        Where they come from.
    start : datetime
        Start of the run, with its time zone; tables by hour of the day are read in it.
    n_hours : int
        Length of the run.
    folder : Path
        The scenario's folder, for files.
    per_hour : int
        How many prices there are of an hour.

    Raises
    ------
    InputError
        If a file is missing, malformed, has gaps, or does not cover the run. All problems of both series.
    """
    problems: list[Problem] = []
    found: list[HourlySeries] = []
    sources = {"grid": prices.grid}
    if not isinstance(prices.feed_in, FeedInShare):
        sources["feed_in.price"] = prices.feed_in.price
    for key, source in sources.items():
        with collected(problems):
            found.append(
                hourly_series(source, f"energy_value.prices.{key}", start, n_hours, folder, per_hour)
            )
    if problems:
        raise InputError(problems)
    columns = [each.values for each in found]
    if isinstance(prices.feed_in, FeedInShare):
        columns.append(prices.feed_in.share * columns[0])
    files = dict.fromkeys(each.file for each in found if each.file is not None)
    warnings = dict.fromkeys(doubt for each in found for doubt in each.warnings)
    return Prices(columns[0], columns[1], tuple(files), tuple(warnings))


def hourly_series(
    source: PriceSeries, path: str, start: datetime, n_hours: int, folder: Path, per_hour: int = 1
) -> HourlySeries:
    """One series of prices for every hour of a run.

    Parameters
    ----------
    source : float, HourlyPrice or CsvPrice
        Where it comes from.
    path : str
        The key that says so.
    start, n_hours, folder, per_hour
        As for `hourly_prices`.

    Raises
    ------
    InputError
        If a file is missing, malformed, has gaps, or does not cover the run.
    """
    match source:
        case CsvPrice():
            values, read = read_prices(folder, source, start, n_hours, per_hour)
            return HourlySeries(values, read.found, tuple(_file_doubts(values, read)))
        case HourlyPrice(by_hour=table):
            by_hour = np.array(table, dtype=np.float64)[(start.hour + np.arange(n_hours)) % 24]
            values = np.repeat(by_hour, per_hour)
        case _:
            values = np.full(n_hours * per_hour, source, dtype=np.float64)
    doubt = _doubt(values)
    remedy = "Give EUR/kWh, not EUR/MWh or ct."
    return HourlySeries(values, None, (Problem(doubt, remedy, path, severity="warning"),) if doubt else ())


def read_prices(
    folder: Path, config: CsvPrice, start: datetime, n_hours: int, per_hour: int = 1
) -> tuple[Array, CsvSeries]:
    """Prices of a run from a CSV file, and how that was understood.

    Parameters
    ----------
    folder : Path
        What the file is relative to.
    config : CsvPrice
        File and column, and what is known of the way it is written; hourly, or of as many prices an hour.
    start : datetime
        The first hour that is needed.
    n_hours : int
        How many are needed.
    per_hour : int
        How many prices an hour has; where the file has fewer, each holds for its time.

    Returns
    -------
    prices : ndarray, shape (n_hours · per_hour,)
        EUR/kWh.
    series : CsvSeries
        The whole file.

    Raises
    ------
    InputError
        With every problem found, each with its line.
    """
    file, wanted = config.file, (config.column,) if config.column else ()
    series = read_series(
        folder / file,
        file,
        config,
        PRICE,
        wanted=wanted,
        only_first=True,
        single_slot_ms=MS_PER_HOUR,
        limit=MAX_BYTES,
    )
    needed_ms = MS_PER_HOUR // per_hour
    if MS_PER_HOUR % series.slot_ms or series.slot_ms % needed_ms:
        minutes, at_most = series.slot_ms / MS_PER_MINUTE, needed_ms / MS_PER_MINUTE
        needs = "one per hour" if per_hour == 1 else f"one per hour or every {at_most:g} min"
        message = f"a price every {minutes:g} min, where the market needs {needs}"
        remedy = "Give hourly prices" + (
            "." if per_hour == 1 else ", or one for each interval of the market."
        )
        raise InputError([Problem(message, remedy, file=file, line=int(series.lines[0]))])
    first = (start - series.start) / timedelta(milliseconds=series.slot_ms)
    n_prices = n_hours * MS_PER_HOUR // series.slot_ms
    if first < 0 or first != int(first) or first + n_prices > len(series.values):
        until = start + n_hours * _HOUR
        message = (
            f"has prices for {series.start:%Y-%m-%d %H:%M} to {series.end:%Y-%m-%d %H:%M}, "
            f"and the run goes from {start:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}"
        )
        remedy = "Shorten the run, or give prices for all of it."
        # The end that is missing: before the first row, or after the last.
        line = series.lines[0] if first < 0 or first != int(first) else series.lines[-1]
        raise InputError([Problem(message, remedy, file=file, line=int(line))])
    prices = series.values[int(first) : int(first) + n_prices, 0]
    return np.repeat(prices, series.slot_ms // needed_ms), series


def _file_doubts(values: Array, series: CsvSeries) -> list[Problem]:
    """What is doubtful in a file of prices, as far as a run uses it."""
    doubts = list(series.warnings)
    if message := _doubt(values):
        remedy = "Check the column's unit: EUR/MWh is not EUR/kWh."
        name, line = series.found.columns[0].name, series.found.header_line
        doubts.append(Problem(message, remedy, name, series.found.file, line, severity="warning"))
    return doubts


def _doubt(values: Array) -> str:
    """What is said of prices that no household pays; empty for others."""
    highest = float(np.abs(values).max(initial=0.0))
    if highest <= DEAREST and not 0 < highest < CHEAPEST:
        return ""
    return f"prices are at most {highest:.4g} EUR/kWh, which no household pays"


def price_problems(prices: PricesConfig, read: Prices) -> list[Problem]:
    """Series of prices that make no sense as a whole, by key (`grid`, `feed_in.price`).

    A price below 0 is real in some hours. Below 0 in all of them, a sign was lost.

    Parameters
    ----------
    prices : PricesConfig
        Where the prices come from; a feed-in price that is a share of the grid's has nothing to answer for.
    read : Prices
        What `hourly_prices` made of it.
    """
    series = [("grid", read.grid, "a buying household pays")]
    if isinstance(prices.feed_in, FeedInPrice):
        series.append(("feed_in.price", read.feed_in, "a household that feeds in earns"))
    return [problem for each in series for problem in lost_sign(*each)]


def lost_sign(path: str, values: Array, meaning: str) -> list[Problem]:
    """A price that is below 0 in every hour of a run; nothing where it is not.

    Parameters
    ----------
    path : str
        The key of the price.
    values : ndarray
        EUR/kWh.
    meaning : str
        Who pays or earns it, for the remedy.
    """
    if not np.all(values < 0):
        return []
    message = f"the price is below 0 in every hour of the run, {values.max():g} EUR/kWh at most"
    return [Problem(message, f"Give what {meaning}; individual hours may be below 0.", path)]
