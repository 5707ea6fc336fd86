"""Records of numbers, texts and arrays as one file that can be made again, and back.

A file is a SHA-256 sum and what it is of: NumPy's npz, without pickles, in which one member is JSON. Nothing
that is read is run, and what is damaged, or not the user's own, is not read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import types
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

T = TypeVar("T")

_JSON = "json"


def write(file: Path, value: Any) -> None:
    """Keep a value; the file appears whole or, where there is no room or no right, not at all.

    Parameters
    ----------
    file : Path
        Where.
    value : object
        A data class or named tuple of numbers, texts, truth values, None, arrays, and of the same again:
        single, in tuples, or in mappings by text.
    """
    arrays: list[np.ndarray] = []
    text = json.dumps(_packed(value, arrays))
    stream = io.BytesIO()
    members = {f"a{number}": array for number, array in enumerate(arrays)}
    np.savez(stream, **members, **{_JSON: np.frombuffer(text.encode(), dtype=np.uint8)})  # type: ignore[arg-type]
    content = stream.getvalue()
    temporary = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".")
        with os.fdopen(handle, "wb") as out:
            out.write(hashlib.sha256(content).digest() + content)
        os.replace(temporary, file)
    except OSError:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def read(file: Path, kind: type[T]) -> T | None:
    """What `write` has kept, of this class; None where there is nothing, or nothing to be trusted."""
    try:
        with file.open("rb") as stream:
            if hasattr(os, "getuid") and os.fstat(stream.fileno()).st_uid != os.getuid():
                return None
            content = stream.read()
        size = hashlib.sha256().digest_size
        if hashlib.sha256(content[size:]).digest() != content[:size]:
            return None
        with np.load(io.BytesIO(content[size:]), allow_pickle=False) as members:
            arrays = {name: members[name] for name in members.files}
        value: T = _unpacked(kind, json.loads(arrays.pop(_JSON).tobytes()), arrays)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
    return value


def forget_oldest(folder: Path, most: int) -> None:
    """Delete those files of a folder that were written first, until there are no more than so many."""
    try:
        by_age = sorted(folder.iterdir(), key=lambda file: (file.stat().st_mtime_ns, file.name))
        for file in by_age[:-most]:
            file.unlink(missing_ok=True)
    except OSError:  # another process does the same, or may not be disturbed
        return


def _packed(value: Any, arrays: list[np.ndarray]) -> Any:
    """What JSON can hold; an array is told by its number."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return f"a{len(arrays) - 1}"
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        return [_packed(getattr(value, field.name), arrays) for field in fields(value)]
    if isinstance(value, tuple):
        return [_packed(each, arrays) for each in value]
    if isinstance(value, Mapping):
        return {name: _packed(each, arrays) for name, each in value.items()}
    return value


def _unpacked(kind: Any, value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The value, of the kind that is declared."""
    origin, some = get_origin(kind), get_args(kind)
    if kind is np.ndarray or origin is np.ndarray:
        return arrays[value]
    if origin in (Union, types.UnionType):
        return None if value is None else _unpacked(some[0], value, arrays)
    if origin is tuple:
        kinds = [some[0]] * len(value) if some[-1] is Ellipsis else some
        return tuple(_unpacked(each, one, arrays) for each, one in zip(kinds, value, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {name: _unpacked(some[1], each, arrays) for name, each in value.items()}
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        declared = get_type_hints(kind).values()
        return kind(*(_unpacked(each, one, arrays) for each, one in zip(declared, value, strict=True)))
    return value
