"""What a scenario would hold in memory at one time, beyond what each number's own range says."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cosim.comms.latency import LatencyModel
from cosim.comms.schema import LinkConfig, resolve
from cosim.config.base import MAX_MS
from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.core.errors import Problem
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario
from cosim.faults.schema import AnyFault, Partition, PlatformCrash, Replay

MOST_MESSAGES = 2_000_000
"""Most messages under way at one time: at some 400 bytes each they leave a computer of 2 GiB working."""
MOST_HOUSEHOLD_DAYS = 1_000_000
"""Most days of households in the energy-value market: hourly outlooks, 384 bytes a day, are held whole."""
MOST_FAILURES = 200_000
"""Most failures at random in a run: they are drawn before it starts."""


def size_problems(loaded: LoadedScenario) -> Iterator[Problem]:
    """Refusals of what would not fit into memory, each with its estimate."""
    yield from _messages(loaded, loaded.scenario)
    yield from _market(loaded, loaded.scenario)
    yield from _failures(loaded, loaded.scenario)


def _messages(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    """Signals and reports, each held while it travels and for as long as it may be repeated."""
    held_ms = [("comms.default", _held_ms(scenario.comms.default))]
    for number, override in enumerate(scenario.comms.overrides):
        link = resolve(scenario.comms, override.direction or "uplink", override.group, override.household)
        held_ms.append((f"comms.overrides.{number}", _held_ms(link)))
    held_ms += [
        (f"faults.{number}.delay_ms", fault.delay_ms)
        for number, fault in enumerate(scenario.faults)
        if isinstance(fault, Replay) and fault.enabled
    ]
    path, longest_ms = max(held_ms, key=lambda place: place[1])
    sizes = {group.name: group.households for group in scenario.groups}
    per_step = sum(
        sum(sizes.get(name, 0) for name in community.groups)
        * (2 + (community.platform.resending.times if community.platform.resending else 0))
        for community in scenario.communities
    )
    at_once = per_step * min(longest_ms, scenario.time.duration_ms) / scenario.time.step_ms
    if at_once > MOST_MESSAGES:
        lasts_h = min(longest_ms, scenario.time.duration_ms) / MS_PER_HOUR
        message = (
            f"about {at_once:,.0f} messages would be under way at one time: {per_step:,} a step, each for up "
            f"to {lasts_h:,.4g} h; {MOST_MESSAGES:,} fit into memory"
        )
        remedy = "Shorten latencies, timeouts or retries, lengthen step_s, or use fewer households."
        yield loaded.problem(path, message, remedy)


def _held_ms(link: LinkConfig) -> float:
    """How long a message is held on the mean: on its way, in the queue, and while it may be repeated."""
    travels_ms = _mean_ms(link.latency)
    if link.bandwidth_kbit_per_s is not None:
        travels_ms += 8 * link.message_bytes / link.bandwidth_kbit_per_s * (link.queue_messages + 1)
    if link.delivery == "at_most_once":
        return travels_ms
    return travels_ms + link.timeout_ms * (link.retries + 1)


def _mean_ms(latency: LatencyModel) -> float:
    """Mean of a latency; that of a file, which is known when it is read, counts as 0."""
    return min(latency.distribution(lambda trace: np.zeros(1)).mean_ms, MAX_MS)


def _market(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    """The energy-value market: every household's days, and each seller's offers to all at one instant."""
    market = scenario.energy_value
    if market is None:
        return
    days = scenario.n_households * scenario.time.duration_ms / MS_PER_DAY
    if days > MOST_HOUSEHOLD_DAYS:
        message = (
            f"{scenario.n_households:,} households plan {days:,.0f} days in all, whose hours are held whole; "
            f"{MOST_HOUSEHOLD_DAYS:,} fit into memory"
        )
        yield loaded.problem("energy_value", message, "Shorten the run, or use fewer households.")
    if not market.rules.regime.trades:
        return
    sellers = sum(group.households for group in scenario.groups if group.generates)
    offers = sellers * (scenario.n_households - 1)
    if offers > MOST_MESSAGES:
        message = (
            f"{sellers:,} sellers would publish {offers:,} offers at one instant, each to every other "
            f"household; {MOST_MESSAGES:,} fit into memory"
        )
        yield loaded.problem("energy_value.rules.rule", message, "Use fewer households, or `no_trading`.")


def _failures(loaded: LoadedScenario, scenario: Scenario) -> Iterator[Problem]:
    """Failures at random, by the mean time from one to the next."""
    days = scenario.time.duration_ms / MS_PER_DAY
    for number, fault in enumerate(scenario.faults):
        if not fault.enabled or fault.rate_per_day is None or fault.mean_duration_h is None:
            continue
        period_days = 1 / fault.rate_per_day + fault.mean_duration_h * MS_PER_HOUR / MS_PER_DAY
        lasts_days = min(days, (fault.duration_h or math.inf) * MS_PER_HOUR / MS_PER_DAY)
        failures = _concerned(fault, scenario) * lasts_days / period_days
        if failures > MOST_FAILURES:
            message = (
                f"about {failures:,.0f} failures at random would be drawn before the run; "
                f"{MOST_FAILURES:,} are what cosim takes"
            )
            remedy = "Lower rate_per_day, let them last longer, or name fewer households."
            yield loaded.problem(f"faults.{number}.rate_per_day", message, remedy, f"{fault.rate_per_day:g}")


def _concerned(fault: AnyFault, scenario: Scenario) -> int:
    """How many fail on their own, at most."""
    if isinstance(fault, PlatformCrash):
        return len(fault.communities or scenario.communities)
    if isinstance(fault, Partition) or fault.kind in ("loss_burst", "duplication", "replay"):
        return 1
    n = scenario.n_households
    return min(fault.count or n, math.ceil((fault.share or 1.0) * n))
