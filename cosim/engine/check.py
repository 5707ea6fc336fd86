"""What a scenario must fulfil beyond each value by itself, as far as the configuration alone can tell."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from cosim.comms.link_checks import Used, link_doubts
from cosim.comms.schema import Direction, unmatched_overrides
from cosim.config.base import MAX_HOUSEHOLDS
from cosim.config.library import local_file
from cosim.config.values import Each, bounds, wrong_length
from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, to_hours, to_ms
from cosim.core.delivery import Unit
from cosim.core.errors import InputError, Problem, count, suggest
from cosim.devices.interface import services
from cosim.engine.catalogue import catalogue
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import GroupConfig, Scenario
from cosim.engine.size_checks import size_problems
from cosim.faults.checks import Surroundings, fault_problems
from cosim.faults.schema import Churn
from cosim.grid.network_file import load_network
from cosim.grid.schema import PlaceByList
from cosim.regulation.schema import greatest_capacity
from cosim.trading.schemas.tariffs import price_files


def check_configuration(loaded: LoadedScenario) -> list[Problem]:
    """Every cross problem of a scenario that needs neither profiles nor a grid.

    Returns
    -------
    list of Problem
        Errors and warnings, in the order of the scenario.
    """
    scenario = loaded.scenario
    if scenario.n_households > MAX_HOUSEHOLDS:
        message = f"{scenario.n_households:,} households are more than cosim accepts ({MAX_HOUSEHOLDS:,})"
        at = loaded.document.place_of("groups")
        return [Problem(message, "Lower the groups' `households`.", "groups", *at)]
    if not scenario.groups and scenario.grid is None:
        message = "there is nothing to simulate: neither households nor a grid"
        return [loaded.problem("groups", message, "Add `groups:` with households, or a `grid:`.")]
    return [
        *_names(loaded, scenario),
        *_time(loaded, scenario),
        *_groups(loaded, scenario),
        *_communities(loaded, scenario),
        *_energy_value(loaded, scenario),
        *_membership(loaded, scenario),
        *_faults(loaded, scenario),
        *_resending(loaded, scenario),
        *_links(loaded, scenario),
        *_grid(loaded, scenario),
        *size_problems(loaded),
    ]


def surroundings(scenario: Scenario) -> Surroundings:
    """What faults of a scenario can concern."""
    grid = scenario.grid
    return Surroundings(
        communities=scenario.communities,
        membership=[group.membership for group in scenario.groups],
        has_trading=scenario.energy_value is not None,
        has_grid=grid is not None,
        has_feedback=grid is not None and grid.feedback,
    )


def _names(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    for kind, names in (
        ("groups", [group.name for group in scenario.groups]),
        ("communities", [community.name for community in scenario.communities]),
    ):
        for number, name in enumerate(names):
            if name in names[:number]:
                yield loaded.problem(
                    f"{kind}.{number}.name", f"two {kind} have the same name", "Rename one.", name
                )
    yield from _summary_names(loaded, scenario)
    known = [group.name for group in scenario.groups]
    taken: dict[str, str] = {}
    for number, community in enumerate(scenario.communities):
        for position, name in enumerate(community.groups):
            path = f"communities.{number}.groups.{position}"
            if name not in known:
                yield loaded.problem(
                    path,
                    "there is no group of this name",
                    suggest(name, known) or "Define it under groups.",
                    name,
                )
            elif name in taken:
                message = f"the group belongs to community '{taken[name]}' already"
                yield loaded.problem(path, message, "A household takes part in one community.", name)
            taken.setdefault(name, community.name)


def _summary_names(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    """What numbers of a summary begin with, a community's name alone or with a resource's, is of it alone."""
    first_at: dict[str, str] = {}
    words = catalogue().first_words | {"peak"}  # comparisons have numbers of peaks besides
    for number, community in enumerate(scenario.communities):
        path = f"communities.{number}.name"
        if community.name in words:
            message = "this word begins the names of summary numbers that belong to no community"
            yield loaded.problem(path, message, "Rename the community.", community.name)
        beginnings = {path: community.name}
        for position, resource in enumerate(community.resources):
            at = f"communities.{number}.resources.{position}.name"
            beginnings[at] = f"{community.name}_{resource.name}"
        for at, beginning in beginnings.items():
            other = first_at.setdefault(beginning, at)
            if other != at and number != int(other.split(".")[1]):
                message = f"numbers of the summary would begin with '{beginning}' here and at {other}"
                yield loaded.problem(at, message, "Rename one of them.", beginning)


def _time(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    time = scenario.time
    if scenario.is_electrical and time.duration_ms % scenario.interval_ms:
        minutes = scenario.interval_ms // MS_PER_MINUTE
        message = f"the run is not a whole number of metering intervals of {minutes} min"
        key = "duration_h" if time.duration_h is not None else "steps"
        yield loaded.problem(f"time.{key}", message, "Change the length or grid.interval_min.")
    if scenario.is_electrical and time.warm_up_ms % scenario.interval_ms:
        minutes = scenario.interval_ms // MS_PER_MINUTE
        message = f"the warm-up is not a whole number of metering intervals of {minutes} min"
        yield loaded.problem("time.warm_up_h", message, "Change warm_up_h.", f"{time.warm_up_h:g}")


def _groups(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    in_communities = {name for community in scenario.communities for name in community.groups}
    for number, group in enumerate(scenario.groups):
        path, around = f"groups.{number}", group.around(scenario.grid is not None)
        if group.policy is not None and group.name not in in_communities:
            message = "the group belongs to no community, so that its policy answers no signal"
            remedy = "Name the group under a community's `groups`, or remove its policy."
            yield loaded.problem(f"{path}.policy", message, remedy, group.policy.kind, warning=True)
        for kind, device in group.devices.items():
            for problem in device.problems(around):
                where = f"{path}.{kind}.{problem.path}".rstrip(".")
                warning = problem.severity == "warning"
                yield loaded.problem(where, problem.message, problem.remedy, problem.value, warning)
            for file in device.files():
                yield from _file(loaded, f"{path}.{kind}.file", file)
        for part in type(group).model_fields:
            yield from _listed(loaded, f"{path}.{part}", getattr(group, part), group.households)


def _listed(
    loaded: LoadedScenario, path: str, value: object, households: int, group: str = ""
) -> Iterator[Problem]:
    """Every `each` in a part of a group that lists more or fewer numbers than it has households."""
    if isinstance(value, Each) and len(value.each) != households:
        problem = wrong_length(len(value.each), households)
        of_group = f" of group '{group}'" if group else ""
        yield loaded.problem(f"{path}.each", f"{problem.message}{of_group}", problem.remedy)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _listed(loaded, f"{path}.{name}", getattr(value, name), households, group)
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _listed(loaded, f"{path}.{number}", item, households, group)


def _file(loaded: LoadedScenario, path: str, name: str) -> Iterator[Problem]:
    """A file that the scenario names must be there, and in its folder."""
    try:
        local_file(loaded.folder, name)
    except InputError as error:
        for problem in error.problems:
            yield loaded.problem(path, problem.message, problem.remedy, problem.value)


def _communities(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    groups = {group.name: group for group in scenario.groups}
    for number, community in enumerate(scenario.communities):
        members = [groups[name] for name in community.groups if name in groups]
        n = sum(group.households for group in members)
        all_known = len(members) == len(community.groups)
        for position, (resource, unit) in enumerate(zip(community.resources, community.units, strict=True)):
            path = f"communities.{number}.resources.{position}"
            largest = greatest_capacity(resource.capacity)
            if largest > n and all_known:
                units = f"{largest:g} unit{'s' * (largest != 1)}"
                homes = count(n, "household")
                message = f"a capacity of {units} for {homes}, and a household takes one unit at most"
                remedy = "Lower the capacity, or add households."
                yield loaded.problem(f"{path}.capacity", message, remedy, f"{largest:g}")
            if unit.service and community.agent.initial_decision:
                message = "initial_decision is 1, and before the first decision no device delivers anything"
                remedy = f"Set communities.{number}.agent.initial_decision to 0."
                yield loaded.problem(f"{path}.unit_kwh", message, remedy)
            if unit.service:
                unit_kw = unit.energy_kwh / to_hours(scenario.time.step_ms)
                yield from _served(loaded, members, unit, unit_kw, f"{path}.unit_kwh")
        jitter_ms, step_ms = community.agent.jitter_ms, scenario.time.step_ms
        if jitter_ms >= step_ms:
            message = f"a household can wake late by a whole step ({step_ms} ms) or more"
            remedy = (
                "Two of its decisions would then fall on the same instant, and the first would never be "
                "delivered; give a smaller value."
            )
            yield loaded.problem(f"communities.{number}.agent.jitter_ms", message, remedy, f"{jitter_ms:g}")
        for group in members:
            path = f"communities.{number}.agent"
            yield from _listed(loaded, path, community.agent, group.households, group.name)
            if group.cost is None:
                place = f"groups.{scenario.groups.index(group)}"
                message = f"the group belongs to community '{community.name}' and has no cost"
                yield loaded.problem(place, message, "Add `cost: {kind: ...}`.")
        if community.platform.grid_aware and (scenario.grid is None or not scenario.grid.feedback):
            message = "capacities react to the feeder, but nothing measures it"
            remedy = "Set `grid.feedback: true`."
            yield loaded.problem(f"communities.{number}.platform.grid_aware", message, remedy)


def _energy_value(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    market, time = scenario.energy_value, scenario.time
    for number, group in enumerate(scenario.groups):
        if group.trading is not None and market is None:
            path = f"groups.{number}.trading"
            message = "the group trades, but the scenario has no energy-value market"
            yield loaded.problem(path, message, "Add `energy_value: {prices: {grid: 0.3}}`.")
    if market is None:
        return
    if not scenario.groups:
        message = "households take part in the energy-value market, and there are none"
        yield loaded.problem("energy_value", message, "Add `groups:` with households, or leave it out.")
    for group in scenario.groups:
        if group.trading is None:
            path = "energy_value.household"
            yield from _listed(loaded, path, market.household, group.households, group.name)
    for file, key in price_files(market.prices).items():
        yield from _file(loaded, f"energy_value.prices.{key}", file)
    key = "duration_h" if time.duration_h is not None else "steps"
    if (time.start.hour, time.start.minute, time.start.second, time.start.microsecond) != (0, 0, 0, 0):
        message = (
            "the energy-value market schedules whole days (UTC), but the run starts in the middle of one"
        )
        yield loaded.problem("time.start", message, "Start at midnight UTC.", f"{time.start:%H:%M:%S}Z")
    if time.duration_ms % MS_PER_DAY:
        message = "the energy-value market schedules whole days, but the run is not a whole number of them"
        days = max(1, -(-time.duration_ms // MS_PER_DAY))
        yield loaded.problem(f"time.{key}", message, f"Make it {24 * days} hours.")
    if time.warm_up_ms % MS_PER_DAY:
        message = "bills are made by the day, but the warm-up is not a whole number of days"
        remedy = f"Make it {24 * -(-time.warm_up_ms // MS_PER_DAY)} hours."
        yield loaded.problem("time.warm_up_h", message, remedy, f"{time.warm_up_h:g}")
    before_ms = to_ms(market.rules.publication_h, MS_PER_HOUR)
    first_day = -(-before_ms // MS_PER_DAY)
    if market.rules.regime.trades and time.duration_ms < (first_day + 1) * MS_PER_DAY:
        message = (
            f"no day can be traded: its offers are due {market.rules.publication_h:g} h before it starts, "
            "and the run must have begun by then"
        )
        yield loaded.problem(f"time.{key}", message, f"Make it {24 * (first_day + 1)} hours or longer.")


def _membership(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    end_h = scenario.time.duration_ms / MS_PER_HOUR
    for number, group in enumerate(scenario.groups):
        path, membership = f"groups.{number}.membership", group.membership
        latest_join = bounds(membership.joins_h)[1]
        if latest_join >= end_h:
            message = f"households can join at {latest_join:g} h, and the run ends at {end_h:g} h"
            yield loaded.problem(f"{path}.joins_h", message, "These never take part.", warning=True)
        if membership.leaves_h is None:
            continue
        earliest_leave = bounds(membership.leaves_h)[0]
        if earliest_leave <= latest_join:
            message = f"a household could leave at {earliest_leave:g} h, and join at {latest_join:g} h"
            remedy = "Let every leaves_h be later than every joins_h."
            yield loaded.problem(f"{path}.leaves_h", message, remedy)


def _faults(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    for number, fault in enumerate(scenario.faults):
        if isinstance(fault, Churn) and fault.file is not None:
            yield from _file(loaded, f"faults.{number}.file", fault.file)
    yield from fault_problems(scenario.faults, surroundings(scenario), loaded.context)


def _resending(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    for number, community in enumerate(scenario.communities):
        resending = community.platform.resending
        if resending and resending.times * resending.interval_ms >= scenario.time.step_ms:
            repeats = f"{count(resending.times, 'repeat')}, {resending.interval_ms} ms apart,"
            message = f"{repeats} do not fit into a step of {scenario.time.step_ms} ms"
            path = f"communities.{number}.platform.resending"
            yield loaded.problem(path, message, "Shorten interval_ms, or send less often.")


def _served(
    loaded: LoadedScenario, members: list[GroupConfig], unit: Unit, unit_kw: float, path: str
) -> Iterator[Problem]:
    """Whether a device of each member serves the resource."""
    kind, service = services()[unit.service]
    for group in members:
        if kind not in group.devices:
            message = f"a unit takes energy from {service.by}, and the group '{group.name}' has none"
            yield loaded.problem(path, message, f"Add `{kind}:`, or remove unit_kwh.")
            continue
        for problem in group.devices[kind].unit_problems(service.name, unit_kw, group.name):
            warning = problem.severity == "warning"
            yield loaded.problem(path, problem.message, problem.remedy, problem.value, warning)


def _links(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    links = [("comms.default", scenario.comms.default.latency)]
    links += [
        (f"comms.overrides.{n}", o.latency) for n, o in enumerate(scenario.comms.overrides) if o.latency
    ]
    for place, latency in links:
        for key, file in latency.files().items():
            yield from _file(loaded, f"{place}.latency.{key}", file)
    groups = [group.name for group in scenario.groups]
    for problem in unmatched_overrides(scenario.comms, groups, loaded.context.population.names):
        yield loaded.problem(problem.path, problem.message, problem.remedy, problem.value)
    yield from link_doubts(scenario.comms, _links_used(scenario), loaded.context)


def _links_used(scenario: Scenario) -> Used:
    """Over which links a run sends messages."""
    members = {name for community in scenario.communities for name in community.groups}
    used: dict[Direction, set[str]] = {"downlink": members, "uplink": members}
    if scenario.energy_value is not None and scenario.energy_value.rules.regime.trades:
        used["peer"] = {group.name for group in scenario.groups}
    is_measured = any(community.platform.measurement == "meter" for community in scenario.communities)
    if is_measured or (scenario.communities and scenario.grid is not None and scenario.grid.feedback):
        used["meter"] = set()
    return used


def _grid(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    grid, n = scenario.grid, scenario.n_households
    if grid is None:
        return
    try:
        network, _ = load_network(grid.network, loaded.folder)
    except InputError as error:
        for problem in error.problems:
            in_the_network_file = problem.line or problem.file.endswith(grid.network)
            if in_the_network_file:
                yield problem
            else:
                yield loaded.problem("grid.network", problem.message, problem.remedy, grid.network)
        return
    try:
        grid.limits.over(network.limits)
    except InputError as error:
        for problem in error.problems:
            yield loaded.problem(problem.path, problem.message, problem.remedy, problem.value)
    if isinstance(grid.placement, PlaceByList):
        n_buses = len(grid.placement.buses)
        if n_buses < n:
            message = f"{count(n_buses, 'bus', 'buses')} listed for {count(n, 'household')}"
            remedy = "List one bus for each household, in their order; a bus may be named more than once."
            yield loaded.problem("grid.placement.buses", message, remedy)
    elif network.places is not None and n > network.places:
        message = f"{count(n, 'household')}, and '{network.name}' has {count(network.places, 'place')}"
        remedy = "Use fewer households, another network (`cosim networks`), or `placement: {kind: list}`."
        yield loaded.problem("grid.network", message, remedy, grid.network)
