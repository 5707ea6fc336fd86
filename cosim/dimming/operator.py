"""The operator's half of dimming: from a reading of the feeder to an order, with hysteresis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cosim.core.clock import MS_PER_SECOND
from cosim.dimming.schema import DimmingConfig
from cosim.grid.measurement import FeederReading


@dataclass(slots=True)
class Operator:
    """What the operator remembers.

    Attributes
    ----------
    config : DimmingConfig
        Its rules.
    since_ms : int or None
        Since when it limits; None while it does not.
    freshest : int
        Number of the newest reading that it knows.
    """

    config: DimmingConfig
    since_ms: int | None = None
    freshest: int = -1

    def order_kw(self, number: int, reading: FeederReading, now_ms: int) -> float | None:
        """Its order after a reading: what devices draw at most, infinity for no limit; None to an old one.

        A power flow that did not converge says nothing, and what was ordered before stands.
        """
        if number <= self.freshest:
            return None
        self.freshest = number
        config = self.config
        loading, voltage = reading.loading_max_percent, reading.vm_min_pu
        if loading > config.from_loading_percent or voltage < config.from_vm_pu:
            self.since_ms = now_ms if self.since_ms is None else self.since_ms
        elif (
            self.since_ms is not None
            and loading <= config.until_loading_percent
            and voltage >= config.until_vm_pu
            and now_ms - self.since_ms >= config.least_s * MS_PER_SECOND
        ):
            self.since_ms = None
        return math.inf if self.since_ms is None else config.most_kw
