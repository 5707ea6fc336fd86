"""Response policies: with what probability a household takes a unit, given the signal and its own state.

Operators only, so that a float and an array give the same bits. A response is not clipped to [0, 1]: a
decision compares a uniform number u in [0, 1) with it, and ``u < response`` is the same for the clipped one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosim.markets.regulation.costs import CostParameters, gradients, select
from cosim.markets.regulation.optimum import solve_optimum

FloatOrArray: TypeAlias = Any
"""A float, or a float64 array over households: the same operators work on both, to the same bits."""

_MAX_ROUNDS = 2000
_SHARE_OF_THE_WAY = 0.25
"""How far the averages go in a round; the mean response turns back (slope below −1), so not all the way."""

PolicyName: TypeAlias = Literal["additive", "proportional", "inverse_average"]
"""Names of the policies, as in the configuration."""

LEAST = 1e-300
"""Added to a denominator, so that one of exactly 0 gives a huge response and not an error.

It changes no bit of any number above 1e-284 in size. The quotient stays finite while Ω times the numerator is
below 1e8.
"""


class Policy(Protocol):
    """A response σ(Ω, x̄, ∇g) and what is known of it near its fixed point σ = x̄.

    Attributes
    ----------
    name : str
        Name in the configuration.
    fixed_point : str
        The condition under which σ = x̄.
    is_optimal : bool
        Whether the fixed point is the optimum of Problem 1 (a consensus of the gradients).
    """

    name: ClassVar[PolicyName]
    fixed_point: ClassVar[str]
    is_optimal: ClassVar[bool]

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """σ, not clipped.

        Parameters
        ----------
        signal : float
            Ω, the freshest signal the household has.
        average : float or ndarray
            x̄ of this resource.
        gradient : float or ndarray
            ∇g with respect to this resource, at the averages of all.
        """

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """dσ/dΩ at given averages; their sum over the households that are not saturated is the loop gain."""


@dataclass(frozen=True, slots=True)
class Proportional:
    """σ = Ω x̄ / ∇g, paper A (20).

    Where x̄ > 0 the fixed point is ∇g = Ω for all, the optimum. An average of 0 stays at 0 for good, and
    while the gradient is negative the response is 0: such a household is locked out.
    """

    name: ClassVar[PolicyName] = "proportional"
    fixed_point: ClassVar[str] = "∇g = Ω, the same for all: the optimum of Problem 1"
    is_optimal: ClassVar[bool] = True

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """(Ω·x̄) / (∇g + `LEAST`), in this order."""
        return signal * average / (gradient + LEAST)

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """x̄ / ∇g."""
        return average / (gradient + LEAST)


@dataclass(frozen=True, slots=True)
class InverseAverage:
    """σ = Ω ∇g / x̄, paper A (22) and Algorithm 2, as printed.

    The fixed point x̄² = Ω ∇g is no consensus of gradients, so not the optimum of Problem 1.
    """

    name: ClassVar[PolicyName] = "inverse_average"
    fixed_point: ClassVar[str] = "x̄² = Ω ∇g: no consensus of gradients"
    is_optimal: ClassVar[bool] = False

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """(Ω·∇g) / (x̄ + `LEAST`), in this order."""
        return signal * gradient / (average + LEAST)

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """∇g / x̄."""
        return gradient / (average + LEAST)


@dataclass(frozen=True, slots=True)
class Additive:
    """σ = x̄ + κ (Ω − ∇g).

    The fixed point is the optimum of Problem 1 with its bounds: ∇g = Ω inside, ∇g ≥ Ω at 0, ∇g ≤ Ω at 1. It
    locks nobody out, since the response at x̄ = 0 is positive as soon as Ω exceeds ∇g.

    Attributes
    ----------
    kappa : float
        κ, probability per unit of signal.
    """

    kappa: float

    name: ClassVar[PolicyName] = "additive"
    fixed_point: ClassVar[str] = "∇g = Ω, the same for all: the optimum of Problem 1"
    is_optimal: ClassVar[bool] = True

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """x̄ + κ·(Ω − ∇g), in this order."""
        return average + self.kappa * (signal - gradient)

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """κ."""
        return self.kappa + 0.0 * average


def build_policy(name: PolicyName, kappa: float = 0.3) -> Policy:
    """The policy called `name`; `kappa` is for `additive` alone."""
    if name == "additive":
        return Additive(kappa)
    return Proportional() if name == "proportional" else InverseAverage()


class OperatingPoint(NamedTuple):
    """Where a policy holds the community once it has settled.

    Attributes
    ----------
    averages : ndarray, shape (N, m)
        x̄ at the fixed point σ = x̄; 0 for households that are not active.
    signals : ndarray, shape (m,)
        Ω*, the signals that hold it there.
    loop_gains : ndarray, shape (m,)
        G_r = Σ dσ_ir/dΩ_r over the households that are not saturated at 0 or 1.
    residual : float
        Largest distance between x̄ and the clipped response, and between Σ x̄ and C; above 1e-6 the policy has
        no such fixed point for these capacities.
    """

    averages: NDArray[np.float64]
    signals: NDArray[np.float64]
    loop_gains: NDArray[np.float64]
    residual: float


def operating_point(
    policy: Policy,
    costs: CostParameters,
    capacities: NDArray[np.float64],
    active: NDArray[np.bool_] | None = None,
) -> OperatingPoint:
    """Averages, signals and loop gains at a policy's fixed point.

    Parameters
    ----------
    policy : Policy
        Everyone's response.
    costs : CostParameters
        Arrays over N households.
    capacities : ndarray, shape (m,)
        C_r.
    active : ndarray of bool, shape (N,), optional
        Who takes part; everyone by default.

    Raises
    ------
    InputError
        If a capacity is below 0 or above the number of active households.
    """
    members = np.arange(costs.n_households) if active is None else np.flatnonzero(active)
    inside = select(costs, members)
    optimum = solve_optimum(inside, capacities)
    x, signals = optimum.x.T, optimum.multipliers
    if not policy.is_optimal and len(members):
        x, signals = _settle_inverse_average(inside, np.asarray(capacities, dtype=np.float64))
    slopes_of_cost = np.array(gradients(inside, list(x)))
    response = np.clip(policy.response(signals[:, np.newaxis], x, slopes_of_cost), 0.0, 1.0)
    residual = max(np.abs(response - x).max(initial=0.0), np.abs(x.sum(axis=1) - capacities).max(initial=0.0))
    unsaturated = (x > 0.0) & (x < 1.0)
    slopes = np.where(unsaturated, policy.slope(x, slopes_of_cost), 0.0)
    averages = np.zeros((costs.n_households, costs.n_resources))
    averages[members] = x.T
    return OperatingPoint(averages, signals, slopes.sum(axis=1), float(residual))


def _settle_inverse_average(
    costs: CostParameters, capacities: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fixed point of `inverse_average`: follow the mean response, with Ω such that the sums hold.

    In each round Ω solves Σ clip(Ω ∇g / x̄, 0, 1) = C, then the averages go a part of the way to the response,
    as they do in the market itself. So of several fixed points it finds the one that the market reaches from
    equal averages.
    """
    n = costs.n_households
    x = np.repeat((capacities / n)[:, np.newaxis], n, axis=1)
    signals = np.zeros(len(capacities))
    for _ in range(_MAX_ROUNDS):
        slope = np.array(gradients(costs, list(x)))
        ratio = np.maximum(slope / (x + LEAST), 0.0)
        signals = np.array([_signal_for(row, c) for row, c in zip(ratio, capacities, strict=True)])
        wish = np.clip(signals[:, np.newaxis] * ratio, 0.0, 1.0)
        if np.abs(wish - x).max() < 1e-13:
            break
        x = x + _SHARE_OF_THE_WAY * (wish - x)
    return x, signals


def _signal_for(ratio: NDArray[np.float64], capacity: float) -> float:
    """The Ω with Σ min(Ω ratio, 1) = C: the sum is piecewise linear in Ω, so it is solved exactly."""
    ratio = np.sort(ratio[ratio > 0.0])[::-1]
    if capacity <= 0.0 or len(ratio) == 0:
        return 0.0
    # With the j steepest households at 1, the others share what is left in proportion.
    rest = np.cumsum(ratio[::-1])[::-1]
    candidates = (capacity - np.arange(len(ratio))) / rest
    fits = candidates * ratio <= 1.0
    return float(candidates[np.argmax(fits)]) if fits.any() else float(1.0 / ratio[-1])
