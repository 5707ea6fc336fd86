"""One community, built: its platform and its agents in their initial state."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.comms.draws import Rows
from cosim.core.clock import MS_PER_SECOND
from cosim.core.context import Context
from cosim.core.delivery import Deliverer
from cosim.core.streams import RowCache, Streams
from cosim.regulation.agent import Agent, DecisionLog, Rules
from cosim.regulation.agent_clock import Clock
from cosim.regulation.agent_state import AgentState
from cosim.regulation.aggregate import ActiveSum
from cosim.regulation.community_costs import Costs
from cosim.regulation.decisions.whole_and_parts import Drawn
from cosim.regulation.design import Design, capacity_reader, per_member
from cosim.regulation.heard_reports import initial_reports
from cosim.regulation.household_arrays import HouseholdArrays
from cosim.regulation.loop_delay import first_heard_step
from cosim.regulation.membership_times import Membership
from cosim.regulation.mitigations import AgainstDelay, AgainstFalseReports
from cosim.regulation.platform import Platform, PlatformRules, PlatformState
from cosim.regulation.report_privacy import ExactReports, reported
from cosim.regulation.schema import CommunityConfig
from cosim.regulation.stretches import Stretches

_ROWS_KEPT = 64
"""Rows of draws that are held: households whose clocks drift are at different steps."""


@dataclass
class Community:
    """A community while it runs."""

    design: Design
    """What it was made from."""
    costs: Costs
    """Of its households, as they are in force."""
    platform: Platform
    """Its controller."""
    agents: dict[int, Agent]
    """Its households by number, in the order of `design.members`."""
    total: ActiveSum
    """What they deliver in sum."""
    log: DecisionLog | None
    """Decisions not yet written; None where they are not recorded."""
    active: NDArray[np.bool_]
    """Who takes part now, in the order of `design.members`. Shape (n,)."""
    position: dict[int, int]
    """Place of a household in `design.members`."""
    slowness: NDArray[np.float64]
    """Real over nominal time of each household's clock. Shape (n,)."""
    arrays: HouseholdArrays | None = None
    """Its households all at once, where they are stepped as arrays; then there are no agents."""
    stretches: Stretches | None = None
    """Many of its steps at once, where these can be."""
    is_down: bool = False
    """Whether its platform is down."""
    is_saved: bool = False
    """Whether the platform's state is written down after every tick."""
    saved: PlatformState | None = None
    """What was written down last."""

    def averages(self) -> NDArray[np.float64]:
        """x̄ of each resource and household as it stands, shape (m, n)."""
        if self.arrays is not None:
            return self.arrays.averages()
        return np.array([agent.state.averages for agent in self.agents.values()]).T

    def change_costs(self, costs: Costs) -> None:
        """From now on its households have these; not where they are arrays."""
        self.costs = costs
        for position, agent in enumerate(self.agents.values()):
            agent.take_cost(costs.household(position))


