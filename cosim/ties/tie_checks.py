"""What is wrong with ties: beside their own keys, with communities and grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cosim.core.context import Context
from cosim.core.errors import Problem, suggest
from cosim.regulation.capacities.over_tie import OverTie
from cosim.regulation.schema import CommunityConfig, ResourceConfig
from cosim.ties.schema import TieConfig, TieEnd


def tie_problems(
    ties: Sequence[TieConfig], communities: Sequence[CommunityConfig], has_grid: bool, context: Context
) -> Iterator[Problem]:
    """Unknown communities and resources, capacities that no tie sets, ends without a bus or a unit."""
    used: dict[tuple[str, str], str] = {}
    for number, tie in enumerate(ties):
        if tie.name in [each.name for each in ties[:number]]:
            yield context.problem(
                f"ties.{number}.name", "two ties have the same name", "Rename one.", tie.name
            )
        for key, end in (("seller", tie.seller), ("buyer", tie.buyer)):
            path = f"ties.{number}.{key}"
            yield from _end_problems(end, communities, has_grid, context, path)
            other = used.setdefault((end.community, end.resource), path)
            if other != path:
                message = f"{other} has this resource already, and a resource can pass over only one tie"
                yield context.problem(f"{path}.resource", message, "Give each tie its own.", end.resource)
    for number, community in enumerate(communities):
        for position, resource in enumerate(community.resources):
            is_set = isinstance(resource.capacity, OverTie)
            if is_set and (community.name, resource.name) not in used:
                message = "a capacity that passes over a tie, and no tie has this resource"
                path = f"communities.{number}.resources.{position}.capacity"
                yield context.problem(path, message, "Add it to `ties`, or give another capacity.")


def same_bus(number: int, tie: TieConfig, context: Context) -> Problem:
    """Both ends of a tie at one bus, where nothing of it would be seen in the power flow."""
    message = "both ends of the tie are at the same bus, so nothing would pass through the feeder"
    return context.problem(f"ties.{number}.buyer.bus", message, "Name another bus.", str(tie.buyer.bus))


def _end_problems(
    end: TieEnd, communities: Sequence[CommunityConfig], has_grid: bool, context: Context, path: str
) -> Iterator[Problem]:
    named = {each.name: each for each in communities}
    if end.community not in named:
        remedy = suggest(end.community, list(named)) or "Define it under communities."
        message = "a tie to a community that is not there"
        yield context.problem(f"{path}.community", message, remedy, end.community)
        return
    resources = {each.name: each for each in named[end.community].resources}
    if end.resource not in resources:
        remedy = suggest(end.resource, list(resources))
        message = f"community '{end.community}' has no such resource"
        yield context.problem(f"{path}.resource", message, remedy, end.resource)
        return
    resource: ResourceConfig = resources[end.resource]
    if not isinstance(resource.capacity, OverTie):
        message = "the capacity of this resource does not follow the tie"
        remedy = "Give it `capacity: {kind: over_tie, expected_over_tie: ...}`."
        yield context.problem(f"{path}.resource", message, remedy, end.resource)
    if named[end.community].platform.control.is_event:
        message = "a platform that sends capacity events has no marginal cost at which it could offer"
        yield context.problem(f"{path}.community", message, "Use another control.", end.community)
    if end.unit_kwh is None and not resource.unit_kwh:
        message = "nothing says what a unit of this resource is in kWh"
        yield context.problem(f"{path}.unit_kwh", message, "Give unit_kwh here, or at the resource.")
    if has_grid and end.bus is None:
        message = "nothing says where the tie is connected to the feeder"
        yield context.problem(f"{path}.bus", message, "Name a bus.")
