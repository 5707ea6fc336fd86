"""Ways to run an appliance, against trying every set of hours."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from cosim.trading.valuation.appliance import Appliance, any_hours, count_ways, load_kwh, ways_to_run

CASES = [
    Appliance("block", 1.0, 3),
    Appliance("two_runs", 1.0, 2, True, 1, 7, 2),
    Appliance("three_runs", 1.0, 2, True, 0, 8, 3),
    Appliance("pausing", 1.0, 3, False, 2, 8),
    Appliance("short_runs", 1.0, 1, True, 0, 6, 3),
    Appliance("all_day", 1.0, 8, False),
    Appliance("too_long", 1.0, 5, True, 0, 4),
]


def _by_trying(appliance: Appliance, n_hours: int) -> list[tuple[int, ...]]:
    found = []
    window = range(appliance.earliest, appliance.latest)
    length = appliance.duration
    for hours in combinations(window, length * appliance.runs_per_day):
        runs = [hours[i : i + length] for i in range(0, len(hours), length)]
        if not appliance.contiguous or all(run[-1] - run[0] == length - 1 for run in runs):
            found.append(hours)
    return found


@pytest.mark.parametrize("appliance", CASES, ids=lambda appliance: appliance.name)
def test_ways_are_those_found_by_trying(appliance: Appliance) -> None:
    n_hours = 8
    case = appliance._replace(latest=min(appliance.latest, n_hours))
    expected = _by_trying(case, n_hours)
    rows = ways_to_run(case, n_hours)
    assert [tuple(np.flatnonzero(row)) for row in rows] == sorted(expected)
    assert count_ways(case) == len(expected)


def _is_valid_run(appliance: Appliance, on: NDArray[np.bool_]) -> bool:
    """Whether a row of on and off is one of the ways to run the appliance.

    Parameters
    ----------
    appliance : Appliance
        Its constants.
    on : ndarray of bool, shape (n_hours,)
        Hour by hour whether it runs.
    """
    hours = np.flatnonzero(on)
    if len(hours) != appliance.slots_needed:
        return False
    if len(hours) and (hours[0] < appliance.earliest or hours[-1] >= appliance.latest):
        return False
    if any_hours(appliance):
        return True
    # Each piece of the row is a whole number of runs, one after the other.
    edges = np.flatnonzero(np.diff(np.concatenate(([0], np.asarray(on, dtype=np.int8), [0]))))
    return not np.any((edges[1::2] - edges[::2]) % appliance.duration)


@pytest.mark.parametrize("appliance", CASES, ids=lambda appliance: appliance.name)
def test_a_row_is_valid_if_and_only_if_it_is_a_way(appliance: Appliance) -> None:
    case = appliance._replace(latest=min(appliance.latest, 8))
    ways = {tuple(row) for row in ways_to_run(case, 8).tolist()}
    for number in range(2**8):
        row = np.array([bool(number >> hour & 1) for hour in range(8)])
        assert _is_valid_run(case, row) == (tuple(row.tolist()) in ways)


def test_the_papers_refrigerator() -> None:
    assert count_ways(Appliance("refrigerator", 0.5, 20, False)) == 10_626
    assert count_ways(Appliance("refrigerator", 0.5, 20, True)) == 5


def test_too_many_ways_and_a_window_past_the_day_are_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        ways_to_run(Appliance("any", 1.0, 12, False), 24)
    with pytest.raises(ValueError, match="ends at 24 of 6"):
        ways_to_run(Appliance("late", 1.0, 1), 6)


def test_load_adds_up_and_energy_is_power_times_hours() -> None:
    appliances = (Appliance("a", 1.5, 2, True, 0, 4), Appliance("b", 0.5, 1, True, 0, 4, 2))
    on = np.array([[1, 1, 0, 0], [0, 1, 0, 1]], dtype=bool)
    assert load_kwh(appliances, on).tolist() == [1.5, 2.0, 0.0, 0.5]
    assert [appliance.energy_kwh for appliance in appliances] == [3.0, 1.0]
    assert load_kwh(appliances, on).sum() == 4.0
