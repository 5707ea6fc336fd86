"""A pandapower JSON file read as data.

``pandapower.from_json`` trusts its file: it imports modules that the file names, resolves functions, opens
local files named in a DataFrame, and lets the file set solver options. Here the file is parsed as plain
JSON, every value that is taken is looked at (texts that hold JSON too), and an object among them is refused.
What a power flow does not need, controllers, solver options and unknown keys, is left out by name and stays
text. The tables are then built here, so that pandapower never interprets the file at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosim.core.errors import InputError, Problem
from cosim.grid.characteristics import apply_characteristics
from cosim.grid.column_check import column_problems, shown
from cosim.grid.column_types import typed
from cosim.grid.grid_source import GridSource
from cosim.grid.json_frames import frame_body, short, unique_keys
from cosim.grid.json_scan import NET_TABLES, Contents, sort_document
from cosim.grid.old_taps import keep_phase_shifters, name_phase_shifters

if TYPE_CHECKING:
    import pandas as pd
    from pandapower.auxiliary import pandapowerNet

MAX_BYTES = 100_000_000
MAX_PROBLEMS = 20
_REMEDY = "save the grid with pandapower.to_json"


def read_net(file: Path) -> pandapowerNet:
    """The grid in a pandapower JSON file, without what else stands in it; see `read_file`."""
    return read_file(file).net


def read_file(file: Path) -> GridSource:
    """What a pandapower JSON file gives.

    Parameters
    ----------
    file : Path
        A file as ``pandapower.to_json`` of version 1.2 or later writes it, of at most 100 MB.

    Returns
    -------
    GridSource
        A net with the file's grid tables, converted to the installed pandapower's format, and the file's
        profiles. Results, standard types, costs and measurements are not taken over; controllers, solver
        options and unknown keys are in `left_out`.

    Raises
    ------
    InputError
        If the file is missing, too large, not JSON, nested too deeply, holds an object where a plain value
        belongs, or a cell that cannot be computed; every refusal says where in the file.
    """
    contents = sort_document(_parse(file))
    if contents.refusals:
        refusals = contents.refusals[:MAX_PROBLEMS]
        raise InputError([Problem(r.message, _REMEDY, r.where, str(file), value=r.value) for r in refusals])
    net = _build(contents.tables, file)
    profiles = _profiles(contents, file)
    return GridSource(
        net,
        left_out=tuple(contents.left_out),
        profiles=profiles,
        file=str(file),
        controllers=tuple(contents.controllers),
    )


def _parse(file: Path) -> Any:
    """The parsed document; refused when too large or no JSON."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            [Problem(f"cannot be read: {error.strerror}", "name a file", file=str(file))]
        ) from error
    if len(raw) > MAX_BYTES:
        message = f"larger than {MAX_BYTES // 1_000_000} MB"
        remedy = "save the grid without results and profiles"
        raise InputError([Problem(message, remedy, file=str(file), value=f"{file.stat().st_size} bytes")])
    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=unique_keys)
    except json.JSONDecodeError as error:
        cause = error.msg.removesuffix(" at").removesuffix(
            " starting"
        )  # of "... starting at: line 1 column 8"
        problem = Problem(f"not JSON: {cause}", _REMEDY, file=str(file), line=error.lineno)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        problem = Problem("not UTF-8 text, so not JSON", _REMEDY, file=str(file), line=line)
    except ValueError as error:  # a number of more digits than Python converts, or a key that is there twice
        problem = Problem(f"not JSON: {error}", _REMEDY, file=str(file))
    except RecursionError:
        problem = Problem("nested too deeply", _REMEDY, file=str(file))
    raise InputError([problem])


def _build(tables: dict[str, Any], file: Path) -> pandapowerNet:
    """The net with the grid tables of a document that was found harmless."""
    import pandapower as pp

    problems: list[Problem] = []
    frames: dict[str, pd.DataFrame] = {}
    for key in sorted(tables.keys() & NET_TABLES):
        try:
            frames[key] = _frame(tables[key], f"_object.{key}")
        except ValueError as error:
            problems.append(
                Problem(f"not a table of grid data: {error}", _REMEDY, f"_object.{key}", str(file))
            )
    problems += _single_values(tables, file)
    if not problems:
        problems = [_in_file(problem, file) for problem in column_problems(frames, is_converted=False)]
    if problems:
        raise InputError(problems)
    net = pp.create_empty_network(add_stdtypes=False)
    empty = {key: net[key] for key in NET_TABLES & net.keys()}  # making one anew takes half a second
    for key, frame in frames.items():
        if len(frame) or key not in empty:
            net[key] = typed(key, frame, tables[key].get("dtype", {}))
    for key in ("f_hz", "sn_mva", "sn_kva"):
        if key in tables:
            net[key] = tables[key]
    if "sn_kva" in tables and "sn_mva" not in tables:
        del net["sn_mva"]
    elif "sn_kva" in tables:
        del net["sn_kva"]
    net.name = str(tables.get("name") or "")
    net = _converted(net, tables, file)
    for key, table in empty.items():
        if not len(net[key]):
            net[key] = table.copy()
    return net


