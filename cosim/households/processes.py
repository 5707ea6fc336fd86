"""The SimPy side of a household in a market: it joins, wakes step after step, and leaves."""

from __future__ import annotations

from collections.abc import Callable, Generator

import simpy

from cosim.clock import Priority, wait_until
from cosim.markets.regulation.agent import Agent


def take_part(
    env: simpy.Environment,
    agent: Agent,
    joins_ms: int,
    leaves_ms: int | None,
    end_ms: int,
    join: Callable[[Agent], None],
    leave: Callable[[Agent], None],
) -> Generator[simpy.Event, object, None]:
    """A household's life in its community.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    agent : Agent
        Who wakes; its state says when next, so the process remembers nothing itself.
    joins_ms, leaves_ms : int
        When it joins and leaves; None for a household that stays.
    end_ms : int
        End of the run; no decision is made at that instant.
    join, leave : callable
        Told when it happens; `join` is not called for a household that is there from the start.
    """
    if joins_ms:
        yield wait_until(env, joins_ms, Priority.FAULT)
        join(agent)
    stops_ms = end_ms if leaves_ms is None else min(leaves_ms, end_ms)
    wake_ms, household, state = agent.clock.wake_ms, agent.household, agent.state
    while (at_ms := wake_ms(state.step, household)) < stops_ms:
        yield wait_until(env, at_ms, Priority.DECISION)
        agent.wake(int(env.now))
    if leaves_ms is not None and leaves_ms < end_ms:
        yield wait_until(env, leaves_ms, Priority.FAULT)
        leave(agent)
