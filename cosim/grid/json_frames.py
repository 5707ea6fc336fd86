"""Tables in a parsed pandapower document: in whatever way a version writes them, columns, index and rows."""

from __future__ import annotations

import json
import re
import reprlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

MARKERS = ("_module", "_class", "_object", "_state")
"""Keys by which pandapower writes an object and not a plain value."""


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - a finding more than an error
    """One thing that is not taken: where in the document, what, and the value."""

    where: str
    message: str
    value: str = ""


def frame_body(value: dict[str, Any], where: str) -> dict[str, Any]:
    """Columns, index and rows of a table; refused when they are not there, or do not fit each other."""
    if not any(marker in value for marker in MARKERS):
        return _columns_body(value, where)
    text = value.get("_object")
    if isinstance(text, str):
        if not text.lstrip().startswith("{"):
            raise Refusal(
                f"{where}._object", "must hold the table itself, not the name of a file", short(text)
            )
        text = inner_json(text, f"{where}._object")
    if not isinstance(text, dict) or set(text) != {"columns", "index", "data"}:
        raise Refusal(f"{where}._object", "must hold columns, index and data (orient 'split')", short(text))
    columns, index, data = text["columns"], text["index"], text["data"]
    if not all(isinstance(part, list) for part in (columns, index, data)):
        raise Refusal(f"{where}._object", "columns, index and data must be lists")
    if len(index) != len(data) or any(not isinstance(row, list) or len(row) != len(columns) for row in data):
        raise Refusal(f"{where}._object", "rows, index and columns do not fit each other")
    if any(not isinstance(name, str | int) for name in columns):
        raise Refusal(f"{where}._object.columns", "a column's name must be text")
    return text


def _columns_body(value: dict[str, Any], where: str) -> dict[str, Any]:
    """The same of a table of pandapower before 1.6: each column maps the index, a text, to a value."""
    columns = list(value)
    if any(not isinstance(value[name], dict) for name in columns):
        raise Refusal(where, "must be a table, each column a mapping from index to value")
    index = list(value[columns[0]]) if columns else []
    if any(value[name].keys() != set(index) for name in columns):
        raise Refusal(where, "the columns do not have the same index")
    numbers = [int(label) if re.fullmatch(r"\d{1,15}", label) else label for label in index]
    return {
        "columns": columns,
        "index": numbers,
        "data": [[value[name][i] for name in columns] for i in index],
    }


def inner_json(text: str, where: str) -> Any:
    """JSON that a text of the file holds."""
    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except RecursionError:
        raise Refusal(where, "nested too deeply") from None
    except ValueError as error:
        raise Refusal(where, f"not JSON: {error}", short(text)) from None


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs; JSON's own reader takes the last of two equal keys in silence."""
    made = dict(pairs)
    if len(made) != len(pairs):
        twice = next(key for key, number in Counter(key for key, _ in pairs).items() if number > 1)
        raise ValueError(f"the key '{short(twice)}' is given twice in one object")
    return made


def short(value: Any) -> str:
    """`value` as a text that fits a message."""
    if isinstance(value, dict | list):
        return reprlib.repr(value)  # as short for the largest and the deepest
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
