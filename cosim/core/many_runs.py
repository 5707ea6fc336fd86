"""What is worth loading in a process that makes one run after another, as a worker of a sweep does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_is_one_of_many: ContextVar[bool] = ContextVar("is_one_of_many", default=False)
_before = 0


@contextmanager
def one_of_many() -> Iterator[None]:
    """Within this block, runs are some of many in this process."""
    token = _is_one_of_many.set(True)
    try:
        yield
    finally:
        _is_one_of_many.reset(token)


def is_enough(n: int, least: int) -> bool:
    """Whether so much work, with that of the runs before it, makes it worth loading what speeds it up.

    Parameters
    ----------
    n : int
        How much there is to do in this run.
    least : int
        With how much it is worth it.
    """
    global _before
    if not _is_one_of_many.get():
        return n >= least
    _before += n
    return _before >= least
