"""What an impact study found: hosting capacities, probabilities, which limits bind, and what modes cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cosim.engine.scenario import Scenario
from cosim.results.run_files import read_sweep_record
from cosim.study.impact.headroom import Headroom, headroom
from cosim.study.impact.hosting_search import bracket, is_monotone, needed
from cosim.study.impact.impact_folder import read_impact
from cosim.study.impact.impact_plan import Chain, ImpactPlan, outcomes_of
from cosim.study.impact.schema import LIMIT_KINDS, ImpactConfig
from cosim.study.impact.statistics import (
    AtRisk,
    Positions,
    Probability,
    capacity_at_risk,
    violation_probabilities,
)
from cosim.study.impact.violations import NOT_SOLVED, Binding, binding, number_of
from cosim.study.robustness.estimates import Estimate, Limits, estimate, paired_difference
from cosim.study.robustness.quantities import limits_of
from cosim.study.sweep.sweep_plan import Cell

USUAL_COSTS = (
    "pv_curtailed_kwh",
    "ev_missing_kwh",
    "ev_sessions_incomplete",
    "ev_still_needed_kwh",
    "heat_pump_missing_kwh",
    "heat_pump_cold_h",
    "heat_pump_cold_degree_h",
    "energy_lost_in_feeder_kwh",
    "energy_feeder_imported_kwh",
    "energy_feeder_exported_kwh",
    "trafo_loading_max_percent",
    "messages_sent",
)
"""What a mode may cost, as far as its runs have such a number, and it is not 0 in all of them."""


class Found(NamedTuple):
    """What became of one chain."""

    chain: Chain
    """Mode, communication and seed."""
    capacity: int | None
    """Hosting capacity as a position on the grid; -1 where even the lowest penetration exceeds a limit; None
    where it is not known, since a run failed or is missing."""
    is_monotone: bool
    """Whether no limit holds above a penetration at which one is exceeded, as far as was run."""
    binding: Binding | None
    """What is exceeded furthest at the first penetration above the capacity."""
    n_runs: int
    """How many penetrations were run."""


@dataclass(frozen=True)
class Curve:
    """All seeds of a mode on one feeder, over one quality of communication."""

    feeder: str
    """The feeder; empty where the study has but one."""
    mode: str
    """The mode."""
    communication: tuple[Cell, ...]
    """Empty for a mode that needs none."""
    found: tuple[Found, ...]
    """Seed by seed."""
    grid: tuple[float, ...]
    """The penetrations."""
    risk: float
    """Share of seeds that may exceed a limit."""

    @cached_property
    def known(self) -> tuple[Found, ...]:
        """The seeds whose capacity is known."""
        return tuple(each for each in self.found if each.capacity is not None)

    @cached_property
    def capacities(self) -> Positions:
        """Their capacities as positions on the grid."""
        return np.array([each.capacity for each in self.known], dtype=np.int64)

    @property
    def penetrations(self) -> pd.Series:
        """Their capacities as penetrations by seed; 0 where even the lowest penetration exceeds a limit."""
        values = [0.0 if position < 0 else self.grid[position] for position in self.capacities]
        return pd.Series(values, [each.chain.seed for each in self.known], dtype=float)

    @cached_property
    def probabilities(self) -> list[Probability]:
        """Probability of a violation at each penetration."""
        return violation_probabilities(self.capacities, len(self.grid))

    @cached_property
    def at_risk(self) -> AtRisk | None:
        """Hosting capacity at the study's risk; None where no seed's is known."""
        return capacity_at_risk(self.capacities, self.risk) if len(self.known) else None

    @property
    def n_unbounded(self) -> int:
        """Seeds without a violation at any penetration, whose capacity is a bound."""
        return int((self.capacities == len(self.grid) - 1).sum())

    @property
    def n_not_monotone(self) -> int:
        """Seeds with a limit that holds above a penetration at which one is exceeded."""
        return sum(not each.is_monotone for each in self.known)


class Cost(NamedTuple):
    """What a mode costs at a penetration, beside the first mode.

    Attributes
    ----------
    curve : Curve
        The mode and its communication.
    penetration : float
        At which it was looked at.
    key : str
        Number of the summaries.
    mean : Estimate
        Over the seeds.
    difference : Estimate or None
        To the first mode, seed by seed; None for that itself.
    """

    curve: Curve
    penetration: float
    key: str
    mean: Estimate
    difference: Estimate | None


class Overload(NamedTuple):
    """A run at the first penetration above a hosting capacity."""

    found: Found
    """The chain, with the limit that binds."""
    penetration: float
    """Of the run."""
    point: int
    """Its number in the sweep."""
    summary: Mapping[str, Any]
    """Its numbers."""

    @property
    def binding(self) -> Binding:
        """The limit that is exceeded furthest."""
        binds = self.found.binding
        assert binds is not None  # there is no other overload
        return binds


class Beside(NamedTuple):
    """One seed and penetration under the first mode and under another."""

    kind: str
    """The limit that is exceeded furthest, under one of them."""
    penetration: float
    seed: int
    first: int
    """Point of the first mode's run."""
    own: int
    """Point of the other's."""


