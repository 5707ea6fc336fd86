"""What is written down of faults: what broke and when, and what it did to the resources."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cosim.clock import MS_PER_HOUR
from cosim.config.fault_checks import Window
from cosim.config.scenario import Scenario
from cosim.engine.fault_plan import FaultEvent, episodes
from cosim.engine.market_record import to_utc
from cosim.results.metrics import Summary
from cosim.results.recovery import FaultEffect, Span, fault_effect
from cosim.results.store import RunStore, read_table
from cosim.results.tables import TABLES


def write_faults(scenario: Scenario, events: Sequence[FaultEvent], store: RunStore) -> None:
    """Write the table `faults`: every event that begins within the run."""
    if not events:
        return
    end_ms = scenario.time.duration_ms
    starts_ms = np.array([event.start_ms for event in events], np.int64)
    ends_ms = np.array([min(event.end_ms, end_ms) for event in events], np.int64)
    store.write_table(
        "faults",
        {
            "fault": [event.name for event in events],
            "kind": [event.fault.kind for event in events],
            "target": [event.target for event in events],
            "start": to_utc(scenario.time.start, starts_ms),
            "end": to_utc(scenario.time.start, ends_ms),
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


def write_fault_effects(
    scenario: Scenario, events: Sequence[FaultEvent], simulated_until_ms: int, store: RunStore
) -> Summary:
    """Measure what each fault did to each resource, write the table `fault_effects`, and sum it up.

    Parameters
    ----------
    scenario : Scenario
        What was run.
    events : sequence of FaultEvent
        What broke.
    simulated_until_ms : int
        How far the run came.
    store : RunStore
        Where the table `regulation` is complete.
    """
    if not events or not scenario.communities:
        return {}
    rows = list(_rows(scenario, events, min(simulated_until_ms, scenario.time.duration_ms), store))
    start = scenario.time.start
    columns: dict[str, Any] = {
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
    }
    store.write_table(
        "fault_effects", {column.name: columns[column.name] for column in TABLES["fault_effects"]}
    )
    return summarise(rows)


def _energy_kwh(row: Row) -> float:
    return row.effect.excess * row.unit_kwh if row.unit_kwh else math.nan


def _rows(scenario: Scenario, events: Sequence[FaultEvent], until_ms: int, store: RunStore) -> Iterator[Row]:
    store.writer("regulation").finish()
    table = read_table(store.folder, "regulation")
    table = table[table["step"] > 0]  # what was before the first decision is no answer to a capacity
    kinds = {event.name: event.fault.kind for event in events}
    windows = {name: [w for w in episodes(events, name) if w[0] < until_ms] for name in kinds}
    at_random = {event.name for event in events if event.fault.rate_per_day is not None}
    for community in scenario.communities:
        for resource in community.resources:
            here = table[(table["community"] == community.name) & (table["resource"] == resource.name)]
            ends_ms = here["step"].to_numpy(np.int64) * scenario.time.step_ms
            error = (here["aggregate"] - here["capacity"]).to_numpy(float)
            gap = here["optimum_gap"].to_numpy(float)
            for name, own in windows.items():
                # What fails at random now and then is part of the level that others are measured against.
                others = [
                    w for other in windows if other == name or other not in at_random for w in windows[other]
                ]
                for window in own:
                    span = _span(window, sorted(others), until_ms)
                    effect = fault_effect(ends_ms, scenario.time.step_ms, error, gap, span)
                    end_ms = min(window[1], until_ms)
                    yield Row(
                        name,
                        kinds[name],
                        community.name,
                        resource.name,
                        resource.unit_kwh,
                        window[0],
                        end_ms,
                        effect,
                    )


def _span(window: Window, everything: Sequence[Window], until_ms: int) -> Span:
    """A window with the times around it in which none of `everything` is on."""
    start_ms, end_ms = window
    earlier = [other_end for other_start, other_end in everything if other_start < start_ms]
    later = bisect_right([other_start for other_start, _ in everything], end_ms)
    return Span(
        start_ms,
        end_ms,
        max(earlier, default=0),
        everything[later][0] if later < len(everything) else until_ms,
    )


def summarise(rows: Sequence[Row]) -> Summary:
    """For each fault and resource: the worst of its episodes, and sums; null where it cannot be told.

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
            f"{prefix}_recovery_h": _number(
                max_or_nan([row.effect.recovery_ms for row in own]) / MS_PER_HOUR
            ),
            f"{prefix}_excess_cost": _number(math.fsum(row.effect.excess_cost for row in own)),
        }
        if own[0].unit_kwh:
            result[f"{prefix}_excess_energy_kwh"] = _number(math.fsum(_energy_kwh(row) for row in own))
    return result


def max_or_nan(values: Sequence[float]) -> float:
    """The largest; NaN where one is."""
    return math.nan if any(math.isnan(value) for value in values) else max(values)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
