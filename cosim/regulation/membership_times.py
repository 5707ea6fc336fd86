"""When the households of the communities join and leave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.config.household_values import household_values
from cosim.core.clock import MS_PER_HOUR
from cosim.core.population import Population
from cosim.core.streams import Streams
from cosim.regulation.agent_schema import MembershipConfig


@dataclass(frozen=True)
class Membership:
    """When each household takes part in its community, ms since the start; shape (n,) each.

    `leaves_ms` is -1 for a household that stays.
    """

    joins_ms: NDArray[np.int64]
    leaves_ms: NDArray[np.int64]


def membership(configs: Sequence[MembershipConfig], population: Population, streams: Streams) -> Membership:
    """When the households join and leave, by the configuration of each group."""
    joins = np.zeros(population.size, np.int64)
    leaves = np.full(population.size, -1, np.int64)
    for group, config in zip(population.groups, configs, strict=True):
        hours = household_values(streams, "membership.joins_h", config.joins_h, group, population.size)
        joins[group.first : group.last] = np.rint(hours * MS_PER_HOUR)
        if config.leaves_h is not None:
            hours = household_values(streams, "membership.leaves_h", config.leaves_h, group, population.size)
            leaves[group.first : group.last] = np.rint(hours * MS_PER_HOUR)
    return Membership(joins, leaves)
