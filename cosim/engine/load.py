"""From a file, its base and the overrides to one frozen scenario, or to every problem at once.

Precedence, the later wins: defaults of the schema; the base scenario (``base:``, which may have a base
itself); the file; its ``override:`` block, from top to bottom; ``--set``, from left to right; ``--seed``. How
two of them are put over each other, `cosim.config.merge` says.

A file names other files relative to its own folder, and none outside of it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cosim.config.bases import over_base
from cosim.config.library import locate, shelf_of_keys
from cosim.config.merge import set_value, value_at
from cosim.config.pydantic_errors import translate, unknown_keys
from cosim.config.settings import Setting, option_settings
from cosim.config.yaml_reader import Document, read_yaml
from cosim.core.context import Context
from cosim.core.errors import InputError, Problem
from cosim.core.streams import Streams
from cosim.engine.scenario import Scenario
from cosim.grid.network_file import named_by_the_user
from cosim.results.run_files import missing_plugins


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario and where it came from."""

    scenario: Scenario
    """The frozen model."""
    folder: Path
    """What its relative paths are relative to."""
    file: str
    """The file it was read from, for messages."""
    document: Document
    """The merged data with line numbers, to place problems found later."""

    @cached_property
    def context(self) -> Context:
        """What the wings may know of a run of it."""
        scenario = self.scenario
        return Context(
            time=scenario.axis,
            population=scenario.population,
            streams=Streams(scenario.seed),
            folder=self.folder,
            records=frozenset(name for name, is_wanted in scenario.record if is_wanted),
            place_of=self.document.place_of,
        )

    def problem(
        self, path: str, message: str, remedy: str = "", value: object = "", warning: bool = False
    ) -> Problem:
        """A problem at `path` of this scenario, with its file and line."""
        return self.context.problem(path, message, remedy, value, warning)


class InvalidScenarioError(InputError):
    """A scenario with values that cannot be.

    Parameters
    ----------
    problems : sequence of Problem
        What is wrong.
    rest : LoadedScenario or None
        The scenario without the keys that are wrong; None where it cannot do without.
    """

    def __init__(self, problems: Sequence[Problem], rest: LoadedScenario | None = None) -> None:
        super().__init__(problems)
        self.rest = rest


@dataclass(frozen=True)
class ScenarioSource:
    """A scenario over its bases, read once, to be varied many times."""

    document: Document
    """The merged data, not validated yet."""
    folder: Path
    """What its relative paths are relative to."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with its override block, or its bases'."""
    network_of_user: str | None = None
    """The network that a user named in Python, and no file: it may lie anywhere."""

    def varied(
        self, settings: Sequence[Setting] = (), seed: int | None = None, problems: Sequence[Problem] = ()
    ) -> LoadedScenario:
        """The scenario with `settings` over it, the later ones over the earlier, and then the seed.

        Parameters
        ----------
        settings : sequence of Setting
            What is set.
        seed : int, optional
            Replaces the scenario's seed.
        problems : sequence of Problem
            What is wrong already, to be told with the rest.

        Raises
        ------
        InputError
            With every problem found.
        """
        own = self.document
        document = Document(copy.deepcopy(own.data), own.file, dict(own.places), dict(own.named_anew))
        found = [*self.problems, *problems]
        may_be_anywhere = {self.network_of_user}
        for setting in settings:
            value = copy.deepcopy(setting.value)
            if setting.is_of_user:
                value = named_by_the_user(setting.path, value, self.folder)
            problem = _refused(setting) or set_value(document, setting.path, value, setting.places)
            if problem is not None:
                file, line = setting.places.get("", ("", 0))
                path = "" if file.endswith(f" {setting.path}") else setting.path
                found.append(Problem(problem.message, problem.remedy, path, file, line))
            elif setting.is_of_user and setting.path in ("grid", "grid.network"):
                may_be_anywhere.add(_network_of(document.data))
        if seed is not None:
            set_value(document, "seed", seed, {"": ("seeds", 0)})
        return _validated(document, found, self.folder, may_be_anywhere)


def _refused(setting: Setting) -> Problem | None:
    """What only a file can say."""
    if not setting.is_of_user or setting.path.partition(".")[0] not in ("base", "override"):
        return None
    return Problem(f"'{setting.path}' cannot be set from outside a file", "Write it into a scenario file.")


