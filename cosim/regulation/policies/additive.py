"""The additive policy: a step from the average towards where the gradient is the signal."""

from __future__ import annotations

from typing import ClassVar

from cosim.config.values import PositiveValue
from cosim.regulation.policies.interface import POLICIES, FloatOrArray, Policy


@POLICIES.register("additive")
class Additive(Policy):
    """σ = x̄ + κ (Ω − ∇g).

    The fixed point is the optimum of Problem 1 with its bounds: ∇g = Ω inside, ∇g ≥ Ω at 0, ∇g ≤ Ω at 1. It
    locks nobody out, since the response at x̄ = 0 is positive as soon as Ω exceeds ∇g.
    """

    kappa: PositiveValue = 0.3
    """κ, how much a household answers [probability per unit of signal]."""

    fixed_point: ClassVar[str] = "∇g = Ω, the same for all: the optimum of Problem 1"
    signal_unit: ClassVar[str] = "cost/unit"
    rests_at_optimum: ClassVar[bool] = True

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """x̄ + κ·(Ω − ∇g), in this order."""
        return additive(signal, average, gradient, self.kappa)

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """κ."""
        kappa: FloatOrArray = self.kappa
        return kappa + 0.0 * average


def additive(
    signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray, kappa: FloatOrArray
) -> FloatOrArray:
    """See `Additive.response`."""
    return average + kappa * (signal - gradient)
