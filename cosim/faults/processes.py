"""Faults in motion: at their times, each begins and ends by changing plain state."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import simpy

from cosim.comms.network import Network
from cosim.core.clock import Priority, wait_until
from cosim.core.message import Message
from cosim.core.streams import Streams
from cosim.faults.effects import (
    Churning,
    Crashes,
    Effect,
    FalseReadings,
    LinkTrouble,
    NonCompliance,
    PlatformCrashes,
    WrongClocks,
)
from cosim.faults.false_reports import Reporting
from cosim.faults.plan import FaultEvent
from cosim.faults.schema import HouseholdCrash, Liar, PlatformCrash, StuckMeter
from cosim.regulation.agent import Agent
from cosim.regulation.community import Market
from cosim.regulation.feeder_meter import Gauge
from cosim.regulation.membership import Members
from cosim.trading.protocol.floor import TradingFloor

Process = Generator[simpy.Event, object, None]


@dataclass
class Reach:
    """All that faults can act on.

    Attributes
    ----------
    network : Network
        The links.
    markets : list of Market
        The communities.
    members : list of Members
        The door of each.
    floor : TradingFloor or None
        Where households trade.
    gauges : sequence of Gauge
        The displays of the feeder meter.
    streams : Streams
        The run's random numbers.
    n_households : int
        All households of the run.
    """

    network: Network
    markets: list[Market]
    members: list[Members]
    floor: TradingFloor | None
    gauges: Sequence[Gauge]
    streams: Streams
    n_households: int

    def agents(self) -> dict[int, Agent]:
        """Every household that belongs to a community."""
        return {household: agent for market in self.markets for household, agent in market.agents.items()}


class Faults:
    """All faults of a run.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    events : sequence of FaultEvent
        What happens; also what is left to happen follows from it and the clock.
    reach : Reach
        What they act on.
    """

    def __init__(self, env: simpy.Environment, events: Sequence[FaultEvent], reach: Reach) -> None:
        self._env = env
        self._events = events
        self._market_of = {member: market for market in reach.markets for member in market.agents}
        agents, members = reach.agents(), _member_doors(reach)
        first_states = {h: door.first_states[h] for h, door in members.items()}
        self._crashes = Crashes(agents, first_states, reach.floor, reach.network)
        self._platforms = PlatformCrashes(reach.markets, reach.network)
        reporting = self._reporting(reach, agents)
        readings = FalseReadings(agents, reporting, reach.gauges)
        self._effects: dict[str, Effect] = {
            "household_crash": self._crashes,
            "platform_crash": self._platforms,
            "churn": Churning(agents, members),
            "clock": WrongClocks(agents, reach.streams, reach.n_households),
            "stuck_meter": readings,
            "liar": readings,
            "non_complier": NonCompliance(agents),
        }
        trouble = LinkTrouble(reach.network)
        for kind in ("partition", "loss_burst", "duplication", "replay"):
            self._effects[kind] = trouble
        if any(isinstance(event.fault, HouseholdCrash | PlatformCrash) for event in events):
            reach.network.on_acknowledge(self._finds_recipient_up)
        for event in events:
            if isinstance(event.fault, PlatformCrash):
                reach.markets[event.members[0]].is_saved = True

    def start(self) -> None:
        """Begin."""
        self._env.process(self._run())

    def _run(self) -> Process:
        """Ends before beginnings at one instant, then in the order of the events."""
        moments = [(event.start_ms, 1, number) for number, event in enumerate(self._events)]
        moments += [(event.end_ms, 0, number) for number, event in enumerate(self._events)]
        for at_ms, begins, number in sorted(moments):
            yield wait_until(self._env, at_ms, Priority.FAULT)
            event = self._events[number]
            effect = self._effects[event.fault.kind]
            if begins:
                effect.begin(event)
            else:
                effect.end(event)

    def _reporting(self, reach: Reach, agents: Mapping[int, Agent]) -> Reporting | None:
        """Puts itself between households and links, where some fault falsifies reports."""
        falsifies = any(
            isinstance(event.fault, StuckMeter | Liar) and event.members for event in self._events
        )
        if not falsifies:
            return None

        reporting = Reporting(next(iter(agents.values())).report)
        for agent in agents.values():
            agent.report = reporting.report
        return reporting

    def _finds_recipient_up(self, message: Message) -> bool:
        if message.recipient >= 0:
            return not self._crashes.is_down(message.recipient)
        market = self._market_of.get(message.sender)
        return market is None or not market.is_down


def _member_doors(reach: Reach) -> dict[int, Members]:
    return {
        household: door
        for market, door in zip(reach.markets, reach.members, strict=True)
        for household in market.agents
    }
