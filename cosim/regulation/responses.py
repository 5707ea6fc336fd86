"""The responses of a whole community: its groups may follow different policies, with numbers of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosim.config.parameters import numbers, of_household
from cosim.core.errors import InputError, Problem, listed
from cosim.regulation.policies import Policy

Array: TypeAlias = NDArray[np.float64]

_FARTHEST = 1e12
"""A signal beyond this is not looked for."""


class Answer(NamedTuple):
    """A signal of one resource, and the clipped response of each household to it, shape (N,)."""

    signal: float
    clipped: Array


@dataclass(frozen=True)
class Responses:
    """The policies of N households."""

    policies: tuple[Policy, ...]
    """With floats, or arrays over the households that follow them."""
    places: tuple[NDArray[np.int64], ...]
    """Of each policy, the positions of these households; together 0 ... N−1, each once."""

    @classmethod
    def of_groups(cls, policies: Sequence[Policy], sizes: Sequence[int]) -> Responses:
        """Groups of households one after another; those with the same policy are taken together."""
        ends = np.cumsum(sizes)
        found: list[tuple[Policy, list[NDArray[np.int64]]]] = []
        for policy, end, size in zip(policies, ends, sizes, strict=True):
            places = np.arange(end - size, end)
            for other, parts in found:
                if other is policy or (_is_plain(policy) and _is_plain(other) and other == policy):
                    parts.append(places)
                    break
            else:
                found.append((policy, [places]))
        return cls(tuple(policy for policy, _ in found), tuple(np.concatenate(parts) for _, parts in found))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the policies, each once."""
        return tuple(dict.fromkeys(policy.kind for policy in self.policies))

    @property
    def called(self) -> str:
        """Their names in a sentence: ``'additive'``, ``'additive' and 'proportional'``."""
        return listed([f"'{kind}'" for kind in self.kinds])

    @property
    def signal_unit(self) -> str:
        """Unit of Ω, which all have in common."""
        return self.policies[0].signal_unit if self.policies else ""

    @property
    def rests_at_optimum(self) -> bool:
        """Whether all have the optimum of Problem 1 as their fixed point."""
        return all(policy.rests_at_optimum for policy in self.policies)

    @property
    def multiplies(self) -> NDArray[np.bool_]:
        """Whose response is in proportion to the signal, shape (N,)."""
        return self._of_each(lambda policy: policy.multiplies, np.bool_)

    def kind_of_each(self) -> list[str]:
        """The policy of each household, by name."""
        return [str(kind) for kind in self._of_each(lambda policy: policy.kind, np.object_)]

    def response(self, signal: Any, average: Array, gradient: Array) -> Array:
        """σ, not clipped, of averages and gradients of shape (..., N) and a signal that fits beside these."""
        return self._in_parts(lambda policy, x, slope: policy.response(signal, x, slope), average, gradient)

    def slope(self, average: Array, gradient: Array) -> Array:
        """dσ/dΩ of averages and gradients of shape (..., N)."""
        return self._in_parts(lambda policy, x, slope: policy.slope(x, slope), average, gradient)

    def answer(self, capacity: float, average: Array, gradient: Array) -> Answer:
        """The Ω at which the clipped responses add up to a capacity, or the nearest; arrays of shape (N,)."""
        if all(policy.multiplies for policy in self.policies):
            ratio = np.maximum(self.slope(average, gradient), 0.0)
            signal = _in_proportion(ratio, capacity)
            return Answer(signal, np.clip(signal * ratio, 0.0, 1.0))

        def clipped(signal: float) -> Array:
            return np.clip(self.response(signal, average, gradient), 0.0, 1.0)

        signal = _root(lambda signal: float(clipped(signal).sum() - capacity))
        return Answer(signal, clipped(signal))

    def of_each(self) -> list[Policy]:
        """The policy of each household, with floats; those alike share one object."""
        made: dict[int, Policy] = {}
        for policy, places in zip(self.policies, self.places, strict=True):
            made |= {int(place): of_household(policy, number) for number, place in enumerate(places)}
        return [made[place] for place in range(len(made))]

    def columns(self) -> dict[str, Array]:
        """Every number of the policies for a table of households: ``policy_kappa``; NaN for who has none."""
        n = sum(map(len, self.places))
        table: dict[str, Array] = {}
        for policy, places in zip(self.policies, self.places, strict=True):
            for key, values in numbers(policy).items():
                table.setdefault(f"policy_{key}", np.full(n, np.nan))[places] = values
        return table

    def _of_each(self, read: Callable[[Policy], Any], dtype: Any) -> NDArray[Any]:
        result = np.zeros(sum(map(len, self.places)), dtype)
        for policy, places in zip(self.policies, self.places, strict=True):
            result[places] = read(policy)
        return result

    def _in_parts(self, function: Callable[[Policy, Array, Array], Any], x: Array, slope: Array) -> Array:
        if len(self.policies) == 1:
            return np.asarray(function(self.policies[0], x, slope))
        result = np.empty(np.broadcast_shapes(x.shape, slope.shape))
        for policy, places in zip(self.policies, self.places, strict=True):
            result[..., places] = function(policy, x[..., places], slope[..., places])
        return result


