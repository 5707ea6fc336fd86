"""Bidding strategies: prices in range, and the modified Roth–Erev rule by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cosim.trading.schemas.bids import BiddingConfig, FixedBids, LearningBids, RandomBids
from cosim.trading.valuation.bidding import (
    bid_prices,
    bid_problems,
    choose,
    first_propensities,
    learn,
    positions,
    random_prices,
    reward,
)

GRID = np.array([0.2, 0.3, -0.1, 0.0])
FEED_IN = 0.1 * GRID


def check_kappa(price: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether prices obey (12), as far as there are any."""
    return ((price > FEED_IN) & (price < GRID)) | np.isnan(price)


def test_random_prices_fill_the_whole_range_and_stay_inside() -> None:
    uniforms = np.random.default_rng(1).random((4000, 4))
    prices = random_prices(RandomBids(), uniforms, FEED_IN, GRID)
    assert check_kappa(prices).all()
    assert np.isnan(prices[:, 2:]).all()
    kappa = prices[:, 0] / GRID[0]
    # Uniform on (0.1, 1): mean 0.55, standard deviation 0.9/√12.
    assert kappa.mean() == pytest.approx(0.55, abs=4 * 0.26 / 4000**0.5)
    assert kappa.std() == pytest.approx(0.9 / 12**0.5, rel=0.05)


def test_extreme_draws_stay_strictly_inside() -> None:
    for uniform in (0.0, 1 - 2.0**-53):
        prices = random_prices(RandomBids(), np.full(4, uniform), FEED_IN, GRID)
        assert np.isfinite(prices[:2]).all()
        assert check_kappa(prices).all()


def test_a_range_of_kappa_is_kept() -> None:
    uniforms = np.random.default_rng(2).random((500, 4))
    kappa = random_prices(RandomBids(low=0.4, high=0.6), uniforms, FEED_IN, GRID)[:, :2] / GRID[:2]
    assert kappa.min() >= 0.4 - 1e-9
    assert kappa.max() <= 0.6 + 1e-9
    # A range wholly below the feed-in price holds no price: nothing is offered.
    assert np.isnan(random_prices(RandomBids(high=0.3), uniforms, 0.5 * GRID, GRID)).all()


def test_fixed_kappa() -> None:
    prices, _ = bid_prices(FixedBids(strategy="fixed", kappa=0.5), FEED_IN, GRID, np.zeros(4))
    assert prices[:2] == pytest.approx([0.1, 0.15])
    assert np.isnan(prices[2:]).all()


def said(bidding: BiddingConfig, feed_in: list[float]) -> list[tuple[str, str]]:
    found = bid_problems(bidding, feed_in, GRID)
    return [(problem.path, problem.severity) for problem in found]


def test_kappa_outside_its_range_is_said_of_every_strategy() -> None:
    """Hours 0 and 1 count: φ is 0.6 and 0.2. An error where κ fits neither, a warning where it fits one."""
    feed_in = [0.12, 0.06, 0.0, 0.0]
    for kappa, expected in ((0.1, "error"), (0.2, "error"), (0.5, "warning"), (0.6, "warning"), (0.7, "")):
        fixed = FixedBids(strategy="fixed", kappa=kappa)
        assert said(fixed, feed_in) == ([("kappa", expected)] if expected else [])
        # A range that ends too low offers nothing, and one that begins too low is not the one that was asked.
        assert said(RandomBids(high=kappa), feed_in) == ([("high", expected)] if expected else [])
    for low, expected in ((0.1, "error"), (0.2, "warning"), (0.5, "warning"), (0.6, ""), (0.7, "")):
        assert said(RandomBids(low=low), feed_in) == ([("low", expected)] if expected else [])
    assert said(RandomBids(low=0.05, high=0.1), feed_in) == [("low", "error"), ("high", "error")]
    assert said(RandomBids(), feed_in) == said(LearningBids(strategy="learning"), feed_in) == []
    (problem,) = bid_problems(FixedBids(strategy="fixed", kappa=0.5), feed_in, GRID)
    assert "φ = 0.6) in 1 of 2 hours; nothing is offered there" in problem.message
    # No price lies between: κ is not to blame.
    assert said(FixedBids(strategy="fixed", kappa=0.5), [0.3, 0.3, 0.3, 0.3]) == []


def test_the_learning_rule_by_hand() -> None:
    bids = LearningBids(strategy="learning", choices=3, experimentation=0.2, recency=0.1)
    before = np.array([[1.0, 2.0, 4.0], [1.0, 1.0, 1.0]])
    after = learn(bids, before, np.array([1, -1]), [0.5, 0.0])
    # Chosen: 2·0.9 + 0.5·0.8; others: q·0.9 + q·0.2/2.
    assert after[0] == pytest.approx([1.0, 2.2, 4.0])
    assert after[1].tolist() == [1.0, 1.0, 1.0]
    assert before[0].tolist() == [1.0, 2.0, 4.0]


def test_choices_follow_the_propensities() -> None:
    propensities = np.array([[1.0, 0.0, 3.0]])
    uniforms = (np.arange(4000) + 0.5) / 4000
    chosen = choose(np.repeat(propensities, 4000, axis=0), uniforms)
    assert np.bincount(chosen, minlength=3).tolist() == [1000, 0, 3000]


def test_a_learner_finds_the_kappa_that_earns_most() -> None:
    """Buyers take anything below κ = 0.7 and nothing above: the best of ten choices is the last below."""
    bids = LearningBids(strategy="learning", experimentation=0.05)
    known = first_propensities(bids, 50)
    earns = np.where(positions(bids) < 0.7, positions(bids), 0.0)
    rng = np.random.default_rng(3)
    for _ in range(400):
        chosen = choose(known, rng.random(50))
        known = learn(bids, known, chosen, earns[chosen])
    share = known / known.sum(axis=1, keepdims=True)
    assert share.mean(axis=0).argmax() == 6
    assert (share @ earns).mean() > 1.5 * earns.mean()


def test_reward_is_one_at_best_and_zero_where_nothing_is_sold() -> None:
    offered = np.array([1.0, 2.0, 1.0, 0.0])
    assert reward(np.zeros(4), offered, GRID, FEED_IN, GRID) == 0.0
    nothing_in_the_margin = np.array([1.0, 2.0, 0.0, 0.0])
    assert reward(nothing_in_the_margin, offered, GRID, FEED_IN, GRID) == pytest.approx(1.0)
    prices = np.array([0.11, np.nan, np.nan, np.nan])
    assert reward([1.0, 0, 0, 0], offered, prices, FEED_IN, GRID) == pytest.approx(0.09 / (0.18 + 2 * 0.27))


@pytest.mark.parametrize(
    "bids", [RandomBids(), FixedBids(strategy="fixed", kappa=0.5), LearningBids(strategy="learning")]
)
def test_every_strategy_by_one_call(bids: RandomBids | FixedBids | LearningBids) -> None:
    prices, chosen = bid_prices(bids, FEED_IN, GRID, np.full(4, 0.3))
    assert check_kappa(prices).all()
    assert np.isfinite(prices[:2]).all()
    assert (chosen >= 0) == isinstance(bids, LearningBids)
