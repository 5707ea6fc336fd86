"""Rules that give way to the feeder later than its own limits are left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cosim.core.errors import Problem
from cosim.grid.feeder import Feeder
from cosim.grid.limits import FeederLimits
from cosim.regulation.platform_schema import GridAwareRule
from cosim.regulation.schema import CommunityConfig


def rule_doubts(
    communities: Sequence[CommunityConfig], feeder: Feeder, limits: FeederLimits
) -> Iterator[Problem]:
    """A warning for each voltage of a `grid_aware` rule that lies beyond the limit of some bus."""
    if not feeder.bus.supplied.any():
        return
    for number, community in enumerate(communities):
        for position, rule in enumerate(community.platform.grid_aware):
            path = f"communities.{number}.platform.grid_aware.{position}"
            if "overvoltage" in rule.reacts_to:
                yield from _late(rule, "vm_max_pu", limits.vm_max_pu, 1.0, feeder, path)
            if "undervoltage" in rule.reacts_to:
                yield from _late(rule, "vm_min_pu", limits.vm_min_pu, -1.0, feeder, path)


def _late(
    rule: GridAwareRule, key: str, limits: np.ndarray, sign: float, feeder: Feeder, path: str
) -> Iterator[Problem]:
    """The warning, where the strictest of the limits is left before the rule reacts."""
    threshold: float = getattr(rule, key)
    strictest = int(np.where(feeder.bus.supplied & ~feeder.held, sign * limits, np.inf).argmin())
    limit, name = float(limits[strictest]), feeder.bus.name[strictest]
    if sign * threshold <= sign * limit:
        return
    bus = f"bus {name or feeder.bus.index[strictest]}"
    message = (
        f"the rule reacts at {threshold:g} pu, when {bus} is already beyond its own limit of {limit:g} pu"
    )
    remedy = "Have it react earlier, or give another limit in grid.limits."
    yield Problem(message, remedy, f"{path}.{key}", severity="warning")
