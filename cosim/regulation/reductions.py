"""What a platform took back of its plan because the feeder was near its limits."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import to_hours
from cosim.core.errors import count
from cosim.core.shown import date_text, share_text
from cosim.regulation.schema import CommunityConfig, ResourceConfig, capacities_over
from cosim.regulation.units_in_kw import step_power_text

_EQUAL = 1e-9


class Reduction(NamedTuple):
    """How a grid-aware rule lowered the capacity of a resource."""

    community: str
    """Whose platform it was."""
    resource: ResourceConfig
    """What was lowered."""
    n: int
    """How often: stretches of ticks without a break."""
    first_h: float
    least_h: float
    last_h: float
    """When it was first lowered, was lowest as a share of the plan, and was whole again after the first time,
    hours since the start; `last_h` is NaN where the run ended before."""
    planned: float
    reduced: float
    """The plan at its lowest, and what was left of it, units a step."""


def planned_capacity(
    resource: ResourceConfig, elapsed_ms: NDArray[np.int64], start: datetime
) -> NDArray[np.float64]:
    """What the scenario asks for at each instant, before the feeder is heard, units a step; shape (K,)."""
    return capacities_over(resource.capacity, elapsed_ms, start)


def is_grid_aware(community: CommunityConfig, resource: ResourceConfig) -> bool:
    """Whether the feeder alone can lower the capacity of a resource."""
    return any(rule.resource == resource.name for rule in community.platform.grid_aware)


def reduction_text(reduction: Reduction, start: datetime, step_ms: int) -> str:
    """What the platform did, as a sentence."""
    resource = reduction.resource
    left, plan = (step_power_text(each, resource, step_ms) for each in (reduction.reduced, reduction.planned))
    times = "" if reduction.n == 1 else f" {count(reduction.n, 'time')}, first"
    back = (
        "the run ended before the plan was whole again"
        if np.isnan(reduction.last_h)
        else f"the whole plan was back on {date_text(start, reduction.last_h)}"
    )
    return (
        f"Because of the feeder, the platform of {reduction.community} lowered its target for "
        f"{resource.name}{times} from {date_text(start, reduction.first_h)} on; {back}. At its lowest it "
        f"left {share_text(reduction.reduced / reduction.planned)} of the plan ({left} of {plan}), on "
        f"{date_text(start, reduction.least_h)}."
    )


def reductions(
    community: str,
    resource: ResourceConfig,
    elapsed_ms: NDArray[np.int64],
    planned: NDArray[np.float64],
    capacity: NDArray[np.float64],
) -> list[Reduction]:
    """What became of a plan: nothing, or one that says when and how far it was lowered.

    Parameters
    ----------
    community : str
        Whose it is.
    resource : ResourceConfig
        Of which.
    elapsed_ms : ndarray of int64, shape (K,)
        Ticks of the platform, ms since the start.
    planned, capacity : ndarray of float64, shape (K,)
        The plan, and what the platform made of it, units a step.
    """
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
