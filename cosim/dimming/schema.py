"""Configuration of dimming: a grid operator that limits flexible devices while its feeder is strained.

After section 14a of the German Energy Industry Act (EnWG) and the Federal Network Agency's decision
BK6-22-300: an operator may, while measurements make it necessary, reduce what controllable devices draw from
the grid, to no less than 4.2 kW each.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from cosim.config.base import (
    Kilowatts,
    LoadingPercent,
    Model,
    Name,
    Parts,
    PositiveSeconds,
    Seconds,
    VoltagePu,
)


class DimmingSilence(Model):
    """What a household does once it has heard no order for a long time."""

    after_s: PositiveSeconds
    """Time since the newest order was sent from which on it counts as silence, s; the start of the run counts
    as one."""
    max_kw: Kilowatts | None = None
    """What each of its devices draws at most then, kW; null for no limit."""
    feed_in_kw: Kilowatts | None = None
    """What it feeds in at most then, kW; null for no limit."""


class FeedInDimming(Model):
    """A limit on what households feed in while a voltage is too high."""

    max_kw: Kilowatts = 0.0
    """What each household feeds in at most under an order, kW."""
    from_vm_pu: VoltagePu = 1.09
    """The operator limits when a bus is above this, pu."""
    until_vm_pu: VoltagePu = 1.07
    """It lifts the limit when no bus is above this, pu."""

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        if self.until_vm_pu > self.from_vm_pu:
            raise ValueError("until_vm_pu must not be above from_vm_pu; lower it")
        return self


class DimmingConfig(Model):
    """An operator that watches its feeder and limits flexible devices: vehicles, heat pumps, batteries.

    Each interval the feeder meter tells the operator the extremes of voltage and loading, over the `meter`
    link. The operator answers each reading with an order to all households, over their downlinks: a limit, or
    none.
    """

    groups: Parts[Name] = ()
    """Groups whose devices it can limit; all by default."""
    max_kw: Kilowatts = 4.2
    """What each device draws at most under its order, kW."""
    from_loading_percent: LoadingPercent = 100.0
    """It limits when a line or transformer is loaded above this share of its own limit, %."""
    until_loading_percent: LoadingPercent = 80.0
    """It lifts the limit when none is loaded above this, %; choose it lower than where the limit begins, for
    load that was held back returns."""
    from_vm_pu: VoltagePu = 0.92
    """It limits when a bus is below this, pu."""
    until_vm_pu: VoltagePu = 0.94
    """It lifts the limit when no bus is below this, pu."""
    min_duration_s: Seconds = 0.0
    """How long a limit holds at least, s."""
    feed_in: FeedInDimming | None = None
    """How it limits feed-in; not at all by default. Households obey whose `pv` has a `control`."""
    in_silence: DimmingSilence | None = None
    """What a household does when no order arrives; by default the newest one that it has stands."""

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        if self.until_loading_percent > self.from_loading_percent:
            raise ValueError("until_loading_percent must not be above from_loading_percent; lower it")
        if self.until_vm_pu < self.from_vm_pu:
            raise ValueError("until_vm_pu must not be below from_vm_pu; raise it")
        return self
