"""From its configuration to the energy-value market, or to all that can be said against it before a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cosim.config.household_values import household_values
from cosim.config.values import AnyValue
from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.core.context import Context, TimeAxis
from cosim.core.errors import InputError, Problem
from cosim.core.population import Group
from cosim.core.streams import Streams
from cosim.households.demand import slots_of
from cosim.households.profile_book import Demand
from cosim.trading.market import EnergyMarket, Outlook, Participant
from cosim.trading.scheduling.day_plan import Preferences
from cosim.trading.scheduling.feasibility import certain_shortage
from cosim.trading.schemas.energy_value import EnergyValueConfig, TradingConfig
from cosim.trading.schemas.market_slots import MarketSlots
from cosim.trading.strategies.price_band import has_margin
from cosim.trading.valuation.participants import appliance_days
from cosim.trading.valuation.price_list import PriceList
from cosim.trading.valuation.prices import Prices, hourly_prices, price_problems

Array = NDArray[np.float64]


def build_energy_market(
    config: EnergyValueConfig,
    own: Sequence[TradingConfig | None],
    demand: Demand | None,
    context: Context,
    list_prices: Callable[[Prices], tuple[PriceList, list[Problem]]],
) -> tuple[EnergyMarket, list[Problem]]:
    """The energy-value market of a run, and warnings.

    Parameters
    ----------
    config : EnergyValueConfig
        As configured.
    own : sequence of TradingConfig or None
        How each group takes part, where it does so in its own way.
    demand : Demand or None
        What the households draw and generate besides; None where that is not known yet, and then nothing is
        judged by it.
    context : Context
        The run.
    list_prices : callable
        Makes of P^G and what feeding in earns what energy costs each household, and says what is doubtful.

    Raises
    ------
    InputError
        If prices cannot be read, do not cover the run or make no sense, an appliance is not known, a bid
        never fits, or a day is certain to have no schedule.
    """
    base, problems = _prices(config, context)
    prices, doubts = list_prices(base)
    problems += doubts
    groups, names = context.population.groups, context.population.names
    taken = [each or config.household for each in own]
    n_days = context.time.duration_ms // MS_PER_DAY
    bands = [_band(prices, group.first, n_days) for group in groups]
    if config.rules.rule.trades and groups and not any(_leaves_room(band) for band in bands):
        problems.append(_no_room(config))
    for path, used in _sources(config, own):
        problems += _appliance_problems(path, used, config.rules.slots)
        if config.rules.rule.own_generation == "asked":
            its = [band for band, each in zip(bands, taken, strict=True) if each is used] or bands[:1]
            problems += _bid_problems(path, used, its)
    _raise_errors(problems)
    market = EnergyMarket(
        config,
        [
            each
            for group in groups
            for each in _participants(taken[group.number], group, context, config.rules.slots)
        ],
        [(group.members, taken[group.number].appliances) for group in groups],
        names,
        prices,
        _outlook(demand, context, config.rules.slots),
        context.streams,
    )
    _raise_errors(list(_days_without_schedule(market, own, context)))
    return market, problems


def _raise_errors(problems: list[Problem]) -> None:
    if any(problem.severity == "error" for problem in problems):
        raise InputError(problems)


def _sources(
    config: EnergyValueConfig, own: Sequence[TradingConfig | None]
) -> list[tuple[str, TradingConfig]]:
    """Every configuration that a household can take part by, with its path."""
    given = [(f"groups.{number}.trading", each) for number, each in enumerate(own) if each is not None]
    return [("energy_value.household", config.household), *given]


def _prices(config: EnergyValueConfig, context: Context) -> tuple[Prices, list[Problem]]:
    """Prices of every hour, feeding in paid by the rule, and what is to be said of them."""
    rules = config.rules
    n_hours = context.time.duration_ms // MS_PER_HOUR
    per_hour = rules.slots.per_hour
    read = hourly_prices(config.prices, context.time.start, n_hours, context.folder, per_hour)
    problems = [_below("energy_value.prices", problem) for problem in price_problems(config.prices, read)]
    _raise_errors(problems)
    problems += read.warnings
    return read._replace(feed_in=rules.rule.feed_in_price(read.grid, read.feed_in)), problems


def _band(prices: PriceList, household: int, n_days: int) -> Prices:
    """Between which prices a household can sell, in every hour of the run, as far as that is known before."""
    days = [prices.asking(household, day) for day in range(n_days)]
    return Prices(np.concatenate([day.grid for day in days]), np.concatenate([day.feed_in for day in days]))


def _leaves_room(band: Prices) -> bool:
    return bool(np.any(has_margin(band.feed_in, band.grid)))


def _no_room(config: EnergyValueConfig) -> Problem:
    if config.tariffs is not None:
        message = (
            "in every hour feeding in pays at least what a neighbour could pay, with fees and taxes on the "
            "trade: nobody can offer anything"
        )
        remedy = "Lower the feed-in price or what trades are charged, or choose a rule without trading."
        return Problem(message, remedy, "energy_value.tariffs", severity="warning")
    message = "feeding in pays at least as much as the grid costs in every hour: nobody can offer anything"
    remedy = "Lower the feed-in price, or choose a rule without trading."
    return Problem(message, remedy, "energy_value.prices.feed_in", severity="warning")


def _appliance_problems(path: str, used: TradingConfig, slots: MarketSlots) -> Iterator[Problem]:
    try:
        appliance_days(used.appliances, Streams(0), 0, 1, slots)
    except InputError as error:
        yield from (_below(f"{path}.appliances", problem) for problem in error.problems)


def _bid_problems(path: str, used: TradingConfig, bands: Sequence[Prices]) -> list[Problem]:
    """Where the strategy's own κ fits no household that uses it, or not always; each said once."""
    found = {
        _below(f"{path}.bidding", problem): None
        for band in bands
        for problem in used.bidding.problems(band.feed_in, band.grid)
    }
    return list(found)


