"""The general cost of paper A (26)."""

from __future__ import annotations

from typing import Any

from cosim.config.per_resource import NonNegativePerResource, SharePerResource
from cosim.config.values import FiniteValue, NonNegativeValue
from cosim.core.errors import InputError, Problem
from cosim.regulation.costs.interface import COSTS, PolynomialCost
from cosim.regulation.costs.polynomial import CostParameters


@COSTS.register("separable")
class SeparableCost(PolynomialCost):
    """The general cost of paper A (26), for any number of resources; s is their sum.

    g(x) = linear·s + coupling_quadratic·(s−T)² + coupling_quartic·(s−T)⁴
    + Σ_r own_quadratic_r·(x_r−α_r T)² + own_quartic_r·(x_r−α_r T)⁴
    """

    linear: FiniteValue
    """Cost of one unit on average [cost]; large enough to keep g increasing (Assumption 1)."""
    coupling_quadratic: NonNegativeValue = 0.0
    """Weight of (s−T)² [cost]."""
    coupling_quartic: NonNegativeValue = 0.0
    """Weight of (s−T)⁴ [cost]."""
    own_quadratic: NonNegativePerResource = 0.5
    """Weight of (x_r−α_r T)² [cost]; one value, or a list with one for each resource."""
    own_quartic: NonNegativePerResource = 0.0
    """Weight of (x_r−α_r T)⁴ [cost]; one value, or a list with one for each resource."""
    target: NonNegativeValue
    """T, the desired sum of the averages [units per step]."""
    alpha: SharePerResource | None = None
    """α_r, each resource's share of T in [0, 1] (paper A (7)). One number means (α, 1−α) and needs two
    resources; equal shares by default."""

    def parameters(self, n_resources: int) -> CostParameters:
        """As they are, with α for each resource."""
        return CostParameters(
            linear=self.linear,
            target=self.target,
            quadratic=self.coupling_quadratic,
            quartic=self.coupling_quartic,
            alpha=self._shares(n_resources),
            own_quadratic=_of_each("own_quadratic", self.own_quadratic, n_resources),
            own_quartic=_of_each("own_quartic", self.own_quartic, n_resources),
        )

    def _shares(self, n_resources: int) -> tuple[Any, ...]:
        if self.alpha is None:
            return (1.0 / n_resources,) * n_resources
        if isinstance(self.alpha, tuple):
            return _of_each("alpha", self.alpha, n_resources)
        if n_resources != 2:
            message = f"cost.alpha is one number, which means (α, 1−α), for {n_resources} resources"
            raise InputError([Problem(message, "List one share for each resource")])
        alpha: Any = self.alpha
        return (alpha, 1.0 - alpha)


def _of_each(name: str, given: Any, n_resources: int) -> tuple[Any, ...]:
    if not isinstance(given, tuple):
        return (given,) * n_resources
    if len(given) != n_resources:
        message = f"cost.{name} lists {len(given)} values for {n_resources} resources"
        raise InputError([Problem(message, "Give one value, or one for each resource")])
    return given
