"""The SimPy side of the households in a market: they join, wake step after step, and leave."""

from __future__ import annotations

from collections.abc import Callable, Generator

import simpy

from cosim.comms.timetable import Timetable
from cosim.core.clock import Priority, wait_until
from cosim.regulation.agent import Agent


class AlarmClock:
    """Wakes agents, each at the instant that its own state names.

    Those who wake at one instant share one event, and wake in the order in which they were set.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    end_ms : int
        End of the run; nobody wakes at that instant.
    """

    def __init__(self, env: simpy.Environment, end_ms: int) -> None:
        self._env = env
        self._end_ms = end_ms
        self._timetable: Timetable[Agent] = Timetable(env, Priority.DECISION, self._wake)

    def set(self, agent: Agent) -> None:
        """Wake `agent` at its next instant of decision; now, if that has passed."""
        self._set(agent, int(self._env.now))

    def is_set_for(self, agent: Agent) -> bool:
        """Whether a wake-up of `agent` is due at some time."""
        return any(waiting is agent for _, waiting in self._timetable.pending())

    def _set(self, agent: Agent, now_ms: int) -> None:
        at_ms = agent.clock.wake_ms(agent.state.step, agent.household)
        if at_ms < self._end_ms:
            self._timetable.add(at_ms if at_ms > now_ms else now_ms, agent)

    def _wake(self, agents: list[Agent]) -> None:
        now_ms = int(self._env.now)
        while agents:
            agent = agents.pop()
            if agent.state.active:
                agent.wake(now_ms)
                self._set(agent, now_ms)


def take_part(
    env: simpy.Environment,
    alarm: AlarmClock,
    agent: Agent,
    joins_ms: int,
    leaves_ms: int | None,
    join: Callable[[Agent], None],
    leave: Callable[[Agent], None],
) -> Generator[simpy.Event, object, None]:
    """A household's life in its community.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    alarm : AlarmClock
        Wakes it from when it joins until it is no longer active.
    agent : Agent
        Who wakes.
    joins_ms, leaves_ms : int
        When it joins and leaves; None for a household that stays.
    join, leave : callable
        Told when it happens; `join` is not called for a household that is there from the start.
    """
    if joins_ms:
        yield wait_until(env, joins_ms, Priority.FAULT)
        join(agent)
    alarm.set(agent)
    if leaves_ms is not None:
        yield wait_until(env, leaves_ms, Priority.FAULT)
        leave(agent)
