"""A value of a household's parameter: one number for all, one each, or a distribution to draw from.

In YAML the plain number is the plain case::

    target: 1.74
    a: {uniform_int: [1, 10]}
    capacity_kwh: {normal: {mean: 8, std: 2}, low: 4, high: 12}

A distribution is read by its quantile function from one uniform number per household, so one household
more changes no other household's value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from cosim.config.base import Finite, Integer, Model, Positive
from cosim.errors import InputError, Problem

_LEAST_MASS = 1e-6
"""A truncated normal must keep at least this share of the untruncated one."""


class Uniform(Model):
    """Uniform on an interval, different for each household."""

    uniform: tuple[Finite, Finite]
    """Lower and upper end, in the parameter's unit."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _require_order(*self.uniform)
        return self


class UniformInt(Model):
    """A whole number, each of low ... high (both included) equally likely."""

    uniform_int: tuple[Integer, Integer]
    """Smallest and largest number, both included, in the parameter's unit."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _require_order(*self.uniform_int)
        return self


class NormalMoments(Model):
    """Mean and standard deviation of the normal distribution before it is truncated."""

    mean: Finite
    """Mean before truncation, in the parameter's unit."""
    std: Positive
    """Standard deviation before truncation, in the parameter's unit."""


class Normal(Model):
    """Normal, truncated where `low` or `high` is given."""

    normal: NormalMoments
    """Mean and standard deviation, in the parameter's unit."""
    low: Finite | None = None
    """Smallest value, in the parameter's unit; none by default."""
    high: Finite | None = None
    """Largest value, in the parameter's unit; none by default."""

    @model_validator(mode="after")
    def _enough_is_left(self) -> Self:
        if self.low is not None and self.high is not None:
            _require_order(self.low, self.high)
        below, above = _kept_quantiles(self)
        if above - below < _LEAST_MASS:
            raise ValueError(
                "low and high cut nearly all of the distribution away; move them towards the mean"
            )
        return self


class Choice(Model):
    """One of the listed numbers, each equally likely; list a number twice to make it twice as likely."""

    choice: Annotated[tuple[Finite, ...], Field(min_length=1)]
    """The numbers to choose from, in the parameter's unit."""


class Each(Model):
    """One number for each household, in the households' order."""

    each: Annotated[tuple[Finite, ...], Field(min_length=1)]
    """The households' numbers, in the parameter's unit."""


_DISTRIBUTIONS = ("uniform", "uniform_int", "normal", "choice", "each")


def _kind(raw: Any) -> str | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int | float | str):
        return "number"
    keys = raw if isinstance(raw, dict) else type(raw).model_fields if isinstance(raw, Model) else ()
    return next((name for name in _DISTRIBUTIONS if name in keys), None)


Value = Annotated[
    Annotated[Finite, Tag("number")]
    | Annotated[Uniform, Tag("uniform")]
    | Annotated[UniformInt, Tag("uniform_int")]
    | Annotated[Normal, Tag("normal")]
    | Annotated[Choice, Tag("choice")]
    | Annotated[Each, Tag("each")],
    Discriminator(
        _kind,
        custom_error_type="value_form",
        custom_error_message="neither a number nor one of {uniform: [low, high]}, "
        "{uniform_int: [low, high]}, {normal: {mean, std}}, {choice: [...]}, {each: [...]}",
    ),
]
"""A number, or how the households' numbers are drawn."""

AnyValue = float | Uniform | UniformInt | Normal | Choice | Each
"""The Python types a `Value` can have."""


