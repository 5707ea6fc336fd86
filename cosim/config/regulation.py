"""Configuration of the regulation market (paper A: Alam et al., 2019): communities, platforms, agents, costs.

A community is a set of households that are regulated together. It has resources (paper A has two,
consumption and production), each with a capacity, a broadcast signal and a gain.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from cosim.config.base import Finite, Fraction, Model, Name, NonNegative, Number, Positive, Probability
from cosim.config.values import (
    NonNegativeValue,
    ProbabilityValue,
    UniformInt,
    Value,
)

# --- costs ---------------------------------------------------------------------------------------------


class Section6Community1(Model):
    """Cost of paper A's Community 1 (section 6), for two resources.

    g(x, y) = δ(x+y) + a/4·(x+y−T)² + 1/2·(x−T/2)² + 1/2·(y−T/2)²
    """

    form: Literal["section6_community_1"] = "section6_community_1"
    """Which cost function this is."""
    delta: Value = 11.75
    """δ, cost of one unit on average [cost]; large enough to keep g increasing (Assumption 1)."""
    a: NonNegativeValue = UniformInt(uniform_int=(1, 10))
    """Weight of the deviation of x+y from T [cost]."""
    target: NonNegativeValue = 1.74
    """T, the desired utilisation x+y [units per step]."""


class Section6Community2(Model):
    """Cost of paper A's Community 2 (section 6), for two resources.

    g(x, y) = γ(x+y) + a/8·(x+y−T)² + 5b/4·(x+y−T)⁴ + 1/2·(x−T/2)² + 1/2·(y−T/2)²
    """

    form: Literal["section6_community_2"] = "section6_community_2"
    """Which cost function this is."""
    gamma: Value = 11.65
    """γ, cost of one unit on average [cost]. With the paper's b it does not keep g increasing everywhere."""
    a: NonNegativeValue = UniformInt(uniform_int=(1, 10))
    """Weight of the squared deviation of x+y from T [cost]."""
    b: NonNegativeValue = UniformInt(uniform_int=(1, 15))
    """Weight of the fourth power of the deviation of x+y from T [cost]."""
    target: NonNegativeValue = 1.725
    """T, the desired utilisation x+y [units per step]."""


def _one_or_list(raw: Any) -> str:
    return "each_resource" if isinstance(raw, list | tuple) else "all_resources"


NonNegativePerResource = Annotated[
    Annotated[NonNegativeValue, Tag("all_resources")]
    | Annotated[tuple[NonNegativeValue, ...], Tag("each_resource")],
    Discriminator(_one_or_list),
]
"""One value for every resource, or a list with one for each."""

SharePerResource = Annotated[
    Annotated[ProbabilityValue, Tag("all_resources")]
    | Annotated[tuple[ProbabilityValue, ...], Tag("each_resource")],
    Discriminator(_one_or_list),
]
"""A share in [0, 1], or a list with one for each resource."""


class SeparableCost(Model):
    """The general cost of paper A (26), for any number of resources; s is their sum.

    g(x) = linear·s + coupling_quadratic·(s−T)² + coupling_quartic·(s−T)⁴
    + Σ_r own_quadratic_r·(x_r−α_r T)² + own_quartic_r·(x_r−α_r T)⁴
    """

    form: Literal["separable"] = "separable"
    """Which cost function this is."""
    linear: Value
    """Cost of one unit on average [cost]; large enough to keep g increasing (Assumption 1)."""
    coupling_quadratic: NonNegativeValue = 0.0
    """Weight of (s−T)² [cost]."""
    coupling_quartic: NonNegativeValue = 0.0
    """Weight of (s−T)⁴ [cost]."""
    own_quadratic: NonNegativePerResource = 0.5
    """Weight of (x_r−α_r T)² [cost]; one value, or a list with one for each resource."""
    own_quartic: NonNegativePerResource = 0.0
    """Weight of (x_r−α_r T)⁴ [cost]; one value, or a list with one for each resource."""
    target: NonNegativeValue
    """T, the desired sum of the averages [units per step]."""
    alpha: SharePerResource | None = None
    """α_r, each resource's share of T in [0, 1] (paper A (7)). One number means (α, 1−α) and needs two
    resources; equal shares by default."""


