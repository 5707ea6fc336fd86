"""Strategies of sellers and buyers: prices in range, nobody at a loss, the Roth–Erev rule by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cosim.trading.strategies import BUYING, SELLING, SellingStrategy
from cosim.trading.strategies.kappa_asks import FixedAsks, RandomAsks, random_prices
from cosim.trading.strategies.lessons import buyers_lesson, sellers_lesson, selling_reward
from cosim.trading.strategies.roth_erev import RothErev, choose, learn, positions

GRID = np.array([0.2, 0.3, -0.1, 0.0])
FEED_IN = 0.1 * GRID


def check_kappa(price: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether prices obey (12), as far as there are any."""
    return ((price > FEED_IN) & (price < GRID)) | np.isnan(price)


def test_random_prices_fill_the_whole_range_and_stay_inside() -> None:
    uniforms = np.random.default_rng(1).random((4000, 4))
    prices = random_prices(RandomAsks(), uniforms, FEED_IN, GRID)
    assert check_kappa(prices).all()
    assert np.isnan(prices[:, 2:]).all()
    kappa = prices[:, 0] / GRID[0]
    # Uniform on (0.1, 1): mean 0.55, standard deviation 0.9/√12.
    assert kappa.mean() == pytest.approx(0.55, abs=4 * 0.26 / 4000**0.5)
    assert kappa.std() == pytest.approx(0.9 / 12**0.5, rel=0.05)


def test_extreme_draws_stay_strictly_inside() -> None:
    for uniform in (0.0, 1 - 2.0**-53):
        prices = random_prices(RandomAsks(), np.full(4, uniform), FEED_IN, GRID)
        assert np.isfinite(prices[:2]).all()
        assert check_kappa(prices).all()


def test_a_range_of_kappa_is_kept() -> None:
    uniforms = np.random.default_rng(2).random((500, 4))
    kappa = random_prices(RandomAsks(low=0.4, high=0.6), uniforms, FEED_IN, GRID)[:, :2] / GRID[:2]
    assert kappa.min() >= 0.4 - 1e-9
    assert kappa.max() <= 0.6 + 1e-9
    # A range wholly below the feed-in price holds no price: nothing is offered.
    assert np.isnan(random_prices(RandomAsks(high=0.3), uniforms, 0.5 * GRID, GRID)).all()


def test_fixed_kappa() -> None:
    prices, _ = FixedAsks(kappa=0.5).asks(FEED_IN, GRID, np.zeros(4), np.zeros(0))
    assert prices[:2] == pytest.approx([0.1, 0.15])
    assert np.isnan(prices[2:]).all()


def said(bidding: SellingStrategy, feed_in: list[float]) -> list[tuple[str, str]]:
    found = bidding.problems(np.array(feed_in), GRID)
    return [(problem.path, problem.severity) for problem in found]


def test_kappa_outside_its_range_is_said_of_every_strategy() -> None:
    """Hours 0 and 1 count: φ is 0.6 and 0.2. An error where κ fits neither, a warning where it fits one."""
    feed_in = [0.12, 0.06, 0.0, 0.0]
    for kappa, expected in ((0.1, "error"), (0.2, "error"), (0.5, "warning"), (0.6, "warning"), (0.7, "")):
        fixed = FixedAsks(kappa=kappa)
        assert said(fixed, feed_in) == ([("kappa", expected)] if expected else [])
        # A range that ends too low offers nothing, and one that begins too low is not the one that was asked.
        assert said(RandomAsks(high=kappa), feed_in) == ([("high", expected)] if expected else [])
    for low, expected in ((0.1, "error"), (0.2, "warning"), (0.5, "warning"), (0.6, ""), (0.7, "")):
        assert said(RandomAsks(low=low), feed_in) == ([("low", expected)] if expected else [])
    assert said(RandomAsks(low=0.05, high=0.1), feed_in) == [("low", "error"), ("high", "error")]
    assert said(RandomAsks(), feed_in) == said(RothErev(), feed_in) == []
    (problem,) = FixedAsks(kappa=0.5).problems(np.array(feed_in), GRID)
    assert "φ = 0.6) in 1 of 2 hours; nothing is offered there" in problem.message
    # No price lies between: κ is not to blame.
    assert said(FixedAsks(kappa=0.5), [0.3, 0.3, 0.3, 0.3]) == []


def test_the_learning_rule_by_hand() -> None:
    bids = RothErev(choices=3, experimentation=0.2, recency=0.1)
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
    bids = RothErev(experimentation=0.05)
    known = np.tile(bids.first_memory(24), (50, 1))
    earns = np.where(positions(bids.choices) < 0.7, positions(bids.choices), 0.0)
    rng = np.random.default_rng(3)
    for _ in range(400):
        chosen = choose(known, rng.random(50))
        known = learn(bids, known, chosen, earns[chosen])
    share = known / known.sum(axis=1, keepdims=True)
    assert share.mean(axis=0).argmax() == 6
    assert (share @ earns).mean() > 1.5 * earns.mean()


