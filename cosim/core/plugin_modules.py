"""Modules from outside whose classes have been registered: loading them, and saying which they are.

A module is loaded because the user says so, by importing it, by ``--plugin``, or by installing a package with
an entry point. A scenario never loads one: a file from outside stays data.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import NamedTuple

from cosim.core.errors import CosimError, Problem, SimulationError
from cosim.core.registry import PluginError, outside_classes

GROUP = "cosim.plugins"
"""Entry points of this group are loaded wherever scenarios are read."""
_MAIN = "__main__"


class Plugin(NamedTuple):
    """A module from outside with classes that are registered."""

    module: str
    """Its name."""
    file: str
    """Where it stands; empty where it was typed in."""
    version: str
    """Of the installed package that it belongs to, else the beginning of its file's SHA-256."""

    def content(self) -> dict[str, str]:
        """As ``run.json`` holds it, which does not depend on where it stands."""
        return {"module": self.module, "version": self.version}


def plugins() -> tuple[Plugin, ...]:
    """Every module from outside with a class that is registered, sorted by name."""
    modules = sorted({cls.__module__ for cls in outside_classes()})
    return tuple(Plugin(name, _file_of(name), _version(name)) for name in modules)


def load_plugin(module: str) -> None:
    """Import a module, so that it registers its classes.

    Parameters
    ----------
    module : str
        Its name, or the path of a file that ends in ``.py``.

    Raises
    ------
    PluginError
        If it cannot be imported, or one of its classes cannot be registered.
    """
    path = Path(module)
    try:
        if path.suffix == ".py":
            _import_file(path, path.stem)
        else:
            import_module(module)
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError([_not_imported(module, error)]) from error


@cache
def load_installed() -> None:
    """Import what installed packages offer as entry points of the group ``cosim.plugins``, once.

    Raises
    ------
    PluginError
        If one cannot be imported.
    """
    for entry in sorted(metadata.entry_points(group=GROUP)):
        load_plugin(entry.value.partition(":")[0])


def load_same(wanted: Iterable[Plugin]) -> None:
    """Import, in a worker, the modules that are loaded where the sweep was started.

    Raises
    ------
    SimulationError
        If one is not here, or is another version.
    """
    for plugin in wanted:
        if plugin not in plugins():
            _load_same(plugin)


def for_workers() -> tuple[Plugin, ...]:
    """The modules that workers are to load.

    Raises
    ------
    PluginError
        If a class was defined in the user's script or in a notebook, which workers do not run.
    """
    found = plugins()
    if any(plugin.module == _MAIN for plugin in found):
        own = [cls for cls in outside_classes() if cls.__module__ == _MAIN]
        message = (
            "workers of a sweep cannot load a class that is defined in the script itself or in a notebook"
        )
        remedy = "Put it into a file of its own, and import that."
        raise PluginError([Problem(message, remedy, value=cls.__name__) for cls in own])
    return found


def blamed(error: BaseException) -> str:
    """What to say of an error that arose in a plugin; empty where it did not."""
    files = {plugin.file: plugin for plugin in plugins() if plugin.file}
    at: BaseException | None = error
    while at is not None and not isinstance(at, CosimError):
        for frame in reversed(traceback.extract_tb(at.__traceback__)):
            if frame.filename in files:
                place = f"{frame.filename}:{frame.lineno}"
                return f"the plugin {files[frame.filename].module} failed ({place}): {_told(at)}"
        at = at.__cause__  # SimPy raises another one of the same type
    return ""


@contextmanager
def blaming_plugins() -> Iterator[None]:
    """Let an error that arises in a plugin be told as what it is.

    Raises
    ------
    SimulationError
        In its place, with the error itself as its cause.
    """
    try:
        yield
    except Exception as error:
        said = blamed(error)
        if not said:
            raise
        raise SimulationError(said) from error


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _load_same(plugin: Plugin) -> None:
    try:
        # A file is loaded by its path: what has its name here may be something else.
        if plugin.file and Path(plugin.file).is_file() and "." not in plugin.module:
            _import_file(Path(plugin.file), plugin.module)
        else:
            import_module(plugin.module)
    except Exception as error:
        raise SimulationError(
            f"a worker of the sweep cannot load the plugin {plugin.module}: {_told(error)}"
        ) from error
    here = _version(plugin.module)
    if here != plugin.version:
        raise SimulationError(
            f"a worker has the plugin {plugin.module} as {here}, and this sweep has it as {plugin.version}"
        )


def _import_file(path: Path, name: str) -> None:
    """Import a file as a module of this name, which it keeps if it is imported again."""
    file = path.resolve()
    loaded = sys.modules.get(name)
    if loaded is not None and _is_at(loaded, file):
        return
    if not file.is_file():
        raise PluginError([Problem("there is no such file", "Name a module, or a file.", file=str(path))])
    known = importlib.util.find_spec(name) if name.isidentifier() and loaded is None else None
    is_taken = loaded is not None or (known is not None and Path(known.origin or "").resolve() != file)
    if is_taken or not name.isidentifier():
        message = f"a module cannot be called '{name}', or another one has this name"
        raise PluginError([Problem(message, "Give the file another name.", file=str(path))])
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None  # its name ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _is_at(module: object, file: Path) -> bool:
    own = getattr(module, "__file__", None)
    return own is not None and Path(own).resolve() == file


def _not_imported(module: str, error: BaseException) -> Problem:
    """What is wrong with a module, at the place of it where it went wrong."""
    if isinstance(error, SyntaxError):
        file, line = error.filename or module, error.lineno or 0
        return Problem(
            f"the plugin is not valid Python: {error.msg}",
            "Correct the file at this line.",
            file=file,
            line=line,
        )
    if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
        beside = (
            f" There is a file {module}.py here: write ./{module}.py."
            if Path(f"{module}.py").is_file()
            else ""
        )
        return Problem(
            f"there is no module '{module}'", f"Install it, or name a file.{beside}", file="--plugin"
        )
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and not frame.filename.startswith("<frozen")
    ]
    file, line = (frames[-1].filename, frames[-1].lineno or 0) if frames else (module, 0)
    message = f"the plugin {module} cannot be imported ({_told(error)})"
    return Problem(message, "Correct it, or leave out the plugin.", file=file, line=line)


def _file_of(module: str) -> str:
    return str(getattr(sys.modules.get(module), "__file__", None) or "")


def _version(module: str) -> str:
    """Version of the distribution that a module came with, else the beginning of its file's hash."""
    names = _distributions().get(module.partition(".")[0], [])
    if names:
        return metadata.version(names[0])
    file = _file_of(module)
    if not file:
        return "typed in"
    return f"sha256:{hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]}"


@cache
def _distributions() -> dict[str, list[str]]:
    """Names of modules to the distributions they came with."""
    return {name: list(each) for name, each in metadata.packages_distributions().items()}
