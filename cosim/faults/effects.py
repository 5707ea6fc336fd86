"""What each kind of fault does when it begins and when it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from cosim.comms.disturbance import Disturbance
from cosim.comms.network import Network
from cosim.comms.schema import Direction
from cosim.core.message import PLATFORM
from cosim.core.streams import RowCache, Streams
from cosim.faults.false_reports import FalseReports, Lie, constant, inverted, scaled, stuck
from cosim.faults.fault_plan import FaultEvent
from cosim.faults.schema import (
    ClockFault,
    Duplication,
    HouseholdCrash,
    Liar,
    LossBurst,
    NonComplier,
    Partition,
    PlatformCrash,
    Replay,
    StuckMeter,
)
from cosim.regulation.agent import Agent, AgentState, Clock, DisturbedClock, forgotten
from cosim.regulation.community import Market
from cosim.regulation.membership import Members
from cosim.regulation.platform import PlatformState
from cosim.regulation.restart import restarted, saved
from cosim.trading.protocol.floor import TradingFloor


class Effect(Protocol):
    """What a fault does."""

    def begin(self, event: FaultEvent) -> None:
        """Something breaks."""

    def end(self, event: FaultEvent) -> None:
        """It is mended."""


class Sticking(Protocol):
    """A meter that can be made to stick."""

    def stick(self, value: float | None) -> None:
        """Show the same from now on."""

    def release(self) -> None:
        """Follow what is measured again, unless another fault makes it stick."""


class Crashes:
    """Households' controllers go down and come back."""

    def __init__(
        self,
        agents: Mapping[int, Agent],
        first_states: Mapping[int, AgentState],
        floor: TradingFloor | None,
        network: Network,
    ) -> None:
        self._agents = agents
        self._first_states = first_states
        self._floor = floor
        self._network = network
        self._crashes: Counter[int] = Counter()
        self._losers: set[int] = set()

    def is_down(self, household: int) -> bool:
        """Whether a household's controller is down."""
        return self._crashes[household] > 0

    def begin(self, event: FaultEvent) -> None:
        """From now on it hears, decides, reports and repeats nothing."""
        assert isinstance(event.fault, HouseholdCrash)
        (household,) = event.members
        self._crashes[household] += 1
        if event.fault.state == "lost":
            self._losers.add(household)
        if self._crashes[household] > 1:
            return
        if household in self._agents:
            self._agents[household].state.is_down = True
        self._network.abandon(lambda message: message.sender == household)
        if self._floor is not None:
            self._floor.crash(household)

    def end(self, event: FaultEvent) -> None:
        """It goes on with its next step, with what it remembers."""
        (household,) = event.members
        self._crashes[household] -= 1
        if self._crashes[household]:
            return
        keeps_state = household not in self._losers
        self._losers.discard(household)
        agent = self._agents.get(household)
        if agent is not None:
            if not keeps_state:
                agent.state = forgotten(agent.state, self._first_states[household])
            agent.state.is_down = False
        if self._floor is not None:
            self._floor.restart(household, keeps_state)


class PlatformCrashes:
    """Platforms go down and come back."""

    def __init__(self, markets: Sequence[Market], network: Network) -> None:
        self._markets = markets
        self._network = network
        self._first_states: list[PlatformState] = [saved(market.platform.state) for market in markets]
        self._crashes: Counter[int] = Counter()
        self._losers: set[int] = set()

    def begin(self, event: FaultEvent) -> None:
        """From now on it hears and sends nothing."""
        assert isinstance(event.fault, PlatformCrash)
        (number,) = event.members
        self._crashes[number] += 1
        if event.fault.restart_from == "nothing":
            self._losers.add(number)
        market = self._markets[number]
        market.is_down = True
        self._network.abandon(
            lambda message: message.sender == PLATFORM and message.recipient in market.agents
        )

    def end(self, event: FaultEvent) -> None:
        """It goes on with its next tick, from what was saved after the last one, or from nothing."""
        (number,) = event.members
        self._crashes[number] -= 1
        if self._crashes[number]:
            return
        market, first = self._markets[number], self._first_states[number]
        kept = first if number in self._losers or market.saved is None else market.saved
        self._losers.discard(number)
        market.platform.state = restarted(kept, market.platform.state.members)
        market.is_down = False


class Churning:
    """Households leave their community and come back."""

    def __init__(self, agents: Mapping[int, Agent], doors: Mapping[int, Members]) -> None:
        self._agents = agents
        self._doors = doors
        self._absences: Counter[int] = Counter()

    def begin(self, event: FaultEvent) -> None:
        """It leaves."""
        (household,) = event.members
        self._absences[household] += 1
        if self._absences[household] == 1:
            self._doors[household].leave(self._agents[household])

    def end(self, event: FaultEvent) -> None:
        """It comes back."""
        (household,) = event.members
        self._absences[household] -= 1
        if self._absences[household] == 0:
            self._doors[household].come_back(self._agents[household])


