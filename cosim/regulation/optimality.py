"""Optimality conditions of paper A's Problem 1, for K problems at once, and the linear system of a step."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.regulation.community_costs import Costs
from cosim.regulation.costs.polynomial import CostParameters

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

PROXIMAL = 1e-8
"""Curvature added to each step (not to the problem), so that directions without any stay solvable."""


class System(Protocol):
    """The linear system of one step: H dx − dμ = b for each household, and Σ_i dx = e."""

    def solve(self, b: Array, e: Array) -> tuple[Array, Array]:
        """dx of shape (K, m, N) and dμ of shape (K, m)."""


class Curvature(Protocol):
    """The Hessians of all households in K problems, made positive.

    Attributes
    ----------
    diagonal : ndarray, shape (K, m, N)
        ∂²g/∂x_r².
    """

    @property
    def diagonal(self) -> Array: ...

    def push(self, dx: Array) -> Array:
        """What a step of some averages does to the gradients of the same household's others, (K, m, N)."""

    def system(self, moves: Mask, *more: Array) -> System:
        """The system of the averages that move, with more on the diagonal; shape (K, m, N) each."""


def curvature(costs: Costs, x: Array) -> Curvature:
    """Of averages `x` of shape (K, m, N)."""
    return _rank_one(costs, x) if isinstance(costs, CostParameters) else Blocks(costs.hessians(x))


def gradient(costs: Costs, x: Array) -> Array:
    """∇g for averages `x`, both of shape (K, m, N)."""
    return np.stack(costs.gradients([x[:, r] for r in range(x.shape[1])]), axis=1)


class RankOne:
    """Hessians that are a diagonal and one rank-one term, for the sum alone couples the resources.

    Parameters
    ----------
    own : ndarray, shape (K, m, N)
        The diagonal without the term.
    coupling : ndarray, shape (K, N)
        Weight of the term.
    """

    def __init__(self, own: Array, coupling: Array) -> None:
        self._own = own
        self._coupling = coupling

    @property
    def diagonal(self) -> Array:
        """∂²g/∂x_r²."""
        return np.asarray(self._own + self._coupling[:, np.newaxis])

    def push(self, dx: Array) -> Array:
        """By way of the sum."""
        return np.asarray((self._coupling * dx.sum(axis=1))[:, np.newaxis])

    def system(self, moves: Mask, *more: Array) -> System:
        """By the formula of Sherman and Morrison."""
        diagonal = self._own
        for term in more:
            diagonal = diagonal + term
        return RankOneSystem(np.where(moves, 1.0 / diagonal, 0.0), self._coupling)


class Blocks:
    """Hessians of any form.

    Parameters
    ----------
    blocks : ndarray, shape (K, N, m, m)
        One a household.
    """

    def __init__(self, blocks: Array) -> None:
        self._blocks = blocks + PROXIMAL * np.eye(blocks.shape[-1])

    @property
    def diagonal(self) -> Array:
        """∂²g/∂x_r²."""
        return np.asarray(np.einsum("knrr->krn", self._blocks))

    def push(self, dx: Array) -> Array:
        """By every entry."""
        return np.asarray(np.einsum("knrs,ksn->krn", self._blocks, dx))

    def system(self, moves: Mask, *more: Array) -> System:
        """By the inverse of each block."""
        place = np.arange(self._blocks.shape[-1])
        blocks = self._blocks.copy()
        for term in more:
            blocks[..., place, place] += term.transpose(0, 2, 1)
        free = moves.transpose(0, 2, 1)
        both = free[..., :, np.newaxis] & free[..., np.newaxis, :]
        blocks = np.where(both, blocks, np.eye(len(place)))
        return BlockSystem(np.where(both, np.linalg.inv(blocks), 0.0))


def _rank_one(costs: CostParameters, x: Array) -> RankOne:
    deviation = x.sum(axis=1) - costs.target
    coupling = 2.0 * costs.quadratic + 12.0 * costs.quartic * (deviation * deviation)
    own = x - np.array(costs.alpha) * costs.target
    diagonal = 2.0 * np.array(costs.own_quadratic) + 12.0 * np.array(costs.own_quartic) * (own * own)
    if x.shape[1] == 1:  # one resource: its sum is itself
        return RankOne(diagonal + coupling[:, np.newaxis] + PROXIMAL, np.zeros_like(coupling))
    return RankOne(diagonal + PROXIMAL, coupling)


class RankOneSystem:
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


class BlockSystem:
    """The linear system of a step, by the inverse of each household's block, with 0 where dx is 0.

    Parameters
    ----------
    inverse : ndarray, shape (K, N, m, m)
        Of each block.
    """

    def __init__(self, inverse: Array) -> None:
        self._inverse = inverse
        self._moves = np.einsum("knrr->krn", inverse).any(axis=2)
        schur = inverse.sum(axis=1)
        place = np.arange(schur.shape[-1])
        schur[:, place, place] += np.where(self._moves, 0.0, 1.0)
        schur[:, place, place] *= 1.0 + 1e-14  # two resources that every household may exchange freely
        self._schur = schur

    def solve(self, b: Array, e: Array) -> tuple[Array, Array]:
        """dx of shape (K, m, N) and dμ of shape (K, m)."""
        own = self._apply(b)
        short = np.where(self._moves, e - own.sum(axis=2), 0.0)
        d_mu = np.linalg.solve(self._schur, short[..., np.newaxis])[..., 0]
        return self._apply(b + d_mu[..., np.newaxis]), d_mu

    def _apply(self, b: Array) -> Array:
        return np.asarray(np.einsum("knrs,ksn->krn", self._inverse, b))


def violation(sums: Array, x: Array, mu: Array, slope: Array) -> Array:
    """Largest violation of x = clip(x − (∇g − μ), 0, 1), ∇g being `slope`, and of Σ x = C, shape (K,).

    These are the conditions of paper A (18).
    """
    dual = slope - mu[..., np.newaxis]
    stationarity = np.abs(x - np.clip(x - dual, 0.0, 1.0)).max(axis=(1, 2), initial=0.0)
    return np.asarray(np.maximum(stationarity, np.abs(x.sum(axis=2) - sums).max(axis=1, initial=0.0)))
