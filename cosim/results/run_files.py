"""What a run or a sweep left, as data from outside: read without following links, and checked once.

A directory may have been copied half, edited, made by another version, or sent by somebody. So whatever
reads one (`report`, `compare`, `robustness`, `sweep --resume`) reads through here, and what is not as cosim
wrote it is refused with the file's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    ValidationError,
)

from cosim.core.errors import InputError, Problem, SimulationError
from cosim.core.plugin_modules import blamed, plugins
from cosim.core.text import shortened
from cosim.results.safe_files import require_plain

MAX_JSON_BYTES = 20_000_000
LARGEST = 1e100
"""No number of a run is larger; one that is was not computed."""
REMEDY = "It was changed or damaged after it was written; produce it again, or leave it out."


def _not_absurd(number: float | int | None) -> float | int | None:
    largest = 2**63 - 1 if isinstance(number, int) else LARGEST
    if number is not None and not abs(number) <= largest:  # of NaN nothing is true
        raise ValueError("no run has such a number")
    return number


_Count = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
_Seconds = Annotated[StrictInt | StrictFloat, Field(ge=0), AfterValidator(_not_absurd)]
Number = Annotated[StrictInt | StrictFloat | None, AfterValidator(_not_absurd)]
"""A number of a summary; None where it does not exist."""


class _Summary(BaseModel):
    """``summary.json``: sentences, and numbers by name."""

    model_config = ConfigDict(extra="allow", strict=True)

    __pydantic_extra__: dict[str, Number]
    verdict: str = ""


class _Plugin(BaseModel):
    """A module from outside whose classes were registered."""

    model_config = ConfigDict(extra="forbid", strict=True)

    module: str
    version: str


class _Record(BaseModel):
    """What both records say; what else stands in them is kept as it is."""

    model_config = ConfigDict(extra="allow", strict=True)

    status: Literal["running", "done", "failed", "interrupted"]
    start: str = ""
    end: str = ""
    cosim: str = ""
    python: str = ""
    packages: dict[str, str | None] = {}
    plugins: list[_Plugin] = []


class RunRecord(_Record):
    """``run.json``."""

    cause: str = ""
    scenario: str = ""
    seed: _Count | None = None
    scenario_hash: str = ""
    seconds: dict[str, _Seconds] = {}
    events: _Count = 0
    simulated_until_ms: _Count = 0
    report: str = ""


class SweepRecord(_Record):
    """``sweep.json``."""

    sweep: str = ""
    hash: str = ""
    seconds: _Seconds = 0.0
    points: _Count = 0
    done: _Count = 0
    failed: _Count = 0
    workers: _Count = 0
    executor: str = ""


class FinishedPoint(BaseModel):
    """A line of ``finished.jsonl``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    point: _Count
    status: Literal["done", "failed"]
    cause: str
    summary: dict[str, Number]


_Model = TypeVar("_Model", bound=BaseModel)


def require_run(folder: Path) -> None:
    """Refuse what is no directory of a run, or holds links where cosim reads and writes.

    Raises
    ------
    InputError
        With everything that is so.
    """
    if not (folder / "run.json").is_file():
        raise InputError([no_run(folder)])
    names = ("run.json", "summary.json", "scenario.yaml", "report.html", "report.html.partial")
    require_plain(folder, names, ("tables", "figures"))


def no_run(folder: Path) -> Problem:
    """That a directory is none of a run."""
    return Problem("this is not a run directory", "A run directory contains a run.json.", file=str(folder))


def read_run_record(folder: Path) -> dict[str, Any]:
    """Content of ``run.json``, of which what cosim uses has the right types; empty where there is none.

    Raises
    ------
    InputError
        If it is not what cosim writes.
    """
    return _record(folder / "run.json", RunRecord)


def missing_plugins(scenario: Path) -> Iterator[Problem]:
    """Plugins that a run was made with and that are not loaded, if this is the scenario that it kept."""
    folder = scenario.parent
    if scenario.name != "scenario.yaml" or not (folder / "run.json").is_file():
        return
    here = {plugin.module for plugin in plugins()}
    with suppress(InputError):  # a damaged record is told of by whoever reads it
        for plugin in read_run_record(folder).get("plugins", []):
            module, version = plugin["module"], plugin["version"]
            if module not in here:
                source = f"{module}.py" if version.startswith("sha256:") and "." not in module else module
                message = f"this run was made with the plugin {module}, which is not loaded"
                remedy = f"Load it: --plugin {source}, or in Python cosim.plugins.load('{source}')."
                yield Problem(message, remedy, file=str(folder / "run.json"), value=version)


def read_sweep_record(folder: Path) -> dict[str, Any]:
    """The same of ``sweep.json``."""
    return _record(folder / "sweep.json", SweepRecord)


def read_summary(folder: Path) -> dict[str, float | int | None]:
    """Content of ``summary.json``, numbers by name; empty where the run never got that far.

    Raises
    ------
    InputError
        If it is not what cosim writes.
    """
    file = folder / "summary.json"
    content = _bytes(file)
    if content is None:
        return {}
    try:
        return _Summary.model_validate_json(content).model_extra or {}
    except ValidationError as error:
        raise InputError(_problems(error, file)) from None


def _record(file: Path, model: type[_Model]) -> dict[str, Any]:
    content = _bytes(file)
    if content is None:
        return {}
    try:
        return model.model_validate_json(content).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise InputError(_problems(error, file)) from None


def _bytes(file: Path) -> bytes | None:
    """A JSON file as it is; None where there is none."""
    require_plain(file.parent, [file.name])
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            message = f"{file.stat().st_size / 1e6:.0f} MB is larger than any such file that cosim writes"
            raise InputError([Problem(message, REMEDY, file=str(file))])
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise InputError([Problem(message, "Check the permissions.", file=str(file))]) from None


def _problems(error: ValidationError, file: Path) -> list[Problem]:
    """Everything that is wrong with a JSON file, a problem for each place."""
    by_path: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        # Of a number that may be whole or not, pydantic tells both: the key is enough.
        path, value = str(next(iter(detail["loc"]), "")), detail["input"]
        if detail["type"] == "json_invalid":
            message, shown = f"this is not a JSON object: {detail['ctx']['error']}", ""
        elif detail["type"] in ("model_type", "dict_type"):
            message, shown = "this is not a JSON object", ""
        else:
            message, shown = "cosim never writes such a value", shortened(ascii(value), 60)
        by_path.setdefault(path, Problem(message, REMEDY, path, str(file), 0, shown))
    return list(by_path.values())


@contextmanager
def made_from(place: Path, what: str) -> Iterator[None]:
    """Let what cannot be made of files that are right one by one be told of the place they stand in.

    Parameters
    ----------
    place : Path
        The directory they are in.
    what : str
        What is being made, as ``the figure 'signals'``.

    Raises
    ------
    InputError
        In place of an error that names nothing.
    SimulationError
        In place of one that arose in a plugin.
    """
    try:
        yield
    except (InputError, SimulationError, OSError, MemoryError):
        raise
    except Exception as error:
        said = blamed(error)
        if said:
            raise SimulationError(f"{what} cannot be produced: {said}") from error
        why = shortened(" ".join(f"{type(error).__name__}: {error}".split()), 200)
        message = f"{what} cannot be produced from what is here ({why})"
        remedy = "Run its scenario again; if that does not help, please report it."
        raise InputError([Problem(message, remedy, file=str(place))]) from error
