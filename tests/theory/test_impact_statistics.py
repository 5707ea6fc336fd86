"""Intervals of impact studies cover: made-up studies whose answer is known, a thousand of each."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom

from cosim.core.streams import Streams
from cosim.study.impact.statistics import (
    capacity_at_risk,
    clopper_pearson,
    is_short,
    resolves,
    violation_probabilities,
)
from cosim.study.robustness.estimates import paired_difference

N_STUDIES, N_SEEDS, GRID = 1000, 40, np.linspace(0, 1, 21)


def capacities(shares: np.ndarray, n_seeds: int) -> np.ndarray:
    """Hosting capacities of made-up studies: a seed's first violation is beyond a normal threshold."""
    draws = Streams(7).field("made-up").block(0, N_STUDIES, n_seeds)
    cumulative = np.cumsum(shares)
    return np.searchsorted(cumulative, draws, side="right") - 1


SHARES = np.array([*beta.cdf(GRID[1:], 4, 4), 1.0]) - np.array([0.0, *beta.cdf(GRID[1:], 4, 4)])
"""Probability of each capacity from -1 on: capacities spread like a beta distribution over the grid."""


def test_clopper_pearson_covers_and_is_not_idle() -> None:
    held = []
    found = capacities(SHARES, N_SEEDS)
    for study in found:
        for position, each in list(enumerate(violation_probabilities(study, len(GRID))))[6:15]:
            truth = float(SHARES[: position + 1].sum())
            held.append(each.low <= truth <= each.high)
    assert 0.95 <= np.mean(held) <= 0.99


@pytest.mark.parametrize("n", [1, 5, 20, 40])
def test_clopper_pearson_by_its_definition(n: int) -> None:
    for count in range(n + 1):
        found = clopper_pearson(count, n)
        assert found.share == count / n
        if count:
            assert binom.sf(count - 1, n, found.low) == pytest.approx(0.025)
        if count < n:
            assert binom.cdf(count, n, found.high) == pytest.approx(0.025)
    assert (clopper_pearson(0, n).low, clopper_pearson(n, n).high) == (0, 1)


@pytest.mark.parametrize("risk", [0.1, 0.25, 0.5])
@pytest.mark.fast_cases("0.1")
def test_the_bootstrap_of_the_capacity_at_a_risk_covers(risk: float) -> None:
    cumulative = np.cumsum(SHARES)
    # The largest position at which the true probability of a violation is at most the risk.
    truth = int(np.flatnonzero(cumulative <= risk)[-1])
    held = []
    for study in capacities(SHARES, N_SEEDS):
        found = capacity_at_risk(study, risk)
        assert found.ends is not None
        low, high = found.ends
        assert low <= found.position <= high
        held.append(low <= truth <= high)
    assert 0.90 <= np.mean(held) <= 0.99, np.mean(held)


def test_of_few_seeds_the_interval_is_too_short_and_said_to_be() -> None:
    """At a risk of 10 % twenty seeds suffice, and ten do not."""
    truth = int(np.flatnonzero(np.cumsum(SHARES) <= 0.1)[-1])
    for n_seeds, low, high in ((10, 0.65, 0.8), (20, 0.90, 0.99)):
        found = [capacity_at_risk(study, 0.1).ends for study in capacities(SHARES, n_seeds)]
        held = np.mean([ends is not None and ends[0] <= truth <= ends[1] for ends in found])
        assert low <= held <= high, held
        assert is_short(0.1, n_seeds) == (n_seeds < 20)


def test_of_fewer_than_five_seeds_there_is_no_interval() -> None:
    (few,), (enough,) = (capacities(SHARES, n)[:1] for n in (4, 5))
    assert capacity_at_risk(few, 0.1).ends is None
    assert capacity_at_risk(enough, 0.1).ends is not None


def test_paired_differences_cover() -> None:
    import pandas as pd

    first = capacities(SHARES, N_SEEDS)
    gains = (Streams(8).field("gain").block(0, N_STUDIES, N_SEEDS) * 4).astype(int)
    held = []
    for study, gain in zip(first, gains, strict=True):
        estimate = paired_difference(pd.Series(study + gain), pd.Series(study))
        held.append(estimate.low <= 1.5 <= estimate.high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_the_capacity_at_a_risk_by_counting() -> None:
    study = np.array([4, 2, 7, 7, 5, 3, 9, 6, 8, 10])
    for risk in (0.0, 0.05, 0.1, 0.2, 0.5, 0.9):
        shares = [np.mean(study < position) for position in range(11)]
        expected = max(position for position, share in enumerate(shares) if share <= risk + 1e-12)
        assert capacity_at_risk(study, risk).position == expected
    assert capacity_at_risk(np.array([-1, 3, 4]), 0.1).position == -1
    assert not resolves(0.05, 19)
    assert resolves(0.05, 20)
