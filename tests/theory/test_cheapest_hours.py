"""Filling the cheapest hours first solves the linear program that it stands for, as scipy's HiGHS does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.optimize import linprog

from cosim.trading.scheduling.cheapest_hours import HourRoom, fill_cheapest, room_above
from cosim.trading.scheduling.supply import merit_order
from cosim.trading.valuation.offers import Offer


def least_cost(energy_kwh: float, hours: Sequence[HourRoom]) -> float:
    """What the energy costs at least, and as much of it as there is: x of each step of each hour."""
    of = [number for number, hour in enumerate(hours) for _ in hour.steps]
    price, size = np.array([step for hour in hours for step in hour.steps]).T
    in_hour = np.array([[float(at == number) for at in of] for number in range(len(hours))])
    most = [hour.most_kwh for hour in hours]
    bounds = list(zip(np.zeros(len(size)), size, strict=True))
    all_kwh = -linprog(-np.ones(len(size)), A_ub=in_hour, b_ub=most, bounds=bounds).fun
    found = linprog(
        price,
        A_ub=in_hour,
        b_ub=most,
        A_eq=[np.ones(len(size))],
        b_eq=[min(energy_kwh, all_kwh)],
        bounds=bounds,
    )
    assert found.status == 0, found.message
    return float(found.fun)


def cost_of(taken: Sequence[float], hours: Sequence[HourRoom]) -> float:
    """What the energy of each hour costs, its cheapest steps first."""
    total = 0.0
    for kwh, hour in zip(taken, hours, strict=True):
        left = kwh
        for price, size in sorted(hour.steps):
            total += price * min(left, size)
            left -= min(left, size)
        assert left <= 1e-9, "more than there is"
    return total


@pytest.mark.parametrize("seed", range(40))
def test_the_cheapest_hours_are_the_optimum(seed: int) -> None:
    """Random supplies of some hours: offers, a grid whose price may be negative, a load, a contract."""
    draw = np.random.default_rng(seed)
    n = int(draw.integers(1, 30))
    grid = draw.choice([-0.05, 0.0, 0.1, 0.2, 0.3, 0.4], n)  # with ties
    offers = [
        Offer(int(hour), seller, float(draw.uniform(0, 4)), float(draw.uniform(-0.1, 0.35)))
        for seller, hour in enumerate(draw.integers(0, n, draw.integers(0, 3 * n)))
    ]
    load = draw.uniform(0, 12, n)  # sometimes above the contracted power
    charger_kwh = draw.uniform(0, 11, n)  # the first and the last hour are parts of one
    rooms = [
        room._replace(most_kwh=min(room.most_kwh, float(most)))
        for room, most in zip(
            room_above(merit_order(offers, grid, 10.35), load.tolist()), charger_kwh, strict=True
        )
    ]
    energy_kwh = float(draw.choice([0.0, 1.0, 20.0, 60.0, 500.0]))
    taken = fill_cheapest(energy_kwh, rooms)
    room_kwh = sum(min(room.most_kwh, sum(kwh for _, kwh in room.steps)) for room in rooms)
    assert sum(taken) == pytest.approx(min(energy_kwh, room_kwh), abs=1e-9)
    assert all(0 <= kwh <= room.most_kwh + 1e-12 for kwh, room in zip(taken, rooms, strict=True))
    assert cost_of(taken, rooms) == pytest.approx(least_cost(energy_kwh, rooms), abs=1e-8)


def test_of_equal_prices_the_earlier_hour_is_filled() -> None:
    hours = [HourRoom(2.0, ((0.3, 9.0),))] * 3
    assert fill_cheapest(3.0, hours) == [2.0, 1.0, 0.0]


def test_a_load_uses_up_the_cheapest_steps_first() -> None:
    """3 kWh of load on 2 kWh at 0.1 and 4 kWh at 0.2 leave 3 of these, and 7 of the contract's 10 kWh."""
    supply = merit_order([Offer(0, 1, 2.0, 0.1), Offer(0, 2, 4.0, 0.2)], [0.3], 10.0)
    (room,) = room_above(supply, [3.0])
    assert room.most_kwh == 7.0
    assert room.steps == ((0.2, 3.0), (0.3, 10.0))
