"""A pandapower JSON file read as data.

``pandapower.from_json`` trusts its file: it imports modules that the file names, resolves functions, opens
local files named in a DataFrame, and lets the file set solver options. Here the file is parsed as plain
JSON, every value in it is looked at (texts that hold JSON too), and anything but tables of plain values is
refused. The tables are then built here, so that pandapower never interprets the file at all.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosim.errors import InputError, Problem
from cosim.grid.json_scan import NET_TABLES, frame_body, scan_net, short

if TYPE_CHECKING:
    import pandas as pd
    from pandapower.auxiliary import pandapowerNet

MAX_BYTES = 50_000_000
MAX_PROBLEMS = 20
_REMEDY = "save the grid with pandapower.to_json without controllers, solver options and objects of your own"


def read_net(file: Path) -> pandapowerNet:
    """The grid in a pandapower JSON file.

    Parameters
    ----------
    file : Path
        A file as ``pandapower.to_json`` writes it, of at most 50 MB.

    Returns
    -------
    pandapowerNet
        A net with the file's grid tables, converted to the installed pandapower's format. Results, standard
        types, costs, measurements and solver options are not taken over.

    Raises
    ------
    InputError
        If the file is missing, too large, not JSON, nested too deeply, or holds anything but tables of plain
        values; every refusal says where in the file.
    """
    return _build(read_document(file)["_object"], file)


def read_document(file: Path) -> dict[str, Any]:
    """The parsed and harmless document, without a net made of it: this needs no pandapower.

    Raises
    ------
    InputError
        As `read_net`, but for what only the making of tables finds.
    """
    document: dict[str, Any] = _parse(file)
    refusals = list(scan_net(document))
    if refusals:
        raise InputError(
            [Problem(r.message, _REMEDY, r.where, str(file), value=r.value) for r in refusals[:MAX_PROBLEMS]]
        )
    return document


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
        return json.loads(raw.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        problem = Problem(f"no JSON: {error.msg}", _REMEDY, file=str(file), line=error.lineno)
    except UnicodeDecodeError:
        problem = Problem("no UTF-8 text, so no JSON", _REMEDY, file=str(file))
    except ValueError as error:  # a number of more digits than Python converts
        problem = Problem(f"no JSON: {error}", _REMEDY, file=str(file))
    except RecursionError:
        problem = Problem("nested too deeply", _REMEDY, file=str(file))
    raise InputError([problem])


def _build(tables: dict[str, Any], file: Path) -> pandapowerNet:
    """The net with the grid tables of a document that was found harmless."""
    import pandapower as pp

    net = pp.create_empty_network(add_stdtypes=False)
    problems: list[Problem] = []
    for key in sorted(tables.keys() & NET_TABLES):
        try:
            net[key] = _frame(tables[key], net.get(key))
        except (ValueError, TypeError, OverflowError) as error:
            problems.append(Problem(f"no table of grid data: {error}", _REMEDY, f"_object.{key}", str(file)))
    for key in ("f_hz", "sn_mva"):
        value = tables.get(key, net[key])
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            problems.append(
                Problem("must be a positive number", _REMEDY, f"_object.{key}", str(file), value=short(value))
            )
        net[key] = value
    if problems:
        raise InputError(problems)
    net.name = str(tables.get("name") or "")
    return _converted(net, tables, file)


def _converted(net: pandapowerNet, tables: dict[str, Any], file: Path) -> pandapowerNet:
    """`net` in the installed pandapower's format; files of older versions name some columns otherwise."""
    import pandapower as pp

    version = tables.get("format_version", tables.get("version"))
    if not isinstance(version, str) or not re.fullmatch(r"\d+(\.\d+){1,3}", version):
        remedy = "save the grid with pandapower.to_json"
        where = "_object.format_version"
        raise InputError([Problem("names no format version", remedy, where, str(file), value=short(version))])
    net.format_version = version
    try:
        pp.convert_format(net)
    except Exception as error:
        message = f"pandapower cannot convert it from format {version}: {error}"
        raise InputError([Problem(message, _REMEDY, file=str(file))]) from error
    net.user_pf_options = {}
    return net


def _frame(value: dict[str, Any], template: pd.DataFrame | None) -> pd.DataFrame:
    """The table that one entry of the document describes; columns the file lacks come from `template`."""
    import pandas as pd

    body = frame_body(value, "")
    if len(set(body["index"])) != len(body["index"]):
        raise ValueError("an index is given twice")
    if any(isinstance(label, bool) or not isinstance(label, int) or label < 0 for label in body["index"]):
        raise ValueError("an index is no whole number")
    if len(set(body["columns"])) != len(body["columns"]):
        raise ValueError("a column is given twice")
    frame = pd.DataFrame(body["data"], index=pd.Index(body["index"], dtype="int64"), columns=body["columns"])
    for column, kind in value.get("dtype", {}).items():
        if column in frame.columns:
            frame[column] = _as_kind(frame[column], kind)
    if template is not None and frame.empty:
        return template
    return frame


def _as_kind(values: pd.Series, kind: str) -> pd.Series:
    """`values` in the type that the file gives for them; missing ones stay missing."""
    import pandas as pd

    if kind in ("object", "str", "string", "category"):
        return values.astype(object).where(values.notna(), None)
    if kind.startswith("float"):
        return pd.to_numeric(values, errors="raise").astype("float64")
    if values.isna().any():
        return values.astype("boolean").astype(object) if kind.startswith("bool") else values.astype("Int64")
    if kind.startswith("bool") and not values.isin([True, False]).all():
        raise ValueError(f"column '{values.name}' holds something else than true and false")
    return values.astype(kind)
