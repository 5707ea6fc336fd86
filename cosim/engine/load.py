"""From a file, its base and the overrides to one frozen scenario, or to every problem at once.

Precedence, the later wins: defaults of the schema; the base scenario (``base:``, which may have a base
itself); the file; its ``override:`` block, from top to bottom; ``--set``, from left to right; ``--seed``. How
two of them are put over each other, `cosim.config.merge` says.

A file names other files relative to its own folder, and none outside of it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from cosim.config.error_messages import translate, unknown_keys
from cosim.config.library import SWEEP_KEYS, local_file, locate, names
from cosim.config.merge import Places, merge, set_value
from cosim.config.yaml_reader import Document, parse_yaml, read_yaml
from cosim.core.errors import InputError, Problem
from cosim.engine.scenario import Scenario
from cosim.grid.network_file import named_on_the_command_line

NETWORK_ENDINGS = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario and where it came from.

    Attributes
    ----------
    scenario : Scenario
        The frozen model.
    folder : Path
        What its relative paths are relative to.
    file : str
        The file it was read from, for messages.
    document : Document
        The merged data with line numbers, to place problems found later.
    """

    scenario: Scenario
    folder: Path
    file: str
    document: Document

    def problem(
        self, path: str, message: str, remedy: str = "", value: object = "", warning: bool = False
    ) -> Problem:
        """A problem at `path` of this scenario, with its file and line."""
        text = "" if value == "" else str(value)
        file, line = self.document.place_of(path)
        return Problem(message, remedy, path, file, line, text, "warning" if warning else "error")


@dataclass(frozen=True)
class Setting:
    """A value for one path of a scenario.

    Attributes
    ----------
    path : str
        Keys joined by dots; list items are named by number or by their `name`.
    value : object
        Plain data; replaces what was there as a whole.
    places : dict
        File and line of the value, for messages: ``""`` for itself, ``".0.start_h"`` for what is below it.
    """

    path: str
    value: Any
    places: Places = field(default_factory=dict)


@dataclass(frozen=True)
class ScenarioSource:
    """A scenario file over its bases, read once, to be varied many times.

    Attributes
    ----------
    document : Document
        The merged data, not validated yet.
    folder : Path
        What its relative paths are relative to.
    """

    document: Document
    folder: Path

    def varied(self, settings: Sequence[Setting], seed: int | None = None) -> LoadedScenario:
        """The scenario with `settings` over it, the later ones over the earlier, and then the seed.

        Raises
        ------
        InputError
            With every problem found.
        """
        own = self.document
        document = Document(copy.deepcopy(own.data), own.file, dict(own.places))
        problems = []
        for setting in settings:
            problem = set_value(document, setting.path, copy.deepcopy(setting.value), setting.places)
            if problem is not None:
                at = setting.places.get("", ("", 0))
                problems.append(Problem(problem.message, problem.remedy, setting.path, *at))
        if seed is not None:
            set_value(document, "seed", seed, {"": ("seeds", 0)})
        return _validated(document, problems, self.folder)


def read_scenario(source: str, folder: Path | None = None) -> ScenarioSource:
    """Read a scenario file over its bases, without validating it.

    Parameters
    ----------
    source : str
        A built-in name, or a path to a YAML file.
    folder : Path, optional
        What a relative `source` is relative to.

    Raises
    ------
    InputError
        If a file cannot be read, or its override block does not fit.
    """
    file = locate("scenarios", source, folder)
    document, problems = _read_with_base(file, [])
    if problems:
        raise InputError(problems)
    return ScenarioSource(document, file.parent)


def load_scenario(
    source: str, overrides: Sequence[str] = (), seed: int | None = None, folder: Path | None = None
) -> LoadedScenario:
    """Read and validate a scenario.

    Parameters
    ----------
    source : str
        A built-in name, or a path to a YAML file.
    overrides : sequence of str
        ``path=value``, the value written as in YAML; list items are named by number or by their `name`.
    seed : int, optional
        Replaces the scenario's seed.
    folder : Path, optional
        What a relative `source` is relative to.

    Raises
    ------
    InputError
        With every problem found.
    """
    file = locate("scenarios", source, folder)
    document, problems = _read_with_base(file, [])
    problems += _apply_options(document, overrides, file.parent)
    if seed is not None:
        set_value(document, "seed", seed, {"": ("--seed", 0)})
    return _validated(document, problems, file.parent)


def _validated(document: Document, problems: list[Problem], folder: Path) -> LoadedScenario:
    """The scenario that the data are; raises what is wrong with them, and the problems there were before."""
    try:
        scenario = Scenario.model_validate(document.data)
    except ValidationError as error:
        problems = [*problems, *translate(error, document, Scenario)]
    else:
        problems = [*problems, *_elsewhere(document, scenario)]
    if problems:
        raise InputError(problems)
    return LoadedScenario(scenario, folder, document.file, document)


def _elsewhere(document: Document, scenario: Scenario) -> list[Problem]:
    """A network outside of the scenario's folder is the user's to name, and not a file's."""
    grid = scenario.grid
    file, line = document.place_of("grid.network")
    if grid is None or not Path(grid.network).is_absolute() or (file.startswith("--set ") and not line):
        return []
    message = "the path leaves the folder of the file that names it"
    remedy = "Name a file inside it, by a relative path, or name it with --set grid.network=PATH."
    return [Problem(message, remedy, "grid.network", file, line, grid.network)]


