"""Columns as Arrow's arrays, from their buffers: Arrow's own conversion imports pandas, which takes a while.

What is not simply an array of the column's type, as one with gaps, goes the usual way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cosim.core.tables import Coded, Column, ColumnData

_FEW = 20_000
"""Texts of so many rows at most are put together here; beyond, Arrow is faster, but loads another module."""
_LARGEST_EXACT = 2**53
_VALUES = {"integer": np.int64, "number": np.float64, "flag": np.bool_}


def arrow_type(column: Column) -> Any:
    """Arrow's type of a column."""
    import pyarrow as pa

    return {
        "time": pa.timestamp("ms", tz="UTC"),
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
    }[column.type]


def arrow_array(column: Column, data: ColumnData) -> Any:
    """A column's rows as an array of its type."""
    import pyarrow as pa

    if isinstance(data, Coded):
        return _decoded(data)
    if column.type == "text":
        texts = list(data)
        if not all(isinstance(text, str) for text in texts):
            return pa.array(texts, pa.string())
        return _strings([text.encode() for text in texts])
    if column.type == "time":
        times = np.asarray(data, dtype="datetime64[ms]")
        if np.isnat(times).any():
            return pa.array(times, arrow_type(column))
        return _from_values(arrow_type(column), times.view(np.int64), len(times))
    values, wanted = np.asarray(data), np.dtype(_VALUES[column.type])
    if len(values) and not _is_exact(values, wanted):
        return pa.array(data, arrow_type(column))
    values = values.astype(wanted, copy=False)
    packed = np.packbits(values, bitorder="little") if column.type == "flag" else values
    return _from_values(arrow_type(column), packed, len(values))


def _is_exact(values: np.ndarray, wanted: np.dtype[Any]) -> bool:
    """Whether nothing is lost by writing values of one type as another; a truth value is no number."""
    if values.dtype.kind in "iu" and wanted.kind == "f":
        return bool(values.min() >= -_LARGEST_EXACT and values.max() <= _LARGEST_EXACT)
    return np.can_cast(values.dtype, wanted) and (values.dtype.kind == "b") == (wanted.kind == "b")


def _from_values(type_: Any, values: np.ndarray, n: int) -> Any:
    import pyarrow as pa

    return pa.Array.from_buffers(type_, n, [None, pa.py_buffer(np.ascontiguousarray(values))])


def _decoded(data: Coded) -> Any:
    """The texts that numbers stand for."""
    import pyarrow as pa

    if len(data.codes) <= _FEW:
        encoded = [text.encode() for text in data.texts]
        return _strings([encoded[code] for code in data.codes.tolist()])
    codes = _from_values(pa.int32(), data.codes.astype(np.int32), len(data.codes))
    texts = _strings([text.encode() for text in data.texts])
    return pa.DictionaryArray.from_arrays(codes, texts).cast(pa.string())


def _strings(encoded: Sequence[bytes]) -> Any:
    """Texts in UTF-8 as one array."""
    import pyarrow as pa

    offsets = np.zeros(len(encoded) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, encoded), np.int32, len(encoded)), out=offsets[1:])
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))
