"""Loops over households that numba compiles, where it is installed.

What is compiled is Python: without numba the same functions run as they are, to the same bits.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, ParamSpec, TypeVar

import numpy as np

from cosim.core.cache_folder import cache_folder

P = ParamSpec("P")
R = TypeVar("R")


_folder_of: dict[Callable[..., Any], Callable[[], Path]] = {}
"""Where each loop is kept."""
_found_kept: set[tuple[Callable[..., Any], Path]] = set()
"""Loops that were found in a cache folder: to look again takes as long as a hundredth of a short run."""


@functools.cache
def can_compile() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def compiled(
    *uses: Callable[..., Any], instead: Callable[..., Any] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have a loop compiled when it is first called, where that is possible.

    The result is kept in the cache folder, where that is the user's own and can be written to. Divisions by 0
    are those of arrays: they give infinity, or NaN.

    Parameters
    ----------
    *uses : callable
        The functions that the loop calls, and those that these call, as they stand.
    instead : callable, optional
        What does the same, to the bit, without being compiled; see `Patience`.

    Returns
    -------
    callable
        Decorates the loop: a function of numbers, arrays and named tuples of these.
    """

    def decorate(loop: Callable[P, R]) -> Callable[P, R]:
        made: Callable[P, R] | None = None

        @functools.wraps(loop)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            nonlocal made
            if instead is not None and not patience.is_over:
                patience.spend(max(getattr(each, "size", 0) for each in args))
                result: R = instead(*args, **kwargs)
                return result
            if made is None:
                made = _compile(loop, uses) if can_compile() else loop
            try:
                return made(*args, **kwargs)
            except (OSError, EOFError, UnpicklingError):  # no loop's own: what is kept is broken, or no room
                shutil.rmtree(_folder(loop, *uses), ignore_errors=True)
                return made(*args, **kwargs)

        _folder_of[call] = functools.partial(_folder, loop, *uses)
        patience = Patience(call)
        return call

    return decorate


def is_kept(loop: Callable[..., Any]) -> bool:
    """Whether a loop need not be compiled first, for that has been done, if not in this process.

    Parameters
    ----------
    loop : callable
        As `compiled` gives it.
    """
    where = loop, cache_folder()
    if where not in _found_kept and next(_folder_of[loop]().rglob("*.nbc"), None) is not None:
        _found_kept.add(where)
    return where in _found_kept


PATIENCE = 50_000_000
"""So many numbers are handled without a loop before it is compiled, which takes about as long: a second."""
_PER_CALL = 1000
"""Numbers that are handled in the time in which operations on whole arrays begin."""


class Patience:
    """Doing without a loop that is not kept, for as long as compiling it would take.

    What is done instead gives the same bits, so nothing but time depends on it.

    Parameters
    ----------
    loop : callable
        As `compiled` gives it.
    """

    def __init__(self, loop: Callable[..., Any]) -> None:
        self._loop = loop
        self._spent = 0
        self._is_kept: bool | None = None

    @property
    def is_over(self) -> bool:
        """Whether the loop is to be used: it is kept, or it would have been worth compiling it."""
        if self._is_kept is None:
            self._is_kept = can_compile() and is_kept(self._loop)
        return self._is_kept or (self._spent >= PATIENCE and can_compile())

    def spend(self, n_numbers: int) -> None:
        """So many numbers are handled without the loop."""
        self._spent += n_numbers + _PER_CALL


def _compile(loop: Callable[P, R], uses: Sequence[Callable[..., Any]]) -> Callable[P, R]:
    import numba

    for used in uses:
        _let_compile(used)
    jit: Any = functools.partial(numba.njit, error_model="numpy", no_cfunc_wrapper=True)
    folder = _folder(loop, *uses)
    with _cached_in(numba, folder):
        made: Callable[P, R] = jit(cache=_is_usable(folder))(loop)
    return made


@functools.cache
def _let_compile(function: Callable[..., Any]) -> None:
    """Have numba compile a function where a compiled one calls it; in Python it stays what it is."""
    from numba.extending import register_jitable

    register_jitable(no_cfunc_wrapper=True)(function)


def _is_usable(folder: Path) -> bool:
    """Whether files can be put there, and whether it is the user's: numba unpickles what it finds.

    Where they cannot be put there, numba would take a folder of its own choice, and there not notice that
    another file than the outermost function's has changed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


@contextmanager
def _cached_in(numba: Any, folder: Path) -> Iterator[None]:
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


def _folder(*functions: Callable[..., Any]) -> Path:
    """Where a loop is kept that is made of these functions."""
    return cache_folder() / "compiled" / f"numba-{metadata.version('numba')}-{_sources(*functions)}"


def _sources(*functions: Callable[..., Any]) -> str:
    """A name for what the functions are: numba looks at the file of the outermost alone."""
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted({function.__code__.co_filename for function in functions}):
        digest.update(Path(file).read_bytes())
    for function in functions:
        for name in function.__code__.co_names:
            digest.update(repr((name, _constant(function.__globals__.get(name)))).encode())
    return digest.hexdigest()


def _constant(value: Any) -> Any:
    """What of a global name from another file goes into the compiled loop."""
    if isinstance(value, type):
        return getattr(value, "_fields", None)
    return value if isinstance(value, int | float | np.generic) else None
