"""Platforms go down and come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from cosim.config.base import Name, Parts
from cosim.core.message import PLATFORM, platform_of
from cosim.core.population import Population
from cosim.faults.kinds.interface import DOWN_TOGETHER, FAULTS, Fault, FaultEvent, LastingEffect, Site
from cosim.faults.kinds.reach import Reach, Surroundings
from cosim.regulation.platform import PlatformState
from cosim.regulation.restart import restarted, saved


class PlatformCrashes(LastingEffect):
    """From its first crash on a platform hears and sends nothing, until the last ends."""

    def __init__(self, reach: Reach, events: Sequence[FaultEvent]) -> None:
        super().__init__()
        self._communities = reach.communities
        self._network = reach.network
        self._first_states: list[PlatformState] = [
            saved(community.platform.state) for community in reach.communities
        ]
        self._losers: set[int] = set()
        for event in events:
            reach.communities[event.members[0]].is_saved = True
        reach.acknowledge_only_up()

    def apply(self, member: int, active: Sequence[FaultEvent]) -> None:
        """It goes down, or on with its next tick, from what was saved after the last one, or from nothing."""
        community, first = self._communities[member], self._first_states[member]
        for event in active:
            if isinstance(event.fault, PlatformCrash) and event.fault.restart_from == "nothing":
                self._losers.add(member)
        if active:
            community.is_down = True
            self._network.abandon(
                lambda message: (
                    message.sender == platform_of(member)
                    or (message.sender == PLATFORM and message.recipient in community.agents)
                )
            )
            return
        kept = first if member in self._losers or community.saved is None else community.saved
        self._losers.discard(member)
        community.platform.state = restarted(kept, community.platform.state.members)
        community.is_down = False


@FAULTS.register("platform_crash")
class PlatformCrash(Fault):
    """A community's platform is down: it hears nothing and sends nothing."""

    title: ClassVar = "crash of the platform"
    effect: ClassVar = PlatformCrashes
    needs_community: ClassVar = True
    together: ClassVar = DOWN_TOGETHER

    communities: Parts[Name] = ()
    """Whose platform; all by default."""
    restart_from: Literal["saved_signal", "nothing"] = "saved_signal"
    """`saved_signal`: from what the last tick left, signals and newest reports; `nothing`: from Ω(0), with no
    report heard."""

    def concerned(self, around: Surroundings, population: Population) -> set[str]:
        """Names of the communities."""
        return set(self.communities or (community.name for community in around.communities))

    def n_failing(self, around: Surroundings, population: Population) -> int:
        """Each platform by itself."""
        return len(self.communities or around.communities)

    def events(self, site: Site) -> Iterator[FaultEvent]:
        """Each platform by itself."""
        concerned = self.concerned(site.around, site.context.population)
        for number, community in enumerate(site.around.communities):
            if community.name in concerned:
                yield from self.at(site, community.name, [number], number)