def _participants(
    trading: TradingConfig, group: Group, context: Context, slots: MarketSlots
) -> list[Participant]:
    def values(name: str, value: AnyValue) -> Array:
        return household_values(context.streams, f"trading.{name}", value, group, context.population.size)

    weighing = trading.values
    rigidity, gamma_b = values("rigidity", weighing.rigidity), values("gamma_b", weighing.gamma_b)
    contracted_kw = values("contracted_power_kw", trading.contracted_power_kw)
    slot_h = slots.length_h
    return [
        Participant(trading, Preferences(round(r), weighing.rigidity_max, float(g), float(kw), slot_h))
        for r, g, kw in zip(rigidity, gamma_b, contracted_kw, strict=True)
    ]


def _days_without_schedule(
    market: EnergyMarket, own: Sequence[TradingConfig | None], context: Context
) -> Iterator[Problem]:
    """Households that cannot keep their contracted power on some day, whatever they do; one problem
    a group, which names the first."""
    found: dict[int, dict[int, tuple[int, str]]] = {}
    for day in range(context.time.duration_ms // MS_PER_DAY):
        for group in context.population.groups:
            for household in group.members:
                why = _shortage(market, household, day)
                if why:
                    found.setdefault(group.number, {}).setdefault(household, (day, why))
    for number, households in sorted(found.items()):
        household, (day, why) = next(iter(households.items()))
        others = len(households) - 1
        more = f" (and {others} more of its group)" if others else ""
        path = "energy_value.household" if own[number] is None else f"groups.{number}.trading"
        yield Problem(
            f"household {market.names[household]}{more} has no feasible schedule: on day {day}, {why}",
            "Raise the contracted power, lower the load, or shorten, widen or leave out the appliance.",
            f"{path}.contracted_power_kw",
            value=f"{market.participants[household].preferences.contracted_kw:g}",
        )


def _shortage(market: EnergyMarket, household: int, day: int) -> str:
    return certain_shortage(
        market.appliance_day(household, day).appliances,
        market.expected_load(household, day),
        market.participants[household].preferences.contracted_kw,
        market.slots.length_h,
    )


def _below(path: str, problem: Problem) -> Problem:
    where = f"{path}.{problem.path}" if problem.path else path
    return replace(problem, path=where)


def _outlook(demand: Demand | None, context: Context, slots: MarketSlots) -> Outlook:
    if demand is None:
        nothing = np.zeros((context.population.size, context.time.duration_ms // slots.length_ms))
        return Outlook(nothing, nothing)
    return Outlook(
        *(_energies(power, context.time, slots) for power in (demand.load_kw, demand.generation_kw))
    )


def _energies(power_kw: Callable[[int, int], Array], time: TimeAxis, slots: MarketSlots) -> Array:
    """Energy of every market interval of the run, kWh; shape (n_takers, n_slots)."""
    parts = slots.length_ms // slots_of(time).slot_ms
    per_day = slots.per_day
    days = []
    for day in range(time.duration_ms // MS_PER_DAY):
        block = power_kw(day * per_day * parts, per_day * parts)
        days.append(block.reshape(per_day, parts, -1).mean(axis=1) * slots.length_h)
    return np.ascontiguousarray(np.concatenate(days).T)
