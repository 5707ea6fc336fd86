"""Rows of a table as they come during a run: each addition a chunk at the end of one file.

A chunk is its length (eight bytes, little-endian), then that many bytes: a stream of Arrow's, whole in
itself. A run that is killed in the middle of one leaves it short, at the file's end; all before it are whole.
What was written is never written again, so that a day of a long run costs what its own rows do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

SUFFIX = ".rows"
_LENGTH_BYTES = 8


def append_chunks(file: Path, tables: Sequence[Any]) -> None:
    """Add rows to a file, all or none.

    Parameters
    ----------
    file : Path
        Made if need be.
    tables : sequence of pyarrow.Table
        The rows in order. Texts may be of either form that `cosim.results.arrow_arrays.arrow_array` gives.
    """
    content = b"".join(_chunk(list(each)) for _, each in groupby(tables, lambda table: table.schema))
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        try:
            _write(descriptor, content)
        except BaseException:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)


def read_chunks(file: Path) -> Iterator[Any]:
    """The chunks of a file in order, as Arrow's tables; one that was cut short at the end is left out."""
    import pyarrow as pa

    with file.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        while content := _next(stream, size):
            with pa.ipc.open_stream(content) as reader:
                yield reader.read_all()


def _chunk(tables: list[Any]) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return len(content).to_bytes(_LENGTH_BYTES, "little") + content


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _next(stream: BinaryIO, size: int) -> bytes:
    """The next chunk, nothing where no whole one follows."""
    length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
    return stream.read(length) if length <= size - stream.tell() else b""
