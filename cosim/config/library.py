"""Where the built-in networks and scenarios are: in a wheel beside the code, in a checkout at its top."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cosim.errors import InputError, Problem, suggest

Shelf = Literal["networks", "scenarios"]

_PACKAGE = Path(__file__).resolve().parent.parent


def shelf_folder(shelf: Shelf) -> Path:
    """The folder that holds the built-in files of one kind."""
    packaged = _PACKAGE / "builtin" / shelf
    return packaged if packaged.is_dir() else _PACKAGE.parent / shelf


def names(shelf: Shelf) -> list[str]:
    """Names of the built-in networks or scenarios, sorted."""
    return sorted(file.stem for file in shelf_folder(shelf).glob("*.yaml"))


def locate(shelf: Shelf, name_or_path: str, folder: Path | None = None) -> Path:
    """The file that a name or a path means.

    Parameters
    ----------
    shelf : {"networks", "scenarios"}
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
    looks_like_a_path = name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path
    try:
        if name_or_path and "\0" not in name_or_path and file.exists():
            return file
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise InputError(
            [Problem(f"cannot be read: {error.strerror}", "Name a YAML file.", file=name_or_path)]
        ) from None
    if looks_like_a_path:
        remedy = f"Name a file that exists, or a built-in {shelf[:-1]} (`cosim {shelf}` lists them)."
        raise InputError([Problem("there is no such file", remedy, file=name_or_path)])
    remedy = f"{suggest(name_or_path, known)} `cosim {shelf}` lists all."
    message = f"there is neither a built-in {shelf[:-1]} nor a file of this name"
    raise InputError([Problem(message, remedy.strip(), value=name_or_path)])


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
            [Problem("the path leaves the folder of the file that names it", remedy, value=name)]
        )
    if not exists:
        remedy = f"It is looked for in {folder.resolve()}."
        raise InputError([Problem("there is no such file", remedy, value=name)])
    if not is_file:
        raise InputError([Problem("this is a folder or a device, and no file", "Name a file.", value=name)])
    return file
