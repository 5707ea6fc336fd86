"""Rows of random numbers, many at once: Philox 4x64 with ten rounds in a compiled loop.

numpy makes the same numbers in twice the time; for a short row it spends most of that moving the generator.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import compiled

# The constants of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC'11).
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_ROUNDS = 10
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
_BELOW_MANTISSA, _SPACING = np.uint64(11), 2.0**-53


def upper_product(a: np.uint64, b: np.uint64) -> np.uint64:
    """The upper half of the product of two numbers of 64 binary digits."""
    a0, a1, b0, b1 = a & _LOW, a >> _HALF, b & _LOW, b >> _HALF
    middle = a1 * b0 + ((a0 * b0) >> _HALF)
    return a1 * b1 + (middle >> _HALF) + ((a0 * b1 + (middle & _LOW)) >> _HALF)


@compiled(upper_product)
def put_rows(keys: NDArray[np.uint64], first_row: int, out: NDArray[np.float64]) -> None:
    """Write rows of some fields, from `first_row` on, each from its first column on.

    Parameters
    ----------
    keys : ndarray of uint64, shape (n_fields, 2)
        The fields' keys.
    first_row : int
        Counter of the first row.
    out : ndarray, shape (n_rows, n_fields, n_columns)
        Uniform numbers in [0, 1), as of `Field.row`.
    """
    n_rows, n_fields, n_columns = out.shape
    for row in range(n_rows):
        for field in range(n_fields):
            for block in range((n_columns + 3) // 4):
                # numpy steps the counter before it makes numbers.
                c0, c1, c2, c3 = np.uint64(block + 1), np.uint64(0), np.uint64(first_row + row), np.uint64(0)
                k0, k1 = keys[field, 0], keys[field, 1]
                for _ in range(_ROUNDS):
                    upper_0, lower_0 = upper_product(_MULTIPLIER_0, c0), _MULTIPLIER_0 * c0
                    upper_1, lower_1 = upper_product(_MULTIPLIER_1, c2), _MULTIPLIER_1 * c2
                    c0, c1, c2, c3 = upper_1 ^ c1 ^ k0, lower_1, upper_0 ^ c3 ^ k1, lower_0
                    k0, k1 = k0 + _WEYL_0, k1 + _WEYL_1
                column = 4 * block
                for bits in (c0, c1, c2, c3):
                    if column < n_columns:
                        out[row, field, column] = (bits >> _BELOW_MANTISSA) * _SPACING
                    column += 1
