"""``points.parquet`` as data from outside, checked as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from cosim.core.errors import InputError, Problem
from cosim.results.run_files import REMEDY
from cosim.results.run_tables import reading, require_values, schema_of
from cosim.study.sweep.schema import RESERVED_COLUMNS, SweepConfig


def read_points_table(file: Path, config: SweepConfig) -> pd.DataFrame:
    """The table of a sweep's points.

    Parameters
    ----------
    file : Path
        ``points.parquet``.
    config : SweepConfig
        The sweep whose points they are.

    Raises
    ------
    InputError
        If it is damaged, or no table of this sweep.
    """
    import pyarrow.parquet as pq

    schema = schema_of(file)
    needed = [*RESERVED_COLUMNS, *(axis.column for axis in config.axes)]
    if not set(needed) <= set(schema.names) or len(set(schema.names)) < len(schema.names):
        raise InputError([Problem("this is not a table of this sweep's points", REMEDY, file=str(file))])
    kinds = {"point": "i", "seed": "i", "status": "s", "cause": "s"}
    wrong = [
        field.name
        for field in schema
        if _kind(field.type) not in (kinds.get(field.name) or ("ifbsn" if field.name in needed else "ifn"))
    ]
    if wrong:
        message = "this column of the points holds data that cosim does not write"
        raise InputError([Problem(message, REMEDY, name, str(file)) for name in wrong])
    with reading(file), pq.ParquetFile(file) as source:
        rows = source.read()
    for name in rows.column_names:
        for chunk in rows.column(name).chunks:
            require_values(file, name, chunk, may_lack=name not in RESERVED_COLUMNS)
    table: pd.DataFrame = rows.to_pandas(ignore_metadata=True)
    if not table["status"].isin(("done", "failed")).all() or table["point"].duplicated().any():
        raise InputError(
            [Problem("it does not have one row for each point of a sweep", REMEDY, file=str(file))]
        )
    return table


def _kind(type_: Any) -> str:
    """A letter for a type of column: integer, floating, boolean, string, nothing; else x."""
    import pyarrow as pa

    is_ = pa.types
    tests = (is_.is_integer, is_.is_floating, is_.is_boolean, is_.is_string, is_.is_null)
    return next((letter for letter, test in zip("ifbsn", tests, strict=True) if test(type_)), "x")
