"""Objects of Python in a scenario become files: a pandapower net is saved as JSON, a DataFrame as CSV.

A run takes data from files alone, so that what it keeps of them lets it be run again to the same bytes. Plain
scalars of numpy, pandas and the standard library become those of YAML.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from cosim.config.library import names
from cosim.core.errors import InputError, Problem
from cosim.grid.network_file import load_network
from cosim.grid.schema import JsonSource

SAVED = "inputs"
"""Folder, within that of the scenario, that objects are saved in."""
_NETWORK, _FILE = "network", "file"


def plain(value: Any, saved: Objects, path: str = "") -> Any:
    """`value` as YAML could hold it; nets and tables in it are noted in `saved` and replaced by their files.

    Parameters
    ----------
    value : object
        Mappings, sequences, scalars, models, nets and tables.
    saved : Objects
        Takes nets and tables.
    path : str
        Where it stands in the scenario.
    """
    kind = _kind(value)
    if kind:
        return saved.add(value, kind, path)
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): plain(each, saved, _joined(path, str(key))) for key, each in value.items()}
    if isinstance(value, str | bool | int | float) or value is None:
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, datetime.datetime | datetime.date):  # pandas' time stamps too
        return value.isoformat()
    if callable(getattr(value, "tolist", None)):  # arrays and scalars of numpy
        return plain(value.tolist(), saved, path)
    if isinstance(value, list | tuple):
        return [plain(each, saved, _joined(path, _item(each, number))) for number, each in enumerate(value)]
    message, remedy = "a scenario cannot hold such an object", "Use numbers, strings, lists and mappings."
    raise InputError([Problem(message, remedy, path, value=type(value).__name__)])


class Objects:
    """Nets and tables that a scenario holds, each with the name of its file."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[Any, str, str]] = {}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._files)

    def add(self, value: Any, kind: str, path: str) -> str:
        """The file that an object will be saved in, relative to the scenario's folder.

        Raises
        ------
        InputError
            If no file is named at `path`.
        """
        key = path.rpartition(".")[2]
        if key != (_NETWORK if kind == "net" else _FILE):
            what, where = ("a net", "grid.network") if kind == "net" else ("a table", "a key `file`")
            message = f"{what} is given here, where the scenario takes no such file"
            raise InputError([Problem(message, f"Give it as {where}.", path)])
        for name, (other, _, _) in self._files.items():
            if other is value:
                return name
        stem = re.sub(r"\W+", "_", path.removesuffix(f".{_FILE}")).strip("_")
        name = f"{SAVED}/{stem}.{'json' if kind == 'net' else 'csv'}"
        self._files[name] = value, kind, path
        return name

    def save(self, folder: Path) -> None:
        """Write the files.

        Raises
        ------
        InputError
            If an object cannot be written as data.
        """
        for name, (value, kind, path) in self._files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                _save_net(value, file) if kind == "net" else _save_table(value, file)
            except InputError as error:
                raise InputError([Problem(p.message, p.remedy, path) for p in error.problems]) from None


def _kind(value: Any) -> str:
    """``net``, ``table``, or nothing: by its class's name, so that neither package is loaded to find out."""
    found = {f"{each.__module__.partition('.')[0]}.{each.__name__}" for each in type(value).__mro__}
    if "pandapower.pandapowerNet" in found:
        return "net"
    return "table" if found & {"pandas.DataFrame", "pandas.Series"} else ""


def _save_net(net: Any, file: Path) -> None:
    import pandapower as pp

    try:
        pp.to_json(net, str(file))
    except Exception as error:
        message = f"pandapower cannot save this net as JSON ({type(error).__name__}: {error})"
        raise InputError([Problem(message, "Remove what is not grid data.")]) from error


def _save_table(table: Any, file: Path) -> None:
    """A table as CSV; an index of time stamps becomes its first column."""
    import pandas as pd

    frame = table.to_frame() if isinstance(table, pd.Series) else table
    if isinstance(frame.index, pd.MultiIndex) or isinstance(frame.columns, pd.MultiIndex):
        raise InputError([Problem("this table has a multi-level index", "Use plain rows and columns.")])
    has_stamps = isinstance(frame.index, pd.DatetimeIndex)
    label = frame.index.name or "time"
    frame.to_csv(file, index=has_stamps, index_label=label if has_stamps else None, lineterminator="\n")


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _item(value: Any, number: int) -> str:
    """How an item of a list is named: by its `name` where it has one."""
    name = value.get("name") if isinstance(value, Mapping) else None
    return name if isinstance(name, str) else str(number)


def copy_files(data: Any, source: Path, target: Path, key: str = "") -> Any:
    """Copy the files that a scenario's data name into another folder; gives the data as they are right there.

    Parameters
    ----------
    data : object
        Plain data of a scenario, or of a part of it.
    source, target : Path
        The folder that the files are in, and the one that they are to be in. What is in `target` already is
        left; what is nowhere is left to be told of by whoever reads it.
    key : str
        The key that the data stand at.
    """
    if isinstance(data, list):
        return [copy_files(each, source, target) for each in data]
    if isinstance(data, dict):
        return {name: copy_files(value, source, target, name) for name, value in data.items()}
    if isinstance(data, str) and key in (_FILE, _NETWORK):
        return _copied(key, data, source, target)
    return data


def _copied(key: str, value: str, source: Path, target: Path) -> str:
    leaves = ".." in Path(value).parts  # refused when the scenario is read
    if leaves or "\0" in value or ((target / value).is_file() and not Path(value).is_absolute()):
        return value
    if key == _FILE:
        if not Path(value).is_absolute():
            _copy(source / value, target / value)
        return value
    if value in names("networks") or not (source / value).is_file():
        return value
    name = f"network/{Path(value).name}" if Path(value).is_absolute() else value
    for file, kept in _network_files(source, value, name):
        _copy(file, target / kept)
    return name


def _network_files(folder: Path, value: str, name: str) -> Iterator[tuple[Path, str]]:
    """The file of a network and that of its grid, each with its path in the other folder."""
    yield folder / value, name
    network, network_folder = load_network(value, folder)
    if isinstance(network.source, JsonSource):
        file = network.source.file
        yield network_folder / file, os.path.normpath(Path(name).parent / file)


def _copy(file: Path, target: Path) -> None:
    if file.is_file() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
