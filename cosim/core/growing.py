"""Arrays that get longer."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


def with_room(columns: NDArray[Number], n: int) -> NDArray[Number]:
    """The array of shape (m, k) itself if it has `n` columns, else a longer one that begins with it."""
    if columns.shape[1] >= n:
        return columns
    more = np.zeros((len(columns), 2 * n + 64), columns.dtype)
    more[:, : columns.shape[1]] = columns
    return more