def _network_of(data: Any) -> str | None:
    """The network that a scenario's data name; None where they name none."""
    name = value_at(data, "grid.network")
    return name if isinstance(name, str) else None


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
        If a file cannot be read.
    """
    file = locate("scenarios", source, folder)
    document = read_yaml(file, first_look=_unknown_keys)
    document, problems = over_base(document, file.parent, [file.resolve()], _unknown_keys)
    return ScenarioSource(document, file.parent, tuple(problems))


def scenario_of_data(data: Mapping[str, Any], folder: Path) -> ScenarioSource:
    """The same of a scenario made in Python.

    Parameters
    ----------
    data : mapping
        Plain data, as a file would hold them; may have a ``base`` and an ``override`` too.
    folder : Path
        What its relative paths are relative to.
    """
    own = copy.deepcopy(dict(data))
    if "grid" in own:
        own["grid"] = named_by_the_user("grid", own["grid"], folder)
    network = _network_of(own)
    document, problems = over_base(Document(own, ""), folder, [], _unknown_keys)
    return ScenarioSource(document, folder, tuple(problems), network)


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
    settings, problems = option_settings(overrides, seed)
    return read_scenario(source, folder).varied(settings, problems=problems)


def _validated(
    document: Document, problems: list[Problem], folder: Path, may_be_anywhere: set[Any]
) -> LoadedScenario:
    """The scenario that the data are; raises what is wrong with them, and the problems there were before."""
    try:
        scenario = Scenario.model_validate(document.data)
    except ValidationError as error:
        wrong = translate(error, document, Scenario)
        found = [*problems, *missing_plugins(Path(document.file)), *wrong]
        raise InvalidScenarioError(found, _without(document, wrong, folder)) from None
    else:
        problems = [*problems, *_elsewhere(document, scenario, may_be_anywhere)]
    if problems:
        raise InputError(problems)
    return LoadedScenario(scenario, folder, document.file, document)


_MOST_ROUNDS = 5


def _without(document: Document, wrong: Sequence[Problem], folder: Path) -> LoadedScenario | None:
    """What is left of a scenario without the keys that are wrong; None where it cannot do without."""
    rest = replace(document, data=copy.deepcopy(document.data))
    for _ in range(_MOST_ROUNDS):
        if not all(_leave_out(rest.data, problem.path) for problem in wrong):
            return None
        try:
            scenario = Scenario.model_validate(rest.data)
        except ValidationError as error:
            wrong = translate(error, rest, Scenario)
        else:
            return LoadedScenario(scenario, folder, document.file, document)
    return None


def _leave_out(data: Any, path: str) -> bool:
    """Remove a key that others can do without; whether that went.

    A key that its mapping cannot do without takes that along among the links alone, for no other part of a
    scenario asks whether they are there.
    """
    above, _, key = path.rpartition(".")
    holder = value_at(data, above) if above else data
    if not isinstance(holder, dict) or (not above and key in Scenario.model_fields):
        return False
    if key in holder:
        del holder[key]
        return True
    return above.startswith("comms.") and _leave_out(data, above)


def _elsewhere(document: Document, scenario: Scenario, may_be_anywhere: set[Any]) -> list[Problem]:
    """A network outside of the scenario's folder is the user's to name, and not a file's."""
    grid = scenario.grid
    if grid is None or not Path(grid.network).is_absolute() or grid.network in may_be_anywhere:
        return []
    message = "the path points outside the folder of the file that names it"
    remedy = "Name a file inside it, by a relative path, or name it with --set grid.network=PATH."
    return [Problem(message, remedy, "grid.network", *document.place_of("grid.network"), grid.network)]


def _unknown_keys(beginning: Document) -> list[Problem]:
    """Keys in the beginning of a long scenario that do not exist, whatever its rest may be."""
    if not isinstance(beginning.data, dict) or shelf_of_keys(beginning.data) != "scenarios":
        return []
    own = {key: value for key, value in beginning.data.items() if key not in ("base", "override")}
    return unknown_keys(replace(beginning, data=own), Scenario)
