"""What a platform took back of its plan because the feeder was near its limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.clock import MS_PER_HOUR
from cosim.core.errors import count, listed
from cosim.core.shown import date_text, instant_text, share_text
from cosim.regulation.schema import CommunityConfig, ResourceConfig, capacities_over
from cosim.regulation.units_in_kw import step_power_text

_EQUAL = 1e-9
_MOST_TOLD = 3


class Reduction(NamedTuple):
    """One stretch of ticks in which a grid-aware rule lowered the capacity of a resource."""

    community: str
    """Whose platform it was."""
    resource: ResourceConfig
    """What was lowered."""
    hours: NDArray[np.float64]
    """Its ticks, hours since the start. Shape (n,)."""
    planned: NDArray[np.float64]
    reduced: NDArray[np.float64]
    """The plan, and what was left of it, units a step. Shape (n,)."""
    did: NDArray[np.float64]
    """What the community then did in the step that begins with each tick, units; NaN where the run ended
    before. Shape (n,)."""
    whole_h: float
    """When the plan was in force again, hours since the start; NaN where the run ended before."""
    whole: float
    """The plan then, units a step; NaN where the run ended before."""

    @property
    def least(self) -> int:
        """The tick at which the smallest share of the plan was left."""
        return int(np.argmin(self.reduced / self.planned))

    def excess_until(self, hours: float) -> tuple[float, float]:
        """By how much the community did more than the lowered capacity in a step that began before then, at
        most, 0 where it never did; and when that step began, hours since the start."""
        over = np.where(self.hours < hours, np.nan_to_num(self.did - self.reduced), 0.0)
        most = int(np.argmax(over))
        return max(float(over[most]), 0.0), float(self.hours[most])


class Beyond(NamedTuple):
    """The stretch of time in which the element that was furthest beyond its limit was beyond it."""

    element: str
    """What it is: ``transformer``."""
    first_h: float
    end_h: float
    """Hours since the start; `end_h` is NaN where it was still beyond it when the run ended."""


def planned_capacity(
    resource: ResourceConfig, elapsed_ms: NDArray[np.int64], start: datetime
) -> NDArray[np.float64]:
    """What the scenario asks for at each instant, before the feeder is heard, units a step; shape (K,)."""
    return capacities_over(resource.capacity, elapsed_ms, start)


def is_grid_aware(community: CommunityConfig, resource: ResourceConfig) -> bool:
    """Whether the feeder alone can lower the capacity of a resource."""
    return any(rule.resource == resource.name for rule in community.platform.grid_aware)


def reductions_text(
    found: Sequence[Reduction], start: datetime, step_ms: int, beyond: Beyond | None = None
) -> str:
    """What a platform did about one resource, as sentences.

    Parameters
    ----------
    found : sequence of Reduction
        All of the resource, in order; at least one.
    start : datetime
        Of the run.
    step_ms : int
        Length of a step.
    beyond : Beyond
        When an element was beyond its limit: told is the reduction that answers that, else the deepest.
    """
    told, answers = _told(found, beyond)
    resource, least = told.resource, told.least
    left, plan = (
        step_power_text(float(each[least]), resource, step_ms) for each in (told.reduced, told.planned)
    )
    first_h, least_h = float(told.hours[0]), float(told.hours[least])

    def at(hours: float) -> str:
        return instant_text(start, hours, first_h)

    parts = [
        f"Because of the feeder, the platform of {told.community} lowered its target for {resource.name} "
        f"from {date_text(start, first_h)} on, at the lowest to {left} of the planned {plan} "
        f"({share_text(float(told.reduced[least] / told.planned[least]))}), at {at(least_h)}"
    ]
    until_h, until, again = _until(told, beyond if answers else None, at)
    excess = told.excess_until(until_h)[0]
    if excess > 0:
        over = step_power_text(excess, resource, step_ms)
        parts.append(f"{until}, the community did up to {over} more than the lowered target")
    elif again:
        parts.append(again)
    parts.append(
        "the run ended before the whole plan was in force again"
        if np.isnan(told.whole_h)
        else f"the whole plan ({step_power_text(told.whole, resource, step_ms)} by then) was in force again "
        f"at {at(told.whole_h)}"
    )
    others = [each for each in found if each is not told]
    most = _most_text(found, excess, start, step_ms)
    return f"{'; '.join(parts)}.{_others_text(others, start)}{most}"


def _until(told: Reduction, beyond: Beyond | None, at: Callable[[float], str]) -> tuple[float, str, str]:
    """Until when the community's excess is told, that in words, and what else is worth saying of then."""
    if beyond is None:
        return float(told.hours[told.least]), "until then", ""
    if np.isnan(beyond.end_h):
        return np.inf, f"until the run ended, with the {beyond.element} still beyond its limit", ""
    within, again = f"the {beyond.element} was within its limit again", at(beyond.end_h)
    return beyond.end_h, f"until {within} ({again})", f"{within} at {again}"


def _most_text(found: Sequence[Reduction], said: float, start: datetime, step_ms: int) -> str:
    """The largest excess over a lowered target of all; empty where no more than what was said."""
    most, hours = max(each.excess_until(np.inf) for each in found)
    if most <= said + _EQUAL:
        return ""
    over = step_power_text(most, found[0].resource, step_ms)
    return (
        f" Of all steps with a lowered target, the community was furthest above it in that from "
        f"{date_text(start, hours)} on, by {over}."
    )


def _told(found: Sequence[Reduction], beyond: Beyond | None) -> tuple[Reduction, bool]:
    """The reduction to tell of, and whether it answers an element's being beyond its limit."""
    if beyond is not None:
        for each in found:
            begins_then = np.isnan(beyond.end_h) or each.hours[0] < beyond.end_h
            if begins_then and not each.whole_h <= beyond.first_h:
                return each, True
    return min(found, key=lambda each: each.reduced[each.least] / each.planned[each.least]), False


def _others_text(others: Sequence[Reduction], start: datetime) -> str:
    if not others:
        return ""
    times = f" It lowered it {count(len(others), 'more time', 'more times')}"
    if len(others) > _MOST_TOLD:
        return f"{times}."
    return f"{times}, from {listed([date_text(start, float(each.hours[0])) for each in others])} on."


def reductions(
    community: str,
    resource: ResourceConfig,
    elapsed_ms: NDArray[np.int64],
    planned: NDArray[np.float64],
    capacity: NDArray[np.float64],
    did: NDArray[np.float64],
) -> list[Reduction]:
    """The stretches in which a plan was lowered, in order.

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
    did : ndarray of float64, shape (K,)
        What the community did in the step that begins with each tick, units; NaN where that is not known.
    """
    share = np.divide(capacity, planned, out=np.ones(len(planned)), where=planned > 0)
    edges = np.diff((share < 1 - _EQUAL).astype(int), prepend=0, append=0)
    hours = elapsed_ms / MS_PER_HOUR
    whole_h, whole = np.append(hours, np.nan), np.append(planned, np.nan)
    return [
        Reduction(
            community,
            resource,
            hours[first:end],
            planned[first:end],
            capacity[first:end],
            did[first:end],
            float(whole_h[end]),
            float(whole[end]),
        )
        for first, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    ]
