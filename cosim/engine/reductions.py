"""What a platform took back of its plan because the feeder was near its limits, from the tables of a run."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import to_hours
from cosim.core.errors import count
from cosim.core.shown import date_text, share_text
from cosim.engine.scenario import Scenario
from cosim.regulation.schema import CommunityConfig, ResourceConfig, capacities_over
from cosim.regulation.units_in_kw import step_power_text
from cosim.results.run_tables import batches, table_files

_EQUAL = 1e-9


class Reduction(NamedTuple):
    """How a grid-aware rule lowered the capacity of a resource.

    Attributes
    ----------
    community : str
        Whose platform it was.
    resource : ResourceConfig
        What was lowered.
    n : int
        How often: stretches of ticks without a break.
    first_h, least_h, last_h : float
        When it was first lowered, was lowest as a share of the plan, and was whole again after the first
        time, hours since the start; `last_h` is NaN where the run ended before.
    planned, reduced : float
        The plan at its lowest, and what was left of it, units a step.
    """

    community: str
    resource: ResourceConfig
    n: int
    first_h: float
    least_h: float
    last_h: float
    planned: float
    reduced: float


def planned_capacity(
    resource: ResourceConfig, elapsed_ms: NDArray[np.int64], scenario: Scenario
) -> NDArray[np.float64]:
    """What the scenario asks for at each instant, before the feeder is heard, units a step; shape (K,)."""
    return capacities_over(resource.capacity, elapsed_ms, scenario.time.start)


def is_grid_aware(community: CommunityConfig, resource: ResourceConfig) -> bool:
    """Whether the feeder alone can lower the capacity of a resource."""
    return any(rule.resource == resource.name for rule in community.platform.grid_aware)


def read_reductions(folder: Path, scenario: Scenario) -> list[Reduction]:
    """Every capacity that gave way to the feeder, in the scenario's order.

    Parameters
    ----------
    folder : Path
        The run's directory, whose tables are whole.
    scenario : Scenario
        What was run.
    """
    if scenario.firm is not None:  # a firm sets capacities, too
        return []
    found = []
    for community in scenario.communities:
        for resource in community.resources:
            if is_grid_aware(community, resource):
                elapsed_ms, capacity = _ticks(folder, scenario, community.name, resource.name)
                planned = planned_capacity(resource, elapsed_ms, scenario)
                found += _reduction(community.name, resource, elapsed_ms, planned, capacity)
    return found


def reduction_text(reduction: Reduction, scenario: Scenario) -> str:
    """What the platform did, as a sentence."""
    start, resource = scenario.time.start, reduction.resource
    left, plan = (
        step_power_text(each, resource, scenario.time.step_ms)
        for each in (reduction.reduced, reduction.planned)
    )
    times = "" if reduction.n == 1 else f" {count(reduction.n, 'time')}, first"
    back = (
        "the run ended before the plan was whole again"
        if np.isnan(reduction.last_h)
        else f"the whole plan was back on {date_text(start, reduction.last_h)}"
    )
    return (
        f"Because of the feeder, the platform of {reduction.community} lowered its target for "
        f"{resource.name}{times} from {date_text(start, reduction.first_h)} on; {back}. At the least it left "
        f"{share_text(reduction.reduced / reduction.planned)} of the plan ({left} of {plan}), on "
        f"{date_text(start, reduction.least_h)}."
    )


def _reduction(
    community: str,
    resource: ResourceConfig,
    elapsed_ms: NDArray[np.int64],
    planned: NDArray[np.float64],
    capacity: NDArray[np.float64],
) -> list[Reduction]:
    share = np.divide(capacity, planned, out=np.ones(len(planned)), where=planned > 0)
    lowered = share < 1 - _EQUAL
    if not lowered.any():
        return []
    least, first = int(np.argmin(share)), int(np.argmax(lowered))
    whole = np.flatnonzero(~lowered[first:])
    last_h = to_hours(int(elapsed_ms[first + whole[0]])) if len(whole) else float("nan")
    n = int(np.count_nonzero(np.diff(lowered.astype(int), prepend=0) == 1))
    first_h, least_h = (to_hours(int(elapsed_ms[each])) for each in (first, least))
    return [
        Reduction(
            community, resource, n, first_h, least_h, last_h, float(planned[least]), float(capacity[least])
        )
    ]


def _ticks(
    folder: Path, scenario: Scenario, community: str, resource: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The instants of a platform's ticks, ms since the start, and the capacity from each on."""
    rows = [
        (row["time"], row["capacity"])
        for file in table_files(folder, "regulation")
        for batch in batches(file, ["time", "community", "resource", "capacity"])
        for row in batch.to_pylist()
        if (row["community"], row["resource"]) == (community, resource)
    ]
    elapsed = [round((time - scenario.time.start).total_seconds() * 1000) for time, _ in rows]
    return np.array(elapsed, np.int64), np.array([capacity for _, capacity in rows], np.float64)
