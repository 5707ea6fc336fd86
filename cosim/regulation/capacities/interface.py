"""What a capacity rule is: its keys in a scenario, and the capacity at each instant."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Model
from cosim.core.registry import Registry


class Capacity(Model):
    """A capacity that changes over time as is known before the run."""

    kind: str = ""

    @abstractmethod
    def at(self, elapsed_ms: int, start: datetime) -> float:
        """The capacity at an instant, units per step; not below 0.

        Parameters
        ----------
        elapsed_ms : int
            Time since the scenario's start, ms.
        start : datetime
            The scenario's start, UTC.
        """

    @abstractmethod
    def greatest(self) -> float:
        """The largest value that it takes."""

    def over(self, elapsed_ms: NDArray[np.int64], start: datetime) -> NDArray[np.float64]:
        """The capacity at many instants, as `at` gives it for one; shape (n,)."""
        return np.array([self.at(now_ms, start) for now_ms in elapsed_ms.tolist()], dtype=np.float64)


CAPACITIES: Registry[Capacity] = Registry("capacity rule", Capacity)  # type: ignore[type-abstract]
"""Capacity rules by name; a plain number needs none."""
