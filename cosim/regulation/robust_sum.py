"""Aggregates that a false report moves little: clipped, and trimmed by what households report for long.

A household takes 0 to 1 unit of a resource in a step. With clipped reports one that lies, or whose meter is
stuck, is wrong by one unit at most, so `n` of them move the sum by no more than `n` units, whatever they say.

A trimmed mean (Yin, Chen, Ramchandran, Bartlett, "Byzantine-Robust Distributed Learning", 2018) leaves out
the same share of values at either end. Reports of 0 and 1 have no outliers, but a household's mean over many
of them can be one. So here the means say who is left out, and the newest reports of the others are summed:
the sum is as fresh as without trimming. As long as no more households lie than are left out at an end,
whoever is kept reports in the long run no more and no less than some honest household does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from cosim.regulation.controller import Reports, measure


def clipped(delivered: Sequence[float]) -> tuple[float, ...]:
    """A report as far as it is possible: each resource in [0, 1]; what is no number counts as 0."""
    # A comparison with NaN is false, and then `max` keeps its first argument.
    return tuple(min(max(0.0, value), 1.0) for value in delivered)


def take_in(means: list[Sequence[float]], household: int, older: Sequence[float], weight: float) -> None:
    """Take a household's report into its running means, in place.

    It is taken in when a newer one has come: who is left out then does not depend on the reports that are
    summed, so in a community of equals trimming leaves no bias.

    Parameters
    ----------
    means : list of sequence of float
        Each household's running means.
    household : int
        Its number.
    older : sequence of float
        The report that another has followed.
    weight : float
        Weight of the newest report in the mean.
    """
    means[household] = tuple(
        mean + weight * (value - mean) for mean, value in zip(means[household], older, strict=True)
    )


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


def trimmed_measure(
    reports: Reports,
    members: Sequence[int],
    means: Sequence[Sequence[float]],
    n_resources: int,
    missing: Literal["hold_last", "zero", "scale"],
    share: float,
) -> list[float]:
    """Σ x of each resource, from the newest reports of the members that are kept, which stand for all.

    Parameters as for `kept` and `measure`; NaN as there.
    """
    result = []
    for resource in range(n_resources):
        left = kept(members, means, resource, share)
        total = measure(reports, left, n_resources, missing)[resource]
        result.append(total * len(members) / len(left))
    return result
