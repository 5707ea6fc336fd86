"""How much memory the households of a community take, and whether a run of them fits into this machine.

Measured with two resources, signals and reports over lossy links, and no devices (`bench/bench_regulation.py`
prints the same numbers): what a run takes besides is 150 to 400 MB, most of it libraries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cosim.comms.bulk_ledger import rows_kept
from cosim.core.errors import Problem
from cosim.core.machine import physical_bytes
from cosim.regulation.community import Community
from cosim.regulation.design import Design

ONE_BY_ONE_BYTES = 9_500
"""Of a household that is stepped by itself: an agent, two links, their counters."""
IN_ARRAYS_BYTES = 2_700
"""Of a household as a column of arrays; most of it names, configuration and the tables at the end."""
BYTES_PER_MESSAGE = 2
"""Of each message that arrays carry, as long as its latency is held by itself."""


def needed_bytes(n_households: int, n_steps: int, in_arrays: bool) -> int:
    """Memory of the households of a community, by the route on which they are stepped."""
    if not in_arrays:
        return n_households * ONE_BY_ONE_BYTES
    messages = 2 * min(n_steps, rows_kept(n_households))
    return n_households * (IN_ARRAYS_BYTES + messages * BYTES_PER_MESSAGE)


def memory_problems(designs: Sequence[Design], in_arrays: Sequence[bool], n_steps: int) -> Iterator[Problem]:
    """An error where households alone would take more than all memory of this machine."""
    needed = sum(
        needed_bytes(len(designed.members), n_steps, is_array)
        for designed, is_array in zip(designs, in_arrays, strict=True)
    )
    there = physical_bytes()
    if there is not None and needed > there:
        message = (
            f"the households would take about {needed / 1e6:,.0f} MB, and this machine has "
            f"{there / 1e6:,.0f} MB"
        )
        remedy = "Lower the groups' `households`, or set `engine.route: arrays` where `cosim explain` allows."
        yield Problem(message, remedy, "groups")


def memory_line(community: Community, n_steps: int) -> str:
    """What the households of a community take, for `explain`."""
    n = len(community.design.members)
    needed = needed_bytes(n, n_steps, community.arrays is not None)
    return f"memory of its households: about {needed / 1e6:.3g} MB, {needed / n / 1e3:.3g} kB each"
