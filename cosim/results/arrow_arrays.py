"""Columns as Arrow's arrays, from their buffers: Arrow's own conversion imports pandas, which takes a while.

What is not simply an array of the column's type, as one with gaps, goes the usual way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from cosim.core.tables import Coded, Column, ColumnData

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
    """A column's rows as an array of its type; coded texts as a dictionary's, which `plain` writes out."""
    import pyarrow as pa

    if isinstance(data, Coded):
        return _coded(data)
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


def plain(array: Any) -> Any:
    """The texts of a dictionary's array, row by row; any other array as it is."""
    import pyarrow as pa

    if not pa.types.is_dictionary(array.type):
        return array
    if array.null_count:
        return array.cast(pa.string())
    codes = np.from_dlpack(array.indices)
    encoded = [text.encode() for text in array.dictionary.to_pylist()]
    lengths = np.array([len(text) for text in encoded], dtype=np.int32)
    first = np.cumsum(lengths) - lengths
    offsets = np.zeros(len(codes) + 1, dtype=np.int32)
    np.cumsum(lengths[codes], out=offsets[1:])
    at = np.repeat(first[codes] - offsets[:-1], lengths[codes])
    at += np.arange(len(at))
    letters = np.frombuffer(b"".join(encoded), dtype=np.uint8)[at]
    return pa.StringArray.from_buffers(len(codes), pa.py_buffer(offsets), pa.py_buffer(letters))


def _coded(data: Coded) -> Any:
    """The texts that numbers stand for; written out where there are fewer rows than texts."""
    import pyarrow as pa

    codes, texts = data
    if len(codes) < len(texts):
        return _strings([texts[code].encode() for code in codes.tolist()])
    indices = np.ascontiguousarray(codes, dtype=np.int32)
    buffers = [None, pa.py_buffer(indices)]
    return pa.DictionaryArray.from_buffers(
        pa.dictionary(pa.int32(), pa.string()), len(indices), buffers, _texts(texts)
    )


@lru_cache(maxsize=16)
def _texts(texts: tuple[str, ...]) -> Any:
    return _strings([text.encode() for text in texts])


def _strings(encoded: Sequence[bytes]) -> Any:
    """Texts in UTF-8 as one array."""
    import pyarrow as pa

    offsets = np.zeros(len(encoded) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, encoded), np.int32, len(encoded)), out=offsets[1:])
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))
