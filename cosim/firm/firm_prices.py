"""What holds in each hour of a run: the firm's tariff, its contract with the main grid, its fuel."""

from __future__ import annotations

import math
from dataclasses import replace

from cosim.core.clock import MS_PER_HOUR
from cosim.core.context import Context
from cosim.core.errors import InputError, Problem, collected
from cosim.firm.firm_account import Prices
from cosim.firm.schema import ConnectedFirm, GridContract, HouseholdTariff, IsolatedFirm
from cosim.trading.schemas.tariffs import FeedInPrice, PricesConfig, price_files
from cosim.trading.valuation.prices import hourly_prices

_KEYS = {"tariff": ("drawn", "fed_in"), "contract": ("bought", "sold")}
"""Both prices of each side: that of energy which is bought of it, and of energy which is sold to it."""


def pairs(firm: ConnectedFirm | IsolatedFirm) -> dict[str, PricesConfig]:
    """The prices of each side that the firm looks to, by its key."""
    sides: dict[str, HouseholdTariff | GridContract] = {"tariff": firm.tariff}
    if isinstance(firm, ConnectedFirm):
        sides["contract"] = firm.contract
    return {
        key: PricesConfig(
            grid=getattr(side, _KEYS[key][0]), feed_in=FeedInPrice(price=getattr(side, _KEYS[key][1]))
        )
        for key, side in sides.items()
    }


def files_of_prices(firm: ConnectedFirm | IsolatedFirm) -> dict[str, str]:
    """The files that prices are read from, by the path of the key that names each."""
    return {
        _path(key, path.removesuffix(".file")) + ".file": file
        for key, prices in pairs(firm).items()
        for file, path in price_files(prices).items()
    }


def _path(side: str, series: str) -> str:
    """The path of a series of prices; `series` is as `hourly_prices` names it."""
    return f"firm.{side}.{_KEYS[side][0 if series == 'grid' else 1]}"


def prices_of(firm: ConnectedFirm | IsolatedFirm, context: Context) -> tuple[list[Prices], list[Problem]]:
    """Prices of every hour of the run, and what is doubtful about them.

    Raises
    ------
    InputError
        If a file of prices cannot be used.
    """
    time = context.time
    n_hours = math.ceil(time.duration_ms / MS_PER_HOUR)
    problems: list[Problem] = []
    found, doubts = {}, []
    for side, config in pairs(firm).items():
        with collected(problems):
            found[side] = hourly_prices(config, time.start, n_hours, context.folder)
            for doubt in found[side].warnings:
                series = doubt.path.removeprefix("energy_value.prices.")
                doubts.append(doubt if doubt.file else replace(doubt, path=_path(side, series)))
    if problems:
        raise InputError(problems)
    beyond = firm.contract.beyond_eur_per_kwh if isinstance(firm, ConnectedFirm) else 0.0
    fuel = 0.0 if firm.generator is None else firm.generator.fuel_eur_per_l
    columns = [array for side in found.values() for array in (side.grid, side.feed_in)]
    hours = zip(*(column.tolist() for column in columns), strict=True)
    return [Prices(*hour)._replace(beyond=beyond, fuel=fuel) for hour in hours], doubts
