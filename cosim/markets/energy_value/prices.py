"""Grid price and feed-in price, hour by hour over a run."""

from __future__ import annotations

import csv
import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.config.prices import CsvPrice, FeedInPrice, FeedInShare, HourlyPrice, PricesConfig
from cosim.config.trading import FeedInRule
from cosim.errors import InputError, Problem, suggest

MAX_BYTES = 100_000_000
Array = NDArray[np.float64]
_HOUR = timedelta(hours=1)


class Prices(NamedTuple):
    """Prices of a run or of a day.

    Attributes
    ----------
    grid : ndarray, shape (n_hours,)
        P^G, EUR/kWh; may be negative.
    feed_in : ndarray, shape (n_hours,)
        What a kWh earns that is fed in, EUR/kWh: P^IEP, or by the rule, see `feed_in_price`.
    """

    grid: Array
    feed_in: Array


def feed_in_price(rule: FeedInRule, grid: ArrayLike, indexed: ArrayLike, tariff: float) -> Array:
    """Price of what is fed in, EUR/kWh; shape (n_hours,).

    Parameters
    ----------
    rule : {"indexed", "zero", "tariff", "grid_price"}
        See `cosim.config.trading.FeedInRule`.
    grid, indexed : array_like, shape (n_hours,)
        P^G and P^IEP.
    tariff : float
        Flat tariff.
    """
    price = np.array(grid, dtype=np.float64)
    match rule:
        case "indexed":
            price = np.array(indexed, dtype=np.float64)
        case "zero":
            price = np.zeros_like(price)
        case "tariff":
            price = np.full_like(price, tariff)
        case "grid_price":
            pass
    return price


def hourly_prices(prices: PricesConfig, start: datetime, n_hours: int, folder: Path) -> Prices:
    """Both prices for every hour of a run.

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

    Raises
    ------
    InputError
        If a file is missing, malformed, has gaps, or does not cover the run. All problems of both series.
    """
    series: list[Array] = []
    problems: list[Problem] = []
    own = [] if isinstance(prices.feed_in, FeedInShare) else [prices.feed_in.price]
    for source in [prices.grid, *own]:
        try:
            series.append(_series(source, start, n_hours, folder))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    if isinstance(prices.feed_in, FeedInShare):
        series.append(prices.feed_in.share * series[0])
    return Prices(series[0], series[1])


def _series(source: float | HourlyPrice | CsvPrice, start: datetime, n_hours: int, folder: Path) -> Array:
    match source:
        case HourlyPrice(by_hour=table):
            return np.array(table, dtype=np.float64)[(start.hour + np.arange(n_hours)) % 24]
        case CsvPrice(file=file, column=column):
            return read_prices(folder / file, file, column, start, n_hours)
        case _:
            return np.full(n_hours, source, dtype=np.float64)


def read_prices(file: Path, shown_as: str, column: str, start: datetime, n_hours: int) -> Array:
    """Prices of a run from a CSV file.

    Parameters
    ----------
    file : Path
        Hourly; time stamps (ISO 8601, UTC unless they say otherwise) first, units ``[EUR/kWh]`` or
        ``[EUR/MWh]`` in the header.
    shown_as : str
        Its name in messages.
    column : str
        Which column, without its unit; the first if empty.
    start : datetime
        The first hour that is needed.
    n_hours : int
        How many are needed.

    Returns
    -------
    ndarray, shape (n_hours,)
        EUR/kWh.

    Raises
    ------
    InputError
        With every problem found, each with its line.
    """
    if not file.is_file():
        raise InputError(
            [Problem("no such file", "Paths are relative to the scenario's folder.", file=shown_as)]
        )
    if file.stat().st_size > MAX_BYTES:
        raise InputError([Problem("larger than the limit of 100 MB", "Cut it to the run.", file=shown_as)])
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(
            [Problem(f"cannot be read as CSV: {error}", "Save it as UTF-8.", file=shown_as)]
        ) from None
    if len(rows) < 2:
        raise InputError([Problem("is empty", "Header: time,price [EUR/kWh]", file=shown_as, line=1)])
    place, factor = _column(rows[0], column, shown_as)
    stamps, values = _cells(rows[1:], place, shown_as)
    return factor * _covering(stamps, values, start, n_hours, shown_as, len(rows))


