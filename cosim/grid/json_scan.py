"""What a parsed pandapower document holds: tables of plain values are taken, else left out or refused."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cosim.grid.grid_source import LeftOut
from cosim.grid.json_frames import MARKERS, Refusal, frame_body, inner_json, short
from cosim.grid.tap_control import Controller, controller

MAX_DEPTH = 40
MAX_TEXT_DEPTH = 4


def _words(*lines: str) -> frozenset[str]:
    """The words of some lines."""
    return frozenset(word for line in lines for word in line.split())


NET_TABLES = _words(
    "bus load sgen asymmetric_load asymmetric_sgen storage switch ext_grid line trafo shunt impedance motor",
    "gen ward xward trafo3w dcline svc ssc tcsc vsc bus_dc line_dc source_dc load_dc vsc_stacked vsc_bipolar",
    "bus_geodata line_geodata trafo_characteristic_table shunt_characteristic_table",
)
"""Tables that describe the grid; what of it a feeder may contain is the feeder's business."""

UNREAD_TABLES = _words(
    "measurement pwl_cost poly_cost piecewise_linear_cost polynomial_cost group substation loadcases",
    "protection bus_dc_geodata line_dc_geodata",
)
"""Tables of plain values that no power flow reads; looked at, then left out."""

OBJECT_TABLES = _words(
    "characteristic trafo_characteristic_spline shunt_characteristic_spline",
    "q_capability_curve_table q_capability_characteristic q_capability_curve_characteristic",
)
"""Tables of pandapower's objects; `characteristic` is read as numbers, the others bear on nothing."""

PLAIN_KEYS = _words(
    "version format_version name f_hz sn_mva sn_kva converged pf_converged OPF_converged dtypes index_names"
)
FRAME_KEYS = _words(
    "_module _class _object orient dtype is_multiindex is_multicolumn",
    "index_name column_name index_names column_names",
)
DTYPES = _words(
    "object str string bool boolean category float32 float64",
    "int8 int16 int32 int64 Int8 Int16 Int32 Int64",
    "uint8 uint16 uint32 uint64 UInt8 UInt16 UInt32 UInt64",
)
CLASS_MODULES = {
    "pandapowerNet": {"pandapower.auxiliary"},
    "DataFrame": {"pandas.core.frame", "pandas"},
}
_LOOKS_LIKE_JSON = re.compile(r'^\s*[\[{"]')


@dataclass
class Contents:
    """A document, sorted into what is taken, what is left out, and what is refused."""

    tables: dict[str, Any] = field(default_factory=dict)
    """Everything in the net by its key, as parsed."""
    profiles: dict[str, Any] = field(default_factory=dict)
    """The tables of time series, as parsed."""
    left_out: list[LeftOut] = field(default_factory=list)
    """What the net holds beside its tables."""
    controllers: list[Controller] = field(default_factory=list)
    """The controllers among that, as plain values."""
    refusals: list[Refusal] = field(default_factory=list)
    """What stands where a plain value belongs."""


def sort_document(document: Any) -> Contents:
    """What a parsed file holds; nothing in it is imported, called or opened."""
    found = Contents()
    try:
        found.tables = _tables(document)
    except Refusal as refusal:
        found.refusals.append(refusal)
        return found
    if "bus" not in found.tables:
        found.refusals.append(Refusal("_object", "has no table 'bus'"))
    unknown: list[str] = []
    for key, value in found.tables.items():
        if key == "profiles" and isinstance(value, dict) and not any(marker in value for marker in MARKERS):
            for name, table in value.items():
                found.refusals += _scan_frame(table, f"_object.profiles.{name}")
            found.profiles = value
        elif key == "controller":
            found.controllers = _controllers(value)
            found.left_out += controllers_left_out(found.controllers)
        elif key == "user_pf_options":
            found.left_out += _options(value)
        elif _is_known(key):
            found.refusals += _scan_entry(key, value)
        elif not (key.startswith("_") and value in (None, {}, [])):
            unknown.append(key)
    if unknown:
        found.left_out.append(LeftOut("unknown keys", len(unknown), ", ".join(map(short, sorted(unknown)))))
    return found


