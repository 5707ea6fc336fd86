"""The cost of one resource alone, in paper A's section 4.2."""

from __future__ import annotations

from typing import ClassVar

from cosim.config.values import FiniteValue, NonNegativeValue
from cosim.regulation.costs.interface import COSTS, PolynomialCost
from cosim.regulation.costs.polynomial import CostParameters


@COSTS.register("consumption_only")
class ConsumptionOnlyCost(PolynomialCost):
    """Cost of one resource alone (paper A section 4.2).

    g(x) = linear·x + quadratic·(x−T)² + quartic·(x−T)⁴
    """

    linear: FiniteValue
    """Cost of one unit on average [cost]; large enough to keep g increasing (Assumption 1)."""
    quadratic: NonNegativeValue = 0.5
    """Weight of (x−T)² [cost]."""
    quartic: NonNegativeValue = 0.0
    """Weight of (x−T)⁴ [cost]."""
    target: NonNegativeValue
    """T, the desired average consumption [units per step]."""

    resources: ClassVar[int | None] = 1

    def parameters(self, n_resources: int) -> CostParameters:
        """As they are, with T for the one resource."""
        self.require_resources(n_resources)
        return CostParameters(self.linear, self.target, self.quadratic, self.quartic, (1.0,), (0.0,), (0.0,))
