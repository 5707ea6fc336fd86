r"""Private cost functions of the regulation market: one family, its values and its gradients, exactly.

With s = Σ_r x_r, every cost of paper A (sections 4.2, 5, 6 and (26)) is

.. math:: g(x) = l s + q (s-T)^2 + Q (s-T)^4
          + \sum_r \left[ p_r (x_r - α_r T)^2 + P_r (x_r - α_r T)^4 \right].

`value` and `gradient` use + − * alone and in a fixed order, so that a float and an array give the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosim.config.values import AnyValue, draw
from cosim.core.errors import InputError, Problem
from cosim.regulation.cost_schema import (
    AnyCost,
    ConsumptionOnlyCost,
    Section6Community1,
    Section6Community2,
    SeparableCost,
)

FloatOrArray: TypeAlias = Any
"""A float, or a float64 array over households: the same operators work on both, to the same bits."""


class CostParameters(NamedTuple):
    """Parameters of one household's cost (floats) or of many (arrays of shape ``(N,)``).

    Attributes
    ----------
    linear : float or ndarray
        l, cost of one unit on average.
    target : float or ndarray
        T, the desired sum of the averages.
    quadratic, quartic : float or ndarray
        q and Q, weights of (s−T)² and (s−T)⁴; not negative.
    alpha : tuple of float or ndarray
        α_r, each resource's share of T.
    own_quadratic, own_quartic : tuple of float or ndarray
        p_r and P_r, weights of (x_r−α_r T)² and (x_r−α_r T)⁴; not negative.
    """

    linear: FloatOrArray
    target: FloatOrArray
    quadratic: FloatOrArray
    quartic: FloatOrArray
    alpha: tuple[FloatOrArray, ...]
    own_quadratic: tuple[FloatOrArray, ...]
    own_quartic: tuple[FloatOrArray, ...]

    @property
    def n_resources(self) -> int:
        """Number of resources m."""
        return len(self.alpha)

    @property
    def n_households(self) -> int:
        """Number of households N of parameters given as arrays."""
        return len(self.linear)


def value(cost: CostParameters, x: Sequence[FloatOrArray]) -> FloatOrArray:
    """Cost g(x) of paper A (26).

    Parameters
    ----------
    cost : CostParameters
        Floats, or arrays over households.
    x : sequence of float or ndarray, length m
        Average of each resource; an array of shape ``(N, m)`` goes in as its transpose.

    Returns
    -------
    float or ndarray
        Cost of each household.
    """
    total = _sum_over_resources(x)
    deviation = total - cost.target
    square = deviation * deviation
    result = cost.linear * total + (cost.quadratic + cost.quartic * square) * square
    for r in range(len(cost.alpha)):
        own = x[r] - cost.alpha[r] * cost.target
        own_square = own * own
        result = result + (cost.own_quadratic[r] + cost.own_quartic[r] * own_square) * own_square
    return result


def gradient(cost: CostParameters, x: Sequence[FloatOrArray], r: int) -> FloatOrArray:
    """Partial derivative of the cost with respect to resource `r`: ∇_r g of paper A (18), (22).

    Operations, in order: ``s = x[0] + x[1] + ...``; ``d = s - T``;
    ``shared = l + (2q + 4Q*(d*d))*d``; ``e = x[r] - α_r*T``; ``shared + (2p_r + 4P_r*(e*e))*e``.

    Parameters
    ----------
    cost : CostParameters
        Floats, or arrays over households.
    x : sequence of float or ndarray, length m
        Average of each resource.
    r : int
        The resource.
    """
    deviation = _sum_over_resources(x) - cost.target
    shared = cost.linear + (2.0 * cost.quadratic + 4.0 * cost.quartic * (deviation * deviation)) * deviation
    own = x[r] - cost.alpha[r] * cost.target
    return shared + (2.0 * cost.own_quadratic[r] + 4.0 * cost.own_quartic[r] * (own * own)) * own


def gradients(cost: CostParameters, x: Sequence[FloatOrArray]) -> tuple[FloatOrArray, ...]:
    """`gradient` for each resource, to the same bits, with the shared part worked out once."""
    deviation = _sum_over_resources(x) - cost.target
    shared = cost.linear + (2.0 * cost.quadratic + 4.0 * cost.quartic * (deviation * deviation)) * deviation
    result = []
    for x_r, alpha, own_quadratic, own_quartic in zip(
        x, cost.alpha, cost.own_quadratic, cost.own_quartic, strict=True
    ):
        own = x_r - alpha * cost.target
        result.append(shared + (2.0 * own_quadratic + 4.0 * own_quartic * (own * own)) * own)
    return tuple(result)


def household(cost: CostParameters, i: int) -> CostParameters:
    """Parameters of household `i` as floats, from parameters given as arrays."""
    return _each_field(lambda field: float(field[i]), cost)


def select(cost: CostParameters, households: NDArray[Any]) -> CostParameters:
    """Parameters of some households, by index or by mask."""
    return _each_field(lambda field: field[households], cost)


def concatenate(costs: Sequence[CostParameters]) -> CostParameters:
    """Parameters of several groups of households, one after another.

    Raises
    ------
    InputError
        If the groups' costs have different numbers of resources.
    """
    if len({cost.n_resources for cost in costs}) != 1:
        counts = ", ".join(str(cost.n_resources) for cost in costs)
        raise InputError(
            [
                Problem(
                    f"the groups of a community have costs of {counts} resources",
                    "Give every group a cost for the community's resources",
                )
            ]
        )
    return _each_field(lambda *fields: np.concatenate(fields), *costs)


def columns(cost: CostParameters, resources: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """The parameters by column name, for a table of households: ``cost_linear``, ``cost_alpha_x``."""
    table = {f"cost_{name}": getattr(cost, name) for name in ("linear", "target", "quadratic", "quartic")}
    for name in ("alpha", "own_quadratic", "own_quartic"):
        for resource, column in zip(resources, getattr(cost, name), strict=True):
            table[f"cost_{name}_{resource}"] = column
    return table


def build_costs(
    form: AnyCost, n_resources: int, n_households: int, uniforms: Callable[[str], NDArray[np.float64]]
) -> CostParameters:
    """The households' cost parameters from a configured form.

    Parameters
    ----------
    form : cost configuration
        One of the forms of `cosim.regulation.schema`.
    n_resources, n_households : int
        m and N.
    uniforms : callable
        Gives for a parameter's name (``"a"``, ``"own_quadratic.1"``) the households' uniform numbers on
        [0, 1), shape ``(N,)``. Asked only for what is drawn.

    Returns
    -------
    CostParameters
        Arrays of shape ``(N,)``.

    Raises
    ------
    InputError
        If the form does not suit the number of resources, `each` lists a wrong number of values, or a
        derivative on [0, 1]^m is too large for a number.
    """
    cost = _of_form(form, n_resources, n_households, uniforms)
    with np.errstate(over="ignore", invalid="ignore"):
        ends = [gradients(cost, [np.full(n_households, x)] * n_resources) for x in (0.0, 1.0)]
    if not np.isfinite(ends).all():
        message = f"the derivatives of the cost '{form.form}' are too large to calculate"
        raise InputError([Problem(message, "Give weights and targets of an ordinary size")])
    return cost


def _of_form(
    form: AnyCost, n_resources: int, n_households: int, uniforms: Callable[[str], NDArray[np.float64]]
) -> CostParameters:
    def drawn(name: str, configured: AnyValue) -> NDArray[np.float64]:
        if isinstance(configured, int | float):
            return np.full(n_households, configured, dtype=np.float64)
        return draw(configured, uniforms(name))

    match form:
        case Section6Community1():
            _require_resources(form.form, 2, n_resources)
            return _section6(
                linear=drawn("delta", form.delta),
                target=drawn("target", form.target),
                quadratic=0.25 * drawn("a", form.a),
                quartic=np.zeros(n_households),
            )
        case Section6Community2():
            _require_resources(form.form, 2, n_resources)
            return _section6(
                linear=drawn("gamma", form.gamma),
                target=drawn("target", form.target),
                quadratic=0.125 * drawn("a", form.a),
                quartic=1.25 * drawn("b", form.b),
            )
        case ConsumptionOnlyCost():
            _require_resources(form.form, 1, n_resources)
            nothing = (np.zeros(n_households),)
            return CostParameters(
                linear=drawn("linear", form.linear),
                target=drawn("target", form.target),
                quadratic=drawn("quadratic", form.quadratic),
                quartic=drawn("quartic", form.quartic),
                alpha=(np.ones(n_households),),
                own_quadratic=nothing,
                own_quartic=nothing,
            )
        case SeparableCost():
            return _separable(form, n_resources, n_households, drawn)


def assumption_1_violations(cost: CostParameters, resources: Sequence[str] = ()) -> list[str | None]:
    """Where paper A's Assumption 1 fails on (0, 1]^m, household by household.

    All curvatures are at least 0, so every partial derivative is smallest as x goes to 0: g is strictly
    increasing in each variable iff no derivative is negative there (and none stays at 0). It is strictly
    convex iff no direction is left without curvature: each resource has its own, or all but one have and
    their sum has.

    Parameters
    ----------
    cost : CostParameters
        Arrays over households.
    resources : sequence of str
        Names of the resources, for the text; their numbers by default.

    Returns
    -------
    list of str or None
        What fails and by how much; None where the assumption holds.
    """
    n, m = cost.n_households, cost.n_resources
    with np.errstate(over="ignore", invalid="ignore"):
        at_zero = np.array(gradients(cost, list(np.zeros((m, n)))))
    worst = np.argmin(at_zero, axis=0)
    least = at_zero[worst, np.arange(n)]
    coupled = (cost.quadratic > 0) | (cost.quartic > 0)
    own = np.array([(p > 0) | (q > 0) for p, q in zip(cost.own_quadratic, cost.own_quartic, strict=True)])
    strictly_convex = own.sum(axis=0) + coupled >= m
    names = list(resources) or [str(r) for r in range(m)]
    flat = (~coupled & ~own & (at_zero == 0)).any(axis=0)
    return [
        _violation(float(least[i]), names[int(worst[i])], bool(strictly_convex[i]), bool(flat[i]))
        for i in range(n)
    ]


def _violation(least: float, resource: str, strictly_convex: bool, flat: bool) -> str | None:
    parts = []
    if not math.isfinite(least):
        parts.append(f"too large to calculate: the derivative by {resource} is {least:g} near x = 0")
    elif least < 0 or flat:
        parts.append(f"not strictly increasing: the derivative by {resource} is {least:.6g} near x = 0")
    if not strictly_convex:
        parts.append("not strictly convex: more than one direction has no curvature of its own")
    return "; ".join(parts) or None


def _sum_over_resources(x: Sequence[FloatOrArray]) -> FloatOrArray:
    total = x[0]
    for r in range(1, len(x)):
        total = total + x[r]
    return total


def _each_field(function: Callable[..., Any], *costs: CostParameters) -> CostParameters:
    """`function` of each field of `costs`, and of each entry of the fields that are tuples over resources."""
    fields = []
    for parts in zip(*costs, strict=True):
        if isinstance(parts[0], tuple):
            fields.append(tuple(function(*entries) for entries in zip(*parts, strict=True)))
        else:
            fields.append(function(*parts))
    return CostParameters(*fields)


def _section6(
    linear: NDArray[np.float64],
    target: NDArray[np.float64],
    quadratic: NDArray[np.float64],
    quartic: NDArray[np.float64],
) -> CostParameters:
    """Paper A section 6: both communities share the last two terms, 1/2 (x_r − T/2)²."""
    half, zero = np.full(len(linear), 0.5), np.zeros(len(linear))
    return CostParameters(linear, target, quadratic, quartic, (half, half), (half, half), (zero, zero))


def _separable(
    form: SeparableCost,
    n_resources: int,
    n_households: int,
    drawn: Callable[[str, AnyValue], NDArray[np.float64]],
) -> CostParameters:
    def per_resource(name: str, configured: Any) -> tuple[NDArray[np.float64], ...]:
        if not isinstance(configured, tuple):
            return (drawn(name, configured),) * n_resources
        if len(configured) != n_resources:
            message = f"cost.{name} lists {len(configured)} values for {n_resources} resources"
            raise InputError([Problem(message, "Give one value, or one for each resource")])
        return tuple(drawn(f"{name}.{r}", entry) for r, entry in enumerate(configured))

    if form.alpha is None:
        alpha: tuple[NDArray[np.float64], ...] = (np.full(n_households, 1.0 / n_resources),) * n_resources
    elif isinstance(form.alpha, tuple):
        alpha = per_resource("alpha", form.alpha)
    else:
        if n_resources != 2:
            message = f"cost.alpha is one number, which means (α, 1−α), for {n_resources} resources"
            raise InputError([Problem(message, "List one share for each resource")])
        first = drawn("alpha", form.alpha)
        alpha = (first, 1.0 - first)
    return CostParameters(
        linear=drawn("linear", form.linear),
        target=drawn("target", form.target),
        quadratic=drawn("coupling_quadratic", form.coupling_quadratic),
        quartic=drawn("coupling_quartic", form.coupling_quartic),
        alpha=alpha,
        own_quadratic=per_resource("own_quadratic", form.own_quadratic),
        own_quartic=per_resource("own_quartic", form.own_quartic),
    )


def _require_resources(form: str, wanted: int, given: int) -> None:
    if given != wanted:
        raise InputError(
            [
                Problem(
                    f"the cost '{form}' needs a community of {wanted} resource(s), and this one has {given}",
                    "Use the cost 'separable', or change the community's resources",
                )
            ]
        )
