"""What the hosting capacities of all seeds say: probabilities, a capacity at a risk, and intervals."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.study.robustness.estimates import CONFIDENCE, FEWEST_SEEDS, bootstrap_rows

Positions = NDArray[np.int64]
"""Hosting capacities as positions on the grid of penetrations, one a seed; -1 where even the lowest exceeds a
limit."""


class Probability(NamedTuple):
    """Share of seeds in which a limit is exceeded, with its interval."""

    share: float
    """NaN without a seed."""
    low: float
    high: float
    """Ends of the 95 % interval of C. J. Clopper and E. S. Pearson, Biometrika 26 (1934)."""
    n: int
    """Number of seeds."""


def violation_probabilities(capacities: Positions, n_penetrations: int) -> list[Probability]:
    """Probability of a violation at each penetration: at it, or at a lower one.

    Parameters
    ----------
    capacities : ndarray of int, shape (n_seeds,)
        Hosting capacities.
    n_penetrations : int
        Size of the grid.
    """
    violated = [int(np.count_nonzero(capacities < position)) for position in range(n_penetrations)]
    return [clopper_pearson(count, len(capacities)) for count in violated]


def clopper_pearson(count: int, n: int) -> Probability:
    """A share of `n` with its interval."""
    from scipy.special import betaincinv

    if n == 0:
        return Probability(math.nan, math.nan, math.nan, 0)
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(count, n - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, n - count, 1 - tail)) if count < n else 1.0
    return Probability(count / n, low, high, n)


class AtRisk(NamedTuple):
    """The largest penetration at which a limit is exceeded in no more than a given share of the seeds."""

    position: int
    """On the grid; -1 where even the lowest penetration exceeds limits too often."""
    ends: tuple[int, int] | None
    """Ends of the 95 % bootstrap interval over seeds, as positions; None of too few seeds for one."""


def capacity_at_risk(capacities: Positions, risk: float) -> AtRisk:
    """Hosting capacity at a risk, from those of the seeds.

    The interval is the percentile interval of the bootstrap over seeds (B. Efron, The Annals of Statistics 7,
    1979), its ends rounded outwards to positions of the grid.

    Parameters
    ----------
    capacities : ndarray of int, shape (n_seeds,)
        Hosting capacities; at least one.
    risk : float
        Share of seeds that may exceed a limit.
    """
    n = len(capacities)
    position = int(np.sort(capacities)[_allowed(risk, n)])
    if n < FEWEST_SEEDS:
        return AtRisk(position, None)
    samples = np.sort(capacities[bootstrap_rows(n)], axis=1)[:, _allowed(risk, n)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(samples, tail, method="lower"), np.quantile(samples, 1 - tail, method="higher")
    return AtRisk(position, (int(low), int(high)))


def resolves(risk: float, n_seeds: int) -> bool:
    """Whether so many seeds can tell a risk from none: whether one of them may exceed a limit."""
    return _allowed(risk, n_seeds) >= 1


def is_short(risk: float, n_seeds: int) -> bool:
    """Whether the bootstrap's interval is too short: fewer than two of the seeds may exceed a limit."""
    return risk > 0 and _allowed(risk, n_seeds) < 2


def _allowed(risk: float, n_seeds: int) -> int:
    """How many of the seeds may exceed a limit."""
    return min(math.floor(risk * n_seeds + 1e-9), n_seeds - 1)
