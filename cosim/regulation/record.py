"""What is written down of a community: its ticks, with the yardstick beside them, and its decisions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR, to_utc
from cosim.core.context import TimeAxis
from cosim.core.errors import InputError
from cosim.core.numbers import Summary
from cosim.core.tables import (
    COMMUNITY,
    INSTANT,
    PROSUMER,
    RESOURCE,
    Coded,
    Column,
    ColumnData,
    Parameters,
    RowSink,
    Table,
)
from cosim.regulation.agent import DecisionLog, log_width
from cosim.regulation.community import Community
from cosim.regulation.community_costs import Costs
from cosim.regulation.membership_times import Membership
from cosim.regulation.optimum import Measured, OptimalCosts, Optimum, solve_optimum
from cosim.regulation.platform import Tick
from cosim.regulation.tracking import GapMetrics, Targets, TrackingMetrics

REGULATION = Table(
    "regulation",
    "One row per tick and resource: the signal, what the community did, how far it is from the optimum.",
    (
        Column("step", "integer", "", "number k of the platform's tick"),
        INSTANT,
        COMMUNITY,
        RESOURCE,
        Column(
            "signal",
            "number",
            "",
            "Ω(k), the signal in force when the tick comes, in cost/unit; under `inverse_average` in "
            "unit³/cost",
        ),
        Column("capacity", "number", "units", "C at the tick, for the step that begins with it"),
        Column(
            "aggregate",
            "number",
            "units",
            "what the community did: Σx, time-mean over the step that ends here",
        ),
        Column(
            "measured",
            "number",
            "units",
            "Σx of earlier steps as the platform knows it at the tick; NaN while it is down",
        ),
        Column("average_sum", "number", "units", "Σx̄ over the members, as their averages stand"),
        Column(
            "optimum_gap", "number", "cost", "cost of the averages above the optimum for the sums they reach"
        ),
        Column(
            "distance",
            "number",
            "units",
            "‖x̄ - x*‖ over members and resources, x* the optimum for the capacities in force (not, as for "
            "`optimum_gap`, for the sums reached); NaN where the members cannot reach these",
        ),
        Column("gradient_mean", "number", "cost/unit", "mean of ∇g over the members"),
        Column("gradient_spread", "number", "cost/unit", "largest minus smallest ∇g among the members"),
        Column("members", "integer", "", "households that take part"),
    ),
)
DECISIONS = Table(
    "decisions",
    "One row per decision of a household and resource.",
    (
        Column("step", "integer", "", "the step decided for, from 1; step 0 is the initial decision"),
        INSTANT,
        PROSUMER,
        RESOURCE,
        Column("requested", "integer", "units", "what the draw asked for: 0 or 1"),
        Column(
            "delivered",
            "number",
            "units",
            "what the device could deliver of it: for own use a fraction, else 0 or 1",
        ),
        Column("average", "number", "units", "x̄ that the decision was made from"),
        Column("gradient", "number", "cost/unit", "∇g at the averages"),
        Column("probability", "number", "", "σ, clipped to [0, 1]"),
        Column("signal_step", "integer", "", "number of the signal it knew; 0 is Ω(0)"),
        Column("signal_age_ms", "integer", "ms", "age of that signal: time since it was sent"),
    ),
)

Array = NDArray[np.float64]
_NUMBERS_PER_BATCH = 400_000
_NUMBERS_TOGETHER = 2**15
"""How many stay in the processor's cache."""


class _Waiting(NamedTuple):
    """A tick that waits for its yardstick."""

    step: int
    now_ms: int
    tick: Tick
    aggregates: list[float]


class _Members:
    """Who takes part, with their costs; looked up when first asked for."""

    def __init__(self, community: Community, n_averages: int) -> None:
        self._community = community
        self._n_averages = n_averages

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """Their places in the community."""
        return np.flatnonzero(self._community.active)

    @cached_property
    def costs(self) -> Costs:
        """Their costs."""
        return self._community.costs.select(self.numbers)

    @cached_property
    def optimal(self) -> OptimalCosts:
        """What their optima cost."""
        return OptimalCosts(self.costs, self._n_averages)


