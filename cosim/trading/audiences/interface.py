"""What an audience is: who hears whose offers, by where households are."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Model
from cosim.core.registry import Registry


class Places(Protocol):
    """Where the households of a run are on their feeder."""

    @property
    def size(self) -> int:
        """Number of households."""

    def branches(self) -> NDArray[np.int64]:
        """Number of the branch that each stands on, shape (N,): the same behind one outgoing line."""

    def nearest(self, count: int) -> list[tuple[int, ...]]:
        """Of each household the others that are nearest along the lines, so many, in ascending order.

        Of those equally far the lower numbers count as nearer, and who cannot be reached is farther than
        all others.
        """


class Audience(Model):
    """Who hears whose offers.

    Attributes
    ----------
    needs_feeder : bool
        Whether it depends on where households are.
    has_broker : bool
        Whether offers go to a broker, who keeps the book for all.
    """

    kind: str = ""
    needs_feeder: ClassVar[bool] = False
    has_broker: ClassVar[bool] = False

    @abstractmethod
    def listeners(self, places: Places) -> list[tuple[int, ...]]:
        """Who hears the offers of each household, in ascending order; never the household itself."""

    def most_listeners(self, n_households: int) -> int:
        """The most households that hear one."""
        return n_households - 1


AUDIENCES: Registry[Audience] = Registry("audience", Audience)  # type: ignore[type-abstract]
"""Audiences by name."""
