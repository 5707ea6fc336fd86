"""Branch and bound over the ways to run each appliance: the search behind `exact`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.trading.scheduling.choices import Choices, without_first
from cosim.trading.scheduling.flexible import best_hours
from cosim.trading.scheduling.frontier import Frontier, expand
from cosim.trading.scheduling.improve import Improver
from cosim.trading.scheduling.mixed_integer import SolverGaveUpError, solve_mixed_integer
from cosim.trading.scheduling.schedule import ScheduleProblem
from cosim.trading.scheduling.shadow_prices import PriceSearch, Relaxation

_FIRST_STEPS = 24
_MORE_STEPS = 60
_SUBPROBLEM_STEPS = 16
_MAX_PARTIAL = 20_000
_MAX_SUBPROBLEMS = 500
_LEAVES_AT_ONCE = 64


@dataclass
class SearchCount:
    """How much work a search was."""

    partial_schedules: int = 0
    """Most partial schedules held at once."""
    subproblems: int = 0
    """Problems for which prices were looked for."""
    handed_over: int = 0
    """How often HiGHS had to close the search."""


class TakesLongError(Exception):
    """The search has looked at as many subproblems as it may."""


class Search:
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
    pause : callable
        Called before every subproblem, that is every few milliseconds; what it raises ends the search.
    """

    def __init__(
        self,
        problem: ScheduleProblem,
        tolerance: float,
        penalty: float,
        count: SearchCount,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self.problem = problem
        self.tolerance = tolerance
        self.penalty = penalty
        self.count = count
        self.pause = pause
        self.value = -np.inf
        self.ways: tuple[int, ...] = ()
        self.flexible_on: NDArray[np.bool_] = np.zeros((0, problem.n_hours), dtype=np.bool_)
        self._subproblems = 0
        self.patience: float = _MAX_SUBPROBLEMS
        """The search ends after this many subproblems."""
        self.open_bound = -np.inf
        """No schedule that was not looked at is worth more than this, EUR."""
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
        self.pause()
        self.count.subproblems += 1
        self._subproblems += 1
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

    @property
    def gap(self) -> float:
        """How much more than the best schedule known another could be worth at most, EUR; 0 once proved."""
        gap = self.open_bound - self.value
        return gap if gap > self.tolerance else 0.0

    def finish(self, choices: Choices, limit: int | None) -> None:
        """Search as far as the limit; without one to the end, with HiGHS if that takes long."""
        self.patience = _MAX_SUBPROBLEMS if limit is None else limit
        try:
            self.run(choices, (), 0.0, None)
        except TakesLongError:
            if limit is not None:
                return
            try:
                self.hand_over(choices)
            except SolverGaveUpError:
                self.patience = np.inf
                self.run(choices, (), 0.0, None)
            self.open_bound = -np.inf

    def hand_over(self, choices: Choices, node_limit: int | None = None, any_will_do: bool = False) -> None:
        """Let HiGHS close what is left open, or find a schedule at all; it counts if it is better."""
        self.count.handed_over += 1
        found = solve_mixed_integer(self.problem.supply, choices, node_limit, any_will_do, self.pause)
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
        order = np.argsort(relaxation.regrets[0], kind="stable")
        bounds = relaxation.bound - relaxation.regrets[0][order] + prefix_worth
        for number, way in enumerate(order.tolist()):
            if bounds[number] <= self._target() + self.tolerance:
                return
            if self._subproblems >= self.patience:
                self._leave_open(bounds[number:])
                raise TakesLongError
            rest = without_first(self.problem, choices, way)
            worth = prefix_worth + float(choices.worth[0][way])
            try:
                self.run(rest, (*prefix, way), worth, relaxation.prices)
            except TakesLongError:
                self._leave_open(bounds[number + 1 :])
                raise

    def _leave_open(self, bounds: NDArray[np.float64]) -> None:
        self.open_bound = max(self.open_bound, float(bounds.max(initial=-np.inf)))
