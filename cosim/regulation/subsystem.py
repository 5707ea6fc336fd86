"""Communities (paper A) as a subsystem of a run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol, Self

import simpy

from cosim.comms.latency import TraceReader
from cosim.comms.schema import CommsConfig
from cosim.comms.subsystem import Comms
from cosim.comms.trace import trace_reader
from cosim.core.clock import Priority, wait_until
from cosim.core.context import Context
from cosim.core.delivery import BulkDeliverer, Deliverer
from cosim.core.errors import InputError, Problem
from cosim.core.message import METER, PLATFORM, Message, platform_of
from cosim.core.numbers import Summary
from cosim.core.subsystem import ANY_NUMBER, Run, Setup, Subsystem, Uses
from cosim.core.tables import Parameters
from cosim.grid.feeder_meter import FeederMeter
from cosim.grid.measurement import FeederReading
from cosim.grid.schema import GridConfig
from cosim.grid.subsystem import PowerGrid
from cosim.households.subsystem import Households
from cosim.regulation import deeds_at_limits, mitigation_numbers, tracking
from cosim.regulation import design as loop
from cosim.regulation.array_community import build_in_arrays
from cosim.regulation.capacity_rule_doubts import rule_doubts
from cosim.regulation.community import Community, build_community
from cosim.regulation.community_checks import community_problems
from cosim.regulation.design import Design, design
from cosim.regulation.design_lines import design_lines
from cosim.regulation.energy_balance import balance_problems
from cosim.regulation.group_schema import Grouped
from cosim.regulation.heard_reports import Report
from cosim.regulation.loop_warnings import loop_problems
from cosim.regulation.membership import Members
from cosim.regulation.membership_times import Membership, membership
from cosim.regulation.memory import memory_line, memory_problems
from cosim.regulation.message_kinds import (
    AGGREGATE,
    CAPACITY,
    FEEDER,
    REPORT,
    SIGNAL,
    CapacityOrder,
    MeteredAggregate,
    MeteredFeeder,
)
from cosim.regulation.participation import AlarmClock, take_part
from cosim.regulation.platform_process import PlatformProcess
from cosim.regulation.record import (
    DECISIONS,
    REGULATION,
    DecisionRecorder,
    TickRecorder,
    agent_parameters,
)
from cosim.regulation.recorded import Recorded, is_recorded
from cosim.regulation.report_channel import ReportChannel
from cosim.regulation.route import EngineConfig, against_arrays, array_obstacles
from cosim.regulation.schema import CommunityConfig


class Regulated(Protocol):
    """What it reads of a scenario."""

    @property
    def communities(self) -> Sequence[CommunityConfig]:
        """The communities."""

    @property
    def groups(self) -> Sequence[Grouped]:
        """The households."""

    @property
    def comms(self) -> CommsConfig:
        """The links."""

    @property
    def grid(self) -> GridConfig | None:
        """The feeder."""

    @property
    def record(self) -> Recorded:
        """What is written down."""

    @property
    def engine(self) -> EngineConfig:
        """How it is computed."""


class Regulation(Subsystem[Regulated]):
    """All communities of a run.

    Attributes
    ----------
    communities : list of Community
        The communities.
    membership : Membership
        When households join and leave.
    members : list of Members
        Where the households of each join and leave; there once the run has started.
    reports : ReportChannel
        The way of all reports.
    aggregate_meters, feeder_meters : list of FeederMeter
        What the feeder meter shows to each platform.
    recorders : list of TickRecorder
        Of each community; there once the run has started.
    """

    tables = (REGULATION, DECISIONS)
    numbers = (*tracking.NUMBERS, *deeds_at_limits.NUMBERS, *loop.NUMBERS, *mitigation_numbers.NUMBERS)

    def __init__(
        self,
        setup: Setup,
        communities: list[Community],
        present: Membership,
        reports: ReportChannel,
        links: Comms,
        households: Households | None,
        grid: PowerGrid | None,
    ) -> None:
        self.communities = communities
        self.reports = reports
        self.aggregate_meters = [
            FeederMeter(_all_at(len(community.design.gains))) for community in communities
        ]
        self.feeder_meters = [FeederMeter[FeederReading]() for _ in communities]
        self.members: list[Members] = []
        self.recorders: list[TickRecorder] = []
        self._context = setup.context
        self.membership = present
        self._network = links.network
        self._households = households
        self._grid = grid
        self._platforms: list[PlatformProcess] = []
        self._decisions: list[DecisionRecorder] = []
        self._run: Run | None = None
        self._moments = deeds_at_limits.DeedsAtLimits(setup.context.time)
        self.against_arrays: list[list[str]] = []
        self._community_of = {member: community for community in communities for member in community.agents}

    @classmethod
    def uses(cls, source: Regulated) -> Uses:
        """Downlinks and uplinks of its members, and the meter's link where something is measured."""
        members = frozenset(name for community in source.communities for name in community.groups)
        if not members:
            return Uses()
        is_measured = any(community.platform.measurement == "meter" for community in source.communities)
        has_meter = is_measured or (source.grid is not None and source.grid.feedback)
        meter: dict[str, frozenset[str]] = {"meter": frozenset()} if has_meter else {}
        return Uses({"downlink": members, "uplink": members, **meter})

    @classmethod
    def check(cls, source: Regulated, context: Context, uses: Uses) -> Iterator[Problem]:
        """Communities against groups, links and grid."""
        has_feedback = source.grid is not None and source.grid.feedback
        yield from community_problems(source.communities, source.groups, source.comms, has_feedback, context)

    @classmethod
    def build(cls, source: Regulated, setup: Setup) -> Self | None:
        """Every community with its controller and its agents in their initial state; there may be none."""
        households, links, grid = setup.of(Households), setup.of(Comms), setup.of(PowerGrid)
        if grid is not None:
            setup.warn(rule_doubts(source.communities, grid.feeder, grid.limits))
        reader = trace_reader(setup.context.folder) if links is None else links.read_trace
        designs = _designs(source, setup.context, reader)
        if links is None:  # it has errors, and there will be no run
            return None
        present = membership(
            [group.membership for group in source.groups], setup.context.population, setup.context.streams
        )
        reports = ReportChannel(links.network)
        obstacles = [array_obstacles(each, present, setup.uses.one_by_one, links.network) for each in designs]
        route = source.engine.route
        n_steps = len(setup.context.time.steps)
        against = [
            against_arrays(route, found, len(each.members) * n_steps)
            for each, found in zip(designs, obstacles, strict=True)
        ]
        in_arrays = [not reasons for reasons in against]
        refused = [*_refused_arrays(designs, obstacles)] if route == "arrays" else []
        refused += memory_problems(designs, in_arrays, n_steps)
        if refused:
            raise InputError(refused)
        context = setup.context
        recorded = is_recorded(source.record.decisions, context.streams, context.population.size)
        communities = [
            build_in_arrays(
                each,
                context,
                links.network,
                _together(each, households),
                recorded,
                is_apart="platform" not in setup.uses.links,
            )
            if is_array
            else build_community(each, context, present, _devices(each, households), reports.report, recorded)
            for each, is_array in zip(designs, in_arrays, strict=True)
        ]
        made = cls(setup, communities, present, reports, links, households, grid)
        made.against_arrays = against
        return made

    def doubts(self) -> Iterator[Problem]:
        """Loops that swing or never close, and devices that will stand empty or idle."""
        designs = [community.design for community in self.communities]
        yield from loop_problems(designs, self._context)
        if self._households is not None:
            communities = [made.config for made in designs]
            equipment, demand = self._households.equipment, self._households.demand
            yield from balance_problems(communities, equipment, demand, self._context)

    def parameters(self) -> Parameters:
        """Community, policy, cost and clock of each member."""
        return agent_parameters(self.communities, self.membership, self._context.population.size)

    def explain(self) -> Iterator[str]:
        """The controller of each community."""
        for community in self.communities:
            yield f"# controller of community {community.design.config.name}"
            yield from design_lines(community.design)
        for community, found in zip(self.communities, self.against_arrays, strict=True):
            yield f"# route of community {community.design.config.name}"
            yield _route_line(community, found)
            yield memory_line(community, len(self._context.time.steps))

    def start(self, run: Run) -> None:
        """Let agents and platforms hear, and start them."""
        time, names = self._context.time, self._context.population.names
        ticks, decisions = run.store.writer(REGULATION), run.store.writer(DECISIONS)
        alarm = AlarmClock(run.env, time.duration_ms)
        self._run = run
        self._hear()
        for number, community in enumerate(self.communities):
            recorder = TickRecorder(community, ticks, time)
            if self._grid is not None:
                recorder.watchers.append(self._moments.take)
            log = community.log
            written = None if log is None else DecisionRecorder(community, log, decisions, time.start, names)
            if community.arrays is None:
                members = Members(run.env, time.step_ms, community, recorder, alarm)
                self.members.append(members)
                self._let_in(run, alarm, community, members)
                run.env.process(_change_costs(run, community, recorder))
            self.recorders.append(recorder)
            self._decisions += [] if written is None else [written]
            meter = self.aggregate_meters[number]
            platform = PlatformProcess(
                number, community, self._network, run, time.steps, time.duration_ms, recorder, written, meter
            )
            platform.start()
            self._platforms.append(platform)

    def intervals_at_once(self, interval: int) -> int:
        """Any number, where no community asks devices before anybody has to know what they did."""
        asking = [each for each in self.communities if self._households and _asks(each.design)]
        return ANY_NUMBER if all(each.stretches is not None for each in asking) else 1

    def before_meters(self, now_ms: int) -> None:
        """Bring arrays with devices up to now."""
        for community, platform in zip(self.communities, self._platforms, strict=True):
            if community.arrays is not None and community.arrays.has_devices:
                platform.catch_up(now_ms)
                community.arrays.catch_up(now_ms)

    def save(self) -> None:
        """Write ticks and decisions that wait; platforms and arrays are brought up to now before."""
        assert self._run is not None
        now_ms = int(self._run.env.now)
        for community, platform in zip(self.communities, self._platforms, strict=True):
            platform.catch_up(now_ms)
            if community.arrays is not None:
                community.arrays.catch_up(now_ms)
        self.close()
        if self._grid is not None:
            self._moments.keep(self._grid.worst_ms.values(), now_ms)

    def close(self) -> None:
        """Write ticks and decisions that wait."""
        for recorder in self.recorders:
            recorder.flush()
        for decisions in self._decisions:
            decisions.flush(everything=True)

    def summary(self) -> Summary:
        """How communities followed their capacities, and how their loops are."""
        result: Summary = {}
        for recorder in self.recorders:
            result |= recorder.summary()
        for community in self.communities:
            result |= mitigation_numbers.mitigation_numbers(community.design, community.platform.state)
        return result | ({} if self._grid is None else self._moments.result(self._grid.worst_ms))

    def _let_in(self, run: Run, alarm: AlarmClock, community: Community, members: Members) -> None:
        """Let each household of a community live its life there."""
        for member, agent in community.agents.items():
            leaves, joins = int(self.membership.leaves_ms[member]), int(self.membership.joins_ms[member])
            stays_until = None if leaves < 0 else leaves
            run.env.process(take_part(run.env, alarm, agent, joins, stays_until, members.join, members.leave))

    def _hear(self) -> None:
        """Say who hears what."""
        network = self._network
        for number, community in enumerate(self.communities):
            network.on_receive(platform_of(number), CAPACITY, self._hear_capacity)
            for member, agent in community.agents.items():
                network.on_receive(member, SIGNAL, agent.hear)
        network.on_receive(PLATFORM, REPORT, self._hear_report)
        network.on_receive(PLATFORM, AGGREGATE, self._hear_aggregate)
        network.on_receive(PLATFORM, FEEDER, self._hear_feeder)
        if self._grid is not None:
            self._grid.on_reading(self._announce)

    def _hear_report(self, message: Message[Report]) -> None:
        community = self._community_of[message.sender]
        if not community.is_down:
            community.platform.hear_report(message.sender, message.sequence, message.payload)

    def _hear_aggregate(self, message: Message[MeteredAggregate]) -> None:
        community = self.communities[message.payload.community]
        if not community.is_down:
            community.platform.hear_meter(message.sequence, message.payload.means)

    def _hear_capacity(self, message: Message[CapacityOrder]) -> None:
        order = message.payload
        community = self.communities[order.community]
        if not community.is_down:
            community.platform.hear_capacity(message.sequence, order.resource, order.units)

    def _hear_feeder(self, message: Message[MeteredFeeder]) -> None:
        community = self.communities[message.payload.community]
        if not community.is_down:
            community.platform.hear_feeder(message.sequence, message.payload.reading)

    def _announce(self, interval: int, reading: FeederReading) -> None:
        """Tell every platform what the feeder meter shows of an interval."""
        for number, meter in enumerate(self.feeder_meters):
            shown = MeteredFeeder(number, meter.read(reading))
            self._network.send("meter", METER, PLATFORM, FEEDER, interval, shown)


