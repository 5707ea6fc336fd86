"""What is due when, as plain data, with one SimPy event for each instant at which something is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Generic, TypeVar

import simpy
from simpy.events import Event, EventPriority

T = TypeVar("T")


class Instant(Event):
    """The cheapest event that SimPy processes: it succeeds by being scheduled, and has no value."""

    def __init__(self, callbacks: list[Callable[[Event], None]]) -> None:
        # Event's own constructor would make a list and look up a pending value each time; an environment
        # never changes the list, so all instants of a timetable share one.
        self.callbacks = callbacks
        self._ok = True
        self._value = None


class Timetable(Generic[T]):
    """Items by the millisecond at which they are due.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    priority : int
        Priority of the events.
    act : callable
        Called at an instant with the list of its items, the first one last; it takes them off the end one by
        one until there is none. What is added for the same instant meanwhile is due right afterwards.

    Attributes
    ----------
    due : dict of int to list
        Items not yet due, in the order in which they were added. One event is scheduled for each key, so the
        events can be rebuilt from the keys.
    at_hand : list
        Items of the present instant that are still to be acted on, the next one last.

    Notes
    -----
    Items that share an instant share an event, and are acted on in the order in which they were added.
    """

    __slots__ = ("_act", "_callbacks", "_env", "_priority", "at_hand", "due")

    def __init__(self, env: simpy.Environment, priority: int, act: Callable[[list[T]], None]) -> None:
        self._env = env
        self._priority = EventPriority(int(priority))
        self._act = act
        self._callbacks: list[Callable[[Event], None]] = [self._fall_due]
        self.due: dict[int, list[T]] = {}
        self.at_hand: list[T] = []

    def add(self, due_ms: int, item: T) -> None:
        """Add an item that is due at `due_ms`, now or later."""
        items = self.due.get(due_ms)
        if items is None:
            self.begin(due_ms, item)
        else:
            items.append(item)

    def begin(self, due_ms: int, item: T) -> None:
        """Add the first item that is due at `due_ms`, and schedule the instant."""
        self.due[due_ms] = [item]
        env = self._env
        env.schedule(Instant(self._callbacks), self._priority, due_ms - env.now)

    def pending(self) -> Iterator[tuple[int, T]]:
        """Every item still to be acted on with its due time (ms), in the order in which it will be."""
        yield from zip(repeat(int(self._env.now)), reversed(self.at_hand), strict=False)
        for due_ms in sorted(self.due):
            yield from zip(repeat(due_ms), self.due[due_ms], strict=False)

    def _fall_due(self, _event: Event) -> None:
        items = self.due.pop(int(self._env.now))
        items.reverse()
        self.at_hand = items
        self._act(items)
