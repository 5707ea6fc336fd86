"""What a private cost is: its keys in a scenario, its value, its gradient and its curvature."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from cosim.config.base import Model
from cosim.core.errors import InputError, Problem, count
from cosim.core.registry import Registry
from cosim.regulation.costs.polynomial import CostParameters

FloatOrArray: TypeAlias = Any
"""A float, or a float64 array over households: the same operators work on both."""

_STEP = 1e-5


class Cost(Model):
    """A convex cost g(x) of a household's averages, one for each resource, on [0, 1]^m.

    Its keys are its fields; one declared as a `Value` may differ by household, and is a number in the methods
    (or an array, over households).

    Attributes
    ----------
    resources : int or None
        The only number of resources it is made for; None for any.
    """

    kind: str = ""
    resources: ClassVar[int | None] = None

    @abstractmethod
    def value(self, x: Sequence[FloatOrArray]) -> FloatOrArray:
        """g(x).

        Parameters
        ----------
        x : sequence of float or ndarray, length m
            Average of each resource.
        """

    @abstractmethod
    def gradients(self, x: Sequence[FloatOrArray]) -> Sequence[FloatOrArray]:
        """∂g/∂x_r for each resource r."""

    def curvature(self, x: Sequence[FloatOrArray]) -> Sequence[Sequence[FloatOrArray]]:
        """∂²g/∂x_r∂x_s, a row for each resource r; by differences of the gradient, unless a class says it."""
        rows = []
        for s in range(len(x)):
            above, below = ([*x[:s], x[s] + step, *x[s + 1 :]] for step in (_STEP, -_STEP))
            pairs = zip(self.gradients(above), self.gradients(below), strict=True)
            rows.append([(up - down) / (2.0 * _STEP) for up, down in pairs])
        return [[0.5 * (rows[r][s] + rows[s][r]) for s in range(len(x))] for r in range(len(x))]

    def require_resources(self, n_resources: int) -> None:
        """Refuse a community with another number of resources than the cost is made for."""
        if self.resources not in (None, n_resources):
            wanted = count(self.resources or 0, "resource")
            message = f"the cost '{self.kind}' needs a community of {wanted}, and this one has {n_resources}"
            raise InputError([Problem(message, "Choose another cost, or change the community's resources.")])


class ChangingCost(Cost):
    """A cost that is one of several costs, each for some time, as is known before the run.

    Each of them is convex (Simonetto, Dall'Anese, Paternain, Leus and Giannakis, *Time-Varying Convex
    Optimization: Time-Structured Algorithms and Applications*, Proc. IEEE 108(11), 2020).
    """

    @property
    @abstractmethod
    def parts(self) -> tuple[tuple[str, Cost], ...]:
        """The costs, each with the key that it stands at."""

    @abstractmethod
    def over(self, duration_ms: int, start: datetime) -> list[tuple[int, int]]:
        """From when on each is in force: (ms since the start, number in `parts`), the first from 0 on.

        Parameters
        ----------
        duration_ms : int
            Length of the run, ms.
        start : datetime
            Its start, UTC.
        """

    def value(self, x: Sequence[FloatOrArray]) -> FloatOrArray:
        """None without a time."""
        raise TypeError(f"the cost '{self.kind}' has values of its parts alone")

    def gradients(self, x: Sequence[FloatOrArray]) -> Sequence[FloatOrArray]:
        """None without a time."""
        raise TypeError(f"the cost '{self.kind}' has gradients of its parts alone")


class PolynomialCost(Cost):
    """A cost of the family that all of paper A's costs are members of (`CostParameters`)."""

    @abstractmethod
    def parameters(self, n_resources: int) -> CostParameters:
        """The family's parameters, each a float or an array as the cost's own numbers are.

        Raises
        ------
        InputError
            If the cost does not suit the number of resources.
        """

    def value(self, x: Sequence[FloatOrArray]) -> FloatOrArray:
        """g(x)."""
        return self.parameters(len(x)).value(x)

    def gradients(self, x: Sequence[FloatOrArray]) -> Sequence[FloatOrArray]:
        """∂g/∂x_r for each resource r."""
        return self.parameters(len(x)).gradients(x)


COSTS: Registry[Cost] = Registry("cost function", Cost)  # type: ignore[type-abstract]
"""Private cost functions by name."""
LASTING = COSTS.without(ChangingCost)
"""Those that do not change in time."""
