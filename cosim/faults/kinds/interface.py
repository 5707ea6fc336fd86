"""What a kind of fault is: its keys, when it happens and to whom, what can be wrong with it, what it does.

A kind is a class with its keys; what it does is an `Effect`, which changes plain state of what wings offer
to be disturbed (`cosim.faults.kinds.reach.Reach`)::

    @FAULTS.register("non_complier")
    class NonComplier(HouseholdFault):
        takes: Literal["nothing", "everything"] = "nothing"
        effect = NonCompliance
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple, Self

from pydantic import model_validator

from cosim.config.base import (
    Fraction,
    Hours,
    Items,
    Model,
    Name,
    Number,
    Numbers,
    Parts,
    PositiveCount,
    PositiveHours,
    Range,
)
from cosim.core.clock import MS_PER_HOUR, to_ms
from cosim.core.context import Context
from cosim.core.errors import Problem, count
from cosim.core.population import Population
from cosim.core.registry import Registry
from cosim.faults.kinds.failure_times import Window, merged, random_windows, window
from cosim.faults.kinds.reach import Reach, Surroundings
from cosim.households.placement import Placement

DOWN_TOGETHER = (
    "A household that is already down stays down until both have ended; what either loses is lost."
)
LAST_HOLDS = "Where both are active, the one that began last applies."


@dataclass(frozen=True, slots=True)
class FaultEvent:
    """One thing that breaks and is mended.

    Attributes
    ----------
    name : str
        The fault's name.
    fault : Fault
        As configured.
    target : str
        What breaks: a household, a community's platform, the feeder meter, or a set of links.
    members : tuple of int
        Numbers of the households concerned; of a platform's crash that of the community.
    start_ms, end_ms : int
        When, ms since the start of the run; it covers its start and not its end, which may lie after the run.
    """

    name: str
    fault: Fault
    target: str
    members: tuple[int, ...]
    start_ms: int
    end_ms: int


class Effect:
    """What all faults of some kinds do in a run.

    Parameters
    ----------
    reach : Reach
        What they can act on.
    events : sequence of FaultEvent
        All that they will do.
    """

    @abstractmethod
    def __init__(self, reach: Reach, events: Sequence[FaultEvent]) -> None: ...

    @abstractmethod
    def begin(self, event: FaultEvent) -> None:
        """Something breaks."""

    @abstractmethod
    def end(self, event: FaultEvent) -> None:
        """It is mended."""


class LastingEffect(Effect):
    """An effect on the one household, or platform, of each event, as long as any of its events lasts."""

    def __init__(self) -> None:
        self._active: dict[int, list[FaultEvent]] = {}

    def begin(self, event: FaultEvent) -> None:
        """See `Effect`."""
        (member,) = event.members
        self._active.setdefault(member, []).append(event)
        self.apply(member, self._active[member])

    def end(self, event: FaultEvent) -> None:
        """See `Effect`."""
        (member,) = event.members
        self._active[member].remove(event)
        self.apply(member, self._active[member])

    @abstractmethod
    def apply(self, member: int, active: Sequence[FaultEvent]) -> None:
        """Let these events act on it, and no others; in the order in which they began."""


class Site(NamedTuple):
    """Where a fault happens."""

    name: str
    """Of the fault."""
    around: Surroundings
    """What it can concern."""
    placement: Placement | None
    """Which household stands at which bus; None where the grid has errors: then none is at a bus."""
    context: Context
    """The run."""


class FaultWindow(Model):
    """One time in which a fault is on; it covers its start and not its end."""

    from_h: Hours
    """Start, since the scenario's start [h]."""
    duration_h: PositiveHours
    """Length [h]."""


