"""From a scenario to the subsystems of a run, or to every problem that only building can find.

The one path of ``check``, ``explain`` and ``run``. Each subsystem looks up those that it builds on, so that
population, feeder, households, links, markets and faults are built in an order that suits them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import simpy

from cosim.core.context import Context
from cosim.core.errors import InputError, Problem
from cosim.core.subsystem import Subsystem, Uses
from cosim.core.tables import ColumnData, Table
from cosim.engine.check import check_configuration
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario
from cosim.engine.wings import Wing, uses, wings
from cosim.households.prosumer_table import prosumer_table
from cosim.households.subsystem import Households

T = TypeVar("T")


@dataclass
class Parts:
    """Everything a run consists of, in its initial state."""

    context: Context
    """Time, households and random numbers."""
    env: simpy.Environment
    """The clock."""
    subsystems: tuple[Subsystem[Scenario], ...]
    """In the order in which they are shown."""
    acting: tuple[Subsystem[Scenario], ...]
    """The same in the order in which they act: each after those that it builds on."""
    has_meters: bool
    """Whether anything is metered, interval by interval."""
    warnings: tuple[Problem, ...]
    """What is doubtful about the scenario, each once."""

    def of(self, kind: type[T]) -> T:
        """The subsystem of a kind; the scenario must have one."""
        return next(each for each in self.subsystems if isinstance(each, kind))

    def prosumers(self) -> tuple[Table, dict[str, ColumnData]]:
        """The table `prosumers` and its data."""
        return prosumer_table(self.of(Households).head(), [each.parameters() for each in self.subsystems])


class _Building:
    """The subsystems of a run as far as they are built, and the problems so far."""

    def __init__(self, loaded: LoadedScenario, uses: Uses, problems: list[Problem]) -> None:
        self.env = simpy.Environment(initial_time=0)
        self.uses = uses
        self.problems = problems
        self.built: dict[Wing, Subsystem[Scenario]] = {}
        self._begun: set[type] = set()
        self._failed: set[type] = set()
        self._loaded = loaded

    @property
    def context(self) -> Context:
        """Time, households and random numbers."""
        return self._loaded.context

    def make(self, wing: Wing) -> None:
        """Build a subsystem, unless that has been tried."""
        if wing in self._begun:
            return
        self._begun.add(wing)
        try:
            made = wing.build(self._loaded.scenario, self)
        except InputError as error:
            self.warn(error.problems)
            self._failed.add(wing)
            return
        if made is not None:
            self.built[wing] = made

    def of(self, kind: type[T]) -> T | None:
        """Another subsystem."""
        for wing in wings():
            if issubclass(wing, kind):
                self.make(wing)
                made = self.built.get(wing)
                return made if isinstance(made, kind) else None
        return None

    def failed(self, kind: type) -> bool:
        """Whether it could not be built."""
        return kind in self._failed

    def warn(self, problems: Iterable[Problem]) -> None:
        """Keep problems, each with its place in the scenario."""
        self.problems += [placed(problem, self._loaded) for problem in problems]

    def raise_errors(self) -> None:
        """Raise all there is, if any of it is an error."""
        if any(problem.severity == "error" for problem in self.problems):
            raise InputError(dict.fromkeys(self.problems))


def build(loaded: LoadedScenario) -> Parts:
    """Build a scenario, all but the first event.

    Returns
    -------
    Parts
        With the warnings that came up on the way.

    Raises
    ------
    InputError
        With every error of its parts, and the warnings as well.
    """
    problems = check_configuration(loaded)
    building = _Building(loaded, uses(loaded.scenario), problems)
    building.raise_errors()
    for wing in wings():
        building.make(wing)
    building.raise_errors()
    acting = tuple(building.built.values())
    shown = tuple(building.built[wing] for wing in wings() if wing in building.built)
    for subsystem in shown:
        building.warn(subsystem.doubts())
    warnings = tuple(dict.fromkeys(building.problems))
    return Parts(loaded.context, building.env, shown, acting, building.uses.meters, warnings)


def placed(problem: Problem, loaded: LoadedScenario) -> Problem:
    """The problem with file and line of its path in the scenario, where it has none of its own."""
    in_the_scenario = problem.path.partition(".")[0] in Scenario.model_fields
    if problem.line or (problem.file and not in_the_scenario):
        return problem
    # What is wrong within a network stands nowhere in the scenario but where the scenario names it.
    file, line = loaded.document.place_of(problem.path if in_the_scenario else "grid.network")
    value = problem.value or problem.file
    return Problem(problem.message, problem.remedy, problem.path, file, line, value, problem.severity)