class ConsumptionOnlyCost(Model):
    """Cost of one resource alone (paper A section 4.2).

    g(x) = linear·x + quadratic·(x−T)² + quartic·(x−T)⁴
    """

    form: Literal["consumption_only"] = "consumption_only"
    """Which cost function this is."""
    linear: Value
    """Cost of one unit on average [cost]; large enough to keep g increasing (Assumption 1)."""
    quadratic: NonNegativeValue = 0.5
    """Weight of (x−T)² [cost]."""
    quartic: NonNegativeValue = 0.0
    """Weight of (x−T)⁴ [cost]."""
    target: NonNegativeValue
    """T, the desired average consumption [units per step]."""


CostConfig = Annotated[
    Section6Community1 | Section6Community2 | SeparableCost | ConsumptionOnlyCost, Field(discriminator="form")
]
"""A household's private cost function, by its `form`."""

AnyCost = Section6Community1 | Section6Community2 | SeparableCost | ConsumptionOnlyCost
"""The Python types a `CostConfig` can have."""


# --- agents --------------------------------------------------------------------------------------------


class CumulativeAverage(Model):
    """The mean of all steps so far (paper A (3), (17)). It never forgets."""

    kind: Literal["cumulative"] = "cumulative"
    """Which average this is."""


class ExponentialAverage(Model):
    """A mean that forgets: weight 1 − exp(−1/T) on the newest step. For capacities that change."""

    kind: Literal["exponential"] = "exponential"
    """Which average this is."""
    time_constant_steps: Positive
    """T, the number of steps after which a step's weight has fallen to 1/e [steps]."""


AverageConfig = Annotated[CumulativeAverage | ExponentialAverage, Field(discriminator="kind")]
"""How a household averages its own decisions, by `kind`."""


class ZeroPhase(Model):
    """Every household wakes at the start of the step: paper A's synchronous recursion."""

    kind: Literal["zero"] = "zero"
    """Which phase this is."""


class UniformPhase(Model):
    """Each household wakes at its own instant, uniform over the step."""

    kind: Literal["uniform"] = "uniform"
    """Which phase this is."""


class GivenPhase(Model):
    """Each household wakes at its own given time after the step's start."""

    kind: Literal["given"] = "given"
    """Which phase this is."""
    phase_ms: NonNegativeValue
    """Time from the step's start to the household's decision [ms]; less than the step's length."""


PhaseConfig = Annotated[ZeroPhase | UniformPhase | GivenPhase, Field(discriminator="kind")]
"""When within a step the households wake, by `kind`."""


class AgentConfig(Model):
    """How the households of a group answer the signal (paper A, Algorithm 2)."""

    policy: Literal["additive", "proportional", "inverse_average"] = "additive"
    """The response σ: `additive` is x̄ + κ(Ω − ∇g), `proportional` paper A (20), `inverse_average` (22) as
    printed."""
    kappa: Positive = 0.3
    """κ of the additive policy [probability per unit of signal]; the other policies have none."""
    averages: AverageConfig = CumulativeAverage()
    """How the household averages its own decisions; `cumulative` is paper A (17)."""
    initial_decision: Literal[0, 1] = 1
    """x(0), the decision before the first signal, for every resource; 1 in Algorithm 2."""
    initial_average: SharePerResource | None = None
    """x̄(0) in [0, 1], one value or a list with one for each resource; the initial decision by default, as in
    Algorithm 2."""
    phase: PhaseConfig = ZeroPhase()
    """When within a step the household wakes."""
    jitter_ms: NonNegative = 0.0
    """Each wake-up is late by a new uniform time between 0 and this [ms]."""
    drift_ppm: Value = 0.0
    """The household's clock is slow by this [millionths of the elapsed time]; negative is fast."""


# --- platform ------------------------------------------------------------------------------------------


class GainMargin(Model):
    """A gain given as a share of the largest stable one, 2 sin(π / (2(2d+1))) / G."""

    margin: Positive
    """Gain over the largest stable gain; below 1 is stable, 0.2 is calm [1]."""
    delay_steps: NonNegative | None = None
    """d, the steps between a signal and the first signal made from its effect; 0 means the very next one,
    1 is paper A's recursion. Estimated from latencies and phases by default [steps]."""


def _gain_kind(raw: Any) -> str:
    return "margin" if isinstance(raw, dict | GainMargin) else "number"


GainConfig = Annotated[
    Annotated[Positive, Tag("number")] | Annotated[GainMargin, Tag("margin")], Discriminator(_gain_kind)
]
"""τ of paper A (19), (21), as a number or as a margin."""

GainPerResource = Annotated[
    Annotated[GainConfig, Tag("all_resources")]
    | Annotated[tuple[GainConfig, ...], Field(min_length=1), Tag("each_resource")],
    Discriminator(_one_or_list),
]
"""One gain for every resource, or a list with one for each."""


