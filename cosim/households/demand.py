"""From configured profiles to series: what the households and the feeder's own elements draw over the run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.config.household_values import household_values
from cosim.config.values import AnyValue
from cosim.core.clock import MS_PER_MINUTE
from cosim.core.context import Context, TimeAxis
from cosim.core.errors import InputError, Problem
from cosim.core.population import Group
from cosim.core.streams import Streams
from cosim.csv_files.found import CsvFound
from cosim.devices.interface import DEVICES, Device
from cosim.devices.sites import CONSTANT, Pages, Slots
from cosim.grid.elements import ElementRecord
from cosim.grid.simbench_data import SLOT_MINUTES
from cosim.households.ownership import Owned
from cosim.households.placement import Placement
from cosim.households.profile_book import Demand, InstalledInverter, Profile, Series
from cosim.households.profile_columns import PickedColumns, ProfileSources
from cosim.households.schema import HouseholdsConfig, kinds

Array = NDArray[np.float64]
_NOTHING = ""


def slots_of(time: TimeAxis) -> Slots:
    """Slots that fit both SimBench's quarter hours and the metering interval."""
    interval_min = time.interval_ms // MS_PER_MINUTE
    slot_ms = math.gcd(SLOT_MINUTES, interval_min) * MS_PER_MINUTE
    n_slots = -(-time.duration_ms // slot_ms)
    return Slots(time.start, slot_ms, n_slots)


class _Columns:
    """Which source columns one quantity uses, each once."""

    def __init__(self, n_takers: int) -> None:
        self._position: dict[str, int] = {}
        self.choice = np.zeros(n_takers, np.int64)
        self.scale = np.zeros(n_takers)

    def put(self, taker: int, key: str, scale: float) -> None:
        """Let `taker` use column `key`, scaled."""
        self.choice[taker] = self._position.setdefault(key, len(self._position))
        self.scale[taker] = scale

    def series(self, sources: ProfileSources) -> Series:
        """The finished series; `sources` has what was asked for."""
        keys = tuple(self._position)
        return Series(PickedColumns(sources, keys or (_NOTHING,)), self.choice, self.scale, keys)


@dataclass
class _Collected:
    """What the sources of all groups have put."""

    columns: dict[str, tuple[_Columns, _Columns]]
    """Of active and of reactive power, by kind of device."""
    held: dict[str, Array]
    """Columns in memory."""
    served: dict[str, tuple[_Columns, _Columns]] = field(default_factory=dict)
    """The same of loads that devices serve."""
    paged: dict[str, tuple[Pages, dict[str, str]]] = field(default_factory=dict)
    """By prefix: where columns are read, and their names here and there."""
    shared: dict[Any, Any] = field(default_factory=dict)
    """What sources have read."""
    files: list[CsvFound] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    """How files were understood, and what is doubtful."""
    inverters: list[InstalledInverter] = field(default_factory=list)
    """Those that are controlled."""

    def install(self, site: _Site, device: Device) -> None:
        """The inverters of a device whose profiles are put."""
        scale = site.columns[0].scale
        installed_kw = {household: float(scale[household]) for household in site.members if scale[household]}
        found = device.inverters(site, installed_kw)
        self.inverters += [InstalledInverter(each, site.kind, one) for each, one in found.items()]

    def demand(self, slots: Slots) -> Demand:
        """Open what is read piece by piece, and put everything together."""
        paged = [self.paged[prefix] for prefix in sorted(self.paged)]
        sources = ProfileSources(slots, self.held, paged)
        profiles = tuple(
            Profile(kind, DEVICES[kind].is_generation, p.series(sources), q.series(sources))
            for kind, (p, q) in self.columns.items()
        )
        served = {kind: p.series(sources) for kind, (p, _) in self.served.items()}
        warnings = tuple(dict.fromkeys(self.warnings))
        return Demand(profiles, tuple(self.files), warnings, served, tuple(self.inverters))


@dataclass
class _Site:
    """Where one device of a group puts its profiles; see `cosim.devices.sites.ProfileSite`."""

    kind: str
    path: str
    group: Group
    members: Sequence[int]
    names: tuple[str, ...]
    streams: Streams
    slots: Slots
    folder: Path
    placement: Placement | None
    columns: tuple[_Columns, _Columns]
    collected: _Collected

    @property
    def first(self) -> int:
        """Number of the group's first household."""
        return self.group.first

    @property
    def n_households(self) -> int:
        """Size of the population."""
        return len(self.names)

    @property
    def shared(self) -> dict[Any, Any]:
        """What sources have read for other groups."""
        return self.collected.shared

    @property
    def feeder_profiles(self) -> Pages | None:
        """What the feeder's own elements follow."""
        return None if self.placement is None else self.placement.profiles

    def values(self, name: str, value: AnyValue) -> list[float]:
        """A parameter of each member, drawn where it is a distribution."""
        purpose = f"{self.kind}.{name}"
        drawn = household_values(self.streams, purpose, value, self.group, self.n_households)
        return [float(drawn[household - self.group.first]) for household in self.members]

    def put(self, household: int, p: tuple[str, float], q: tuple[str, float]) -> None:
        """What a household's active and reactive power follow, with their factors."""
        for columns, (key, scale) in zip(self.columns, (p, q), strict=True):
            columns.put(household, key, scale)

    def hold(self, key: str, column: Array) -> None:
        """A column in memory."""
        self.collected.held[key] = column

    def follow(self, pages: Pages, name: str, prefix: str = "") -> str:
        """A column that is read piece by piece."""
        key = f"{prefix}{name}"
        self.collected.paged.setdefault(prefix, (pages, {}))[1][key] = name
        return key

    def elements(self, household: int) -> tuple[ElementRecord, ...] | None:
        """The feeder's own elements that the household stands for."""
        if self.placement is None:
            return None
        return self.placement.elements(DEVICES[self.kind].stands_for, household)

    def place_of(self, household: int) -> str:
        """Its name and bus."""
        name = self.names[household]
        return name if self.placement is None else f"{name} at bus {self.placement.buses[household]}"

    def found(self, file: CsvFound) -> None:
        """How a CSV file was understood."""
        self.collected.files.append(file)

    def warn(self, doubts: Iterable[Problem]) -> None:
        """What is doubtful."""
        self.collected.warnings.extend(doubts)


def household_demand(
    configs: Sequence[HouseholdsConfig], owned: Sequence[Owned], context: Context, placement: Placement | None
) -> Demand:
    """What every household draws and generates, by the configuration of each group and what it has of it.

    Without a placement, as where the grid has errors, what follows the feeder's elements is left out.

    Raises
    ------
    InputError
        With every profile that is missing, unknown, broken or too short.
    """
    population, slots = context.population, slots_of(context.time)
    n, n_slots = population.size, slots.n_slots
    held = {CONSTANT: np.broadcast_to(1.0, n_slots), _NOTHING: np.broadcast_to(0.0, n_slots)}
    # What the feeder's own elements can be stands in every run; others where a household has one.
    profiled = [kind for kind in kinds() if DEVICES[kind].has_profile and DEVICES[kind].stands_for]
    collected = _Collected({kind: (_Columns(n), _Columns(n)) for kind in profiled}, held)
    problems: list[Problem] = []
    for group, config in zip(population.groups, configs, strict=True):
        for kind, device in config.devices.items():
            source, columns = (
                (device, collected.columns)
                if device.has_profile
                else (device.served_load(), collected.served)
            )
            if source is None:
                continue
            path = f"groups.{group.number}.{kind}"
            site = _Site(
                kind,
                path,
                group,
                [household for household in group.members if kind in owned[household]],
                population.names,
                context.streams,
                slots,
                context.folder,
                placement,
                columns.setdefault(kind, (_Columns(n), _Columns(n))),
                collected,
            )
            try:
                source.put_profiles(site)
                collected.install(site, source)
            except InputError as error:
                problems += error.problems
    if problems:
        raise InputError(problems)
    return collected.demand(slots)
