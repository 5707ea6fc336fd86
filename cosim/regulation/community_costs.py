"""The private costs of a whole community, whose groups may have costs of different classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosim.config.parameters import numbers, of_household, of_households
from cosim.regulation.costs import Cost
from cosim.regulation.costs.interface import PolynomialCost
from cosim.regulation.costs.polynomial import CostParameters, concatenate

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class MixedCosts:
    """The costs of N households, at least one of which is of no class of the polynomial family."""

    n_resources: int
    """m."""
    parts: tuple[Cost | CostParameters, ...]
    """With floats, or arrays over the households that have it."""
    places: tuple[NDArray[np.int64], ...]
    """Of each part, the positions of these households; together 0 ... N−1, each once."""

    @property
    def n_households(self) -> int:
        """N."""
        return sum(map(len, self.places))

    def value(self, x: Sequence[Array]) -> Array:
        """Cost of each household, of m averages of shape (..., N)."""
        return self._in_parts(x, (), lambda part, inside: part.value(inside))

    def gradients(self, x: Sequence[Array]) -> tuple[Array, ...]:
        """∂g/∂x_r of each household, for each resource r."""
        n = (self.n_resources,)
        made = self._in_parts(x, n, lambda part, inside: _stacked(part.gradients(inside), inside[0].shape))
        return tuple(np.moveaxis(made, -1, 0))

    def hessians(self, x: Array) -> Array:
        """∂²g/∂x_r∂x_s of averages of shape (K, m, N), as (K, N, m, m)."""
        m = self.n_resources
        return self._in_parts([x[:, r] for r in range(m)], (m, m), _hessian)

    def household(self, i: int) -> Cost | CostParameters:
        """The cost of household `i`, with floats."""
        for part, places in zip(self.parts, self.places, strict=True):
            (found,) = np.nonzero(places == i)
            if len(found):
                number = int(found[0])
                return (
                    part.household(number) if isinstance(part, CostParameters) else of_household(part, number)
                )
        raise IndexError(i)

    def select(self, households: NDArray[Any]) -> MixedCosts:
        """The costs of some households, by index in ascending order or by mask."""
        chosen = np.arange(self.n_households)[households]
        parts, places = [], []
        for part, own in zip(self.parts, self.places, strict=True):
            mask = np.isin(own, chosen)
            parts.append(part.select(mask) if isinstance(part, CostParameters) else of_households(part, mask))
            places.append(np.searchsorted(chosen, own[mask]))
        return MixedCosts(self.n_resources, tuple(parts), tuple(places))

    def columns(self, resources: Sequence[str]) -> dict[str, Array]:
        """Every number of the costs for a table of households: ``cost_linear``; NaN for who has none."""
        table: dict[str, Array] = {}
        for part, places in zip(self.parts, self.places, strict=True):
            own = (
                part.columns(resources)
                if isinstance(part, CostParameters)
                else {f"cost_{key}": value for key, value in numbers(part).items()}
            )
            for name, values in own.items():
                table.setdefault(name, np.full(self.n_households, np.nan))[places] = values
        return table

    def _in_parts(
        self,
        x: Sequence[Array],
        more: tuple[int, ...],
        function: Callable[[Cost | CostParameters, list[Array]], Any],
    ) -> Array:
        """A function of each part, put together over the households; with axes more after theirs."""
        result = np.empty((*np.shape(x[0]), *more))
        for part, places in zip(self.parts, self.places, strict=True):
            inside = function(part, [average[..., places] for average in x])
            np.moveaxis(result, np.ndim(x[0]) - 1, 0)[places] = np.moveaxis(inside, np.ndim(x[0]) - 1, 0)
        return result


Costs: TypeAlias = CostParameters | MixedCosts
"""The costs of N households: of the polynomial family, which is quick, or of any classes."""


def community_costs(groups: Sequence[tuple[Cost, int]], n_resources: int) -> Costs:
    """The costs of groups of households, one after another.

    Parameters
    ----------
    groups : sequence of (Cost, int)
        With floats, or arrays over their households; and how many these are.
    n_resources : int
        m.

    Raises
    ------
    InputError
        If a cost does not suit the number of resources.
    """
    parts = [
        cost.parameters(n_resources).over(n) if isinstance(cost, PolynomialCost) else cost
        for cost, n in groups
    ]
    family = [part for part in parts if isinstance(part, CostParameters)]
    if len(family) == len(parts):
        return concatenate(family)
    ends = np.cumsum([n for _, n in groups])
    places = [np.arange(end - n, end) for (_, n), end in zip(groups, ends, strict=True)]
    return MixedCosts(n_resources, tuple(parts), tuple(places))


def _stacked(each: Sequence[Any], shape: tuple[int, ...]) -> Array:
    return np.stack([np.broadcast_to(one, shape) for one in each], axis=-1)


def _hessian(part: Cost | CostParameters, x: list[Array]) -> Array:
    if isinstance(part, CostParameters):
        return _hessian_of_family(part, x)
    return np.stack([_stacked(row, x[0].shape) for row in part.curvature(x)], axis=-2)


def _hessian_of_family(part: CostParameters, x: list[Array]) -> Array:
    deviation = sum(x) - part.target
    coupling = 2.0 * part.quadratic + 12.0 * part.quartic * deviation**2
    own = [
        2.0 * quadratic + 12.0 * quartic * (average - alpha * part.target) ** 2
        for average, alpha, quadratic, quartic in zip(
            x, part.alpha, part.own_quadratic, part.own_quartic, strict=True
        )
    ]
    return np.asarray(
        coupling[..., np.newaxis, np.newaxis] + _stacked(own, x[0].shape)[..., np.newaxis] * np.eye(len(x))
    )