def _signal_kind(raw: Any) -> str:
    if isinstance(raw, bool):  # float(True) is 1
        return "gradient"
    try:
        float(raw)
    except (TypeError, ValueError):
        return "gradient"
    return "number"


SignalConfig = Annotated[
    Annotated[Finite, Tag("number")] | Annotated[Literal["gradient"], Tag("gradient")],
    Discriminator(_signal_kind),
]
"""Ω(0), as a number or as the word `gradient`."""

SignalPerResource = Annotated[
    Annotated[SignalConfig, Tag("all_resources")]
    | Annotated[tuple[SignalConfig, ...], Field(min_length=1), Tag("each_resource")],
    Discriminator(_one_or_list),
]
"""One Ω(0) for every resource, or a list with one for each."""


class Outage(Model):
    """A time in which the platform is down: it hears nothing and sends nothing."""

    start_h: NonNegative
    """Start, since the scenario's start [h]."""
    duration_h: Positive
    """Length [h]."""


class GridAwareRule(Model):
    """A resource's capacity that gives way to the feeder: additive increase, multiplicative decrease (AIMD).

    The capacity is a share of the configured one. A step in which the feeder is outside its limits multiplies
    the share by `decrease_factor`; a step inside them adds `increase_per_step`, up to 1.
    """

    resource: Name
    """The resource whose capacity gives way."""
    reacts_to: Annotated[
        tuple[Literal["overvoltage", "undervoltage", "overload"], ...], Field(min_length=1)
    ] = ("overvoltage", "overload")
    """Which violations lower the capacity."""
    vm_max_pu: Positive = 1.05
    """Overvoltage is a bus above this [pu]."""
    vm_min_pu: Positive = 0.95
    """Undervoltage is a bus below this [pu]."""
    loading_max_percent: Positive = 100.0
    """Overload is a line or transformer loaded above this [%]."""
    increase_per_step: Fraction = 0.05
    """Share of the configured capacity that a step without violation gives back [1]."""
    decrease_factor: Annotated[Number, Field(gt=0, lt=1)] = 0.5
    """What a step with a violation multiplies the share by [1]."""
    least_share: Probability = 0.1
    """The share never falls below this [1]."""

    @model_validator(mode="after")
    def _band_is_open(self) -> Self:
        if self.vm_min_pu >= self.vm_max_pu:
            raise ValueError("vm_min_pu must be below vm_max_pu; exchange or correct them")
        return self


class PlatformConfig(Model):
    """The platform's integral controller (paper A, Algorithm 1) and what it sees."""

    measurement: Literal["reports", "meter"] = "reports"
    """What the aggregate is made from: the reports that arrived, or the feeder's own measurement."""
    missing: Literal["hold_last", "zero", "scale"] = "hold_last"
    """What stands for a report that did not arrive: the household's last one, nothing, or the mean of those
    that did."""
    report: Literal["at_step_end", "at_decision"] = "at_step_end"
    """When households report: when the step ends, with what was delivered (paper A's recursion), or when they
    decide (one step less of delay)."""
    gain: GainPerResource = GainMargin(margin=0.2)
    """τ of paper A (21): a number, a stability margin, or a list with one for each resource [signal per
    unit]."""
    initial_signal: SignalPerResource = "gradient"
    """Ω(0): a number, `gradient` (where the policy's fixed point needs it; for `additive` and `proportional`
    the common gradient at the optimum), or a list with one for each resource. Paper A prints 0.06, which fits
    `inverse_average` only [signal]."""
    signal_limits: tuple[Finite, Finite] | None = None
    """Lowest and highest signal; beyond them the integrator stands still (anti-windup), so that it comes back
    at once when capacities that nobody could meet are over. None, as in paper A, by default [signal]."""
    outages: tuple[Outage, ...] = ()
    """Times in which the platform is down."""
    grid_aware: tuple[GridAwareRule, ...] = ()
    """Rules by which capacities give way to the feeder's voltages and loadings."""

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.signal_limits is not None and self.signal_limits[0] >= self.signal_limits[1]:
            raise ValueError("the first of signal_limits must be below the second; exchange them")
        return self


# --- communities ---------------------------------------------------------------------------------------


class HourlyCapacity(Model):
    """A capacity for each hour of the day."""

    by_hour: Annotated[tuple[NonNegative, ...], Field(min_length=24, max_length=24)]
    """24 capacities; the first holds from 00:00 to 01:00 in the scenario's clock [units per step]."""
    by_month: Annotated[tuple[NonNegative, ...], Field(min_length=12, max_length=12)] | None = None
    """12 factors on them, January to December; none by default [1]."""