class Fault(Model):
    """What every fault has: a name, and times."""

    effect: ClassVar[type[Effect]]
    """What it does; kinds that have one in common share it."""
    needs_community: ClassVar[bool] = False
    """Whether it affects nobody but platforms, or households of communities."""
    needs_market: ClassVar[bool] = True
    """Whether it affects nobody where there is no community and no market."""
    together: ClassVar[str] = ""
    """What two of the kind do at one time, where they cannot add up."""
    title: ClassVar[str] = ""
    """What it is called in a sentence, after "the": ``crash of the platform``."""

    kind: str = ""
    name: Name | None = None
    """Name in tables and summary, on which its random numbers depend; by default its kind and a number."""
    enabled: bool = True
    """Whether it happens; a disabled fault leaves no trace, and an axis of a sweep can switch it on."""
    from_h: Hours | None = None
    """Start, since the scenario's start [h]; with a rate, the earliest time it can happen."""
    duration_h: PositiveHours | None = None
    """Length [h]; until the end of the run by default. With a rate, for how long it can happen."""
    windows: Items[FaultWindow] = ()
    """Several periods, in place of `from_h` and `duration_h`."""
    rate_per_day: Annotated[Number, Range(0, 86_400, above_low=True)] | None = None
    """How often a day it begins at random while it is not active: the time from an end to the next start is
    exponential [1/day]. Households and platforms fail independently; faults of links strike all of them at
    once."""
    mean_duration_h: PositiveHours | None = None
    """Mean length of random faults; exponential [h]."""

    @model_validator(mode="after")
    def _one_way_of_saying_when(self) -> Self:
        at_random = self.rate_per_day is not None or self.mean_duration_h is not None
        if at_random and (self.rate_per_day is None or self.mean_duration_h is None):
            raise ValueError("rate_per_day and mean_duration_h belong together; give both")
        if at_random and self.windows:
            raise ValueError("windows and rate_per_day exclude each other; give one of them")
        if self.windows and (self.from_h is not None or self.duration_h is not None):
            raise ValueError("windows and from_h exclude each other; give one of them")
        if not (at_random or self.windows or self.from_h is not None or self.files()):
            raise ValueError(
                "nothing says when it happens; give from_h (and duration_h), windows, or rate_per_day and "
                "mean_duration_h"
            )
        return self

    def files(self) -> tuple[str, ...]:
        """The files that it names, which then say when it happens."""
        return ()

    @abstractmethod
    def events(self, site: Site) -> Iterator[FaultEvent]:
        """Everything that it breaks.

        Raises
        ------
        InputError
            With paths from its own key on.
        """

    @abstractmethod
    def concerned(self, around: Surroundings, population: Population) -> set[Any]:
        """Whom it can affect, to see whether two faults of the kind share any."""

    @abstractmethod
    def n_failing(self, around: Surroundings, population: Population) -> int:
        """How many fail on their own, at most."""

    def reaches_operator(self) -> bool:
        """Whether it disturbs what a grid operator sees, or its orders."""
        return False

    def problems(self, around: Surroundings, context: Context) -> Iterator[Problem]:
        """What is wrong or doubtful about it; paths from its own key on."""
        return iter(())

    def held_ms(self) -> tuple[str, float] | None:
        """For how long it holds messages, ms, with the key that says so."""
        return None

    def given_windows(self, end_ms: int) -> list[Window]:
        """The times that it gives, in their order; of a rate the time in which it can happen."""
        if self.windows:
            return [window(one.from_h, one.duration_h) for one in self.windows]
        if self.from_h is None and self.rate_per_day is None:
            return []  # a trace has them
        start_h = self.from_h or 0.0
        if self.duration_h is None:
            return [(to_ms(start_h, MS_PER_HOUR), end_ms)]
        return [window(start_h, self.duration_h)]

    def at(self, site: Site, target: str, members: Sequence[int], entity: int) -> Iterator[FaultEvent]:
        """Its events at one target, whose random numbers are those of `entity`; in order, without overlap."""
        end_ms = site.context.time.duration_ms
        windows = [(start, stop) for start, stop in sorted(self.given_windows(end_ms)) if start < end_ms]
        if self.rate_per_day is None or self.mean_duration_h is None:
            windows = merged(windows)
        else:
            windows = [
                drawn
                for start, stop in windows
                for drawn in random_windows(
                    site.context.streams,
                    site.name,
                    entity,
                    (start, min(stop, end_ms)),
                    self.rate_per_day,
                    self.mean_duration_h,
                )
            ]
        for start_ms, stop_ms in windows:
            yield FaultEvent(site.name, self, target, tuple(members), start_ms, stop_ms)


