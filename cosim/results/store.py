"""The run directory: tables grow during the run, and a status that never promises too much.

What comes during a run goes to the end of one file a table under ``tables/.parts``. When the run ends,
however it ends, a table of its own is made of each. A run that was killed leaves what it had written, and
``run.json`` still says ``running``.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cosim.core.tables import ColumnData, Table
from cosim.results.arrow_arrays import arrow_array, arrow_type, plain
from cosim.results.row_chunks import SUFFIX, append_chunks, read_chunks
from cosim.results.run_tables import table_files, written_rows

ROWS_PER_BATCH = 16_384
"""Rows that a killed run can lose of each table, at most."""
ROWS_PER_GROUP = 131_072
"""Rows that are written and read together in a finished table, at most."""
NUMBERS_PER_GROUP = 4 * ROWS_PER_GROUP
"""So many numbers at most: a table of many columns has fewer rows in a group."""


class Nowhere:
    """A table and a store of tables that keeps nothing, for runs of which only the summary is wanted."""

    keeps_rows = False

    def writer(self, table: Table) -> Nowhere:
        """Takes the rows of any table."""
        return self

    def write_table(self, table: Table, data: Mapping[str, ColumnData]) -> None:
        """Takes a whole table."""

    def append(self, data: Mapping[str, ColumnData]) -> None:
        """Lets the rows go."""

    def save(self) -> None:
        """Has nothing to save."""


class TableWriter:
    """Takes the rows of one table; keeps up to `ROWS_PER_BATCH` until they are written or saved.

    The finished table is cut by number of rows alone, so its bytes do not depend on when rows arrive.
    """

    def __init__(self, folder: Path, table: Table) -> None:
        self._columns = columns = table.columns
        # A dictionary of measured numbers is tried, found useless and thrown away: half the time of writing.
        repeating = [column.name for column in columns if column.type != "number"]
        self._format: dict[str, Any] = {"compression": "zstd", "use_dictionary": repeating}
        self._saved = folder / ".parts" / f"{table.name}{SUFFIX}"
        self._target = folder / f"{table.name}.parquet"
        self._pending: list[Any] = []
        self._n_pending = self._n_saved = 0
        self._is_finished = False

    def append(self, data: Mapping[str, ColumnData]) -> None:
        """Add rows.

        Parameters
        ----------
        data : mapping
            One array or list for each column of the table, all of one length.
        """
        import pyarrow as pa

        arrays = [arrow_array(column, data[column.name]) for column in self._columns]
        table = pa.Table.from_arrays(arrays, names=[column.name for column in self._columns])
        self._pending.append(table)
        self._n_pending += table.num_rows
        if self._n_pending >= ROWS_PER_BATCH:
            self.save()

    def save(self) -> None:
        """Write the rows that wait, if there are any."""
        if self._n_pending and not self._is_finished:
            self._saved.parent.mkdir(exist_ok=True)
            append_chunks(self._saved, self._pending)
            self._n_saved += self._n_pending
            self._pending, self._n_pending = [], 0

    def finish(self) -> None:
        """Make one file of all rows, which appears whole or not at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._is_finished:
            return
        schema = pa.schema([(column.name, arrow_type(column)) for column in self._columns])
        partial = self._target.with_suffix(".parquet.partial")
        with pq.ParquetWriter(partial, schema, **self._format) as writer:
            for group in _groups(self._rows(), _rows_per_group(len(self._columns))):
                writer.write_table(_as_one(group, schema))
                _give_memory_back()
        _replace(partial, self._target)
        self._is_finished = True
        self._pending, self._n_pending = [], 0
        if self._n_saved:
            self._saved.unlink()

    def _rows(self) -> Iterator[Any]:
        """All rows in order, those that wait last."""
        lacking = self._n_saved
        for table in read_chunks(self._saved) if lacking else ():
            lacking -= table.num_rows
            yield table
        if lacking:
            raise OSError(f"{self._saved} is no longer as it was written: {lacking} rows are missing")
        yield from self._pending