@dataclass(frozen=True)
class ImpactAnalysis:
    """What a study found."""

    plan: ImpactPlan
    """The study."""
    table: pd.DataFrame
    """Its runs, by number of the point."""
    record: Mapping[str, Any] = field(default_factory=dict)
    """What ``sweep.json`` says of them; empty where it is not known."""

    @property
    def config(self) -> ImpactConfig:
        """The study."""
        return self.plan.config

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """By feeder, mode and quality of communication, in the study's order."""
        chains: dict[tuple[str, str, tuple[Cell, ...]], list[Found]] = {}
        for chain in self.plan.chains:
            place = chain.feeder, chain.mode, chain.communication
            chains.setdefault(place, []).append(self._found(chain))
        grid, risk = self.config.grid, self.config.risk
        return tuple(Curve(*place, tuple(found), grid, risk) for place, found in chains.items())

    @property
    def n_runs(self) -> int:
        """How many runs there are."""
        return len(self.table)

    @property
    def n_grid(self) -> int:
        """How many there would be with every penetration of every chain."""
        return self.plan.n_grid

    def reference(self, curve: Curve) -> Curve | None:
        """The first mode on the same feeder over the same communication; None for itself."""
        first = next(iter(self.config.modes))
        if curve.mode == first:
            return None
        of_first = [each for each in self.curves if (each.feeder, each.mode) == (curve.feeder, first)]
        same = [each for each in of_first if each.communication == curve.communication]
        return (same or of_first)[0]

    def differences(self) -> Iterator[tuple[Curve, Estimate]]:
        """By how much the hosting capacity of each mode differs from that of the first, seed by seed."""
        for curve in self.curves:
            reference = self.reference(curve)
            if reference is not None and len(curve.known) and len(reference.known):
                most = curve.grid[-1]
                possible = Limits(-most, most)
                yield curve, paired_difference(curve.penetrations, reference.penetrations, possible)

    def overloads(self, curve: Curve) -> list[Overload]:
        """Seed by seed, what happens at the first penetration above the hosting capacity."""
        found = []
        for each in curve.known:
            if each.binding is not None and each.capacity is not None:
                point = each.chain.points[each.capacity + 1]
                found.append(Overload(each, curve.grid[each.capacity + 1], point, self._summaries[point]))
        return found

    def beside_first(self, curve: Curve) -> Beside | None:
        """A seed and a penetration that the first mode and this one were run with, where a limit is exceeded.

        Of the runs one step above the first mode's capacity that this one was run with, too, the one that
        exceeds its limit furthest; where there is none, of all the first mode's, then of this mode's. None
        where no such run was made of both.
        """
        reference = self.reference(curve)
        if reference is None:
            return None
        for mode, other in ((reference, curve), (curve, reference)):
            chains = {each.chain.seed: each.chain for each in other.known}
            for runs in (self.overloads(mode), self._exceeding(mode)):
                shared = [
                    (each, point)
                    for each in runs
                    if each.binding.kind != NOT_SOLVED
                    and (chain := chains.get(each.found.chain.seed)) is not None
                    and (point := chain.points[curve.grid.index(each.penetration)]) in self._summaries
                ]
                if shared:
                    worst, point = max(shared, key=lambda pair: pair[0].binding.use)
                    points = (worst.point, point) if mode is reference else (point, worst.point)
                    return Beside(worst.binding.kind, worst.penetration, worst.found.chain.seed, *points)
        return None

    def summary(self, point: int) -> Mapping[str, Any]:
        """The numbers of a run."""
        return self._summaries[point]

    def _exceeding(self, curve: Curve) -> list[Overload]:
        """All runs of a mode that exceed a limit."""
        return [
            Overload(each._replace(binding=binds), penetration, point, self._summaries[point])
            for each in curve.known
            for penetration, point in zip(curve.grid, each.chain.points, strict=True)
            if point in self._summaries
            and (binds := binding(self._summaries[point], self.config)) is not None
        ]

    def n_run(self, curve: Curve, position: int) -> int:
        """How many of the seeds were run at a penetration; of the others it follows from runs at others."""
        return sum(each.chain.points[position] in self._summaries for each in curve.known)

    @property
    def is_inferred(self) -> bool:
        """Whether some seed was not run at some penetration, so that what it does there is inferred."""
        return any(
            self.n_run(curve, position) < len(curve.known)
            for curve in self.curves
            for position in range(len(curve.grid))
        )

    def scenario(self, point: int) -> Scenario:
        """What was run at a point."""
        sweep = self.plan.sweep
        return sweep.scenario(sweep.points[point]).scenario

    def messages(self, curve: Curve) -> tuple[int, int, int, int]:
        """Of all runs of a mode, messages sent, lost and too late; and how many runs these are."""
        points = {point for each in curve.found for point in each.chain.points}
        runs = [row for point, row in self._summaries.items() if point in points]
        names = ("messages_sent", "messages_lost", "messages_expired")
        sent, lost, late = (sum(int(number_of(row, name)) for row in runs) for name in names)
        return sent, lost, late, len(runs)

    def households(self, curve: Curve) -> dict[str, int]:
        """How many households there are on a curve's feeder, by group of the study's technologies."""
        scenario = self.scenario(curve.found[0].chain.points[0])
        wanted = {each.group for each in self.config.technologies}
        return {group.name: group.households for group in scenario.groups if group.name in wanted}

    def bindings(self, curve: Curve) -> dict[tuple[str, int], int]:
        """In how many seeds each kind and element binds first, the most frequent first."""
        counts: dict[tuple[str, int], int] = {}
        for each in curve.known:
            if each.binding is not None:
                place = each.binding.kind, each.binding.element
                counts[place] = counts.get(place, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def worst_instants(self, curve: Curve, kind: str, element: int) -> list[datetime]:
        """When an element is worst in each seed in which it binds first."""
        found = [each.binding for each in curve.known if each.binding is not None]
        own = [each.time_h for each in found if (each.kind, each.element) == (kind, element)]
        hours = [each for each in own if each is not None]
        if not hours:
            return []
        start = self.scenario(curve.found[0].chain.points[0]).time.start
        return [start + timedelta(hours=each) for each in hours]

    @property
    def idle_limits(self) -> tuple[str, ...]:
        """Kinds of limits that the study names and that no element of any feeder has."""
        if self.config.limits == LIMIT_KINDS:
            return ()
        names = {kind: f"{kind}_intervals" for kind in self.config.limits}
        return tuple(
            kind
            for kind, name in names.items()
            if len(self._done) and (name not in self._done or self._done[name].isna().all())
        )

    def headroom(self, curve: Curve) -> Headroom | None:
        """What limits leave at the largest penetration, in the worst seed without a violation."""
        last = len(curve.grid) - 1
        points = [each.chain.points[last] for each in curve.known if each.capacity == last]
        return headroom({point: self._summaries[point] for point in points})

    @cached_property
    def costs(self) -> list[Cost]:
        """What modes cost at the penetrations that all of them were run at."""
        found = []
        for position in self.config.compared:
            for key in self._cost_keys(position):
                for curve in self.curves:
                    values = self._values(curve, position, key)
                    if values.empty:
                        continue
                    reference = self.reference(curve)
                    others = None if reference is None else self._values(reference, position, key)
                    difference = None if others is None or others.empty else paired_difference(values, others)
                    mean = estimate(values.to_numpy(), limits_of(key))
                    found.append(Cost(curve, self.config.grid[position], key, mean, difference))
        return found

    def hosting_capacities(self) -> pd.DataFrame:
        """A row a feeder, mode, quality of communication and seed.

        Returns
        -------
        DataFrame
            Columns ``feeder`` (where there are several), ``mode``, the axes of communication, ``seed``,
            ``hosting_capacity`` (NaN where it is not known, or where even the lowest penetration exceeds a
            limit), ``bound`` (empty; ``above`` where no limit is exceeded at all, ``below`` where even the
            lowest penetration exceeds one, ``unknown`` where a run failed), ``binding``, ``element``,
            ``monotone`` and ``runs``.
        """
        return pd.DataFrame([self._row(curve, each) for curve in self.curves for each in curve.found])

    def probabilities(self) -> pd.DataFrame:
        """A row a mode, quality of communication and penetration.

        Returns
        -------
        DataFrame
            Columns ``mode``, the axes of communication, ``penetration``, ``probability`` of a violation at it
            or below, ``low`` and ``high`` (95 %, Clopper–Pearson), ``seeds``, and ``run``: how many of these
            were run at it; of the others it follows from their runs at other penetrations.
        """
        return pd.DataFrame(
            [
                {
                    **self.place(curve),
                    "penetration": penetration,
                    "probability": each.share,
                    "low": each.low,
                    "high": each.high,
                    "seeds": each.n,
                    "run": self.n_run(curve, position),
                }
                for curve in self.curves
                for position, (penetration, each) in enumerate(
                    zip(curve.grid, curve.probabilities, strict=True)
                )
            ]
        )

    def place(self, curve: Curve) -> dict[str, Any]:
        """Feeder, mode and communication of a curve by column; empty where it needs no communication."""
        axes = self.config.communication.axes if self.config.communication else ()
        cells: Sequence[Cell] = curve.communication or [None] * len(axes)
        named: dict[str, Any] = {"feeder": curve.feeder} if self.config.feeders else {}
        return (
            named | {"mode": curve.mode} | {axis.column: cell for axis, cell in zip(axes, cells, strict=True)}
        )

    def _row(self, curve: Curve, each: Found) -> dict[str, Any]:
        n, capacity = len(curve.grid), each.capacity
        bounds = {None: "unknown", -1: "below", n - 1: "above"}
        return {
            **self.place(curve),
            "seed": each.chain.seed,
            "hosting_capacity": np.nan if capacity is None or capacity < 0 else curve.grid[capacity],
            "bound": bounds.get(capacity, ""),
            "binding": "" if each.binding is None else each.binding.kind,
            "element": -1 if each.binding is None else each.binding.element,
            "monotone": each.is_monotone,
            "runs": each.n_runs,
        }

    @cached_property
    def _done(self) -> pd.DataFrame:
        return self.table[self.table["status"] == "done"].set_index("point")

    @cached_property
    def _summaries(self) -> Mapping[int, Mapping[str, Any]]:
        return {int(point): row for point, row in self._done.to_dict("index").items()}

    def _found(self, chain: Chain) -> Found:
        outcomes = outcomes_of(chain, self._summaries, self.config)
        n = len(chain.points)
        known = bracket(n, outcomes)
        if needed(n, outcomes, chain.always, full=False):
            return Found(chain, None, is_monotone(outcomes), None, len(outcomes))
        first = chain.points[known.violated] if known.violated < n else None
        binds = None if first is None else binding(self._summaries[first], self.config)
        return Found(chain, known.violated - 1, is_monotone(outcomes), binds, len(outcomes))

    def _cost_keys(self, position: int) -> list[str]:
        """What is looked at: what the study names, or what is usual and not 0 in all runs."""
        points = [each.chain.points[position] for curve in self.curves for each in curve.known]
        rows = self._done.loc[self._done.index.isin(points)]
        if self.config.costs:
            return [key for key in self.config.costs if key in rows]
        return [key for key in USUAL_COSTS if key in rows and rows[key].fillna(0).any()]

    def _values(self, curve: Curve, position: int, key: str) -> pd.Series:
        """A number of the curve's runs at a penetration, by seed."""
        points = {each.chain.points[position]: each.chain.seed for each in curve.known}
        rows = self._done.loc[self._done.index.isin(list(points)), key].astype(float)
        return pd.Series(rows.to_numpy(), [points[int(point)] for point in rows.index])


def analyse_impact(folder: Path) -> ImpactAnalysis:
    """What the study in a directory found so far.

    Raises
    ------
    InputError
        If it is no directory of a study, or damaged.
    """
    plan, table = read_impact(folder)
    return ImpactAnalysis(plan, table, read_sweep_record(folder))