class WrongClocks:
    """Households' clocks are wrong for a time.

    The next wake-up is set already when a clock goes wrong, or right again; those after it follow the clock.
    """

    def __init__(self, agents: Mapping[int, Agent], streams: Streams, n_households: int) -> None:
        self._agents = agents
        self._streams = streams
        self._n_households = n_households
        self._right: dict[int, Clock] = {household: agent.clock for household, agent in agents.items()}
        self._faults: dict[int, list[FaultEvent]] = {}
        self._jitter: dict[str, RowCache] = {}

    def begin(self, event: FaultEvent) -> None:
        """The clock goes wrong."""
        (household,) = event.members
        self._faults.setdefault(household, []).append(event)
        self._set(household)

    def end(self, event: FaultEvent) -> None:
        """The clock is right again, or as wrong as an older fault makes it."""
        (household,) = event.members
        self._faults[household].remove(event)
        self._set(household)

    def _set(self, household: int) -> None:
        clock, faults = self._right[household], self._faults[household]
        if faults:
            fault = faults[-1].fault
            assert isinstance(fault, ClockFault)
            clock = DisturbedClock(
                clock.step_ms,
                clock.phase_ms,
                clock.slowness,
                clock.jitter_ms,
                clock.jitter,
                since_ms=faults[-1].start_ms,
                offset_ms=fault.offset_ms,
                drift=fault.drift_ppm * 1e-6,
                extra_jitter_ms=fault.jitter_ms,
                extra_jitter=self._jitter_of(faults[-1].name) if fault.jitter_ms else None,
            )
        self._agents[household].clock = clock

    def _jitter_of(self, name: str) -> RowCache:
        if name not in self._jitter:
            self._jitter[name] = RowCache(self._streams.field(f"fault/{name}/jitter"), self._n_households)
        return self._jitter[name]


class LinkTrouble:
    """Partitions, bursts of loss, copies and replays."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def begin(self, event: FaultEvent) -> None:
        """It acts on what is sent from now on."""
        self._network.disturb(disturbance(event))

    def end(self, event: FaultEvent) -> None:
        """It no longer does."""
        self._network.calm(disturbance(event))


def disturbance(event: FaultEvent) -> Disturbance:
    """What a fault of links does to them."""
    fault, households = event.fault, frozenset(event.members)
    match fault:
        case Partition():
            every: frozenset[Direction] = frozenset(("downlink", "uplink", "peer"))
            return Disturbance(event.name, every, households, spares_inside=True, loss_probability=1.0)
        case LossBurst():
            return Disturbance(
                event.name, frozenset(fault.directions), households, loss_probability=fault.loss_probability
            )
        case Duplication():
            return Disturbance(
                event.name,
                frozenset(fault.directions),
                households,
                duplication_probability=fault.duplication_probability,
            )
        case Replay():
            return Disturbance(
                event.name,
                frozenset(fault.directions),
                households,
                replay_probability=fault.replay_probability,
                replay_delay_ms=max(1, round(fault.delay_ms)),
            )
    raise TypeError(f"a fault of kind '{fault.kind}' is none of links")


class FalseReadings:
    """Households that lie, and meters that stick."""

    def __init__(
        self, agents: Mapping[int, Agent], reports: FalseReports, meters: Sequence[Sticking]
    ) -> None:
        self._agents = agents
        self._reports = reports
        self._meters = meters

    def begin(self, event: FaultEvent) -> None:
        """What is shown or reported is false from now on."""
        fault = event.fault
        if isinstance(fault, StuckMeter) and fault.meter == "feeder":
            for meter in self._meters:
                meter.stick(fault.value)
            return
        (household,) = event.members
        self._reports.lies.setdefault(household, {})[event.name] = self._lie(event, household)

    def end(self, event: FaultEvent) -> None:
        """It is true again."""
        if not event.members:
            for meter in self._meters:
                meter.release()
            return
        del self._reports.lies[event.members[0]][event.name]

    def _lie(self, event: FaultEvent, household: int) -> Lie:
        match event.fault:
            case Liar(reports="constant", value=value):
                return partial(constant, value)
            case Liar(reports="inverted"):
                return inverted
            case Liar(reports="scaled", factor=factor):
                return partial(scaled, factor)
            case StuckMeter(value=None):
                shown = self._reports.last.get(household)
                return partial(stuck, shown or tuple(self._agents[household].state.delivered))
            case StuckMeter(value=float() as value):
                return partial(constant, value)
        raise TypeError(f"a fault of kind '{event.fault.kind}' falsifies nothing")


class NonCompliance:
    """Households that do not answer the signal; of several such faults the one that began last holds."""

    def __init__(self, agents: Mapping[int, Agent]) -> None:
        self._agents = agents
        self._faults: dict[int, list[FaultEvent]] = {}

    def begin(self, event: FaultEvent) -> None:
        """It goes its own way."""
        (household,) = event.members
        self._faults.setdefault(household, []).append(event)
        self._set(household)

    def end(self, event: FaultEvent) -> None:
        """It complies, or does what an older fault makes it do."""
        (household,) = event.members
        self._faults[household].remove(event)
        self._set(household)

    def _set(self, household: int) -> None:
        state, faults = self._agents[household].state, self._faults[household]
        fault = faults[-1].fault if faults else None
        takes = fault.takes if isinstance(fault, NonComplier) else None
        state.is_deaf = takes == "as_before"
        state.fixed_request = {"nothing": 0, "everything": 1}.get(takes or "")
