"""Which penetrations are run to find the largest one that a feeder bears: bisection, and checks of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

Outcomes = Mapping[int, bool]
"""Whether a limit is exceeded, by position on the grid of penetrations, as far as it is known."""


class Bracket(NamedTuple):
    """What is known of a hosting capacity."""

    within: int
    """Largest position below the first violation that is known to be in order; -1 for none."""
    violated: int
    """Smallest position at which a limit is known to be exceeded; the size of the grid for none."""

    @property
    def is_closed(self) -> bool:
        """Whether the capacity is known, if limits that hold at a penetration hold below it, too."""
        return self.violated - self.within == 1


def bracket(n: int, outcomes: Outcomes) -> Bracket:
    """What is known on a grid of `n` penetrations."""
    violated = min((position for position, is_violated in outcomes.items() if is_violated), default=n)
    within = max((p for p, is_violated in outcomes.items() if not is_violated and p < violated), default=-1)
    return Bracket(within, violated)


def is_monotone(outcomes: Outcomes) -> bool:
    """Whether no limit holds above a penetration at which one is exceeded."""
    held = [position for position, is_violated in outcomes.items() if not is_violated]
    return not held or max(held) < bracket(max(held) + 1, outcomes).violated


def needed(n: int, outcomes: Outcomes, always: Collection[int], full: bool) -> list[int]:
    """Positions that are to be run next.

    Parameters
    ----------
    n : int
        Size of the grid.
    outcomes : mapping of int to bool
        What is known.
    always : collection of int
        Positions that are run in any case, and first.
    full : bool
        Whether the whole grid is run.

    Returns
    -------
    list of int
        Empty where the hosting capacity is known: the largest penetration up to which no limit is exceeded.
        Where a limit holds above a penetration at which one is exceeded, bisection proves nothing, and all
        penetrations below the first violation are run.
    """
    first = sorted(range(n) if full else always)
    missing = [position for position in first if position not in outcomes]
    if missing:
        return missing
    known = bracket(n, outcomes)
    if not is_monotone(outcomes):
        return [position for position in range(known.violated) if position not in outcomes]
    return [] if known.is_closed else [(known.within + known.violated) // 2]