def build_community(
    designed: Design,
    context: Context,
    present: Membership,
    households: Sequence[Deliverer] | None,
    report: Callable[[int, int, tuple[float, ...], int], None],
    recorded: NDArray[np.bool_],
) -> Community:
    """The community's platform and agents in their initial state.

    Parameters
    ----------
    designed : Design
        Its controller.
    context : Context
        The run.
    present : Membership
        When its households take part.
    households : sequence of Deliverer or None
        What carries out decisions; None where no device stands behind any resource.
    report : callable
        Sends (household, step, delivered, number of the signal answered) to the platform.
    recorded : ndarray of bool, shape (n_households,)
        Whose decisions are written down.
    """
    config, members = designed.config, designed.members
    n_resources = len(config.resources)
    initial = (config.agent.initial_decision,) * n_resources
    there = [int(member) for member in members if present.joins_ms[member] == 0]
    total = ActiveSum([config.agent.initial_decision * len(there)] * n_resources)
    log = array("d") if recorded[members].any() else None
    units, silence = config.units, config.agent.in_silence
    rules = Rules(
        average=config.agent.averages,
        draws=_decision_draws(config, context.streams, context.population.size),
        units=units,
        report_at_end=config.platform.report == "at_step_end",
        silent_after_ms=math.inf if silence is None else silence.after_s * MS_PER_SECOND,
        silent_request=0 if silence is None else silence.request,
        decision=None if isinstance(config.agent.decision, Drawn) else config.agent.decision,
    )
    if not isinstance(config.agent.reports, ExactReports):
        fields = [context.streams.field(f"report/{config.name}/{each.name}") for each in config.resources]
        draws = [RowCache(field, context.population.size) for field in fields]
        report = reported(config.agent.reports, draws, report)
    if households is not None:
        for member in there:
            households[member].regulate(units, 0, True)
    slowness = slowness_of(designed, context)
    clocks = _clocks(designed, context, slowness)
    policies = designed.responses.of_each()
    agents = {}
    for position, member in enumerate(members.tolist()):
        averages = [float(average[position]) for average in designed.initial_averages]
        agents[member] = Agent(
            household=member,
            cost=designed.costs.household(position),
            policy=policies[position],
            rules=rules,
            clock=clocks[position],
            state=AgentState(0, 0, designed.signals, 0, 0, averages, list(initial)),
            device=None if households is None else households[member],
            total=total,
            report=report,
            log=log if recorded[member] else None,
        )
    platform = _platform(designed, context, there)
    active = np.isin(members, there)
    return Community(
        design=designed,
        costs=designed.costs,
        platform=platform,
        agents=agents,
        total=total,
        log=log,
        active=active,
        position={member: position for position, member in enumerate(members.tolist())},
        slowness=slowness,
    )


def _decision_draws(config: CommunityConfig, streams: Streams, n_households: int) -> Rows[tuple[float, ...]]:
    """The uniform numbers of all decisions, by step: for each household one for each resource."""
    fields = [streams.field(f"decision/{config.name}/{resource.name}") for resource in config.resources]

    def make(step: int) -> list[tuple[float, ...]]:
        return list(zip(*(field.row(step, n_households).tolist() for field in fields), strict=True))

    return Rows(make, _ROWS_KEPT)


def platform_rules(designed: Design, context: Context) -> PlatformRules:
    """How the platform of a community works."""
    config = designed.config
    names = [resource.name for resource in config.resources]
    return PlatformRules(
        step_ms=context.time.step_ms,
        gains=designed.gains,
        measurement=config.platform.measurement,
        missing=config.platform.missing,
        capacities=capacity_reader(config, context.time),
        signal_limits=config.platform.signal_limits or (-math.inf, math.inf),
        grid_aware=tuple((names.index(rule.resource), rule) for rule in config.platform.grid_aware),
        against_delay=config.platform.against(AgainstDelay),
        against_false_reports=config.platform.against(AgainstFalseReports),
        loop=designed.loop,
        control=config.platform.control,
    )


def _platform(designed: Design, context: Context, members: list[int]) -> Platform:
    config, n_households = designed.config, context.population.size
    initial = (float(config.agent.initial_decision),) * len(config.resources)
    rules = platform_rules(designed, context)
    due = np.zeros(n_households, dtype=np.int64)
    due[designed.members] = first_heard_step(designed.phases_ms, designed.up_ms, rules.step_ms)
    state = PlatformState(
        signals=designed.signals,
        shares=[1.0] * len(rules.grid_aware),
        reports=initial_reports(due.tolist(), initial),
        members=sorted(members),
        metered=tuple(value * len(members) for value in initial),
        gains=designed.gains,
        delays=rules.against_delay.first_delays(rules.loop),
        means=[initial] * n_households if rules.against_false_reports.weight else [],
    )
    return Platform(rules, state)


def slowness_of(designed: Design, context: Context) -> NDArray[np.float64]:
    drift_ppm = per_member(designed.config, context, "drift_ppm", designed.config.agent.drift_ppm)
    return np.asarray(1.0 + drift_ppm * 1e-6)


def _clocks(designed: Design, context: Context, slowness: NDArray[np.float64]) -> list[Clock]:
    agent, n_households = designed.config.agent, context.population.size
    jitter = RowCache(context.streams.field("jitter"), n_households) if agent.jitter_ms else None
    return [
        Clock(context.time.step_ms, int(phase), float(slow), agent.jitter_ms, jitter)
        for phase, slow in zip(designed.phases_ms, slowness, strict=True)
    ]
