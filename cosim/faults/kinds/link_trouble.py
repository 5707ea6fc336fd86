"""Partitions, bursts of loss, copies and replays: what befalls all links of some households at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from cosim.comms.disturbance import Disturbance
from cosim.comms.schema import Direction
from cosim.config.base import BusNumber, Numbers, PositiveMilliseconds, Probability
from cosim.core.context import Context
from cosim.core.errors import InputError, Problem, count
from cosim.core.population import Population
from cosim.faults.kinds.interface import FAULTS, Effect, FaultEvent, HouseholdFault, Site
from cosim.faults.kinds.reach import Reach, Surroundings


class LinkTrouble(Effect):
    """See `Effect`."""

    def __init__(self, reach: Reach, events: Sequence[FaultEvent]) -> None:
        self._network = reach.network

    def begin(self, event: FaultEvent) -> None:
        """It acts on what is sent from now on."""
        self._network.disturb(self._disturbance(event))

    def end(self, event: FaultEvent) -> None:
        """It no longer does."""
        self._network.calm(self._disturbance(event))

    def _disturbance(self, event: FaultEvent) -> Disturbance:
        assert isinstance(event.fault, LinkFault)
        return event.fault.disturbance(event.name, frozenset(event.members))


class LinkFault(HouseholdFault):
    """A fault of all links to and from households."""

    effect: ClassVar = LinkTrouble

    @abstractmethod
    def disturbance(self, name: str, households: frozenset[int]) -> Disturbance:
        """What it does to links."""

    def reaches_operator(self) -> bool:
        """Its orders go over links."""
        return True

    def n_failing(self, around: Surroundings, population: Population) -> int:
        """All links at once."""
        return 1

    def events(self, site: Site) -> Iterator[FaultEvent]:
        """All links at once."""
        names, selected = site.context.population.names, self.selected(site)
        links = {len(names): "all households", 1: names[selected[0]] if selected else ""}
        whose = links.get(len(selected), f"{count(len(selected), 'household')} of {len(names)}")
        directions = ", ".join(getattr(self, "directions", ("all directions",)))
        yield from self.at(site, f"links of {whose} ({directions})", selected, 0)


@FAULTS.register("partition")
class Partition(LinkFault):
    """Households are cut off from the platform and all others, both ways, but not from each other."""

    title: ClassVar = "partition of links"

    buses: Numbers[BusNumber] = ()
    """Households at these buses of the feeder; with `households` and `groups`, all of these together."""

    def names_some(self) -> bool:
        """Buses count too."""
        return bool(self.buses) or super().names_some()

    def at_places(self, site: Site) -> set[int]:
        """Households at its buses."""
        if site.placement is None:
            return set()
        at = site.placement.buses
        message, remedy = "no household is connected to this bus", "`cosim explain` lists them."
        problems = [
            Problem(message, remedy, f"buses.{n}", value=str(bus))
            for n, bus in enumerate(self.buses)
            if bus not in at
        ]
        if problems:
            raise InputError(problems)
        return {household for household, bus in enumerate(at) if bus in self.buses}

    def problems(self, around: Surroundings, context: Context) -> Iterator[Problem]:
        """Buses without a feeder; how many stand there is not known yet."""
        if not self.buses:
            yield from super().problems(around, context)
        elif not around.has_grid:
            yield Problem("the scenario has no grid", "Name households or groups.", "buses")

    def disturbance(self, name: str, households: frozenset[int]) -> Disturbance:
        """Nothing passes, but among them."""
        every: frozenset[Direction] = frozenset(("downlink", "uplink", "peer"))
        return Disturbance(name, every, households, spares_inside=True, loss_probability=1.0)


class DirectedFault(LinkFault):
    """A fault of links in some directions."""

    directions: Annotated[tuple[Direction, ...], Field(min_length=1, max_length=5)] = (
        "downlink",
        "uplink",
        "peer",
    )
    """Which links; `meter` is that of the feeder meter, `platform` those between platforms and a firm."""

    def disturbance(self, name: str, households: frozenset[int]) -> Disturbance:
        """By its probability."""
        probability = {key: value for key, value in self if key.endswith("_probability")}
        return Disturbance(name, frozenset(self.directions), households, **probability)

    def problems(self, around: Surroundings, context: Context) -> Iterator[Problem]:
        """Links over which nothing is sent."""
        yield from super().problems(around, context)
        is_given = "directions" in self.model_fields_set
        for position, direction in enumerate(self.directions):
            if is_given and not around.uses(direction):
                message = f"nothing is sent over links of direction '{direction}' in this scenario"
                yield Problem(message, "Leave it out.", f"directions.{position}", severity="warning")


@FAULTS.register("loss_burst")
class LossBurst(DirectedFault):
    """Messages get lost, besides those that are lost anyway."""

    title: ClassVar = "burst of losses"

    loss_probability: Probability
    """Probability that the fault loses a message."""


@FAULTS.register("duplication")
class Duplication(DirectedFault):
    """Messages arrive twice, each copy with its own latency."""

    title: ClassVar = "duplication of messages"

    duplication_probability: Probability
    """Probability that the fault duplicates a message."""


@FAULTS.register("replay")
class Replay(DirectedFault):
    """Messages arrive again, much later than the first time."""

    title: ClassVar = "replay of messages"

    replay_probability: Probability
    """Probability that a message sent during the fault arrives a second time."""
    delay_ms: PositiveMilliseconds
    """How long after its first arrival [ms]."""

    def held_ms(self) -> tuple[str, float]:
        """Until it arrives again."""
        return "delay_ms", self.delay_ms

    def disturbance(self, name: str, households: frozenset[int]) -> Disturbance:
        """And by its delay."""
        delay_ms = max(1, round(self.delay_ms))
        return replace(super().disturbance(name, households), replay_delay_ms=delay_ms)
