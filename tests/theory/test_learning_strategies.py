"""Strategies that learn against what their sources prove or print: EXP3, ZIP, and zero intelligence."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cosim.trading.clearing.double_auction import UniformPriceAuction
from cosim.trading.clearing.interface import Order
from cosim.trading.strategies.exponential_weights import ExponentialWeights
from cosim.trading.strategies.strategy_interface import Chosen, Lesson
from cosim.trading.strategies.zero_intelligence import ZeroIntelligence, ZeroIntelligencePlus

NOTHING = np.zeros(1)


def lesson(reward: float) -> Lesson:
    return Lesson(reward, NOTHING, NOTHING, NOTHING)


def test_exp3_by_hand() -> None:
    """Two arms, γ = 0.5: weights and probabilities of the paper's figure 1, worked out without logarithms."""
    rule = ExponentialWeights(choices=2, exploration=0.5)
    memory, weights = rule.first_memory(24), np.ones(2)
    for number, reward in ((0, 1.0), (1, 0.5), (0, 0.0), (0, 0.25)):
        likely = 0.5 * weights / weights.sum() + 0.25
        assert rule.probabilities(memory) == pytest.approx(likely, abs=1e-15)
        memory = rule.learn(memory, Chosen(number, float(likely[number])), lesson(reward), NOTHING)
        weights[number] *= np.exp(0.5 * reward / likely[number] / 2)


def test_exp3_draws_by_its_probabilities() -> None:
    rule = ExponentialWeights(choices=3, exploration=0.3)
    memory = np.log(np.array([0.5, 1.0, 0.1]))
    uniforms = (np.arange(3000) + 0.5) / 3000
    drawn = [rule.greed(1, np.array([u]), memory)[1] for u in uniforms]
    numbers = np.array([each.number for each in drawn if each is not None])
    expected = rule.probabilities(memory)
    assert np.bincount(numbers, minlength=3) / 3000 == pytest.approx(expected, abs=1e-3)
    assert {each.probability for each in drawn if each is not None} == set(expected.tolist())


def adversary(kind: str, t: int, n: int) -> NDArray[np.float64]:
    """Rewards of all choices at a step: the best one changes at half time, or a better one hides."""
    if kind == "change":
        return np.where(np.arange(n) == (1 if t < 120 else n - 1), 0.9, 0.3)
    return np.where(np.arange(n) == n - 2, 1.0, 0.5 * (t % 2))


@pytest.mark.parametrize("kind", ["change", "hidden"])
def test_regret_of_exp3_is_below_its_bound(kind: str) -> None:
    """Theorem 3.1 of Auer et al.: the mean regret over 40 learners, with four standard errors to spare."""
    steps, n = 300, 6
    rule = ExponentialWeights(choices=n, exploration=0.15)
    rewards = np.array([adversary(kind, t, n) for t in range(steps)])
    earned = []
    for seed in range(40):
        uniforms = np.random.Generator(np.random.Philox(seed)).random((steps, 1))
        memory, total = rule.first_memory(24), 0.0
        for t in range(steps):
            chosen = rule.greed(1, uniforms[t], memory)[1]
            assert chosen is not None
            reward = float(rewards[t, chosen.number])
            memory, total = rule.learn(memory, chosen, lesson(reward), NOTHING), total + reward
        earned.append(total)
    best = rewards.sum(axis=0).max()
    bound = (np.e - 1) * 0.15 * best + n * np.log(n) / 0.15
    regret = best - np.array(earned)
    assert regret.mean() + 4 * regret.std() / 40**0.5 < bound
    # And it has learnt: who draws at random regrets more.
    assert regret.mean() + 4 * regret.std() / 40**0.5 < best - rewards.mean() * steps


def test_zip_by_hand() -> None:
    """One hour after all was sold at 0.5, one after nothing was, one without orders; then momentum."""
    rule = ZeroIntelligencePlus(initial_greed=0.2, learning_rate=0.5, momentum=0.5)
    after = Lesson(0.0, np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0]), np.array([0.5, np.nan, np.nan]))
    uniforms = np.array([[0.4] * 3, [0.2] * 3])  # R = 1.02 or 0.98, A = ±0.01
    memory = rule.learn(rule.first_memory(3), Chosen(0, 1.0), after, uniforms)
    up, down = 0.25 * (0.52 - 0.2), 0.25 * (0.98 * 0.2 - 0.01 - 0.2)
    assert memory == pytest.approx([0.2 + up, 0.2 + down, 0.2, up, down, 0.0])
    again = rule.learn(memory, Chosen(0, 1.0), after, uniforms)
    assert again[0] == pytest.approx(memory[0] + 0.5 * up + 0.25 * (0.52 - memory[0]))


