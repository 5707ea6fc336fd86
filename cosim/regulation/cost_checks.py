"""What is wrong with a cost of any class, looked for at points spread over [0, 1]^m.

The costs of paper A's family need none of it: what is true of them is known from their parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem
from cosim.regulation.community_costs import Costs, MixedCosts, community_costs
from cosim.regulation.costs import Cost
from cosim.regulation.costs.polynomial import CostParameters

Array = NDArray[np.float64]

_POINTS = 64
_STEP = 1e-6
_OFF = 1e-4
"""By how much a derivative may differ from that by differences, of its size or of 1."""
_FLAT = 1e-9
"""A curvature below this share of the largest is none."""


def require_usable(cost: Cost, n_resources: int, n_households: int) -> None:
    """Refuse a cost that does not suit the community, or with which nothing can be calculated.

    One of a class outside of the family is also refused where its gradient is not that of its value, or where
    it is not convex.

    Parameters
    ----------
    cost : Cost
        With floats, or arrays over the households of a group.
    n_resources, n_households : int
        m of the community, N of the group.

    Raises
    ------
    InputError
        With the first that was found.
    """
    cost.require_resources(n_resources)
    costs = community_costs([(cost, n_households)], n_resources)
    if isinstance(costs, CostParameters):
        with np.errstate(over="ignore", invalid="ignore"):
            ends = [costs.gradients([np.full(n_households, x)] * n_resources) for x in (0.0, 1.0)]
        if not np.isfinite(ends).all():
            message = f"the derivatives of the cost '{cost.kind}' are too large to calculate"
            raise InputError([Problem(message, "Give weights and targets of ordinary size")])
        return
    try:
        with np.errstate(all="ignore"):
            found = _problem(costs)
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        found = f"fails with {type(error).__name__}: {error}"
    if found:
        called = f"'{cost.kind}' ({type(cost).__module__}.{type(cost).__qualname__})"
        remedy = "Correct the class, or the numbers that it is given."
        raise InputError([Problem(f"the cost {called} {found}", remedy)])


def assumption_1_violations(costs: Costs, resources: Sequence[str]) -> list[str | None]:
    """Where paper A's Assumption 1 fails on (0, 1]^m, household by household; None where it holds.

    Parameters
    ----------
    costs : Costs
        Of N households.
    resources : sequence of str
        Names of the resources, for the text.
    """
    if isinstance(costs, CostParameters):
        return costs.assumption_1_violations(resources)
    result: list[str | None] = [None] * costs.n_households
    for part, places in zip(costs.parts, costs.places, strict=True):
        if isinstance(part, CostParameters):
            own = part.assumption_1_violations(resources)
        else:
            own = _violations(costs.select(places), resources)
        for place, text in zip(places.tolist(), own, strict=True):
            result[place] = text
    return result


def _violations(costs: MixedCosts, resources: Sequence[str]) -> list[str | None]:
    x = _points(costs)
    slopes = np.stack(costs.gradients(list(x.transpose(1, 0, 2))), axis=1)
    eigenvalues = np.linalg.eigvalsh(costs.hessians(x))
    flattest = eigenvalues[..., 0].min(axis=0)
    steepest = np.maximum(np.abs(eigenvalues).max(axis=(0, 2)), 1e-300)
    texts: list[str | None] = []
    for i in range(costs.n_households):
        at, r = divmod(int(np.argmin(slopes[:, :, i])), slopes.shape[1])
        parts = []
        if slopes[at, r, i] < 0.0:
            parts.append(
                f"not strictly increasing: the derivative by {resources[r]} is {slopes[at, r, i]:.6g} "
                f"at {_point(x[at, :, i])}"
            )
        if flattest[i] <= _FLAT * steepest[i]:
            parts.append("not strictly convex: there is a direction without curvature")
        texts.append("; ".join(parts) or None)
    return texts


def _problem(costs: MixedCosts) -> str:
    """The first thing that is wrong, as the end of a sentence; empty where nothing is."""
    x = _points(costs)
    m = costs.n_resources
    values, slopes = _values(costs, x), np.stack(costs.gradients(list(x.transpose(1, 0, 2))), axis=1)
    blocks = costs.hessians(x)
    for name, array in (("value", values[:, np.newaxis]), ("gradient", slopes), ("curvature", blocks)):
        finite = np.isfinite(array).reshape(len(x), -1).all(axis=1)
        if not finite.all():
            return f"has a {name} that is not a finite number at {_point(x[np.argmin(finite), :, 0])}"
    middle = np.clip(x, _STEP, 1.0 - _STEP)
    slopes = np.stack(costs.gradients(list(middle.transpose(1, 0, 2))), axis=1)
    for r in range(m):
        step = np.zeros_like(x)
        step[:, r] = _STEP
        differences = (_values(costs, middle + step) - _values(costs, middle - step)) / (2.0 * _STEP)
        off = np.abs(differences - slopes[:, r]) > _OFF * (1.0 + np.abs(differences))
        if off.any():
            at, i = np.argwhere(off)[0]
            return (
                f"has a gradient of {slopes[at, r, i]:.6g} by resource {r + 1} at {_point(x[at, :, i])}, "
                f"where its value changes by {differences[at, i]:.6g}"
            )
    least = np.linalg.eigvalsh(blocks)[..., 0]
    bent = least < -_OFF * (1.0 + np.abs(blocks).max(axis=(2, 3)))
    if bent.any():
        at, i = np.argwhere(bent)[0]
        return f"is not convex: its curvature at {_point(x[at, :, i])} is {least[at, i]:.4g} in one direction"
    return ""


def _points(costs: MixedCosts) -> Array:
    """Points for every household, shape (K, m, N): a sequence of even spread, and two corners."""
    from scipy.stats.qmc import Halton  # takes long to load, and few runs need it

    m = costs.n_resources
    spread = np.vstack([np.zeros(m), np.ones(m), Halton(m, scramble=False).random(_POINTS + 1)[1:]])
    return np.repeat(spread[:, :, np.newaxis], costs.n_households, axis=2)


def _values(costs: MixedCosts, x: Array) -> Array:
    return costs.value(list(x.transpose(1, 0, 2)))


def _point(x: Array) -> str:
    return f"({', '.join(f'{one:.3g}' for one in x)})"
