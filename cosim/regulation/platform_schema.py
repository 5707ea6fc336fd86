"""Configuration of the platform that regulates a community (paper A, Algorithm 1): gain, signal, reports."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from cosim.config.base import (
    Finite,
    Fraction,
    LoadingPercent,
    Model,
    Name,
    OpenFraction,
    Parts,
    Probability,
    VoltagePu,
)
from cosim.config.choice import Choice
from cosim.config.per_resource import one_or_list
from cosim.core.errors import listed
from cosim.regulation.control_laws import CONTROL_LAWS, ControlLaw, IntegralControl
from cosim.regulation.gain_schema import GainMargin, GainPerResource, number_or_word
from cosim.regulation.measured_gain import MeasuredGain
from cosim.regulation.mitigation import TROUBLES
from cosim.regulation.mitigations import MITIGATIONS, Mitigation

M = TypeVar("M", bound=Mitigation)


SignalConfig = Annotated[
    Annotated[Finite, Tag("number")] | Annotated[Literal["gradient"], Tag("word")],
    Discriminator(number_or_word),
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
    min_share: Probability = 0.1
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
    mitigations: Annotated[
        tuple[Annotated[Mitigation, Choice(MITIGATIONS)], ...], Field(max_length=len(TROUBLES))
    ] = ()
    """What is done against delay, lost signals and false reports, at most one against each; nothing by
    default."""
    grid_aware: Parts[GridAwareRule] = ()
    """Rules that lower capacities in response to the feeder's voltages and loadings."""

    @field_validator("signal_limits")
    @classmethod
    def _limits_in_order(cls, limits: tuple[float, float] | None) -> tuple[float, float] | None:
        if limits is not None and limits[0] >= limits[1]:
            raise ValueError("the first of signal_limits must be below the second; swap them")
        return limits

    @model_validator(mode="after")
    def _one_against_each_trouble(self) -> Self:
        for trouble in TROUBLES:
            answers = [f"'{each.kind}'" for each in self.mitigations if isinstance(each, trouble)]
            if len(answers) > 1:
                raise ValueError(
                    f"mitigations {listed(answers)} are all against {trouble.against}; keep one of them"
                )
        return self

    @model_validator(mode="after")
    def _mitigations_have_what_they_need(self) -> Self:
        gains = self.gain if isinstance(self.gain, tuple) else (self.gain,)
        for each in self.mitigations:
            if self.measurement == "meter" and each.needs_reports:
                raise ValueError(
                    f"mitigation '{each.kind}' works on reports; set measurement: reports, or remove it"
                )
            if isinstance(each, MeasuredGain) and not any(isinstance(gain, GainMargin) for gain in gains):
                raise ValueError(
                    "mitigation 'measured_gain' has no gain that is given as a margin; "
                    "give gain: {margin: ...}, or remove it"
                )
        return self

    def against(self, trouble: type[M]) -> M:
        """The mitigation that is against a trouble; one that does nothing where there is none."""
        return next((each for each in self.mitigations if isinstance(each, trouble)), trouble())