def _read_with_base(file: Path, above: list[Path]) -> tuple[Document, list[Problem]]:
    """A scenario file over its base, its override block applied; and what is wrong with the block."""
    document = read_yaml(file, first_look=_unknown_keys)
    _require_mapping(document, "A scenario starts with `name: ...`.")
    _refuse_sweep(document)
    base = document.data.pop("base", None)
    block = document.data.pop("override", None)
    problems: list[Problem] = []
    block_places = _take_places(document, "override")
    if base is not None:
        below, problems = _read_base(document, base, file, [*above, file.resolve()])
        document = merge(below, document)
    if block is not None and not isinstance(block, dict):
        remedy = "Write one path and value a line: `communities.market.agent.policy: additive`."
        at = block_places.get("", (document.file, 0))
        return document, [*problems, Problem("must map paths to values", remedy, "override", *at)]
    by_path = _places_by_path(block_places, block or {})
    for path, value in (block or {}).items():
        places = by_path[path]
        problem = set_value(document, path, value, places)
        if problem is not None:
            at = places.get("", (document.file, 0))
            problems.append(Problem(problem.message, problem.remedy, f"override.{path}", *at))
    return document, problems


def _read_base(
    document: Document, base: Any, file: Path, above: list[Path]
) -> tuple[Document, list[Problem]]:
    at = document.place_of("base")
    if not isinstance(base, str):
        remedy = "Write the name of a built-in scenario, or of a file in this folder."
        raise InputError([Problem("must name one scenario", remedy, "base", *at)])
    try:
        found = locate("scenarios", base, file.parent)
        if base not in names("scenarios"):
            local_file(file.parent, base)
        if found.resolve() in above:
            circle = " → ".join(path.name for path in (*above[above.index(found.resolve()) :], found))
            remedy = "Let one of them stand on its own."
            raise InputError([Problem(f"the bases build on each other in a circle: {circle}", remedy)])
    except InputError as error:
        raise InputError(
            [Problem(p.message, p.remedy, "base", *at, value=base) for p in error.problems]
        ) from None
    below, problems = _read_with_base(found, above)
    if base not in names("scenarios"):
        _move_files(below.data, PurePosixPath(base).parent)
    return below, problems


def _move_files(data: Any, folder: PurePosixPath) -> None:
    """Make the paths that a base names relative to the folder of the file above it, which is `folder` up."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if isinstance(value, dict | list):
            _move_files(value, folder)
        elif isinstance(value, str) and (
            key == "file" or (key == "network" and value.lower().endswith(NETWORK_ENDINGS))
        ):
            data[key] = str(folder / value)


def _apply_options(document: Document, overrides: Sequence[str], folder: Path) -> list[Problem]:
    """Apply what ``--set`` gave."""
    problems: list[Problem] = []
    for text in overrides:
        path, equals, value = text.partition("=")
        path = path.strip()
        if not equals or not path:
            remedy = "Write it as PATH=VALUE, for example --set time.steps=200."
            problems.append(Problem("this names no path and value", remedy, file=f"--set {text}"))
            continue
        option = f"--set {path}"
        if path.partition(".")[0] in ("base", "override"):
            remedy = "Write it into a scenario file."
            problems.append(Problem(f"'{path}' cannot be set from outside a file", remedy, file=option))
            continue
        try:
            parsed = parse_yaml(value, option) if value.strip() else Document(None, option)
        except InputError as error:
            problems += [Problem(p.message, p.remedy, file=option, value=value) for p in error.problems]
            continue
        places = {f".{below}" if below else "": (option, 0) for below in parsed.places} | {"": (option, 0)}
        data = named_on_the_command_line(path, parsed.data, folder)
        problem = set_value(document, path, data, places)
        if problem is not None:
            problems.append(Problem(problem.message, problem.remedy, file=option))
    return problems


def _take_places(document: Document, path: str) -> dict[str, tuple[str, int]]:
    """Move the places at and below `path` out of the document; ``""`` is `path` itself."""
    taken = {
        known: at for known, at in document.places.items() if known == path or known.startswith(f"{path}.")
    }
    for known in taken:
        del document.places[known]
    return {known.removeprefix(path): at for known, at in taken.items()}


def _places_by_path(block_places: Places, block: Mapping[str, Any]) -> dict[str, Places]:
    """Of each path of an override block the places at and below it, relative to it."""
    found: dict[str, Places] = {path: {} for path in block}
    for place, at in block_places.items():
        above = place.removeprefix(".")
        while above:  # paths hold dots themselves: each beginning of the place may be one
            if above in found:
                found[above][place.removeprefix(f".{above}")] = at
            above = above.rpartition(".")[0]
    return found


def _unknown_keys(beginning: Document) -> list[Problem]:
    """Keys in the beginning of a long scenario that do not exist, whatever its rest may be."""
    if not isinstance(beginning.data, dict) or any(key in beginning.data for key in SWEEP_KEYS):
        return []
    own = {key: value for key, value in beginning.data.items() if key not in ("base", "override")}
    return unknown_keys(replace(beginning, data=own), Scenario)


def _refuse_sweep(document: Document) -> None:
    for key in document.data:
        if key in SWEEP_KEYS:
            at = document.place_of(key)
            remedy = "`cosim sweep` runs it; a scenario is what it names as its base."
            raise InputError([Problem("this is a sweep, and no scenario", remedy, key, *at)])


def _require_mapping(document: Document, remedy: str) -> None:
    if not isinstance(document.data, dict):
        raise InputError([Problem("keys and values are expected", remedy, file=document.file, line=1)])
