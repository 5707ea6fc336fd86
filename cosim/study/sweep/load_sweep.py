"""A sweep file, read and validated, with its base scenario beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cosim.config.library import (
    Shelf,
    local_file,
    locate,
    may_be_more_than_a_scenario,
    names,
    shelf_of_keys,
)
from cosim.config.pydantic_errors import translate, unknown_keys
from cosim.config.settings import Setting
from cosim.config.yaml_reader import Document, read_yaml
from cosim.core.errors import InputError, Problem
from cosim.engine.load import ScenarioSource, read_scenario
from cosim.study.sweep.schema import MAX_POINTS, SweepConfig

_NOT_FROM_A_SWEEP = {
    "base": "Name another `base:` of the sweep.",
    "override": "Write its paths into `set:`.",
    "seed": "List the seeds under `seeds:`.",
}


@dataclass(frozen=True)
class LoadedSweep:
    """A sweep and where it came from."""

    config: SweepConfig
    """The frozen model."""
    base: ScenarioSource
    """The scenario that is varied, not validated by itself: what it lacks, the sweep may set."""
    base_file: Path
    """The file of the base scenario."""
    is_base_built_in: bool
    """Whether the base is a built-in scenario, and so needs no file."""
    document: Document
    """The file's data with line numbers."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with parts that `read_sweep` has left out, so that the others could be looked at."""

    @property
    def base_argument(self) -> str:
        """What `cosim run` takes for the base scenario."""
        return self.config.base if self.is_base_built_in else str(self.base_file)

    def setting(self, place: str, path: str, value: Any) -> Setting:
        """A value of this sweep that stands at `place` in its file, for `path` of the scenario."""
        places = {
            known.removeprefix(place): at
            for known, at in self.document.places.items()
            if known.startswith(f"{place}.")
        }
        return Setting(path, value, {**places, "": self.document.place_of(place)})


def load_sweep(source: str, folder: Path | None = None) -> LoadedSweep:
    """Read and validate a sweep.

    Parameters
    ----------
    source : str
        A built-in name, or a path to a YAML file.
    folder : Path, optional
        What a relative `source` is relative to.

    Raises
    ------
    InputError
        With every problem of the sweep itself; what is wrong with single points is not looked at yet.
    """
    loaded = read_sweep(source, folder)
    if loaded.problems:
        raise InputError(list(loaded.problems))
    return loaded


def read_sweep(source: str, folder: Path | None = None) -> LoadedSweep:
    """Read a sweep to look for what is wrong with it; a part that is wrong is left out, and told of.

    Parameters
    ----------
    source, folder
        As for `load_sweep`.

    Raises
    ------
    InputError
        If nothing is left to be looked at, with every problem.
    """
    file = locate("sweeps", source, folder)
    document = read_yaml(file, first_look=lambda beginning: unknown_keys(beginning, SweepConfig))
    return sweep_of_document(document, file.parent)


def sweep_of_data(data: Mapping[str, Any], folder: Path) -> LoadedSweep:
    """The same of a sweep made in Python.

    Parameters
    ----------
    data : mapping
        Plain data, as a file would hold them.
    folder : Path
        What a `base` that is no built-in scenario is relative to.
    """
    return sweep_of_document(Document(dict(data), ""), folder)


def sweep_of_document(document: Document, folder: Path) -> LoadedSweep:
    """The same of data with their places in a file."""
    _require_sweep(document)
    config, told = _validated(document)
    problems = [*told, *_problems(config, document)]
    try:
        base_file = _base_file(config, folder)
        base = read_scenario(str(base_file))
        if base.problems:
            raise InputError(base.problems)
    except InputError as error:
        at = document.place_of("base")
        problems += [
            p if p.line else Problem(p.message, p.remedy, "base", *at, config.base) for p in error.problems
        ]
        raise InputError(problems) from None
    if len(problems) > len(told):
        raise InputError(problems)
    # Workers may have another working directory.
    base = replace(base, folder=base.folder.resolve())
    return LoadedSweep(config, base, base_file, config.base in names("scenarios"), document, tuple(told))


def _validated(document: Document) -> tuple[SweepConfig, list[Problem]]:
    """The sweep without its parts that are wrong, and what is wrong with them."""
    try:
        return SweepConfig.model_validate(document.data), []
    except ValidationError as error:
        problems = translate(error, document, SweepConfig)
        wrong = [detail["loc"] for detail in error.errors()]
    try:
        return SweepConfig.model_validate(_without(document.data, wrong)), problems
    except ValidationError:
        raise InputError(problems) from None


