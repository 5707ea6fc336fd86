"""Whether the energy-value market fits the run, as far as the configuration alone can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from cosim.comms.link_checks import MOST_MESSAGES
from cosim.config.each_lengths import each_problems
from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, to_ms
from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.devices.interface import Device
from cosim.trading.schemas.energy_value import EnergyValueConfig, TradingConfig
from cosim.trading.strategies.kappa_asks import RandomAsks
from cosim.trading.strategies.true_values import ValueBids
from cosim.trading.tariffs.tariff_checks import tariff_problems

MARKET = "energy_value"
"""By this name devices say that the market plans what they draw."""
MOST_HOUSEHOLD_DAYS = 1_000_000
"""Most days of households in the energy-value market: hourly outlooks, 384 bytes a day, are held whole."""


class TradingGroup(Protocol):
    """A group of households as the market sees it."""

    @property
    def name(self) -> str:
        """Name of the group."""

    @property
    def households(self) -> int:
        """How many households it has."""

    @property
    def generates(self) -> bool:
        """Whether any of its devices generates."""

    @property
    def devices(self) -> Mapping[str, Device]:
        """What its households have, by kind."""

    @property
    def trading(self) -> TradingConfig | None:
        """How its households take part, in place of what holds for all."""


def market_problems(
    market: EnergyValueConfig | None, groups: Sequence[TradingGroup], context: Context, has_grid: bool
) -> Iterator[Problem]:
    """Everything wrong that the configuration alone can tell.

    Parameters
    ----------
    market : EnergyValueConfig or None
        The market.
    groups : sequence of TradingGroup
        The households.
    context : Context
        The run.
    has_grid : bool
        Whether there is a feeder.
    """
    if market is None:
        yield from _without_market(groups, context)
        return
    if not groups:
        message = "households take part in the energy-value market, and there are none"
        yield context.problem("energy_value", message, "Add `groups:` with households, or leave it out.")
    for group in groups:
        if group.trading is None:
            path = "energy_value.household"
            yield from each_problems(context, path, market.household, group.households, group.name)
    audience = market.rules.offers_to
    if audience.needs_feeder and not has_grid:
        message = f"offers go to households by where they are ('{audience.kind}'), and there is no feeder"
        remedy = "Add `grid:`, or let offers go to `everybody`."
        yield context.problem("energy_value.rules.offers_to", message, remedy, audience.kind)
    if market.tariffs is not None:
        names = [group.name for group in groups]
        yield from tariff_problems(market.tariffs, names, context, has_grid)
    yield from _without_effect(market, groups, context)
    yield from _intervals(market, context)
    yield from _days(market, context)
    yield from _sizes(market, groups, context)


def _without_market(groups: Sequence[TradingGroup], context: Context) -> Iterator[Problem]:
    """Whoever counts on a market that is not there."""
    remedy = "Add `energy_value: {prices: {grid: 0.3}}`."
    for number, group in enumerate(groups):
        if group.trading is not None:
            message = "the group trades, but the scenario has no energy-value market"
            yield context.problem(f"groups.{number}.trading", message, remedy)
        for kind, device in group.devices.items():
            if device.planned_by == MARKET:
                path = f"groups.{number}.{kind}.scheduled_by"
                message = "the device is scheduled by the energy-value market, but the scenario has none"
                yield context.problem(path, message, remedy, MARKET)


def _without_effect(
    market: EnergyValueConfig, groups: Sequence[TradingGroup], context: Context
) -> Iterator[Problem]:
    """What is given for orders that nobody makes, or at prices that nobody chooses."""
    rules, clearing = market.rules, market.rules.clearing
    if clearing.has_operator and not rules.rule.trades:
        message = f"nobody trades under the rule '{rules.rule.kind}', so there is nothing to clear"
        remedy = "Choose the rule `trading`, or leave `clearing` out."
        yield context.problem("energy_value.rules.clearing", message, remedy, clearing.kind, warning=True)
        return
    own = {f"groups.{number}.trading": each.trading for number, each in enumerate(groups) if each.trading}
    for path, used in {"energy_value.household": market.household, **own}.items():
        chosen = {"bidding": used.bidding != RandomAsks(), "buying": used.buying != ValueBids()}
        if not clearing.has_operator:
            why, idle = "under posted offers buyers pay what is asked", ["buying"]
        elif clearing.limits(1.0, 0.0) is not None:
            why, idle = f"'{clearing.kind}' sets the prices of all orders", ["bidding", "buying"]
        else:
            continue
        for key in idle:
            if chosen[key]:
                remedy = "Choose a double auction, or leave it out."
                yield context.problem(f"{path}.{key}", f"{key} has no effect: {why}", remedy, warning=True)


def _intervals(market: EnergyValueConfig, context: Context) -> Iterator[Problem]:
    """What the market trades must be metered."""
    slots, path = market.rules.slots, "energy_value.rules.interval_min"
    minutes, metered = (each // MS_PER_MINUTE for each in (slots.length_ms, context.time.interval_ms))
    if slots.length_ms % context.time.interval_ms:
        message = (
            f"the market trades intervals of {minutes} min, which meters of {metered} min do not tell apart"
        )
        remedy = "Give `grid.interval_min: 15`, or trade hours."
        yield context.problem(path, message, remedy, str(minutes))


def _days(market: EnergyValueConfig, context: Context) -> Iterator[Problem]:
    """Whole days, of which at least one can be traded."""
    time = context.time
    if (time.start.hour, time.start.minute, time.start.second, time.start.microsecond) != (0, 0, 0, 0):
        message = (
            "the energy-value market schedules whole days (UTC), but the run starts in the middle of one"
        )
        yield context.problem("time.start", message, "Start at midnight UTC.", f"{time.start:%H:%M:%S}Z")
    if time.duration_ms % MS_PER_DAY:
        message = "the energy-value market schedules whole days, but the run is not a whole number of them"
        days = max(1, -(-time.duration_ms // MS_PER_DAY))
        yield context.problem(time.length_key, message, f"Make it {24 * days} hours.")
    if time.warm_up_ms % MS_PER_DAY:
        message = "bills are made by the day, but the warm-up is not a whole number of days"
        remedy = f"Make it {24 * -(-time.warm_up_ms // MS_PER_DAY)} hours."
        yield context.problem("time.warm_up_h", message, remedy, f"{time.warm_up_ms / MS_PER_HOUR:g}")
    before_ms = to_ms(market.rules.publication_h, MS_PER_HOUR)
    first_day = -(-before_ms // MS_PER_DAY)
    if market.rules.rule.trades and time.duration_ms < (first_day + 1) * MS_PER_DAY:
        message = (
            f"no day can be traded: its offers are due {market.rules.publication_h:g} h before it starts, "
            "and the run must have begun by then"
        )
        yield context.problem(time.length_key, message, f"Make it {24 * (first_day + 1)} hours or longer.")


def _sizes(market: EnergyValueConfig, groups: Sequence[TradingGroup], context: Context) -> Iterator[Problem]:
    """Refusals of what would not fit into memory: households' days, and each seller's offers to all."""
    n = context.population.size
    days = n * context.time.duration_ms / MS_PER_DAY * market.rules.slots.per_hour
    if days > MOST_HOUSEHOLD_DAYS:
        message = (
            f"{n:,} households plan {days:,.0f} days in all, whose hours are held whole; "
            f"{MOST_HOUSEHOLD_DAYS:,} fit into memory"
        )
        yield context.problem("energy_value", message, "Shorten the run, or use fewer households.")
    if not market.rules.rule.trades or market.has_operator:
        return
    sellers = sum(group.households for group in groups if group.generates)
    offers = sellers * market.rules.offers_to.most_listeners(n)
    if offers > MOST_MESSAGES:
        message = (
            f"{sellers:,} sellers would publish {offers:,} offers at one instant, each to all that hear "
            f"it; {MOST_MESSAGES:,} fit into memory"
        )
        yield context.problem(
            "energy_value.rules.rule", message, "Use fewer households, another `offers_to`, or `no_trading`."
        )
