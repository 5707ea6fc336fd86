"""Scenarios and sweeps as a user gives them: by a built-in name, a file, a mapping or a model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cosim.api.objects import Objects, copy_files, plain
from cosim.config.dump import block_yaml, flow_yaml
from cosim.config.settings import Setting, option_settings
from cosim.config.yaml_reader import Document
from cosim.core.errors import InputError, Problem
from cosim.core.plugin_modules import load_installed
from cosim.engine.check import errors_of_the_rest
from cosim.engine.load import (
    InvalidScenarioError,
    LoadedScenario,
    ScenarioSource,
    read_scenario,
    scenario_of_data,
)
from cosim.engine.scenario import Scenario

if TYPE_CHECKING:  # a run needs no studies
    from cosim.study.impact.load_impact import LoadedImpact
    from cosim.study.sweep.load_sweep import LoadedSweep

GivenScenario = str | os.PathLike[str] | Mapping[str, Any] | Scenario
"""A built-in name, a YAML file, the same content as a mapping, or a validated scenario."""
GivenSweep = str | os.PathLike[str] | Mapping[str, Any]
"""The same for a sweep, whose `base` may be any of those too."""
Overrides = Mapping[str, Any] | Sequence[str]
"""Paths to values, or texts ``path=value`` as on the command line."""


@contextmanager
def given(
    scenario: GivenScenario, overrides: Overrides | None = None, seed: int | None = None
) -> Iterator[LoadedScenario]:
    """A scenario, read and validated; the files of its objects are there as long as the block lasts.

    Parameters
    ----------
    scenario : str, path, mapping or Scenario
        What a mapping or a model names is relative to the working directory.
    overrides : mapping or sequence of str, optional
        What is set in it.
    seed : int, optional
        Replaces the scenario's seed.

    Raises
    ------
    InputError
        With every problem found.
    """
    load_installed()
    objects = Objects()
    source = _source(scenario, objects)
    settings, problems = _settings(overrides or (), objects)
    if seed is not None:
        # Overrides as text are those of the command line, where the seed has an option of its own.
        origin = "seed" if overrides is None or isinstance(overrides, Mapping) else "--seed"
        settings.append(Setting("seed", plain(seed, objects, "seed"), {"": (origin, 0)}))
    if not objects:
        yield _validated(source, settings, problems)
        return
    with TemporaryDirectory(prefix="cosim-") as name:
        folder = Path(name)
        objects.save(folder)
        settings = [
            replace(each, value=copy_files(each.value, source.folder, folder, each.path.rpartition(".")[2]))
            for each in settings
        ]
        yield _validated(_moved(source, folder), settings, problems)


def _validated(
    source: ScenarioSource, settings: Sequence[Setting], problems: Sequence[Problem]
) -> LoadedScenario:
    """The scenario; where some of it is wrong, what is wrong with the rest is told with it."""
    try:
        return source.varied(settings, problems=problems)
    except InvalidScenarioError as error:
        rest = [] if error.rest is None else errors_of_the_rest(error.rest, error.problems)
        raise InputError([*error.problems, *rest]) from None


@contextmanager
def given_sweep(sweep: GivenSweep) -> Iterator[LoadedSweep]:
    """A sweep, read and looked at; the files of its objects are there as long as the block lasts.

    Raises
    ------
    InputError
        If nothing is left to be looked at, with every problem.
    """
    from cosim.study.sweep.load_sweep import read_sweep, sweep_of_data

    load_installed()
    if not isinstance(sweep, Mapping):
        yield read_sweep(os.fspath(sweep))
        return
    with _plain_data(sweep) as (data, folder):
        yield sweep_of_data(data, folder)


@contextmanager
def given_study(
    study: GivenSweep, seeds: int | None = None, overrides: Overrides | None = None
) -> Iterator[LoadedImpact]:
    """An impact study likewise.

    Parameters
    ----------
    study : str, path or mapping
        What is given.
    seeds : int, optional
        How many seeds, in place of the study's.
    overrides : mapping or sequence of str, optional
        What is set in all its runs.

    Raises
    ------
    InputError
        With every problem found.
    """
    from cosim.study.impact.load_impact import changed, impact_of_document, read_study

    load_installed()
    given = {} if overrides is None else overrides
    settings, problems = (
        option_settings([f"{path}={flow_yaml(value)}" for path, value in given.items()])
        if isinstance(given, Mapping)
        else option_settings(given)
    )
    if problems:
        raise InputError(problems)
    if not isinstance(study, Mapping):
        document, folder = read_study(os.fspath(study))
        yield impact_of_document(changed(document, seeds, settings), folder)
        return
    with _plain_data(study) as (data, folder):
        yield impact_of_document(changed(Document(data, ""), seeds, settings), folder)


@contextmanager
def _plain_data(given: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Path]]:
    """A mapping as a file would hold it, and the folder of its base and of its objects' files."""
    objects = Objects()
    base = given.get("base")
    own = plain({key: value for key, value in given.items() if key != "base"}, objects)
    is_named = isinstance(base, str | os.PathLike)
    if base is None or (is_named and not objects):
        yield own | ({} if base is None else {"base": os.fspath(base)}), Path()
        return
    source = _source(base, objects)
    if source.problems:
        raise InputError(source.problems)
    with TemporaryDirectory(prefix="cosim-") as name:
        folder = Path(name)
        objects.save(folder)
        (folder / "scenario.yaml").write_text(
            block_yaml(_moved(source, folder).document.data), encoding="utf-8"
        )
        yield copy_files(own, source.folder, folder) | {"base": "scenario.yaml"}, folder


def _source(scenario: GivenScenario, objects: Objects) -> ScenarioSource:
    if isinstance(scenario, str | os.PathLike):
        return read_scenario(os.fspath(scenario))
    if isinstance(scenario, Mapping | Scenario):
        return scenario_of_data(plain(scenario, objects), Path())
    remedy = "Give a built-in name, a YAML file, a mapping or a cosim.Scenario."
    raise InputError([Problem("this is not a scenario", remedy, value=type(scenario).__name__)])


def _settings(overrides: Overrides, objects: Objects) -> tuple[list[Setting], list[Problem]]:
    if not isinstance(overrides, Mapping):
        return option_settings(overrides)
    return [
        Setting(path, plain(value, objects, path), {"": ("", 0)}, is_of_user=True)
        for path, value in overrides.items()
    ], []


def _moved(source: ScenarioSource, folder: Path) -> ScenarioSource:
    """The scenario in another folder, its files copied there."""
    own = source.document
    data = copy_files(own.data, source.folder, folder)
    return replace(source, document=replace(own, data=data), folder=folder)
