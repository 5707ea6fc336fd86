"""Values (3)-(8) and offers (11)-(13) of paper B, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.trading.strategies.price_band import (
    feed_in_ratio,
    has_margin,
    kappa_of,
    prices_at,
    prices_from_kappa,
)
from cosim.trading.valuation.energy_values import energy_values, normalised_preferences, scaling_factor
from cosim.trading.valuation.offers import Offer, by_hour, make_offers


def test_preferences_are_scaled_with_the_lowest_at_zero() -> None:
    mu = normalised_preferences([[1, 2, 3], [2, 2, 2], [1, 2, 1], [2, 3, 2.5]])
    assert mu.tolist() == [[0, 0.5, 1], [0, 0, 0], [0, 0.5, 0], [0, 0.5, 0.25]]


@pytest.mark.parametrize("bad", [0.9, 3.1, float("nan")])
def test_preferences_outside_the_scale_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="between 1 and 3"):
        normalised_preferences([1, bad])


def test_the_scaling_factor_of_eq_8() -> None:
    assert scaling_factor(1, 5, 0.8, [0.2]).tolist() == [0.0]
    assert scaling_factor(3, 5, 0.8, [0.2]) == pytest.approx([0.08])
    assert scaling_factor(5, 5, 0.8, [0.2]) == pytest.approx([0.16])


@pytest.mark.parametrize(("rigidity", "most", "base"), [(0, 5, 1.0), (6, 5, 1.0), (1, 2, 1.0), (1, 5, -0.1)])
def test_factors_out_of_range_are_refused(rigidity: int, most: int, base: float) -> None:
    with pytest.raises(ValueError, match="must"):
        scaling_factor(rigidity, most, base, [0.2])


def test_a_preferred_hour_is_worth_more_at_a_negative_price_too() -> None:
    price = np.array([-0.1, -0.1, 0.1, 0.1])
    values = energy_values(normalised_preferences([[1, 3, 1, 3]]), scaling_factor(5, 5, 1.0, price), price)
    assert values[0] == pytest.approx([-0.1, 0.0, 0.1, 0.2])


def test_offer_prices_lie_between_feed_in_and_grid() -> None:
    grid = np.array([0.2, 0.3, 0.0, -0.1])
    feed_in = 0.1 * grid
    assert has_margin(feed_in, grid).tolist() == [True, True, False, False]
    assert feed_in_ratio(feed_in, grid)[:2] == pytest.approx([0.1, 0.1])
    assert np.isnan(feed_in_ratio(feed_in, grid)[2])
    price = prices_at(0.5, feed_in, grid)
    assert price[:2] == pytest.approx([0.11, 0.165])
    assert np.isnan(price[2:]).all()
    # κ = φ + position (1 - φ)
    assert kappa_of(price, grid)[:2] == pytest.approx([0.55, 0.55])


def test_own_feed_in_price_below_a_negative_grid_price_leaves_a_margin() -> None:
    assert prices_at(0.5, [-0.3], [-0.1]) == pytest.approx([-0.2])


def test_kappa_outside_its_range_offers_nothing() -> None:
    grid, feed_in = np.array([0.2, 0.2, -0.2]), np.array([0.02, 0.15, -0.02])
    assert prices_from_kappa(0.5, feed_in, grid)[0] == pytest.approx(0.1)
    assert np.isnan(prices_from_kappa(0.5, feed_in, grid)[1:]).all()
    assert np.isnan(prices_from_kappa(1.0, feed_in, grid)).all()
    assert np.isnan(prices_from_kappa(0.1, 0.1 * grid, grid)).all()


def test_offers_are_made_where_there_is_something_to_sell_and_sorted_by_price() -> None:
    mine = make_offers(4, [0.0, 1.0, 2.0], [0.1, np.nan, 0.3])
    assert mine == [Offer(2, 4, 2.0, 0.3)]
    hours = by_hour([Offer(1, 2, 1.0, 0.3), Offer(1, 1, 1.0, 0.3), Offer(1, 3, 1.0, 0.1)], 2)
    assert [offer.seller for offer in hours[1]] == [3, 1, 2]
    assert hours[0] == []
