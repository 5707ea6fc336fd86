"""The best hours for the flexible appliances, exactly, once all the others are scheduled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.trading.scheduling.choices import Choices


def best_hours(
    choices: Choices, cost: NDArray[np.float64], levels: NDArray[np.int64], worth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Worth of all appliances less the cost of the whole load, and the hours of the flexible ones.

    Parameters
    ----------
    choices : Choices
        What is to be decided.
    cost : ndarray, shape (n_subsets, n_levels, n_hours)
        Cost of each load, EUR; ``inf`` where it must not be.
    levels : ndarray of int, shape (n, n_hours)
        Levels of the listed appliances in n schedules.
    worth : ndarray, shape (n,)
        What the listed appliances are worth in each, EUR.

    Returns
    -------
    value : ndarray, shape (n,)
        EUR; ``-inf`` where the limits cannot be kept.
    on : ndarray of bool, shape (n, n_flexible, n_hours)
        Hours of the flexible appliances, in the best of the schedules; not in the others where there are
        several flexible appliances.
    """
    hours = np.arange(choices.n_hours)
    costs = cost[:, levels, hours]
    n = len(levels)
    if not choices.flexible_hours:
        return worth - costs[0].sum(axis=1), np.zeros((n, 0, choices.n_hours), dtype=np.bool_)
    if len(choices.flexible_hours) == 1:
        return _one(choices, costs, worth)
    return _several(choices, costs, worth)


def _one(
    choices: Choices, costs: NDArray[np.float64], worth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """One flexible appliance takes the hours in which it gains most, the earlier ones first if equal."""
    off, on = costs
    with np.errstate(invalid="ignore"):
        gain = choices.flexible_worth[0] + (off - on)
    gain = np.where(np.isfinite(on), gain, -np.inf)
    order = np.argsort(-gain, axis=1, kind="stable")[:, : choices.flexible_hours[0]]
    taken = np.zeros(gain.shape, dtype=np.bool_)
    np.put_along_axis(taken, order, True, axis=1)
    value = worth + np.where(taken, gain, 0.0).sum(axis=1) - off.sum(axis=1)
    value = np.where(np.isfinite(off).all(axis=1), value, -np.inf)
    return value, taken[:, None, :]


def _several(
    choices: Choices, costs: NDArray[np.float64], worth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Dynamic programming over the hours; the state is how many hours each appliance has run, or paused."""
    steps, last = _counting(choices)
    n_subsets, n, n_hours = costs.shape
    start = np.full((n, *(count + 1 for count in last)), -np.inf)
    start.reshape(n, -1)[:, 0] = 0.0
    values = [start]
    for hour in range(n_hours):
        after = np.full(start.shape, -np.inf)
        for number in range(n_subsets):
            gain = _gain(choices, costs, number, hour)
            step = steps[number, :, hour].tolist()
            target = (slice(None), *[slice(count, None) for count in step])
            source = (slice(None), *[slice(None, -count or None) for count in step])
            moved = values[-1][source] + gain.reshape(-1, *(1 for _ in last))
            np.maximum(after[target], moved, out=after[target])
        values.append(after)
    value = worth + values[-1].reshape(n, -1)[:, -1]
    on = np.zeros((n, len(last), n_hours), dtype=np.bool_)
    best = int(value.argmax())
    if np.isfinite(value[best]):
        on[best] = _trace(choices, costs, values, best)
    return value, on


def _counting(choices: Choices) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """What each combination adds to the state in each hour, and the state at the end.

    Of hours on and hours paused inside the window the fewer are counted, which keeps the states few.

    Returns
    -------
    steps : ndarray of int, shape (n_subsets, n_flexible, n_hours)
        0 or 1.
    last : tuple of int
        One count a flexible appliance.
    """
    window = np.isfinite(choices.flexible_worth)
    on = np.broadcast_to(choices.subset[:, :, None], (*choices.subset.shape, choices.n_hours)).copy()
    last = []
    for number, needed in enumerate(choices.flexible_hours):
        paused = int(window[number].sum()) - needed
        if paused < needed:
            on[:, number] = (1 - on[:, number]) * window[number]
        last.append(min(paused, needed))
    return on, tuple(last)


def _gain(choices: Choices, costs: NDArray[np.float64], number: int, hour: int) -> NDArray[np.float64]:
    """Worth less cost of a combination in an hour, for every schedule; shape (n,)."""
    running = choices.subset[number] == 1
    return np.asarray(choices.flexible_worth[running, hour].sum() - costs[number, :, hour])


def _trace(
    choices: Choices, costs: NDArray[np.float64], values: list[NDArray[np.float64]], row: int
) -> NDArray[np.bool_]:
    """Hours of the best path to the last state, from the end back; the first combination if several are
    best.
    """
    steps, last = _counting(choices)
    state = np.array(last)
    n_hours = len(values) - 1
    on = np.zeros((len(state), n_hours), dtype=np.bool_)
    for hour in range(n_hours - 1, -1, -1):
        best, best_number = -np.inf, 0
        for number in range(len(steps)):
            before = state - steps[number, :, hour]
            if np.all(before >= 0):
                reached = values[hour][(row, *before)] + _gain(choices, costs, number, hour)[row]
                if reached > best:
                    best, best_number = float(reached), number
        on[:, hour] = choices.subset[best_number] == 1
        state = state - steps[best_number, :, hour]
    return on
