"""Configuration of trading between households: its timetable, its patience, the rule it is settled by."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from cosim.config.base import (
    Hours,
    Integer,
    KilowattHours,
    Model,
    Number,
    PositiveHours,
    PositiveSeconds,
    Range,
    Repeats,
    Seconds,
    WholeMilliseconds,
)
from cosim.config.choice import Choice
from cosim.core.clock import MS_PER_HOUR, MS_PER_SECOND, to_ms
from cosim.trading.audiences.interface import AUDIENCES, Audience
from cosim.trading.audiences.neighbours import Everybody
from cosim.trading.clearing.interface import CLEARINGS, Clearing
from cosim.trading.clearing.posted_offers import PostedOffers
from cosim.trading.schemas.market_slots import MarketSlots
from cosim.trading.tariff_rules.between_households import Trading
from cosim.trading.tariff_rules.interface import TARIFF_RULES, TariffRule

DeviationRule = Literal["own_account", "causer_compensates"]
"""Who bears what a trade lacks on the day."""


class RoundsConfig(Model):
    """Further rounds of posted offers, from gate closure until each hour is delivered.

    A household whose load is not all covered by others plans once more the appliances that have not begun,
    with what it knows sellers have left, and asks for what it lacks.
    """

    every_h: Annotated[Number, Range(0.25, 24)] = 1.0
    """Time from the gate closure to the first further round, and from one to the next [h]."""


class WindowsConfig(Model):
    """Staggered windows: in each market interval only some households may buy from others.

    They take turns from interval to interval, and which begin is drawn anew each day. So not everyone who
    hears of a cheap hour moves appliances into it.
    """

    turns: Annotated[Integer, Range(2, 24)] = 2
    """How many turns there are: in each interval one household in this many may buy."""


class TradingRulesConfig(Model):
    """Trading of the next day's energy between households (paper B), over peer links.

    Hours are counted back from the start of the delivery day, which is a calendar day (UTC) of the run.
    """

    rule: Annotated[TariffRule, Choice(TARIFF_RULES)] = Trading()
    """What trading with others and feeding in earn, and what appliances are scheduled for."""
    clearing: Annotated[Clearing, Choice(CLEARINGS)] = PostedOffers()
    """How buyers and sellers come together: by asking each other (`posted_offers`, paper B), or by orders to
    an operator over uplinks, who clears them when the gate closes."""
    offers_to: Annotated[Audience, Choice(AUDIENCES)] = Everybody()
    """Who hears whose posted offers. With fewer than `everybody` the number of messages grows with the
    households, not with their square, and buyers know fewer sellers."""
    interval_min: Literal[60, 30, 15] = 60
    """Length of the intervals, each of which is offered, bought and settled by itself (min). Metering
    intervals (`grid.interval_min`) must fit into it. Appliances start at any of them."""
    publication_h: PositiveHours = 14.0
    """When offers are published, before the delivery day's start (h); where there is an operator, when each
    household plans its day and sends its orders."""
    gate_closure_h: PositiveHours = 12.0
    """When each household plans its day with the offers that have reached it, and requests begin (h); an
    operator clears the orders that have reached it."""
    confirmation_deadline_h: Hours = 11.0
    """By when a trade must be confirmed (h); what is not is bought from the grid."""
    planning_spread_s: Seconds = 60.0
    """Households begin their requests spread evenly at random over this long after gate closure, drawn again
    each day (s), so that nobody is always first; with 0 they begin in the order of their numbers."""
    request_timeout_ms: WholeMilliseconds = 5000
    """How long a buyer waits for an answer before it repeats a request or a confirmation (ms)."""
    request_retries: Repeats = 3
    """How often it repeats before it gives up the trade and asks the next seller."""
    reservation_s: PositiveSeconds = 120.0
    """How long, in seconds, a seller holds what it has accepted while no confirmation comes; each repeated
    accept restarts this time, and no reservation outlives the deadline."""
    min_trade_kwh: KilowattHours = 0.001
    """Smallest energy that is requested or granted in one market interval (kWh)."""
    rounds: RoundsConfig | None = None
    """Whether what was not bought is asked for again, and how often; by default trading is over at the
    deadline."""
    windows: WindowsConfig | None = None
    """Whether households take turns in buying, against a rush for the same cheap hours; by default all may
    always buy."""
    deviations: DeviationRule = "own_account"
    """`own_account`: what a trade lacks on the day, buyer and seller each settle with the grid at their own
    cost; `causer_compensates`: whoever caused it also pays the other the difference to the trade's price."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.publication_h > self.gate_closure_h > self.confirmation_deadline_h:
            raise ValueError(
                f"publication, gate closure and confirmation deadline are {self.publication_h:g}, "
                f"{self.gate_closure_h:g} and {self.confirmation_deadline_h:g} hours before the day; "
                "give them in this order, each later (fewer hours) than the one before"
            )
        window_ms = to_ms(self.gate_closure_h - self.confirmation_deadline_h, MS_PER_HOUR)
        if self.planning_spread_ms >= window_ms:
            raise ValueError(
                f"planning_spread_s = {self.planning_spread_s:g} leaves some households no time before the "
                f"deadline, {window_ms / MS_PER_SECOND:g} s after gate closure; make it shorter, or move the "
                "deadline"
            )
        if self.clearing.has_operator and self.offers_to != Everybody():
            raise ValueError(
                f"'{self.clearing.kind}' is cleared by an operator, to whom all orders go; offers_to "
                f"'{self.offers_to.kind}' belongs to posted offers; leave one of them out"
            )
        if self.rounds is not None and (self.clearing.has_operator or self.offers_to.has_broker):
            once = self.clearing.kind if self.clearing.has_operator else self.offers_to.kind
            raise ValueError(
                f"rounds belong to offers between households, and '{once}' has none; leave one of them out"
            )
        if self.windows is not None and (self.clearing.has_operator or self.offers_to.has_broker):
            once = self.clearing.kind if self.clearing.has_operator else self.offers_to.kind
            raise ValueError(
                f"windows belong to offers between households, and '{once}' takes all orders at once; leave "
                "one of them out"
            )
        if self.rounds is not None and self.planning_spread_ms >= to_ms(self.rounds.every_h, MS_PER_HOUR):
            raise ValueError(
                f"planning_spread_s = {self.planning_spread_s:g} is longer than a round; make it shorter"
            )
        if self.reservation_ms < self.request_timeout_ms:
            raise ValueError(
                f"reservation_s = {self.reservation_s:g} ends before a buyer would repeat its request "
                f"(request_timeout_ms = {self.request_timeout_ms}); make the reservation longer"
            )
        return self

    @property
    def has_operator(self) -> bool:
        """Whether households trade by orders to somebody who keeps the book, and not with each other."""
        return self.rule.trades and (self.clearing.has_operator or self.offers_to.has_broker)

    @property
    def slots(self) -> MarketSlots:
        """The market's intervals."""
        return MarketSlots(60 // self.interval_min)

    @property
    def planning_spread_ms(self) -> int:
        """Length of the time in which households begin their requests, ms."""
        return to_ms(self.planning_spread_s, MS_PER_SECOND)

    @property
    def reservation_ms(self) -> int:
        """How long a reservation holds, ms."""
        return to_ms(self.reservation_s, MS_PER_SECOND)
