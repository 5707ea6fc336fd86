"""What a run knows of a wing: what it checks, builds and starts, what it does with time, what it leaves.

A market form, the feeder, the links, the faults: each is a subsystem. The run loops over them and knows none
by name. One is built from its own part of a scenario, and looks up the others that it needs.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, NamedTuple, Protocol, Self, TypeVar

import simpy
from pydantic import BaseModel

from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.core.numbers import Number, Summary
from cosim.core.tables import Parameters, Table, TableStore

Source = TypeVar("Source", contravariant=True)
T = TypeVar("T")

ANY_NUMBER = sys.maxsize
"""As many intervals as others like."""


class Uses(NamedTuple):
    """What a subsystem takes for granted of others, as far as the configuration alone can tell.

    Attributes
    ----------
    links : mapping of str to set of str
        Over which links it sends messages: by direction, those of households of which groups; of the meter's
        link, which is nobody's, only whether at all.
    meters : bool
        Whether the households must be metered.
    brings_load : bool
        Whether the households draw power besides what their groups say.
    one_by_one : tuple of str
        What acts on single households of a community, in words: then they cannot be stepped all at once.
    """

    links: Mapping[str, frozenset[str]] = {}
    meters: bool = False
    brings_load: bool = False
    one_by_one: tuple[str, ...] = ()


class Setup(Protocol):
    """The run as far as it is built."""

    @property
    def context(self) -> Context:
        """Its time, households and random numbers."""

    @property
    def env(self) -> simpy.Environment:
        """Its clock, which stands still yet."""

    @property
    def uses(self) -> Uses:
        """What all subsystems together take for granted."""

    def of(self, kind: type[T], /) -> T | None:
        """Another subsystem, which is built now if need be; None where there is none, or it has errors."""

    def failed(self, kind: type, /) -> bool:
        """Whether another subsystem is not there because of errors, which are known already."""

    def warn(self, problems: Iterable[Problem], /) -> None:
        """Tell of what is doubtful."""


@dataclass
class Run:
    """The run while its time passes.

    Attributes
    ----------
    env : simpy.Environment
        Its clock.
    store : TableStore
        Where tables go.
    pause : callable
        To be called now and then when the run is at rest: progress is shown, and an interruption takes place.
    events : int
        What has happened so far; each subsystem counts its own.
    at_once : int
        How many intervals are read when the last of them has ended; with more than one, nobody looks at what
        devices do before that, nor changes it.
    """

    env: simpy.Environment
    store: TableStore
    pause: Callable[[], None]
    events: int = field(default=0)
    at_once: int = field(default=1)


class Subsystem(ABC, Generic[Source]):
    """A wing as the run sees it; what is not defined does nothing.

    `Source` is a protocol with the keys of a scenario that the wing reads, and no others.

    Attributes
    ----------
    schema : type of pydantic model, optional
        What its key at the top of a scenario holds, where `Scenario` does not say so itself.
    tables : tuple of Table
        The tables that it can write, in the order of the documentation.
    numbers : tuple of Number
        The numbers that it can add to a summary.
    """

    schema: ClassVar[type[BaseModel] | None] = None
    tables: ClassVar[tuple[Table, ...]] = ()
    numbers: ClassVar[tuple[Number, ...]] = ()

    @classmethod
    def uses(cls, source: Source) -> Uses:
        """What it takes for granted of others."""
        return Uses()

    @classmethod
    def files(cls, source: Source) -> Iterator[tuple[str, str]]:
        """The files that its part of a scenario names: the path that names each, and its name."""
        yield from ()

    @classmethod
    def check(cls, source: Source, context: Context, uses: Uses) -> Iterator[Problem]:
        """What is wrong or doubtful, as far as the configuration alone can tell."""
        yield from ()

    @classmethod
    @abstractmethod
    def build(cls, source: Source, setup: Setup) -> Self | None:
        """The subsystem in its initial state; None where the scenario has none.

        Raises
        ------
        InputError
            With everything that is wrong with its part of the scenario.
        """

    def doubts(self) -> Iterator[Problem]:
        """What is doubtful about a run that can be made."""
        yield from ()

    def parameters(self) -> Parameters:
        """Its columns of the table `prosumers`."""
        return Parameters({}, {})

    def explain(self) -> Iterator[str]:
        """What `cosim explain` says of it, line by line; sections begin with ``#``."""
        yield from ()

    def start(self, run: Run) -> None:
        """Begin: processes, recorders, and whom messages go to. Those that it looked up have begun before."""

    def intervals_at_once(self, interval: int) -> int:
        """How many intervals from this one on it can be told of when the last of them has ended.

        More than one where it neither reads nor changes anything of households or of the feeder by itself.
        """
        return 1

    def before_meters(self, now_ms: int) -> None:
        """Intervals end now: bring what devices do up to now, before any of these is metered."""

    def meter(self, interval: int) -> None:
        """An interval has ended, and meters are read."""

    def flow(self, interval: int) -> None:
        """Then power flows are solved."""

    def save(self) -> None:
        """A simulated day has ended: write its rows, so that they are there if the run is killed."""

    def close(self) -> None:
        """Write what is still held back, also of a run that was cut short."""

    def summary(self) -> Summary:
        """Its numbers of the run."""
        return {}

    @classmethod
    def result_doubts(cls, summary: Summary) -> Iterable[Problem]:
        """What in a summary says that results are not whole or not right."""
        return ()
