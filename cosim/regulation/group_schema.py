"""Configuration of what a group's households have for their community: cost, policy, membership."""

from __future__ import annotations

from typing import Annotated

from cosim.config.base import Model
from cosim.config.choice import Choice
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
