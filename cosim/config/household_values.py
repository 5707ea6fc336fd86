"""A household's own parameters: drawn from what is configured for its group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.config.values import AnyValue, draw
from cosim.core.population import Group
from cosim.core.streams import Streams

Array = NDArray[np.float64]


def household_values(
    streams: Streams, purpose: str, value: AnyValue, group: Group, n_households: int
) -> Array:
    """A parameter of a group's households, drawn where it is a distribution.

    The column of a household is its number in the whole population, so a later group changes no earlier one.

    Parameters
    ----------
    streams : Streams
        Randomness of the run.
    purpose : str
        What the numbers are for.
    value : Value
        As configured.
    group : Group
        Whose.
    n_households : int
        Size of the population.
    """
    uniforms = streams.field(f"household/{purpose}").row(0, n_households)
    return draw(value, uniforms[group.first : group.last])
