"""Configuration of the households of a group, but for the markets that they take part in."""

from __future__ import annotations

from typing import Annotated

from cosim.config.base import MAX_HOUSEHOLDS, Integer, Model, Name, Range
from cosim.devices.schema import BatteryConfig, LoadConfig, PvConfig


class HouseholdsConfig(Model):
    """Households that are alike: the same devices, with parameters of their own."""

    name: Name
    """Name of the group."""
    households: Annotated[Integer, Range(1, MAX_HOUSEHOLDS)]
    """How many households it has; they are numbered through the groups in their order."""
    load: LoadConfig | None = None
    """Electrical load; none by default."""
    pv: PvConfig | None = None
    """Photovoltaics; none by default."""
    battery: BatteryConfig | None = None
    """Battery; none by default."""