def _tables(document: Any) -> dict[str, Any]:
    """The net's entries, in whatever way a version of pandapower wraps them.

    Since 2.1 the file is an object of class pandapowerNet; in 1.6.1 to 2.0 what it holds is a text; in 1.6.0
    and before the entries stand in the file itself, in 1.4 and 1.5 with the single values below
    ``parameters``.
    """
    if not isinstance(document, dict) or not (
        document.get("_class") == "pandapowerNet" or _is_bare(document)
    ):
        raise Refusal("", "not a pandapower grid: the file does not begin with a pandapowerNet")
    tables: Any = document
    if "_class" in document:
        for refusal in _wrong_class(document, "", "pandapowerNet"):
            raise refusal
        for key in document.keys() - {"_module", "_class", "_object"}:
            raise Refusal(key, "unknown key beside the grid")
        tables = document.get("_object")
        if isinstance(tables, str) and tables.lstrip().startswith("{"):
            tables = inner_json(tables, "_object")
    if not isinstance(tables, dict):
        raise Refusal("_object", "holds no tables", short(tables))
    parameters = tables.get("parameters")
    if isinstance(parameters, dict) and isinstance(parameters.get("parameter"), dict):
        tables = {key: value for key, value in tables.items() if key != "parameters"} | parameters[
            "parameter"
        ]
    return dict(tables)


def _is_bare(document: dict[str, Any]) -> bool:
    """Whether the entries of a net stand in the document itself."""
    return not any(marker in document for marker in MARKERS) and isinstance(document.get("bus"), dict)


def _is_known(key: str) -> bool:
    """Whether pandapower gives a net this key."""
    return (
        key in NET_TABLES | UNREAD_TABLES | OBJECT_TABLES | PLAIN_KEYS
        or key.startswith(("res_", "_empty_res", "std_types|"))
        or key.endswith("std_types")
    )


def _scan_entry(key: str, value: Any) -> Iterator[Refusal]:
    """What is wrong with one entry of the grid that pandapower knows."""
    where = f"_object.{key}"
    if key in NET_TABLES or key in UNREAD_TABLES or key.startswith(("res_", "_empty_res")):
        yield from _scan_frame(value, where)
    elif "std_types" in key:
        yield from _scan_types(value, where)
    elif key in ("dtypes", "index_names"):
        yield from _scan_values(value, where, depth=2, text_depth=0)
    elif key in PLAIN_KEYS:
        yield from _scan_plain(value, where)


def _controllers(value: Any) -> list[Controller]:
    """Controllers run code during a power flow: of each its row is read, as plain values."""
    try:
        body = frame_body(value, "") if isinstance(value, dict) else {"columns": [], "data": []}
    except Refusal:
        body = {"columns": ["object"], "data": [[value]]}
    return [_controller(dict(zip(map(str, body["columns"]), row, strict=True))) for row in body["data"]]


def _controller(row: dict[str, Any]) -> Controller:
    """The controller of a row: the class that an object in it names, and what stands in that."""
    cell = row.get("object")
    if not isinstance(cell, dict):
        cell = next((each for each in row.values() if _class_of(each)), {})
    state = cell.get("_object")
    if isinstance(state, str):
        try:
            state = inner_json(state, "")
        except Refusal:
            state = None
    module = cell.get("_module")
    known = state if isinstance(state, dict) else {}
    return controller(_class_of(cell), module if isinstance(module, str) else "", row, known)


def controllers_left_out(controllers: Sequence[Controller]) -> Iterator[LeftOut]:
    """Controllers that do not act, counted by the class that they name."""
    classes = Counter(each.name or "unnamed" for each in controllers)
    detail = ", ".join(f"{number} {name}" for name, number in sorted(classes.items()))
    if controllers:
        yield LeftOut("controller", len(controllers), detail)


def _class_of(cell: Any) -> str:
    """The name of the class that an object in a cell names; empty where it is none."""
    if not isinstance(cell, dict):
        return ""
    name = cell.get("_class")
    return short(name) if isinstance(name, str) else "object"


