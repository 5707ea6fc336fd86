"""From its configuration to the energy-value market, or to all that can be said against it before a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cosim.config.hours import HOURS
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
from cosim.trading.valuation.bidding import bid_problems
from cosim.trading.valuation.offers import has_margin
from cosim.trading.valuation.participants import appliance_days
from cosim.trading.valuation.price_list import OnePriceList
from cosim.trading.valuation.prices import Prices, hourly_prices, price_problems

Array = NDArray[np.float64]


def build_energy_market(
    config: EnergyValueConfig, own: Sequence[TradingConfig | None], demand: Demand | None, context: Context
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

    Raises
    ------
    InputError
        If prices cannot be read, do not cover the run or make no sense, an appliance is not known, a bid
        never fits, or a day is certain to have no schedule.
    """
    prices, problems = _prices(config, context)
    problems += [
        problem for path, used in _sources(config, own) for problem in _problems(path, used, config, prices)
    ]
    _raise_errors(problems)
    groups, names = context.population.groups, context.population.names
    taken = [each or config.household for each in own]
    market = EnergyMarket(
        config,
        [each for group in groups for each in _participants(taken[group.number], group, context)],
        [(group.members, taken[group.number].appliances) for group in groups],
        names,
        OnePriceList(prices, context.population.size),
        _outlook(demand, context),
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
    read = hourly_prices(config.prices, context.time.start, n_hours, context.folder)
    problems = [_below("energy_value.prices", problem) for problem in price_problems(config.prices, read)]
    _raise_errors(problems)
    problems += read.warnings
    feed_in = rules.rule.feed_in_price(read.grid, read.feed_in)
    if rules.rule.trades and not np.any(has_margin(feed_in, read.grid)):
        message = (
            "feeding in pays at least as much as the grid costs in every hour: nobody can offer anything"
        )
        path, remedy = (
            "energy_value.prices.feed_in",
            "Lower the feed-in price, or choose a rule without trading.",
        )
        problems.append(Problem(message, remedy, path, severity="warning"))
    return read._replace(feed_in=feed_in), problems


def _problems(path: str, used: TradingConfig, config: EnergyValueConfig, prices: Prices) -> Iterator[Problem]:
    try:
        appliance_days(used.appliances, Streams(0), 0, 1)
    except InputError as error:
        yield from (_below(f"{path}.appliances", problem) for problem in error.problems)
    if config.rules.rule.own_generation == "asked":
        for problem in bid_problems(used.bidding, prices.feed_in, prices.grid):
            yield _below(f"{path}.bidding", problem)


def _participants(trading: TradingConfig, group: Group, context: Context) -> list[Participant]:
    def values(name: str, value: AnyValue) -> Array:
        return household_values(context.streams, f"trading.{name}", value, group, context.population.size)

    weighing = trading.values
    rigidity, gamma_b = values("rigidity", weighing.rigidity), values("gamma_b", weighing.gamma_b)
    contracted_kw = values("contracted_power_kw", trading.contracted_power_kw)
    return [
        Participant(trading, Preferences(round(r), weighing.rigidity_max, float(g), float(kw)))
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
    )


def _below(path: str, problem: Problem) -> Problem:
    where = f"{path}.{problem.path}" if problem.path else path
    return replace(problem, path=where)


def _outlook(demand: Demand | None, context: Context) -> Outlook:
    if demand is None:
        nothing = np.zeros((context.population.size, context.time.duration_ms // MS_PER_HOUR))
        return Outlook(nothing, nothing)
    return Outlook(_hourly(demand.load_kw, context.time), _hourly(demand.generation_kw, context.time))


def _hourly(power_kw: Callable[[int, int], Array], time: TimeAxis) -> Array:
    """Energy of every hour of the run, kWh; shape (n_takers, n_hours)."""
    per_hour = MS_PER_HOUR // slots_of(time).slot_ms
    n_days = time.duration_ms // MS_PER_DAY
    days = []
    for day in range(n_days):
        block = power_kw(day * HOURS * per_hour, HOURS * per_hour)
        days.append(block.reshape(HOURS, per_hour, -1).mean(axis=1))
    return np.ascontiguousarray(np.concatenate(days).T)