class TickRecorder:
    """The table `regulation` of one community.

    The optimum for many ticks at once costs far less than tick by tick, so ticks wait until there are enough;
    who takes part is the same for all ticks of a batch.

    Attributes
    ----------
    watchers : list of callable
        Told of every block: community, resource, and columns of the table, with `target`: the capacity of the
        step that ends at the tick, which `aggregate` is of.
    """

    def __init__(
        self,
        community: Community,
        writer: RowSink,
        time: TimeAxis,
    ) -> None:
        self._community = community
        self.watchers: list[Callable[[str, str, Mapping[str, Array]], None]] = []
        self._writer = writer
        self._start = time.start
        config = community.design.config
        self._names = [resource.name for resource in config.resources]
        n = len(community.design.members) * len(self._names)
        self._per_batch = max(1, min(512, _NUMBERS_PER_BATCH // n))
        self._waiting: list[_Waiting] = []
        self._averages = np.empty((self._per_batch, len(self._names), len(community.design.members)))
        self._optima: dict[tuple[float, ...], Array | None] = {}
        self._near: Optimum | None = None
        self._n_averages = n * len(time.steps)
        self._members = _Members(community, self._n_averages)
        self._gap = GapMetrics(config.name)
        heard_after = np.minimum(community.design.heard_after, len(time.steps))
        self._targets = [Targets(heard_after) for _ in self._names]
        first_ms = time.warm_up_ms + time.step_ms
        self._tracking = [TrackingMetrics(f"{config.name}_{name}", first_ms) for name in self._names]

    def add(self, step: int, now_ms: int, tick: Tick, aggregates: list[float], averages: Array) -> None:
        """Take one tick, with the averages of shape (m, n) as they stand."""
        self._averages[len(self._waiting)] = averages
        self._waiting.append(_Waiting(step, now_ms, tick, aggregates))
        if len(self._waiting) >= self._per_batch:
            self.flush()

    def flush(self) -> None:
        """Work out the yardstick of the ticks that wait, and write them; before anybody joins or leaves."""
        if not self._waiting:
            return
        steps, times_ms, ticks, aggregates = map(list, zip(*self._waiting, strict=True))
        self._waiting = []
        members = self._members.numbers
        averages = self._averages[: len(ticks)]  # of shape (n_ticks, m, n)
        if len(members) < averages.shape[2]:
            averages = averages.take(members, axis=2)
        measured = self._measure(averages)
        distances = self._distances(averages, [tick.capacities for tick in ticks])
        self._gap.add(measured.gaps, distances)
        told = np.array([(tick.signals, tick.capacities, tick.measured) for tick in ticks], np.float64)
        reached = np.array(aggregates, np.float64)
        for resource, name in enumerate(self._names):
            block = {
                "step": np.array(steps),
                "signal": told[:, 0, resource],
                "capacity": told[:, 1, resource],
                "aggregate": reached[:, resource],
                "measured": told[:, 2, resource],
                "average_sum": measured.sums[:, resource],
                "optimum_gap": measured.gaps,
                "distance": distances,
                "gradient_mean": measured.gradient_mean[:, resource],
                "gradient_spread": measured.gradient_spread[:, resource],
            }
            self._write(block, times_ms, name, len(members))
            block["target"], block["measured_target"] = self._targets[resource].add(block["capacity"])
            for watch in self.watchers:
                watch(self._community.design.config.name, name, block)
            self._tracking[resource].add(block, np.array(times_ms))

    def _measure(self, averages: Array) -> Measured:
        if averages.shape[2]:
            return self._members.optimal.measure(averages)
        sums, nothing = np.zeros(averages.shape[:2]), np.full(averages.shape[:2], math.nan)
        return Measured(sums, nothing[:, 0], nothing, nothing)

    def _write(self, block: dict[str, Array], times_ms: list[int], resource: str, n_members: int) -> None:
        n = len(times_ms)
        nobody = np.zeros(n, np.int32)
        rows: dict[str, ColumnData] = {
            **block,
            "time": to_utc(self._start, np.array(times_ms)),
            "community": Coded(nobody, (self._community.design.config.name,)),
            "resource": Coded(nobody, (resource,)),
            "members": np.full(n, n_members),
        }
        self._writer.append(rows)

    def _distances(self, averages: Array, capacities: list[tuple[float, ...]]) -> Array:
        """‖x̄ - x*‖ against the optimum at the capacities in force; NaN where they have no solution."""
        result = np.full(len(averages), math.nan)
        optima = [self._optimum(capacity) for capacity in capacities]
        for first, last in _runs(optima, 1 + _NUMBERS_TOGETHER // max(1, averages[0].size)):
            if (optimum := optima[first]) is not None:
                apart = (averages[first:last] - optimum).reshape(last - first, -1)
                # Row by row, as `np.linalg.norm` does it: a sum over an axis would be taken in another order.
                result[first:last] = [math.sqrt(each.dot(each)) for each in apart]
        return result

    def _optimum(self, capacities: tuple[float, ...]) -> Array | None:
        """x* of the members, shape (m, n)."""
        if capacities not in self._optima:
            if len(self._optima) > 1000:  # grid-aware capacities can take any number of values
                self._optima.clear()
            try:
                community, near = self._community, self._near
                found = solve_optimum(community.costs, np.array(capacities), near, active=community.active)
                if found.is_solved:
                    self._near = found
                    self._optima[capacities] = found.x[self._members.numbers].T.copy()
                else:
                    self._optima[capacities] = None
            except InputError:  # more capacity than members: nothing to compare with
                self._optima[capacities] = None
        return self._optima[capacities]

    def members_changed(self) -> None:
        """Forget the optima of the members there were, or of their costs; before they change."""
        self._optima.clear()
        self._near = None
        self._members = _Members(self._community, self._n_averages)

    def summary(self) -> Summary:
        """The numbers of all resources."""
        result: Summary = {**self._gap.result(), **self._community.design.loop_numbers()}
        for metrics in self._tracking:
            result |= metrics.result()
        return result


def _runs(entries: Sequence[object], most: int) -> Iterator[tuple[int, int]]:
    """Where the same object stands several times in a row, the first place and that after the last."""
    first = 0
    for place in range(1, len(entries) + 1):
        if place == len(entries) or place - first == most or entries[place] is not entries[first]:
            yield first, place
            first = place


class DecisionRecorder:
    """The table `decisions`: one row a decision and resource, in the order they were made."""

    def __init__(
        self, community: Community, log: DecisionLog, writer: RowSink, start: datetime, names: tuple[str, ...]
    ) -> None:
        self._log = log
        self._resources = tuple(resource.name for resource in community.design.config.resources)
        self._width = log_width(len(self._resources))
        self._writer = writer
        self._start = start
        self._names = names

    def flush(self, everything: bool = False) -> None:
        """Write the log if it is long, or in any case; then empty it."""
        log, n_resources = self._log, len(self._resources)
        if not log or (len(log) < _NUMBERS_PER_BATCH and not everything):
            return
        table = np.array(log).reshape(-1, self._width)
        del log[:]
        n = len(table)
        step, time_ms, household, signal_step, age_ms = np.repeat(table[:, :5].T, n_resources, axis=1).astype(
            int
        )
        requested, delivered, average, gradient, response = np.moveaxis(
            table[:, 5:].reshape(n, 5, n_resources), 1, 0
        ).reshape(5, -1)
        self._writer.append(
            {
                "step": step,
                "time": to_utc(self._start, time_ms),
                "prosumer": Coded(household, self._names),
                "resource": Coded(np.tile(np.arange(n_resources), n), self._resources),
                "requested": requested.astype(int),
                "delivered": delivered,
                "average": average,
                "gradient": gradient,
                "probability": np.clip(response, 0.0, 1.0),
                "signal_step": signal_step,
                "signal_age_ms": age_ms,
            }
        )


def agent_parameters(communities: Sequence[Community], present: Membership, n_households: int) -> Parameters:
    """Community, policy, costs and clock of each household that takes part in a community."""
    texts = {"community": [""] * n_households, "policy": [""] * n_households}
    for community in communities:
        design = community.design
        for member, kind in zip(design.members.tolist(), design.responses.kind_of_each(), strict=True):
            texts["community"][member], texts["policy"][member] = design.config.name, kind
    numbers: dict[str, Array] = {}

    def put(name: str, members: NDArray[np.int64], values: Array) -> None:
        numbers.setdefault(name, np.full(n_households, np.nan))[members] = values

    for community in communities:
        design, members = community.design, community.design.members
        agent, n = design.config.agent, len(members)
        names = [resource.name for resource in design.config.resources]
        put("phase_ms", members, design.phases_ms.astype(float))
        put("drift_ppm", members, (community.slowness - 1) * 1e6)
        put("jitter_ms", members, np.full(n, agent.jitter_ms))
        time_constant = getattr(agent.averages, "time_constant_steps", np.inf)
        put("time_constant_steps", members, np.full(n, time_constant))
        for name, values in zip(names, design.initial_averages, strict=True):
            put(f"initial_average_{name}", members, values)
        for name, values in {**design.responses.columns(), **design.costs.columns(names)}.items():
            put(name, members, values)
        put("joins_h", members, present.joins_ms[members] / MS_PER_HOUR)
        leaves = present.leaves_ms[members]
        put("leaves_h", members, np.where(leaves < 0, np.nan, leaves / MS_PER_HOUR))
    return Parameters(texts if communities else {}, numbers)
