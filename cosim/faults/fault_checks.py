"""Whether faults fit the scenario: who and what they name is there, and their times make sense."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from cosim.comms.link_checks import longest_held
from cosim.comms.schema import CommsConfig
from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR, to_ms
from cosim.core.context import Context
from cosim.core.errors import Problem, count, suggest
from cosim.core.population import Population
from cosim.faults.schema import (
    AGENT_FAULTS,
    AnyFault,
    Churn,
    ClockFault,
    Duplication,
    Liar,
    LossBurst,
    Partition,
    PlatformCrash,
    Replay,
    StuckMeter,
    fault_names,
    is_told_whom,
)
from cosim.regulation.agent_schema import MembershipConfig
from cosim.regulation.community_checks import messages_under_way
from cosim.regulation.schema import CommunityConfig

MOST_FAILURES = 200_000
"""Most failures at random in a run: they are drawn before it starts."""
Window = tuple[int, int]
"""Start and end, ms since the start of the run."""


@dataclass(frozen=True)
class Surroundings:
    """What faults can concern.

    Attributes
    ----------
    communities : sequence of CommunityConfig
        The regulation markets.
    membership : sequence of MembershipConfig
        When the households of each group join and leave.
    has_trading : bool
        Whether households trade.
    has_grid, has_feedback : bool
        Whether there is a feeder, and whether it is measured.
    comms : CommsConfig
        The links.
    """

    communities: Sequence[CommunityConfig] = ()
    membership: Sequence[MembershipConfig] = ()
    has_trading: bool = False
    has_grid: bool = False
    has_feedback: bool = False
    comms: CommsConfig = field(default_factory=CommsConfig)

    @property
    def has_feeder_meter(self) -> bool:
        """Whether somebody reads the feeder meter."""
        return self.has_feedback or any(one.platform.measurement == "meter" for one in self.communities)

    @property
    def has_market(self) -> bool:
        """Whether there is any market."""
        return bool(self.communities) or self.has_trading


def named_households(fault: AnyFault, around: Surroundings, population: Population) -> list[int]:
    """Numbers of the households that a fault names by `households` and `groups`; all where it names none.

    Of a fault of the answer to a signal only those that belong to a community; names that do not exist are
    passed over, and so are buses.
    """
    if isinstance(fault, PlatformCrash):
        return []
    chosen = set(range(population.size))
    if fault.households or fault.groups or (isinstance(fault, Partition) and fault.buses):
        number_of = {name: number for number, name in enumerate(population.names)}
        chosen = {number_of[name] for name in fault.households if name in number_of}
        chosen |= {number for group in population.named(fault.groups) for number in group.members}
    if isinstance(fault, AGENT_FAULTS):
        in_a_community = {name for community in around.communities for name in community.groups}
        chosen &= {number for group in population.named(in_a_community) for number in group.members}
    return sorted(chosen)


def given_windows(fault: AnyFault, end_ms: int) -> list[Window]:
    """The times that a fault gives, in their order; of a rate the time in which it can happen.

    None is shorter than a millisecond: what begins must begin before it ends.
    """
    if fault.windows:
        return [_window(one.from_h, one.duration_h) for one in fault.windows]
    if fault.from_h is None and fault.rate_per_day is None:
        return []  # a trace has them
    start_h = fault.from_h or 0.0
    if fault.duration_h is None:
        return [(to_ms(start_h, MS_PER_HOUR), end_ms)]
    return [_window(start_h, fault.duration_h)]


def _window(from_h: float, duration_h: float) -> Window:
    start_ms = to_ms(from_h, MS_PER_HOUR)
    return start_ms, max(start_ms + 1, to_ms(from_h + duration_h, MS_PER_HOUR))


def fault_problems(faults: Sequence[AnyFault], around: Surroundings, context: Context) -> Iterator[Problem]:
    """Everything wrong with faults that the configuration alone can tell.

    Of one that is not enabled only errors: what is off on purpose needs no warning.
    """
    names = fault_names(faults)
    for number, fault in enumerate(faults):
        path = f"faults.{number}"
        if names[number] in names[:number]:
            message = f"two faults are called '{names[number]}'"
            yield context.problem(f"{path}.name", message, "Give each a name of its own.")
        for check in (_names, _times, _market, _special):
            for problem in check(context, around, fault, path):
                if fault.enabled or problem.severity == "error":
                    yield problem
    yield from _overlaps(context, around, faults, names)
    yield from _failures(context, around, faults)
    yield from _replays(context, around, faults)


def _names(context: Context, around: Surroundings, fault: AnyFault, path: str) -> Iterator[Problem]:
    known = {
        "households": ("household", list(context.population.names)),
        "groups": ("group", [group.name for group in context.population.groups]),
        "communities": ("community", [community.name for community in around.communities]),
    }
    for key, (noun, names) in known.items():
        for position, name in enumerate(getattr(fault, key, ())):
            if name not in names:
                remedy = suggest(name, names) or f"Give the name of an existing {noun}."
                yield context.problem(
                    f"{path}.{key}.{position}", f"there is no {noun} of this name", remedy, name
                )
    if isinstance(fault, PlatformCrash) or (isinstance(fault, Partition) and fault.buses):
        return
    n_named = len(named_households(fault, around, context.population))
    if fault.count is not None and fault.count > n_named > 0:
        message = f"{count(fault.count, 'household')} of {n_named} that it could affect"
        yield context.problem(f"{path}.count", message, f"Write at most {n_named}.")


def _times(context: Context, around: Surroundings, fault: AnyFault, path: str) -> Iterator[Problem]:
    end_ms = context.time.duration_ms
    end_h = end_ms / MS_PER_HOUR
    windows = given_windows(fault, end_ms)
    for position, (start_ms, _) in enumerate(windows):
        if start_ms >= end_ms:
            where = f"{path}.windows.{position}.from_h" if fault.windows else f"{path}.from_h"
            message = f"it begins at {start_ms / MS_PER_HOUR:g} h, and the run ends at {end_h:g} h"
            yield context.problem(where, message, "It never happens.", warning=True)
    for (_, first_end), (second_start, _) in pairwise(sorted(windows)):
        if second_start < first_end:
            message = f"two of its windows overlap at {second_start / MS_PER_HOUR:g} h"
            yield context.problem(f"{path}.windows", message, "They count as one.", warning=True)


def _market(context: Context, around: Surroundings, fault: AnyFault, path: str) -> Iterator[Problem]:
    """A fault of a market that is not there, or of a measurement that nobody uses."""
    of_agents = isinstance(fault, (*AGENT_FAULTS, PlatformCrash))
    if not around.communities and (of_agents or not around.has_trading):
        message = "there is no market that it could affect"
        remedy = "Add `communities:`." if of_agents else "Add `communities:` or `energy_value:`."
        yield context.problem(path, message, remedy, fault.kind)
        return
    if isinstance(fault, AGENT_FAULTS) and not named_households(fault, around, context.population):
        message = "none of the households it names belongs to a community"
        yield context.problem(path, message, "Name others, or add their group to a community.", fault.kind)
    if isinstance(fault, LossBurst | Duplication | Replay) and "directions" in fault.model_fields_set:
        for position, direction in enumerate(fault.directions):
            if not _is_used(around, direction):
                message = f"nothing is sent over links of direction '{direction}' in this scenario"
                where = f"{path}.directions.{position}"
                yield context.problem(where, message, "Leave it out.", warning=True)


def _is_used(around: Surroundings, direction: str) -> bool:
    if direction == "peer":
        return around.has_trading
    return bool(around.communities) and (direction != "meter" or around.has_feeder_meter)


def _special(context: Context, around: Surroundings, fault: AnyFault, path: str) -> Iterator[Problem]:
    """What only one kind of fault can have wrong."""
    if isinstance(fault, ClockFault):
        yield from _clock(context, around, fault, path)
    if isinstance(fault, Partition) and fault.buses and not around.has_grid:
        yield context.problem(f"{path}.buses", "the scenario has no grid", "Name households or groups.")
    if isinstance(fault, StuckMeter) and fault.meter == "feeder":
        if is_told_whom(fault):
            message = "the feeder meter belongs to no household"
            yield context.problem(path, message, "Leave out households, groups, share and count.")
        if not around.has_feeder_meter:
            message = "nothing reads the feeder meter"
            yield context.problem(
                f"{path}.meter", message, "Set `measurement: meter`, or `grid.feedback: true`."
            )
    elif (
        isinstance(fault, StuckMeter | Liar)
        and around.communities
        and all(community.platform.measurement == "meter" for community in around.communities)
    ):
        message = "the platform uses the feeder meter, so nothing depends on what households report"
        yield context.problem(path, message, "Set `measurement: reports`.", fault.kind, warning=True)
    if isinstance(fault, Churn):
        yield from _membership(context, around, fault, path)


_WHOLE_STEPS = "A clock that is off by whole steps shows in the numbers of the reports; give a smaller value."


def _clock(context: Context, around: Surroundings, fault: ClockFault, path: str) -> Iterator[Problem]:
    """A clock that is off by a whole step: once it is right again, steps would be caught up or waited for."""
    step_ms, end_ms = context.time.step_ms, context.time.duration_ms
    if abs(fault.offset_ms) >= step_ms:
        message = f"the clock is off by a whole step ({step_ms} ms) or more"
        yield context.problem(f"{path}.offset_ms", message, _WHOLE_STEPS, f"{fault.offset_ms:g}")
        return
    if fault.mean_duration_h is not None:
        lasts_ms, at = to_ms(fault.mean_duration_h, MS_PER_HOUR), "at the end of its mean length"
    else:
        within = [
            (start, min(stop, end_ms)) for start, stop in given_windows(fault, end_ms) if start < end_ms
        ]
        lasts_ms, at = max((stop - start for start, stop in within), default=0), "at the fault's end"
    # What a household's own clock jitters comes on top.
    jitter_ms = fault.jitter_ms + max((one.agent.jitter_ms for one in around.communities), default=0.0)
    drifted_ms = fault.offset_ms + fault.drift_ppm * 1e-6 * lasts_ms
    # Jitter makes late and never early.
    most_ms = max(abs(drifted_ms), abs(max(fault.offset_ms, drifted_ms) + jitter_ms))
    if most_ms >= step_ms:
        key = "drift_ppm" if abs(drifted_ms) >= step_ms else "jitter_ms"
        message = f"the clock can be off by {most_ms:.0f} ms {at}, and a step is {step_ms} ms"
        yield context.problem(f"{path}.{key}", message, _WHOLE_STEPS, f"{getattr(fault, key):g}")


def _membership(context: Context, around: Surroundings, fault: Churn, path: str) -> Iterator[Problem]:
    concerned = set(named_households(fault, around, context.population))
    for group, membership in zip(context.population.groups, around.membership, strict=True):
        moves = membership.joins_h != 0.0 or membership.leaves_h is not None
        if moves and concerned & set(group.members):
            message = f"the group '{group.name}' says by `membership` when its households join and leave"
            yield context.problem(path, message, "Remove one of the two, or name other groups.", fault.kind)


_DOWN_TOGETHER = (
    "A household that is already down stays down until both have ended; what either loses is lost."
)
_LAST_HOLDS = "Where both are active, the one that began last applies."
_TOGETHER = {
    "household_crash": _DOWN_TOGETHER,
    "platform_crash": _DOWN_TOGETHER,
    "churn": "A household that has left returns when both have ended.",
    "clock": _LAST_HOLDS,
    "non_complier": _LAST_HOLDS,
}
"""What two faults of a kind that cannot add up do at one time."""


def _overlaps(
    context: Context, around: Surroundings, faults: Sequence[AnyFault], names: tuple[str, ...]
) -> Iterator[Problem]:
    """Two faults of one kind at one time, where both at once make no sense."""
    for (first, one), (second, other) in combinations(enumerate(faults), 2):
        if one.kind != other.kind or one.kind not in _TOGETHER or not (one.enabled and other.enabled):
            continue
        if not (_share_time(context, one, other) and _share_targets(context, around, one, other)):
            continue
        message = f"it overlaps with '{names[first]}', which is of the same kind"
        yield context.problem(f"faults.{second}", message, _TOGETHER[one.kind], names[second], warning=True)


def _share_time(context: Context, one: AnyFault, other: AnyFault) -> bool:
    end_ms = context.time.duration_ms
    return any(
        start < other_end and other_start < end
        for start, end in given_windows(one, end_ms)
        for other_start, other_end in given_windows(other, end_ms)
    )


def _share_targets(context: Context, around: Surroundings, one: AnyFault, other: AnyFault) -> bool:
    if isinstance(one, PlatformCrash) and isinstance(other, PlatformCrash):
        everywhere = {community.name for community in around.communities}
        return bool(set(one.communities or everywhere) & set(other.communities or everywhere))
    first, second = (named_households(each, around, context.population) for each in (one, other))
    return bool(set(first) & set(second))


def _failures(context: Context, around: Surroundings, faults: Sequence[AnyFault]) -> Iterator[Problem]:
    """Failures at random, by the mean time from one to the next."""
    days = context.time.duration_ms / MS_PER_DAY
    for number, fault in enumerate(faults):
        if not fault.enabled or fault.rate_per_day is None or fault.mean_duration_h is None:
            continue
        period_days = 1 / fault.rate_per_day + fault.mean_duration_h * MS_PER_HOUR / MS_PER_DAY
        lasts_days = min(days, (fault.duration_h or math.inf) * MS_PER_HOUR / MS_PER_DAY)
        failures = _concerned(fault, around, context.population.size) * lasts_days / period_days
        if failures > MOST_FAILURES:
            message = (
                f"about {failures:,.0f} failures at random would be drawn before the run; "
                f"{MOST_FAILURES:,} are what cosim takes"
            )
            remedy = "Lower rate_per_day, let them last longer, or name fewer households."
            yield context.problem(f"faults.{number}.rate_per_day", message, remedy, f"{fault.rate_per_day:g}")


def _concerned(fault: AnyFault, around: Surroundings, n: int) -> int:
    """How many fail on their own, at most."""
    if isinstance(fault, PlatformCrash):
        return len(fault.communities or around.communities)
    if isinstance(fault, Partition) or fault.kind in ("loss_burst", "duplication", "replay"):
        return 1
    return min(fault.count or n, math.ceil((fault.share or 1.0) * n))


def _replays(context: Context, around: Surroundings, faults: Sequence[AnyFault]) -> Iterator[Problem]:
    """Messages that are held to arrive again, where those on their way are not too many already."""
    held_ms = [
        (f"faults.{number}.delay_ms", fault.delay_ms)
        for number, fault in enumerate(faults)
        if isinstance(fault, Replay) and fault.enabled
    ]
    if held_ms and not any(messages_under_way(around.communities, [longest_held(around.comms)], context)):
        yield from messages_under_way(around.communities, held_ms, context)
