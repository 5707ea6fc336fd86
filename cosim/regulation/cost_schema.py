"""Configuration of private cost functions (paper A: Alam et al., 2019, section 6 and (26))."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cosim.config.base import Model
from cosim.config.per_resource import NonNegativePerResource, SharePerResource
from cosim.config.values import FiniteValue, NonNegativeValue, UniformInt


class Section6Community1(Model):
    """Cost of paper A's Community 1 (section 6), for two resources.

    g(x, y) = δ(x+y) + a/4·(x+y−T)² + 1/2·(x−T/2)² + 1/2·(y−T/2)²
    """

    form: Literal["section6_community_1"] = "section6_community_1"
    """Which cost function this is."""
    delta: FiniteValue = 11.75
    """δ, cost of one unit on average [cost]; large enough to keep g increasing (Assumption 1)."""
    a: NonNegativeValue = UniformInt(uniform_int=(1, 10))
    """Weight of the deviation of x+y from T [cost]."""
    target: NonNegativeValue = 1.74
    """T, the desired utilisation x+y [units per step]."""


class Section6Community2(Model):
    """Cost of paper A's Community 2 (section 6), for two resources.

    g(x, y) = γ(x+y) + a/8·(x+y−T)² + 5b/4·(x+y−T)⁴ + 1/2·(x−T/2)² + 1/2·(y−T/2)²
    """

    form: Literal["section6_community_2"] = "section6_community_2"
    """Which cost function this is."""
    gamma: FiniteValue = 11.65
    """γ, cost of one unit on average [cost]. With the paper's b it does not keep g increasing everywhere."""
    a: NonNegativeValue = UniformInt(uniform_int=(1, 10))
    """Weight of the squared deviation of x+y from T [cost]."""
    b: NonNegativeValue = UniformInt(uniform_int=(1, 15))
    """Weight of the fourth power of the deviation of x+y from T [cost]."""
    target: NonNegativeValue = 1.725
    """T, the desired utilisation x+y [units per step]."""


class SeparableCost(Model):
    """The general cost of paper A (26), for any number of resources; s is their sum.

    g(x) = linear·s + coupling_quadratic·(s−T)² + coupling_quartic·(s−T)⁴
    + Σ_r own_quadratic_r·(x_r−α_r T)² + own_quartic_r·(x_r−α_r T)⁴
    """

    form: Literal["separable"] = "separable"
    """Which cost function this is."""
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


class ConsumptionOnlyCost(Model):
    """Cost of one resource alone (paper A section 4.2).

    g(x) = linear·x + quadratic·(x−T)² + quartic·(x−T)⁴
    """

    form: Literal["consumption_only"] = "consumption_only"
    """Which cost function this is."""
    linear: FiniteValue
    """Cost of one unit on average [cost]; large enough to keep g increasing (Assumption 1)."""
    quadratic: NonNegativeValue = 0.5
    """Weight of (x−T)² [cost]."""
    quartic: NonNegativeValue = 0.0
    """Weight of (x−T)⁴ [cost]."""
    target: NonNegativeValue
    """T, the desired average consumption [units per step]."""


CostConfig = Annotated[
    Section6Community1 | Section6Community2 | SeparableCost | ConsumptionOnlyCost, Field(discriminator="form")
]
"""A household's private cost function, by its `form`."""

AnyCost = Section6Community1 | Section6Community2 | SeparableCost | ConsumptionOnlyCost
"""The Python types a `CostConfig` can have."""
