"""Paper B's case in its likeness: Tables I and III, nine solar sellers, an IEP of 10 %, κ at random."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cosim.trading.scheduling.exact import solve_exact
from cosim.trading.scheduling.greedy import solve_greedy
from cosim.trading.scheduling.schedule import Infeasible, Schedule, ScheduleProblem
from cosim.trading.scheduling.supply import Supply, merit_order
from cosim.trading.schemas.appliances import TableIAppliances
from cosim.trading.valuation.appliance import Appliance
from cosim.trading.valuation.energy_values import energy_values, normalised_preferences, scaling_factor
from cosim.trading.valuation.offers import GRID, Offer
from cosim.trading.valuation.participants import listed_day

HOUR = np.arange(24)
GRID_PRICE = 0.12 + 0.08 * np.exp(-(((HOUR - 8) / 2.5) ** 2)) + 0.14 * np.exp(-(((HOUR - 19.5) / 2.5) ** 2))
DAY = listed_day(TableIAppliances())
MU = normalised_preferences(DAY.preferences)


def _supply(seed: int) -> Supply:
    """Nine sellers with up to 1.5 kWh at noon each; 10.35 kW contracted. Table II itself is not to be had."""
    rng = np.random.default_rng(seed)
    sun = np.clip(np.sin(np.pi * (HOUR - 6) / 13), 0, None) ** 1.5
    offers = [
        Offer(hour, seller, float(size * sun[hour]), float(rng.uniform(0.1, 1) * GRID_PRICE[hour]))
        for seller, size in enumerate(rng.uniform(0.8, 1.5, 9))
        for hour in np.flatnonzero(sun > 0.02).tolist()
    ]
    return merit_order(offers, GRID_PRICE, 10.35)


def _solve(seed: int, rigidity: int) -> Schedule:
    scaling = scaling_factor(rigidity, 10, 1.0, GRID_PRICE)
    problem = ScheduleProblem(DAY.appliances, energy_values(MU, scaling, GRID_PRICE), _supply(seed))
    found = solve_exact(problem)
    assert isinstance(found, Schedule)
    return found


def _liked(schedule: Schedule) -> float:
    """Σ A c μ |P^G|, what the objective weighs with R: the preference of the hours that were chosen."""
    power = np.array([appliance.power_kw for appliance in DAY.appliances])
    return float(np.sum(schedule.on * power[:, None] * MU * GRID_PRICE))


def test_more_rigidity_shifts_less() -> None:
    """R multiplies the preferences' part of the objective, so that part can only grow with R."""
    for seed in range(5):
        schedules = [_solve(seed, rigidity) for rigidity in range(1, 11)]
        liked = np.array([_liked(schedule) for schedule in schedules])
        rest = np.array([float(np.sum(s.load_kwh * GRID_PRICE)) - s.cost for s in schedules])
        assert np.all(np.diff(liked) >= -1e-8)
        assert np.all(np.diff(rest) <= 1e-8)
        assert liked[-1] > liked[0]
        assert liked[-1] <= float(np.sum(_most_liked())) + 1e-9


def _most_liked() -> NDArray[np.float64]:
    """The most each appliance can have, alone, were everything free."""
    best = []
    for appliance, mu in zip(DAY.appliances, MU, strict=True):
        worth = appliance.power_kw * mu * GRID_PRICE
        if appliance.contiguous:
            best.append(np.convolve(worth, np.ones(appliance.duration), "valid").max())
        else:
            best.append(np.sort(worth)[::-1][: appliance.duration].sum())
    return np.array(best)


def test_the_heater_leaves_its_preferred_hours_for_cheap_supply() -> None:
    heater, preferred = 0, range(15, 21)
    flexible, rigid = _solve(1, 2), _solve(1, 10)
    assert set(np.flatnonzero(rigid.on[heater]).tolist()) & set(preferred)
    assert np.flatnonzero(flexible.on[heater])[0] < np.flatnonzero(rigid.on[heater])[0]


def test_noon_is_supplied_by_households_alone_and_the_peak_is_under_contract() -> None:
    for seed in range(5):
        schedule = _solve(seed, 3)
        assert {p.hour for p in schedule.purchases if p.seller == GRID}.isdisjoint({11, 12})
        assert schedule.load_kwh.max() <= 10.35 + 1e-9
        bought = np.bincount(
            [p.hour for p in schedule.purchases], [p.quantity_kwh for p in schedule.purchases], 24
        )
        assert bought == pytest.approx(schedule.load_kwh, abs=1e-9)


def test_nothing_to_choose_by_means_as_early_as_possible() -> None:
    flat = np.full(24, 0.2)
    problem = ScheduleProblem(DAY.appliances, np.full((9, 24), 0.2), merit_order([], flat, 50.0))
    schedule = solve_exact(problem)
    assert isinstance(schedule, Schedule)
    for appliance, row in zip(DAY.appliances, schedule.on, strict=True):
        assert np.flatnonzero(row).tolist() == list(range(appliance.duration))


@pytest.mark.parametrize("solve", [solve_exact, solve_greedy])
def test_what_does_not_fit_says_so(solve) -> None:  # type: ignore[no-untyped-def]
    washer = Appliance("washer", 1.0, 5, True, 8, 12)
    unfit = solve(ScheduleProblem((washer,), np.zeros((1, 24)), merit_order([], np.zeros(24), 5.0)))
    assert isinstance(unfit, Infeasible)
    assert unfit.too_long == ("washer",)
    assert "needs 5 h" in unfit.problems[0].message
    short = solve(ScheduleProblem(DAY.appliances, np.zeros((9, 24)), merit_order([], GRID_PRICE, 4.9)))
    assert isinstance(short, Infeasible)
    assert short.proved == (solve is solve_exact)
    worst = short.shortages[0]
    assert worst.wanted_kwh > worst.limit_kwh == 4.9
    assert "base_load" in worst.appliances
    assert all(problem.remedy for problem in short.problems)
