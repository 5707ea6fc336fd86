"""What households tell of what they did: the truth, or with noise that hides it (local differential privacy).

C. Dwork, F. McSherry, K. Nissim and A. Smith, Calibrating noise to sensitivity in private data analysis, TCC
(2006), 265-284; S. P. Kasiviswanathan et al., What can we learn privately?, SIAM J. Computing 40 (2011),
793-826, for noise that each adds by himself.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence

from cosim.config.base import Model, Positive
from cosim.core.registry import Registry
from cosim.core.streams import RowCache


class Reporting(Model):
    """How a household reports."""

    kind: str = ""

    @abstractmethod
    def said(self, delivered: Sequence[float], draws: Sequence[float]) -> tuple[float, ...]:
        """What it reports.

        Parameters
        ----------
        delivered : sequence of float, length m
            What it did of each resource, from 0 to 1.
        draws : sequence of float, length m
            Uniform numbers in [0, 1).
        """

    def noise_std(self, n_resources: int) -> float:
        """Standard deviation of what it adds to each resource of a report, units."""
        return 0.0


REPORTINGS: Registry[Reporting] = Registry("way of reporting", Reporting)  # type: ignore[type-abstract]
"""Ways of reporting by name."""


@REPORTINGS.register("exact")
class ExactReports(Reporting):
    """What was delivered."""

    def said(self, delivered: Sequence[float], draws: Sequence[float]) -> tuple[float, ...]:
        """See `Reporting.said`."""
        return tuple(delivered)


@REPORTINGS.register("laplace")
class LaplaceReports(Reporting):
    """With Laplace noise: each report is ε-differentially private, whoever reads them.

    Two households that did anything of m resources differ by at most m units, so noise of scale m/ε in each
    resource hides which one it was. Over K steps budgets add up to Kε.
    """

    epsilon: Positive
    """ε, the privacy budget of one report [1]: no report is more than e^ε times as likely of one household as
    of another."""

    def scale(self, n_resources: int) -> float:
        """b = m/ε of the noise in each resource, units."""
        return n_resources / self.epsilon

    def said(self, delivered: Sequence[float], draws: Sequence[float]) -> tuple[float, ...]:
        """See `Reporting.said`."""
        scale = self.scale(len(delivered))
        return tuple(value + laplace(draw, scale) for value, draw in zip(delivered, draws, strict=True))

    def noise_std(self, n_resources: int) -> float:
        """√2 b."""
        return math.sqrt(2.0) * self.scale(n_resources)


def laplace(uniform: float, scale: float) -> float:
    """The Laplace quantile of a uniform number in [0, 1): its sign by the half, its size exponential."""
    if uniform < 0.5:
        return scale * math.log(max(2.0 * uniform, 5e-324))
    return -scale * math.log(2.0 * (1.0 - uniform))


Report = Callable[[int, int, tuple[float, ...], int], None]
"""Sends (household, step, delivered, number of the signal answered) to the platform."""


def reported(reporting: Reporting, draws: Sequence[RowCache], report: Report) -> Report:
    """A way to send reports on which households say what `reporting` makes of them.

    Parameters
    ----------
    reporting : Reporting
        How.
    draws : sequence of RowCache, length m
        Uniform numbers by step and household.
    report : callable
        Sends what is said.
    """

    def say(household: int, step: int, delivered: tuple[float, ...], answered: int) -> None:
        uniforms = [row.value(step, household) for row in draws]
        report(household, step, reporting.said(delivered, uniforms), answered)

    return say
