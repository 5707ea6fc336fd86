"""The households, their devices and meters, as a subsystem of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cosim.config.each_lengths import each_problems
from cosim.config.library import file_problems
from cosim.core.clock import to_hours
from cosim.core.context import Context, TimeAxis
from cosim.core.delivery import Unit
from cosim.core.errors import InputError, Problem, collected
from cosim.core.numbers import Summary
from cosim.core.subsystem import ANY_NUMBER, Run, Setup, Subsystem, Uses
from cosim.core.tables import ColumnData, Parameters
from cosim.csv_files.found import CsvFound, file_lines
from cosim.grid.moments import Moments
from cosim.grid.schema import GridConfig
from cosim.grid.subsystem import PowerGrid
from cosim.households import curtailment, energy_account, household_powers
from cosim.households.connection import connect
from cosim.households.controlled_generation import ControlledGeneration, Open
from cosim.households.demand import household_demand, slots_of
from cosim.households.household import Equipment, equip
from cosim.households.inverter_lines import inverter_lines
from cosim.households.meters import Meters, Reading
from cosim.households.ownership import owned_devices
from cosim.households.placement import Placement, nowhere
from cosim.households.profile_book import Demand, ProfileBook
from cosim.households.prosumer_table import PROSUMERS, device_parameters, profile_texts
from cosim.households.record import INVERTERS, METERS, MeterRecorder
from cosim.households.schema import HouseholdsConfig
from cosim.households.together import Together

Array = NDArray[np.float64]

_MOST_SLOTS = 2_000_000
"""Slots of all households whose profiles are in memory at a time; of few households a week of them."""


class Housed(Protocol):
    """What it reads of a scenario."""

    @property
    def groups(self) -> Sequence[HouseholdsConfig]:
        """The households."""

    @property
    def grid(self) -> GridConfig | None:
        """The feeder."""


class Households(Subsystem[Housed]):
    """All households of a run.

    Attributes
    ----------
    placement : Placement
        Where they are.
    demand : Demand or None
        What profiles say of them; None where there is nothing to meter.
    equipment : Equipment or None
        Their devices, likewise.
    meters : Meters or None
        Their meters, likewise.
    generation : ControlledGeneration or None
        What of their generation is controlled; None where nothing is.
    reading : Reading
        What the meters showed of the interval that ended last. With inverters that follow the voltage it is
        known only when the feeder has been solved.
    """

    tables = (PROSUMERS, METERS, INVERTERS)
    numbers = (*energy_account.NUMBERS, *curtailment.NUMBERS, *household_powers.NUMBERS)
    reading: Reading

    def __init__(self, context: Context, placement: Placement, grid: PowerGrid | None) -> None:
        self.placement = placement
        self.demand: Demand | None = None
        self.equipment: Equipment | None = None
        self.meters: Meters | None = None
        self.generation: ControlledGeneration | None = None
        self._open: list[tuple[int, Open]] = []
        self._context = context
        self._grid = grid
        self._recorder: MeterRecorder | None = None
        self._moments = Moments()
        self._balance: Callable[[int, Reading], Reading] | None = None

    @classmethod
    def uses(cls, source: Housed) -> Uses:
        """Meters, where a household has any device."""
        return Uses(meters=any(group.devices for group in source.groups))

    @classmethod
    def files(cls, source: Housed) -> Iterator[tuple[str, str]]:
        """Files of profiles."""
        for number, group in enumerate(source.groups):
            for kind, device in group.devices.items():
                for file in device.files():
                    yield f"groups.{number}.{kind}.file", file

    @classmethod
    def check(cls, source: Housed, context: Context, uses: Uses) -> Iterator[Problem]:
        """Devices that fit together, files that are there, and a number for each household."""
        names = [group.name for group in source.groups]
        for number, group in enumerate(source.groups):
            path, around = f"groups.{number}", group.around(source.grid is not None)
            if group.name in names[:number]:
                yield context.problem(
                    f"{path}.name", "two groups have the same name", "Rename one.", group.name
                )
            for kind, device in group.devices.items():
                for problem in device.problems(around):
                    where = f"{path}.{kind}.{problem.path}".rstrip(".")
                    warning = problem.severity == "warning"
                    yield context.problem(where, problem.message, problem.remedy, problem.value, warning)
            for part in type(group).model_fields:
                yield from each_problems(context, f"{path}.{part}", getattr(group, part), group.households)
        for path, file in cls.files(source):
            yield from file_problems(context, path, file)

    @classmethod
    def build(cls, source: Housed, setup: Setup) -> Self:
        """Every household where it stands, with its profiles and devices."""
        context, grid = setup.context, setup.of(PowerGrid)
        owned = owned_devices(source.groups, context)
        problems: list[Problem] = []
        placement = None if setup.failed(PowerGrid) else nowhere(context.population)
        with collected(problems):
            if grid is not None:
                placement = None
                placement, missed = connect(owned, setup.uses.brings_load, grid, context)
                setup.warn(missed)
        demand = None
        with collected(problems):
            if setup.uses.meters:
                demand = household_demand(source.groups, owned, context, placement)
                setup.warn(demand.warnings)
        if problems:
            raise InputError(problems)
        made = cls(context, placement or nowhere(context.population), grid)
        if demand is not None:
            book = _book(context.time, demand, context.population.size)
            made.demand = demand
            made.equipment = equip(source.groups, owned, context, slots_of(context.time), book, setup.warn)
            made.meters = Meters(made.equipment, book, context.time.interval_ms)
            if demand.inverters:
                made.generation = _controlled(demand, book, grid, context)
        return made

    def together(self, members: NDArray[np.int64], units: Sequence[Unit]) -> Together:
        """Some households, regulated from the start to the end, to be asked all at once for these units."""
        assert self.equipment is not None
        assert self.meters is not None  # where there is equipment, it is metered
        step_ms, book = self._context.time.step_ms, self.meters.book
        some = Together(members, self.equipment, units, step_ms, book)
        self.meters.read_together(some)
        return some

    @property
    def waits_for_voltages(self) -> bool:
        """Whether meters are known only when the feeder has been solved."""
        return self.generation is not None and bool(len(self.generation.following))

    def know_meters_at_once(self) -> None:
        """Have the feeder solved interval by interval, if meters wait for it: somebody needs them."""
        if self._grid is not None and self.waits_for_voltages:
            self._grid.solve_at_once()

    def balance_by(self, balance: Callable[[int, Reading], Reading]) -> None:
        """Have somebody say of each interval what of load and generation takes place.

        It is given the interval's number and what its meters would show, and returns what they show. Not
        together with inverters that are controlled, which it would not know of.
        """
        self._balance = balance

    def limit_feed_in(self, household: int, most_kw: float, now_ms: int) -> bool:
        """Let a household feed in no more than this; says whether it has an inverter that obeys."""
        return self.generation is not None and self.generation.limit_feed_in(household, most_kw, now_ms)

    @property
    def files_found(self) -> Sequence[CsvFound]:
        """How each file of profiles was understood."""
        return () if self.demand is None else self.demand.files

    def head(self) -> dict[str, ColumnData]:
        """The first columns of the table `prosumers`: who, where, and by which profiles."""
        population = self._context.population
        texts = {} if self.demand is None else profile_texts(self.demand, population.size)
        return {
            "prosumer": list(population.names),
            "group": [group.name for group in population.groups for _ in group.members],
            "bus": list(self.placement.buses),
            **texts,
        }

    def parameters(self) -> Parameters:
        """The sizes of their devices."""
        if self.demand is None or self.equipment is None:
            return Parameters({}, {})
        found = device_parameters(self.demand, self.equipment)
        if self.generation is None:
            return found
        return found._replace(numbers={**found.numbers, **self.generation.parameters()})

    def explain(self) -> Iterator[str]:
        """The files of their profiles, and how their inverters are controlled."""
        yield from file_lines(self.files_found)
        if self.generation is not None:
            yield from inverter_lines(self.generation.installed, self._context.population.names)

    def start(self, run: Run) -> None:
        """Prepare to write meters down."""
        self._run = run
        if self.equipment is not None:
            owners = None if self.generation is None else self.generation.owners
            self._recorder = MeterRecorder(self.equipment, self._context, run.store, owners)
        if self._grid is not None and self.waits_for_voltages:
            self._grid.on_set_points(self._settle)

    def intervals_at_once(self, interval: int) -> int:
        """Those of a block of profiles, unless somebody controls what takes place."""
        if self.meters is None:
            return ANY_NUMBER
        is_controlled = self.generation is not None or self._balance is not None
        return 1 if is_controlled else self.meters.book.left(interval)

    def meter(self, interval: int) -> None:
        """Read all meters, and pass to the feeder what was drawn."""
        if self.meters is None or self._recorder is None:
            return
        self._run.events += 1
        reading = self.meters.close(interval)
        if self.generation is None:
            self._keep(interval, reading)
            return
        met = self.generation.open(interval, reading)
        if self._grid is None or not self.waits_for_voltages:
            nothing = np.empty(0)
            self._keep(interval, self.generation.close(met, nothing, nothing))
            return
        self._open.append((interval, met))
        assert self._grid.connected is not None  # households have been connected when they were built
        generation = self.generation
        controlled = self._grid.connected.controlled(
            generation.owners[generation.follow_voltage], generation.following, generation.to_solve(met)
        )
        self._grid.draw(*generation.without_following(met), controlled)

    def _keep(self, interval: int, reading: Reading) -> None:
        """Write a reading that is complete, and pass to the feeder what was drawn."""
        assert self._recorder is not None  # meters are read after the start
        if self._balance is not None:
            reading = self._balance(interval, reading)
        self.reading = reading
        start_ms = interval * self._context.time.interval_ms
        self._recorder.add(start_ms, reading)
        if self._grid is None:
            return
        self._moments.add(
            start_ms, household_powers.powers(reading, to_hours(self._context.time.interval_ms))
        )
        if not self.waits_for_voltages:
            self._grid.draw(reading.p_kw, reading.q_kvar)

    def _settle(self, generated_kw: Array, drawn_kvar: Array) -> None:
        """Complete the readings of intervals that have been solved."""
        assert self.generation is not None
        solved, self._open = self._open[: len(generated_kw)], self._open[len(generated_kw) :]
        for (interval, met), p_kw, q_kvar in zip(solved, generated_kw, drawn_kvar, strict=True):
            self._keep(interval, self.generation.close(met, p_kw, q_kvar))

    def save(self) -> None:
        """Write the readings so far; the feeder has been solved up to now."""
        if self._recorder is not None:
            self._recorder.flush()
        if self._grid is not None:
            self._moments.keep(self._grid.worst_ms.values())

    def close(self) -> None:
        """Write what has been collected."""
        if self._recorder is not None:
            self._recorder.flush()

    def summary(self) -> Summary:
        """Energies, self-consumption and self-sufficiency; powers when limits of the feeder are used most."""
        found = {} if self._recorder is None else self._recorder.summary()
        return found | ({} if self._grid is None else self._moments.result(self._grid.worst_ms))


def _controlled(
    demand: Demand, book: ProfileBook, grid: PowerGrid | None, context: Context
) -> ControlledGeneration:
    supplied = np.ones(context.population.size, dtype=bool)
    if grid is not None and grid.connected is not None:
        supplied = grid.connected.supplied
    return ControlledGeneration(demand.inverters, supplied, book, context.time.interval_ms)


def _book(time: TimeAxis, demand: Demand, n_households: int) -> ProfileBook:
    slots = slots_of(time)
    per_interval = time.interval_ms // slots.slot_ms
    ahead = -(-time.step_ms // time.interval_ms)
    per_block = max(1, min(168, _MOST_SLOTS // max(1, n_households * per_interval)))
    return ProfileBook(demand, slots.slot_ms, per_interval, per_block, intervals_ahead=ahead)