def _change_costs(
    run: Run, community: Community, recorder: TickRecorder
) -> Generator[simpy.Event, object, None]:
    """Let costs change, each before anything else that happens at its instant."""
    costs = community.design.schedule
    for from_ms, numbers in costs.changes[1:]:
        yield wait_until(run.env, from_ms, Priority.FAULT)
        recorder.flush()
        recorder.members_changed()
        community.change_costs(costs.of(numbers))


def _refused_arrays(designs: Sequence[Design], obstacles: Sequence[list[str]]) -> Iterator[Problem]:
    """Every reason why arrays that are asked for cannot be."""
    for designed, found in zip(designs, obstacles, strict=True):
        for reason in found:
            message = f"community '{designed.config.name}' cannot be stepped as arrays: {reason}"
            yield Problem(
                message, "Set `engine.route: auto`, which takes arrays where it can.", "engine.route"
            )


def _route_line(community: Community, against: Sequence[str]) -> str:
    if community.arrays is not None:
        return "arrays: all households at once between two signals"
    return f"processes, one household at a time: {'; '.join(against)}"


def _all_at(n_resources: int) -> Callable[[float], tuple[float, ...]]:
    return lambda value: (value,) * n_resources


def _designs(source: Regulated, context: Context, reader: TraceReader) -> list[Design]:
    """The controller of each community.

    Raises
    ------
    InputError
        With what is wrong with any of them.
    """
    designs: list[Design] = []
    problems: list[Problem] = []
    for number, community in enumerate(source.communities):
        try:
            designs.append(design(number, community, source.groups, source.comms, context, reader))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return designs


def _devices(designed: Design, households: Households | None) -> Sequence[Deliverer] | None:
    """What carries out decisions; None where no device stands behind any resource."""
    equipment = households.equipment if households is not None else None
    return equipment.households if equipment is not None and _asks(designed) else None


def _together(designed: Design, households: Households | None) -> BulkDeliverer | None:
    """What carries out decisions of all at once; likewise."""
    if households is None or households.equipment is None or not _asks(designed):
        return None
    return households.together(designed.members, designed.config.units)


def _asks(designed: Design) -> bool:
    return any(unit.service for unit in designed.config.units)