def test_reward_is_one_at_best_and_zero_where_nothing_is_sold() -> None:
    offered = np.array([1.0, 2.0, 1.0, 0.0])
    assert selling_reward(np.zeros(4), offered, GRID, FEED_IN, GRID) == 0.0
    nothing_in_the_margin = np.array([1.0, 2.0, 0.0, 0.0])
    assert selling_reward(nothing_in_the_margin, offered, GRID, FEED_IN, GRID) == pytest.approx(1.0)
    prices = np.array([0.11, np.nan, np.nan, np.nan])
    assert selling_reward([1.0, 0, 0, 0], offered, prices, FEED_IN, GRID) == pytest.approx(
        0.09 / (0.18 + 2 * 0.27)
    )


HOURS = 24


def drawn(seed: int) -> tuple[NDArray[np.float64], ...]:
    """Prices with and without a margin, what parts of a load are worth, and uniform numbers."""
    rng = np.random.default_rng(seed)
    feed_in, grid = rng.uniform(-0.1, 0.3, HOURS), rng.uniform(-0.1, 0.5, HOURS)
    return feed_in, grid, rng.random((5, HOURS)), rng.random(HOURS)


def memory_of(strategy: object, seed: int) -> NDArray[np.float64]:
    """A memory after 30 days of random rewards."""
    rng = np.random.default_rng(seed)
    memory = strategy.first_memory(HOURS)  # type: ignore[attr-defined]
    for _ in range(30):
        feed_in, grid, _, uniforms = drawn(int(rng.integers(1 << 30)))
        if not strategy.learns:  # type: ignore[attr-defined]
            continue
        chosen = strategy.greed(HOURS, uniforms, memory)[1]  # type: ignore[attr-defined]
        ordered = rng.uniform(0, 2, HOURS) * (rng.random(HOURS) < 0.8)
        sold = ordered * rng.choice([0.0, 0.5, 1.0], HOURS)
        price = feed_in + rng.random(HOURS) * np.maximum(grid - feed_in, 0)
        lesson = sellers_lesson(float(rng.random()), ordered, sold, price, feed_in, grid)
        memory = strategy.learn(memory, chosen, lesson, rng.random((2, HOURS)))  # type: ignore[attr-defined]
        assert np.isfinite(memory).all()
    return memory


KEYS = {"fixed": {"kappa": 0.5}}


@pytest.mark.parametrize("name", SELLING)
def test_no_seller_asks_less_than_feeding_in_earns(name: str) -> None:
    """The budget constraint of Gode and Sunder, whatever was drawn or learnt."""
    strategy = SELLING[name](**KEYS.get(name, {}))
    for seed in range(20):
        feed_in, grid, _, uniforms = drawn(seed)
        asks, chosen = strategy.asks(feed_in, grid, uniforms, memory_of(strategy, seed))
        there = np.isfinite(asks)
        assert (there <= (feed_in < grid)).all()
        assert (asks[there] > feed_in[there]).all()
        assert (asks[there] < grid[there]).all()
        assert (chosen is not None) == strategy.learns


@pytest.mark.parametrize("name", BUYING)
def test_no_buyer_bids_more_than_energy_is_worth_to_it(name: str) -> None:
    """To `grid_price` and `random` every kWh is worth the grid's price, and no bid is above that."""
    strategy = BUYING[name](**({"share": 0.7} if name == "fixed" else {}))
    for seed in range(20):
        _, _, worth, uniforms = drawn(seed)
        places, chosen = strategy.places(worth, uniforms, memory_of(strategy, seed))
        assert places.shape == worth.shape
        assert (places >= 0).all()
        assert (places <= (1.0 if name == "grid_price" else worth)).all()
        assert (chosen is not None) == strategy.learns


def test_a_buyers_reward_is_what_it_saved() -> None:
    feed_in, grid = np.array([0.1, 0.1, 0.1]), np.array([0.3, 0.3, 0.5])
    ordered, bought = np.array([1.0, 2.0, 1.0]), np.array([1.0, 0.5, 0.0])
    lesson = buyers_lesson(ordered, bought, np.array([0.1, 0.2, np.nan]), feed_in, grid)
    # All of hour 0 at the lowest price, a quarter of hour 1 at half: 0.2 + 0.05 of 0.2 + 0.4 + 0.4.
    assert lesson.reward == pytest.approx(0.25)
    assert lesson.kept[:2] == pytest.approx([1.0, 0.5])
    assert np.isnan(lesson.kept[2])
