"""The optimal schedule, proved so: branch and bound over the ways to run each appliance.

Prices for load give an upper bound, and at these prices every way of every appliance a regret
(`shadow_prices`). What loses more than the gap between the bound and the best schedule known cannot be in a
better one. The rest is searched appliance by appliance, all partial schedules of one depth at once, each
bounded by its regrets and by the least slack of every hour over what may still be switched on. Where too
many partial schedules are left, the first appliance is fixed in each of its ways in turn, and prices are
found anew for what remains.

On the rare days on which that takes long, mostly where preferences do not count and thousands of schedules
are worth nearly the same, SciPy's HiGHS closes the search (`mixed_integer`), to the tolerances it has.

The result is within `TOLERANCE` of the optimum. Of equal schedules it is one in which no appliance alone
could run in earlier hours: each, in the order given, moves to the earliest that lose less than a hundredth of
that, until none moves. Nothing is random, so the same problem gives the same schedule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.devices.appliance import ways_to_run
from cosim.markets.energy_value.choices import Choices, Roles, assign_roles, list_choices, without_first
from cosim.markets.energy_value.flexible import best_hours
from cosim.markets.energy_value.frontier import Frontier, expand
from cosim.markets.energy_value.improve import Improver
from cosim.markets.energy_value.mixed_integer import SolverGaveUpError, solve_mixed_integer
from cosim.markets.energy_value.schedule import (
    Infeasible,
    Schedule,
    ScheduleProblem,
    evaluate,
    misfits,
    shortage,
)
from cosim.markets.energy_value.shadow_prices import PriceSearch, Relaxation
from cosim.markets.energy_value.supply import TOLERANCE_KWH

_PENALTY = 1e3
TOLERANCE = 1e-9
"""How far below the optimum a schedule may be, as a share of the day's largest worth or cost."""


_FIRST_STEPS = 24
_MORE_STEPS = 60
_SUBPROBLEM_STEPS = 16
_MAX_PARTIAL = 20_000
_MAX_SUBPROBLEMS = 150
_LEAVES_AT_ONCE = 64


@dataclass
class SearchCount:
    """How much work a search was.

    Attributes
    ----------
    partial_schedules : int
        Most partial schedules held at once.
    subproblems : int
        Problems for which prices were looked for.
    handed_over : int
        How often HiGHS had to close the search.
    """

    partial_schedules: int = 0
    subproblems: int = 0
    handed_over: int = 0


def solve_exact(problem: ScheduleProblem, count: SearchCount | None = None) -> Schedule | Infeasible:
    """The schedule with the largest energy value less cost.

    Parameters
    ----------
    problem : ScheduleProblem
        The household's day.
    count : SearchCount, optional
        Counts the work, if given.

    Returns
    -------
    Schedule or Infeasible
        Never a part of a schedule: if the rules cannot all be kept, what stands against them.
    """
    unfit = misfits(problem)
    if unfit is not None:
        return unfit
    roles = assign_roles(problem)
    choices = list_choices(problem, roles)
    price = max(float(np.abs(problem.supply.price).max()), float(np.abs(problem.values).max(initial=0.0)))
    tolerance = TOLERANCE * (1.0 + price * sum(appliance.energy_kwh for appliance in problem.appliances))
    search = _Search(problem, tolerance, _PENALTY * (1.0 + price), count or SearchCount())
    search.look_around(choices)
    if not np.isfinite(search.value):
        unkept = _keep_limits(problem, roles, choices, search)
        if unkept is not None:
            return unkept
    search.finish(choices)
    order = sorted(
        range(len(roles.listed + roles.flexible)), key=lambda i: (roles.listed + roles.flexible)[i]
    )
    ways, flexible_on = Improver(choices, search.penalty).settle_early(
        np.array(search.ways, dtype=np.int64), search.flexible_on, order, tolerance / 100
    )
    return evaluate(problem, _allocation(problem, roles, choices, ways, flexible_on))


class _TakesLongError(Exception):
    """The search has looked at so many subproblems that another solver is as fast."""


