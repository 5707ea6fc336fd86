"""What can be said of a scenario, a sweep or an impact study without running it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cosim.api.given import GivenScenario, Overrides, given, given_study, given_sweep
from cosim.config.library import Shelf, shelf_of_keys
from cosim.core.errors import InputError, Problem, SimulationError, suggest
from cosim.core.plugin_modules import blaming_plugins
from cosim.engine.builder import build
from cosim.engine.explain import explain_lines
from cosim.engine.run import preflight
from cosim.study.explain_study import impact_lines, sweep_lines
from cosim.study.impact.impact_plan import check_impact, plan_impact
from cosim.study.sweep.load_sweep import shelf_of
from cosim.study.sweep.sweep_check import check_points
from cosim.study.sweep.sweep_plan import plan_sweep


def check(
    scenario: GivenScenario, overrides: Overrides | None = None, *, seed: int | None = None
) -> list[Problem]:
    """Everything that is wrong with a scenario, sweep or study, and what is doubtful, without running it.

    Parameters
    ----------
    scenario, overrides, seed
        As for `cosim.run`; a sweep as for `cosim.sweep` and a study as for `cosim.impact`, alone.

    Returns
    -------
    list of Problem
        Errors and warnings, as their `severity` says; empty where there is none. What cannot be read is a
        problem too.
    """
    try:
        shelf = "scenarios" if overrides or seed is not None else _shelf(scenario)
        if shelf == "sweeps":
            with given_sweep(scenario) as loaded_sweep:  # type: ignore[arg-type]
                return list(check_points(plan_sweep(loaded_sweep), thorough=True).problems)
        if shelf == "studies":
            with given_study(scenario) as study:  # type: ignore[arg-type]
                return list(check_impact(plan_impact(study)).problems)
        with given(scenario, overrides, seed) as loaded, blaming_plugins():
            return preflight(loaded)
    except InputError as error:
        return list(error.problems)
    except SimulationError as error:  # a plugin failed
        return [Problem(str(error), "Correct the plugin, or leave it out.")]


def study_size(source: GivenScenario) -> tuple[int, dict[str, int]] | None:
    """How large an impact study is; None of what is none.

    Parameters
    ----------
    source : str, path or mapping
        A study without errors.

    Returns
    -------
    tuple of int and dict
        How many runs it takes at most, and the households of each feeder (an empty name where there is one).
    """
    if _shelf(source) != "studies":
        return None
    with given_study(source) as study:  # type: ignore[arg-type]
        plan, first = plan_impact(study), {}
        for chain in reversed(plan.chains):
            first[chain.feeder] = chain.points[0]
        scenarios = {name: plan.sweep.scenario(plan.sweep.points[at]).scenario for name, at in first.items()}
        sizes = {name: scenarios[name].n_households for name in study.config.feeder_names}
        return plan.n_expected, sizes


class Explanation(NamedTuple):
    """What a run consists of.

    Attributes
    ----------
    warnings : tuple of Problem
        What is doubtful about it.
    lines : list of str
        Every value, household, bus, link, device and agent, and what is a default.
    """

    warnings: tuple[Problem, ...]
    lines: list[str]

    @property
    def sections(self) -> dict[str, list[str]]:
        """The lines below each headline, by its name: what stands before the colon."""
        found: dict[str, list[str]] = {}
        for line in self.lines:
            if line.startswith("# "):
                found.setdefault(_section(line), [])
            else:
                found[list(found)[-1]].append(line)
        return found

    def chosen(self, names: Sequence[str]) -> Explanation:
        """The sections whose names begin as given, upper and lower case alike; all without a name.

        Raises
        ------
        InputError
            For each name that no section has.
        """
        if not names:
            return self
        known = list(self.sections)
        wanted = tuple(name.lower() for name in names)
        problems = [
            Problem("there is no such section here", suggest(name, known), "--section", value=name)
            for name, low in zip(names, wanted, strict=True)
            if not any(each.lower().startswith(low) for each in known)
        ]
        if problems:
            raise InputError(problems)
        kept: list[str] = []
        is_wanted = False
        for line in self.lines:
            if line.startswith("# "):
                is_wanted = _section(line).lower().startswith(wanted)
            if is_wanted:
                kept.append(line)
        return Explanation(self.warnings, kept)


def _section(headline: str) -> str:
    return headline.removeprefix("# ").partition(":")[0]


def explain(
    scenario: GivenScenario, overrides: Overrides | None = None, *, seed: int | None = None
) -> Explanation:
    """Every value, household, bus, link, device and agent of a run; of a study, what is run, and how often.

    Parameters
    ----------
    scenario, overrides, seed
        As for `cosim.run`; a sweep as for `cosim.sweep`, alone, and an impact study as for `cosim.impact`,
        without a seed.

    Raises
    ------
    InputError
        If it is wrong, with every problem found.
    """
    shelf = _shelf(scenario)
    if shelf != "scenarios" and seed is not None:
        message = "a study has seeds of its own, and 'explain' shows them"
        raise InputError([Problem(message, "Leave the seed out.", "--seed", value=str(seed))])
    if shelf == "studies":
        with given_study(scenario, None, overrides) as study:  # type: ignore[arg-type]
            return Explanation((), list(impact_lines(plan_impact(study))))
    if shelf == "sweeps" and overrides is None:
        with given_sweep(scenario) as sweep:  # type: ignore[arg-type]
            return Explanation((), list(sweep_lines(plan_sweep(sweep))))
    with given(scenario, overrides, seed) as loaded, blaming_plugins():
        parts = build(loaded)
        return Explanation(parts.warnings, list(explain_lines(loaded, parts)))


def _shelf(source: Any) -> Shelf:
    if isinstance(source, str | os.PathLike):
        return shelf_of(os.fspath(source))
    return shelf_of_keys(source) if isinstance(source, Mapping) else "scenarios"
