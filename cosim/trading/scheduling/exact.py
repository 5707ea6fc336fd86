"""The optimal schedule, proved so: branch and bound over the ways to run each appliance.

Prices for load give an upper bound, and at these prices every way of every appliance a regret
(`shadow_prices`). What loses more than the gap between the bound and the best schedule known cannot be in a
better one. The rest is searched appliance by appliance, all partial schedules of one depth at once, each
bounded by its regrets and by the least slack of every hour over what may still be switched on. Where too
many partial schedules are left, the first appliance is fixed in each of its ways in turn, and prices are
found anew for what remains.

On the rare days on which that takes long, mostly where preferences do not count and thousands of schedules
are worth nearly the same, a limit on the number of subproblems ends the search with the best schedule
known, and with its gap: what is left open has a bound. It is a limit on work and not on time, so that the
result is the same on every machine. Without a limit SciPy's HiGHS closes the search (`mixed_integer`), to the
tolerances it has. HiGHS also looks for a schedule that keeps the limits, where none comes up soon, or
proves that there is none.

A result without a gap is within `TOLERANCE` of the optimum. Of equal schedules it is one in which no
appliance alone could run in earlier hours: each, in the order given, moves to the earliest that lose less
than a hundredth of that, until none moves. Nothing is random, so the same problem gives the same schedule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cosim.trading.scheduling.choices import Choices, Roles, assign_roles, list_choices
from cosim.trading.scheduling.improve import Improver
from cosim.trading.scheduling.mixed_integer import SolverGaveUpError
from cosim.trading.scheduling.schedule import (
    Infeasible,
    Schedule,
    ScheduleProblem,
    evaluate,
    misfits,
    shortage,
)
from cosim.trading.scheduling.search import Search, SearchCount, TakesLongError
from cosim.trading.scheduling.supply import TOLERANCE_KWH
from cosim.trading.valuation.appliance import ways_to_run

_PENALTY = 1e3
_FIRST_SUBPROBLEMS = 20
"""How many are looked at for a schedule that keeps the limits before HiGHS is asked."""
TOLERANCE = 1e-9
"""How far below the optimum a schedule may be, as a share of the day's largest worth or cost."""


def solve_exact(
    problem: ScheduleProblem,
    count: SearchCount | None = None,
    limit: int | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Schedule | Infeasible:
    """The schedule with the largest energy value less cost.

    Parameters
    ----------
    problem : ScheduleProblem
        The household's day.
    count : SearchCount, optional
        Counts the work, if given.
    limit : int, optional
        Look at no more subproblems than this, about 10 ms each for a day of Table I, and keep the best
        schedule known; by default it is proved.
    pause : callable
        Called every few milliseconds, at most tenths of a second; what it raises ends the search.

    Returns
    -------
    Schedule or Infeasible
        Never a part of a schedule, and `Schedule.gap` says what it could be short of the best: if the rules
        cannot all be kept, what stands against them.
    """
    unfit = misfits(problem)
    if unfit is not None:
        return unfit
    roles = assign_roles(problem)
    choices = list_choices(problem, roles)
    price = max(float(np.abs(problem.supply.price).max()), float(np.abs(problem.values).max(initial=0.0)))
    tolerance = TOLERANCE * (1.0 + price * sum(appliance.energy_kwh for appliance in problem.appliances))
    search = Search(problem, tolerance, _PENALTY * (1.0 + price), count or SearchCount(), pause)
    search.look_around(choices)
    if not np.isfinite(search.value):
        unkept = _keep_limits(problem, roles, choices, search, limit)
        if unkept is not None:
            return unkept
    search.finish(choices, limit)
    order = sorted(
        range(len(roles.listed + roles.flexible)), key=lambda i: (roles.listed + roles.flexible)[i]
    )
    ways, flexible_on = Improver(choices, search.penalty).settle_early(
        np.array(search.ways, dtype=np.int64), search.flexible_on, order, tolerance / 100
    )
    schedule = evaluate(problem, _allocation(problem, roles, choices, ways, flexible_on))
    return replace(schedule, gap=search.gap)


def _keep_limits(
    problem: ScheduleProblem, roles: Roles, choices: Choices, search: Search, limit: int | None
) -> Infeasible | None:
    """Find a schedule that keeps the limits, for the search to begin with; or say why there is none."""
    excess = list_choices(problem, roles, excess_only=True)
    least = Search(problem, TOLERANCE_KWH / 2, 1.0, search.count, search.pause)
    # Only a schedule without any excess is of use, so all that is sure to have some is passed over.
    least.aim = -TOLERANCE_KWH
    least.look_around(excess)
    least.patience = _FIRST_SUBPROBLEMS
    proved = True
    try:
        least.run(excess, (), 0.0, None)
    except TakesLongError:
        try:
            search.hand_over(choices, limit, any_will_do=True)
            if np.isfinite(search.value):
                return None
        except SolverGaveUpError:
            proved = _run_on(least, excess, limit)
    ways = np.array(least.ways, dtype=np.int64)
    if least.value < 0:
        return shortage(problem, _allocation(problem, roles, excess, ways, least.flexible_on), proved)
    value = Improver(choices, search.penalty).value_of(ways, least.flexible_on)
    search.offer(value, least.ways, least.flexible_on)
    return None


def _run_on(search: Search, choices: Choices, limit: int | None) -> bool:
    """Search anew, as far as the limit; whether that was to the end."""
    search.patience += np.inf if limit is None else limit
    try:
        search.run(choices, (), 0.0, None)
    except TakesLongError:
        return False
    return True


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
