"""An impact study, read and validated, and the sweep that it is.

Its points are those of a sweep over modes, qualities of communication and penetrations, so that workers,
directories, resuming and single runs are a sweep's. Which of the points are run is decided on the way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cosim.config.dump import block_yaml
from cosim.config.library import locate, shelf_of_keys
from cosim.config.pydantic_errors import translate, unknown_keys
from cosim.config.settings import Setting
from cosim.config.yaml_reader import Document, read_yaml
from cosim.core.errors import InputError, Problem, listed, suggest
from cosim.engine.wings import catalogue
from cosim.study.impact.schema import FEEDER, MODE, PENETRATION, ImpactConfig
from cosim.study.sweep.load_sweep import LoadedSweep, sweep_of_document

_CONTROL_OF_THE_FEEDER = ("grid.feedback", "grid.tap_changers", "grid.run_control")
"""What of the feeder a mode may set: all else makes it another feeder, or judges it by other limits."""
_NOT_OF_A_MODE = ("seed", "time")
_COMMUNICATION = ("comms", "faults")
"""Parts of a scenario that mean nothing to modes without messages."""


@dataclass(frozen=True)
class LoadedImpact:
    """A study and where it came from."""

    config: ImpactConfig
    """The frozen model."""
    sweep: LoadedSweep
    """The sweep over modes, communication and penetrations."""

    def as_yaml(self) -> str:
        """The study with what it takes by default left out; its base as the sweep's directory names it."""
        content = self.config.model_dump(mode="json", exclude_defaults=True)
        if not self.sweep.is_base_built_in:
            content["base"] = f"inputs/{self.sweep.base_file.name}"
        return block_yaml(content)


def load_impact(source: str) -> LoadedImpact:
    """Read and validate an impact study: a built-in name, or a path to a YAML file.

    Raises
    ------
    InputError
        With every problem found; what is wrong with single runs is not looked at yet.
    """
    return impact_of_document(*read_study(source))


def read_study(source: str) -> tuple[Document, Path]:
    """The data of a study's file, and the folder of its base; see `load_impact`."""
    file = locate("studies", source)
    document = read_yaml(file, first_look=lambda beginning: unknown_keys(beginning, ImpactConfig))
    return document, file.parent


def changed(document: Document, seeds: int | None, settings: Sequence[Setting]) -> Document:
    """A study with another number of seeds, and with values that hold for all its runs.

    Parameters
    ----------
    document : Document
        The study's data.
    seeds : int or None
        How many; None for the study's own.
    settings : sequence of Setting
        Beside what stands under `set`, and in its place.

    Raises
    ------
    InputError
        For each value that modes or feeders set themselves, which would win.
    """
    _require_study(document)
    own = dict(document.data)
    problems = [problem for each in settings for problem in _set_elsewhere(own, each)]
    if problems:
        raise InputError(problems)
    places = dict(document.places)
    if seeds is not None:
        own["seeds"], places["seeds"] = seeds, ("--seeds", 0)
    if settings:
        common = own.get("set")
        own["set"] = dict(common) if isinstance(common, dict) else {}
        for each in settings:
            own["set"][each.path] = each.value
            places[f"set.{each.path}"] = (f"--set {each.path}", 0)
    return Document(own, document.file, places)


def _set_elsewhere(study: Mapping[str, Any], setting: Setting) -> Iterator[Problem]:
    for kind in ("feeders", "modes"):
        cases = study.get(kind)
        for name, paths in cases.items() if isinstance(cases, dict) else ():
            for path in paths if isinstance(paths, dict) else ():
                if f"{path}.".startswith(f"{setting.path}.") or f"{setting.path}.".startswith(f"{path}."):
                    remedy = "Change it there, in a copy of the study's file."
                    message = f"'{name}' under `{kind}` sets {path}, which would win"
                    yield Problem(message, remedy, file=f"--set {setting.path}")


def impact_of_document(document: Document, folder: Path) -> LoadedImpact:
    """The same of data with their places in a file.

    Parameters
    ----------
    document : Document
        The study's data.
    folder : Path
        What a `base` that is no built-in scenario is relative to.
    """
    _require_study(document)
    try:
        config = ImpactConfig.model_validate(document.data)
    except ValidationError as error:
        raise InputError(translate(error, document, ImpactConfig)) from None
    problems = [*_problems(config, document), *_of_axes(config, document), *_unknown_costs(config, document)]
    try:
        sweep = sweep_of_document(_as_sweep(config, document), folder)
        problems += _without_grid(sweep, document)
    except InputError as error:
        problems += [_in_the_study(problem, config) for problem in error.problems]
    if problems:
        raise InputError(problems)
    return LoadedImpact(config, sweep)


