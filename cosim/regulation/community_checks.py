"""Whether communities fit the groups, the links and the feeder, as far as the configuration can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cosim.comms.link_checks import MOST_MESSAGES, longest_held
from cosim.comms.schema import CommsConfig
from cosim.config.each_lengths import each_problems
from cosim.config.values import bounds
from cosim.core.clock import MS_PER_HOUR, MS_PER_SECOND, to_hours, to_ms
from cosim.core.context import Context
from cosim.core.delivery import Unit
from cosim.core.errors import Problem, count, listed, suggest
from cosim.devices.interface import DEVICES
from cosim.devices.services import offering, services
from cosim.regulation.costs.stepped_cost import SteppedCost
from cosim.regulation.group_schema import Grouped
from cosim.regulation.mitigations import AgainstLostSignals
from cosim.regulation.schema import CommunityConfig, greatest_capacity


def community_problems(
    communities: Sequence[CommunityConfig],
    groups: Sequence[Grouped],
    comms: CommsConfig,
    has_feedback: bool,
    context: Context,
) -> Iterator[Problem]:
    """Everything wrong or doubtful that the configuration alone can tell.

    Parameters
    ----------
    communities : sequence of CommunityConfig
        The communities.
    groups : sequence of Grouped
        The households.
    comms : CommsConfig
        The links.
    has_feedback : bool
        Whether the feeder is measured.
    context : Context
        The run.
    """
    yield from _names(communities, groups, context)
    yield from _policies(communities, groups, context)
    for number, community in enumerate(communities):
        path = f"communities.{number}"
        members = [group for group in groups if group.name in community.groups]
        yield from _resources(community, members, path, context)
        yield from _agents(community, members, groups, path, context)
        if community.platform.grid_aware and not has_feedback:
            message = "capacities react to the feeder, but nothing measures it"
            remedy = "Set `grid.feedback: true`."
            yield context.problem(f"{path}.platform.grid_aware", message, remedy)
        yield from _resending(community, path, context)
    yield from _membership(groups, context)
    yield from _costs_after_the_end(groups, context)
    yield from messages_under_way(communities, [longest_held(comms)], context)


def _names(
    communities: Sequence[CommunityConfig], groups: Sequence[Grouped], context: Context
) -> Iterator[Problem]:
    """Each community has a name of its own, and groups that are there and in no other."""
    names, known = [community.name for community in communities], [group.name for group in groups]
    taken: dict[str, str] = {}
    for number, community in enumerate(communities):
        if community.name in names[:number]:
            message = "two communities have the same name"
            yield context.problem(f"communities.{number}.name", message, "Rename one.", community.name)
        for position, name in enumerate(community.groups):
            path = f"communities.{number}.groups.{position}"
            if name not in known:
                remedy = suggest(name, known) or "Define it under groups."
                yield context.problem(path, "there is no group of this name", remedy, name)
            elif name in taken:
                message = f"the group belongs to community '{taken[name]}' already"
                yield context.problem(
                    path,
                    message,
                    "A household takes part in only one community: name the group in one of them.",
                    name,
                )
            taken.setdefault(name, community.name)


def _policies(
    communities: Sequence[CommunityConfig], groups: Sequence[Grouped], context: Context
) -> Iterator[Problem]:
    in_communities = {name for community in communities for name in community.groups}
    for number, group in enumerate(groups):
        if group.policy is not None and group.name not in in_communities:
            message = "the group belongs to no community, so that its policy answers no signal"
            remedy = "Name the group under a community's `groups`, or remove its policy."
            path = f"groups.{number}.policy"
            yield context.problem(path, message, remedy, group.policy.kind, warning=True)


def _resources(
    community: CommunityConfig, members: Sequence[Grouped], path: str, context: Context
) -> Iterator[Problem]:
    """Capacities that can be taken, of units that devices can deliver."""
    n = sum(group.households for group in members)
    all_known = len(members) == len(community.groups)
    for position, (resource, unit) in enumerate(zip(community.resources, community.units, strict=True)):
        at = f"{path}.resources.{position}"
        largest = greatest_capacity(resource.capacity)
        if largest > n and all_known:
            units = f"{largest:g} unit{'s' * (largest != 1)}"
            homes = count(n, "household")
            message = f"a capacity of {units} for {homes}, and a household takes one unit at most"
            remedy = "Lower the capacity, or add households."
            yield context.problem(f"{at}.capacity", message, remedy, f"{largest:g}")
        if unit.service and community.agent.initial_decision:
            message = "initial_decision is 1, and before the first decision no device delivers anything"
            yield context.problem(f"{at}.unit_kwh", message, f"Set {path}.agent.initial_decision to 0.")
        if unit.service:
            yield from _served(members, unit, at, context)


def _served(members: Sequence[Grouped], unit: Unit, path: str, context: Context) -> Iterator[Problem]:
    """Whether one device of each member serves the resource."""
    unit_kw = unit.energy_kwh / to_hours(context.time.step_ms)
    for group in members:
        kinds = offering(unit.service, group.devices)
        if not kinds:
            by = services()[unit.service].by
            message = f"a unit takes energy from {by}, and the group '{group.name}' has none"
            choices = " or ".join(f"`{kind}:`" for kind in offering(unit.service, DEVICES))
            yield context.problem(f"{path}.unit_kwh", message, f"Add {choices}, or remove unit_kwh.")
        if len(kinds) > 1:
            message = f"the group '{group.name}' has {listed(kinds)}, each of which serves this"
            remedy = "Keep one of them, or divide the group into one for each kind."
            yield context.problem(f"{path}.serves", message, remedy, unit.service)
        for kind in kinds:
            if group.devices[kind].planned_by:
                message = f"the group '{group.name}' has its {kind} scheduled by a market already"
                remedy = f"Remove this resource, or `scheduled_by` of its {kind}."
                yield context.problem(f"{path}.serves", message, remedy, unit.service)
            for problem in group.devices[kind].unit_problems(unit.service, unit_kw, group.name):
                at, is_warning = f"{path}.unit_kwh", problem.severity == "warning"
                yield context.problem(at, problem.message, problem.remedy, problem.value, is_warning)


def _agents(
    community: CommunityConfig,
    members: Sequence[Grouped],
    groups: Sequence[Grouped],
    path: str,
    context: Context,
) -> Iterator[Problem]:
    """Clocks that keep their steps, and what each member must have."""
    jitter_ms, step_ms = community.agent.jitter_ms, context.time.step_ms
    if jitter_ms >= step_ms:
        message = f"a household can wake late by a whole step ({step_ms} ms) or more"
        remedy = (
            "Two of its decisions would then fall on the same instant, and the first would never be "
            "delivered; give a smaller value."
        )
        yield context.problem(f"{path}.agent.jitter_ms", message, remedy, f"{jitter_ms:g}")
    silence = community.agent.in_silence
    if silence is not None and silence.after_s * MS_PER_SECOND <= step_ms:
        message = (
            f"signals come only every {step_ms / MS_PER_SECOND:g} s, and the time between two would be "
            "silence"
        )
        remedy = "Make after_s longer than a step plus the latency of the downlink."
        yield context.problem(f"{path}.agent.in_silence.after_s", message, remedy, f"{silence.after_s:g}")
    for group in members:
        yield from each_problems(context, f"{path}.agent", community.agent, group.households, group.name)
        if group.cost is None:
            place = f"groups.{groups.index(group)}"
            message = f"the group belongs to community '{community.name}' and has no cost"
            yield context.problem(place, message, "Add `cost: {kind: ...}`.")


def _resending(community: CommunityConfig, path: str, context: Context) -> Iterator[Problem]:
    for number, mitigation in enumerate(community.platform.mitigations):
        again_ms = mitigation.sent_again_ms() if isinstance(mitigation, AgainstLostSignals) else ()
        if again_ms and again_ms[-1] >= context.time.step_ms:
            repeats = f"{count(len(again_ms), 'repeat')}, the last after {again_ms[-1]} ms,"
            message = f"{repeats} do not fit into a step of {context.time.step_ms} ms"
            remedy = "Send again sooner, or less often."
            yield context.problem(f"{path}.platform.mitigations.{number}", message, remedy)


def _membership(groups: Sequence[Grouped], context: Context) -> Iterator[Problem]:
    end_h = context.time.duration_ms / MS_PER_HOUR
    for number, group in enumerate(groups):
        path, membership = f"groups.{number}.membership", group.membership
        latest_join = bounds(membership.joins_h)[1]
        if latest_join >= end_h:
            message = f"households can join at {latest_join:g} h, and the run ends at {end_h:g} h"
            yield context.problem(
                f"{path}.joins_h",
                message,
                "Those would never take part: let them join earlier, or let the run last longer.",
                warning=True,
            )
        if membership.leaves_h is None:
            continue
        earliest_leave = bounds(membership.leaves_h)[0]
        if earliest_leave <= latest_join:
            message = f"a household could leave at {earliest_leave:g} h, and join at {latest_join:g} h"
            remedy = "Let every leaves_h be later than every joins_h."
            yield context.problem(f"{path}.leaves_h", message, remedy)


def _costs_after_the_end(groups: Sequence[Grouped], context: Context) -> Iterator[Problem]:
    end_ms = context.time.duration_ms
    end_h = end_ms / MS_PER_HOUR
    for number, group in enumerate(groups):
        for position, step in enumerate(group.cost.steps if isinstance(group.cost, SteppedCost) else ()):
            if to_ms(step.from_h, MS_PER_HOUR) >= end_ms:
                path = f"groups.{number}.cost.steps.{position}.from_h"
                message = f"the cost would begin at {step.from_h:g} h, and the run ends at {end_h:g} h"
                remedy = "No household ever has it: begin it sooner, remove it, or let the run last longer."
                yield context.problem(path, message, remedy, f"{step.from_h:g}", warning=True)


def messages_under_way(
    communities: Sequence[CommunityConfig], held_ms: Sequence[tuple[str, float]], context: Context
) -> Iterator[Problem]:
    """A refusal of signals and reports that would not fit into memory while they are held.

    Parameters
    ----------
    communities : sequence of CommunityConfig
        Who sends them.
    held_ms : sequence of (str, float)
        For how long they are held by what stands at a path of the scenario.
    context : Context
        The run.
    """
    time, population = context.time, context.population
    path, longest_ms = max(held_ms, key=lambda place: place[1])
    per_step = sum(
        sum(len(group.members) for group in population.named(community.groups))
        * (2 + len(community.platform.against(AgainstLostSignals).sent_again_ms()))
        for community in communities
    )
    at_once = per_step * min(longest_ms, time.duration_ms) / time.step_ms
    if at_once > MOST_MESSAGES:
        lasts_h = min(longest_ms, time.duration_ms) / MS_PER_HOUR
        message = (
            f"about {at_once:,.0f} messages would be under way at one time: {per_step:,} a step, each for up "
            f"to {lasts_h:,.4g} h; {MOST_MESSAGES:,} fit into memory"
        )
        remedy = "Shorten latencies, timeouts or retries, lengthen step_s, or use fewer households."
        yield context.problem(path, message, remedy)
