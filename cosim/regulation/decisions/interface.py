"""What a decision is: from what a household knows of a resource to what it takes of it."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import Model
from cosim.core.registry import Registry


class Known(NamedTuple):
    """What a household knows of a resource as it decides."""

    signal: float
    """The freshest Ω."""
    response: float
    """σ of its policy, not clipped."""
    average: float
    gradient: float
    """x̄ and ∇g."""
    before: float
    """What it takes in the step that ends."""
    draw: float
    """A uniform number in [0, 1)."""


class Decision(Model):
    """A way to decide.

    Attributes
    ----------
    takes_parts : bool
        Whether it takes parts of a unit, which no device delivers yet.
    needs_events : bool
        Whether the signal it answers is a capacity event, 0 or 1.
    """

    kind: str = ""
    takes_parts: ClassVar[bool] = False
    needs_events: ClassVar[bool] = False

    @abstractmethod
    def choose(self, known: Known) -> tuple[float, float]:
        """What is taken, and the probability of that, or of giving way, for the record.

        From 0 to 1, in whole parts of a unit (`in_parts`).
        """

    def doubt(self, ratios: NDArray[np.float64]) -> tuple[str, str] | None:
        """What is doubtful where all households take the same, and the remedy; None for nothing.

        Parameters
        ----------
        ratios : ndarray, shape (n,)
            Gradient over average, ∇g / x̄, of each household where all have an equal share of the capacity.
        """
        return None


DECISIONS: Registry[Decision] = Registry("decision", Decision)  # type: ignore[type-abstract]
"""Ways to decide by name."""
