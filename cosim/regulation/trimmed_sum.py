"""The aggregate without those who report most and least in the long run.

A trimmed mean (Yin, Chen, Ramchandran, Bartlett, "Byzantine-Robust Distributed Learning", 2018) leaves out
the same share of values at either end. Reports of 0 and 1 have no outliers, but a household's mean over many
of them can be one. So here the means say who is left out, and the newest reports of the others are summed:
the sum is as fresh as without trimming. As long as no more households lie than are left out at an end,
whoever is kept reports in the long run no more and no less than some honest household does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from cosim.config.base import Number, Positive, Range
from cosim.core.filters import weight_of_newest
from cosim.regulation.clipped_sum import ClippedSum
from cosim.regulation.heard_reports import Heard, Missing, Reports, measure
from cosim.regulation.mitigation import MITIGATIONS


@MITIGATIONS.register("trimmed")
class TrimmedSum(ClippedSum):
    """The households whose reports are highest and lowest in the long run are left out (Yin et al., 2018).

    Reports are clipped as by `clipped`. Of each resource the same share of households is left out at either
    end, by the running means of their reports, and the others' reports stand for all. What it costs: honest
    households at the ends are left out too, so the aggregate is biased where their spread is not symmetric.
    """

    trimmed_share: Annotated[Number, Range(0, 0.5, above_low=True, below_high=True)] = 0.1
    """Share of the households that is left out at either end; this share of liars can be tolerated [1]."""
    time_constant_steps: Positive = 50.0
    """Memory of the running means [steps]."""

    @property
    def weight(self) -> float:
        """Of the time constant."""
        return weight_of_newest(self.time_constant_steps)

    def sums(
        self,
        reports: Heard,
        members: Sequence[int],
        means: Sequence[Sequence[float]],
        n_resources: int,
        missing: Missing,
    ) -> list[float]:
        """From the newest reports of the members that are kept, which stand for all; NaN as for `measure`."""
        assert isinstance(reports, Reports)  # a platform that keeps running means hears reports one by one
        result = []
        for resource in range(n_resources):
            left = kept(members, means, resource, self.trimmed_share)
            total = measure(reports, left, n_resources, missing)[resource]
            result.append(total * len(members) / len(left))
        return result


def kept(members: Sequence[int], means: Sequence[Sequence[float]], resource: int, share: float) -> list[int]:
    """The members that are left when `share` of them is left out at either end, in their order.

    Parameters
    ----------
    members : sequence of int
        Who takes part.
    means : sequence of sequence of float
        Running means of every household.
    resource : int
        By whose means they are ranked; of equal ones the lower number ranks lower.
    share : float
        Below 1/2; at least one member is left.
    """
    cut = math.floor(share * len(members) + 1e-9)  # 0.29 of 100 are 29
    ranked = sorted(members, key=lambda member: (means[member][resource], member))
    return sorted(ranked[cut : len(ranked) - cut])
