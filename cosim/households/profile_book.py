"""Load and generation of all households, one block of time after another.

The source columns are kept as they are (a few dozen), those of SimBench in their file; what each household
makes of them is worked out for a block at a time, so memory does not grow with the length of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, reduce
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem
from cosim.core.inverters import Inverter
from cosim.csv_files.found import CsvFound

Array = NDArray[np.float64]


class Columns(Protocol):
    """Source values: an array of shape (n_slots, n_columns), or what reads such a one piece by piece."""

    def __getitem__(self, slots: slice, /) -> Array:
        """Values of these slots, as far as there are; shape (n, n_columns)."""
        ...


class Series(NamedTuple):
    """One quantity of many takers, as a scaled choice among a few columns."""

    columns: Columns
    """Source values over the whole run, `n_columns` of them."""
    choice: NDArray[np.int64]
    """The column each taker uses. Shape (n_takers,)."""
    scale: Array
    """What it is multiplied by; 0 for a taker that has none. Shape (n_takers,)."""
    names: tuple[str, ...] = ()
    """Names of the columns; empty where they have none."""

    def name_of(self, taker: int) -> str:
        """Name of the column that a taker uses; empty for a taker that has none."""
        return self.names[self.choice[taker]] if self.names and self.scale[taker] else ""

    def block(self, first: int, n_slots: int) -> Array:
        """Values of slots ``first ... first + n_slots - 1``; shape (n_slots, n_takers)."""
        rows = self.columns[first : first + n_slots]
        return rows[:, self.choice] * self.scale


def nothing(n_slots: int, n_takers: int) -> Series:
    """A series that is zero for everybody."""
    return Series(np.zeros((n_slots, 1)), np.zeros(n_takers, np.int64), np.zeros(n_takers))


class Profile(NamedTuple):
    """What the devices of a kind draw or give over the run."""

    kind: str
    """The kind."""
    is_generation: bool
    """Whether active power is given, not drawn. Reactive power is drawn either way."""
    kw: Series
    kvar: Series
    """Of every taker."""


class InstalledInverter(NamedTuple):
    """An inverter that is controlled, with its household and the kind of device that generates behind it."""

    household: int
    kind: str
    inverter: Inverter


class Demand(NamedTuple):
    """What many takers draw and generate over the run."""

    profiles: tuple[Profile, ...]
    """Of each kind of device that has one."""
    files: tuple[CsvFound, ...] = ()
    """How each CSV file behind them was understood."""
    warnings: tuple[Problem, ...] = ()
    """What is doubtful in those files, each with file and line."""
    served: Mapping[str, Series] = MappingProxyType({})
    """By kind of device, the loads that devices of the kind serve; they are none of the profiles."""
    inverters: tuple[InstalledInverter, ...] = ()
    """The inverters that are controlled."""

    def load_kw(self, first: int, n_slots: int) -> Array:
        """Power drawn in some slots; shape (n_slots, n_takers)."""
        return self._sum(False, first, n_slots)

    def generation_kw(self, first: int, n_slots: int) -> Array:
        """Power given in some slots; shape (n_slots, n_takers)."""
        return self._sum(True, first, n_slots)

    def _sum(self, is_generation: bool, first: int, n_slots: int) -> Array:
        series = [each.kw for each in self.profiles if each.is_generation == is_generation]
        blocks = [each.block(first, n_slots) for each in series]
        return reduce(np.add, blocks)


class ProfileBook:
    """The current block of a demand.

    Parameters
    ----------
    demand : Demand
        Of all households, over the whole run.
    slot_ms : int
        Length of a slot; divides the interval.
    slots_per_interval : int
        Slots in a metering interval.
    intervals_per_block : int
        Intervals that a block covers.
    intervals_ahead : int
        Intervals after it that can be looked into: what the longest step takes.

    Attributes
    ----------
    first_ms : int
        Start of the block.
    version : int
        Another one whenever `surplus_kw` has changed.
    """

    def __init__(
        self,
        demand: Demand,
        slot_ms: int,
        slots_per_interval: int,
        intervals_per_block: int = 168,
        intervals_ahead: int = 1,
    ) -> None:
        self.demand = demand
        self.slot_ms = slot_ms
        self._per_interval = slots_per_interval
        self._per_block = intervals_per_block
        self._ahead = intervals_ahead
        self.version = 0
        self._first_interval = 0
        self._kinds_first = 0
        self._kinds: dict[str, tuple[Array, ...]] = {}
        self._added: dict[int, Array] = {}
        self._set_aside: dict[int, Array] = {}
        self._open(0)

    def add_load(self, interval: int, load_kw: Array) -> None:
        """Put load on top of the profiles' for one interval that has not begun: appliances as scheduled.

        Parameters
        ----------
        interval : int
            Its number from the start.
        load_kw : ndarray, shape (n_households,)
            Power throughout the interval, at unity power factor.
        """
        self._added[interval] = self._added.get(interval, 0.0) + load_kw
        self._raise(interval, load_kw)

    def set_aside(self, interval: int, power_kw: Array) -> None:
        """Take power from the surplus that a battery sees, for one interval that has not begun.

        No meter counts it: it belongs to others, who use it or feed it in.

        Parameters
        ----------
        interval : int
            Its number from the start.
        power_kw : ndarray, shape (n_households,)
            Power throughout the interval; negative is given on top.
        """
        self._set_aside[interval] = self._set_aside.get(interval, 0.0) + power_kw
        self._lower(interval, power_kw)

    def interval_means(self, interval: int) -> tuple[Array, Array, Array]:
        """Load and generation, kW, and reactive power, kvar, of every household, as means over an interval.

        Parameters
        ----------
        interval : int
            Its number from the start; intervals are read in their order.
        """
        row = interval - self._first_interval
        return self._load_kw[row], self._generation_kw[row], self._kvar[row]

    def kind_means(self, kind: str, interval: int) -> tuple[Array, Array]:
        """Power, kW, and reactive power, kvar, of every household's device of a kind that has a profile.

        Means over an interval, as profiles say.

        Parameters
        ----------
        kind : str
            Of device.
        interval : int
            Its number from the start; intervals are read in their order.
        """
        if interval - self._kinds_first >= self._per_block:
            self._kinds_first, self._kinds = interval, {}
        if kind not in self._kinds:
            profile = next(each for each in self.demand.profiles if each.kind == kind)
            first, n_slots = self._kinds_first * self._per_interval, self._per_block * self._per_interval
            blocks = (series.block(first, n_slots) for series in (profile.kw, profile.kvar))
            self._kinds[kind] = tuple(self._means(block) for block in blocks)
        kw, kvar = self._kinds[kind]
        return kw[interval - self._kinds_first], kvar[interval - self._kinds_first]

    def turn_to(self, interval: int) -> None:
        """Make the block current that holds `interval`; called when every home is up to date."""
        if interval - self._first_interval >= self._per_block:
            self._open(interval)

    def left(self, interval: int) -> int:
        """How many intervals from this one on the current block holds."""
        return self._first_interval + self._per_block - interval

    def _open(self, interval: int) -> None:
        n_slots = self._per_block * self._per_interval
        first = interval * self._per_interval
        # More than the block: a decision at its end looks into the step that follows.
        looked_at = n_slots + self._ahead * self._per_interval
        load, generation = self.demand.load_kw(first, looked_at), self.demand.generation_kw(first, looked_at)
        self.version += 1
        self._first_interval = interval
        self.first_ms = first * self.slot_ms
        self._surplus_kw = generation - load
        self.__dict__.pop("surplus_kw", None)
        self._load_kw, self._generation_kw = self._means(load[:n_slots]), self._means(generation[:n_slots])
        each_kvar = [self._means(profile.kvar.block(first, n_slots)) for profile in self.demand.profiles]
        self._kvar: Array = reduce(np.add, each_kvar)
        self._added = {one: load_kw for one, load_kw in self._added.items() if one >= interval}
        self._set_aside = {one: power_kw for one, power_kw in self._set_aside.items() if one >= interval}
        for one, load_kw in self._added.items():
            self._raise(one, load_kw)
        for one, power_kw in self._set_aside.items():
            self._lower(one, power_kw)

    @cached_property
    def surplus_kw(self) -> list[list[float]]:
        """Generation minus load of each household and slot of the block, less what `set_aside` took, kW.

        Made when somebody asks, which nobody does where no device reacts.
        """
        surplus_kw: list[list[float]] = self._surplus_kw.T.tolist()
        return surplus_kw

    def _raise(self, interval: int, load_kw: Array) -> None:
        """Add to the load of an interval, if the current block holds it or looks into it."""
        row = interval - self._first_interval
        if row < len(self._load_kw):
            self._load_kw[row] += load_kw
        self._lower(interval, load_kw)

    def _lower(self, interval: int, power_kw: Array) -> None:
        """Take from the surplus of an interval, if the current block holds it or looks into it."""
        row = interval - self._first_interval
        if row >= self._per_block + self._ahead:
            return
        self.version += 1
        slots = range(row * self._per_interval, (row + 1) * self._per_interval)
        for surplus_kw, taken_kw in zip(self.surplus_kw, power_kw.tolist(), strict=True):
            if taken_kw:
                for slot in slots:
                    surplus_kw[slot] -= taken_kw

    def _means(self, block: Array) -> Array:
        n_intervals = len(block) // self._per_interval
        used = block[: n_intervals * self._per_interval]
        means: Array = used.reshape(n_intervals, self._per_interval, block.shape[1]).mean(axis=1)
        return means
