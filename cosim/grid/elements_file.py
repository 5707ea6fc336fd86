"""The loads and generators of a SimBench grid, read from the cache without loading pandapower."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cosim.grid.elements import KINDS, ElementRecord, record_of
from cosim.grid.simbench_data import cached_grid_file


def read_elements(code: str) -> tuple[ElementRecord, ...]:
    """The elements in service of a SimBench grid, in the order that `take_elements` gives.

    Parameters
    ----------
    code : str
        SimBench code.

    Raises
    ------
    InputError
        If there is no such grid, or the package `simbench` is missing.
    """
    return cached_grid_file(code, _parse)


def _parse(file: Path) -> tuple[ElementRecord, ...]:
    tables = json.loads(file.read_text(encoding="utf-8"))["_object"]
    records = []
    for kind in KINDS:
        for index, row in _rows(tables.get(kind)):
            if row["in_service"]:
                records.append(record_of(kind, index, row))
    return tuple(records)


def _rows(table: Any) -> list[tuple[int, dict[str, Any]]]:
    """Rows of a table that pandapower wrote as JSON in JSON, by index."""
    if not isinstance(table, dict):
        return []
    frame = json.loads(table["_object"])
    rows = [dict(zip(frame["columns"], values, strict=True)) for values in frame["data"]]
    return sorted(zip((int(index) for index in frame["index"]), rows, strict=True), key=lambda row: row[0])
