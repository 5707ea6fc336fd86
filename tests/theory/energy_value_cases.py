"""Random scheduling problems, and what a schedule is worth by the book: loops that share no code with the solvers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from cosim.devices.appliance import Appliance
from cosim.markets.energy_value.offers import Offer
from cosim.markets.energy_value.schedule import ScheduleProblem
from cosim.markets.energy_value.supply import merit_order

Case = tuple[ScheduleProblem, list[Offer], NDArray[np.float64], float]
"""A problem, its offers, its grid price and its contracted power."""


def rows_of(appliance: Appliance, n_hours: int) -> Iterator[tuple[int, ...]]:
    """Every row of on and off that an appliance may have, by trying all sets of hours."""
    window = range(appliance.earliest_start_h, min(appliance.latest_end_h, n_hours))
    for hours in combinations(window, appliance.duration_h * appliance.runs_per_day):
        if not appliance.contiguous or _in_runs(hours, appliance.duration_h):
            yield tuple(int(hour in hours) for hour in range(n_hours))


def _in_runs(hours: tuple[int, ...], duration_h: int) -> bool:
    runs = [hours[i : i + duration_h] for i in range(0, len(hours), duration_h)]
    return all(run[-1] - run[0] == duration_h - 1 for run in runs)


def buy(load_kwh: float, offers: list[Offer], grid_price: float, contracted_kw: float) -> float | None:
    """What a load costs, bought from the cheapest first; None if it cannot be had."""
    if load_kwh > contracted_kw + 1e-9:
        return None
    cost, missing = 0.0, load_kwh
    suppliers = [(offer.price, offer.quantity_kwh) for offer in offers] + [(grid_price, contracted_kw)]
    for price, quantity in sorted(suppliers):
        taken = min(missing, quantity)
        cost, missing = cost + taken * price, missing - taken
    return cost


def worth_of(case: Case, rows: tuple[tuple[int, ...], ...]) -> float | None:
    """Energy value less cost of a schedule; None if an hour is over the limit."""
    problem, offers, grid_price, contracted_kw = case
    total = 0.0
    for hour in range(problem.n_hours):
        load = float(problem.fixed_load_kwh[hour])
        for index, (appliance, row) in enumerate(zip(problem.appliances, rows, strict=True)):
            load += appliance.power_kw * row[hour]
            total += appliance.power_kw * row[hour] * float(problem.values[index, hour])
        here = [offer for offer in offers if offer.hour == hour]
        cost = buy(load, here, float(grid_price[hour]), contracted_kw)
        if cost is None:
            return None
        total -= cost
    return total


def enumerated(case: Case) -> float | None:
    """The largest worth over every schedule; None if none keeps the limits."""
    problem = case[0]
    everything = product(*(list(rows_of(appliance, problem.n_hours)) for appliance in problem.appliances))
    worths = [worth for rows in everything if (worth := worth_of(case, rows)) is not None]
    return max(worths, default=None)


def small_case(seed: int) -> Case:
    """A day of 4 to 6 hours with up to 4 appliances; ties, negative prices and tight limits are frequent."""
    rng = np.random.default_rng(seed)
    n_hours = int(rng.integers(4, 7))
    coarse = rng.random() < 0.4
    grid_price = rng.integers(-2, 5, n_hours) / 10.0 if coarse else rng.uniform(-0.1, 0.4, n_hours)
    if rng.random() < 0.15:
        grid_price[:] = 0.2
    appliances = []
    for number in range(int(rng.integers(1, 5))):
        duration, runs = int(rng.integers(1, 4)), int(rng.choice([1, 1, 1, 2]))
        first = int(rng.integers(0, 2))
        power = float(rng.integers(1, 7)) / 2 if rng.random() < 0.7 else float(rng.uniform(0.1, 3.0))
        contiguous = bool(rng.random() < 0.6)
        last = int(rng.integers(max(first + 1, n_hours - 2), n_hours + 1))
        appliances.append(Appliance(f"a{number}", power, duration, contiguous, first, last, runs))
    spread = rng.integers(0, 3, (len(appliances), n_hours)) / 2.0
    strength = float(rng.choice([0.0, 0.3, 1.0]))
    values = spread * strength * np.abs(grid_price) + grid_price
    offers = [
        Offer(hour, seller, quantity, float(price))
        for hour in range(n_hours)
        for seller in range(int(rng.integers(0, 5)))
        for quantity, price in [
            (float(rng.integers(1, 6)) / 2, float(grid_price[hour]) * float(rng.choice([0.25, 0.5, 0.75])))
            if coarse
            else (float(rng.uniform(0, 2)), float(rng.uniform(0.1, 1.1) * grid_price[hour]))
        ]
    ]
    contracted_kw = float(rng.choice([3.0, 4.5, 6.0, 12.0]))
    fixed = rng.integers(0, 2, n_hours) / 2.0 if rng.random() < 0.5 else np.zeros(n_hours)
    supply = merit_order(offers, grid_price, contracted_kw)
    return ScheduleProblem(tuple(appliances), values, supply, fixed), offers, grid_price, contracted_kw
