"""Optimality conditions of paper A's Problem 1, for K problems at once, and the linear system of a step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.regulation.costs import CostParameters, gradients

Array = NDArray[np.float64]

_PROXIMAL = 1e-8
"""Curvature added to each step (not to the problem), so that directions without any stay solvable."""


def gradient(costs: CostParameters, x: Array) -> Array:
    """∇g for averages `x`, both of shape (K, m, N)."""
    return np.stack(gradients(costs, [x[:, r] for r in range(x.shape[1])]), axis=1)


def curvature(costs: CostParameters, x: Array) -> tuple[Array, Array]:
    """Diagonal (K, m, N), made positive, and rank-one weight (K, N) of the households' Hessians."""
    deviation = x.sum(axis=1) - costs.target
    coupling = 2.0 * costs.quadratic + 12.0 * costs.quartic * (deviation * deviation)
    own = x - np.array(costs.alpha) * costs.target
    diagonal = 2.0 * np.array(costs.own_quadratic) + 12.0 * np.array(costs.own_quartic) * (own * own)
    if x.shape[1] == 1:  # one resource: its sum is itself
        return diagonal + coupling[:, np.newaxis] + _PROXIMAL, np.zeros_like(coupling)
    return diagonal + _PROXIMAL, coupling


class NewtonSystem:
    """The linear system of one step: (D + c 11ᵀ) dx − dμ = b for each household, and Σ_i dx = e.

    Parameters
    ----------
    inverse_diagonal : ndarray, shape (K, m, N)
        1/D; 0 where dx is 0.
    coupling : ndarray, shape (K, N)
        c.
    """

    def __init__(self, inverse_diagonal: Array, coupling: Array) -> None:
        self._inverse = inverse_diagonal
        self._weight = coupling / (1.0 + coupling * inverse_diagonal.sum(axis=1))  # Sherman–Morrison
        weighted = inverse_diagonal * self._weight[:, np.newaxis]
        schur = -(weighted @ inverse_diagonal.transpose(0, 2, 1))
        diagonal = np.einsum("krr->kr", schur)
        diagonal += inverse_diagonal.sum(axis=2)
        # A resource that no household can move has no equation; its multiplier stays.
        diagonal[~inverse_diagonal.any(axis=2)] = 1.0
        diagonal *= 1.0 + 1e-14  # two resources that every household may exchange freely
        self._schur = schur

    def solve(self, b: Array, e: Array) -> tuple[Array, Array]:
        """dx of shape (K, m, N) and dμ of shape (K, m)."""
        own = self._apply(b)
        short = np.where(self._inverse.any(axis=2), e - own.sum(axis=2), 0.0)
        d_mu = np.linalg.solve(self._schur, short[..., np.newaxis])[..., 0]
        return self._apply(b + d_mu[..., np.newaxis]), d_mu

    def _apply(self, b: Array) -> Array:
        scaled = self._inverse * b
        return np.asarray(scaled - self._inverse * (self._weight * scaled.sum(axis=1))[:, np.newaxis])


def violation(costs: CostParameters, sums: Array, x: Array, mu: Array) -> Array:
    """Largest violation of x = clip(x − (∇g − μ), 0, 1) and of Σ x = C (paper A (18)), shape (K,)."""
    dual = gradient(costs, x) - mu[..., np.newaxis]
    stationarity = np.abs(x - np.clip(x - dual, 0.0, 1.0)).max(axis=(1, 2), initial=0.0)
    return np.asarray(np.maximum(stationarity, np.abs(x.sum(axis=2) - sums).max(axis=1, initial=0.0)))
