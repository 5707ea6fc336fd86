"""What a parsed pandapower JSON document may hold: tables of plain values, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 40
MAX_TEXT_DEPTH = 4


def _words(*lines: str) -> frozenset[str]:
    """The words of some lines."""
    return frozenset(word for line in lines for word in line.split())


NET_TABLES = _words(
    "bus load sgen asymmetric_load asymmetric_sgen storage switch ext_grid line trafo shunt impedance motor",
    "gen ward xward trafo3w dcline svc ssc tcsc vsc bus_dc line_dc source_dc load_dc vsc_stacked vsc_bipolar",
    "bus_geodata line_geodata",
)
"""Tables that describe the grid; what of it a feeder may contain is the feeder's business."""

IGNORED_TABLES = _words(
    "measurement pwl_cost poly_cost group substation loadcases characteristic protection",
    "trafo_characteristic_table trafo_characteristic_spline shunt_characteristic_table",
    "shunt_characteristic_spline q_capability_curve_table q_capability_characteristic",
)
"""Tables that a power flow on the feeder does not read; looked at, then left out."""

PLAIN_KEYS = _words("version format_version name f_hz sn_mva converged OPF_converged")
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
_MARKERS = ("_module", "_class", "_object", "_state")


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - a finding more than an error
    """One thing that is not taken: where in the document, what, and the value."""

    where: str
    message: str
    value: str = ""


def scan_net(document: Any) -> Iterator[Refusal]:
    """Everything in the document that is not a table of plain values."""
    if not isinstance(document, dict) or document.get("_class") != "pandapowerNet":
        yield Refusal("", "no pandapower grid: the file does not begin with a pandapowerNet")
        return
    yield from _wrong_class(document, "", "pandapowerNet")
    for key in document.keys() - {"_module", "_class", "_object"}:
        yield Refusal(key, "unknown key beside the grid")
    tables = document.get("_object")
    if not isinstance(tables, dict):
        yield Refusal("_object", "holds no tables", short(tables))
        return
    for key, value in tables.items():
        yield from _scan_entry(key, value)
    if "bus" not in tables:
        yield Refusal("_object", "has no table 'bus'")


def _scan_entry(key: str, value: Any) -> Iterator[Refusal]:
    """What is wrong with one entry of the grid."""
    where = f"_object.{key}"
    if key == "controller":
        if not _is_empty_frame(value):
            yield Refusal(where, "controllers run code during a power flow and are not taken")
        return
    if key == "user_pf_options":
        if value:
            yield Refusal(where, "solver options are cosim's, not the file's", short(value))
        return
    if key in NET_TABLES or key in IGNORED_TABLES or key.startswith("res_"):
        yield from _scan_frame(value, where)
    elif key == "std_types" or key.startswith("std_types|"):
        yield from _scan_types(value, where)
    elif key in PLAIN_KEYS:
        yield from _scan_plain(value, where)
    elif not (key.startswith("_") and value in (None, {}, [])):
        yield Refusal(where, "unknown key in the grid", short(value))


def _scan_types(value: Any, where: str) -> Iterator[Refusal]:
    """Standard types come as a dictionary of plain values or as a table, by pandapower's version."""
    if isinstance(value, dict) and not any(marker in value for marker in _MARKERS):
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
    yield from _wrong_class(value, where, "DataFrame")
    for key in sorted(value.keys() - FRAME_KEYS):
        yield Refusal(f"{where}.{key}", "unknown key of a table", short(value[key]))
    dtypes = value.get("dtype", {})
    if not isinstance(dtypes, dict):
        yield Refusal(f"{where}.dtype", "must give a type for each column", short(dtypes))
    elif unknown := [kind for kind in dtypes.values() if not isinstance(kind, str) or kind not in DTYPES]:
        yield Refusal(f"{where}.dtype", "names a type that is not taken", short(unknown[0]))
    try:
        body = frame_body(value, where)
    except Refusal as refusal:
        yield refusal
        return
    yield from _scan_values(body, f"{where}._object", depth=3, text_depth=0)


def frame_body(value: dict[str, Any], where: str) -> dict[str, Any]:
    """Columns, index and rows of a table; refused when they are not there, or do not fit each other."""
    text = value.get("_object")
    if isinstance(text, str):
        if not text.lstrip().startswith("{"):
            raise Refusal(
                f"{where}._object", "must hold the table itself, not the name of a file", short(text)
            )
        text = _inner_json(text, f"{where}._object")
    if not isinstance(text, dict) or set(text) != {"columns", "index", "data"}:
        raise Refusal(f"{where}._object", "must hold columns, index and data (orient 'split')", short(text))
    columns, index, data = text["columns"], text["index"], text["data"]
    if not all(isinstance(part, list) for part in (columns, index, data)):
        raise Refusal(f"{where}._object", "columns, index and data must be lists")
    if len(index) != len(data) or any(not isinstance(row, list) or len(row) != len(columns) for row in data):
        raise Refusal(f"{where}._object", "rows, index and columns do not fit each other")
    if any(not isinstance(name, str | int) for name in columns):
        raise Refusal(f"{where}._object.columns", "a column's name must be a text")
    return text


def _inner_json(text: str, where: str) -> Any:
    """JSON that a text of the file holds."""
    try:
        return json.loads(text)
    except RecursionError:
        raise Refusal(where, "nested too deeply") from None
    except ValueError as error:
        raise Refusal(where, f"no JSON: {error}", short(text)) from None


def _wrong_class(value: dict[str, Any], where: str, expected: str) -> Iterator[Refusal]:
    """A refusal if `value` names another class than `expected`, or its module."""
    if value.get("_class") != expected or value.get("_module") not in CLASS_MODULES[expected]:
        named = f"{value.get('_module')}.{value.get('_class')}"
        yield Refusal(
            where, f"only a {expected} is taken here; nothing a file names is imported or called", named
        )


def _scan_values(value: Any, where: str, depth: int, text_depth: int) -> Iterator[Refusal]:
    """Refusals in plain values, in lists and dictionaries of them, and in the JSON that texts hold."""
    if depth > MAX_DEPTH:
        yield Refusal(where, "nested too deeply")
    elif isinstance(value, dict):
        if found := [marker for marker in _MARKERS if marker in value]:
            named = f"{value.get('_module')}.{value.get('_class')}"
            yield Refusal(where, f"an object ('{found[0]}') stands where a plain value belongs", named)
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
        yield Refusal(where, "texts within texts, too deeply", short(text))
        return
    try:
        inner = json.loads(text)
    except RecursionError:
        yield Refusal(where, "nested too deeply")
        return
    except ValueError:
        return
    yield from _scan_values(inner, where, depth + 1, text_depth + 1)


def _is_empty_frame(value: Any) -> bool:
    """Whether `value` is a table without rows."""
    if value is None:
        return True
    if not isinstance(value, dict) or any(_wrong_class(value, "", "DataFrame")):
        return False
    try:
        return not frame_body(value, "")["data"]
    except Refusal:
        return False


def short(value: Any) -> str:
    """`value` as a text that fits a message."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
