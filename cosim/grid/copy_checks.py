"""What goes with a feeder that is there many times, as far as the configuration can tell."""

from __future__ import annotations

from collections.abc import Iterator

from cosim.core.context import Context
from cosim.core.errors import Problem, count
from cosim.grid.recorded_copies import FeederSample
from cosim.grid.schema import GridConfig

_ONE_FEEDER = {
    "supply": "an island has one source",
    "feedback": "a feeder's meter shows one feeder, and platforms are told of no other",
    "run_control": "tap positions are those of one feeder",
    "tap_changers": "tap positions are those of one feeder",
    "verify_power_flow": "`runpp` solves the network as its source has it, once",
}
"""Keys of `grid` that are about one feeder, and why."""


def copy_problems(grid: GridConfig, recorded: bool | FeederSample, context: Context) -> Iterator[Problem]:
    """Groups that are dealt out evenly, copies that are there, and nothing that is about one feeder alone."""
    number = grid.copies
    if isinstance(recorded, FeederSample):
        for place, copy in enumerate(recorded.copies):
            if copy > number:
                message = f"there is no feeder {copy}: the scenario has {count(number, 'feeder')}"
                remedy = "Name copies from 1 to grid.copies."
                yield context.problem(f"record.grid.copies.{place}", message, remedy, copy)
    if number == 1:
        return
    for key, why in _ONE_FEEDER.items():
        if getattr(grid, key):
            message = f"{key} does not go with {number:,} copies of the feeder: {why}"
            yield context.problem(f"grid.{key}", message, "Remove it, or set grid.copies: 1.")
    for group in context.population.groups:
        n = len(group.members)
        if n % number:
            near = max(1, round(n / number)) * number
            message = f"{count(n, 'household')} cannot be dealt out evenly to {number:,} feeders"
            path = f"groups.{group.number}.households"
            yield context.problem(path, message, f"Write a multiple of grid.copies, such as {near}.", n)
