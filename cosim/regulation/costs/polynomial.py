r"""The family that all of paper A's costs are members of: its values and its gradients, exactly.

With s = Σ_r x_r, every cost of paper A (sections 4.2, 5, 6 and (26)) is

.. math:: g(x) = l s + q (s-T)^2 + Q (s-T)^4
          + \sum_r \left[ p_r (x_r - α_r T)^2 + P_r (x_r - α_r T)^4 \right].

`value` and `gradients` use + − * alone and in a fixed order, so that a float and an array give the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosim.core.compiled import compiled

FloatOrArray: TypeAlias = Any
"""A float, or a float64 array over households: the same operators work on both, to the same bits."""


class CostParameters(NamedTuple):
    """Parameters of one household's cost (floats) or of many (arrays of shape ``(N,)``)."""

    linear: FloatOrArray
    """l, cost of one unit on average."""
    target: FloatOrArray
    """T, the desired sum of the averages."""
    quadratic: FloatOrArray
    quartic: FloatOrArray
    """q and Q, weights of (s−T)² and (s−T)⁴; not negative."""
    alpha: tuple[FloatOrArray, ...]
    """α_r, each resource's share of T."""
    own_quadratic: tuple[FloatOrArray, ...]
    own_quartic: tuple[FloatOrArray, ...]
    """p_r and P_r, weights of (x_r−α_r T)² and (x_r−α_r T)⁴; not negative."""

    @property
    def n_resources(self) -> int:
        """Number of resources m."""
        return len(self.alpha)

    @property
    def n_households(self) -> int:
        """Number of households N of parameters given as arrays."""
        return len(self.linear)

    def value(self, x: Sequence[FloatOrArray]) -> FloatOrArray:
        """Cost g(x) of paper A (26).

        Parameters
        ----------
        x : sequence of float or ndarray, length m
            Average of each resource; an array of shape ``(N, m)`` goes in as its transpose.

        Returns
        -------
        float or ndarray
            Cost of each household.
        """
        total = _sum_over_resources(x)
        deviation = total - self.target
        square = deviation * deviation
        result = self.linear * total + (self.quadratic + self.quartic * square) * square
        for r in range(len(self.alpha)):
            own = x[r] - self.alpha[r] * self.target
            own_square = own * own
            result = result + (self.own_quadratic[r] + self.own_quartic[r] * own_square) * own_square
        return result

    def gradients(self, x: Sequence[FloatOrArray]) -> tuple[FloatOrArray, ...]:
        """Partial derivative of the cost with respect to each resource: ∇_r g of paper A (18), (22).

        Operations, in order: ``s = x[0] + x[1] + ...``; ``d = s - T``;
        ``shared = l + (2q + 4Q*(d*d))*d``; ``e = x[r] - α_r*T``; ``shared + (2p_r + 4P_r*(e*e))*e``.

        Parameters
        ----------
        x : sequence of float or ndarray, length m
            Average of each resource.
        """
        deviation = _sum_over_resources(x) - self.target
        shared = (
            self.linear + (2.0 * self.quadratic + 4.0 * self.quartic * (deviation * deviation)) * deviation
        )
        result = []
        for x_r, alpha, own_quadratic, own_quartic in zip(
            x, self.alpha, self.own_quadratic, self.own_quartic, strict=True
        ):
            own = x_r - alpha * self.target
            result.append(shared + (2.0 * own_quadratic + 4.0 * own_quartic * (own * own)) * own)
        return tuple(result)

    def over(self, n_households: int) -> CostParameters:
        """The same with an array over so many households in place of each float."""
        return _each_field(lambda field: np.full(n_households, field, dtype=np.float64), self)

    def household(self, i: int) -> CostParameters:
        """Parameters of household `i` as floats, from parameters given as arrays."""
        return _each_field(lambda field: float(field[i]), self)

    def select(self, households: NDArray[Any]) -> CostParameters:
        """Parameters of some households, by index or by mask."""
        return _each_field(lambda field: field[households], self)

    def columns(self, resources: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """The parameters by column name, for a table of households: ``cost_linear``, ``cost_alpha_x``."""
        table = {f"cost_{name}": getattr(self, name) for name in ("linear", "target", "quadratic", "quartic")}
        for name in ("alpha", "own_quadratic", "own_quartic"):
            for resource, column in zip(resources, getattr(self, name), strict=True):
                table[f"cost_{name}_{resource}"] = column
        return table

    def assumption_1_violations(self, resources: Sequence[str] = ()) -> list[str | None]:
        """Where paper A's Assumption 1 fails on (0, 1]^m, household by household.

        All curvatures are at least 0, so every partial derivative is smallest as x goes to 0: g is strictly
        increasing in each variable iff no derivative is negative there (and none stays at 0). It is strictly
        convex iff no direction is left without curvature: each resource has its own, or all but one have and
        their sum has.

        Parameters
        ----------
        resources : sequence of str
            Names of the resources, for the text; their numbers by default.

        Returns
        -------
        list of str or None
            What fails and by how much; None where the assumption holds.
        """
        n, m = self.n_households, self.n_resources
        with np.errstate(over="ignore", invalid="ignore"):
            at_zero = np.array(self.gradients(list(np.zeros((m, n)))))
        worst = np.argmin(at_zero, axis=0)
        least = at_zero[worst, np.arange(n)]
        coupled = (self.quadratic > 0) | (self.quartic > 0)
        own = np.array([(p > 0) | (q > 0) for p, q in zip(self.own_quadratic, self.own_quartic, strict=True)])
        strictly_convex = own.sum(axis=0) + coupled >= m
        names = list(resources) or [str(r) for r in range(m)]
        flat = (~coupled & ~own & (at_zero == 0)).any(axis=0)
        result: list[str | None] = [None] * n
        for i in np.flatnonzero(~(np.isfinite(least) & (least >= 0) & ~flat & strictly_convex)).tolist():
            result[i] = _violation(
                float(least[i]), names[int(worst[i])], bool(strictly_convex[i]), bool(flat[i])
            )
        return result


class GradientTerms(NamedTuple):
    """Many households' costs as their gradients need them: what does not change, worked out once.

    Doubling is exact, so the gradients have the bits of `CostParameters.gradients`.
    """

    linear: NDArray[np.float64]
    target: NDArray[np.float64]
    double_quadratic: NDArray[np.float64]
    fourfold_quartic: NDArray[np.float64]
    """l, T, 2q and 4Q. Shape (N,)."""
    own_target: NDArray[np.float64]
    double_own: NDArray[np.float64]
    fourfold_own: NDArray[np.float64]
    """α_r T, 2p_r and 4P_r of each resource. Shape (m, N)."""

    @classmethod
    def of(cls, costs: CostParameters) -> GradientTerms:
        """Of parameters given as arrays."""
        return cls(
            costs.linear,
            costs.target,
            2.0 * costs.quadratic,
            4.0 * costs.quartic,
            np.array(costs.alpha) * costs.target,
            2.0 * np.array(costs.own_quadratic),
            4.0 * np.array(costs.own_quartic),
        )

    def select(self, households: NDArray[Any]) -> GradientTerms:
        """Those of some households, by index."""
        return GradientTerms(*(term.take(households, axis=-1) for term in self))

    def gradients(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """∇_r g of averages of shape (K, m, N), by the operations of `CostParameters.gradients`."""
        gradients = np.empty_like(x)
        _put_gradients(*self, x, gradients)
        return gradients


def shared_slope(
    linear: float, target: float, double_quadratic: float, fourfold_quartic: float, total: float
) -> float:
    """What the gradients of all resources have in common, of one household's `GradientTerms` and Σ_r x_r."""
    d = total - target
    return linear + (double_quadratic + fourfold_quartic * (d * d)) * d


def own_slope(own_target: float, double_own: float, fourfold_own: float, x: float) -> float:
    """What a resource adds to it."""
    e = x - own_target
    return (double_own + fourfold_own * (e * e)) * e


@compiled(shared_slope, own_slope)
def _put_gradients(
    linear: NDArray[np.float64],
    target: NDArray[np.float64],
    double_quadratic: NDArray[np.float64],
    fourfold_quartic: NDArray[np.float64],
    own_target: NDArray[np.float64],
    double_own: NDArray[np.float64],
    fourfold_own: NDArray[np.float64],
    x: NDArray[np.float64],
    gradients: NDArray[np.float64],
) -> None:
    for k in range(len(x)):
        for i in range(x.shape[2]):
            total = x[k, 0, i]
            for r in range(1, x.shape[1]):
                total += x[k, r, i]
            shared = shared_slope(linear[i], target[i], double_quadratic[i], fourfold_quartic[i], total)
            for r in range(x.shape[1]):
                own = own_slope(own_target[r, i], double_own[r, i], fourfold_own[r, i], x[k, r, i])
                gradients[k, r, i] = shared + own


def concatenate(costs: Sequence[CostParameters]) -> CostParameters:
    """Parameters of several groups of households, one after another."""
    return _each_field(lambda *fields: np.concatenate(fields), *costs)


def _violation(least: float, resource: str, strictly_convex: bool, flat: bool) -> str | None:
    parts = []
    if not math.isfinite(least):
        parts.append(f"too large to calculate: the derivative by {resource} is {least:g} near x = 0")
    elif least < 0 or flat:
        parts.append(f"not strictly increasing: the derivative by {resource} is {least:.6g} near x = 0")
    if not strictly_convex:
        parts.append("not strictly convex: more than one direction has no curvature of its own")
    return "; ".join(parts) or None


def _sum_over_resources(x: Sequence[FloatOrArray]) -> FloatOrArray:
    total = x[0]
    for r in range(1, len(x)):
        total = total + x[r]
    return total


def _each_field(function: Callable[..., Any], *costs: CostParameters) -> CostParameters:
    """`function` of each field of `costs`, and of each entry of the fields that are tuples over resources."""
    fields = []
    for parts in zip(*costs, strict=True):
        if isinstance(parts[0], tuple):
            fields.append(tuple(function(*entries) for entries in zip(*parts, strict=True)))
        else:
            fields.append(function(*parts))
    return CostParameters(*fields)