def _require_study(document: Document) -> None:
    data = document.data
    if not isinstance(data, dict):
        message, remedy = "keys and values are expected", "An impact study starts with `name: ...`."
        raise InputError([Problem(message, remedy, file=document.file, line=1)])
    shelf = shelf_of_keys(data)
    if shelf == "scenarios" and ("groups" in data or "override" in data):
        remedy = "`cosim run` runs it; a study names it as its `base:`."
        raise InputError([Problem("this is a scenario, not an impact study", remedy, file=document.file)])
    if shelf == "sweeps" and "axes" in data:
        remedy = "`cosim sweep` runs it."
        raise InputError([Problem("this is a sweep, not an impact study", remedy, file=document.file)])


def _problems(config: ImpactConfig, document: Document) -> Iterator[Problem]:
    """What is wrong between the parts of a study."""
    shares = {f"groups.{each.group}.{each.device}.share" for each in config.technologies}
    for number, each in enumerate(config.technologies):
        if "share" in (each.parameters or {}):
            place = f"technologies.{number}.parameters.share"
            remedy = "Remove it; `share_at_full` says how many have the device at a penetration of 1."
            yield Problem("the study itself sets this share", remedy, place, *document.place_of(place))
    settings = {f"modes.{mode}": paths for mode, paths in config.modes.items()} | {"set": config.set}
    settings |= {f"feeders.{name}": paths for name, paths in (config.feeders or {}).items()}
    written = [
        (f"{of}.{path}", path, value) for of, paths in settings.items() for path, value in paths.items()
    ]
    for place, path, value in written:
        at = document.place_of(place)
        if place.startswith("modes.") and _changes_the_feeder(path):
            message = "a mode changes the feeder, so that its hosting capacity would be another feeder's"
            yield Problem(message, "Set it for all modes under `set:`.", place, *at)
        elif place.startswith("modes.") and path.endswith(".households"):
            message = "a mode changes the number of connection points, of which penetrations are shares"
            yield Problem(message, "Set it for all modes under `set:`.", place, *at)
        elif path in shares or any(f"{path}.{key}" in shares for key in _keys_of(value)):
            yield Problem("the penetration sets this share", "Remove it.", place, *at)
        elif path.partition(".")[0] in _NOT_OF_A_MODE and place.startswith("modes."):
            message = f"modes share '{path}', or they could not be compared"
            yield Problem(message, "Set it for all modes under `set:`, or seeds under `seeds:`.", place, *at)


def _keys_of(value: Any) -> Collection[Any]:
    return value.keys() if isinstance(value, Mapping) else ()


def _of_axes(config: ImpactConfig, document: Document) -> Iterator[Problem]:
    """What communication's axes set beside links and faults: modes that are run once get its first value."""
    axes = config.communication.axes if config.communication else ()
    run_once = [mode for mode in config.modes if mode not in config.modes_over_communication]
    for number, axis in enumerate(axes):
        own = [axis.path] if axis.path else []
        for path in dict.fromkeys([*own, *(each for case in (axis.cases or {}).values() for each in case)]):
            top, place = path.partition(".")[0], f"communication.axes.{number}"
            at = document.place_of(place)
            if _changes_the_feeder(path) or top in _NOT_OF_A_MODE:
                message = "a quality of the communication changes the feeder or the time of all modes"
                yield Problem(message, "Vary links (`comms`) or faults.", place, *at, value=path)
            elif top not in _COMMUNICATION and run_once:
                message = f"the first of these values would hold for {listed(run_once)}, too"
                remedy = "Vary links (`comms`) or faults, or make each value a mode."
                yield Problem(message, remedy, place, *at, value=path)


def _changes_the_feeder(path: str) -> bool:
    allowed = any(path == own or path.startswith(f"{own}.") for own in _CONTROL_OF_THE_FEEDER)
    return path.partition(".")[0] == "grid" and not allowed


