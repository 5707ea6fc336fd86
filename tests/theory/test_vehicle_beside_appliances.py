"""What it costs that a vehicle is planned after a household's appliances, and not with them.

The judge schedules both together: a mixed-integer program of binary hours or ways of the appliances, the
vehicle's energy by hour and the steps of the supply, which HiGHS proves optimal. Households, appliances,
prices and generation are those of `trading_village`; what a vehicle needs is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, csr_array

from cosim.engine.builder import build
from cosim.engine.load import load_scenario
from cosim.trading.market import EnergyMarket
from cosim.trading.scheduling.cheapest_hours import HourRoom, fill_cheapest, room_above
from cosim.trading.scheduling.exact import solve_exact
from cosim.trading.scheduling.schedule import Schedule, ScheduleProblem
from cosim.trading.scheduling.supply import merit_order
from cosim.trading.subsystem import Trading
from cosim.trading.valuation.appliance import any_hours, ways_to_run
from cosim.trading.valuation.energy_values import energy_values, normalised_preferences, scaling_factor
from cosim.trading.valuation.offers import Offer

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]


class Case(NamedTuple):
    """A household's day, and a vehicle: how much it may take in each hour, and what it needs."""

    problem: ScheduleProblem
    most_kwh: Array
    energy_kwh: float


def case(market: EnergyMarket, draw: np.random.Generator, first_h: int, has_offers: bool) -> Case:
    """A household, one of two days, and a vehicle that is there from an hour on until midnight."""
    household, day = int(draw.integers(market.size)), 1 + int(draw.integers(2))
    wants, grid = market.participants[household].preferences, market.prices.of(household, day).grid
    appliances = market.appliance_day(household, day)
    gamma = scaling_factor(wants.rigidity, wants.rigidity_max, wants.gamma_b, grid)
    values = energy_values(normalised_preferences(appliances.preferences), gamma, grid)
    offers = market.own_supply(household, day, market.expected_generation(household, day))
    if has_offers:  # an eighth of what eight neighbours offer
        for seller in draw.permutation(market.size)[:8].tolist():
            if seller != household:
                theirs = market.offers(seller, day)
                offers += [Offer(o.hour, seller, o.quantity_kwh / 8, o.price) for o in theirs]
    supply = merit_order(offers, grid, wants.contracted_kw)
    fixed = market.expected_load(household, day)
    most = np.where(np.arange(24) >= first_h, 11.0, 0.0)
    problem = ScheduleProblem(appliances.appliances, values, supply, fixed)
    return Case(problem, most, float(draw.uniform(3, 25)))


def one_after_the_other(case: Case) -> float:
    """Value less cost as the market plans: appliances, then the vehicle in the cheapest hours left."""
    problem = case.problem
    schedule = solve_exact(problem)
    assert isinstance(schedule, Schedule)
    rooms = room_above(problem.supply, schedule.load_kwh.tolist())
    taken = fill_cheapest(
        case.energy_kwh,
        [
            HourRoom(min(room.most_kwh, kwh), room.steps)
            for room, kwh in zip(rooms, case.most_kwh, strict=True)
        ],
    )
    assert sum(taken) == pytest.approx(case.energy_kwh, abs=1e-9)
    return schedule.energy_value - float(problem.supply.cost(schedule.load_kwh + taken).sum())


def together(case: Case) -> float:
    """The largest value less cost."""
    problem, supply, n = case.problem, case.problem.supply, case.problem.n_hours
    rows = [
        np.eye(n)[one.earliest : one.latest] if any_hours(one) else 1.0 * ways_to_run(one, n)
        for one in problem.appliances
    ]
    chosen = [one.slots_needed if any_hours(one) else 1 for one in problem.appliances]
    ways = np.concatenate([one.power_kw * row for one, row in zip(problem.appliances, rows, strict=True)])
    worth = np.concatenate([row @ each for row, each in zip(rows, problem.worth, strict=True)])
    hour, step = np.nonzero(supply.quantity_kwh)
    below = supply.limit_kwh[hour] - supply.start_kwh[hour, step]
    size = np.clip(supply.quantity_kwh[hour, step], 0.0, np.maximum(below, 0.0))
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    bought = csr_array((-np.ones(len(hour)), (hour, np.arange(len(hour)))), shape=(n, len(hour)))
    pick = csr_array((np.ones(len(owner)), (owner, np.arange(len(owner)))), shape=(len(rows), len(owner)))
    matrix = block_array(
        [[csr_array(ways.T), csr_array(np.eye(n)), bought], [pick, None, None], [None, np.ones((1, n)), None]]
    )
    right = np.concatenate([-problem.fixed_load_kwh, chosen, [case.energy_kwh]])
    found = milp(
        1e3 * np.concatenate([-worth, np.zeros(n), supply.price[hour, step]]),
        constraints=LinearConstraint(matrix.tocsr(), right, right),
        integrality=np.concatenate([np.ones(len(owner)), np.zeros(n + len(hour))]),
        bounds=Bounds(0, np.concatenate([np.ones(len(owner)), case.most_kwh, size])),
        options={"mip_rel_gap": 0},
    )
    assert found.status == 0, found.message
    return -float(found.fun) / 1e3


@pytest.fixture(scope="module")
def market() -> EnergyMarket:
    trading = build(load_scenario("trading_village")).of(Trading)
    assert trading is not None
    return trading.market


def lost_eur(market: EnergyMarket, n: int, first_h: int, has_offers: bool = False) -> Sequence[float]:
    """By how much each day is worse than with both together."""
    draw = np.random.default_rng(1)
    cases = [case(market, draw, first_h, has_offers) for _ in range(n)]
    return [together(each) - one_after_the_other(each) for each in cases]


@pytest.mark.parametrize("has_offers", [False, True])
def test_a_vehicle_that_comes_in_the_evening_loses_nothing(market: EnergyMarket, has_offers: bool) -> None:
    assert np.abs(lost_eur(market, 20, 17, has_offers)).max() < 1e-6


@pytest.mark.parametrize(
    ("has_offers", "mean", "half", "most"), [(False, 0.042, 0.022, 0.39), (True, 0.025, 0.011, 0.22)]
)
def test_a_vehicle_that_is_there_all_day_loses_cents(
    market: EnergyMarket, has_offers: bool, mean: float, half: float, most: float
) -> None:
    """The numbers of docs/devices.md: mean of 60 days with a 95 % interval, and the largest, EUR."""
    lost = np.array(lost_eur(market, 60, 0, has_offers))
    assert lost.min() > -1e-6
    assert lost.mean() == pytest.approx(mean, abs=5e-4)
    assert 2.0 * lost.std(ddof=1) / np.sqrt(60) == pytest.approx(half, abs=5e-4)
    assert lost.max() == pytest.approx(most, abs=5e-3)
