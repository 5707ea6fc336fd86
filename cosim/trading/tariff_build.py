"""From the configuration of tariffs to a price list, or to all that can be said against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR, to_ms
from cosim.core.context import Context
from cosim.core.errors import InputError, Problem
from cosim.grid.subsystem import PowerGrid
from cosim.trading.charges.charge_interface import Ground
from cosim.trading.schemas.energy_value import EnergyValueConfig
from cosim.trading.schemas.retailers import TariffsConfig
from cosim.trading.tariffs.feeder_ways import FeederGround, FeederWays, NoFeeder, UsageMemory, reference_day
from cosim.trading.tariffs.retail_prices import suppliers
from cosim.trading.tariffs.tariff_prices import Charging, TariffPriceList
from cosim.trading.valuation.price_list import OnePriceList, PriceList
from cosim.trading.valuation.prices import Prices

_PATH = "energy_value.tariffs"


def price_list(
    config: EnergyValueConfig,
    base: Prices,
    context: Context,
    grid: PowerGrid | None,
    columns: NDArray[np.int64] | None,
) -> tuple[PriceList, list[Problem]]:
    """What energy costs each household, and what is doubtful about that.

    Parameters
    ----------
    config : EnergyValueConfig
        The market.
    base : Prices
        P^G and what feeding in earns, hour by hour.
    context : Context
        The run.
    grid : PowerGrid or None
        The feeder; None where there is none, or it has errors of its own.
    columns : ndarray of int or None
        Column of each household's bus, where there is a feeder.

    Raises
    ------
    InputError
        If a tariff cannot be read, or the feeder is not such that fees could go by it.
    """
    tariffs = config.tariffs
    if tariffs is None:
        return OnePriceList(base, context.population.size, config.rules.slots), []
    found, files, doubts = suppliers(
        tariffs,
        base,
        config.rules,
        context.population,
        context.time.start,
        context.folder,
    )
    if grid is not None and columns is not None and any(fee.needs != "nothing" for fee in tariffs.grid_fees):
        ways = FeederWays(grid.feeder, columns)
        problems = list(_feeder_problems(tariffs, ways))
        if problems:
            raise InputError(problems)
        grounds = _grounds(tariffs, ways, grid, config)
    else:
        grounds = partial(_same, NoFeeder(config.rules.slots.per_day))
    prices = TariffPriceList(
        base._replace(files=(*base.files, *files)),
        found,
        Charging(tariffs.grid_fees, tariffs.taxes),
        grounds,
        config.rules.slots,
    )
    return prices, doubts


def _same(ground: Ground, day: int) -> Ground:
    """On every day the same."""
    return ground


def _feeder_problems(tariffs: TariffsConfig, ways: FeederWays) -> Iterator[Problem]:
    for number, fee in enumerate(tariffs.grid_fees):
        if fee.needs != "nothing":
            for problem in ways.problems(fee.needs):
                yield replace(problem, path=f"{_PATH}.grid_fees.{number}", value=fee.kind)


def _grounds(
    tariffs: TariffsConfig, ways: FeederWays, grid: PowerGrid, config: EnergyValueConfig
) -> Callable[[int], Ground]:
    """What fees know of the feeder by day; with loadings only where a fee asks for them."""
    slots = config.rules.slots
    still = FeederGround(ways, None, slots.per_day)
    if all(fee.needs != "loadings" for fee in tariffs.grid_fees):
        return partial(_same, still)
    publication_ms = to_ms(config.rules.publication_h, MS_PER_HOUR)
    memory = UsageMemory(ways, grid.limits, publication_ms // MS_PER_DAY + 5, slots)
    grid.solve_at_once()
    grid.on_flow(memory.take)
    kept: dict[int, Ground] = {}

    def ground(day: int) -> Ground:
        reference = reference_day(day, publication_ms)
        usage = memory.days.get(reference)
        if usage is None:
            return still
        if reference not in kept:
            for old in [each for each in kept if each not in memory.days]:
                del kept[old]
            kept[reference] = FeederGround(ways, usage, slots.per_day)
        return kept[reference]

    return ground
