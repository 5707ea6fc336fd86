"""The inverse of a feeder's admittance matrix as a product of two sparse matrices.

A feeder is nearly a tree, and its buses can be eliminated in a few rounds: in each, buses that are not
neighbours and have the fewest neighbours left, leaves and inner buses of a branch (nested dissection; for a
branch of n buses this takes about log2 n rounds, where the usual minimum-degree order takes n steps that wait
for each other). In that order A = L U, and the inverses of L and U are themselves sparse: 129 buses give
1,200 entries where the inverse of A has 16,000. A solution is then two products with sparse matrices, whose
sums run in a fixed order, whatever the number of right-hand sides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 256
Array = NDArray[Any]


class Product:
    """Multiplies a sparse matrix by dense columns, real or complex, each row's entries summed in their order.

    To the bit what ``matrix @ columns`` gives, by the same routine of SciPy; the checks before it would take
    longer than a feeder's product.

    Parameters
    ----------
    matrix : scipy sparse row matrix, shape (m, n)
        Of the type of what it will multiply.
    """

    def __init__(self, matrix: Any) -> None:
        from scipy.sparse._sparsetools import csr_matvec, csr_matvecs

        self.matrix = matrix
        self._by_one, self._by_many = csr_matvec, csr_matvecs
        self._entries = matrix.indptr, matrix.indices, matrix.data

    def __call__(self, columns: Array) -> Array:
        """The product, shape (m, k), with `columns` of shape (n, k)."""
        (n_rows, n_columns), n = self.matrix.shape, columns.shape[1]
        product = np.zeros((n_rows, n), columns.dtype)
        flat, out = columns.ravel(), product.ravel()
        if n == 1:
            self._by_one(n_rows, n_columns, *self._entries, flat, out)
        else:
            self._by_many(n_rows, n_columns, n, *self._entries, flat, out)
        return product


def elimination_order(
    indptr: NDArray[np.integer[Any]], indices: NDArray[np.integer[Any]]
) -> NDArray[np.int64]:
    """Order in which to eliminate the unknowns of a symmetric sparsity pattern.

    Parameters
    ----------
    indptr, indices : ndarray of int
        The pattern, in compressed rows or columns.

    Returns
    -------
    ndarray of int64, shape (n,)
        Unknowns, first the one to eliminate first.
    """
    n = len(indptr) - 1
    neighbours = [set(indices[indptr[i] : indptr[i + 1]].tolist()) - {i} for i in range(n)]
    left = set(range(n))
    order: list[int] = []
    while left:
        chosen = _independent(sorted(left, key=lambda i: (len(neighbours[i]), i)), neighbours)
        for unknown in chosen:
            for other in neighbours[unknown]:
                neighbours[other] |= neighbours[unknown]
                neighbours[other] -= {other, unknown}
        left.difference_update(chosen)
        order += chosen
    return np.array(order, dtype=np.int64)


def _independent(by_degree: list[int], neighbours: list[set[int]]) -> list[int]:
    """Unknowns of at most two neighbours (or of the fewest there are), none next to another."""
    most = max(2, len(neighbours[by_degree[0]]))
    chosen: list[int] = []
    blocked: set[int] = set()
    for unknown in by_degree:
        if len(neighbours[unknown]) > most:
            break
        if unknown not in blocked:
            chosen.append(unknown)
            blocked |= neighbours[unknown]
    return chosen


def inverse_factors(matrix: Any) -> tuple[NDArray[np.int64], Any, Any]:
    """`order`, L⁻¹ and U⁻¹ with ``x[order] = U⁻¹ L⁻¹ b[order]`` for ``A x = b``.

    Parameters
    ----------
    matrix : scipy sparse matrix of complex128, shape (n, n)
        Symmetric in its pattern and solvable without pivoting, as an admittance matrix without its supplied
        buses is (no bus draws more from a neighbour than from all of them).

    Returns
    -------
    order : ndarray of int64, shape (n,)
    lower_inverse, upper_inverse : scipy sparse row matrices of complex128, shape (n, n)
    """
    from scipy.sparse.linalg import splu

    csc = matrix.tocsc()
    pattern = (abs(csc) + abs(csc.T)).tocsc()
    order = elimination_order(pattern.indptr, pattern.indices)
    factors = splu(
        csc[order][:, order].tocsc(),
        permc_spec="NATURAL",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    if (factors.perm_r != np.arange(len(order))).any() or (factors.perm_c != np.arange(len(order))).any():
        raise ArithmeticError("the admittance matrix has a zero on its diagonal")
    return order, _inverse(factors.L), _inverse(factors.U)


def _inverse(triangle: Any) -> Any:
    """Inverse of a sparse triangular matrix, some columns at a time."""
    from scipy.sparse import csc_matrix, hstack
    from scipy.sparse.linalg import splu

    n = triangle.shape[0]
    solver = splu(
        triangle.tocsc(), permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    parts = []
    for first in range(0, n, _CHUNK):
        columns = np.arange(first, min(first + _CHUNK, n))
        unit = np.zeros((n, len(columns)), dtype=np.complex128)
        unit[columns, columns - first] = 1.0
        parts.append(csc_matrix(solver.solve(unit)))
    inverse = hstack(parts, format="csr")
    inverse.sort_indices()
    return inverse


def as_real(matrix: Any) -> Any:
    """The real matrix that acts on stacked real and imaginary parts as `matrix` acts on complex vectors.

    Returns
    -------
    scipy sparse row matrix of float64, shape (2 m, 2 n)
        Its rows' entries are sorted by column: the order of each sum is fixed.
    """
    from scipy.sparse import bmat

    real = bmat([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]], format="csr")
    real.eliminate_zeros()
    real.sort_indices()
    return real
