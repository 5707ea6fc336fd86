"""Paper A's policy (20)."""

from __future__ import annotations

from typing import ClassVar

from cosim.regulation.policies.interface import LEAST, POLICIES, FloatOrArray, Policy


@POLICIES.register("proportional")
class Proportional(Policy):
    """σ = Ω x̄ / ∇g, paper A (20).

    Where x̄ > 0 the fixed point is ∇g = Ω for all, the optimum. An average of 0 stays at 0 for good, and
    while the gradient is negative the response is 0: such a household is locked out. So where the optimum has
    negative gradients (Ω would have to be negative, and a higher one would mean less response) the fixed
    point is the optimum of those who are not locked out.
    """

    fixed_point: ClassVar[str] = "∇g = Ω, the same for all: the optimum of Problem 1"
    signal_unit: ClassVar[str] = "cost/unit"
    rests_at_optimum: ClassVar[bool] = True
    multiplies: ClassVar[bool] = True

    def response(self, signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """(Ω·x̄) / (∇g + `LEAST`), in this order."""
        return proportional(signal, average, gradient)

    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """x̄ / ∇g."""
        return average / (gradient + LEAST)


def proportional(signal: FloatOrArray, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
    """See `Proportional.response`."""
    return signal * average / (gradient + LEAST)
