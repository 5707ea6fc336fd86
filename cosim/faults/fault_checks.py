"""Whether faults fit the scenario: who and what they name is there, and their times make sense."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

from cosim.comms.link_checks import longest_held
from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.core.context import Context
from cosim.core.errors import Problem, suggest
from cosim.faults.kinds import Fault
from cosim.faults.kinds.reach import Surroundings
from cosim.faults.schema import fault_names
from cosim.regulation.community_checks import messages_under_way

MOST_FAILURES = 200_000
"""Most failures at random in a run: they are drawn before it starts."""


def fault_problems(faults: Sequence[Fault], around: Surroundings, context: Context) -> Iterator[Problem]:
    """Everything wrong with faults that the configuration alone can tell.

    Of one that is not enabled only errors: what is off on purpose needs no warning.
    """
    names = fault_names(faults)
    for number, fault in enumerate(faults):
        path = f"faults.{number}"
        if names[number] in names[:number]:
            message = f"two faults are called '{names[number]}'"
            yield context.problem(f"{path}.name", message, "Give each a name of its own.")
        for problem in _problems(fault, around, context):
            if fault.enabled or problem.severity == "error":
                at = f"{path}.{problem.path}".rstrip(".")
                file, line = context.place_of(at)
                yield replace(problem, path=at, file=file, line=line)
    yield from _overlaps(context, around, faults, names)
    yield from _failures(context, around, faults)
    yield from _replays(context, around, faults)


def _problems(fault: Fault, around: Surroundings, context: Context) -> Iterator[Problem]:
    """What is wrong with one fault; paths from its own key on."""
    yield from _names(fault, around, context)
    yield from _times(fault, context)
    is_felt = not fault.needs_market or (around.has_dimming and fault.reaches_operator())
    if not is_felt and not around.communities and (fault.needs_community or not around.has_trading):
        message = "there is no market that it could affect"
        remedy = "Add `communities:`." if fault.needs_community else "Add `communities:` or `energy_value:`."
        yield Problem(message, remedy, value=fault.kind)
    else:
        yield from fault.problems(around, context)


def _names(fault: Fault, around: Surroundings, context: Context) -> Iterator[Problem]:
    known = {
        "households": ("household", list(context.population.names)),
        "groups": ("group", [group.name for group in context.population.groups]),
        "communities": ("community", [community.name for community in around.communities]),
    }
    for key, (noun, names) in known.items():
        for position, name in enumerate(getattr(fault, key, ())):
            if name not in names:
                remedy = suggest(name, names) or f"Give the name of an existing {noun}."
                yield Problem(f"there is no {noun} of this name", remedy, f"{key}.{position}", value=name)


def _times(fault: Fault, context: Context) -> Iterator[Problem]:
    end_ms = context.time.duration_ms
    end_h = end_ms / MS_PER_HOUR
    windows = fault.given_windows(end_ms)
    for position, (start_ms, _) in enumerate(windows):
        if start_ms >= end_ms:
            where = f"windows.{position}.from_h" if fault.windows else "from_h"
            message = f"it begins at {start_ms / MS_PER_HOUR:g} h, and the run ends at {end_h:g} h"
            yield Problem(
                message,
                "It never happens: begin it earlier, or let the run last longer.",
                where,
                severity="warning",
            )
    for (_, first_end), (second_start, _) in pairwise(sorted(windows)):
        if second_start < first_end:
            message = f"two of its windows overlap at {second_start / MS_PER_HOUR:g} h"
            yield Problem(
                message,
                "They count as one: separate them, or write one window.",
                "windows",
                severity="warning",
            )


def _overlaps(
    context: Context, around: Surroundings, faults: Sequence[Fault], names: tuple[str, ...]
) -> Iterator[Problem]:
    """Two faults of one kind at one time, where both at once make no sense."""
    for (first, one), (second, other) in combinations(enumerate(faults), 2):
        if one.kind != other.kind or not one.together or not (one.enabled and other.enabled):
            continue
        concerned = (each.concerned(around, context.population) for each in (one, other))
        if _share_time(context, one, other) and set.intersection(*concerned):
            message = f"it overlaps with '{names[first]}', which is of the same kind"
            yield context.problem(f"faults.{second}", message, one.together, names[second], warning=True)


def _share_time(context: Context, one: Fault, other: Fault) -> bool:
    end_ms = context.time.duration_ms
    return any(
        start < other_end and other_start < end
        for start, end in one.given_windows(end_ms)
        for other_start, other_end in other.given_windows(end_ms)
    )


def _failures(context: Context, around: Surroundings, faults: Sequence[Fault]) -> Iterator[Problem]:
    """Failures at random, by the mean time from one to the next."""
    days = context.time.duration_ms / MS_PER_DAY
    for number, fault in enumerate(faults):
        if not fault.enabled or fault.rate_per_day is None or fault.mean_duration_h is None:
            continue
        period_days = 1 / fault.rate_per_day + fault.mean_duration_h * MS_PER_HOUR / MS_PER_DAY
        lasts_days = min(days, (fault.duration_h or math.inf) * MS_PER_HOUR / MS_PER_DAY)
        failures = fault.n_failing(around, context.population) * lasts_days / period_days
        if failures > MOST_FAILURES:
            message = (
                f"about {failures:,.0f} random failures would be drawn before the run; cosim takes at most "
                f"{MOST_FAILURES:,}"
            )
            remedy = "Lower rate_per_day, let them last longer, or name fewer households."
            yield context.problem(f"faults.{number}.rate_per_day", message, remedy, f"{fault.rate_per_day:g}")


def _replays(context: Context, around: Surroundings, faults: Sequence[Fault]) -> Iterator[Problem]:
    """Messages that are held to arrive again, where those on their way are not too many already."""
    held = [(number, fault.held_ms()) for number, fault in enumerate(faults) if fault.enabled]
    held_ms = [(f"faults.{number}.{each[0]}", each[1]) for number, each in held if each is not None]
    if held_ms and not any(messages_under_way(around.communities, [longest_held(around.comms)], context)):
        yield from messages_under_way(around.communities, held_ms, context)
