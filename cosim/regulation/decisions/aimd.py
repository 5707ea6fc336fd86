"""Additive increase, multiplicative decrease: households probe for capacity, and give way by chance.

M. Corless, C. King, R. Shorten and F. Wirth, AIMD Dynamics and Distributed Resource Allocation, SIAM (2016);
F. Wirth, S. Stuedli, J. Y. Yu, M. Corless and R. Shorten, Nonhomogeneous place-dependent Markov chains,
unsynchronised AIMD, and optimisation, Journal of the ACM 66 (2019). Households are told by one bit that the
capacity is exceeded.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cosim.config.base import OpenFraction, Positive
from cosim.core.delivery import in_parts
from cosim.regulation.decisions.interface import DECISIONS, Decision, Known
from cosim.regulation.policies.interface import LEAST


@DECISIONS.register("aimd")
class AdditiveIncreaseMultiplicativeDecrease(Decision):
    """Takes a little more each step, and at a capacity event, with probability λ, less.

    x(k+1) = x(k) + α, or β x(k) + α if it gives way. With λ = Γ ∇g(x̄) / x̄ it gives way in proportion to its
    gradient, so averages settle where all gradients are equal: the optimum of Problem 1. With a quadratic
    cost λ is a constant of the household, and what it takes as events come is in inverse proportion to it.
    """

    takes_parts: ClassVar[bool] = True
    needs_events: ClassVar[bool] = True

    increase: Positive = 0.01
    """α, what is taken more in each step [units]."""
    decrease: OpenFraction = 0.5
    """β, the share that is kept when giving way [1]."""
    scale: Positive
    """Γ: λ = min(1, Γ ∇g / x̄); small enough that λ is below 1 [unit²/cost]."""

    def choose(self, known: Known) -> tuple[float, float]:
        """See `Decision.choose`."""
        gives_way = min(max(self.scale * known.gradient / (known.average + LEAST), 0.0), 1.0)
        kept = self.decrease if known.signal > 0.0 and known.draw < gives_way else 1.0
        return in_parts(kept * known.before + self.increase), gives_way

    def doubt(self, ratios: NDArray[np.float64]) -> tuple[str, str] | None:
        """Households that give way always or never, whatever their cost is."""
        never, always = int(np.sum(ratios <= 0)), int(np.sum(self.scale * ratios >= 1))
        if not never and not always:
            return None
        what = ((always, "at every capacity event"), (never, "at none, for their costs do not rise there"))
        who = " and ".join(f"{n} of {len(ratios)} give way {when}" for n, when in what if n)
        message = f"with equal shares {who}: what they take does not follow from their costs"
        if always:
            return message, f"Choose a scale below {1.0 / float(ratios.max()):.3g}."
        return message, "Raise the linear part of their costs."
