"""A value of a household's parameter: one number for all, one each, or a distribution to draw from.

In YAML the plain number is the plain case::

    target: 1.74
    a: {uniform_int: [1, 10]}
    capacity_kwh: {normal: {mean: 8, std: 2}, low: 4, high: 12}

A distribution is read by its quantile function from one uniform number per household, so one household
more changes no other household's value.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Field, Tag, model_validator

from cosim.config.base import (
    LARGEST,
    MAX_HOURS,
    MAX_KW,
    MAX_KWH,
    MAX_MS,
    Integer,
    Model,
    Number,
    Numbers,
    Range,
)
from cosim.core.errors import InputError, Problem, count

_LEAST_MASS = 1e-6
"""A truncated normal must keep at least this share of the untruncated one."""

_Drawn = Annotated[Number, Range(-MAX_MS, MAX_MS)]
"""Any number that some parameter can have; milliseconds are the largest."""
_DrawnInteger = Annotated[Integer, Range(-MAX_MS, MAX_MS)]
_Listed = Annotated[Numbers[_Drawn], Field(min_length=1)]


class Uniform(Model):
    """Uniform on an interval, different for each household."""

    uniform: tuple[_Drawn, _Drawn]
    """Lower and upper end, in the parameter's unit."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _require_order(*self.uniform)
        return self

    def ends(self) -> tuple[float, float]:
        """Smallest and largest number that can be drawn."""
        return self.uniform


class UniformInt(Model):
    """A whole number, each of low ... high (both included) equally likely."""

    uniform_int: tuple[_DrawnInteger, _DrawnInteger]
    """Smallest and largest number, both included, in the parameter's unit."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _require_order(*self.uniform_int)
        return self

    def ends(self) -> tuple[float, float]:
        """Smallest and largest number that can be drawn."""
        first, last = self.uniform_int
        return float(first), float(last)


class NormalMoments(Model):
    """Mean and standard deviation of the normal distribution before it is truncated."""

    mean: _Drawn
    """Mean before truncation, in the parameter's unit."""
    std: Annotated[Number, Range(0, MAX_MS, above_low=True)]
    """Standard deviation before truncation, in the parameter's unit."""


class Normal(Model):
    """Normal, truncated where `low` or `high` is given."""

    normal: NormalMoments
    """Mean and standard deviation, in the parameter's unit."""
    low: _Drawn | None = None
    """Smallest value, in the parameter's unit; none by default."""
    high: _Drawn | None = None
    """Largest value, in the parameter's unit; none by default."""

    @model_validator(mode="after")
    def _enough_is_left(self) -> Self:
        if self.low is not None and self.high is not None:
            _require_order(self.low, self.high)
        below, above = _kept_quantiles(self)
        if above - below < _LEAST_MASS:
            raise ValueError(
                "low and high cut off nearly all of the distribution; move them towards the mean"
            )
        return self

    def ends(self) -> tuple[float, float]:
        """Smallest and largest number that can be drawn; a float reaches no farther than that quantile."""
        smallest, largest = _draw_normal(self, np.array([0.0, 1.0])).tolist()
        return smallest, largest


class Choice(Model):
    """One of the listed numbers, each equally likely; list a number twice to make it twice as likely."""

    choice: _Listed
    """The numbers to choose from, in the parameter's unit."""

    def ends(self) -> tuple[float, float]:
        """Smallest and largest number that can be drawn."""
        return min(self.choice), max(self.choice)


class Each(Model):
    """One number for each household, in the households' order."""

    each: _Listed
    """The households' numbers, in the parameter's unit."""

    def ends(self) -> tuple[float, float]:
        """Smallest and largest of the numbers."""
        return min(self.each), max(self.each)


DISTRIBUTIONS = (Uniform, UniformInt, Normal, Choice, Each)
"""The classes of values that differ by household."""
_FORMS = ("uniform", "uniform_int", "normal", "choice", "each")


def _kind(raw: Any) -> str | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int | float | str):
        return "number"
    keys = raw if isinstance(raw, dict) else type(raw).model_fields if isinstance(raw, Model) else ()
    return next((name for name in _FORMS if name in keys), None)


Value = Annotated[
    Annotated[_Drawn, Tag("number")]
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
                raise InputError([wrong_length(len(numbers), n_households)])
            return np.array(numbers, dtype=np.float64)
        case _:
            return np.full(n_households, value, dtype=np.float64)


def bounds(value: AnyValue) -> tuple[float, float]:
    """Smallest and largest number that can be drawn."""
    return value.ends() if isinstance(value, Model) else (float(value), float(value))


NonNegativeValue = Annotated[Value, Range(0, LARGEST)]
"""A `Value` that is never below 0."""
PositiveValue = Annotated[Value, Range(0, LARGEST, above_low=True)]
"""A `Value` that is always above 0."""
FiniteValue = Annotated[Value, Range(-LARGEST, LARGEST)]
"""A `Value` of either sign."""
ProbabilityValue = Annotated[Value, Range(0, 1)]
"""A `Value` between 0 and 1, both allowed."""
HoursValue = Annotated[Value, Range(0, MAX_HOURS)]
"""A time, h."""
PositiveHoursValue = Annotated[Value, Range(0, MAX_HOURS, above_low=True)]
"""A time that is not 0, h."""
MillisecondsValue = Annotated[Value, Range(0, MAX_MS)]
"""A time, ms."""
DriftPpmValue = Annotated[Value, Range(-100_000, 100_000)]
"""How slow a clock is, ppm."""
KilowattsValue = Annotated[Value, Range(0, MAX_KW)]
"""A power, kW or kWp."""
PositiveKilowattsValue = Annotated[Value, Range(0, MAX_KW, above_low=True)]
"""A power that is not 0, kW."""
PositiveKilowattHoursValue = Annotated[Value, Range(0, MAX_KWH, above_low=True)]
"""An energy that is not 0, kWh."""


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
    return np.clip(drawn, value.low, value.high)


def wrong_length(given: int, wanted: int) -> Problem:
    """What is said of an `each` that does not list one number for each household."""
    return Problem(
        f"`each` lists {count(given, 'number')} for {count(wanted, 'household')}",
        "List one number for each household, or give one number for all.",
        value=str(given),
    )