def require_one_unit(policies: Sequence[Policy], paths: Sequence[str]) -> None:
    """Refuse policies of one community whose signals are in different units.

    Raises
    ------
    InputError
        At the path of each policy that differs from the first.
    """
    first = policies[0]
    problems = [
        Problem(
            f"the community has one signal, and '{policy.kind}' takes it in {policy.signal_unit}, "
            f"'{first.kind}' in {first.signal_unit}",
            "Choose policies of one unit, or make two communities.",
            path,
        )
        for policy, path in zip(policies, paths, strict=True)
        if policy.signal_unit != first.signal_unit
    ]
    if problems:
        raise InputError(problems)


def require_numbers(policy: Policy, gradients: Sequence[Array], path: str) -> None:
    """Refuse a policy that fails, or gives no number, at averages and gradients that the households can have.

    Parameters
    ----------
    policy : Policy
        With floats, or arrays over the households of a group.
    gradients : sequence of ndarray
        Of one resource, at averages from 0 to 1 in even steps; shape (N,) each.
    path : str
        Where it is configured.

    Raises
    ------
    InputError
        With the first that was found.
    """
    signal = float(np.mean(gradients))
    for average, gradient in zip(np.linspace(0.0, 1.0, len(gradients)).tolist(), gradients, strict=True):
        try:
            with np.errstate(all="ignore"):
                x = np.full(len(gradient), average)
                made = [policy.response(signal, x, gradient), policy.slope(x, gradient)]
                if not np.isnan(made).any():
                    continue
            found = f"gives nan at an average of {average:g} and a signal of {signal:.4g}"
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            found = f"fails with {type(error).__name__}: {error}"
        called = f"'{policy.kind}' ({type(policy).__module__}.{type(policy).__qualname__})"
        remedy = "Correct the class, or the numbers that it is given."
        raise InputError([Problem(f"the policy {called} {found}", remedy, path)])


def _is_plain(policy: Policy) -> bool:
    return not any(isinstance(value, np.ndarray) for value in numbers(policy).values())


def _in_proportion(ratio: Array, capacity: float) -> float:
    """The Ω with Σ min(Ω ratio, 1) = C: the sum is piecewise linear in Ω, so it is solved exactly."""
    ratio = np.sort(ratio[ratio > 0.0])[::-1]
    if capacity <= 0.0 or len(ratio) == 0:
        return 0.0
    # With the j steepest households at 1, the others share what is left in proportion.
    rest = np.cumsum(ratio[::-1])[::-1]
    candidates = (capacity - np.arange(len(ratio))) / rest
    fits = candidates * ratio <= 1.0
    return float(candidates[np.argmax(fits)]) if fits.any() else float(1.0 / ratio[-1])


def _root(rising: Callable[[float], float]) -> float:
    """Where a function that rises crosses 0; where it does not, the end of where it was looked for."""
    from scipy.optimize import brentq  # takes long to load, and few runs need it

    low, high = -1.0, 1.0
    while rising(low) > 0.0 and low > -_FARTHEST:
        low *= 4.0
    while rising(high) < 0.0 and high < _FARTHEST:
        high *= 4.0
    if rising(low) >= 0.0 or rising(high) <= 0.0:
        return low if rising(low) >= 0.0 else high
    return float(brentq(rising, low, high, xtol=1e-13, rtol=1e-14))