class _Search:
    """The best schedule so far, and the search for a better one.

    Parameters
    ----------
    problem : ScheduleProblem
        The household's day.
    tolerance : float
        A schedule must be better by more than this, EUR.
    penalty : float
        What a kWh past the limit costs while improving, EUR.
    count : SearchCount
        Counts the work.
    """

    def __init__(
        self, problem: ScheduleProblem, tolerance: float, penalty: float, count: SearchCount
    ) -> None:
        self.problem = problem
        self.tolerance = tolerance
        self.penalty = penalty
        self.count = count
        self.value = -np.inf
        self.ways: tuple[int, ...] = ()
        self.flexible_on: NDArray[np.bool_] = np.zeros((0, problem.n_hours), dtype=np.bool_)
        self._subproblems = 0
        self.patience: float = _MAX_SUBPROBLEMS
        """After so many subproblems the search is handed over."""
        self.aim = -np.inf
        """No schedule of less than this is of any use."""

    def offer(self, value: float, ways: tuple[int, ...], flexible_on: NDArray[np.bool_]) -> None:
        """Keep a schedule if it is the best so far."""
        if value > self.value:
            self.value, self.ways, self.flexible_on = value, ways, flexible_on

    def look_around(self, choices: Choices) -> None:
        """A first schedule, from everyone's earliest way."""
        self._improve(choices, np.zeros(len(choices.ways), dtype=np.int64), (), 0.0)

    def run(
        self,
        choices: Choices,
        prefix: tuple[int, ...],
        prefix_worth: float,
        prices: NDArray[np.float64] | None,
    ) -> None:
        """Search everything that begins with given ways of the first listed appliances.

        Parameters
        ----------
        choices : Choices
            What is left to decide.
        prefix : tuple of int
            The ways decided.
        prefix_worth : float
            What they are worth, EUR.
        prices : ndarray, shape (n_hours,), optional
            Prices to begin with.
        """
        self.count.subproblems += 1
        self._subproblems += 1
        if self._subproblems > self.patience:
            raise _TakesLongError
        relaxed = PriceSearch(choices)
        if not relaxed.feasible:
            return
        for start in self._first_prices(choices) if prices is None else [prices]:
            relaxed.evaluate(start)
        steps = _FIRST_STEPS if prices is None else _SUBPROBLEM_STEPS
        for n_steps, thorough in ((steps, False), (_MORE_STEPS, True)):
            chosen = relaxed.descend(self._target() - prefix_worth, n_steps, self.tolerance)
            self._improve(choices, chosen, prefix, prefix_worth, thorough)
            relaxation = relaxed.relax()
            gap = relaxation.bound + prefix_worth - self._target() - self.tolerance
            if gap <= 0:
                return
            frontier = expand(choices, relaxation, gap, _MAX_PARTIAL)
            if frontier is not None:
                self._finish(choices, frontier, prefix, prefix_worth, relaxation)
                return
        self._branch(choices, prefix, prefix_worth, relaxation)

    def finish(self, choices: Choices) -> None:
        """Search to the end: alone, with HiGHS if that takes long, or alone if HiGHS gives up."""
        try:
            self.run(choices, (), 0.0, None)
        except _TakesLongError:
            try:
                self.hand_over(choices)
            except SolverGaveUpError:
                self.patience = np.inf
                self.run(choices, (), 0.0, None)

    def hand_over(self, choices: Choices) -> None:
        """Let HiGHS close what is left open; its schedule counts if it is better."""
        self.count.handed_over += 1
        found = solve_mixed_integer(self.problem.supply, choices)
        if found is not None:
            ways, flexible_on = found
            self.offer(
                Improver(choices, self.penalty).value_of(ways, flexible_on), tuple(ways.tolist()), flexible_on
            )

    def _target(self) -> float:
        return max(self.value, self.aim)

    def _first_prices(self, choices: Choices) -> list[NDArray[np.float64]]:
        supply = self.problem.supply
        if choices.excess_only:
            return [np.zeros(choices.n_hours)]
        load = choices.fixed_kwh.copy()
        for power, rows, way in zip(choices.powers_kw, choices.ways, self.ways, strict=True):
            load += power * rows[way]
        load += np.array(choices.flexible_kw) @ self.flexible_on
        return [supply.grid_price, supply.marginal_cost(load)]

    def _improve(
        self,
        choices: Choices,
        chosen: NDArray[np.int64],
        prefix: tuple[int, ...],
        prefix_worth: float,
        thorough: bool = False,
    ) -> None:
        improver = Improver(choices, self.penalty)
        value, ways, flexible_on = improver.improve(chosen)
        if thorough:
            self.offer(value + prefix_worth, (*prefix, *ways.tolist()), flexible_on)
            value, ways, flexible_on = improver.improve_pairs(ways, flexible_on)
        self.offer(value + prefix_worth, (*prefix, *ways.tolist()), flexible_on)

    def _finish(
        self,
        choices: Choices,
        frontier: Frontier,
        prefix: tuple[int, ...],
        prefix_worth: float,
        relaxation: Relaxation,
    ) -> None:
        """Complete the schedules of a frontier by the flexible appliances, the most promising first."""
        self.count.partial_schedules = max(self.count.partial_schedules, frontier.largest)
        order = np.argsort(frontier.loss, kind="stable")
        cost = choices.cost if choices.excess_only else np.where(choices.excess_kwh > 0, np.inf, choices.cost)
        for first in range(0, len(order), _LEAVES_AT_ONCE):
            rows = order[first : first + _LEAVES_AT_ONCE]
            reachable = relaxation.bound + prefix_worth - frontier.loss[rows]
            rows = rows[reachable > self._target() + self.tolerance]
            if not len(rows):
                return
            worth = sum(
                (w[ways] for w, ways in zip(choices.worth, frontier.ways[rows].T, strict=True)),
                np.zeros(len(rows)),
            )
            values, flexible_on = best_hours(choices, cost, frontier.levels[rows], worth)
            top = int(values.argmax())
            ways = (*prefix, *frontier.ways[rows[top]].tolist())
            if values[top] + prefix_worth > self.value + self.tolerance:
                self.offer(float(values[top]) + prefix_worth, ways, flexible_on[top])

    def _branch(
        self, choices: Choices, prefix: tuple[int, ...], prefix_worth: float, relaxation: Relaxation
    ) -> None:
        """Fix the first listed appliance in each of its ways, the most promising first."""
        regrets = relaxation.regrets[0]
        for way in np.argsort(regrets, kind="stable").tolist():
            if relaxation.bound - regrets[way] + prefix_worth <= self._target() + self.tolerance:
                return
            rest = without_first(self.problem, choices, way)
            worth = prefix_worth + float(choices.worth[0][way])
            self.run(rest, (*prefix, way), worth, relaxation.prices)


