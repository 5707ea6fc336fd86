"""Configuration of what a group's households have for their community: cost, policy, membership."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol

from cosim.config.base import Model
from cosim.config.choice import Choice
from cosim.devices.interface import Device
from cosim.regulation.agent_schema import MembershipConfig
from cosim.regulation.costs import COSTS, Cost
from cosim.regulation.policies import POLICIES, Policy


class RegulatedConfig(Model):
    """What each household of a group has by which it answers a signal."""

    cost: Annotated[Cost, Choice(COSTS)] | None = None
    """Private cost of a household; needed where the group belongs to a community."""
    policy: Annotated[Policy, Choice(POLICIES)] | None = None
    """Its response to the signal, in place of the `agent.policy` of its community."""
    membership: MembershipConfig = MembershipConfig()
    """When its households join and leave their community."""


class Grouped(Protocol):
    """A group of households as the regulation market sees it."""

    @property
    def name(self) -> str:
        """Name of the group."""

    @property
    def households(self) -> int:
        """How many households it has."""

    @property
    def devices(self) -> Mapping[str, Device]:
        """What its households have, by kind."""

    @property
    def cost(self) -> Cost | None:
        """Private cost of a household."""

    @property
    def policy(self) -> Policy | None:
        """Its response to the signal, where it is not its community's."""

    @property
    def membership(self) -> MembershipConfig:
        """When its households join and leave."""