class HouseholdFault(Fault):
    """A fault of households.

    Attributes
    ----------
    of_agents : bool
        Whether it is one of the answer to a signal, and affects only households of communities.
    """

    of_agents: ClassVar[bool] = False

    households: Numbers[Name] = ()
    """Whom it affects, by name; with `groups`, both. All by default."""
    groups: Parts[Name] = ()
    """Whom it affects, by group."""
    share: Fraction | None = None
    """This share of them, rounded, drawn by the seed; whoever is in a smaller share is also in a larger
    one."""
    count: PositiveCount | None = None
    """This many of them, drawn by the seed in the same order."""

    @model_validator(mode="after")
    def _one_way_of_saying_how_many(self) -> Self:
        if self.share is not None and self.count is not None:
            raise ValueError("share and count exclude each other; give one of them")
        return self

    def names_some(self) -> bool:
        """Whether it names households in any way, in place of all."""
        return bool(self.households or self.groups)

    def concerned(self, around: Surroundings, population: Population) -> set[int]:
        """Numbers of the households that it names; all where it names none.

        Of a fault of the answer to a signal only those that belong to a community; names that do not exist
        are passed over, and so are buses.
        """
        chosen = set(range(population.size))
        if self.names_some():
            number_of = {name: number for number, name in enumerate(population.names)}
            chosen = {number_of[name] for name in self.households if name in number_of}
            chosen |= {number for group in population.named(self.groups) for number in group.members}
        if self.of_agents:
            in_a_community = {name for community in around.communities for name in community.groups}
            chosen &= {number for group in population.named(in_a_community) for number in group.members}
        return chosen

    def n_failing(self, around: Surroundings, population: Population) -> int:
        """As many as it affects."""
        return min(self.count or population.size, math.ceil((self.share or 1.0) * population.size))

    def selected(self, site: Site) -> list[int]:
        """Whom it affects: of those it names, those that its share or count draws."""
        population = site.context.population
        ordered = sorted(self.concerned(site.around, population) | self.at_places(site))
        if self.count is None and self.share is None:
            return ordered
        wanted = self.count if self.share is None else max(1, round(self.share * len(ordered)))
        draws = site.context.streams.field(f"fault/{site.name}/whom").row(0, population.size)
        return sorted(sorted(ordered, key=lambda household: (draws[household], household))[:wanted])

    def at_places(self, site: Site) -> set[int]:
        """Households that it names by where they stand."""
        return set()

    def events(self, site: Site) -> Iterator[FaultEvent]:
        """Each household fails by itself."""
        for household in self.selected(site):
            yield from self.at(site, site.context.population.names[household], [household], household)

    def problems(self, around: Surroundings, context: Context) -> Iterator[Problem]:
        """More households than there are, or none."""
        n_named = len(self.concerned(around, context.population))
        if self.of_agents and around.communities and not n_named:
            message = "none of the households it names belongs to a community"
            yield Problem(message, "Name others, or add their group to a community.", value=self.kind)
        if self.count is not None and self.count > n_named > 0:
            message = f"{count(self.count, 'household')} of {n_named} that it could affect"
            yield Problem(message, f"Write at most {n_named}.", "count")


FAULTS: Registry[Fault] = Registry("fault", Fault)  # type: ignore[type-abstract]
"""Kinds of faults by name."""
