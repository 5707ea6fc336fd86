"""What a sweep or an impact study consists of, line by line: what is varied, how many runs, what a run is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cosim.config.dump import flow_yaml
from cosim.core.errors import count
from cosim.core.shown import date_text, duration_text
from cosim.study.impact.impact_plan import ImpactPlan
from cosim.study.sweep.schema import AxisConfig
from cosim.study.sweep.sweep_plan import Point, SweepPlan


def sweep_lines(plan: SweepPlan) -> Iterator[str]:
    """Lines of text in sections, as of a scenario.

    Parameters
    ----------
    plan : SweepPlan
        The sweep, whose base is right.
    """
    config = plan.sweep.config
    yield f"# {config.name}: {config.title}"
    yield "# sweep: how many runs of what"
    yield f"base = {plan.sweep.base_argument}"
    combinations = count(len(plan.combinations), "combination")
    of = f"{combinations} of the axes" if config.sample is None else f"a sample of {combinations}"
    yield f"points = {len(plan.points)}: {of}, {count(config.n_seeds, 'seed')} each"
    yield f"seeds = {_seeds(config.seed_list)}"
    yield from _settings("set in all runs", config.set)
    yield "# axes: what is varied, the first slowest"
    for number, axis in enumerate(config.axes):
        yield from _axis(axis, [each.cells[number] for each in plan.combinations])
    yield from _a_run(plan, plan.points[0])
    yield "every other point with its command: cosim sweep of this file with --dry-run"


def impact_lines(plan: ImpactPlan) -> Iterator[str]:
    """The same of an impact study."""
    config = plan.config
    yield f"# {config.name}: {config.title}"
    yield "# study: what is asked"
    yield f"base = {plan.sweep.sweep.base_argument}"
    for each in config.technologies:
        yield (
            f"penetration of 100 % = {each.device} at {100 * each.share_at_full:.4g} % of the households of "
            f"the group {each.group}"
        )
    yield f"penetrations = {', '.join(f'{100 * each:.4g} %' for each in config.grid)}"
    yield f"seeds = {_seeds(config.seed_list)}"
    yield f"limits that count = {', '.join(config.limits)}"
    allowed = config.allowed_share_of_time
    for_long = f" for more than {100 * allowed:.4g} % of the time" if allowed else ""
    yield f"hosting capacity of a seed = largest penetration up to which no limit is exceeded{for_long}"
    yield f"risk = {100 * config.risk:.4g} %: the share of the seeds that may host less than what is stated"
    searches = count(len(plan.chains), "search by halves", "searches by halves")
    yield (
        f"runs = at most {plan.n_expected}, in {searches}: one for each seed, mode and, where there are any, "
        f"feeder and communication; {plan.n_grid} with --full"
    )
    yield from _settings("set in all runs", config.set)
    yield "# modes: what each sets, differences are to the first"
    for name, settings in config.modes.items():
        yield from _setting_lines(name, settings)
    if config.feeders:
        yield "# feeders: what each sets"
        for name, settings in config.feeders.items():
            yield from _setting_lines(name, settings)
    if config.communication:
        yield f"# communication: what is varied for the modes {', '.join(config.communication.modes)}"
        for number, axis in enumerate(config.communication.axes):
            yield from _axis(axis, [each.communication[number] for each in plan.chains if each.communication])
    yield from _a_run(plan.sweep, plan.sweep.points[0])


def _a_run(plan: SweepPlan, first: Point) -> Iterator[str]:
    scenario = plan.scenario(first).scenario
    time = scenario.time
    yield f"# run: what one is, the first ({plan.label(first)})"
    yield f"time = from {date_text(time.start, 0)} on, {duration_text(time.duration_ms)}"
    yield f"households = {scenario.n_households}"
    yield f"communities = {', '.join(each.name for each in scenario.communities) or 'none'}"
    yield f"network = {scenario.grid.network if scenario.grid else 'none'}"
    command = plan.command(first)
    yield f"to run it alone: {command}"
    yield f"every value of it: {command.replace('cosim run', 'cosim explain', 1)}"


def _axis(axis: AxisConfig, cells: Sequence[Any]) -> Iterator[str]:
    if axis.between is not None:
        yield f"{axis.column} = between {axis.between[0]:g} and {axis.between[1]:g} [{axis.path}]"
        return
    if axis.cases is not None:
        for name, settings in axis.cases.items():
            yield from _setting_lines(f"{axis.column} {name}", settings)
        return
    yield f"{axis.column} = {', '.join(dict.fromkeys(map(str, cells)))} [{axis.path}]"


def _settings(title: str, settings: Mapping[str, Any]) -> Iterator[str]:
    if settings:
        yield f"# values: {title}"
        yield from (f"{path} = {flow_yaml(value)}" for path, value in settings.items())


def _setting_lines(name: str, settings: Mapping[str, Any]) -> Iterator[str]:
    if not settings:
        yield f"{name}: the base scenario as it is"
    for path, value in settings.items():
        yield f"{name}: {path} = {flow_yaml(value)}"


def _seeds(seeds: Sequence[int | None]) -> str:
    if seeds == [None]:
        return "the base scenario's"
    whole = [seed for seed in seeds if seed is not None]
    in_a_row = len(whole) > 2 and whole == list(range(whole[0], whole[0] + len(whole)))
    return f"{whole[0]} to {whole[-1]}" if in_a_row else ", ".join(map(str, whole))
