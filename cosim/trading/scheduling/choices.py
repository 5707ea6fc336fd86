"""A household's choices as tables: ways to run each appliance, and what every possible load of an hour costs.

Appliances differ in how they are searched. A *listed* one has few ways to run and each is an entry in a
list; a *flexible* one may take any hours of its window and has too many ways to list (a refrigerator, 20
hours of 24, has 10,626). What runs in one way only is load.

The loads that listed appliances can add up to in an hour are few, and the same for every hour: the
*levels*. A table of cost by level and hour turns the convex cost functions into look-ups, whatever the
number of offers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem
from cosim.trading.scheduling.schedule import ScheduleProblem
from cosim.trading.scheduling.supply import TOLERANCE_KWH
from cosim.trading.valuation.appliance import Appliance, any_hours, count_ways, ways_to_run

LISTED_WAYS = 400
"""An appliance that could be flexible is listed if it has no more ways than this."""
MAX_LEVELS = 100_000
"""Largest number of levels; powers in whole steps of 0.01 kW stay far below it."""
_DIGITS = 9
"""Loads that agree to this many digits of a kWh are one level."""


@dataclass(frozen=True, eq=False)
class Levels:
    """The loads that a set of appliances can add up to."""

    kwh: NDArray[np.float64]
    """Ascending from 0. Shape (n_levels,)."""
    plus: NDArray[np.int64]
    """The level reached by switching an appliance on. Valid at levels that do not contain it. Shape
    (n_appliances, n_levels)."""
    minus: NDArray[np.int64]
    """The level reached by switching an appliance off. Valid at levels that contain it. Shape (n_appliances,
    n_levels)."""


@lru_cache(maxsize=1024)
def levels_of(powers_kw: tuple[float, ...]) -> Levels:
    """Levels of appliances with the given powers.

    Raises
    ------
    InputError
        If there are more than `MAX_LEVELS`.
    """
    sums = np.zeros(1)
    for power in powers_kw:
        both = np.concatenate([sums, sums + power])
        # Rounding tells equal sums; the sums themselves stay as they are, or equal costs would differ.
        _, first = np.unique(np.round(both, _DIGITS), return_index=True)
        sums = both[first]
        if len(sums) > MAX_LEVELS:
            message = (
                f"the powers of {len(powers_kw)} appliances add up to more than {MAX_LEVELS} different loads"
            )
            raise InputError([Problem(message, "Give the powers in steps of 0.01 kW.")])
    steps = np.array(powers_kw, dtype=np.float64).reshape(-1, 1)
    return Levels(sums, _nearest(sums, sums + steps), _nearest(sums, sums - steps))


def _nearest(sums: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.int64]:
    right = (
        np.clip(np.searchsorted(sums, targets), 1, max(1, len(sums) - 1)) if len(sums) > 1 else 0 * targets
    )
    right = np.asarray(right, dtype=np.int64)
    left = np.maximum(right - 1, 0)
    return np.where(targets - sums[left] <= sums[right] - targets, left, right)


@dataclass(frozen=True, eq=False)
class Choices:
    """What is to be decided, for a given load of everything that is decided already."""

    ways: tuple[NDArray[np.float64], ...]
    """Ways to run each listed appliance, 0 or 1. Each of shape (n_ways, n_hours)."""
    worth: tuple[NDArray[np.float64], ...]
    """What each way is worth, EUR. Each of shape (n_ways,)."""
    powers_kw: tuple[float, ...]
    """Power of each listed appliance."""
    flexible_worth: NDArray[np.float64]
    """What each hour of a flexible appliance is worth, EUR; ``-inf`` outside its window. Shape (n_flexible,
    n_hours)."""
    flexible_hours: tuple[int, ...]
    """How many hours each flexible appliance needs."""
    flexible_kw: tuple[float, ...]
    """Power of each flexible appliance."""
    subset: NDArray[np.int64]
    """Which flexible appliances are on, for every combination of them. Shape (n_subsets, n_flexible)."""
    load_kwh: NDArray[np.float64]
    """Load of a combination and a level together, without what is decided. Shape (n_subsets, n_levels)."""
    cost: NDArray[np.float64]
    """What it costs in each hour, EUR; past the limit, the last price goes on. Shape (n_subsets, n_levels,
    n_hours)."""
    excess_kwh: NDArray[np.float64]
    """How far it lies past the limit. Shape (n_subsets, n_levels, n_hours)."""
    levels: Levels
    """Of the listed appliances."""
    fixed_kwh: NDArray[np.float64]
    """Load of everything that is decided. Shape (n_hours,)."""
    excess_only: bool
    """Whether only load past the limit counts, and is allowed."""

    @property
    def n_hours(self) -> int:
        """Number of hours."""
        return len(self.fixed_kwh)


@dataclass(frozen=True)
class Roles:
    """Which appliances of a problem are searched how, by index."""

    fixed: tuple[int, ...]
    listed: tuple[int, ...]
    flexible: tuple[int, ...]
    """Those with one way; those in lists, the largest energy first; those with free hours."""


def assign_roles(problem: ScheduleProblem) -> Roles:
    """Decide how each appliance is searched."""
    fixed, listed, flexible = [], [], []
    for index, appliance in enumerate(problem.appliances):
        n_ways = count_ways(appliance)
        if n_ways == 1:
            fixed.append(index)
        elif any_hours(appliance) and n_ways > LISTED_WAYS:
            flexible.append(index)
        else:
            listed.append(index)
    # The largest go first: they decide most, so the search closes early.
    listed.sort(key=lambda index: (-problem.appliances[index].energy_kwh, index))
    return Roles(tuple(fixed), tuple(listed), tuple(flexible))


@lru_cache(maxsize=1024)
def _subsets(n: int) -> NDArray[np.int64]:
    return (np.arange(2**n)[:, None] >> np.arange(n)) & 1


@lru_cache(maxsize=1024)
def _as_numbers(appliance: Appliance, n_hours: int) -> NDArray[np.float64]:
    return np.asarray(ways_to_run(appliance, n_hours), dtype=np.float64)


def list_choices(problem: ScheduleProblem, roles: Roles, excess_only: bool = False) -> Choices:
    """The choices of a whole problem.

    Parameters
    ----------
    problem : ScheduleProblem
        The day.
    roles : Roles
        From `assign_roles`.
    excess_only : bool
        Whether nothing has a worth or a cost but load past the limit, at 1 EUR/kWh.
    """
    appliances, n_hours = problem.appliances, problem.n_hours
    fixed_kwh = problem.fixed_load_kwh.copy()
    for index in roles.fixed:
        fixed_kwh += problem.slot_kwh[index] * ways_to_run(appliances[index], n_hours)[0]
    worth = np.zeros_like(problem.worth) if excess_only else problem.worth
    ways = tuple(_as_numbers(appliances[index], n_hours) for index in roles.listed)
    flexible_worth = np.full((len(roles.flexible), n_hours), -np.inf)
    for row, index in zip(flexible_worth, roles.flexible, strict=True):
        window = slice(appliances[index].earliest, appliances[index].latest)
        row[window] = worth[index, window]
    return _with_costs(
        problem,
        ways,
        tuple(rows @ worth[index] for rows, index in zip(ways, roles.listed, strict=True)),
        tuple(appliances[index].slot_kwh for index in roles.listed),
        flexible_worth,
        tuple(appliances[index].slots_needed for index in roles.flexible),
        tuple(appliances[index].slot_kwh for index in roles.flexible),
        fixed_kwh,
        excess_only,
    )


def without_first(problem: ScheduleProblem, choices: Choices, way: int) -> Choices:
    """The choices that are left once the first listed appliance runs in a given way."""
    return _with_costs(
        problem,
        choices.ways[1:],
        choices.worth[1:],
        choices.powers_kw[1:],
        choices.flexible_worth,
        choices.flexible_hours,
        choices.flexible_kw,
        choices.fixed_kwh + choices.powers_kw[0] * choices.ways[0][way],
        choices.excess_only,
    )


def _with_costs(
    problem: ScheduleProblem,
    ways: tuple[NDArray[np.float64], ...],
    worth: tuple[NDArray[np.float64], ...],
    powers_kw: tuple[float, ...],
    flexible_worth: NDArray[np.float64],
    flexible_hours: tuple[int, ...],
    flexible_kw: tuple[float, ...],
    fixed_kwh: NDArray[np.float64],
    excess_only: bool,
) -> Choices:
    levels = levels_of(powers_kw)
    subset = _subsets(len(flexible_kw))
    load = (subset @ np.array(flexible_kw, dtype=np.float64))[:, None] + levels.kwh
    total = load[:, :, None] + fixed_kwh
    excess = total - problem.supply.limit_kwh
    excess[excess <= TOLERANCE_KWH] = 0.0
    cost = excess if excess_only else problem.supply.cost(total)
    return Choices(
        ways, worth, powers_kw, flexible_worth, flexible_hours, flexible_kw, subset, load, cost, excess,
        levels, fixed_kwh, excess_only,
    )  # fmt: skip