def draw(value: AnyValue, uniforms: NDArray[np.float64]) -> NDArray[np.float64]:
    """The households' numbers.

    Parameters
    ----------
    value : Value
        A number or a distribution.
    uniforms : ndarray, shape (N,)
        One uniform number on [0, 1) for each household; a number and `each` do not look at them.

    Returns
    -------
    ndarray, shape (N,)
        In the parameter's unit. Entry ``i`` depends on entry ``i`` of `uniforms` alone.

    Raises
    ------
    InputError
        If `each` lists more or fewer numbers than there are households.
    """
    n_households = len(uniforms)
    match value:
        case Uniform(uniform=(low, high)):
            # The product can round up to the upper end and past it.
            return np.minimum(low + (high - low) * uniforms, high)
        case UniformInt(uniform_int=(first, last)):
            return np.minimum(np.floor(first + (last - first + 1) * uniforms), last)
        case Normal():
            return _draw_normal(value, uniforms)
        case Choice(choice=numbers):
            # The product can round up to the number of choices.
            index = np.minimum((uniforms * len(numbers)).astype(np.int64), len(numbers) - 1)
            return np.array(numbers, dtype=np.float64)[index]
        case Each(each=numbers):
            if len(numbers) != n_households:
                raise InputError([_wrong_length(len(numbers), n_households)])
            return np.array(numbers, dtype=np.float64)
        case _:
            return np.full(n_households, value, dtype=np.float64)


def bounds(value: AnyValue) -> tuple[float, float]:
    """Smallest and largest number that can be drawn; infinite where there is none."""
    match value:
        case Uniform(uniform=(low, high)):
            return float(low), float(high)
        case UniformInt(uniform_int=(first, last)):
            return float(first), float(last)
        case Normal(low=low, high=high):
            return -math.inf if low is None else low, math.inf if high is None else high
        case Choice(choice=numbers) | Each(each=numbers):
            return min(numbers), max(numbers)
        case _:
            return float(value), float(value)


def stay_within(low: float, high: float = math.inf, *, above_low: bool = False) -> Callable[[Any], Any]:
    """A validator that refuses a value of which a draw could fall outside ``[low, high]``.

    Parameters
    ----------
    low, high : float
        The smallest and the largest number allowed.
    above_low : bool
        Whether `low` itself is refused too.
    """

    def check(value: Any) -> Any:
        smallest, largest = bounds(value)
        if smallest < low or largest > high or (above_low and smallest <= low):
            least = f"more than {low:g}" if above_low else f"at least {low:g}"
            most = f" and at most {high:g}" if math.isfinite(high) else ""
            if smallest == largest:
                raise ValueError(f"must be {least}{most}; write such a number")
            raise ValueError(
                f"every number that can be drawn must be {least}{most}, and this reaches from "
                f"{smallest:g} to {largest:g}; change it, or limit a normal distribution by low and high"
            )
        return value

    return check


NonNegativeValue = Annotated[Value, AfterValidator(stay_within(0.0))]
"""A `Value` that is never below 0."""
PositiveValue = Annotated[Value, AfterValidator(stay_within(0.0, above_low=True))]
"""A `Value` that is always above 0."""
ProbabilityValue = Annotated[Value, AfterValidator(stay_within(0.0, 1.0))]
"""A `Value` between 0 and 1, both allowed."""
FractionValue = Annotated[Value, AfterValidator(stay_within(0.0, 1.0, above_low=True))]
"""A `Value` above 0 and at most 1."""


def _require_order(low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"the lower end {low:g} is above the upper end {high:g}; swap them")


def _kept_quantiles(value: Normal) -> tuple[float, float]:
    """Probabilities of the untruncated distribution at `low` and at `high`."""
    normal = NormalDist(value.normal.mean, value.normal.std)
    below = 0.0 if value.low is None else normal.cdf(value.low)
    above = 1.0 if value.high is None else normal.cdf(value.high)
    return below, above


def _draw_normal(value: Normal, uniforms: NDArray[np.float64]) -> NDArray[np.float64]:
    normal = NormalDist(value.normal.mean, value.normal.std)
    below, above = _kept_quantiles(value)
    # The quantile function is infinite at 0 and 1; 2**-54 is half the step of the uniform numbers.
    quantiles = np.clip(below + (above - below) * uniforms, 2.0**-54, 1.0 - 2.0**-53)
    drawn = np.array([normal.inv_cdf(quantile) for quantile in quantiles.tolist()], dtype=np.float64)
    return np.clip(drawn, *bounds(value))


def _wrong_length(given: int, wanted: int) -> Problem:
    return Problem(
        f"`each` lists {given} numbers for {wanted} households",
        "List one number for each household, or give one number for all",
        value=str(given),
    )
