"""Bisection finds what a run of the whole grid finds, in few runs; what is not monotone is seen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.study.impact.hosting_search import bracket, is_monotone, needed


def searched(truth: list[bool], always: list[int], full: bool = False) -> dict[int, bool]:
    """What is run until nothing more is needed."""
    outcomes: dict[int, bool] = {}
    while positions := needed(len(truth), outcomes, always, full):
        assert not set(positions) & set(outcomes)
        outcomes |= {position: truth[position] for position in positions}
    return outcomes


@pytest.mark.parametrize("n", range(2, 40))
def test_the_capacity_of_every_monotone_truth_is_found(n: int) -> None:
    for capacity in range(-1, n):
        truth = [position > capacity for position in range(n)]
        outcomes = searched(truth, [])
        assert bracket(n, outcomes).violated - 1 == capacity
        assert len(outcomes) <= math.ceil(math.log2(n + 1))
        assert is_monotone(outcomes)


@given(st.lists(st.booleans(), min_size=2, max_size=14), st.data())
def test_whatever_is_seen_not_to_be_monotone_is_run_to_the_bottom(
    truth: list[bool], data: st.DataObject
) -> None:
    always = data.draw(st.lists(st.integers(0, len(truth) - 1), unique=True))
    outcomes = searched(truth, always)
    assert set(always) <= set(outcomes)
    found = bracket(len(truth), outcomes)
    # All that was run below the first violation is in order, and the position beneath it was run.
    assert found.is_closed
    if not is_monotone(outcomes):
        exact = truth.index(True)
        assert found.violated == exact, "of what is not monotone everything below has been run"


@given(st.lists(st.booleans(), min_size=2, max_size=14))
def test_the_whole_grid_gives_the_largest_penetration_up_to_which_nothing_is_violated(
    truth: list[bool],
) -> None:
    outcomes = searched(truth, [], full=True)
    assert len(outcomes) == len(truth)
    capacity = truth.index(True) - 1 if any(truth) else len(truth) - 1
    assert bracket(len(truth), outcomes).violated - 1 == capacity
    assert is_monotone(outcomes) == (truth == sorted(truth))


def test_checks_see_a_gap_as_often_as_they_hit_it() -> None:
    """A violation that is gone above: one check in eleven penetrations hits it in one of eleven draws."""
    truth = [False] * 11
    truth[3] = True
    seen = [not is_monotone(searched(truth, [5, check])) for check in range(11)]
    # Bisection from the middle up never looks at 3; the check at 3 itself does, and then runs all below.
    assert np.count_nonzero(seen) == 1
