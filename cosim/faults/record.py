"""What is written down of faults: what broke and when, and what it did to the resources."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR, to_utc
from cosim.core.context import TimeAxis
from cosim.core.numbers import Number, Summary, declared, finite
from cosim.core.tables import COMMUNITY, RESOURCE, Column, Table, TableStore
from cosim.faults.fault_plan import episodes
from cosim.faults.kinds import FaultEvent
from cosim.faults.kinds.failure_times import Window
from cosim.faults.recovery import FaultEffect, Span, fault_effect, untouched
from cosim.regulation.schema import CommunityConfig

NUMBERS = (
    *declared("Faults", "table `fault_effects`",
        Number("fault_{fault}_{community}_{resource}_episodes", "episodes", "",
            "number of times the fault was active; events that touch or overlap count as one"),
        Number("fault_{fault}_{community}_{resource}_worst_deviation_units", "worst deviation", "units",
            "the aggregate - capacity of a step of largest size in all episodes; null where it "
            "cannot be determined", least=-math.inf),
        Number("fault_{fault}_{community}_{resource}_recovery_h", "slowest recovery", "h",
            "from an episode's end until the error stays near its previous level; null if one did"
            " not recover", "less"),
        Number("fault_{fault}_{community}_{resource}_excess_cost", "excess cost", "cost",
            "sum of the cost gap above its previous mean, over all episodes", "less", least=-math.inf),
        Number("fault_{fault}_{community}_{resource}_excess_energy_kwh", "excess energy", "kWh",
            "energy of the error above its previous mean, over all episodes; "
            "only where a unit is energy", "less", least=-math.inf),
    ),
)  # fmt: skip

FAULTS = Table(
    "faults",
    "One row per event of a fault that begins within the run.",
    (
        Column("fault", "text", "", "name of the fault"),
        Column("kind", "text", "", "household_crash, platform_crash, churn, clock, partition, ..."),
        Column(
            "target", "text", "", "what failed: a household, a community's platform, a set of links, a meter"
        ),
        Column("start", "time", "UTC", "when it began, or would have begun, in a run that was cut short"),
        Column("end", "time", "UTC", "when it ended; of one that lasted longer, the end of the run"),
        Column(
            "households", "integer", "", "households that it affected; 0 for a platform or the feeder meter"
        ),
    ),
)
FAULT_EFFECTS = Table(
    "fault_effects",
    "What each fault did to each resource, event by event.",
    (
        Column("fault", "text", "", "name of the fault"),
        Column("kind", "text", "", "its kind"),
        COMMUNITY,
        RESOURCE,
        Column("start", "time", "UTC", "when it began; events that touch or overlap are one"),
        Column("end", "time", "UTC", "when it ended, or the run did"),
        Column(
            "rmse_before",
            "number",
            "units",
            "root mean square of aggregate - capacity of the step, over the quiet steps before",
        ),
        Column(
            "worst_deviation",
            "number",
            "units",
            "largest aggregate - capacity of a step until it had recovered",
        ),
        Column(
            "recovery_h",
            "number",
            "h",
            "from the end until the error stays near its previous level; NaN if never, or if another "
            "fault is still active",
        ),
        Column(
            "excess_energy_kwh",
            "number",
            "kWh",
            "energy of the error above its previous mean, until then; NaN where a unit is no energy",
        ),
        Column(
            "excess_cost",
            "number",
            "cost",
            "sum of the cost gap above its previous mean, over the same steps",
        ),
    ),
)

Array = NDArray[np.float64]


def write_faults(events: Sequence[FaultEvent], time: TimeAxis, store: TableStore) -> None:
    """Write the table `faults`: every event that begins within the run."""
    if not events:
        return
    end_ms = time.duration_ms
    starts_ms = np.array([event.start_ms for event in events], np.int64)
    ends_ms = np.array([min(event.end_ms, end_ms) for event in events], np.int64)
    store.write_table(
        FAULTS,
        {
            "fault": [event.name for event in events],
            "kind": [event.fault.kind for event in events],
            "target": [event.target for event in events],
            "start": to_utc(time.start, starts_ms),
            "end": to_utc(time.start, ends_ms),
            "households": [_n_households(event) for event in events],
        },
    )


def _n_households(event: FaultEvent) -> int:
    return 0 if event.fault.kind == "platform_crash" else len(event.members)


class Row(NamedTuple):
    """One row of the table `fault_effects`."""

    fault: str
    kind: str
    community: str
    resource: str
    unit_kwh: float
    start_ms: int
    end_ms: int
    effect: FaultEffect


class Tracking(NamedTuple):
    """What is kept of a resource, tick by tick, to measure effects on it: 24 bytes a tick."""

    steps: array[float]
    error: array[float]
    gap: array[float]


class FaultRecord:
    """Measures what faults did to the resources of all communities.

    Parameters
    ----------
    communities : sequence of CommunityConfig
        Whose resources are watched.
    events : sequence of FaultEvent
        What breaks.
    time : TimeAxis
        When the run is.
    """

    def __init__(
        self, communities: Sequence[CommunityConfig], events: Sequence[FaultEvent], time: TimeAxis
    ) -> None:
        self._communities = communities
        self._events = events
        self._time = time
        self._rows: dict[int, list[Row]] = {}
        self._tracking = {
            (community.name, resource.name): Tracking(array("d"), array("d"), array("d"))
            for community in communities
            for resource in community.resources
        }

    def take(self, community: str, resource: str, block: Mapping[str, Array]) -> None:
        """Take a block of the table `regulation` of one resource."""
        answered = block["step"] > 0  # what was before the first decision is no answer to a capacity
        tracking = self._tracking[community, resource]
        tracking.steps.extend(block["step"][answered])
        tracking.error.extend((block["aggregate"] - block["target"])[answered])
        tracking.gap.extend(block["optimum_gap"][answered])

    def summary(self, until_ms: int) -> Summary:
        """The effects in numbers, of a run that came to `until_ms`."""
        return summarise(self.rows(until_ms))

    def write(self, until_ms: int, store: TableStore) -> None:
        """Write the table `fault_effects`."""
        rows, start = self.rows(until_ms), self._time.start
        store.write_table(
            FAULT_EFFECTS,
            {
                "fault": [row.fault for row in rows],
                "kind": [row.kind for row in rows],
                "community": [row.community for row in rows],
                "resource": [row.resource for row in rows],
                "start": to_utc(start, np.array([row.start_ms for row in rows], np.int64)),
                "end": to_utc(start, np.array([row.end_ms for row in rows], np.int64)),
                "rmse_before": [row.effect.rmse_before for row in rows],
                "worst_deviation": [row.effect.worst_deviation for row in rows],
                "recovery_h": [row.effect.recovery_ms / MS_PER_HOUR for row in rows],
                "excess_energy_kwh": [_energy_kwh(row) for row in rows],
                "excess_cost": [row.effect.excess_cost for row in rows],
            },
        )

    def rows(self, until_ms: int) -> list[Row]:
        """The effect of every episode of every fault on every resource, of a run that came to `until_ms`."""
        if until_ms not in self._rows:
            self._rows = {until_ms: list(self._rows_until(until_ms))}
        return self._rows[until_ms]

    def _rows_until(self, until_ms: int) -> Iterator[Row]:
        kinds = {event.name: event.fault.kind for event in self._events}
        windows = {name: [w for w in episodes(self._events, name) if w[0] < until_ms] for name in kinds}
        at_random = {event.name for event in self._events if event.fault.rate_per_day is not None}
        for community in self._communities:
            for resource in community.resources:
                tracking = self._tracking[community.name, resource.name]
                for name, own in windows.items():
                    # What fails at random now and then is part of the level that others are measured against.
                    apart = [other for other in windows if other == name or other not in at_random]
                    others = sorted(window for other in apart for window in windows[other])
                    for window, effect in zip(
                        own, self._effects(tracking, own, others, until_ms), strict=True
                    ):
                        yield Row(
                            name,
                            kinds[name],
                            community.name,
                            resource.name,
                            resource.unit_kwh,
                            window[0],
                            min(window[1], until_ms),
                            effect,
                        )

    def _effects(
        self, tracking: Tracking, own: Sequence[Window], everything: Sequence[Window], until_ms: int
    ) -> Iterator[FaultEffect]:
        """The effect of each window of a fault, among those of all faults, in order.

        What lasts to the end of the run is part of the level that is measured against, from its start on.
        """
        time = self._time
        ends_ms = np.array(tracking.steps).astype(np.int64) * time.step_ms
        error, gap = np.array(tracking.error), np.array(tracking.gap)
        passing = [window for window in everything if window[1] < until_ms]
        lasting = [begin_ms for begin_ms, end_ms in everything if end_ms >= until_ms]
        quiet = untouched(ends_ms, time.step_ms, passing)
        for window in own:
            since_ms = max([time.warm_up_ms, *(begin_ms for begin_ms in lasting if begin_ms < window[0])])
            level = quiet & (ends_ms - time.step_ms >= since_ms)
            apart = [other for other in everything if other[1] < until_ms or other[0] >= window[0]]
            yield fault_effect(ends_ms, time.step_ms, error, gap, level, _span(window, apart, until_ms))


def _span(window: Window, others: Sequence[Window], until_ms: int) -> Span:
    """A window, and until when none of the others, in order, is on after it."""
    start_ms, end_ms = window
    later = bisect_right([other_start for other_start, _ in others], end_ms)
    if any(other_end > end_ms for _, other_end in others[:later]):
        return Span(start_ms, end_ms, end_ms)  # another is still on: whose error it is cannot be told
    return Span(start_ms, end_ms, others[later][0] if later < len(others) else until_ms)


def _energy_kwh(row: Row) -> float:
    return row.effect.excess * row.unit_kwh if row.unit_kwh else math.nan


def summarise(rows: Sequence[Row]) -> Summary:
    """For each fault and resource: the worst of its episodes, and sums; null where it cannot be determined.

    The time to recover is that of the slowest episode, and null where one did not recover.
    """
    result: Summary = {}
    keys = dict.fromkeys((row.fault, row.community, row.resource) for row in rows)
    for key in keys:
        own = [row for row in rows if (row.fault, row.community, row.resource) == key]
        prefix = "fault_" + "_".join(key)
        deviations = [row.effect.worst_deviation for row in own if math.isfinite(row.effect.worst_deviation)]
        result |= {
            f"{prefix}_episodes": len(own),
            f"{prefix}_worst_deviation_units": max(deviations, key=abs, default=None),
            f"{prefix}_recovery_h": finite(max_or_nan([row.effect.recovery_ms for row in own]) / MS_PER_HOUR),
            f"{prefix}_excess_cost": finite(math.fsum(row.effect.excess_cost for row in own)),
        }
        if own[0].unit_kwh:
            result[f"{prefix}_excess_energy_kwh"] = finite(math.fsum(_energy_kwh(row) for row in own))
    return result


def max_or_nan(values: Sequence[float]) -> float:
    """The largest; NaN where one is."""
    return math.nan if any(math.isnan(value) for value in values) else max(values)
