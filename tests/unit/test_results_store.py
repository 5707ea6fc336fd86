"""Tables on disk: the same bytes however rows arrive, readable parts, nothing half written under its name."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.core.errors import InputError
from cosim.core.tables import Coded, Column, Table
from cosim.results import row_chunks
from cosim.results import store as store_module
from cosim.results.frames import Tables
from cosim.results.run_tables import batches, n_rows, rows_between, schema_of
from cosim.results.store import RunStore, TableWriter, read_table
from tests.examples import examples

COLUMNS = (
    Column("time", "time", "UTC", ""),
    Column("name", "text", "", ""),
    Column("count", "integer", "", ""),
    Column("value", "number", "", ""),
    Column("on", "flag", "", ""),
)
THINGS = Table("things", "", COLUMNS)
N = 1000
START = datetime(2016, 1, 1, tzinfo=UTC)
NAMES = ("a", "b", "c")
_numbers = np.random.default_rng(1)
DATA: dict[str, Any] = {
    "time": np.datetime64("2016-01-01", "ms") + np.arange(N) * np.timedelta64(900_000, "ms"),
    "name": _numbers.integers(0, 3, N),
    "count": _numbers.integers(-5, 5, N),
    "value": np.where(_numbers.random(N) < 0.1, np.nan, _numbers.random(N)),
    "on": _numbers.random(N) < 0.5,
}


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "ROWS_PER_BATCH", 128)


def _time(row: int) -> datetime:
    return START + row * timedelta(minutes=15)


def _append(writer: TableWriter, first: int, last: int, as_texts: bool = False) -> None:
    rows = {name: values[first:last] for name, values in DATA.items()}
    codes = rows["name"]
    rows["name"] = [NAMES[code] for code in codes] if as_texts else Coded(codes, NAMES)
    if as_texts:
        rows["count"] = rows["count"].tolist()
    writer.append(rows)


@settings(max_examples=examples(25), deadline=None, derandomize=True)
@given(cuts=st.lists(st.integers(0, N), max_size=12), as_texts=st.booleans())
def test_bytes_do_not_depend_on_how_rows_arrive(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], as_texts: bool
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    whole = TableWriter(folder, THINGS._replace(name="whole"))
    _append(whole, 0, N)
    whole.finish()
    pieces = TableWriter(folder, THINGS._replace(name="pieces"))
    edges = [0, *sorted(cuts), N]
    for number, (first, last) in enumerate(pairwise(edges)):
        _append(pieces, first, last, as_texts and number % 2 == 0)
    pieces.finish()
    assert (folder / "whole.parquet").read_bytes() == (folder / "pieces.parquet").read_bytes()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "run")
    _append(store.writer(THINGS), 0, N)
    store.finish_tables()
    table = read_table(tmp_path / "run", "things")
    assert list(table.columns) == [column.name for column in COLUMNS]
    assert table["name"].tolist() == [NAMES[code] for code in DATA["name"]]
    assert np.array_equal(table["value"], DATA["value"], equal_nan=True)
    assert table["on"].tolist() == DATA["on"].tolist()
    assert (table["time"] == pd.Series(DATA["time"]).dt.tz_localize("UTC")).all()
    assert not (tmp_path / "run" / "tables" / ".parts").exists()


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "run")
    store.writer(THINGS)
    store.finish_tables()
    table = read_table(tmp_path / "run", "things")
    assert len(table) == 0
    assert list(table.columns) == [column.name for column in COLUMNS]
    assert str(table["time"].dtype) == "datetime64[ms, UTC]"


def test_batches_can_be_read_before_the_run_has_ended(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "run")
    _append(store.writer(THINGS), 0, 500)
    table = read_table(tmp_path / "run", "things")
    assert table["count"].tolist() == DATA["count"][:500].tolist()
    assert table["name"].tolist() == [NAMES[code] for code in DATA["name"][:500]]
    assert list(Tables(tmp_path / "run")) == ["things"]
    with pytest.raises(FileNotFoundError, match="no table 'other'"):
        read_table(tmp_path / "run", "other")


@settings(max_examples=examples(15), deadline=None, derandomize=True)
@given(cuts=st.lists(st.integers(0, N), max_size=6), as_texts=st.booleans(), short=st.integers(0, 200))
def test_what_a_killed_run_left_is_read_like_a_table(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], as_texts: bool, short: int
) -> None:
    """Every way of reading gives of a table that did not end, maybe cut short, the rows of one that did."""
    folder = tmp_path_factory.mktemp("tables")
    whole, killed = TableWriter(folder, THINGS), TableWriter(folder, THINGS._replace(name="killed"))
    _append(whole, 0, N)
    whole.finish()
    edges = [0, *sorted(cuts), N]
    for number, (first, last) in enumerate(pairwise(edges)):
        _append(killed, first, last, as_texts and number % 2 == 0)
        killed.save()
    file, table = folder / ".parts" / f"killed{row_chunks.SUFFIX}", folder / "things.parquet"
    complete, n_last = N, (N - max((cut for cut in cuts if cut < N), default=0))
    if short:
        os.truncate(file, file.stat().st_size - short)
        complete -= n_last
    if not complete:
        assert n_rows(file) == 0
        return
    assert schema_of(file) == schema_of(table)
    assert n_rows(file) == complete
    columns = ["name", "value", "time"]
    for coded in (False, True):
        found = [row for batch in batches(file, columns, coded) for row in batch.to_pylist()]
        expected = [row for batch in batches(table, columns, coded) for row in batch.to_pylist()]
        assert repr(found) == repr(expected[:complete])
    hours = [START + timedelta(hours=hour) for hour in (10, 100)]
    expected = [
        row for row in rows_between(table, ["name", "count"], *hours) if row["time"] < _time(complete)
    ]
    assert rows_between(file, ["name", "count"], *hours) == expected


def test_a_damaged_chunk_is_refused(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "run")
    for first in (0, 300):
        _append(store.writer(THINGS), first, first + 300)
        store.save()
    file = tmp_path / "run" / "tables" / ".parts" / f"things{row_chunks.SUFFIX}"
    content = bytearray(file.read_bytes())
    content[8:40] = b"\xff" * 32
    file.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path / "run", "things")


def test_rows_that_were_taken_away_fail_the_table(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "run")
    for first in (0, 300):
        _append(store.writer(THINGS), first, first + 300)
        store.save()
    file = tmp_path / "run" / "tables" / ".parts" / f"things{row_chunks.SUFFIX}"
    os.truncate(file, file.stat().st_size - 1)
    with pytest.raises(OSError, match="300 rows are missing"):
        store.finish_tables()
    assert not (tmp_path / "run" / "tables" / "things.parquet").exists()


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    store = RunStore(tmp_path / "run")
    writer = store.writer(THINGS)
    _append(writer, 0, 300)

    def no_space(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    def half(descriptor: int, content: bytes) -> None:
        os.write(descriptor, content[: len(content) // 2])
        no_space()

    with monkeypatch.context() as full:
        full.setattr(row_chunks, "_write", half)
        full.setattr(pq, "ParquetWriter", no_space)
        with pytest.raises(OSError, match="No space"):
            _append(writer, 300, 500)
        with pytest.raises(OSError, match="No space"):
            store.finish_tables()
        assert len(read_table(tmp_path / "run", "things")) == 300
    store.finish_tables()  # with space again, nothing was lost
    assert read_table(tmp_path / "run", "things")["count"].tolist() == DATA["count"][:500].tolist()


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "run")
    store.write_json("run.json", {"status": "running"})
    with pytest.raises(ValueError, match="Out of range"):
        store.write_json("run.json", {"value": float("nan")})
    assert '"running"' in (tmp_path / "run" / "run.json").read_text()
    assert [file.name for file in (tmp_path / "run").iterdir() if file.is_file()] == ["run.json"]


def test_a_run_never_goes_over_another(tmp_path: Path) -> None:
    RunStore(tmp_path / "run").write_text("run.json", "{}")
    with pytest.raises(FileExistsError, match="not empty"):
        RunStore(tmp_path / "run")


def test_a_group_of_rows_is_smaller_the_more_columns_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr("cosim.results.store.ROWS_PER_GROUP", 4 * 128)
    for numbers, per_group in ((10**9, 4 * 128), (2 * 128 * len(COLUMNS) + 1, 2 * 128), (1, 128)):
        monkeypatch.setattr("cosim.results.store.NUMBERS_PER_GROUP", numbers)
        writer = TableWriter(tmp_path, THINGS._replace(name=f"things_{per_group}"))
        _append(writer, 0, N)
        writer.finish()
        found = pq.read_metadata(tmp_path / f"things_{per_group}.parquet")
        assert found.num_row_groups == -(-N // per_group)
        assert {found.row_group(k).num_rows for k in range(found.num_row_groups - 1)} == {per_group}


def test_arrow_takes_memory_from_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    program = "import cosim, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "system"