def day(kept: NDArray[np.float64]) -> Lesson:
    """What one trader learns from, who ordered a kWh: it passed where there is a share that was kept."""
    return Lesson(0.0, np.ones(1), np.isfinite(kept).astype(float), kept)


@pytest.mark.parametrize(
    ("values", "costs", "low", "high"),
    [
        ((np.arange(10) + 1) / 10, np.arange(10) / 10, 0.5, 0.5),
        ((np.arange(10) + 1) / 10, 0.03 * np.arange(10), 0.21, 0.24),  # cheap supply
        (np.full(5, 0.9), np.arange(10) / 10, 0.4, 0.5),  # more supply than demand
        ((np.arange(10) + 1) / 10, np.full(5, 0.1), 0.5, 0.6),  # more demand than supply
    ],
)
def test_zip_traders_reach_the_competitive_price(
    values: NDArray[np.float64], costs: NDArray[np.float64], low: float, high: float
) -> None:
    """Cliff's claim, on markets like his: prices come to where supply meets demand, which nobody knows."""
    rule, rng = ZeroIntelligencePlus(), np.random.Generator(np.random.Philox(1))
    sellers, buyers = [rule.first_memory(1) for _ in costs], [rule.first_memory(1) for _ in values]
    prices = []
    for _ in range(300):
        asks = [Order(99 + k, 1.0, float(c + sellers[k][0] * (1 - c))) for k, c in enumerate(costs)]
        bids = [Order(k, 1.0, float(v * (1 - buyers[k][0]))) for k, v in enumerate(values)]
        matches = UniformPriceAuction().clear(bids, asks, 1.0, 0.0)
        price = matches[0].price if matches else np.nan
        prices.append(price)
        passed = {match.seller for match in matches} | {match.buyer for match in matches}
        for k, c in enumerate(costs):
            kept = np.array([(price - c) / (1 - c) if 99 + k in passed else np.nan])
            sellers[k] = rule.learn(sellers[k], Chosen(0, 1.0), day(kept), rng.random((2, 1)))
        for k, v in enumerate(values):
            kept = np.array([(v - price) / v if k in passed else np.nan])
            buyers[k] = rule.learn(buyers[k], Chosen(0, 1.0), day(kept), rng.random((2, 1)))
    assert low - 0.03 < np.nanmean(prices[200:]) < high + 0.03
    assert np.nanstd(prices[200:]) < 0.03


def test_zero_intelligence_never_loses_and_gains_most_of_what_there_is() -> None:
    """Gode and Sunder's point: draws without any thought, with a budget, reach most of the gains in time.

    Their auction goes on while anybody can trade; a book that is cleared once has one draw, so here the same
    orders are drawn anew until nobody is left, and what is gained in all is what counts.
    """
    rule = ZeroIntelligence()
    rng = np.random.Generator(np.random.Philox(5))
    shares = []
    for _ in range(40):
        n = 20
        values, costs = list((np.arange(n) + 1) / n), list((np.arange(n) + 0.5) / n)
        best = sum(max(0.0, v - c) for v, c in zip(sorted(values, reverse=True), costs, strict=True))
        gained = 0.0
        for _ in range(40):
            shade = rule.greed(len(values), rng.random(len(values)), NOTHING)[0]
            more = rule.greed(len(costs), rng.random(len(costs)), NOTHING)[0]
            bids = [
                Order(k, 1.0, v * (1 - float(s))) for k, (v, s) in enumerate(zip(values, shade, strict=True))
            ]
            asks = [
                Order(99 + k, 1.0, c + float(m) * (1 - c))
                for k, (c, m) in enumerate(zip(costs, more, strict=True))
            ]
            matches = UniformPriceAuction().clear(bids, asks, 1.0, 0.0)
            assert all(costs[m.seller - 99] <= m.price <= values[m.buyer] for m in matches)
            gained += sum(values[m.buyer] - costs[m.seller - 99] for m in matches)
            values = [v for k, v in enumerate(values) if k not in {m.buyer for m in matches}]
            costs = [c for k, c in enumerate(costs) if 99 + k not in {m.seller for m in matches}]
            if not values or not costs:
                break
        shares.append(gained / best)
    assert 0.9 < np.mean(shares) <= 1.0 + 1e-12
