"""A run in motion: subsystems on one clock."""

from __future__ import annotations

from collections.abc import Callable, Generator

import simpy

from cosim.core.clock import MS_PER_DAY, Priority, wait_until
from cosim.core.context import TimeAxis
from cosim.core.declared_numbers import as_declared
from cosim.core.garbage import collected_rarely
from cosim.core.numbers import Summary
from cosim.core.registry import class_name, is_own
from cosim.core.subsystem import Run
from cosim.core.tables import TableStore
from cosim.engine.builder import Parts

Progress = Callable[[int, int], None]
"""Called with the simulated time (ms) and the number of events so far."""

_STEPS_BETWEEN_SAVES = 24


class Simulation:
    """All subsystems of a run.

    Parameters
    ----------
    parts : Parts
        What was built.
    store : TableStore
        Where tables go.
    progress : callable
        Told now and then how far the run is.
    """

    def __init__(self, parts: Parts, store: TableStore, progress: Progress) -> None:
        self._parts = parts
        self._progress = progress
        self._run = Run(parts.env, store, self._pause)
        store.write_table(*parts.prosumers())
        for subsystem in parts.acting:
            subsystem.start(self._run)
        if parts.has_meters:
            parts.env.process(self._intervals())

    @property
    def events(self) -> int:
        """How much has happened."""
        return self._run.events

    @property
    def now_ms(self) -> int:
        """How far the run is, ms since its start."""
        return int(self._run.env.now)

    def run(self) -> None:
        """Let time pass from the start to the end of the scenario."""
        time, env = self._parts.context.time, self._run.env
        with collected_rarely():
            for saved_ms in range(save_every_ms(time), time.duration_ms, save_every_ms(time)):
                env.run(until=wait_until(env, saved_ms, Priority.END))
                for subsystem in self._parts.acting:
                    subsystem.save()
                self._run.store.save()
            env.run(until=wait_until(env, time.duration_ms, Priority.END))
        self._pause()

    def close(self) -> None:
        """Write what is still held back; also after a run that was cut short."""
        for subsystem in self._parts.acting:
            subsystem.close()

    def add_summary(self, result: Summary) -> None:
        """Add all numbers of the run; where a subsystem from outside gives bad ones, the others are there.

        Raises
        ------
        PluginError
            If one does.
        """
        for subsystem in self._parts.subsystems:
            numbers, wing = subsystem.summary(), type(subsystem)
            if not is_own(wing):
                called = f"the subsystem {class_name(subsystem)}"
                numbers = as_declared(called, numbers, wing.numbers, result)
            result |= numbers

    def _pause(self) -> None:
        self._progress(self.now_ms, self.events)

    def _intervals(self) -> Generator[simpy.Event, object, None]:
        """Read the meters at the end of each interval, then let the feeder answer; some at once where nobody
        waits for that."""
        time, env, acting = self._parts.context.time, self._run.env, self._parts.acting
        end = 0
        while end < time.n_intervals:
            first, end = end, self._next_end(end)
            end_ms, self._run.at_once = end * time.interval_ms, end - first
            yield wait_until(env, end_ms, Priority.METER_CLOSE)
            for subsystem in acting:
                subsystem.before_meters(end_ms)
            for interval in range(first, end):
                for subsystem in acting:
                    subsystem.meter(interval)
                if interval + 1 == end:
                    yield wait_until(env, end_ms, Priority.POWER_FLOW)
                for subsystem in acting:
                    subsystem.flow(interval)
            self._pause()

    def _next_end(self, first: int) -> int:
        """The interval up to which those from `first` on are read at once: at most up to the next save."""
        time, save_ms = self._parts.context.time, save_every_ms(self._parts.context.time)
        next_save_ms = (first * time.interval_ms // save_ms + 1) * save_ms
        to_save = max(1, next_save_ms // time.interval_ms - first)
        most = min(to_save, *(subsystem.intervals_at_once(first) for subsystem in self._parts.acting))
        return min(first + most, time.n_intervals)


def save_every_ms(time: TimeAxis) -> int:
    """How often tables are brought up to date: every day, or every 24 steps of more than an hour."""
    return max(MS_PER_DAY, _STEPS_BETWEEN_SAVES * time.step_ms)