def _keep_limits(
    problem: ScheduleProblem, roles: Roles, choices: Choices, search: _Search
) -> Infeasible | None:
    """Find a schedule that keeps the limits, for the search to begin with; or say why there is none."""
    excess = list_choices(problem, roles, excess_only=True)
    least = _Search(problem, TOLERANCE_KWH / 2, 1.0, search.count)
    # Only a schedule without any excess is of use, so all that is sure to have some is passed over.
    least.aim = -TOLERANCE_KWH
    least.look_around(excess)
    try:
        least.run(excess, (), 0.0, None)
    except _TakesLongError:
        try:
            search.hand_over(choices)
            if np.isfinite(search.value):
                return None
        except SolverGaveUpError:
            least.patience = np.inf
            least.run(excess, (), 0.0, None)
    ways = np.array(least.ways, dtype=np.int64)
    if least.value < 0:
        return shortage(problem, _allocation(problem, roles, excess, ways, least.flexible_on), proved=True)
    value = Improver(choices, search.penalty).value_of(ways, least.flexible_on)
    search.offer(value, least.ways, least.flexible_on)
    return None


def _allocation(
    problem: ScheduleProblem,
    roles: Roles,
    choices: Choices,
    ways: NDArray[np.int64],
    flexible_on: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    on = np.zeros((len(problem.appliances), problem.n_hours), dtype=np.bool_)
    for index in roles.fixed:
        on[index] = ways_to_run(problem.appliances[index], problem.n_hours)[0]
    for index, rows, way in zip(roles.listed, choices.ways, ways.tolist(), strict=True):
        on[index] = rows[way] > 0
    for index, row in zip(roles.flexible, flexible_on, strict=True):
        on[index] = row
    return on