def _options(value: Any) -> Iterator[LeftOut]:
    """Solver options that the file sets: cosim's own count."""
    if not value:
        return
    if not isinstance(value, dict):
        yield LeftOut("user_pf_options", 1, short(value))
    else:
        detail = ", ".join(f"{short(key)} = {short(option)}" for key, option in sorted(value.items()))
        yield LeftOut("user_pf_options", len(value), detail)


def _scan_types(value: Any, where: str) -> Iterator[Refusal]:
    """Standard types come as a dictionary of plain values or as a table, by pandapower's version."""
    if isinstance(value, dict) and not any(marker in value for marker in MARKERS):
        yield from _scan_values(value, where, depth=2, text_depth=0)
    elif value is not None:
        yield from _scan_frame(value, where)


def _scan_plain(value: Any, where: str) -> Iterator[Refusal]:
    """A single plain value."""
    if isinstance(value, dict | list):
        yield Refusal(where, "must be a single value", short(value))
    else:
        yield from _scan_values(value, where, depth=2, text_depth=0)


def _scan_frame(value: Any, where: str) -> Iterator[Refusal]:
    """What is wrong with one table."""
    if not isinstance(value, dict):
        yield Refusal(where, "must be a table", short(value))
        return
    if any(marker in value for marker in MARKERS):
        yield from _wrong_class(value, where, "DataFrame")
        for key in sorted(value.keys() - FRAME_KEYS):
            yield Refusal(f"{where}.{key}", "unknown key of a table", short(value[key]))
        dtypes = value.get("dtype", {})
        if not isinstance(dtypes, dict):
            yield Refusal(f"{where}.dtype", "must give a type for each column", short(dtypes))
        elif unknown := [kind for kind in dtypes.values() if not isinstance(kind, str) or kind not in DTYPES]:
            yield Refusal(f"{where}.dtype", "names a type that is not accepted", short(unknown[0]))
    try:
        body = frame_body(value, where)
    except Refusal as refusal:
        yield refusal
        return
    yield from _scan_values(body, f"{where}._object", depth=3, text_depth=0)


def _wrong_class(value: dict[str, Any], where: str, expected: str) -> Iterator[Refusal]:
    """A refusal if `value` names another class than `expected`, or its module."""
    module = value.get("_module")
    if (
        value.get("_class") != expected
        or not isinstance(module, str)
        or module not in CLASS_MODULES[expected]
    ):
        named = f"{value.get('_module')}.{value.get('_class')}"
        yield Refusal(
            where,
            f"only a {expected} is accepted here; nothing that a file names is imported or called",
            short(named),
        )


def _scan_values(value: Any, where: str, depth: int, text_depth: int) -> Iterator[Refusal]:
    """Refusals in plain values, in lists and dictionaries of them, and in the JSON that texts hold."""
    if depth > MAX_DEPTH:
        yield Refusal(where, "nested too deeply")
    elif isinstance(value, dict):
        if found := [marker for marker in MARKERS if marker in value]:
            named = f"{value.get('_module')}.{value.get('_class')}"
            yield Refusal(where, f"an object ('{found[0]}') stands where a plain value belongs", short(named))
            return
        for key, inner in value.items():
            yield from _scan_values(inner, f"{where}.{key}", depth + 1, text_depth)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            if isinstance(inner, dict | list | str):
                yield from _scan_values(inner, f"{where}[{position}]", depth + 1, text_depth)
    elif isinstance(value, str) and _LOOKS_LIKE_JSON.match(value):
        yield from _scan_text(value, where, depth, text_depth)


def _scan_text(text: str, where: str, depth: int, text_depth: int) -> Iterator[Refusal]:
    """Refusals in a text that holds JSON, if it does."""
    if text_depth >= MAX_TEXT_DEPTH:
        yield Refusal(where, "strings within strings, nested too deeply", short(text))
        return
    try:
        inner = json.loads(text)
    except RecursionError:
        yield Refusal(where, "nested too deeply")
        return
    except ValueError:
        return
    yield from _scan_values(inner, where, depth + 1, text_depth + 1)
