"""Files in a directory that others may have had in their hands: no link is followed, none is half written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from cosim.core.errors import InputError, Problem

_REMEDY = "Remove it, or create the directory again; nothing was read or written through it."


def require_plain(folder: Path, files: Iterable[str] = (), folders: Iterable[str] = ()) -> None:
    """Refuse a directory in which something is a link, or of another kind than it should be.

    Parameters
    ----------
    folder : Path
        The directory; it may be reached by links itself.
    files : iterable of str
        Names in it that are files where they exist.
    folders : iterable of str
        Names in it that are directories where they exist, with nothing but plain files and directories below.

    Raises
    ------
    InputError
        With every such place.
    """
    problems = [p for name in files if (p := _problem(folder / name, is_folder=False))]
    for name in folders:
        problem = _problem(folder / name, is_folder=True)
        problems += [problem] if problem else _below(folder / name)
    if problems:
        raise InputError(problems)


def _below(folder: Path) -> list[Problem]:
    """What is neither a plain file nor a directory below a directory."""
    found = []
    for here, names, files in os.walk(folder):  # links to directories are named among these, and not followed
        for name in sorted(names):
            found.append(_problem(Path(here, name), is_folder=True))
        for name in sorted(files):
            found.append(_problem(Path(here, name), is_folder=False))
    return [problem for problem in found if problem is not None]


def _problem(path: Path, is_folder: bool) -> Problem | None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        return Problem(f"cannot be inspected: {error.strerror}", "Check the permissions.", file=str(path))
    if stat.S_ISLNK(mode):
        message = "this is a symbolic link, and cosim writes none"
    elif stat.S_ISDIR(mode) == is_folder and (is_folder or stat.S_ISREG(mode)):
        return None
    else:
        message = f"this should be a {'directory' if is_folder else 'file'}"
    return Problem(message, _REMEDY, file=str(path))


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that appears whole or not at all; what stood there is replaced, and no link followed.

    Parameters
    ----------
    path : Path
        The file; its directory exists.
    content : str or bytes
        Text is written as UTF-8.
    """
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    # Anew: a link, or another name of a file elsewhere, that is put there in between is not written through.
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content.encode("utf-8") if isinstance(content, str) else content)
    os.replace(partial, path)
