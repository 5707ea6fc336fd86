"""The runs of an impact study: chains of penetrations, one a mode, quality of communication and seed."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cosim.core.errors import InputError, Problem
from cosim.core.streams import Streams
from cosim.engine.load import LoadedScenario
from cosim.engine.run import preflight
from cosim.study.impact.hosting_search import Outcomes, needed
from cosim.study.impact.load_impact import LoadedImpact
from cosim.study.impact.schema import ImpactConfig
from cosim.study.impact.violations import exceeded
from cosim.study.sweep.point import PointResult
from cosim.study.sweep.sweep_check import Checked, check_points
from cosim.study.sweep.sweep_plan import Cell, SweepPlan, plan_sweep


@dataclass(frozen=True)
class Chain:
    """One mode with one seed on one feeder, over one quality of communication, at all penetrations."""

    feeder: str
    """The feeder; empty where the study has but one."""
    mode: str
    """The mode."""
    communication: tuple[Cell, ...]
    """A value of each of the study's axes of communication; empty for a mode that needs none."""
    seed: int
    """The seed."""
    points: tuple[int, ...]
    """The sweep's point at each penetration."""
    always: frozenset[int]
    """Positions that are run in any case."""


@dataclass(frozen=True)
class ImpactPlan:
    """All chains of a study."""

    study: LoadedImpact
    """What they were made from."""
    sweep: SweepPlan
    """The sweep whose points they are."""
    full: bool = False
    """Whether every penetration is run."""

    @property
    def config(self) -> ImpactConfig:
        """The study."""
        return self.study.config

    @cached_property
    def chains(self) -> tuple[Chain, ...]:
        """By feeder, mode, quality of communication and seed, in the order of the study."""
        by_place: dict[tuple[str, str, tuple[Cell, ...], int], list[int]] = {}
        first: dict[str, tuple[Cell, ...]] = {}
        for point in self.sweep.points:
            cells = point.combination.cells if self.config.feeders else ("", *point.combination.cells)
            feeder, mode, *rest = cells
            communication = tuple(rest[:-1])
            assert point.seed is not None  # a study lists its seeds
            is_first = first.setdefault(str(mode), communication) == communication
            if not is_first and mode not in self.config.modes_over_communication:
                continue
            by_place.setdefault((str(feeder), str(mode), communication, point.seed), []).append(point.index)
        return tuple(
            Chain(
                feeder,
                mode,
                communication if mode in self.config.modes_over_communication else (),
                seed,
                tuple(points),
                self._always(points),
            )
            for (feeder, mode, communication, seed), points in by_place.items()
        )

    @cached_property
    def chain_of(self) -> Mapping[int, Chain]:
        """The chain of each point that has one."""
        return {point: chain for chain in self.chains for point in chain.points}

    @property
    def n_grid(self) -> int:
        """How many runs there would be with every penetration of every chain."""
        return len(self.chains) * len(self.config.grid)

    @property
    def n_expected(self) -> int:
        """About how many runs it takes, for a bar of progress: no more than this where nothing fails."""
        n = len(self.config.grid)
        each = (
            n
            if self.full
            else min(n, math.ceil(math.log2(n + 1)) + len(self.config.compared) + self.config.checks)
        )
        return each * len(self.chains)

    def _always(self, points: list[int]) -> frozenset[int]:
        """Penetrations at which costs are compared, and those that check the search, drawn for each chain."""
        n, n_checks = len(points), self.config.checks
        draws = Streams(1).field("impact/checks").row(points[0], n)
        checks = sorted(range(n), key=lambda position: draws[position])[:n_checks]
        return frozenset((*self.config.compared, *checks))


def plan_impact(study: LoadedImpact, full: bool = False) -> ImpactPlan:
    """The runs of a study; what base, technologies and modes set is not looked at yet."""
    return ImpactPlan(study, plan_sweep(study.sweep), full)


def check_impact(plan: ImpactPlan) -> Checked:
    """Validate every combination, and build each mode at the largest penetration, with its first seed."""
    checked = check_points(plan.sweep)
    if checked.errors:
        return checked
    found: dict[Problem, None] = dict.fromkeys(checked.problems)
    of_mode = {(chain.feeder, chain.mode): chain for chain in reversed(plan.chains)}
    for chain in reversed(of_mode.values()):
        try:
            loaded = plan.sweep.scenario(plan.sweep.points[chain.points[-1]])
            problems = _copied(loaded) or preflight(loaded)
        except InputError as error:
            problems = list(error.problems)
        found |= dict.fromkeys(problems)
    return Checked(tuple(found), checked.input_files)


def _copied(loaded: LoadedScenario) -> list[Problem]:
    """An error where the feeder is there many times: what it hosts would be what the worst copy hosts."""
    grid = loaded.scenario.grid
    if grid is None or grid.copies == 1:
        return []
    message = (
        f"a study says what one feeder hosts, and with {grid.copies:,} copies the first to exceed a limit "
        "would decide"
    )
    remedy = "Leave it out; each seed is a feeder with homes of its own."
    place = loaded.document.place_of("grid.copies")
    return [Problem(message, remedy, "grid.copies", *place, str(grid.copies))]


@dataclass
class ImpactSearch:
    """Tells which points of a study are to be run next; see `cosim.study.sweep.sweep_run.Search`."""

    plan: ImpactPlan
    """The study."""

    def first(self, results: Mapping[int, PointResult]) -> Collection[int]:
        """What is needed with what there is."""
        return [point for chain in self.plan.chains for point in self._needed(chain, results)]

    def after(self, index: int, results: Mapping[int, PointResult]) -> Collection[int]:
        """What is needed in the chain of a point that has ended; nothing once a run of it has failed."""
        chain = self.plan.chain_of[index]
        if any(point in results and results[point].status == "failed" for point in chain.points):
            return []
        return self._needed(chain, results)

    def _needed(self, chain: Chain, results: Mapping[int, PointResult]) -> list[int]:
        ended = {point: results[point] for point in chain.points if point in results}
        summaries = {point: each.summary for point, each in ended.items() if each.status == "done"}
        outcomes = outcomes_of(chain, summaries, self.plan.config)
        positions = needed(len(chain.points), outcomes, chain.always, self.plan.full)
        return [chain.points[position] for position in positions]


def outcomes_of(chain: Chain, summaries: Mapping[int, Mapping[str, Any]], config: ImpactConfig) -> Outcomes:
    """Whether limits were exceeded, by position of the penetration, from the summaries of runs by point."""
    return {
        position: exceeded(summaries[point], config)
        for position, point in enumerate(chain.points)
        if point in summaries
    }
