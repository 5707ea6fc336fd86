"""The operator's half of dimming: from a reading of the feeder to an order, with hysteresis."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from cosim.core.clock import MS_PER_SECOND
from cosim.dimming.schema import DimmingConfig
from cosim.grid.measurement import FeederReading


class Order(NamedTuple):
    """What a household is told; infinity for no limit.

    Attributes
    ----------
    max_kw : float
        What each of its flexible devices draws at most.
    feed_in_kw : float
        What the household feeds in at most.
    """

    max_kw: float = math.inf
    feed_in_kw: float = math.inf


FREE = Order()
"""No limit at all."""


@dataclass(slots=True)
class Hysteresis:
    """A limit that begins under strain, and ends when that is over and it has lasted long enough."""

    least_ms: float
    """How long it lasts at least."""
    since_ms: int | None = None
    """Since when it is in force; None while it is not."""
    begun: int = 0
    """How often it has begun."""

    def update(self, is_strained: bool, is_over: bool, now_ms: int) -> bool:
        """Whether it is in force after one more reading."""
        if is_strained and self.since_ms is None:
            self.since_ms = now_ms
            self.begun += 1
        elif is_over and self.since_ms is not None and now_ms - self.since_ms >= self.least_ms:
            self.since_ms = None
        return self.since_ms is not None


@dataclass(slots=True)
class Operator:
    """What the operator remembers."""

    config: DimmingConfig
    """Its rules."""
    freshest: int = -1
    """Number of the newest reading that it knows."""
    load: Hysteresis = field(init=False)
    feed_in: Hysteresis = field(init=False)
    """Its limit on devices, and on feed-in."""

    def __post_init__(self) -> None:
        least_ms = self.config.min_duration_s * MS_PER_SECOND
        self.load, self.feed_in = Hysteresis(least_ms), Hysteresis(least_ms)

    def order(self, number: int, reading: FeederReading, now_ms: int) -> Order | None:
        """Its order after a reading; None to an old one.

        A power flow that did not converge says nothing, and what was ordered before stands.
        """
        if number <= self.freshest:
            return None
        self.freshest = number
        config = self.config
        loading, lowest, highest = reading.loading_max_percent, reading.vm_min_pu, reading.vm_max_pu
        limits_load = self.load.update(
            loading > config.from_loading_percent or lowest < config.from_vm_pu,
            loading <= config.until_loading_percent and lowest >= config.until_vm_pu,
            now_ms,
        )
        rule = config.feed_in
        limits_feed_in = rule is not None and self.feed_in.update(
            highest > rule.from_vm_pu, highest <= rule.until_vm_pu, now_ms
        )
        return Order(
            config.max_kw if limits_load else math.inf,
            rule.max_kw if rule is not None and limits_feed_in else math.inf,
        )
