"""A community's platform in motion: its ticks, its repeated signals, and the meter of its aggregate."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import simpy

from cosim.comms.network import Network
from cosim.core.clock import Priority, wait_until
from cosim.core.message import METER, PLATFORM
from cosim.core.subsystem import Run
from cosim.grid.feeder_meter import FeederMeter
from cosim.regulation.aggregate import MeanReader
from cosim.regulation.community import Community
from cosim.regulation.message_kinds import AGGREGATE, SIGNAL, MeteredAggregate
from cosim.regulation.mitigations import AgainstLostSignals
from cosim.regulation.record import DecisionRecorder, TickRecorder
from cosim.regulation.restart import saved
from cosim.regulation.stretches import Stretches

Process = Generator[simpy.Event, object, None]


class PlatformProcess:
    """What happens at the platform of one community.

    Parameters
    ----------
    number : int
        Of the community.
    community : Community
        The community.
    network : Network
        The links.
    run : Run
        The run.
    steps : range
        Instants of the ticks, ms.
    end_ms : int
        End of the run.
    ticks : TickRecorder
        Told of every tick.
    decisions : DecisionRecorder or None
        Writes down decisions, where they are recorded.
    meter : FeederMeter
        Shows the aggregate.
    """

    def __init__(
        self,
        number: int,
        community: Community,
        network: Network,
        run: Run,
        steps: range,
        end_ms: int,
        ticks: TickRecorder,
        decisions: DecisionRecorder | None,
        meter: FeederMeter[tuple[float, ...]],
    ) -> None:
        self._number = number
        self._community = community
        self._network = network
        self._run = run
        self._steps = steps
        self._end_ms = end_ms
        self._recorder = ticks
        self._decisions = decisions
        self._meter = meter
        self._reader = MeanReader(community.total)
        self._next = 0  # number of the tick that comes next

    def start(self) -> None:
        """Begin."""
        env, config = self._run.env, self._community.design.config.platform
        env.process(self._ticks())
        if again_ms := config.against(AgainstLostSignals).sent_again_ms():
            env.process(self._repeats(again_ms))
        if config.measurement == "meter":
            env.process(self._measurements())

    def catch_up(self, now_ms: int) -> None:
        """Make all ticks up to now that have not been made yet."""
        community = self._community
        due = min(len(self._steps), now_ms // self._steps.step + 1)
        stretches = self._stretches
        while self._next < due:
            n_made = 0
            if stretches is not None:
                n_made = stretches.make(self._next, due - self._next, self._reader, self._recorder.add)
            if not n_made:
                self._tick(self._next, self._steps[self._next])
            self._next += max(n_made, 1)
            self._run.events += max(n_made, 1) * (1 + 3 * len(community.platform.state.members))

    @property
    def _stretches(self) -> Stretches | None:
        """Many ticks at a time; none where somebody may look at what devices do between two of them."""
        community = self._community
        is_watched = community.arrays is not None and community.arrays.has_devices and self._run.at_once == 1
        return None if is_watched else community.stretches

    def _ticks(self) -> Process:
        """Algorithm 1: measure, integrate, broadcast, step after step."""
        community, run, steps = self._community, self._run, self._steps
        while self._next < len(steps):
            together = 1 if self._stretches is None else self._stretches.most
            at_ms = steps[min(self._next + together, len(steps)) - 1]
            yield wait_until(run.env, at_ms, Priority.TICK)
            self.catch_up(at_ms)
            if self._decisions is not None:
                self._decisions.flush()
            run.pause()
        if community.arrays is not None:
            yield wait_until(run.env, self._end_ms, Priority.TICK)
            community.arrays.catch_up(self._end_ms)

    def _tick(self, step: int, at_ms: int) -> None:
        community, platform = self._community, self._community.platform
        if community.arrays is not None:
            community.arrays.catch_up(at_ms)
        aggregates, averages = self._reader.read(at_ms), community.averages()
        if community.is_down:
            self._recorder.add(step, at_ms, platform.idle(at_ms), aggregates, averages)
        else:
            self._recorder.add(step, at_ms, platform.tick(at_ms), aggregates, averages)
            community.saved = saved(platform.state) if community.is_saved else None
            self._broadcast(step + 1, at_ms, at_ms)

    def _broadcast(self, number: int, now_ms: int, first_sent_ms: int) -> None:
        """Send the signals in force to all members."""
        state, arrays = self._community.platform.state, self._community.arrays
        if arrays is not None:
            arrays.broadcast(number, state.signals, now_ms, first_sent_ms)
        else:
            self._network.broadcast(SIGNAL, number, state.signals, state.members, first_sent_ms)

    def _repeats(self, again_ms: Sequence[int]) -> Process:
        """Send each signal again within its step, if the platform is up and remembers it."""
        community, run = self._community, self._run
        for step, at_ms in enumerate(self._steps):
            for later_ms in again_ms:
                yield wait_until(run.env, at_ms + later_ms, Priority.TICK)
                state = community.platform.state
                if state.signal_step == step + 1 and not community.is_down:
                    self._broadcast(step + 1, at_ms + later_ms, at_ms)
                    run.events += 1 + len(state.members)

    def _measurements(self) -> Process:
        """The meter of the community's aggregate, read at the end of every step."""
        reader = MeanReader(self._community.total)
        for step, at_ms in enumerate(self._steps):
            yield wait_until(self._run.env, at_ms, Priority.METER_CLOSE)
            shown = MeteredAggregate(self._number, self._meter.read(tuple(reader.read(at_ms))))
            self._network.send("meter", METER, PLATFORM, AGGREGATE, step, shown)
