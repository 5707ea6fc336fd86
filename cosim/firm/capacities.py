"""Capacities of communities that a firm sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cosim.regulation.capacities.firm_position import FirmPosition
from cosim.regulation.schema import CommunityConfig


class SetCapacity(NamedTuple):
    """A capacity that the firm sets: of which resource of which community, and how."""

    community: int
    resource: int
    rule: FirmPosition


def set_capacities(communities: Sequence[CommunityConfig]) -> list[SetCapacity]:
    """The capacities that a firm sets."""
    return [
        SetCapacity(number, position, resource.capacity)
        for number, community in enumerate(communities)
        for position, resource in enumerate(community.resources)
        if isinstance(resource.capacity, FirmPosition)
    ]
