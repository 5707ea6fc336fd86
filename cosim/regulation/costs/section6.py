"""Costs of the two kinds of households in paper A's section 6."""

from __future__ import annotations

from typing import Any, ClassVar

from cosim.config.values import FiniteValue, NonNegativeValue, UniformInt
from cosim.regulation.costs.interface import COSTS, PolynomialCost
from cosim.regulation.costs.polynomial import CostParameters


@COSTS.register("section6_community_1")
class Section6Community1(PolynomialCost):
    """Cost of paper A's Community 1 (section 6), for two resources.

    g(x, y) = δ(x+y) + a/4·(x+y−T)² + 1/2·(x−T/2)² + 1/2·(y−T/2)²
    """

    delta: FiniteValue = 11.75
    """δ, cost of one unit on average [cost]; large enough to keep g increasing (Assumption 1)."""
    a: NonNegativeValue = UniformInt(uniform_int=(1, 10))
    """Weight of the deviation of x+y from T [cost]."""
    target: NonNegativeValue = 1.74
    """T, the desired utilisation x+y [units per step]."""

    resources: ClassVar[int | None] = 2

    def parameters(self, n_resources: int) -> CostParameters:
        """With q = a/4."""
        self.require_resources(n_resources)
        a: Any = self.a
        return _section6(self.delta, self.target, 0.25 * a, 0.0)


@COSTS.register("section6_community_2")
class Section6Community2(PolynomialCost):
    """Cost of paper A's Community 2 (section 6), for two resources.

    g(x, y) = γ(x+y) + a/8·(x+y−T)² + 5b/4·(x+y−T)⁴ + 1/2·(x−T/2)² + 1/2·(y−T/2)²
    """

    gamma: FiniteValue = 11.65
    """γ, cost of one unit on average [cost]. With the paper's b it does not keep g increasing everywhere."""
    a: NonNegativeValue = UniformInt(uniform_int=(1, 10))
    """Weight of the squared deviation of x+y from T [cost]."""
    b: NonNegativeValue = UniformInt(uniform_int=(1, 15))
    """Weight of the fourth power of the deviation of x+y from T [cost]."""
    target: NonNegativeValue = 1.725
    """T, the desired utilisation x+y [units per step]."""

    resources: ClassVar[int | None] = 2

    def parameters(self, n_resources: int) -> CostParameters:
        """With q = a/8 and Q = 5b/4."""
        self.require_resources(n_resources)
        a: Any = self.a
        b: Any = self.b
        return _section6(self.gamma, self.target, 0.125 * a, 1.25 * b)


def _section6(linear: Any, target: Any, quadratic: Any, quartic: Any) -> CostParameters:
    """Both share the last two terms, 1/2 (x_r − T/2)²."""
    return CostParameters(linear, target, quadratic, quartic, (0.5, 0.5), (0.5, 0.5), (0.0, 0.0))
