"""A community whose households are arrays, built."""

from __future__ import annotations

import math
from array import array

import numpy as np
from numpy.typing import NDArray

from cosim.comms.bulk_draws import RowBlocks, stacked_rows, uniform_rows
from cosim.comms.network import Network
from cosim.core.clock import MS_PER_SECOND
from cosim.core.context import Context
from cosim.core.delivery import BulkDeliverer
from cosim.regulation.aggregate import ActiveSum
from cosim.regulation.answer_loops import answer_rules
from cosim.regulation.community import Community, platform_rules, slowness_of
from cosim.regulation.decision_rule import DecisionRule
from cosim.regulation.design import Design
from cosim.regulation.heard_reports import initial_reports
from cosim.regulation.household_arrays import ArrayRules, CommunityArrays, HouseholdArrays
from cosim.regulation.loop_delay import first_heard_step
from cosim.regulation.message_kinds import REPORT, SIGNAL
from cosim.regulation.mitigations import AgainstLostSignals
from cosim.regulation.platform import Platform, PlatformState
from cosim.regulation.report_arrays import ReportArrays
from cosim.regulation.signals_heard import SignalsHeard
from cosim.regulation.stretches import stretches_of
from cosim.regulation.wake_ups import WakeUps


def build_in_arrays(
    designed: Design,
    context: Context,
    network: Network,
    devices: BulkDeliverer | None,
    recorded: NDArray[np.bool_],
    is_apart: bool,
) -> Community:
    """The community's platform and households in their initial state; see `build_community`.

    `devices` carries out all decisions, where a device stands behind any resource. `is_apart` says that
    between two ticks nobody reads the platform's signals or sets its capacities.
    """
    config, time, members = designed.config, context.time, designed.members
    n, n_resources = len(members), len(config.resources)
    initial = (float(config.agent.initial_decision),) * n_resources
    everyone = members.tolist()
    total = ActiveSum([config.agent.initial_decision * n] * n_resources)
    log = array("d") if recorded[members].any() else None
    slowness = slowness_of(designed, context)
    due = first_heard_step(designed.phases_ms, designed.up_ms, time.step_ms)
    reports = ReportArrays(np.asarray(due, np.int64), initial)
    rules = platform_rules(designed, context)
    state = PlatformState(
        signals=designed.signals,
        shares=[1.0] * len(config.platform.grid_aware),
        reports=initial_reports([], initial),
        members=everyone,
        metered=tuple(value * n for value in initial),
        gains=designed.gains,
        delays=rules.against_delay.first_delays(rules.loop),
    )
    averages = np.array(designed.initial_averages, np.float64)
    arrays = CommunityArrays(
        members=members,
        rules=_rules(designed, context),
        wake_ups=_wake_ups(designed, context, slowness),
        averages=averages,
        delivered=np.full_like(averages, float(config.agent.initial_decision)),
        signals=SignalsHeard(n, designed.signals, time.step_ms),
        reports=reports,
        total=total,
        down=network.in_bulk("downlink", SIGNAL, everyone),
        up=network.in_bulk("uplink", REPORT, everyone),
        devices=devices,
        meters_ms=0 if devices is None or time.interval_ms % time.step_ms else time.interval_ms,
    )
    platform = Platform(rules, state, reports)
    repeats = config.platform.against(AgainstLostSignals).sent_again_ms()
    return Community(
        design=designed,
        costs=designed.costs,
        platform=platform,
        agents={},
        total=total,
        log=log,
        active=np.ones(n, dtype=bool),
        position={},
        slowness=slowness,
        arrays=HouseholdArrays(arrays, log, recorded[members]),
        stretches=stretches_of(arrays, platform, len(time.steps), is_apart and log is None and not repeats),
    )


def _rules(designed: Design, context: Context) -> ArrayRules:
    config, members = designed.config, designed.members
    silence = config.agent.in_silence
    fields = [
        context.streams.field(f"decision/{config.name}/{resource.name}") for resource in config.resources
    ]
    return ArrayRules(
        average=config.agent.averages,
        decision=DecisionRule(designed.costs, designed.responses),
        answers=answer_rules(config.agent.averages, designed.costs, designed.responses),
        draws=RowBlocks(stacked_rows(fields, members), len(fields) * len(members)),
        report_at_end=config.platform.report == "at_step_end",
        silent_after_ms=math.inf if silence is None else silence.after_s * MS_PER_SECOND,
        silent_request=0 if silence is None else silence.request,
        step_ms=context.time.step_ms,
    )


def _wake_ups(designed: Design, context: Context, slowness: np.ndarray) -> WakeUps:
    agent, members, time = designed.config.agent, designed.members, context.time
    jitter = None
    if agent.jitter_ms:
        jitter = RowBlocks(uniform_rows(context.streams.field("jitter"), members), len(members))
    return WakeUps(time.step_ms, designed.phases_ms, slowness, agent.jitter_ms, jitter, time.duration_ms)
