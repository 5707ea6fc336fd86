"""Configuration of the households that answer a signal (paper A, Algorithm 2): policy, averages, clock."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cosim.config.base import Milliseconds, Model, PositiveSeconds
from cosim.config.choice import Choice
from cosim.config.per_resource import SharePerResource
from cosim.config.values import DriftPpmValue, HoursValue, MillisecondsValue, PositiveHoursValue
from cosim.regulation.averages import AVERAGES, Average, CumulativeAverage
from cosim.regulation.decisions import DECISIONS, Decision
from cosim.regulation.decisions.whole_and_parts import Drawn
from cosim.regulation.policies import POLICIES, Policy
from cosim.regulation.policies.additive import Additive
from cosim.regulation.report_privacy import REPORTINGS, ExactReports, Reporting


class ZeroPhase(Model):
    """Every household wakes at the start of the step: paper A's synchronous recursion."""

    kind: Literal["zero"] = "zero"
    """Kind of phase."""


class UniformPhase(Model):
    """Each household wakes at its own instant, uniform over the step."""

    kind: Literal["uniform"] = "uniform"
    """Kind of phase."""


class GivenPhase(Model):
    """Each household wakes at its own given time after the step's start."""

    kind: Literal["given"] = "given"
    """Kind of phase."""
    phase_ms: MillisecondsValue
    """Time from the step's start to the household's decision [ms]; less than the step's length."""


PhaseConfig = Annotated[ZeroPhase | UniformPhase | GivenPhase, Field(discriminator="kind")]
"""When within a step the households wake, by `kind`."""


class SilenceConfig(Model):
    """What a household does in its community once it has heard no signal for a long time."""

    after_s: PositiveSeconds
    """Age of the newest signal from which on it counts as silence, s."""
    request: Literal[0, 1]
    """What it asks its devices for in each step then, of every resource: 1 is the whole unit, as for a
    vehicle that charges at once; 0 is nothing, as for one that waits."""


class AgentConfig(Model):
    """How the households of a group answer the signal (paper A, Algorithm 2)."""

    policy: Annotated[Policy, Choice(POLICIES)] = Additive()
    """The response σ; a group may have one of its own (`groups[].policy`)."""
    averages: Annotated[Average, Choice(AVERAGES)] = CumulativeAverage()
    """How the household averages its own decisions; `cumulative` is paper A (17)."""
    decision: Annotated[Decision, Choice(DECISIONS)] = Drawn()
    """What it makes of the response: a whole unit by chance, a part of one, or additive increase and
    multiplicative decrease (`aimd`, which needs no policy)."""
    reports: Annotated[Reporting, Choice(REPORTINGS)] = ExactReports()
    """What it tells the platform: the truth, or with noise that keeps it private."""
    initial_decision: Literal[0, 1] = 1
    """x(0), the decision before the first signal, for every resource; 1 in Algorithm 2."""
    initial_average: SharePerResource | None = None
    """x̄(0) in [0, 1], one value or a list with one for each resource; the initial decision by default, as in
    Algorithm 2."""
    phase: PhaseConfig = ZeroPhase()
    """When within a step the household wakes."""
    jitter_ms: Milliseconds = 0.0
    """Each wake-up is late by a new uniform time between 0 and this, which is less than a step [ms]."""
    drift_ppm: DriftPpmValue = 0.0
    """The household's clock is slow by this [millionths of the elapsed time]; negative is fast."""
    in_silence: SilenceConfig | None = None
    """What it does when no signal arrives; by default it goes on with the newest one that it has."""


class MembershipConfig(Model):
    """When a household takes part in its community's market; its load and PV stay either way."""

    joins_h: HoursValue = 0.0
    """When it joins, in hours after the start."""
    leaves_h: PositiveHoursValue | None = None
    """When it leaves, in hours after the start; by default it stays to the end."""
