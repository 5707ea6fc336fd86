"""A run in motion: processes on one clock, and what they hand to the recorders.

This is where siblings meet: households, links, platforms and the feeder know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from cosim.comms.network import Network
from cosim.comms.record import message_numbers
from cosim.core.clock import Priority, wait_until
from cosim.core.message import METER, PLATFORM, Message
from cosim.core.tables import TableStore
from cosim.engine.builder import Parts
from cosim.engine.scenario import Scenario
from cosim.faults.processes import Faults, Reach
from cosim.faults.record import FaultRecord
from cosim.grid.coupling import Coupling
from cosim.grid.limits import loading_factors
from cosim.grid.record import GridRecorder
from cosim.households.record import MeterRecorder
from cosim.regulation.agent import Agent
from cosim.regulation.aggregate import MeanReader
from cosim.regulation.community import Market
from cosim.regulation.controller import FeederReading
from cosim.regulation.feeder_meter import Gauge
from cosim.regulation.membership import Members
from cosim.regulation.mitigation_build import mitigation_numbers
from cosim.regulation.mitigation_schema import Resending
from cosim.regulation.participation import AlarmClock, take_part
from cosim.regulation.record import DECISIONS, REGULATION, DecisionRecorder, TickRecorder
from cosim.regulation.restart import saved
from cosim.trading.delivery_days import DeliveryDays
from cosim.trading.protocol.floor import TradingFloor
from cosim.trading.protocol.messages import TRADING_KINDS
from cosim.trading.record import EnergyRecorder

Process = Generator[simpy.Event, object, None]
Progress = Callable[[int, int], None]
"""Called with the simulated time (ms) and the number of events so far."""


class Simulation:
    """All processes of a run.

    Parameters
    ----------
    scenario : Scenario
        What is run.
    parts : Parts
        What was built from it.
    store : TableStore
        Where tables go.
    progress : callable
        Told now and then how far the run is.
    """

    def __init__(self, scenario: Scenario, parts: Parts, store: TableStore, progress: Progress) -> None:
        self.scenario = scenario
        self.parts = parts
        self.env = parts.env
        self.network: Network = parts.network
        self.events = 0
        self._progress = progress
        context, start = parts.context, scenario.time.start
        self._end_ms = scenario.time.duration_ms
        ticks, decisions = store.writer(REGULATION), store.writer(DECISIONS)
        self.fault_record: FaultRecord | None = None
        if parts.fault_events and parts.markets:
            self.fault_record = FaultRecord(scenario.communities, parts.fault_events, context.time)
        watch = None if self.fault_record is None else self.fault_record.take
        self._tick_recorders = [
            TickRecorder(market, ticks, start, scenario.time.warm_up_ms, watch) for market in parts.markets
        ]
        names = context.population.names
        self._decision_recorders = [
            None if market.log is None else DecisionRecorder(market, market.log, decisions, start, names)
            for market in parts.markets
        ]
        self.meter_recorder = MeterRecorder(parts.equipment, context, store) if parts.equipment else None
        self.grid_recorder: GridRecorder | None = None
        self._coupling: Coupling | None = None
        if parts.grid is not None:
            self.grid_recorder = GridRecorder(parts.grid, context, store)
            per_block = 1 if parts.grid.config.feedback else 168
            self._loading_factor = loading_factors(parts.grid.limits)
            self._coupling = Coupling(parts.grid.power_flow, self.grid_recorder.keep, per_block)
        self._aggregate_gauges = [Gauge(True, len(market.design.gains)) for market in parts.markets]
        self._feeder_gauges = [Gauge(False, len(FeederReading._fields)) for _ in parts.markets]
        if parts.energy_market is not None:
            parts.energy_market.pause = lambda: progress(int(self.env.now), self.events)
        self.days = self._delivery_days(store)
        self._connect()
        self._start_processes()

    def run(self) -> None:
        """Let time pass from the start to the end of the scenario."""
        self.env.run(until=wait_until(self.env, self._end_ms, Priority.END))
        self._progress(self._end_ms, self.events)

    def close(self) -> None:
        """Write what is still held back; also after a run that was cut short."""
        for recorder in self._tick_recorders:
            recorder.flush()
        for decisions in self._decision_recorders:
            if decisions is not None:
                decisions.flush(everything=True)
        if self.meter_recorder is not None:
            self.meter_recorder.flush()
        if self._coupling is not None:
            self._coupling.flush()

    def summary(self) -> dict[str, float | int | None]:
        """All numbers of the run."""
        result: dict[str, float | int | None] = {}
        for recorder in self._tick_recorders:
            result |= recorder.summary()
        for market in self.parts.markets:
            result |= mitigation_numbers(market.design, market.platform.state)
        if self.fault_record is not None:
            result |= self.fault_record.summary(int(self.env.now))
        result |= message_numbers(self.network)
        if self.meter_recorder is not None:
            result |= self.meter_recorder.summary()
        if self.days is not None:
            result |= self.days.summary()
        if self.grid_recorder is not None:
            result |= self.grid_recorder.summary()
        return result

    def verdict(self) -> str:
        """What the run says of the feeder's limits, in a sentence; empty without a feeder."""
        return "" if self.grid_recorder is None else self.grid_recorder.verdict()

    def _connect(self) -> None:
        """Register who hears which message."""
        network, markets = self.network, self.parts.markets
        market_of = {member: market for market in markets for member in market.agents}
        floor = None if self.days is None else self.days.floor
        for household in range(self.parts.context.population.size):
            agent = market_of[household].agents[household] if household in market_of else None
            if agent is None and floor is None:
                continue
            network.on_receive(household, _listener(agent, floor))

        def hear(message: Message) -> None:
            content: Any = message.payload
            is_report = message.kind == "report"
            market = market_of[message.sender] if is_report else markets[content[0]]
            if market.is_down:
                return
            if is_report:
                market.platform.hear_report(message.sender, message.sequence, content)
            elif message.kind == "meter":
                market.platform.hear_meter(message.sequence, content[1])
            else:
                market.platform.hear_feeder(message.sequence, content[1])

        network.on_receive(PLATFORM, hear)

    def _delivery_days(self, store: TableStore) -> DeliveryDays | None:
        """The days of the energy-value market, where the scenario has one."""
        parts = self.parts
        if parts.energy_market is None:
            return None
        recorder = EnergyRecorder(parts.context, store)
        assert parts.meters is not None  # a market of energy meters it
        return DeliveryDays(
            self.env,
            self.network,
            parts.energy_market,
            parts.meters.book,
            parts.context.streams,
            self._end_ms,
            self.scenario.interval_ms,
            recorder,
        )

    def _start_processes(self) -> None:
        env, present = self.env, self.parts.membership
        alarm = AlarmClock(env, self._end_ms)
        step_ms = self.scenario.time.step_ms
        doors = [
            Members(env, step_ms, market, recorder, alarm)
            for market, recorder in zip(self.parts.markets, self._tick_recorders, strict=True)
        ]
        for number, market in enumerate(self.parts.markets):
            door = doors[number]
            for member, agent in market.agents.items():
                leaves = int(present.leaves_ms[member])
                joins = int(present.joins_ms[member])
                stays_until = None if leaves < 0 else leaves
                env.process(take_part(env, alarm, agent, joins, stays_until, door.join, door.leave))
            env.process(self._ticks(number, market))
            if market.design.config.platform.resending is not None:
                env.process(self._repeats(market, market.design.config.platform.resending))
            if market.design.config.platform.measurement == "meter":
                env.process(self._measurements(number, market))
        self._start_faults(doors)
        if self.days is not None:
            self.days.start()
        if self.parts.meters is not None:
            env.process(self._intervals())

    def _start_faults(self, doors: list[Members]) -> None:
        parts = self.parts
        if not parts.fault_events:
            return
        floor = None if self.days is None else self.days.floor
        gauges = [*self._aggregate_gauges, *self._feeder_gauges]
        reach = Reach(
            self.network,
            parts.markets,
            doors,
            floor,
            gauges,
            parts.context.streams,
            parts.context.population.size,
        )
        Faults(self.env, parts.fault_events, reach).start()

    def _ticks(self, number: int, market: Market) -> Process:
        """Algorithm 1: measure, integrate, broadcast, step after step."""
        platform = market.platform
        recorder, decisions = self._tick_recorders[number], self._decision_recorders[number]
        reader = MeanReader(market.total)
        for step, at_ms in enumerate(self.parts.context.time.steps):
            yield wait_until(self.env, at_ms, Priority.TICK)
            aggregates = reader.read(at_ms)
            if market.is_down:
                recorder.add(step, at_ms, platform.idle(at_ms), aggregates)
            else:
                recorder.add(step, at_ms, platform.tick(at_ms), aggregates)
                market.saved = saved(platform.state) if market.is_saved else None
                self.network.broadcast("signal", step + 1, platform.state.signals, platform.state.members)
            self.events += 1 + 3 * len(platform.state.members)
            if decisions is not None:
                decisions.flush()
            self._progress(at_ms, self.events)

    def _repeats(self, market: Market, resending: Resending) -> Process:
        """Send each signal again within its step, if the platform is up and remembers it."""
        platform = market.platform
        for step, at_ms in enumerate(self.parts.context.time.steps):
            for again in range(1, resending.times + 1):
                yield wait_until(self.env, at_ms + again * resending.interval_ms, Priority.TICK)
                state = platform.state
                if state.signal_step == step + 1 and not market.is_down:
                    self.network.broadcast("signal", step + 1, state.signals, state.members, at_ms)
                    self.events += 1 + len(state.members)

    def _measurements(self, number: int, market: Market) -> Process:
        """The meter of the community's aggregate, read at the end of every step."""
        reader, gauge = MeanReader(market.total), self._aggregate_gauges[number]
        for step, at_ms in enumerate(self.parts.context.time.steps):
            yield wait_until(self.env, at_ms, Priority.METER_CLOSE)
            means = gauge.read(tuple(reader.read(at_ms)))
            self.network.send("meter", METER, PLATFORM, "meter", step, (number, means))

    def _intervals(self) -> Process:
        """Close the meters, then let the feeder answer."""
        meters, interval_ms = self.parts.meters, self.scenario.interval_ms
        assert meters is not None
        assert self.meter_recorder is not None
        for interval in range(self._end_ms // interval_ms):
            end_ms = (interval + 1) * interval_ms
            yield wait_until(self.env, end_ms, Priority.METER_CLOSE)
            reading = meters.close(interval)
            self.meter_recorder.add(interval * interval_ms, reading)
            self.events += 1
            if self.days is not None:
                self.events += self.days.meter(interval, reading)
            if self.parts.grid is not None and self._coupling is not None:
                yield wait_until(self.env, end_ms, Priority.POWER_FLOW)
                drawn = self.parts.grid.injections(reading.p_kw, reading.q_kvar, interval)
                block = self._coupling.add(end_ms - interval_ms, *drawn)
                if block is not None and self.parts.grid.config.feedback:
                    self._announce(interval, _feeder_reading(block, self._loading_factor))
            if not self.parts.markets:
                self._progress(end_ms, self.events)

    def _announce(self, interval: int, reading: FeederReading) -> None:
        for number in range(len(self.parts.markets)):
            shown = self._feeder_gauges[number].read(reading)
            self.network.send("meter", METER, PLATFORM, "feeder", interval, (number, shown))


def _listener(agent: Agent | None, floor: TradingFloor | None) -> Callable[[Message], None]:
    """What a household does with a message: an agent hears signals, the floor takes what is about trades."""
    if floor is None or agent is None:
        return floor.receive if agent is None and floor is not None else agent.hear  # type: ignore[union-attr]

    def hear(message: Message) -> None:
        if message.kind in TRADING_KINDS:
            floor.receive(message)
        else:
            agent.hear(message)

    return hear


def _feeder_reading(block: Any, loading_factor: NDArray[np.float64]) -> FeederReading:
    """Extreme voltages, and the highest loading as a percentage of the element's own limit."""
    flow = block.flow
    loadings = (flow.line_loading_percent[0], flow.trafo_loading_percent[0], flow.trafo3w_loading_percent[0])
    if not flow.converged[0]:
        return FeederReading(float("nan"), float("nan"), float("nan"))
    # Without any line or transformer nothing is loaded.
    largest = np.nanmax(np.concatenate(loadings) * loading_factor, initial=0.0)
    return FeederReading(float(np.nanmin(flow.vm_pu[0])), float(np.nanmax(flow.vm_pu[0])), float(largest))
