"""A faster and steadier way to a fixed point x = G(x) than putting G's value in again and again.

An inverter that answers a high voltage by drawing reactive power lowers it, and then answers less. Where that
feedback is strong, plain repetition overshoots ever more. Anderson's method takes the last steps together:
of all mixtures of them it goes on from the one whose step is smallest. It needs no derivative, finds the
plain way by itself where that is good, and works for many intervals at once, each by itself.

References
----------
D. G. Anderson: "Iterative procedures for nonlinear integral equations", Journal of the ACM 12 (1965) 547-560.
H. F. Walker, P. Ni: "Anderson acceleration for fixed-point iterations", SIAM Journal on Numerical Analysis
49 (2011) 1715-1735; what is here is depth 2, by the normal equations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_DEPTH = 2
_INDEPENDENT = 1e-10
"""Steps are taken for one direction where the sine of the angle between them, squared, is less."""


class Mixing:
    """The iteration of some columns, each of which has a fixed point of its own.

    To the bit, what comes out for a column does not depend on the others: sums run row by row.

    Parameters
    ----------
    n_rows : int
        Length of a column.
    """

    def __init__(self, n_rows: int) -> None:
        from scipy.sparse import csr_matrix

        self._total: Any = csr_matrix(np.ones((1, n_rows)))
        self._past: list[tuple[FloatArray, FloatArray]] = []

    def next(self, x: FloatArray, new: FloatArray) -> FloatArray:
        """From where to go on; `new` is G(x), both of shape (n_rows, n_columns)."""
        step = new - x
        past, self._past = self._past, [*self._past[1 - _DEPTH :], (new, step)]
        changes = [(new - older_new, step - older_step) for older_new, older_step in past]
        if not changes:
            return new
        if len(changes) == 1:
            return self._along_one(new, step, *changes[0])
        return self._along_two(new, step, changes)

    def keep(self, stay: NDArray[np.bool_]) -> None:
        """Go on with some of the columns."""
        self._past = [(new[:, stay], step[:, stay]) for new, step in self._past]

    def _dot(self, one: FloatArray, other: FloatArray) -> FloatArray:
        return np.asarray((self._total @ (one * other))[0], dtype=np.float64)

    def _along_one(
        self, new: FloatArray, step: FloatArray, d_new: FloatArray, d_step: FloatArray
    ) -> FloatArray:
        return new - _ratio(self._dot(d_step, step), self._dot(d_step, d_step)) * d_new

    def _along_two(
        self, new: FloatArray, step: FloatArray, changes: list[tuple[FloatArray, FloatArray]]
    ) -> FloatArray:
        (new_1, step_1), (new_2, step_2) = changes
        a11, a12, a22 = self._dot(step_1, step_1), self._dot(step_1, step_2), self._dot(step_2, step_2)
        b1, b2 = self._dot(step_1, step), self._dot(step_2, step)
        determinant = a11 * a22 - a12 * a12
        both = determinant > _INDEPENDENT * a11 * a22
        divisor = np.where(both, determinant, 1.0)
        share_1 = np.where(both, (b1 * a22 - b2 * a12) / divisor, 0.0)
        share_2 = np.where(both, (b2 * a11 - b1 * a12) / divisor, _ratio(b2, a22))
        return new - share_1 * new_1 - share_2 * new_2


class Damping:
    """The plain iteration, of which only a part of each step is gone.

    Parameters
    ----------
    part : float
        Which part.
    """

    def __init__(self, part: float) -> None:
        self._part = part

    def next(self, x: FloatArray, new: FloatArray) -> FloatArray:
        """From where to go on; `new` is G(x)."""
        return x + self._part * (new - x)

    def keep(self, stay: NDArray[np.bool_]) -> None:
        """Go on with some of the columns."""


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """0 where there is nothing to divide by."""
    return part / np.where(whole > 0, whole, 1.0) * (whole > 0)
