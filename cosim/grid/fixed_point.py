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

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import compiled

FloatArray = NDArray[np.float64]

_INDEPENDENT = 1e-10
"""Steps are taken for one direction where the sine of the angle between them, squared, is less."""


class Mixing:
    """The iteration of some rows, each of which has a fixed point of its own.

    To the bit, what comes out for a row does not depend on the others.
    """

    def __init__(self) -> None:
        self._past: list[tuple[FloatArray, FloatArray]] = []

    def next(self, x: FloatArray, new: FloatArray) -> FloatArray:
        """From where to go on; `new` is G(x), both of shape (n_rows, n)."""
        step = new - x
        past, self._past = self._past, [*self._past[-1:], (new, step)]
        if not past:
            return new
        mixed = np.empty_like(new)
        if len(past) == 1:
            mix_one(new, step, *past[0], mixed)
        else:
            mix_two(new, step, *past[0], *past[1], mixed)
        return mixed

    def keep(self, stay: NDArray[np.bool_]) -> None:
        """Go on with some of the rows."""
        self._past = [(new[stay], step[stay]) for new, step in self._past]


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
        """Go on with some of the rows."""


def ratio(part: float, whole: float) -> float:
    """0 where there is nothing to divide by."""
    return part / whole if whole > 0 else 0.0


@compiled(ratio)
def mix_one(
    new: FloatArray, step: FloatArray, new_1: FloatArray, step_1: FloatArray, mixed: FloatArray
) -> None:
    """Put into `mixed` where to go on from the last step and the one before; all of shape (n_rows, n)."""
    for row in range(len(new)):
        a11, b1 = 0.0, 0.0
        for k in range(new.shape[1]):
            d1 = step[row, k] - step_1[row, k]
            a11 += d1 * d1
            b1 += d1 * step[row, k]
        share = ratio(b1, a11)
        for k in range(new.shape[1]):
            mixed[row, k] = new[row, k] - share * (new[row, k] - new_1[row, k])


@compiled(ratio)
def mix_two(
    new: FloatArray,
    step: FloatArray,
    new_1: FloatArray,
    step_1: FloatArray,
    new_2: FloatArray,
    step_2: FloatArray,
    mixed: FloatArray,
) -> None:
    """The same with the two steps before, the older one first."""
    for row in range(len(new)):
        a11, a12, a22, b1, b2 = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(new.shape[1]):
            d1, d2 = step[row, k] - step_1[row, k], step[row, k] - step_2[row, k]
            a11 += d1 * d1
            a12 += d1 * d2
            a22 += d2 * d2
            b1 += d1 * step[row, k]
            b2 += d2 * step[row, k]
        determinant = a11 * a22 - a12 * a12
        share_1, share_2 = 0.0, ratio(b2, a22)
        if determinant > _INDEPENDENT * a11 * a22:
            share_1 = (b1 * a22 - b2 * a12) / determinant
            share_2 = (b2 * a11 - b1 * a12) / determinant
        for k in range(new.shape[1]):
            mixed[row, k] = (
                new[row, k]
                - share_1 * (new[row, k] - new_1[row, k])
                - share_2 * (new[row, k] - new_2[row, k])
            )
