"""Response policies: with what probability a household takes a unit, given the signal and its own state.

Each states its response, where it comes to rest, how its response there changes with the signal, and in what
unit its signal is. Responses are operators only, so that a float and an array give the same bits, and are not
clipped to [0, 1]: a decision compares a uniform number u in [0, 1) with one, and ``u < response`` is the same
for the clipped one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError
from cosim.regulation.costs import CostParameters, gradients
from cosim.regulation.fixed_points import FixedPoint, at_optimum, by_mean_response
from cosim.regulation.optimum import require_feasible, solve_optimum

Array: TypeAlias = NDArray[np.float64]
FloatOrArray: TypeAlias = Any
"""A float, or a float64 array over households: the same operators work on both, to the same bits."""

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
    signal_unit : str
        Unit of Ω, where averages are in units and gradients in cost/unit.
    """

    name: ClassVar[PolicyName]
    fixed_point: ClassVar[str]
    signal_unit: ClassVar[str]

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

    def settle(self, costs: CostParameters, capacities: Array) -> FixedPoint:
        """The fixed point at which the sums of the averages are the capacities.

        Where there is none, the nearest that was found: the clipped response there is another than the
        averages, or their sums are others than the capacities.

        Parameters
        ----------
        costs : CostParameters
            Arrays over N households.
        capacities : ndarray, shape (m,)
            C_r.

        Raises
        ------
        InputError
            If a capacity is below 0 or above N.
        """


@dataclass(frozen=True, slots=True)
class Proportional:
    """σ = Ω x̄ / ∇g, paper A (20).

    Where x̄ > 0 the fixed point is ∇g = Ω for all, the optimum. An average of 0 stays at 0 for good, and
    while the gradient is negative the response is 0: such a household is locked out. So where the optimum has
    negative gradients (Ω would have to be negative, and a higher one would mean less response) the fixed
    point is the optimum of those who are not locked out.
    """

    name: ClassVar[PolicyName] = "proportional"
    fixed_point: ClassVar[str] = "∇g = Ω, the same for all: the optimum of Problem 1"
    signal_unit: ClassVar[str] = "cost/unit"

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """(Ω·x̄) / (∇g + `LEAST`), in this order."""
        return signal * average / (gradient + LEAST)

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """x̄ / ∇g."""
        return average / (gradient + LEAST)

    def settle(self, costs: CostParameters, capacities: Array) -> FixedPoint:
        """The optimum, of all or of those who are not locked out on the way to it."""
        point = at_optimum(costs, capacities)
        if self._is_held(costs, point):
            return point
        reached = by_mean_response(self.slope, costs, capacities)
        # Averages that fall to 0 do so ever more slowly; the optimum of the others says where they end.
        try:
            optimum = solve_optimum(costs, capacities, active=~reached.locked_out)
        except InputError:  # so many are locked out that the others cannot reach the capacities
            return reached
        point = FixedPoint(optimum.x.T, optimum.multipliers, reached.locked_out)
        return point if self._is_held(costs, point) else reached

    @staticmethod
    def _is_held(costs: CostParameters, point: FixedPoint) -> bool:
        """Whether all who take part have a positive gradient, so that a positive signal holds them."""
        return bool((np.array(gradients(costs, list(point.averages)))[point.averages > 0.0] > 0.0).all())


@dataclass(frozen=True, slots=True)
class InverseAverage:
    """σ = Ω ∇g / x̄, paper A (22) and Algorithm 2, as printed.

    The fixed point x̄² = Ω ∇g is no consensus of gradients, so not the optimum of Problem 1. Where costs make
    ∇g negative at low averages there may be several, with more or fewer households locked out.
    """

    name: ClassVar[PolicyName] = "inverse_average"
    fixed_point: ClassVar[str] = "x̄² = Ω ∇g: no consensus of gradients"
    signal_unit: ClassVar[str] = "unit³/cost"

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """(Ω·∇g) / (x̄ + `LEAST`), in this order."""
        return signal * gradient / (average + LEAST)

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """∇g / x̄."""
        return gradient / (average + LEAST)

    def settle(self, costs: CostParameters, capacities: Array) -> FixedPoint:
        """Where the mean response leads from equal averages; whoever collapses on the way is locked out."""
        if costs.n_households == 0:
            return at_optimum(costs, capacities)
        require_feasible(capacities, costs.n_households, costs.n_resources)
        return by_mean_response(self.slope, costs, capacities)


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
    signal_unit: ClassVar[str] = "cost/unit"

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """x̄ + κ·(Ω − ∇g), in this order."""
        return average + self.kappa * (signal - gradient)

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """κ."""
        return self.kappa + 0.0 * average

    def settle(self, costs: CostParameters, capacities: Array) -> FixedPoint:
        """The optimum."""
        return at_optimum(costs, capacities)


_POLICIES: Mapping[PolicyName, Callable[[float], Policy]] = {
    "additive": Additive,
    "proportional": lambda _: Proportional(),
    "inverse_average": lambda _: InverseAverage(),
}


def build_policy(name: PolicyName, kappa: float = 0.3) -> Policy:
    """The policy called `name`; `kappa` is for `additive` alone."""
    return _POLICIES[name](kappa)