class CapacityStep(Model):
    """A capacity that holds from an hour on, until the next one."""

    from_h: NonNegative
    """From when on, since the scenario's start [h]."""
    value: NonNegative
    """The capacity [units per step]."""


class SteppedCapacity(Model):
    """A capacity that changes at given times."""

    steps: Annotated[tuple[CapacityStep, ...], Field(min_length=1)]
    """The capacities, in order of time; the first from 0 h on."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        times = [step.from_h for step in self.steps]
        if times[0] != 0:
            raise ValueError("there is no capacity at the start; let the first step begin at from_h: 0")
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError("from_h must increase from one step to the next; put the steps in order of time")
        return self


def _capacity_kind(raw: Any) -> str:
    if isinstance(raw, HourlyCapacity) or (isinstance(raw, dict) and "by_hour" in raw):
        return "by_hour"
    return "steps" if isinstance(raw, dict | SteppedCapacity) else "number"


CapacityConfig = Annotated[
    Annotated[NonNegative, Tag("number")]
    | Annotated[HourlyCapacity, Tag("by_hour")]
    | Annotated[SteppedCapacity, Tag("steps")],
    Discriminator(_capacity_kind),
]
"""A capacity: a number, `{by_hour: [24 numbers]}`, or `{steps: [{from_h, value}, ...]}`."""

AnyCapacity = float | HourlyCapacity | SteppedCapacity
"""The Python types a `CapacityConfig` can have."""


class ResourceConfig(Model):
    """Something each household takes one unit of, or none, in a step."""

    name: Name
    """Name of the resource: `consumption`, `production`."""
    capacity: CapacityConfig
    """C of paper A (1), (2): how many units the community takes together [units per step]."""
    unit_kwh: NonNegative = 0.0
    """What one unit takes from the household's battery, at its terminals [kWh]; 0 for a resource that no
    battery stands behind, as in car sharing."""
    serves: Literal["own_load", "anything"] = "anything"
    """Of a unit from a battery: `own_load` is delivered only if the household's load, less its generation,
    takes it at every moment of the step (x of paper A section 5.2); `anything` may go to the feeder (y)."""


class CommunityConfig(Model):
    """Households that are regulated together, and the platform that does it."""

    name: Name
    """Name of the community."""
    resources: Annotated[tuple[ResourceConfig, ...], Field(min_length=1)]
    """What is regulated, in the order in which decisions are drawn."""
    platform: PlatformConfig = PlatformConfig()
    """The controller."""
    agent: AgentConfig = AgentConfig()
    """How its households answer."""
    groups: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The groups of households that belong to it. A group shares a kind of cost function: what paper A's
    section 6 calls Community 1 and Community 2 are two groups of one community."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [resource.name for resource in self.resources]
        _require_unique("resources", names)
        _require_unique("groups", list(self.groups))
        for key in ("gain", "initial_signal"):
            given = getattr(self.platform, key)
            if isinstance(given, tuple) and len(given) != len(names):
                raise ValueError(
                    f"platform.{key} lists {len(given)} values for {len(names)} resources; "
                    "give one value, or one for each resource"
                )
        strangers = [rule.resource for rule in self.platform.grid_aware if rule.resource not in names]
        if strangers:
            raise ValueError(
                f"platform.grid_aware names '{strangers[0]}', which is no resource of this community; "
                f"take one of {', '.join(names)}"
            )
        return self


def greatest_capacity(capacity: AnyCapacity) -> float:
    """The largest value that the configured capacity takes."""
    match capacity:
        case HourlyCapacity(by_hour=by_hour, by_month=by_month):
            return max(by_hour) * max(by_month or (1.0,))
        case SteppedCapacity(steps=steps):
            return max(step.value for step in steps)
        case _:
            return float(capacity)


def gains(community: CommunityConfig) -> tuple[float | GainMargin, ...]:
    """The configured gain of each resource, in order."""
    gain = community.platform.gain
    return gain if isinstance(gain, tuple) else (gain,) * len(community.resources)


def initial_signals(community: CommunityConfig) -> tuple[float | Literal["gradient"], ...]:
    """The configured Ω(0) of each resource, in order."""
    signal = community.platform.initial_signal
    return signal if isinstance(signal, tuple) else (signal,) * len(community.resources)


def _require_unique(what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} names '{twice[0]}' more than once; keep one of them, or rename it")
