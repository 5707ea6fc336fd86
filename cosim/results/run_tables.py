"""The tables of a run as data from outside: no link is followed, and each is checked as it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem
from cosim.core.tables import Column
from cosim.core.text import shortened
from cosim.results.arrow_arrays import plain
from cosim.results.row_chunks import SUFFIX, read_chunks
from cosim.results.run_files import LARGEST, REMEDY
from cosim.results.safe_files import require_plain

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_800_000
"""The end of the year 9999, ms since 1970."""


def table_files(run_folder: Path, name: str, known: Sequence[Column] = ()) -> list[Path]:
    """Files that hold a table of a run: one where the run ended, else what it had written; each checked.

    Parameters
    ----------
    run_folder : Path
        The run's directory.
    name : str
        The table's name.
    known : sequence of Column
        The columns whose type is known.

    Raises
    ------
    InputError
        If one is no plain file, cannot be read, or its columns are not those that cosim writes.
    """
    tables = run_folder / "tables"
    whole, parts = tables / f"{name}.parquet", tables / ".parts"
    _require_no_link(run_folder, name)
    # Earlier versions wrote batches, in a folder for each table.
    files = (
        [whole] if whole.exists() else [*sorted((parts / name).glob("*.parquet")), parts / f"{name}{SUFFIX}"]
    )
    files = [file for file in files if file.exists()]
    for file in files:
        _require_columns(file, known)
    return files


def _require_columns(file: Path, known: Sequence[Column]) -> None:
    schema = schema_of(file)
    # Columns that are left out, or of another version, are the reader's to see.
    wrong = [
        column.name
        for column in known
        if column.name in schema.names and not _fits(column, schema.field(column.name).type)
    ]
    if len(set(schema.names)) < len(schema.names):
        raise InputError([Problem("a column of this table occurs twice", REMEDY, file=str(file))])
    if wrong:
        message = "a column of this table holds data that cosim does not write"
        raise InputError([Problem(message, REMEDY, file=str(file), value=each) for each in wrong])


def _fits(column: Column, type_: Any) -> bool:
    import pyarrow as pa

    return bool(
        {
            "time": pa.types.is_timestamp,
            "text": pa.types.is_string,
            "integer": pa.types.is_integer,
            "number": lambda of: pa.types.is_floating(of) or pa.types.is_integer(of),
            "flag": pa.types.is_boolean,
        }[column.type](type_)
    )


def schema_of(file: Path) -> Any:
    """The columns of a file of rows and their types, as Arrow's schema; texts are plain."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with reading(file):
        if file.suffix == SUFFIX:
            return next((_plainly(each).schema for each in _chunks(file)), pa.schema([]))
        return pq.read_schema(file)


def n_rows(file: Path) -> int:
    """How many rows a file has."""
    import pyarrow.parquet as pq

    with reading(file):
        if file.suffix == SUFFIX:
            return sum(each.num_rows for each in read_chunks(file))
        return int(pq.read_metadata(file).num_rows)


def written_rows(file: Path) -> Any:
    """What a run that has not ended left in a file, as Arrow's table."""
    import pyarrow as pa

    with reading(file):
        return pa.concat_tables([_plainly(each) for each in _chunks(file)])


def batches(file: Path, columns: Sequence[str], coded: bool = False) -> Iterator[Any]:
    """The rows of a file in order, as record batches of a row group or less.

    Parameters
    ----------
    file : Path
        The file.
    columns : sequence of str
        The columns to read.
    coded : bool
        Whether texts come as numbers into a list of texts.

    Raises
    ------
    InputError
        If it is damaged, or lacks a column or a value.
    """
    schema = schema_of(file)
    lacking = [name for name in columns if name not in schema.names]
    if lacking:
        raise InputError([Problem("this table lacks a column", REMEDY, name, str(file)) for name in lacking])
    groups = _chunk_groups if file.suffix == SUFFIX else _row_groups
    for group in groups(file, columns, coded):
        for batch in group.to_batches():
            if batch.num_rows:
                for name in columns:
                    require_values(file, name, batch.column(name))
                yield batch


