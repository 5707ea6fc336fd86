"""What holds in each hour of a run: the firm's tariff, its contract with the main grid, its fuel."""

from __future__ import annotations

import math

from cosim.core.clock import MS_PER_HOUR
from cosim.core.context import Context
from cosim.core.errors import InputError, Problem, collected
from cosim.firm.firm_account import Prices
from cosim.firm.schema import ConnectedFirm, IsolatedFirm
from cosim.trading.schemas.tariffs import CsvPrice, PriceSeries
from cosim.trading.valuation.prices import HourlySeries, hourly_series, lost_sign

_MEANINGS = {
    "firm.tariff.drawn": "a household pays the firm",
    "firm.tariff.fed_in": "a household that feeds in earns",
    "firm.contract.bought": "the firm pays the main grid",
    "firm.contract.sold": "the firm earns for feeding into the main grid",
}


def price_series(firm: ConnectedFirm | IsolatedFirm) -> dict[str, PriceSeries]:
    """The series of prices that the firm looks to, by the path of the key of each; as `Prices` has them."""
    series = {"firm.tariff.drawn": firm.tariff.drawn, "firm.tariff.fed_in": firm.tariff.fed_in}
    if isinstance(firm, ConnectedFirm):
        series |= {"firm.contract.bought": firm.contract.bought, "firm.contract.sold": firm.contract.sold}
    return series


def files_of_prices(firm: ConnectedFirm | IsolatedFirm) -> dict[str, str]:
    """The files that prices are read from, by the path of the key that names each."""
    return {
        f"{path}.file": series.file
        for path, series in price_series(firm).items()
        if isinstance(series, CsvPrice)
    }


def prices_of(firm: ConnectedFirm | IsolatedFirm, context: Context) -> tuple[list[Prices], list[Problem]]:
    """Prices of every hour of the run, and what is doubtful about them.

    Raises
    ------
    InputError
        If a file of prices cannot be used, or a price is below 0 in every hour.
    """
    time = context.time
    n_hours = math.ceil(time.duration_ms / MS_PER_HOUR)
    problems: list[Problem] = []
    found: list[HourlySeries] = []
    for path, series in price_series(firm).items():
        with collected(problems):
            read = hourly_series(series, path, time.start, n_hours, context.folder)
            found.append(read)
            problems += lost_sign(path, read.values, _MEANINGS[path])
    if problems:
        raise InputError(problems)
    beyond = firm.contract.beyond_eur_per_kwh if isinstance(firm, ConnectedFirm) else 0.0
    fuel = 0.0 if firm.generator is None else firm.generator.fuel_eur_per_l
    hours = zip(*(each.values.tolist() for each in found), strict=True)
    doubts = dict.fromkeys(doubt for each in found for doubt in each.warnings)
    return [Prices(*hour)._replace(beyond=beyond, fuel=fuel) for hour in hours], list(doubts)
