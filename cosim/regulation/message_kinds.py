"""What platforms, households and the feeder meter say to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from cosim.core.message import MessageKind
from cosim.grid.measurement import FeederReading
from cosim.regulation.heard_reports import Report


class MeteredAggregate(NamedTuple):
    """What the meter of a community's aggregate shows of a step: the mean of each resource."""

    community: int
    means: tuple[float, ...]


class MeteredFeeder(NamedTuple):
    """What the feeder meter tells the platform of a community."""

    community: int
    reading: FeederReading


class CapacityOrder(NamedTuple):
    """What the platform of a community is to keep to from its next tick on."""

    community: int
    resource: int
    """Their numbers."""
    units: float
    """The capacity, units per step."""


SIGNAL: Final = MessageKind[Sequence[float]]("signal")
"""The signal of each resource, from a platform to its households."""
REPORT: Final = MessageKind[Report]("report")
"""What a household delivered in a step."""
AGGREGATE: Final = MessageKind[MeteredAggregate]("meter")
"""The aggregate of a community, measured."""
CAPACITY: Final = MessageKind[CapacityOrder]("capacity")
"""A capacity that somebody else sets, such as a local firm."""
FEEDER: Final = MessageKind[MeteredFeeder]("feeder")
"""Voltages and loadings of the feeder, measured."""
