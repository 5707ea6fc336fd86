"""Faults in motion: at their times, each begins and ends by changing plain state."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import simpy

from cosim.core.clock import Priority, wait_until
from cosim.faults.kinds import Effect, FaultEvent
from cosim.faults.kinds.reach import Reach

Process = Generator[simpy.Event, object, None]


class FaultProcess:
    """All faults of a run.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    events : sequence of FaultEvent
        What happens; also what is left to happen follows from it and the clock.
    reach : Reach
        What they act on.
    """

    def __init__(self, env: simpy.Environment, events: Sequence[FaultEvent], reach: Reach) -> None:
        self._env = env
        self._events = events
        by_effect: dict[type[Effect], list[FaultEvent]] = {}
        for event in events:
            by_effect.setdefault(event.fault.effect, []).append(event)
        self._effects = {effect: effect(reach, own) for effect, own in by_effect.items()}

    def start(self) -> None:
        """Begin."""
        self._env.process(self._run())

    def _run(self) -> Process:
        """Ends before beginnings at one instant, then in the order of the events."""
        moments = [(event.start_ms, 1, number) for number, event in enumerate(self._events)]
        moments += [(event.end_ms, 0, number) for number, event in enumerate(self._events)]
        for at_ms, begins, number in sorted(moments):
            yield wait_until(self._env, at_ms, Priority.FAULT)
            event = self._events[number]
            effect = self._effects[event.fault.effect]
            if begins:
                effect.begin(event)
            else:
                effect.end(event)
