"""Configuration of the platform that regulates a community (paper A, Algorithm 1): gain, signal, reports."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from cosim.config.base import (
    Finite,
    Fraction,
    LoadingPercent,
    Model,
    Name,
    OpenFraction,
    Parts,
    Positive,
    Probability,
    VoltagePu,
)
from cosim.config.choice import Choice
from cosim.config.per_resource import one_or_list
from cosim.regulation.aggregates import AGGREGATES, Aggregate
from cosim.regulation.aggregates.plain import PlainSum
from cosim.regulation.control_laws import CONTROL_LAWS, ControlLaw, IntegralControl
from cosim.regulation.mitigation_schema import DelayConfig, Resending, SmithPredictor


class GainMargin(Model):
    """A gain given as a share of the largest stable one: 2 sin(π / (2(2d+1))) / G, with `delay_compensation`
    more."""

    margin: Positive
    """Gain over the largest stable gain; below 1 is stable, 0.2 is calm [1]."""
    delay_steps: DelayConfig = "estimated"
    """d, the steps between a signal and the first signal made from its effect; 0 means the very next one, 1
    is paper A's recursion. `estimated` from latencies and phases; `measured` from the reports during the
    run, beginning with the estimate, and τ follows [steps]."""
    time_constant_steps: Positive = 20.0
    """Memory of the exponential filter behind a measured delay [steps]."""


def _gain_kind(raw: Any) -> str:
    return "margin" if isinstance(raw, dict | GainMargin) else "number"


GainConfig = Annotated[
    Annotated[Positive, Tag("number")] | Annotated[GainMargin, Tag("margin")], Discriminator(_gain_kind)
]
"""τ of paper A (19), (21), as a number or as a margin."""

GainPerResource = Annotated[
    Annotated[GainConfig, Tag("all_resources")]
    | Annotated[Parts[GainConfig], Field(min_length=1), Tag("each_resource")],
    Discriminator(one_or_list),
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
    | Annotated[Parts[SignalConfig], Field(min_length=1), Tag("each_resource")],
    Discriminator(one_or_list),
]
"""One Ω(0) for every resource, or a list with one for each."""


class GridAwareRule(Model):
    """A resource's capacity that gives way to the feeder: additive increase, multiplicative decrease (AIMD).

    The capacity is a share of the configured one. A step in which the feeder is outside its limits multiplies
    the share by `decrease_factor`; a step inside them adds `increase_per_step`, up to 1.
    """

    resource: Name
    """The resource whose capacity is lowered."""
    reacts_to: Annotated[
        tuple[Literal["overvoltage", "undervoltage", "overload"], ...], Field(min_length=1, max_length=3)
    ] = ("overvoltage", "overload")
    """Which violations lower the capacity."""
    vm_max_pu: VoltagePu = 1.05
    """Overvoltage is a bus above this [pu]."""
    vm_min_pu: VoltagePu = 0.95
    """Undervoltage is a bus below this [pu]."""
    loading_max_percent: LoadingPercent = 100.0
    """Overload is a line or transformer loaded above this share of its own limit (`grid.limits`) [%]."""
    increase_per_step: Fraction = 0.05
    """Share of the configured capacity that a step without violation gives back [1]."""
    decrease_factor: OpenFraction = 0.5
    """What a step with a violation multiplies the share by [1]."""
    least_share: Probability = 0.1
    """The share never falls below this [1]."""

    @model_validator(mode="after")
    def _band_is_open(self) -> Self:
        if self.vm_min_pu >= self.vm_max_pu:
            raise ValueError("vm_min_pu must be below vm_max_pu; swap or correct them")
        return self


class PlatformConfig(Model):
    """The platform's integral controller (paper A, Algorithm 1) and what it sees."""

    measurement: Literal["reports", "meter"] = "reports"
    """What the aggregate is computed from: the reports that arrived, or the feeder's own measurement."""
    missing: Literal["hold_last", "zero", "scale"] = "hold_last"
    """What stands for a report that did not arrive: the household's last one, nothing (Schenato, 2009,
    compares these two), or the mean of those that did (Cochran, 1977). With `zero` more than the capacity is
    taken."""
    report: Literal["at_step_end", "at_decision"] = "at_step_end"
    """When households report: when the step ends, with what was delivered (paper A's recursion), or when they
    decide (one step less of delay)."""
    control: Annotated[ControlLaw, Choice(CONTROL_LAWS)] = IntegralControl()
    """How a signal follows from what was measured; `capacity_event` is one bit, for `agent.decision: aimd`,
    and begins with 0."""
    gain: GainPerResource = GainMargin(margin=0.2)
    """τ of paper A (21): a number, a stability margin, or a list with one for each resource [signal per
    unit]."""
    initial_signal: SignalPerResource = "gradient"
    """Ω(0), in cost/unit or, under `inverse_average`, in unit³/cost: a number, `gradient` (where the policy's
    fixed point needs it; for `additive` and `proportional` the common gradient at the optimum), or a list
    with one for each resource. Paper A prints 0.06, which fits `inverse_average` only [signal]."""
    signal_limits: tuple[Finite, Finite] | None = None
    """Lowest and highest signal; beyond them the integrator stops (anti-windup), so that it recovers at once
    after capacities that nobody could meet. None, as in paper A, by default [signal]."""
    delay_compensation: SmithPredictor | None = None
    """Prediction of what the reports do not yet show; none by default."""
    aggregate: Annotated[Aggregate, Choice(AGGREGATES)] = PlainSum()
    """How the reports become one aggregate; a plain sum by default."""
    resending: Resending | None = None
    """Whether signals are sent again within their step; by default they are sent once."""
    grid_aware: Parts[GridAwareRule] = ()
    """Rules that lower capacities in response to the feeder's voltages and loadings."""

    @field_validator("signal_limits")
    @classmethod
    def _limits_in_order(cls, limits: tuple[float, float] | None) -> tuple[float, float] | None:
        if limits is not None and limits[0] >= limits[1]:
            raise ValueError("the first of signal_limits must be below the second; swap them")
        return limits

    @model_validator(mode="after")
    def _reports_where_they_are_needed(self) -> Self:
        if self.measurement == "reports":
            return self
        needs = [
            ("aggregate", self.aggregate.needs_reports),
            ("delay_compensation with delay_steps: measured", _is_measured(self.delay_compensation)),
            ("gain with delay_steps: measured", any(map(_is_measured, _each(self.gain)))),
        ]
        for what, is_used in needs:
            if is_used:
                raise ValueError(f"{what} works on reports; set measurement: reports, or remove it")
        return self

    @model_validator(mode="after")
    def _one_answer_to_delay(self) -> Self:
        if self.delay_compensation is not None and any(map(_is_measured, _each(self.gain))):
            raise ValueError(
                "delay_compensation and a gain with delay_steps: measured are two answers to the same "
                "delay; keep one of them"
            )
        return self


def _each(gain: Any) -> tuple[Any, ...]:
    return gain if isinstance(gain, tuple) else (gain,)


def _is_measured(part: object) -> bool:
    return isinstance(part, GainMargin | SmithPredictor) and part.delay_steps == "measured"
