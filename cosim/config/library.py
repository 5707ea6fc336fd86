"""Where built-in networks, scenarios, sweeps and studies are: in a wheel beside the code, else at its top.

Scenarios, sweeps and impact studies share a folder; a file's own keys say which of them it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

from cosim.config.yaml_reader import MAX_BYTES
from cosim.core.context import Context
from cosim.core.errors import InputError, Problem, suggest

Shelf = Literal["networks", "scenarios", "sweeps", "studies"]
STUDY_KEYS = ("technologies", "modes")
"""Keys at the top of a file that make it an impact study."""
SWEEP_KEYS = ("axes", "sample", "seeds", "keep")
"""Keys at the top of a file that make it a sweep, if it is no study: no scenario has them."""
_SINGULAR = {"networks": "network", "scenarios": "scenario", "sweeps": "sweep", "studies": "impact study"}
_COMMANDS = {"scenarios": "run", "sweeps": "sweep", "studies": "impact"}

_PACKAGE = Path(__file__).resolve().parent.parent


def shelf_folder(shelf: Shelf) -> Path:
    """The folder that holds the built-in files of one kind."""
    folder = "networks" if shelf == "networks" else "scenarios"
    packaged = _PACKAGE / "builtin" / folder
    return packaged if packaged.is_dir() else _PACKAGE.parent / folder


def names(shelf: Shelf) -> list[str]:
    """Names of the built-in networks, scenarios, sweeps or studies, sorted."""
    files = shelf_folder(shelf).glob("*.yaml")
    return sorted(file.stem for file in files if shelf == "networks" or _shelf_of_file(file) == shelf)


def shelf_of_keys(keys: Collection[Any]) -> Shelf:
    """What a file is, by the keys at its top."""
    if any(key in keys for key in STUDY_KEYS):
        return "studies"
    return "sweeps" if any(key in keys for key in SWEEP_KEYS) else "scenarios"


def may_be_more_than_a_scenario(file: Path) -> bool:
    """Whether a file holds a word that could be a sweep's or a study's key, found out without parsing it."""
    if not file.is_file() or file.stat().st_size > MAX_BYTES:
        return False
    return any(key.encode() in file.read_bytes() for key in (*SWEEP_KEYS, *STUDY_KEYS))


@cache
def _shelf_of_file(file: Path) -> Shelf:
    """What a built-in file is, by its keys at the beginning of a line; files do not change meanwhile."""
    return shelf_of_keys(re.findall(r"^(\w+)\s*:", file.read_text(encoding="utf-8"), re.MULTILINE))


def locate(shelf: Shelf, name_or_path: str, folder: Path | None = None) -> Path:
    """The file that a name or a path means.

    Parameters
    ----------
    shelf : {"networks", "scenarios", "sweeps", "studies"}
        Where built-in names are looked up; they go before files.
    name_or_path : str
        A built-in name, or a path.
    folder : Path, optional
        What a relative path is relative to; the working directory by default.

    Raises
    ------
    InputError
        If it is neither a built-in name nor something that exists; the closest name is suggested.
    """
    known = names(shelf)
    if name_or_path in known:
        return shelf_folder(shelf) / f"{name_or_path}.yaml"
    file = Path(name_or_path) if folder is None else folder / name_or_path
    looks_like_a_path = name_or_path.lower().endswith((".yaml", ".yml", ".json")) or "/" in name_or_path
    try:
        if name_or_path and "\0" not in name_or_path and file.exists():
            return file
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise InputError(
            [Problem(f"cannot be read: {error.strerror}", "Name a YAML file.", file=name_or_path)]
        ) from None
    lists = "networks" if shelf == "networks" else "scenarios"
    if looks_like_a_path:
        remedy = f"Name a file that exists, or a built-in {_SINGULAR[shelf]} (`cosim {lists}` lists them)."
        raise InputError([Problem("there is no such file", remedy, file=name_or_path)])
    for other, command in _COMMANDS.items():
        if shelf in _COMMANDS and shelf != other and name_or_path in names(other):  # type: ignore[arg-type]
            message = f"this is {_article(other)}, not {_article(shelf)}"
            raise InputError([Problem(message, f"`cosim {command}` runs it.", value=name_or_path)])
    remedy = f"{suggest(name_or_path, known)} `cosim {lists}` lists all."
    message = f"there is neither a built-in {_SINGULAR[shelf]} nor a file of this name"
    raise InputError([Problem(message, remedy.strip(), value=name_or_path)])


def _article(shelf: str) -> str:
    return f"{'an' if shelf == 'studies' else 'a'} {_SINGULAR[shelf]}"


def local_file(folder: Path, name: str) -> Path:
    """The file `name` in `folder`, which must be there, be a plain file and not lie elsewhere.

    Parameters
    ----------
    folder : Path
        Folder of the file that names it.
    name : str
        A relative path.

    Raises
    ------
    InputError
        If it does not exist, is no file, or leaves the folder, also by a symbolic link.
    """
    file = folder / name
    try:
        inside = not Path(name).is_absolute() and file.resolve().is_relative_to(folder.resolve())
        exists, is_file = file.exists(), file.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, links in a circle
        inside, exists, is_file = True, False, False
    if not inside:
        remedy = "Put the file into that folder, and name it by a relative path."
        raise InputError(
            [Problem("the path points outside the folder of the file that names it", remedy, value=name)]
        )
    if not exists:
        remedy = f"It is looked for in {folder.resolve()}."
        raise InputError([Problem("there is no such file", remedy, value=name)])
    if not is_file:
        raise InputError([Problem("this is a folder or a device, not a file", "Name a file.", value=name)])
    return file


def file_problems(context: Context, path: str, name: str) -> Iterator[Problem]:
    """What is wrong with a file that the scenario names at `path`: it must be there, and in its folder."""
    try:
        local_file(context.folder, name)
    except InputError as error:
        for problem in error.problems:
            yield context.problem(path, problem.message, problem.remedy, problem.value)
