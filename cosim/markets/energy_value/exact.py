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

import numpy as np
from numpy.typing import NDArray

from cosim.devices.appliance import ways_to_run
from cosim.markets.energy_value.choices import Choices, Roles, assign_roles, list_choices
from cosim.markets.energy_value.improve import Improver
from cosim.markets.energy_value.mixed_integer import SolverGaveUpError
from cosim.markets.energy_value.schedule import (
    Infeasible,
    Schedule,
    ScheduleProblem,
    evaluate,
    misfits,
    shortage,
)
from cosim.markets.energy_value.search import Search, SearchCount, TakesLongError
from cosim.markets.energy_value.supply import TOLERANCE_KWH

_PENALTY = 1e3
TOLERANCE = 1e-9
"""How far below the optimum a schedule may be, as a share of the day's largest worth or cost."""


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
    search = Search(problem, tolerance, _PENALTY * (1.0 + price), count or SearchCount())
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


def _keep_limits(
    problem: ScheduleProblem, roles: Roles, choices: Choices, search: Search
) -> Infeasible | None:
    """Find a schedule that keeps the limits, for the search to begin with; or say why there is none."""
    excess = list_choices(problem, roles, excess_only=True)
    least = Search(problem, TOLERANCE_KWH / 2, 1.0, search.count)
    # Only a schedule without any excess is of use, so all that is sure to have some is passed over.
    least.aim = -TOLERANCE_KWH
    least.look_around(excess)
    try:
        least.run(excess, (), 0.0, None)
    except TakesLongError:
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
