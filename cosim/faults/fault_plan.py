"""Everything that will break in a run, worked out before it starts: whom each fault hits, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cosim.core.context import Context
from cosim.core.errors import InputError, Problem
from cosim.faults.kinds import Fault, FaultEvent, Site
from cosim.faults.kinds.failure_times import Window, merged
from cosim.faults.kinds.reach import Surroundings
from cosim.faults.schema import fault_names
from cosim.households.placement import Placement


def plan_faults(
    faults: Sequence[Fault], around: Surroundings, placement: Placement | None, context: Context
) -> tuple[FaultEvent, ...]:
    """All events of the faults that are enabled, in the order of their start, then of the scenario.

    A household's random numbers are its own: one more household changes no other's times.

    Parameters
    ----------
    faults : sequence of Fault
        As configured.
    around : Surroundings
        What they can concern.
    placement : Placement or None
        Which household stands at which bus; None where the grid has errors: then none is at a bus.
    context : Context
        The run.

    Raises
    ------
    InputError
        If a bus holds no household, or a trace cannot be read.
    """
    problems: list[Problem] = []
    events: list[FaultEvent] = []
    for number, (name, fault) in enumerate(zip(fault_names(faults), faults, strict=True)):
        if not fault.enabled:
            continue
        try:
            events += list(fault.events(Site(name, around, placement, context)))
        except InputError as error:
            problems += [replace(each, path=f"faults.{number}.{each.path}") for each in error.problems]
    if problems:
        raise InputError(problems)
    return tuple(sorted(events, key=lambda event: event.start_ms))


def episodes(events: Sequence[FaultEvent], name: str) -> list[Window]:
    """The times in which any event of a fault is on, in order (ms)."""
    return merged([(event.start_ms, event.end_ms) for event in events if event.name == name])