def _row_groups(file: Path, columns: Sequence[str], coded: bool) -> Iterator[Any]:
    """The row groups of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with reading(file):
        schema = pq.read_schema(file)
        texts = [name for name in columns if coded and pa.types.is_string(schema.field(name).type)]
        source = pq.ParquetFile(file, read_dictionary=texts)
    with source:
        # One row group at a time: `iter_batches` over a whole file with texts holds on to it.
        for number in range(source.num_row_groups):
            with reading(file):
                group = source.read_row_group(number, columns=list(columns))
            yield group


def _chunk_groups(file: Path, columns: Sequence[str], coded: bool) -> Iterator[Any]:
    """The chunks of a file that a run left."""
    with reading(file):
        for chunk in _chunks(file):
            group = _plainly(chunk.select(list(columns)))
            yield _dictionaries(group) if coded else group


def _chunks(file: Path) -> Iterator[Any]:
    """The chunks of a file, each looked at as data from outside."""
    for chunk in read_chunks(file):
        chunk.validate(full=True)
        yield chunk


def _plainly(table: Any) -> Any:
    """A table with its texts written out."""
    import pyarrow as pa

    columns = [pa.chunked_array([plain(each) for each in column.chunks]) for column in table.columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _dictionaries(table: Any) -> Any:
    """A table with its texts as dictionaries."""
    import pyarrow as pa

    is_text = [pa.types.is_string(field.type) for field in table.schema]
    columns = zip(table.columns, is_text, strict=True)
    return pa.Table.from_arrays(
        [column.dictionary_encode() if text else column for column, text in columns], names=table.column_names
    )


def rows_between(file: Path, columns: Sequence[str], start: datetime, end: datetime) -> list[dict[str, Any]]:
    """The rows of a table's file whose `time` is from one instant up to before another.

    Parameters
    ----------
    file : Path
        The file; of a finished table only those row groups are read in which such rows may be.
    columns : sequence of str
        The columns to read beside `time`.
    start, end : datetime
        With a time zone.
    """
    import pyarrow.parquet as pq

    first_ms, end_ms = ((each - _EPOCH) // timedelta(milliseconds=1) for each in (start, end))
    others = [name for name in columns if name != "time"]
    found: list[dict[str, Any]] = []
    with reading(file):
        if file.suffix == SUFFIX:
            for chunk in _chunks(file):
                found += _stretch(
                    chunk.column("time"), partial(_plainly, chunk.select(others)), first_ms, end_ms
                )
            return found
        with pq.ParquetFile(file) as source:
            for number in range(source.num_row_groups):
                read = partial(source.read_row_group, number, use_threads=False)
                times = read(columns=["time"]).column(0)
                found += _stretch(times, partial(read, columns=others), first_ms, end_ms)
    return found


def _stretch(times: Any, read: Callable[[], Any], first_ms: int, end_ms: int) -> Iterator[dict[str, Any]]:
    """The rows of a group between two times; its other columns are read if there are any."""
    import pyarrow as pa

    # Arrow's own filters, and its way from times to Python, import pandas.
    time_ms = np.from_dlpack(times.combine_chunks().view(pa.int64()))
    wanted = np.flatnonzero((time_ms >= first_ms) & (time_ms < end_ms))
    if len(wanted):
        rows = read().slice(wanted[0], wanted[-1] - wanted[0] + 1).to_pylist()
        for row in wanted.tolist():
            time = _EPOCH + timedelta(milliseconds=int(time_ms[row]))
            yield {"time": time} | rows[row - wanted[0]]


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Let whatever Parquet's reader finds wrong be told of the file.

    Raises
    ------
    InputError
        In place of the reader's own errors.
    """
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        why = shortened(" ".join(str(error).split()), 200)
        raise InputError([Problem(f"this table cannot be read: {why}", REMEDY, file=str(file))]) from None


def require_values(file: Path, name: str, column: Any, may_lack: bool = False) -> None:
    """Refuse a column in which something is missing that no table lacks, or a number that nothing computes.

    Parameters
    ----------
    file : Path
        Where it stands.
    name : str
        Its name.
    column : pyarrow.Array
        Its values.
    may_lack : bool
        Whether a whole number may be missing.

    Raises
    ------
    InputError
        If it is so.
    """
    import pyarrow as pa

    type_ = column.type
    message = ""
    always_there = pa.types.is_integer(type_) or pa.types.is_timestamp(type_) or pa.types.is_boolean(type_)
    if always_there and not may_lack and column.null_count:
        message = "a value is missing in this column"
    if not message and pa.types.is_timestamp(type_) and len(column):
        is_ms = type_.unit == "ms" and not column.null_count
        times = np.from_dlpack(column.view(pa.int64())) if is_ms else _other_times_ms(column)
        message = "a time is out of range" if abs(times).max() > _LAST_MS else ""
    if pa.types.is_floating(type_) and len(column):
        # Arrow's way with gaps imports pandas.
        numbers = column.to_numpy(zero_copy_only=False) if column.null_count else np.from_dlpack(column)
        message = "a number is out of range" if np.nanmax(abs(numbers), initial=0) > LARGEST else ""
    if message:
        raise InputError([Problem(message, REMEDY, name, str(file))])


def _other_times_ms(column: Any) -> NDArray[np.int64]:
    return np.asarray(column.to_numpy(zero_copy_only=False).astype("datetime64[ms]").astype(np.int64))


def _require_no_link(run_folder: Path, name: str) -> None:
    """Refuse links on the way to a table, also where only one table is asked for."""
    tables = run_folder / "tables"
    for folder in (tables, tables / ".parts", tables / ".parts" / name):
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            require_plain(folder.parent, [], [folder.name])
    require_plain(tables, [f"{name}.parquet"])
    if (tables / ".parts").exists():
        require_plain(tables / ".parts", [f"{name}{SUFFIX}"], [name])