class RunStore:
    """The directory of one run.

    Parameters
    ----------
    folder : Path
        Made if need be; must not hold a run already.

    Raises
    ------
    FileExistsError
        If the folder holds something.
    """

    keeps_rows = True

    def __init__(self, folder: Path) -> None:
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(f"the folder {folder} is not empty; name another with --out")
        self.folder = folder
        self.tables_folder = folder / "tables"
        self.tables_folder.mkdir(parents=True, exist_ok=True)
        self._writers: dict[str, TableWriter] = {}

    def writer(self, table: Table) -> TableWriter:
        """The writer of a table, the same each time."""
        if table.name not in self._writers:
            self._writers[table.name] = TableWriter(self.tables_folder, table)
        return self._writers[table.name]

    def write_table(self, table: Table, data: Mapping[str, ColumnData]) -> None:
        """Write a small table that is complete from the start, so that a run that is killed has it too."""
        writer = self.writer(table)
        writer.append(data)
        writer.finish()

    def save(self) -> None:
        """Write the rows so far of every table, to be read of a run that is killed."""
        for writer in self._writers.values():
            writer.save()

    def finish_tables(self) -> None:
        """Join the batches of every table."""
        for writer in self._writers.values():
            writer.finish()
        shutil.rmtree(self.tables_folder / ".parts", ignore_errors=True)

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file; it appears whole or not at all."""
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        self.write_text(name, text)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file; it appears whole or not at all."""
        target = self.folder / name
        partial = target.with_name(target.name + ".partial")
        with partial.open("w", encoding="utf-8") as stream:
            stream.write(text)
        _replace(partial, target)


def _rows_per_group(n_columns: int) -> int:
    """How many rows of a table are written and read together, at most."""
    batches = min(ROWS_PER_GROUP, NUMBERS_PER_GROUP // n_columns) // ROWS_PER_BATCH
    return max(1, batches) * ROWS_PER_BATCH


def _groups(tables: Iterator[Any], n_rows: int) -> Iterator[list[Any]]:
    """The rows of `tables`, `n_rows` at a time."""
    group: list[Any] = []
    lacking = n_rows
    for table in tables:
        rest = table
        while rest.num_rows >= lacking:
            yield [*group, rest.slice(0, lacking)]
            group, rest, lacking = [], rest.slice(lacking), n_rows
        if rest.num_rows:
            group.append(rest)
            lacking -= rest.num_rows
    if group:
        yield group


def _as_one(tables: list[Any], schema: Any) -> Any:
    """Rows as one table without seams, its texts written out."""
    import pyarrow as pa

    columns = [[chunk for table in tables for chunk in table.column(k).chunks] for k in range(len(schema))]
    return pa.Table.from_arrays([_joined(chunks) for chunks in columns], schema=schema)


def _joined(chunks: list[Any]) -> Any:
    """Arrays of a column as one, its texts written out."""
    import pyarrow as pa

    if len({chunk.type for chunk in chunks}) > 1:  # texts, coded and not
        chunks = [plain(chunk) for chunk in chunks]
    return plain(pa.concat_arrays(chunks))


def _give_memory_back() -> None:
    """Return to the system what a batch needed; else a year's batches leave holes that nothing fits in."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def _replace(partial: Path, target: Path) -> None:
    """Move a file into place after its bytes have reached the disk."""
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(partial, target)


def read_table(run_folder: Path, name: str) -> Any:
    """A table of a run as a pandas data frame; of a run that was killed, what it had written.

    Parameters
    ----------
    run_folder : Path
        The run's directory.
    name : str
        A table's name, such as ``regulation``.

    Raises
    ------
    FileNotFoundError
        If the run has no such table.
    """
    import pandas as pd

    files = table_files(run_folder, name)
    if not files:
        raise FileNotFoundError(f"{run_folder} has no table '{name}'")
    return pd.concat([_frame(file) for file in files], ignore_index=True)


def _frame(file: Path) -> Any:
    import pandas as pd

    return written_rows(file).to_pandas() if file.suffix == SUFFIX else pd.read_parquet(file)
