"""Decisions by a policy's response: a whole unit or nothing, or as much of a unit as it says."""

from __future__ import annotations

from typing import ClassVar

from cosim.core.delivery import in_parts
from cosim.regulation.decisions.interface import DECISIONS, Decision, Known


@DECISIONS.register("drawn")
class Drawn(Decision):
    """A whole unit with probability σ, else nothing (paper A, Algorithm 2)."""

    def choose(self, known: Known) -> tuple[float, float]:
        """See `Decision.choose`."""
        return float(known.draw < known.response), known.response


@DECISIONS.register("divisible")
class Divisible(Decision):
    """The share σ of a unit: for resources that can be divided, x in [0, 1].

    What is drawn otherwise is here its mean, so nothing is random, and the sum meets the capacity without the
    variance that draws have.
    """

    takes_parts: ClassVar[bool] = True

    def choose(self, known: Known) -> tuple[float, float]:
        """See `Decision.choose`."""
        return in_parts(known.response), known.response
