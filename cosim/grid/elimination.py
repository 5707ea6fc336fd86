"""A feeder's admittance matrix as sparse triangles, and the two sweeps that solve with them.

Nodes are eliminated in an order in which little fills in. A feeder that is a tree is eliminated from its
ends to its transformer and nothing fills in: the first sweep then gathers currents towards the supply, the
second carries voltages back out, one product a branch, with transformers and shunts in it like everything
else. Where a feeder is meshed, the triangles have a few entries more.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ComplexArray = NDArray[np.complex128]
IntArray = NDArray[np.int64]


class Factors(NamedTuple):
    """A = L D U, of which L and U have ones on their diagonals."""

    lower_start: IntArray
    """Where the entries of each column of L begin. Shape (n + 1,)."""
    lower_row: IntArray
    """Rows of these entries, all below the diagonal."""
    lower: ComplexArray
    """The entries."""
    upper_start: IntArray
    upper_column: IntArray
    upper: ComplexArray
    """The same of U, by rows."""
    inverse_diagonal: ComplexArray
    """1 / D. Shape (n,)."""


def factorised(matrix: Any) -> tuple[IntArray, Factors]:
    """The order of elimination, and the factors of ``A[order][:, order]``.

    Parameters
    ----------
    matrix : scipy sparse matrix of complex128, shape (n, n)
        Symmetric in its pattern and solvable without pivoting, as an admittance matrix without its supplied
        buses is (no bus draws more from a neighbour than from all of them).

    Returns
    -------
    order : ndarray of int64, shape (n,)
        Unknowns, first the one that is eliminated first.
    factors : Factors
    """
    from scipy.sparse.linalg import splu

    n = matrix.shape[0]
    if not n:
        start, nothing = np.zeros(1, np.int64), np.zeros(0, np.complex128)
        return start[:0], Factors(start, start[:0], nothing, start, start[:0], nothing, nothing)
    made = splu(
        matrix.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    if (made.perm_r != made.perm_c).any():
        raise ArithmeticError("the admittance matrix has a zero on its diagonal")
    inverse_diagonal = 1.0 / made.U.diagonal()
    lower_start, lower_row, _, lower = _beside_the_diagonal(made.L.tocsc())
    upper_start, upper_column, row, upper = _beside_the_diagonal(made.U.tocsr())
    order = np.argsort(made.perm_c).astype(np.int64)
    upper = upper * inverse_diagonal[row]
    return order, Factors(lower_start, lower_row, lower, upper_start, upper_column, upper, inverse_diagonal)


def _beside_the_diagonal(triangle: Any) -> tuple[IntArray, IntArray, IntArray, ComplexArray]:
    """Where each line's entries begin, their place in it, their line, and what they are; without zeros."""
    triangle.sort_indices()
    n = triangle.shape[0]
    line = np.repeat(np.arange(n), np.diff(triangle.indptr))
    kept = (triangle.indices != line) & (triangle.data != 0)
    start = np.concatenate([[0], np.cumsum(np.bincount(line[kept], minlength=n))])
    place = triangle.indices[kept].astype(np.int64)
    return start.astype(np.int64), place, line[kept], triangle.data[kept]


def substitute(factors: Factors, b: ComplexArray) -> None:
    """Put the solution of A x = b in the place of b, shape (n,), in the order of elimination."""
    n = len(b)
    for k in range(n):
        for entry in range(factors.lower_start[k], factors.lower_start[k + 1]):
            b[factors.lower_row[entry]] -= factors.lower[entry] * b[k]
    for k in range(n - 1, -1, -1):
        x = factors.inverse_diagonal[k] * b[k]
        for entry in range(factors.upper_start[k], factors.upper_start[k + 1]):
            x -= factors.upper[entry] * b[factors.upper_column[entry]]
        b[k] = x
