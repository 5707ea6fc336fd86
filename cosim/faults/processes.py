"""Faults in motion: at their times, each begins and ends by changing plain state."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import simpy

from cosim.comms.network import Network
from cosim.core.clock import Priority, wait_until
from cosim.core.context import Context
from cosim.core.message import Message
from cosim.faults.effects import (
    Churning,
    Crashes,
    Effect,
    FalseReadings,
    LinkTrouble,
    NonCompliance,
    PlatformCrashes,
    Sticking,
    WrongClocks,
)
from cosim.faults.false_reports import FalseReports
from cosim.faults.fault_plan import FaultEvent
from cosim.faults.schema import HouseholdCrash, Liar, PlatformCrash, StuckMeter
from cosim.regulation.agent import Agent
from cosim.regulation.community import Market
from cosim.regulation.membership import Members
from cosim.regulation.report_channel import ReportChannel
from cosim.trading.protocol.floor import TradingFloor

Process = Generator[simpy.Event, object, None]


@dataclass(frozen=True)
class Reach:
    """All that faults can act on; each wing hands out what of it can be disturbed.

    Attributes
    ----------
    network : Network
        The links.
    markets : sequence of Market
        The communities.
    doors : sequence of Members
        Where the households of each join and leave.
    reports : ReportChannel or None
        The way of the households' reports.
    floor : TradingFloor or None
        Where households trade.
    meters : sequence of Sticking
        The displays of the feeder meter.
    context : Context
        The run.
    """

    network: Network
    markets: Sequence[Market]
    doors: Sequence[Members]
    reports: ReportChannel | None
    floor: TradingFloor | None
    meters: Sequence[Sticking]
    context: Context

    def agents(self) -> dict[int, Agent]:
        """Every household that belongs to a community."""
        return {household: agent for market in self.markets for household, agent in market.agents.items()}

    def door_of(self) -> dict[int, Members]:
        """Where each of them joins and leaves."""
        return {
            household: door
            for market, door in zip(self.markets, self.doors, strict=True)
            for household in market.agents
        }


class FaultProcess:
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
        agents, doors, context = reach.agents(), reach.door_of(), reach.context
        first_states = {household: door.first_states[household] for household, door in doors.items()}
        self._crashes = Crashes(agents, first_states, reach.floor, reach.network)
        self._platforms = PlatformCrashes(reach.markets, reach.network)
        readings = FalseReadings(agents, _false_reports(events, reach), reach.meters)
        self._effects: dict[str, Effect] = {
            "household_crash": self._crashes,
            "platform_crash": self._platforms,
            "churn": Churning(agents, doors),
            "clock": WrongClocks(agents, context.streams, context.population.size),
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

    def _finds_recipient_up(self, message: Message[object]) -> bool:
        if message.recipient >= 0:
            return not self._crashes.is_down(message.recipient)
        market = self._market_of.get(message.sender)
        return market is None or not market.is_down


def _false_reports(events: Sequence[FaultEvent], reach: Reach) -> FalseReports:
    """Between households and links, where some fault falsifies reports."""
    reports = FalseReports()
    falsifies = any(isinstance(event.fault, StuckMeter | Liar) and event.members for event in events)
    if falsifies and reach.reports is not None:
        reach.reports.disturb(reports.distort)
    return reports
