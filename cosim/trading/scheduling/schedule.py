"""The household's scheduling problem, and what a solver hands back: a schedule, or why there is none.

Maximise Σ_t [Σ_α A_tα c_α ζ_tα - cost_t(load_t)] (paper B, section II.D), where the load of an hour is at
most the contracted power and at most the supply, and is bought cheapest first. `exact` and `greedy` solve
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import InputError, Problem
from cosim.trading.scheduling.supply import TOLERANCE_KWH, Purchase, Supply
from cosim.trading.valuation.appliance import Appliance, load_kwh, time_of_day


@dataclass(frozen=True, eq=False)
class ScheduleProblem:
    """A household's day.

    Raises
    ------
    InputError
        If shapes do not fit, a number is not finite, or a window lies outside the day.
    """

    appliances: tuple[Appliance, ...]
    """What is scheduled."""
    values: NDArray[np.float64]
    """ζ, EUR/kWh: what energy is worth to each appliance in each hour. Shape (n_appliances, n_hours)."""
    supply: Supply
    """Offers and grid, with the load limit of each hour."""
    fixed_load_kwh: NDArray[np.float64]
    """Load that is there anyway and not scheduled; it is bought too. Shape (n_hours,)."""

    def __init__(
        self,
        appliances: tuple[Appliance, ...],
        values: NDArray[np.float64],
        supply: Supply,
        fixed_load_kwh: NDArray[np.float64] | None = None,
    ) -> None:
        fixed = (
            np.zeros(supply.n_hours)
            if fixed_load_kwh is None
            else np.asarray(fixed_load_kwh, dtype=np.float64)
        )
        object.__setattr__(self, "appliances", tuple(appliances))
        # Nothing to schedule is a day too; -1 says nothing of an empty array.
        n_columns = -1 if len(appliances) else supply.n_hours
        shaped = np.asarray(values, dtype=np.float64).reshape(len(appliances), n_columns)
        object.__setattr__(self, "values", shaped)
        object.__setattr__(self, "supply", supply)
        object.__setattr__(self, "fixed_load_kwh", fixed)
        problems = self._problems()
        if problems:
            raise InputError(problems)

    @property
    def n_hours(self) -> int:
        """Number of hours."""
        return self.supply.n_hours

    @cached_property
    def slot_kwh(self) -> NDArray[np.float64]:
        """Energy of an interval in which each appliance runs, shape (n_appliances,)."""
        return np.array([appliance.slot_kwh for appliance in self.appliances], dtype=np.float64)

    @cached_property
    def worth(self) -> NDArray[np.float64]:
        """c_α ζ_tα, EUR: what an hour of each appliance is worth; shape (n_appliances, n_hours)."""
        return np.asarray(self.slot_kwh[:, None] * self.values)

    @property
    def slot_h(self) -> float:
        """Length of an interval, h; an hour where nothing is scheduled, and nothing depends on it."""
        return self.appliances[0].slot_h if self.appliances else 1.0

    def _problems(self) -> list[Problem]:
        n_hours, problems = self.n_hours, []
        if self.values.shape != (len(self.appliances), n_hours) and self.appliances:
            wanted = (len(self.appliances), n_hours)
            message = f"values of shape {self.values.shape}, where {wanted} is needed"
            problems.append(Problem(message, "One row per appliance, one column an hour."))
        elif not np.all(np.isfinite(self.values)):
            problems.append(
                Problem("an energy value is not a finite number", "Check preferences and prices.")
            )
        if self.fixed_load_kwh.shape != (n_hours,) or not np.all(self.fixed_load_kwh >= 0):
            problems.append(
                Problem("the fixed load must be one number of at least 0 kWh for each hour", "Check it.")
            )
        for appliance in self.appliances:
            if appliance.latest > n_hours or appliance.earliest < 0:
                remedy = f"Intervals are 0 to {n_hours}."
                problems.append(Problem(f"the window of {appliance.name} lies outside the day", remedy))
            if not 0 <= appliance.power_kw < np.inf or appliance.duration < 1 or appliance.runs_per_day < 1:
                remedy = "Power of at least 0 kW, duration and runs of at least 1."
                problems.append(
                    Problem(f"{appliance.name} has an impossible power, duration or number of runs", remedy)
                )
        return problems


@dataclass(frozen=True, eq=False)
class Schedule:
    """A schedule that keeps every rule."""

    on: NDArray[np.bool_]
    """The allocation matrix A. Shape (n_appliances, n_hours)."""
    load_kwh: NDArray[np.float64]
    """Load of each hour, the fixed load included. Shape (n_hours,)."""
    energy_value: float
    """Σ A c ζ, EUR."""
    cost: float
    """What the load costs, EUR."""
    supply: Supply
    """What it is bought from."""
    gap: float = 0.0
    """No schedule has an objective that is larger by more than this, EUR: 0 where it is proved the best, NaN
    where nothing is known."""

    @property
    def objective(self) -> float:
        """Energy value less cost, EUR."""
        return self.energy_value - self.cost

    @property
    def purchases(self) -> list[Purchase]:
        """What is bought from whom, cheapest first in every hour."""
        return self.supply.purchases(self.load_kwh)


@dataclass(frozen=True)
class Shortage:
    """An hour in which there is not enough power."""

    hour: int
    """Hour of the day, from 0."""
    wanted_kwh: float
    limit_kwh: float
    """The load, and the most that is allowed or to be had."""
    appliances: tuple[str, ...]
    """What runs in that hour."""


@dataclass(frozen=True)
class Infeasible:
    """Why there is no schedule."""

    problems: tuple[Problem, ...]
    """What does not go together, and what would have to give."""
    too_long: tuple[str, ...] = ()
    """Appliances whose runs do not fit into their windows."""
    shortages: tuple[Shortage, ...] = ()
    """Hours without enough power in the schedule with the least excess that was found; empty if `too_long` is
    not."""
    proved: bool = True
    """Whether it is proved that there is none; `greedy` may only have missed it."""


def evaluate(problem: ScheduleProblem, on: NDArray[np.bool_]) -> Schedule:
    """The schedule of an allocation matrix, with load, value and cost; the rules are not checked."""
    load = load_kwh(problem.appliances, on) + problem.fixed_load_kwh
    value = float(np.sum(problem.worth * on))
    return Schedule(on, load, value, float(np.sum(problem.supply.cost(load))), problem.supply)


def excess_kwh(problem: ScheduleProblem, on: NDArray[np.bool_]) -> NDArray[np.float64]:
    """By how much the load of each hour exceeds its limit, kWh; 0 where it does not. Shape (n_hours,)."""
    load = load_kwh(problem.appliances, on) + problem.fixed_load_kwh
    excess = load - problem.supply.limit_kwh
    return np.where(excess > TOLERANCE_KWH, excess, 0.0)


def misfits(problem: ScheduleProblem) -> Infeasible | None:
    """Which appliances do not fit into their windows; None if all do."""
    too_long = [appliance for appliance in problem.appliances if not appliance.fits]
    if not too_long:
        return None
    problems = tuple(
        Problem(
            f"{a.name} needs {a.slots_needed * a.slot_h:g} h, and its window from "
            f"{a.earliest * a.slot_h:g} h to {a.latest * a.slot_h:g} h has {max(0, a.window) * a.slot_h:g} h",
            "Widen its window, or shorten or leave out a run.",
        )
        for a in too_long
    )
    return Infeasible(problems, tuple(appliance.name for appliance in too_long))


def shortage(problem: ScheduleProblem, on: NDArray[np.bool_], proved: bool) -> Infeasible:
    """Why an allocation that exceeds a limit is the best to be had.

    Parameters
    ----------
    problem : ScheduleProblem
        The day.
    on : ndarray of bool, shape (n_appliances, n_hours)
        The allocation with the least excess that was found.
    proved : bool
        Whether it is proved that no allocation has none.
    """
    excess = excess_kwh(problem, on)
    load = load_kwh(problem.appliances, on) + problem.fixed_load_kwh
    shortages = []
    problems = []
    for hour in np.flatnonzero(excess).tolist():
        running = tuple(a.name for a, row in zip(problem.appliances, on, strict=True) if row[hour])
        limit = float(problem.supply.limit_kwh[hour])
        shortages.append(Shortage(hour, float(load[hour]), limit, running))
        names = ", ".join(running) or "no appliance"
        problems.append(
            Problem(
                f"{time_of_day(hour, problem.slot_h)}: {load[hour]:.3f} kWh are wanted and "
                f"{limit:.3f} kWh are available, with {names} running and a fixed load of "
                f"{problem.fixed_load_kwh[hour]:.3f} kWh",
                f"Raise the limit by {excess[hour] / problem.slot_h:.3f} kW, or shorten, lower or leave out "
                "one of them, or widen a window.",
            )
        )
    return Infeasible(tuple(problems), (), tuple(shortages), proved)
