"""The generator of a local firm fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.core.population import Population
from cosim.faults.kinds.interface import FAULTS, Fault, FaultEvent, LastingEffect, Site
from cosim.faults.kinds.reach import Reach, Surroundings


class GeneratorFailures(LastingEffect):
    """It gives nothing while any of them lasts."""

    def __init__(self, reach: Reach, events: Sequence[FaultEvent]) -> None:
        super().__init__()
        assert reach.plant is not None  # else the fault was refused
        self._plant = reach.plant

    def apply(self, member: int, active: Sequence[FaultEvent]) -> None:
        """It is out of order, or mended."""
        self._plant.is_failed = bool(active)


@FAULTS.register("generator_failure")
class GeneratorFailure(Fault):
    """The generator of the local firm gives nothing; intervals that it fails in are lost from their start."""

    title: ClassVar = "failure of the generator"
    effect: ClassVar = GeneratorFailures
    needs_market: ClassVar = False
    together: ClassVar = "It runs again when all have ended."

    def concerned(self, around: Surroundings, population: Population) -> set[str]:
        """The one generator."""
        return {"generator"}

    def n_failing(self, around: Surroundings, population: Population) -> int:
        """One."""
        return 1

    def events(self, site: Site) -> Iterator[FaultEvent]:
        """Of the generator."""
        yield from self.at(site, "generator", [0], 0)

    def problems(self, around: Surroundings, context: Context) -> Iterator[Problem]:
        """No generator."""
        if not around.has_firm_generator:
            message = "the scenario has no local firm with a generator"
            yield Problem(message, "Add `firm.generator`, or leave the fault out.", value=self.kind)
