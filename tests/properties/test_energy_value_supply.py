"""Merit order: cheapest first, convex cost, and what is bought is what is used."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.core.errors import InputError
from cosim.trading.scheduling.supply import Supply, merit_order
from cosim.trading.valuation.offers import GRID, Offer
from tests.examples import examples

price = st.one_of(st.floats(-0.5, 0.5), st.sampled_from([-0.1, 0.0, 0.1, 0.2]))
offer = st.builds(Offer, st.integers(0, 2), st.integers(0, 5), st.floats(0, 4), price)
offers = st.lists(offer, max_size=12)
grid_prices = st.lists(price, min_size=3, max_size=3)


def _supply(listed: list[Offer], grid: list[float]) -> Supply:
    return merit_order(listed, grid, 10.0)


@given(offers, grid_prices, st.lists(st.floats(0, 10), min_size=3, max_size=3))
def test_bought_energy_is_the_load_cheapest_first(
    listed: list[Offer], grid: list[float], load: list[float]
) -> None:
    supply = _supply(listed, grid)
    bought = supply.purchases(load)
    for hour in range(3):
        here = [purchase for purchase in bought if purchase.hour == hour]
        assert sum(purchase.quantity_kwh for purchase in here) == pytest.approx(load[hour], abs=1e-9)
        assert [purchase.price for purchase in here] == sorted(purchase.price for purchase in here)
        for seller in {purchase.seller for purchase in here}:
            of_seller = [o.quantity_kwh for o in listed if o.hour == hour and o.seller == seller]
            held = 10.0 if seller == GRID else sum(of_seller)
            assert sum(p.quantity_kwh for p in here if p.seller == seller) <= held + 1e-9
        # Nothing is left with anyone cheaper than the dearest supplier used.
        dearest = max((purchase.price for purchase in here), default=-np.inf)
        cheaper = sum(o.quantity_kwh for o in listed if o.hour == hour and o.price < dearest)
        assert sum(p.quantity_kwh for p in here if p.price < dearest) >= min(cheaper, load[hour]) - 1e-9
    assert supply.cost(load).sum() == pytest.approx(sum(p.quantity_kwh * p.price for p in bought), abs=1e-9)


@given(offers, grid_prices)
def test_cost_is_convex_and_its_slope_is_the_marginal_cost(listed: list[Offer], grid: list[float]) -> None:
    supply = _supply(listed, grid)
    loads = np.linspace(0, 10, 101)[:, None] * np.ones(3)
    cost = supply.cost(loads)
    assert np.all(np.diff(cost, n=2, axis=0) >= -1e-9)
    slope = np.diff(cost, axis=0) / 0.1
    low, high = supply.marginal_cost(loads[:-1] + 1e-9), supply.marginal_cost(loads[1:])
    assert np.all(slope >= low - 1e-6)
    assert np.all(slope <= high + 1e-6)
    assert np.all(supply.cost(np.zeros(3)) == 0)


@settings(max_examples=examples(50))
@given(offers, grid_prices, st.randoms(use_true_random=False))
def test_the_order_of_offers_does_not_matter(
    listed: list[Offer], grid: list[float], shuffler: object
) -> None:
    mixed = list(listed)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    one, other = _supply(listed, grid), _supply(mixed, grid)
    for name in ("price", "quantity_kwh", "seller", "start_cost"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_ties_go_to_offers_before_the_grid_and_then_by_seller() -> None:
    listed = [Offer(0, 7, 1.0, 0.2), Offer(0, 3, 1.0, 0.2), Offer(0, 5, 1.0, 0.1)]
    assert merit_order(listed, [0.2], 10.0).seller[0].tolist() == [5, 3, 7, GRID]


def test_a_negative_grid_price_comes_before_the_offers_and_earns() -> None:
    supply = merit_order([Offer(0, 1, 2.0, 0.05)], [-0.1], 4.0)
    assert [purchase.seller for purchase in supply.purchases([4.0])] == [GRID]
    assert supply.cost([4.0])[0] == pytest.approx(-0.4)


def test_bad_offers_are_all_named() -> None:
    bad = [Offer(9, 1, 1.0, 0.1), Offer(0, 2, -1.0, 0.1), Offer(0, 3, 1.0, float("nan"))]
    with pytest.raises(InputError) as caught:
        merit_order(bad, [0.2], 10.0)
    assert len(caught.value.problems) == 3
    assert all(problem.remedy for problem in caught.value.problems)
