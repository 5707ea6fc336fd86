"""The run directory: tables in batches during the run, and a status that never promises too much.

Batches are files of their own under ``tables/.parts``, each complete and readable. When the run ends,
however it ends, they are joined into one file a table. A run that was killed leaves the parts, and
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
from cosim.results.arrow_arrays import arrow_array, arrow_type
from cosim.results.run_tables import table_files

ROWS_PER_BATCH = 16_384
"""Rows that a killed run can lose of each table, at most."""
ROWS_PER_GROUP = 131_072
"""Rows that are written and read together in a finished table, at most."""
NUMBERS_PER_GROUP = 4 * ROWS_PER_GROUP
"""So many numbers at most: a table of many columns has fewer rows in a group."""


class Nowhere:
    """A table and a store of tables that keeps nothing, for runs of which only the summary is wanted."""

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
    """Collects rows of one table and writes them in batches of `ROWS_PER_BATCH`.

    Batches are cut by number of rows alone, so the file's bytes do not depend on when rows arrive. What is
    saved of a batch that is not full is written again, under the same name, once it is.
    """

    def __init__(self, folder: Path, table: Table) -> None:
        self._columns = columns = table.columns
        # A dictionary of measured numbers is tried, found useless and thrown away: half the time of writing.
        repeating = [column.name for column in columns if column.type != "number"]
        self._format: dict[str, Any] = {"compression": "zstd", "use_dictionary": repeating}
        self._parts = folder / ".parts" / table.name
        self._target = folder / f"{table.name}.parquet"
        self._pending: list[Any] = []
        self._n_pending = 0
        self._n_parts = 0
        self._n_saved = 0
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
        while self._n_pending >= ROWS_PER_BATCH:
            self._write_part(ROWS_PER_BATCH)

    def save(self) -> None:
        """Write the rows of the batch that is not full yet, if there are new ones."""
        if self._n_pending > self._n_saved and not self._is_finished:
            self._pending = [self._write(self._n_pending)]
            self._n_saved = self._n_pending

    def finish(self) -> None:
        """Write what is left and join the batches into one file, which appears whole or not at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._is_finished:
            return
        if self._n_pending:
            self._write_part(self._n_pending)
        parts = sorted(self._parts.glob("*.parquet"))
        if len(parts) == 1:
            _replace(parts[0], self._target)
        else:
            schema = pa.schema([(column.name, arrow_type(column)) for column in self._columns])
            partial = self._target.with_suffix(".parquet.partial")
            with pq.ParquetWriter(partial, schema, **self._format) as writer:
                for group in _groups(parts, _batches_per_group(len(self._columns))):
                    writer.write_table(pa.concat_tables([_read_part(part) for part in group]))
                    _give_memory_back()
            _replace(partial, self._target)
        self._is_finished = True
        shutil.rmtree(self._parts, ignore_errors=True)

    def _write_part(self, n_rows: int) -> None:
        rows = self._write(n_rows)
        rest = rows.slice(n_rows)
        self._pending = [rest] if rest.num_rows else []
        self._n_pending, self._n_saved = rest.num_rows, 0
        self._n_parts += 1
        del rows
        _give_memory_back()

    def _write(self, n_rows: int) -> Any:
        """Write the first of the rows that wait as the next part; all of them."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = pa.concat_tables(self._pending)
        self._parts.mkdir(parents=True, exist_ok=True)
        part = self._parts / f"{self._n_parts:06d}.parquet"
        pq.write_table(rows.slice(0, n_rows), part.with_suffix(".partial"), **self._format)
        os.replace(part.with_suffix(".partial"), part)
        return rows


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


def _batches_per_group(n_columns: int) -> int:
    """How many batches are joined to one group of rows."""
    return max(1, min(ROWS_PER_GROUP, NUMBERS_PER_GROUP // n_columns) // ROWS_PER_BATCH)


def _groups(parts: list[Path], n: int) -> Iterator[list[Path]]:
    """`parts`, n at a time."""
    for first in range(0, len(parts), n):
        yield parts[first : first + n]


def _read_part(part: Path) -> Any:
    """The rows of a batch; read in this thread, for others would keep memory of their own."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(part) as file:
        return file.read(use_threads=False)


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
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
