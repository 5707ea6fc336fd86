"""A fast schedule that is not always the best: one appliance after the other.

Paper B says "exhaustive search" and "a fraction of a second"; for nine appliances at once that is not
possible, one after the other it is. Here the largest energy goes first, and none is moved once it has its
hours.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cosim.trading.scheduling.schedule import (
    Infeasible,
    Schedule,
    ScheduleProblem,
    evaluate,
    excess_kwh,
    misfits,
    shortage,
)
from cosim.trading.scheduling.supply import TOLERANCE_KWH
from cosim.trading.valuation.appliance import Appliance, any_hours, ways_to_run


def solve_greedy(problem: ScheduleProblem) -> Schedule | Infeasible:
    """Schedule one appliance after the other, each where it is worth most given those before it.

    Parameters
    ----------
    problem : ScheduleProblem
        The household's day.

    Returns
    -------
    Schedule or Infeasible
        `Infeasible` with ``proved=False`` if an appliance found no room, which the exact schedule might have
        found. Equal choices: the earliest hours.
    """
    unfit = misfits(problem)
    if unfit is not None:
        return unfit
    on = np.zeros((len(problem.appliances), problem.n_hours), dtype=np.bool_)
    load = problem.fixed_load_kwh.copy()
    for index in placing_order(problem):
        appliance = problem.appliances[index]
        gain = hourly_gain(problem, index, load)
        on[index] = _best_row(appliance, gain)
        load = load + appliance.slot_kwh * on[index]
    if np.any(excess_kwh(problem, on) > 0):
        return shortage(problem, on, proved=False)
    return replace(evaluate(problem, on), gap=math.nan)


def placing_order(problem: ScheduleProblem) -> list[int]:
    """The largest energy of a day first; equal ones in the order given."""
    return sorted(
        range(len(problem.appliances)), key=lambda index: (-problem.appliances[index].energy_kwh, index)
    )


def hourly_gain(problem: ScheduleProblem, index: int, load_kwh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Worth less cost of running an appliance in each hour beside a given load, EUR.

    An hour in which a limit would be exceeded costs so much that it is taken only if there is no other.
    """
    added = load_kwh + problem.slot_kwh[index]
    cost = problem.supply.cost(added) - problem.supply.cost(load_kwh)
    excess = np.maximum(added - problem.supply.limit_kwh - TOLERANCE_KWH, 0.0)
    price = 1.0 + float(np.abs(problem.supply.price).max()) + float(np.abs(problem.values).max(initial=0.0))
    return np.asarray(problem.worth[index] - cost - 1e6 * price * excess)


def _best_row(appliance: Appliance, gain: NDArray[np.float64]) -> NDArray[np.bool_]:
    n_hours = len(gain)
    if not any_hours(appliance):
        rows = ways_to_run(appliance, n_hours)
        return np.asarray(rows[int((rows @ gain).argmax())])
    window = np.arange(appliance.earliest, appliance.latest)
    order = np.argsort(-gain[window], kind="stable")
    row = np.zeros(n_hours, dtype=np.bool_)
    row[window[order[: appliance.slots_needed]]] = True
    return row
