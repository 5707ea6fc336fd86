"""Arrays that get longer."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


def with_room(columns: NDArray[Number], n: int) -> NDArray[Number]:
    """An array with so many columns at least, those that there are in front; itself where it has them."""
    if columns.shape[1] >= n:
        return columns
    more = np.zeros((len(columns), 2 * n + 64), columns.dtype)
    more[:, : columns.shape[1]] = columns
    return more
