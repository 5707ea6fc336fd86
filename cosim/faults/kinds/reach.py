"""What faults can concern, as the configuration tells, and what of a run they can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cosim.comms.network import Network
from cosim.comms.schema import CommsConfig
from cosim.core.context import Context
from cosim.core.message import Message, community_at
from cosim.firm.plant import Plant
from cosim.regulation.agent import Agent
from cosim.regulation.agent_schema import MembershipConfig
from cosim.regulation.community import Community
from cosim.regulation.membership import Members
from cosim.regulation.report_channel import ReportChannel
from cosim.regulation.schema import CommunityConfig
from cosim.trading.auction.messages import TO_OPERATOR
from cosim.trading.protocol.marketplace import MarketOperator, Marketplace


@dataclass(frozen=True)
class Surroundings:
    """What faults can concern."""

    communities: Sequence[CommunityConfig] = ()
    """The communities that are regulated."""
    membership: Sequence[MembershipConfig] = ()
    """When the households of each group join and leave."""
    has_trading: bool = False
    """Whether households trade."""
    has_market_operator: bool = False
    """Whether they do so through an operator."""
    has_dimming: bool = False
    """Whether an operator limits devices."""
    has_platform_links: bool = False
    """Whether platforms hear of each other, or of a firm."""
    has_firm_generator: bool = False
    """Whether there is a firm with a generator."""
    has_grid: bool = False
    has_feedback: bool = False
    """Whether there is a feeder, and whether it is measured."""
    comms: CommsConfig = field(default_factory=CommsConfig)
    """The links."""

    @property
    def has_feeder_meter(self) -> bool:
        """Whether somebody reads the feeder meter."""
        return self.has_feedback or any(one.platform.measurement == "meter" for one in self.communities)

    def uses(self, direction: str) -> bool:
        """Whether anything is sent over links of a direction."""
        if direction == "platform":
            return self.has_platform_links
        if direction == "peer":
            return self.has_trading and not self.has_market_operator
        if self.has_market_operator and direction in ("uplink", "downlink"):
            return True
        if self.has_dimming and direction in ("downlink", "meter"):
            return True
        return bool(self.communities) and (direction != "meter" or self.has_feeder_meter)


class Sticking(Protocol):
    """A meter that can be made to stick."""

    def stick(self, value: float | None) -> None:
        """Show the same from now on."""

    def release(self) -> None:
        """Follow what is measured again, unless another fault makes it stick."""


@dataclass(frozen=True)
class Reach:
    """All that faults can act on; each wing hands out what of it can be disturbed.

    Attributes
    ----------
    network : Network
        The links.
    communities : sequence of Community
        The communities.
    members : sequence of Members
        Where the households of each join and leave.
    reports : ReportChannel or None
        The way of the households' reports.
    floor : Marketplace or None
        Where households trade.
    operator : MarketOperator or None
        Who runs it for them.
    plant : Plant or None
        Battery and generator of a local firm.
    meters : sequence of Sticking
        The displays of the feeder meter.
    context : Context
        The run.
    down : set of int
        Households whose controllers are down.
    """

    network: Network
    communities: Sequence[Community]
    members: Sequence[Members]
    reports: ReportChannel | None
    floor: Marketplace | None
    operator: MarketOperator | None
    plant: Plant | None
    meters: Sequence[Sticking]
    context: Context
    down: set[int] = field(default_factory=set)

    def agents(self) -> dict[int, Agent]:
        """Every household that belongs to a community."""
        return {
            household: agent
            for community in self.communities
            for household, agent in community.agents.items()
        }

    def members_of(self) -> dict[int, Members]:
        """Where each of them joins and leaves."""
        return {
            household: members
            for community, members in zip(self.communities, self.members, strict=True)
            for household in community.agents
        }

    def acknowledge_only_up(self) -> None:
        """Let nobody acknowledge a message who is down."""
        community_of = {member: community for community in self.communities for member in community.agents}

        def finds_recipient_up(message: Message[object]) -> bool:
            if message.recipient >= 0:
                return message.recipient not in self.down
            if self.operator is not None and message.kind in TO_OPERATOR:
                return not self.operator.is_down
            number = community_at(message.recipient)
            community = community_of.get(message.sender) if number is None else self.communities[number]
            return community is None or not community.is_down

        self.network.on_acknowledge(finds_recipient_up)
