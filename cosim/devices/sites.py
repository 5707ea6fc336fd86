"""Where the devices of a group stand: what they are given of a run, and where their profiles go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.config.household_values import household_values
from cosim.config.values import AnyValue
from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.core.population import Group
from cosim.core.streams import Streams
from cosim.csv_files.found import CsvFound

Array = NDArray[np.float64]


CONSTANT = "constant"
"""The column that is 1 all the time."""


class FeederElement(Protocol):
    """An element of the feeder's data for which a household stands."""

    @property
    def p_mw(self) -> float:
        """Active power drawn, MW."""

    @property
    def q_mvar(self) -> float:
        """Reactive power drawn, Mvar."""

    @property
    def p_profile(self) -> str:
        """What it follows; empty for nothing."""

    @property
    def q_profile(self) -> str:
        """What its reactive power follows."""


class Rows(Protocol):
    """Some columns over a stretch of time, in quarter hours."""

    def rows(self, first: int, end: int) -> Array:
        """Quarter hours ``first ... end - 1``, without those beyond the last; shape (n, n_columns)."""


class Pages(Protocol):
    """Columns that are read piece by piece during the run."""

    def open(self, names: Iterable[str], start: datetime, n_slots: int) -> Rows:
        """Some columns over `n_slots` quarter hours from `start` on."""


class Slots(NamedTuple):
    """The grid of time of all profiles."""

    start: datetime
    slot_ms: int
    n_slots: int


class ProfileSite(Protocol):
    """Where a device of a group puts the profiles of its households.

    Attributes
    ----------
    kind, path : str
        The kind of device, and its key in the scenario.
    first : int
        Number of the group's first household.
    members : sequence of int
        The group's households that have the device.
    n_households : int
        Size of the population.
    streams : Streams
        The run's random numbers.
    slots : Slots
        The grid of time.
    folder : Path
        What files are relative to.
    shared : dict
        What sources have read for other groups; each has keys of its own.
    feeder_profiles : Pages or None
        What the feeder's own elements follow; None without a feeder, or where it cannot be read.
    """

    @property
    def kind(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def first(self) -> int: ...
    @property
    def members(self) -> Sequence[int]: ...
    @property
    def n_households(self) -> int: ...
    @property
    def streams(self) -> Streams: ...
    @property
    def slots(self) -> Slots: ...
    @property
    def folder(self) -> Path: ...
    @property
    def shared(self) -> dict[Any, Any]: ...
    @property
    def feeder_profiles(self) -> Pages | None: ...

    def values(self, name: str, value: AnyValue) -> list[float]:
        """A parameter of each member, drawn where it is a distribution."""

    def put(self, household: int, p: tuple[str, float], q: tuple[str, float]) -> None:
        """The column that its active power follows, and the power, kW, that it is multiplied by; likewise
        its reactive power, kvar. An inductive device draws reactive power."""

    def hold(self, key: str, column: Array) -> None:
        """A column, one value a slot, under a name that can be put."""

    def follow(self, pages: Pages, name: str, prefix: str = "") -> str:
        """A column of `pages`; under which name it can be put. One prefix, one source of pages."""

    def elements(self, household: int) -> tuple[FeederElement, ...] | None:
        """The feeder's own elements that the household stands for; None where that is not known."""

    def place_of(self, household: int) -> str:
        """Its name and bus, for messages."""

    def found(self, file: CsvFound) -> None:
        """How a CSV file was understood."""

    def warn(self, doubts: Iterable[Problem]) -> None:
        """What is doubtful."""


class ServedLoad(Protocol):
    """The load that a kind of device serves, household by household (see `Device.served_load`).

    Attributes
    ----------
    n_slots : int
        How many slots the run has.
    """

    @property
    def n_slots(self) -> int: ...

    def kw(self, household: int, at_ms: int) -> float:
        """Its power in the slot of an instant; after the end of the run as at its end."""

    def block(self, households: NDArray[np.int64], first: int, n_slots: int) -> Array:
        """Power of some households in some slots of the run, shape (n_households, n_slots)."""


@dataclass(frozen=True)
class Site:
    """Where the devices of one kind of a group are installed.

    Attributes
    ----------
    kind : str
        The kind.
    group : Group
        The households.
    context : Context
        The run.
    slots : Slots
        The grid of time of all profiles; nothing that follows one changes within a slot.
    warn : callable
        Takes what is doubtful.
    served : ServedLoad or None
        The load that the devices serve; for a kind that has one.
    """

    kind: str
    group: Group
    context: Context
    slots: Slots
    warn: Callable[[Iterable[Problem]], None]
    served: ServedLoad | None = None

    @property
    def path(self) -> str:
        """The key of the kind in the scenario."""
        return f"groups.{self.group.number}.{self.kind}"

    def values(self, name: str, value: AnyValue) -> Array:
        """A parameter of each household of the group, drawn where it is a distribution; shape (n,)."""
        n_households = self.context.population.size
        return household_values(self.context.streams, f"{self.kind}.{name}", value, self.group, n_households)
