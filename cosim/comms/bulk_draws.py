"""Random numbers of many links at once: some rows of a field together, a column a link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from cosim.core.streams import Field, many_of

Number = TypeVar("Number", bound=np.generic)

_NUMBERS_TOGETHER = 2**16
_MOST_ROWS = 64
_BLOCKS_KEPT = 4


class RowBlocks(Generic[Number]):
    """Rows that are made some at a time, when one of them is first asked for; the newest blocks are held.

    Parameters
    ----------
    make : callable
        Called as ``make(first, n)``; gives rows ``first ... first + n - 1``, of shape (n, n_columns).
    n_columns : int
        Length of a row; the longer, the fewer are made together.
    """

    def __init__(self, make: Callable[[int, int], NDArray[Number]], n_columns: int) -> None:
        self._make = make
        self._n_rows = max(1, min(_MOST_ROWS, _NUMBERS_TOGETHER // max(1, n_columns)))
        self._blocks: dict[int, NDArray[Number]] = {}

    def row(self, counter: int) -> NDArray[Number]:
        """Row `counter`; not to be changed."""
        number, offset = divmod(counter, self._n_rows)
        block = self._blocks.get(number)
        if block is None:
            if len(self._blocks) >= _BLOCKS_KEPT:
                del self._blocks[min(self._blocks)]
            block = self._blocks[number] = self._make(number * self._n_rows, self._n_rows)
        row: NDArray[Number] = block[offset]
        return row

    def rows(self, first: int, n_rows: int) -> NDArray[Number]:
        """Rows from `first` on, made for the caller, who may change them."""
        return self._make(first, n_rows)


def uniform_rows(field: Field, columns: NDArray[np.int64]) -> Callable[[int, int], NDArray[np.float64]]:
    """Makes rows of some columns of a field.

    Parameters
    ----------
    field : Field
        The field.
    columns : ndarray of int64, shape (n,)
        In ascending order.
    """
    make = stacked_rows([field], columns)
    return lambda first, n_rows: make(first, n_rows)[:, 0]


def stacked_rows(
    fields: Sequence[Field], columns: NDArray[np.int64]
) -> Callable[[int, int], NDArray[np.float64]]:
    """Makes rows of the same columns of several fields, of shape (n_rows, n_fields, n_columns)."""
    width = int(columns[-1]) + 1
    is_whole = width == len(columns)

    def make(first: int, n_rows: int) -> NDArray[np.float64]:
        whole = many_of(fields, first, n_rows, width)
        return whole if is_whole else whole.take(columns, axis=2)

    return make
