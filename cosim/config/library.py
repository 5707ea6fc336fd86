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
        Where built-in names are looked up.
    name_or_path : str
        A built-in name, or a path that ends in ``.yaml`` or ``.yml``.
    folder : Path, optional
        What a relative path is relative to; the working directory by default.

    Raises
    ------
    InputError
        If it is neither a built-in name nor an existing file; the closest name is suggested.
    """
    if name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path:
        file = Path(name_or_path) if folder is None else folder / name_or_path
        if file.exists():
            return file
        raise InputError([Problem("no such file", file=name_or_path)])
    known = names(shelf)
    if name_or_path in known:
        return shelf_folder(shelf) / f"{name_or_path}.yaml"
    remedy = f"{suggest(name_or_path, known)} `cosim {shelf}` lists all.".strip()
    raise InputError([Problem(f"no built-in {shelf[:-1]} has this name", remedy, value=name_or_path)])
