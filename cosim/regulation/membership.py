"""Who takes part in a community: households come, go, and come back."""

from __future__ import annotations

import numpy as np
import simpy

from cosim.regulation.agent import Agent
from cosim.regulation.agent_state import AgentState, initial_copy
from cosim.regulation.community import Community
from cosim.regulation.loop_delay import first_heard_step
from cosim.regulation.participation import AlarmClock
from cosim.regulation.record import TickRecorder


class Members:
    """Who takes part in one community: they join, leave and come back through it.

    Parameters
    ----------
    env : simpy.Environment
        The clock.
    step_ms : int
        Length of a market step.
    community : Community
        The community.
    recorder : TickRecorder
        Must be told before its members change.
    alarm : AlarmClock
        Wakes those who are in.

    Attributes
    ----------
    first_states : dict of int to AgentState
        What each household remembers at the start, for those who begin anew.
    """

    def __init__(
        self,
        env: simpy.Environment,
        step_ms: int,
        community: Community,
        recorder: TickRecorder,
        alarm: AlarmClock,
    ) -> None:
        self._env = env
        self._step_ms = step_ms
        self._community = community
        self._recorder = recorder
        self._alarm = alarm
        self.first_states: dict[int, AgentState] = {
            household: initial_copy(agent.state) for household, agent in community.agents.items()
        }

    def join(self, agent: Agent) -> None:
        """A household takes part from now on; the platform tells it the signals as they stand."""
        self._recorder.flush()
        self._recorder.members_changed()
        community, now_ms = self._community, int(self._env.now)
        initial = community.design.config.agent.initial_decision
        n_resources = len(community.design.config.resources)
        community.active[community.position[agent.household]] = True
        for resource in range(n_resources):
            community.total.change(now_ms, resource, initial)
        agent.state.signals = community.platform.state.signals
        agent.state.signal_step, agent.state.signal_sent_ms = -(-now_ms // self._step_ms), now_ms
        agent.state.answered = agent.state.signal_step
        agent.state.step = agent.clock.first_step(now_ms)
        if agent.device is not None:
            agent.device.regulate(agent.rules.units, now_ms, True)
        community.platform.join(agent.household, (float(initial),) * n_resources, self._due_step(agent))

    def _due_step(self, agent: Agent) -> int:
        """The first tick at which a report of a household that has just joined can be there."""
        designed = self._community.design
        wakes_ms = np.array([agent.clock.wake_ms(agent.state.step, agent.household)])
        up_ms = designed.up_ms[[self._community.position[agent.household]]]
        return int(first_heard_step(wakes_ms, up_ms, self._step_ms)[0])

    def leave(self, agent: Agent) -> None:
        """A household takes part no more."""
        self._recorder.flush()
        self._recorder.members_changed()
        agent.leave(int(self._env.now))
        self._community.active[self._community.position[agent.household]] = False
        self._community.platform.leave(agent.household)

    def come_back(self, agent: Agent) -> None:
        """A household that has left joins again, as one that was never there."""
        left = agent.state
        agent.state = initial_copy(self.first_states[agent.household])
        agent.state.is_down, agent.state.is_deaf = left.is_down, left.is_deaf
        agent.state.fixed_request = left.fixed_request
        self.join(agent)
        if self._alarm.is_set_for(agent):  # it was away for less than a step: its alarm still stands
            agent.state.step = left.step
        else:
            self._alarm.set(agent)
