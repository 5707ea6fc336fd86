"""Models whose numbers may differ by household: the same class, with arrays in place of distributions.

A class of a registry declares ``kappa: PositiveValue`` and uses ``self.kappa`` as a number in formulae. What
is configured may be a distribution; `drawn` puts an array over the households in its place, `of_household`
one of these numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from cosim.config.values import DISTRIBUTIONS, AnyValue

M = TypeVar("M", bound=BaseModel)
Array = NDArray[np.float64]


def drawn(model: M, draw: Callable[[str, AnyValue], Array]) -> M:
    """A model with an array over households in place of each distribution; itself where it has none.

    Parameters
    ----------
    model : Model
        As configured.
    draw : callable
        The households' numbers for a key (``kappa``, ``own_quadratic.1``) and what stands there.
    """
    return _replaced(model, "", lambda value: isinstance(value, DISTRIBUTIONS), draw)


def of_households(model: M, households: NDArray[Any]) -> M:
    """A drawn model for some of its households, by index or by mask."""
    return _replaced(model, "", lambda value: isinstance(value, np.ndarray), lambda _, v: v[households])


def of_household(model: M, household: int) -> M:
    """A drawn model for one household, with floats."""
    return _replaced(model, "", lambda value: isinstance(value, np.ndarray), lambda _, v: float(v[household]))


def numbers(model: BaseModel, prefix: str = "") -> dict[str, Any]:
    """Every number or array of a drawn model by its key, which is dotted for what stands below another."""
    found: dict[str, Any] = {}
    for key in type(model).model_fields:
        value, name = getattr(model, key), f"{prefix}{key}"
        for at, entry in enumerate(value) if isinstance(value, tuple) else [(None, value)]:
            if isinstance(entry, BaseModel):
                found |= numbers(entry, f"{name}.")
            elif isinstance(entry, int | float | np.ndarray) and not isinstance(entry, bool):
                found[name if at is None else f"{name}.{at}"] = entry
    return found


def _replaced(model: M, prefix: str, is_meant: Callable[[Any], bool], new: Callable[[str, Any], Any]) -> M:
    """A model with `new` of each value that is meant, also in lists and in models below it."""

    def one(key: str, value: Any) -> Any:
        if is_meant(value):
            return new(key, value)
        if isinstance(value, tuple):
            entries = tuple(one(f"{key}.{number}", entry) for number, entry in enumerate(value))
            return value if all(map(_is_same, entries, value)) else entries
        if isinstance(value, BaseModel) and not isinstance(value, DISTRIBUTIONS):
            return _replaced(value, f"{key}.", is_meant, new)
        return value

    old = {key: getattr(model, key) for key in type(model).model_fields}
    made = {key: one(f"{prefix}{key}", value) for key, value in old.items()}
    changed = {key: value for key, value in made.items() if value is not old[key]}
    return model.model_copy(update=changed) if changed else model


def _is_same(one: object, other: object) -> bool:
    return one is other
