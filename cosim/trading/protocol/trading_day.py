"""When a delivery day is traded, and what sellers and buyers need to know of the rules."""

from __future__ import annotations

from typing import NamedTuple

from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR, to_ms
from cosim.trading.clearing.grains import GRAIN_KWH
from cosim.trading.schemas.market_slots import HOURLY, MarketSlots
from cosim.trading.schemas.rules import TradingRulesConfig


class Timeline(NamedTuple):
    """Instants of each delivery day, in ms since the scenario's start."""

    first_day_ms: int
    """Start of day 0; not above 0, and below it where the scenario starts within a day."""
    publication_before_ms: int
    gate_before_ms: int
    deadline_before_ms: int
    """How long before a day's start its offers are published, its gate closes, its trades must be
    confirmed."""

    def start_ms(self, day: int) -> int:
        """When the delivery day starts."""
        return self.first_day_ms + day * MS_PER_DAY

    def end_ms(self, day: int) -> int:
        """When it ends."""
        return self.start_ms(day + 1)

    def publication_ms(self, day: int) -> int:
        """When offers are published."""
        return self.start_ms(day) - self.publication_before_ms

    def gate_ms(self, day: int) -> int:
        """When the gate closes."""
        return self.start_ms(day) - self.gate_before_ms

    def deadline_ms(self, day: int) -> int:
        """Last instant at which a confirmation counts."""
        return self.start_ms(day) - self.deadline_before_ms

    def tradable_days(self, duration_ms: int) -> range:
        """Days that lie whole within a run and whose offers can be published within it.

        With default times the first day of a run is not among them: its offers would have been due before.
        """
        first = -(-(max(0, self.publication_before_ms) - self.first_day_ms) // MS_PER_DAY)
        last = (duration_ms - self.first_day_ms) // MS_PER_DAY
        return range(max(first, 0), max(last, first, 0))

    def first_open_day(self, now_ms: int) -> int:
        """The earliest day whose gate does not close before `now_ms`."""
        return -(-(now_ms + self.gate_before_ms - self.first_day_ms) // MS_PER_DAY)


def build_timeline(config: TradingRulesConfig, first_day_ms: int) -> Timeline:
    """The timeline of a configuration.

    Parameters
    ----------
    config : TradingRulesConfig
        Times before the delivery day.
    first_day_ms : int
        Start of the calendar day in which the scenario starts, in ms since the scenario's start (0 or less).
    """
    return Timeline(
        first_day_ms,
        to_ms(config.publication_h, MS_PER_HOUR),
        to_ms(config.gate_closure_h, MS_PER_HOUR),
        to_ms(config.confirmation_deadline_h, MS_PER_HOUR),
    )


class TradingTerms(NamedTuple):
    """What every household knows of the rules."""

    timeline: Timeline
    """When what happens."""
    reservation_ms: int
    """How long a reservation holds without a confirmation."""
    timeout_ms: int
    """How long a buyer waits for an answer."""
    retries: int
    """How often it repeats."""
    min_trade_kwh: float
    """Smallest energy asked for or granted in one hour."""
    round_ms: int | None = None
    """From one round to the next; None where trading is over at the deadline."""
    slots: MarketSlots = HOURLY
    """What is traded: hours, or shorter intervals."""

    def last_ms(self, day: int, hour: int) -> int:
        """Last instant at which an hour can be sold: the deadline, or, in rounds, before it begins."""
        if self.round_ms is None:
            return self.timeline.deadline_ms(day)
        return self.timeline.start_ms(day) + hour * self.slots.length_ms - 1

    def is_over(self, now_ms: int, day: int) -> bool:
        """Whether nothing of a day can be sold any more."""
        return now_ms > self.last_ms(day, self.slots.per_day - 1)

    def rounds(self, day: int) -> range:
        """Instants at which a further round of a day begins, ms."""
        if self.round_ms is None:
            return range(0)
        gate_ms = self.timeline.gate_ms(day)
        return range(gate_ms + self.round_ms, self.last_ms(day, self.slots.per_day - 1), self.round_ms)


def build_terms(config: TradingRulesConfig, first_day_ms: int) -> TradingTerms:
    """The terms of a configuration; parameters as for `build_timeline`."""
    return TradingTerms(
        build_timeline(config, first_day_ms),
        config.reservation_ms,
        config.request_timeout_ms,
        config.request_retries,
        max(config.min_trade_kwh, GRAIN_KWH),
        None if config.rounds is None else to_ms(config.rounds.every_h, MS_PER_HOUR),
        config.slots,
    )
