"""The network that a scenario names: built in, described by a network file, or a pandapower file itself.

What a scenario's file names lies in its folder. On the command line and in Python a user may name any file:
relative to the working directory or, where it is not there, to the scenario's folder.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cosim.config.library import local_file, locate, names
from cosim.config.pydantic_errors import translate
from cosim.config.yaml_reader import read_yaml
from cosim.core.errors import InputError, Problem
from cosim.grid.schema import JsonSource, NetworkConfig


def load_network(name_or_path: str, folder: Path) -> tuple[NetworkConfig, Path]:
    """Read the description of a network.

    Parameters
    ----------
    name_or_path : str
        A built-in name, or a path relative to `folder`; an absolute path was given on the command line. A
        file that ends in ``.json`` is a pandapower grid itself, with nothing said of it but its name.
    folder : Path
        The scenario's folder.

    Returns
    -------
    NetworkConfig, Path
        The network, and the folder its file lies in.

    Raises
    ------
    InputError
        With every problem found.
    """
    if name_or_path in names("networks"):
        file, shown = locate("networks", name_or_path), ""
    else:
        file, shown = locate("networks", name_or_path, folder), name_or_path
        if not Path(name_or_path).is_absolute():
            local_file(folder, name_or_path)
    if file.suffix.lower() == ".json":
        return _of_json(file), file.parent
    document = read_yaml(file, shown)
    if not isinstance(document.data, dict):
        remedy = "A network file starts with `name: ...`."
        raise InputError([Problem("keys and values are expected", remedy, file=document.file, line=1)])
    try:
        return NetworkConfig.model_validate(document.data), file.parent
    except ValidationError as error:
        raise InputError(translate(error, document, NetworkConfig)) from None


def _of_json(file: Path) -> NetworkConfig:
    """The description of a grid that is named by its file alone."""
    name = re.sub(r"[^A-Za-z0-9_\-]", "_", file.stem)[:48]
    return NetworkConfig(
        name=name if name[:1].isalpha() else f"network_{name}",
        title=f"the grid in {file.name}",
        source=JsonSource(kind="json", file=file.name),
        origin=f"{file.name}, named directly",
        licence="not stated",
    )


def named_by_the_user(path: str, value: Any, folder: Path) -> Any:
    """What a user gives for `path`, its network's file found from the working directory.

    Parameters
    ----------
    path : str
        Where the value goes: ``grid.network``, or ``grid`` with a network in it.
    value : object
        The value as parsed.
    folder : Path
        The scenario's folder; a file in it is named relative to it, any other by its absolute path.
    """
    if path == "grid" and isinstance(value, dict) and "network" in value:
        return value | {"network": named_by_the_user("grid.network", value["network"], folder)}
    if path != "grid.network" or not isinstance(value, str) or value in names("networks"):
        return value
    try:
        here, home = Path(value).resolve(), folder.resolve()
        if not here.is_file() and (folder / value).is_file():
            here = (folder / value).resolve()
        if not here.is_file() and not Path(value).is_absolute() and ".." not in Path(value).parts:
            return value
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, links in a circle
        return value
    return str(here.relative_to(home)) if here.is_relative_to(home) else str(here)