def _in_file(problem: Problem, file: Path) -> Problem:
    """The same problem, with the file."""
    return Problem(problem.message, problem.remedy, problem.path, str(file), value=problem.value)


def _single_values(tables: dict[str, Any], file: Path) -> Iterator[Problem]:
    """What is wrong with the values that hold for the whole grid."""
    for key in ("f_hz", "sn_mva", "sn_kva"):
        value = tables.get(key, 1.0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            given = shown(value) if isinstance(value, str) else short(value)
            message = "must be a positive number"
            yield Problem(message, "correct it", f"_object.{key}", str(file), value=given)


def _converted(net: pandapowerNet, tables: dict[str, Any], file: Path) -> pandapowerNet:
    """`net` in the installed pandapower's format; files of older versions name some columns otherwise."""
    import pandapower as pp

    version = tables.get("format_version", tables.get("version"))
    if isinstance(version, float) and not isinstance(version, bool):
        version = str(version)
    if not isinstance(version, str) or not re.fullmatch(r"\d+(\.\w+){1,4}", version):
        where = "_object.format_version"
        raise InputError(
            [Problem("names no format version", _REMEDY, where, str(file), value=short(version))]
        )
    if _numbers(version) > _numbers(pp.__format_version__):
        message = (
            f"its format {version} is newer than {pp.__format_version__}, the newest that the installed "
            f"pandapower {pp.__version__} reads"
        )
        remedy = f"save the grid with pandapower {pp.__version__} or older"
        raise InputError([Problem(message, remedy, "_object.format_version", str(file))])
    net.format_version = version
    shifters = keep_phase_shifters(net)
    try:
        pp.convert_format(net, drop_invalid_geodata=True)
    except Exception as error:
        message = f"pandapower cannot convert it from format {version}: {error}"
        raise InputError([Problem(message, _REMEDY, file=str(file))]) from error
    name_phase_shifters(net, shifters)
    problems = [_in_file(each, file) for each in apply_characteristics(net, tables.get("characteristic"))]
    if problems:
        raise InputError(problems)
    net.user_pf_options = {}
    return net


def _numbers(version: str) -> list[int]:
    """The numbers of a version, to be compared."""
    return [int(number) for number in re.findall(r"\d+", version)][:3]


def _frame(value: dict[str, Any], where: str) -> pd.DataFrame:
    """The table that one entry of the document describes, its cells as they stand there."""
    import pandas as pd

    body = frame_body(value, where)
    if any(isinstance(i, bool) or not isinstance(i, int) or not 0 <= i < 2**63 for i in body["index"]):
        raise ValueError("an index is not a whole number")
    if len(set(body["index"])) != len(body["index"]):
        raise ValueError("an index is given twice")
    if len(set(body["columns"])) != len(body["columns"]):
        raise ValueError("a column is given twice")
    index = pd.Index(body["index"], dtype="int64")
    return pd.DataFrame(body["data"], index=index, columns=body["columns"], dtype=object)


def _profiles(contents: Contents, file: Path) -> dict[str, pd.DataFrame] | None:
    """The file's time series, by name; numbers throughout but for the column `time`."""
    import pandas as pd

    profiles: dict[str, pd.DataFrame] = {}
    problems: list[Problem] = []
    for name, table in contents.profiles.items():
        where = f"_object.profiles.{name}"
        body = frame_body(table, where)
        frame = pd.DataFrame(body["data"], columns=body["columns"])
        for column in frame.columns.drop("time", errors="ignore"):
            if frame[column].dtype.kind not in "iuf" or not frame[column].map(_is_finite).all():
                message = "the profile holds values that are not numbers"
                problems.append(Problem(message, "complete it", f"{where}.{column}", str(file)))
        if len(set(body["columns"])) < len(body["columns"]):
            problems.append(Problem("a column is given twice", "rename one", where, str(file)))
        profiles[name] = frame
    if problems:
        raise InputError(problems[:MAX_PROBLEMS])
    return profiles or None


def _is_finite(value: float) -> bool:
    return abs(value) < float("inf")
