"""What a scenario must fulfil beyond each value by itself, as far as the configuration alone can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cosim.config import library
from cosim.config.base import MAX_HOUSEHOLDS
from cosim.config.error_messages import shown
from cosim.config.merge import keys_reset
from cosim.core.clock import MS_PER_HOUR, MS_PER_MINUTE
from cosim.core.context import Context
from cosim.core.errors import Problem
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario
from cosim.engine.wings import catalogue, uses, wings


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
    context, used = loaded.context, uses(scenario)
    if not scenario.groups and scenario.grid is None:
        message = "there is nothing to simulate: neither households nor a grid"
        return [context.problem("groups", message, "Add `groups:` with households, or a `grid:`.")]
    problems = [
        *_keys_reset(loaded),
        *_summary_names(context, scenario),
        *(_metering(context) if used.meters else ()),
        *_about_one_feeder(context, scenario),
        *(problem for wing in wings() for problem in wing.check(scenario, context, used)),
    ]
    return sorted(problems, key=_place)


def errors_of_the_rest(rest: LoadedScenario, wrong: Sequence[Problem]) -> list[Problem]:
    """Errors of the parts of a scenario that are in order, where others are not.

    Parameters
    ----------
    rest : LoadedScenario
        The scenario without the keys that are wrong.
    wrong : sequence of Problem
        What is wrong with these.

    Returns
    -------
    list of Problem
        Only what holds however the others will be mended: where times or households are wrong, that a file
        or a network is not there.
    """
    scenario, context = rest.scenario, rest.context
    named = [(path, file) for wing in wings() for path, file in wing.files(scenario)]
    found = [problem for path, file in named for problem in library.file_problems(context, path, file)]
    parts = {_part(problem) for problem in wrong}
    others = [each for each in check_configuration(rest) if each.severity == "error"]
    if parts & {"time", "groups"}:
        found += [each for each in others if each.path == "grid.network" or not each.path]
    else:
        found += [each for each in others if _part(each) not in parts]
    return sorted(dict.fromkeys(found), key=_place)


def _part(problem: Problem) -> str:
    return problem.path.partition(".")[0]


def _keys_reset(loaded: LoadedScenario) -> Iterator[Problem]:
    """A name alone over a mapping: what the mapping said besides is lost, and no error shows it."""
    for path, kind, key, former, default in keys_reset(loaded.document, loaded.scenario):
        message = f"a name alone puts {key} back to its default, {shown(default)}; it was {shown(former)}"
        kept, meant = (f"{{kind: {kind}, {key}: {shown(value)}}}" for value in (former, default))
        remedy = f"Write {kept} to keep it, or {meant} if that is meant."
        yield loaded.problem(path, message, remedy, kind, warning=True)


def _about_one_feeder(context: Context, scenario: Scenario) -> Iterator[Problem]:
    """Wings that look into a feeder, or act at one of its buses, where there are many."""
    if scenario.grid is None or scenario.grid.copies == 1:
        return
    for key in ("energy_value", "dimming", "firm", "ties"):
        if getattr(scenario, key):
            message = f"{key} is about one feeder, and there are {scenario.grid.copies:,}"
            yield context.problem(key, message, f"Leave out {key}, or set grid.copies: 1.")


def _place(problem: Problem) -> int:
    """Where a problem stands in a scenario, by its first key; those of a network stand at the grid."""
    keys, key = list(Scenario.model_fields), problem.path.partition(".")[0]
    return keys.index(key if key in keys else "grid")


def _summary_names(context: Context, scenario: Scenario) -> Iterator[Problem]:
    """What numbers of a summary begin with, a community's name alone or with a resource's, is of it alone."""
    first_at: dict[str, str] = {}
    words = catalogue().first_words | {"peak"}  # comparisons have numbers of peaks besides
    for number, community in enumerate(scenario.communities):
        path = f"communities.{number}.name"
        if community.name in words:
            message = "names of summary numbers that belong to no community begin with this word"
            yield context.problem(path, message, "Rename the community.", community.name)
        beginnings = {path: community.name}
        for position, resource in enumerate(community.resources):
            at = f"communities.{number}.resources.{position}.name"
            beginnings[at] = f"{community.name}_{resource.name}"
        for at, beginning in beginnings.items():
            other = first_at.setdefault(beginning, at)
            if other != at and number != int(other.split(".")[1]):
                message = f"numbers of the summary would begin with '{beginning}' here and at {other}"
                yield context.problem(at, message, "Rename one of them.", beginning)


def _metering(context: Context) -> Iterator[Problem]:
    """A run of whole metering intervals."""
    time = context.time
    minutes = time.interval_ms // MS_PER_MINUTE
    if time.duration_ms % time.interval_ms:
        message = f"the run is not a whole number of metering intervals of {minutes} min"
        yield context.problem(time.length_key, message, "Change the length or grid.interval_min.")
    if time.warm_up_ms % time.interval_ms:
        message = f"the warm-up is not a whole number of metering intervals of {minutes} min"
        warm_up_h = time.warm_up_ms / MS_PER_HOUR
        yield context.problem("time.warm_up_h", message, "Change warm_up_h.", f"{warm_up_h:g}")
