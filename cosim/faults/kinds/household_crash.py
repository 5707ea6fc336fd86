"""Households' controllers go down and come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from cosim.faults.kinds.interface import DOWN_TOGETHER, FAULTS, FaultEvent, HouseholdFault, LastingEffect
from cosim.faults.kinds.reach import Reach
from cosim.regulation.agent_state import forgotten


class Crashes(LastingEffect):
    """From its first crash on until the last ends, a household hears, decides and reports nothing."""

    def __init__(self, reach: Reach, events: Sequence[FaultEvent]) -> None:
        self._agents = reach.agents()
        self._first_states = {
            household: members.first_states[household] for household, members in reach.members_of().items()
        }
        super().__init__()
        self._reach = reach
        self._losers: set[int] = set()
        reach.acknowledge_only_up()

    def apply(self, member: int, active: Sequence[FaultEvent]) -> None:
        """It goes down, or on with its next step, with what it remembers."""
        if any(isinstance(event.fault, HouseholdCrash) and event.fault.state == "lost" for event in active):
            self._losers.add(member)
        if active and member not in self._reach.down:
            self._go_down(member)
        elif not active:
            self._come_back(member)

    def _go_down(self, household: int) -> None:
        self._reach.down.add(household)
        if household in self._agents:
            self._agents[household].state.is_down = True
        self._reach.network.abandon(lambda message: message.sender == household)
        if self._reach.floor is not None:
            self._reach.floor.crash(household)

    def _come_back(self, household: int) -> None:
        self._reach.down.remove(household)
        keeps_state = household not in self._losers
        self._losers.discard(household)
        agent = self._agents.get(household)
        if agent is not None:
            if not keeps_state:
                agent.state = forgotten(agent.state, self._first_states[household])
            agent.state.is_down = False
        if self._reach.floor is not None:
            self._reach.floor.restart(household, keeps_state)


@FAULTS.register("household_crash")
class HouseholdCrash(HouseholdFault):
    """Households' controllers are down: they hear, decide, report and trade nothing; devices go on."""

    title: ClassVar = "crash of households"
    effect: ClassVar = Crashes
    together: ClassVar = DOWN_TOGETHER

    state: Literal["kept", "lost"] = "lost"
    """What is left at the restart: `kept` is everything; `lost` is the configuration alone, so averages, the
    freshest signal, ledgers, offers and what a bidder has learnt are as at the start."""
