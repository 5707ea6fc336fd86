"""What a platform has on stable storage, and what it starts again from."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

from cosim.regulation.platform import PlatformState


def saved(state: PlatformState) -> PlatformState:
    """A state of its own with the same content, as it is written down after every tick."""
    return copy.deepcopy(state)


def restarted(state: PlatformState, members: Sequence[int]) -> PlatformState:
    """The state after a restart from what was saved.

    Parameters
    ----------
    state : PlatformState
        What the last tick left; or the state at the start, where nothing is left. Reports and measurements
        that arrived after it was saved are not in it, and no report in it counts as fresh.
    members : sequence of int
        Who takes part now: that is in contracts, not in memory.
    """
    again = replace(saved(state), members=list(members))
    again.reports.is_fresh[:] = [False] * len(again.reports.is_fresh)
    return again