def _column(header: list[str], wanted: str, shown_as: str) -> tuple[int, float]:
    names = [re.sub(r"\s*\[.*\]\s*$", "", cell).strip() for cell in header]
    if len(header) < 2 or (wanted and wanted not in names[1:]):
        remedy = suggest(wanted, names[1:]) if wanted else "Header: time,price [EUR/kWh]"
        raise InputError([Problem("there is no such column", remedy, file=shown_as, line=1, value=wanted)])
    place = names.index(wanted, 1) if wanted else 1
    unit = re.search(r"\[(.*)\]\s*$", header[place])
    factors = {"EUR/kWh": 1.0, "EUR/MWh": 1e-3}
    if unit is None or unit[1].strip() not in factors:
        remedy = "Write it as 'name [EUR/kWh]' or 'name [EUR/MWh]'."
        raise InputError(
            [Problem("no known unit in the header", remedy, file=shown_as, line=1, value=header[place])]
        )
    return place, factors[unit[1].strip()]


def _cells(rows: list[list[str]], place: int, shown_as: str) -> tuple[list[datetime], list[float]]:
    stamps: list[datetime] = []
    values: list[float] = []
    problems: list[Problem] = []
    for line, row in enumerate(rows, start=2):
        if not row:
            continue
        try:
            stamp = datetime.fromisoformat(row[0].strip())
            stamps.append(stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC))
        except ValueError:
            problems.append(
                Problem("no time stamp", "Write 2016-07-04T00:00:00Z.", "", shown_as, line, row[0])
            )
            continue
        text = row[place].strip() if place < len(row) else ""
        try:
            values.append(float(text))
        except ValueError:
            values.append(math.nan)
        if not math.isfinite(values[-1]):
            problems.append(
                Problem("not a finite number", "Give a price.", "", shown_as, line, text or "nothing")
            )
        if len(stamps) > 1 and stamps[-1] - stamps[-2] != _HOUR:
            message = f"{stamps[-1] - stamps[-2]} after the row before, where an hour is needed"
            problems.append(Problem(message, "Fill or cut the series.", "", shown_as, line, row[0]))
        if len(problems) >= 20:
            break
    if problems:
        raise InputError(problems)
    return stamps, values


def _covering(
    stamps: list[datetime],
    values: list[float],
    start: datetime,
    n_hours: int,
    shown_as: str,
    last_line: int,
) -> Array:
    first = (start - stamps[0]) / _HOUR if stamps else 0.0
    if not stamps or first < 0 or first != int(first) or first + n_hours > len(values):
        until = start + n_hours * _HOUR
        has = f"{stamps[0]:%Y-%m-%d %H:%M} to {stamps[-1] + _HOUR:%Y-%m-%d %H:%M}" if stamps else "nothing"
        message = (
            f"has prices for {has}, and the run goes from {start:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}"
        )
        remedy = "Shorten the run, or give prices for all of it."
        # The end that is missing: before the first row, or after the last.
        line = 2 if first < 0 or first != int(first) else last_line
        raise InputError([Problem(message, remedy, file=shown_as, line=line)])
    return np.array(values[int(first) : int(first) + n_hours], dtype=np.float64)


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
    series = [("grid", read.grid, "a household pays that buys")]
    if isinstance(prices.feed_in, FeedInPrice):
        series.append(("feed_in.price", read.feed_in, "a household earns that feeds in"))
    return [
        Problem(
            f"the price is below 0 in every hour of the run, {values.max():g} EUR/kWh at most",
            f"Give what {meaning}; single hours may be below 0.",
            key,
        )
        for key, values, meaning in series
        if bool(np.all(values < 0))
    ]
