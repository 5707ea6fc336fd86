"""What a response policy is: its keys in a scenario, its response, and what is known of its fixed point."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, TypeAlias

from cosim.config.base import Model
from cosim.core.registry import Registry

FloatOrArray: TypeAlias = Any
"""A float, or a float64 array over households: the same operators work on both, to the same bits."""

LEAST = 1e-300
"""Added to a denominator, so that one of exactly 0 gives a huge response and not an error.

It changes no bit of any number above 1e-284 in size. The quotient stays finite while Ω times the numerator is
below 1e8.
"""


class Policy(Model):
    """A response σ(Ω, x̄, ∇g).

    Its keys are its fields; one declared as a `Value` may differ by household, and is a number in the methods
    (or an array, over households). Responses are operators only, so that a float and an array give the same
    bits, and are not clipped to [0, 1]: a decision compares a uniform number u in [0, 1) with one, and
    ``u < response`` is the same for the clipped one. A response must rise with the signal.

    Attributes
    ----------
    fixed_point : str
        The condition under which σ = x̄.
    signal_unit : str
        Unit of Ω, where averages are in units and gradients in cost/unit.
    rests_at_optimum : bool
        Whether the condition is ∇g = Ω, the same for all, with ∇g ≥ Ω at 0 and ∇g ≤ Ω at 1.
    multiplies : bool
        Whether σ is in proportion to Ω. No signal brings a household in whose slope is not positive then.
    """

    kind: str = ""
    fixed_point: ClassVar[str]
    signal_unit: ClassVar[str]
    rests_at_optimum: ClassVar[bool] = False
    multiplies: ClassVar[bool] = False

    @abstractmethod
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

    @abstractmethod
    def slope(self, average: FloatOrArray, gradient: FloatOrArray) -> FloatOrArray:
        """dσ/dΩ at a fixed point; its sum over the households that are not saturated is the loop gain."""


POLICIES: Registry[Policy] = Registry("response policy", Policy)  # type: ignore[type-abstract]
"""Response policies by name."""
