"""A planned day: what its appliances are worth when, and the schedule a rule makes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.trading.scheduling.exact import solve_exact
from cosim.trading.scheduling.greedy import solve_greedy
from cosim.trading.scheduling.schedule import Infeasible, Schedule, ScheduleProblem
from cosim.trading.scheduling.supply import merit_order
from cosim.trading.tariff_rules.interface import SchedulingAim
from cosim.trading.valuation.energy_values import energy_values, normalised_preferences, scaling_factor
from cosim.trading.valuation.offers import Offer
from cosim.trading.valuation.participants import ApplianceDay

Array = NDArray[np.float64]


class Preferences(NamedTuple):
    """How a household weighs what it likes against what it costs, and the power it may draw."""

    rigidity: int
    rigidity_max: int
    """R and R_max of paper B (7)."""
    gamma_b: float
    """γ_b of (8)."""
    contracted_kw: float
    """Contracted power, kW."""
    slot_h: float = 1.0
    """Length of a market interval, h."""

    @property
    def most_kwh(self) -> float:
        """The largest load of a market interval."""
        return self.contracted_kw * self.slot_h


class DayPlan(NamedTuple):
    """What a household does with its appliances on a day."""

    appliances: ApplianceDay
    """What was to be scheduled."""
    values: Array
    """ζ of (4) at the grid's price and the household's own rigidity, whatever it was scheduled for, EUR/kWh.
    Shape (n_appliances, 24)."""
    schedule: Schedule
    """The schedule."""

    @property
    def energy_kwh(self) -> Array:
        """Energy of each appliance in each hour; shape (n_appliances, 24)."""
        slot_kwh = np.array([appliance.slot_kwh for appliance in self.appliances.appliances])
        return np.asarray(slot_kwh[:, None] * self.schedule.on)

    @property
    def energy_value(self) -> float:
        """Σ A c ζ, EUR."""
        return float(np.sum(self.energy_kwh * self.values))


def plan_rest(
    plan: DayPlan,
    first_hour: int,
    preferences: Preferences,
    offers: Sequence[Offer],
    grid_price: Array,
    fixed_load_kwh: Array,
    aim: SchedulingAim,
    solver: Literal["exact", "greedy"],
    search_limit: int | None = None,
    pause: Callable[[], None] = lambda: None,
) -> DayPlan:
    """Schedule again what of a plan has not begun; the plan itself where nothing better is found.

    Parameters
    ----------
    plan : DayPlan
        As it stands.
    first_hour : int
        An appliance that runs before it stays as planned; others run from it on.
    preferences, offers, grid_price, fixed_load_kwh, aim, solver, search_limit, pause
        As for `plan_day`.
    """
    begun = np.asarray(plan.schedule.on[:, :first_hour].any(axis=1))
    rest = [
        appliance._replace(earliest=max(appliance.earliest, first_hour))
        for appliance, is_begun in zip(plan.appliances.appliances, begun, strict=True)
        if not is_begun
    ]
    if not rest:
        return plan
    movable = ApplianceDay(tuple(rest), plan.appliances.preferences[~begun])
    # Liking is by the whole day's preferences, of which the rest has all hours.
    fixed = fixed_load_kwh + plan.energy_kwh[begun].sum(axis=0)
    made = plan_day(movable, preferences, offers, grid_price, fixed, aim, solver, search_limit, pause)
    if isinstance(made, Infeasible):
        return plan
    on = plan.schedule.on.copy()
    on[~begun] = made.schedule.on
    again = DayPlan(plan.appliances, plan.values, replace(made.schedule, on=on))
    return replace_value(again)


def replace_value(plan: DayPlan) -> DayPlan:
    """The plan with the energy value of all of its appliances."""
    return plan._replace(schedule=replace(plan.schedule, energy_value=plan.energy_value))


def plan_day(
    appliances: ApplianceDay,
    preferences: Preferences,
    offers: Sequence[Offer],
    grid_price: Array,
    fixed_load_kwh: Array,
    aim: SchedulingAim,
    solver: Literal["exact", "greedy"],
    search_limit: int | None = None,
    pause: Callable[[], None] = lambda: None,
) -> DayPlan | Infeasible:
    """Schedule a household's appliances.

    Parameters
    ----------
    appliances : ApplianceDay
        What is to run, and how gladly in each hour.
    preferences : Preferences
        The household's.
    offers : sequence of Offer
        What it can buy from households, its own generation among them.
    grid_price : ndarray, shape (24,)
        P^G, EUR/kWh.
    fixed_load_kwh : ndarray, shape (24,)
        What it will use besides.
    aim : {"value", "cost", "preferences"}
        Paper B's objective; the same with γ = 0; or preferred hours alone, as if energy were free.
    solver : {"exact", "greedy"}
        How.
    search_limit : int, optional
        How many subproblems the exact one looks at.
    pause : callable
        Called now and then; what it raises ends the search.

    Returns
    -------
    DayPlan or Infeasible
        Never a part of a plan.
    """
    liking = normalised_preferences(appliances.preferences)
    gamma = scaling_factor(preferences.rigidity, preferences.rigidity_max, preferences.gamma_b, grid_price)
    values = energy_values(liking, gamma, grid_price)
    supply = merit_order(offers, grid_price, preferences.most_kwh)
    aimed_at = values
    if aim == "cost":
        aimed_at = energy_values(liking, np.zeros_like(gamma), grid_price)
    elif aim == "preferences":
        supply, aimed_at = merit_order((), np.zeros_like(grid_price), preferences.most_kwh), liking
    problem = ScheduleProblem(appliances.appliances, aimed_at, supply, fixed_load_kwh)
    if solver == "exact":
        schedule = solve_exact(problem, limit=search_limit, pause=pause)
    else:
        schedule = solve_greedy(problem)
    if isinstance(schedule, Infeasible):
        return schedule
    if aim == "preferences" and schedule.gap:  # preferences are no money
        schedule = replace(schedule, gap=math.nan)
    return DayPlan(appliances, values, schedule)
