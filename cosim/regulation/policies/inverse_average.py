"""Paper A's policy (22), as printed."""

from __future__ import annotations

from typing import ClassVar

from cosim.regulation.policies.interface import LEAST, POLICIES, FloatOrArray, Policy


@POLICIES.register("inverse_average")
class InverseAverage(Policy):
    """σ = Ω ∇g / x̄, paper A (22) and Algorithm 2, as printed.

    The fixed point x̄² = Ω ∇g is no consensus of gradients, so not the optimum of Problem 1. Where costs make
    ∇g negative at low averages there may be several, with more or fewer households locked out.
    """

    fixed_point: ClassVar[str] = "x̄² = Ω ∇g: no consensus of gradients"
    signal_unit: ClassVar[str] = "unit³/cost"
    multiplies: ClassVar[bool] = True

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """(Ω·∇g) / (x̄ + `LEAST`), in this order."""
        return inverse_average(signal, average, gradient)

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """∇g / x̄."""
        return gradient / (average + LEAST)


def inverse_average(signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
    """See `InverseAverage.response`."""
    return signal * gradient / (average + LEAST)