def _unknown_costs(config: ImpactConfig, document: Document) -> Iterator[Problem]:
    known = catalogue()
    for number, key in enumerate(config.costs):
        if known.find(key) is None:
            place = f"costs.{number}"
            remedy = suggest(key, [each.pattern for each in known.numbers]) or "docs/numbers.md has all."
            message = "no summary has a number of this name"
            yield Problem(message, remedy, place, *document.place_of(place), value=key)


def _without_grid(sweep: LoadedSweep, document: Document) -> Iterator[Problem]:
    named = any(path.partition(".")[0] == "grid" for path in _of_feeders(sweep))
    if not named and sweep.config.set.get("grid", sweep.base.document.data.get("grid")) is None:
        at = document.place_of("base")
        message = f"'{sweep.config.base}' has no feeder, and so nothing that could break"
        yield Problem(message, "Take a base with `grid:`, or set one under `set:`.", "base", *at)


def _of_feeders(sweep: LoadedSweep) -> Iterator[str]:
    """Paths that every feeder of the study sets."""
    for axis in sweep.config.axes:
        if axis.name == FEEDER and axis.cases:
            yield from set.intersection(*(set(case) for case in axis.cases.values()))


def _as_sweep(config: ImpactConfig, document: Document) -> Document:
    """The study as a sweep's data, each with its place in the study's file."""
    common: dict[str, Any] = dict(config.set)
    places = {place: at for place, at in document.places.items() if place.partition(".")[0] in _KEPT}
    for number, each in enumerate(config.technologies):
        if each.parameters is not None:
            path = f"groups.{each.group}.{each.device}"
            common[path] = each.parameters
            places |= _moved(document, f"technologies.{number}.parameters", f"set.{path}")
    axes: list[dict[str, Any]] = [{"name": FEEDER, "cases": config.feeders}] if config.feeders else []
    places |= _moved(document, "feeders", "axes.0.cases")
    places |= _moved(document, "modes", f"axes.{len(axes)}.cases")
    axes.append({"name": MODE, "cases": config.modes})
    for number, axis in enumerate(config.communication.axes if config.communication else ()):
        places |= _moved(document, f"communication.axes.{number}", f"axes.{len(axes)}")
        axes.append(axis.model_dump(mode="json", exclude_defaults=True))
    cases = {f"{penetration:g}": _shares(config, penetration) for penetration in config.grid}
    for number, each in enumerate(config.technologies):
        at = document.place_of(f"technologies.{number}.group")
        path = f"groups.{each.group}.{each.device}.share"
        places |= {f"axes.{len(axes)}.cases.{case}.{path}": at for case in cases}
    axes.append({"name": PENETRATION, "cases": cases, "column_values": list(config.grid)})
    data = {
        "name": config.name,
        "title": config.title,
        "base": config.base,
        "set": common,
        "axes": axes,
        "seeds": config.seed_list,
        "keep": config.keep,
    }
    return Document(data, document.file, places)


_KEPT = ("name", "title", "base", "set", "seeds", "keep")


def _moved(document: Document, source: str, target: str) -> dict[str, tuple[str, int]]:
    """Places at and below `source`, as those of `target`."""
    return {
        f"{target}{place.removeprefix(source)}": at
        for place, at in document.places.items()
        if place == source or place.startswith(f"{source}.")
    }


def _shares(config: ImpactConfig, penetration: float) -> Mapping[str, float]:
    """What a penetration sets."""
    return {
        f"groups.{each.group}.{each.device}.share": float(f"{penetration * each.share_at_full:.12g}")
        for each in config.technologies
    }


def _in_the_study(problem: Problem, config: ImpactConfig) -> Problem:
    """A problem of the sweep, its path as the study has it."""
    path = problem.path
    n_axes = len(config.communication.axes) if config.communication else 0
    first = 0 if config.feeders is None else 1
    moves = {f"axes.{first}.cases": "modes", f"axes.{first + n_axes + 1}": "penetrations"}
    moves |= {f"axes.{first + n + 1}": f"communication.axes.{n}" for n in range(n_axes)}
    moves |= {"axes.0.cases": "feeders"} if first else {}
    for own, other in moves.items():
        if path == own or path.startswith(f"{own}."):
            path = f"{other}{path.removeprefix(own)}"
            break
    return replace(problem, path=path)
