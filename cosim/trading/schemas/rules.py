"""Configuration of trading between households: its timetable, its patience, the rule it is settled by."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import model_validator

from cosim.config.base import (
    MAX_PRICE,
    Hours,
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
from cosim.core.clock import MS_PER_HOUR, MS_PER_SECOND, to_ms

TradingRule = Literal[
    "trading",
    "iep_zero",
    "cost_only",
    "no_trading",
    "self_supply",
    "feed_in_tariff",
    "net_metering",
    "no_coordination",
]
"""The rules that can be compared, by name; see `REGIMES`."""

DeviationRule = Literal["own_account", "causer_compensates"]
"""Who bears what a trade lacks on the day."""

FeedInRule = Literal["indexed", "zero", "tariff", "grid_price"]
"""What a kWh that is fed in earns: the indexed price (IEP), nothing, a flat tariff, or the grid's price."""

SchedulingAim = Literal["value", "cost", "preferences"]
"""What appliances are scheduled for: paper B's objective, the same with γ = 0, or preferred hours alone."""

OwnGenerationPrice = Literal["asked", "fed_in"]
"""What own generation costs its household in its schedule: what it asks of others for it (paper B's
self-transaction), or what feeding in would have earned."""


class Regime(NamedTuple):
    """What a rule means.

    Attributes
    ----------
    trades : bool
        Households offer energy to each other; otherwise each knows its own generation and the grid alone.
    feed_in : {"indexed", "zero", "tariff", "grid_price"}
        Price of what is fed in.
    aim : {"value", "cost", "preferences"}
        What appliances are scheduled for.
    own_generation : {"asked", "fed_in"}
        What own generation costs in the schedule.
    """

    trades: bool
    feed_in: FeedInRule
    aim: SchedulingAim
    own_generation: OwnGenerationPrice


REGIMES: dict[TradingRule, Regime] = {
    "trading": Regime(True, "indexed", "value", "asked"),
    "iep_zero": Regime(True, "zero", "value", "asked"),
    "cost_only": Regime(True, "indexed", "cost", "asked"),
    "no_trading": Regime(False, "indexed", "value", "asked"),
    "self_supply": Regime(False, "indexed", "value", "fed_in"),
    "feed_in_tariff": Regime(False, "tariff", "value", "fed_in"),
    "net_metering": Regime(False, "grid_price", "value", "fed_in"),
    "no_coordination": Regime(False, "indexed", "preferences", "fed_in"),
}
"""What each rule means.

`no_trading` differs from `trading` in the trading alone; `self_supply` from `no_trading` in the price of own
generation alone; `feed_in_tariff` and `net_metering` from `self_supply` in what feeding in earns alone;
`no_coordination` from `self_supply` in the aim alone.
"""


class TradingRulesConfig(Model):
    """Trading of the next day's energy between households (paper B), over peer links.

    Hours are counted back from the start of the delivery day, which is a calendar day (UTC) of the run.
    """

    rule: TradingRule = "trading"
    """`trading`; `iep_zero`: the same, feeding in earns nothing; `cost_only`: the same, preferences do not
    count (γ = 0); `no_trading`: the same, but no offer reaches another household. Households on their own,
    whose generation costs them what feeding in would have earned: `self_supply` (surplus at the IEP),
    `feed_in_tariff`, `net_metering` (surplus at the grid's price), `no_coordination` (surplus at the IEP,
    appliances run when preferred, whatever it costs)."""
    publication_h: PositiveHours = 14.0
    """When offers are published, before the delivery day's start (h)."""
    gate_closure_h: PositiveHours = 12.0
    """When each household plans its day with the offers that have reached it, and requests begin (h)."""
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
    """Smallest energy that is requested or granted in one hour (kWh)."""
    deviations: DeviationRule = "own_account"
    """`own_account`: what a trade lacks on the day, buyer and seller each settle with the grid at their own
    cost; `causer_compensates`: whoever caused it also pays the other the difference to the trade's price."""
    feed_in_tariff_eur_per_kwh: Annotated[Number, Range(0, MAX_PRICE)] = 0.08
    """Flat price of what is fed in, for the rule `feed_in_tariff` (EUR/kWh)."""

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
        if self.reservation_ms < self.request_timeout_ms:
            raise ValueError(
                f"reservation_s = {self.reservation_s:g} ends before a buyer would repeat its request "
                f"(request_timeout_ms = {self.request_timeout_ms}); make the reservation longer"
            )
        return self

    @property
    def regime(self) -> Regime:
        """What the rule means."""
        return REGIMES[self.rule]

    @property
    def planning_spread_ms(self) -> int:
        """Length of the time in which households begin their requests, ms."""
        return to_ms(self.planning_spread_s, MS_PER_SECOND)

    @property
    def reservation_ms(self) -> int:
        """How long a reservation holds, ms."""
        return to_ms(self.reservation_s, MS_PER_SECOND)