def _without(data: dict[str, Any], wrong: list[tuple[int | str, ...]]) -> dict[str, Any]:
    """A sweep's data without what stands at some places; an axis leaves one behind that varies nothing."""
    axes = {place[1] for place in wrong if len(place) > 1 and place[0] == "axes"}
    keys = {place[0] for place in wrong if place and not (place[0] == "axes" and len(place) > 1)}
    # Without these other parts would seem wrong: they stay, and nothing else is looked at.
    needed = ("base", "set", "sample")
    rest = {key: value for key, value in data.items() if key not in keys or key in needed}
    rest.setdefault("name", "unnamed")
    if axes and isinstance(rest.get("axes"), list):
        rest["axes"] = [
            {"name": f"axis {number + 1}", "cases": {"?": {}}} if number in axes else axis
            for number, axis in enumerate(rest["axes"])
        ]
    return rest


def shelf_of(source: str) -> Shelf:
    """Whether a name or path means a scenario, a sweep or a study; what cannot be read is a scenario."""
    for shelf in ("sweeps", "studies"):
        if source in names(shelf):
            return shelf
    beginnings: list[Document] = []
    try:
        file = locate("scenarios", source)
        if not may_be_more_than_a_scenario(file):
            return "scenarios"
        document = read_yaml(file, first_look=lambda beginning: [_noted(beginning, beginnings)])
    except InputError:
        return _shelf_of_data(beginnings[0].data) if beginnings else "scenarios"
    return _shelf_of_data(document.data)


def _noted(beginning: Document, beginnings: list[Document]) -> Problem:
    """Keeps the beginning of a long file, and has the rest not read."""
    beginnings.append(beginning)
    return Problem("this is enough to know")


def _shelf_of_data(data: Any) -> Shelf:
    return shelf_of_keys(data) if isinstance(data, dict) else "scenarios"


def _base_file(config: SweepConfig, folder: Path) -> Path:
    if config.base in names("scenarios"):
        return locate("scenarios", config.base)
    found = locate("scenarios", config.base, folder)
    local_file(folder, config.base)
    return found


def _require_sweep(document: Document) -> None:
    data = document.data
    if not isinstance(data, dict):
        message, remedy = "keys and values are expected", "A sweep file starts with `name: ...`."
        raise InputError([Problem(message, remedy, file=document.file, line=1)])
    if shelf_of_keys(data) == "studies":
        remedy = "`cosim impact` runs it."
        raise InputError([Problem("this is an impact study, not a sweep", remedy, file=document.file)])
    if ("groups" in data or "override" in data) and shelf_of_keys(data) == "scenarios":
        remedy = "`cosim run` runs it; a sweep names it as its `base:`."
        raise InputError([Problem("this is a scenario, not a sweep", remedy, file=document.file)])


def _problems(config: SweepConfig, document: Document) -> list[Problem]:
    """What is wrong between the parts of a sweep."""

    def problem(path: str, message: str, remedy: str, value: object = "") -> Problem:
        return Problem(message, remedy, path, *document.place_of(path), str(value))

    found = []
    columns: list[str] = []
    paths: dict[str, str] = {}
    for number, axis in enumerate(config.axes):
        place = f"axes.{number}"
        if axis.column in columns:
            message = "two axes have the same column"
            found.append(problem(place, message, "Give one of them another `name`.", axis.column))
        columns.append(axis.column)
        if axis.between is not None and config.sample is None:
            remedy = "Add `sample: {method: latin_hypercube, points: 64}`, or use `range`."
            found.append(problem(f"{place}.between", "there is no sample to draw from it", remedy))
        for path in dict.fromkeys(
            [axis.path] if axis.path else [p for c in (axis.cases or {}).values() for p in c]
        ):
            if paths.setdefault(path, place) != place:
                message = "another axis sets this path already"
                found.append(problem(place, message, "Vary a path on one axis only.", path))
    written = [("set", path) for path in config.set]
    written += [(f"axes.{n}.path", axis.path) for n, axis in enumerate(config.axes) if axis.path]
    written += [
        (f"axes.{n}.cases.{case}.{path}", path)
        for n, axis in enumerate(config.axes)
        for case, settings in (axis.cases or {}).items()
        for path in settings
    ]
    for place, path in written:
        instead = _NOT_FROM_A_SWEEP.get(path.partition(".")[0])
        if instead is not None:
            where = f"set.{path}" if place == "set" else place
            found.append(problem(where, f"'{path}' cannot be set by a sweep", instead))
    if config.sample is not None and not config.axes:
        found.append(problem("sample", "there are no axes to sample", "Add `axes:`."))
    if config.n_points > MAX_POINTS:
        message = f"{config.n_points:,} points are more than cosim accepts ({MAX_POINTS:,})"
        found.append(problem("axes", message, "Use fewer values, fewer seeds, or a sample."))
    return found
