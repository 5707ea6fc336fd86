"""Configuration of the regulation market (paper A: Alam et al., 2019): communities and their resources.

A community is a set of households that are regulated together. It has resources (paper A has two,
consumption and production), each with a capacity, a broadcast signal and a gain.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from cosim.config.base import (
    MAX_RESOURCES,
    Hours,
    Items,
    KilowattHours,
    Model,
    Name,
    NonNegative,
    Parts,
)
from cosim.config.hours import one_a_month, one_an_hour
from cosim.core.delivery import Unit
from cosim.devices.interface import ServiceName, services
from cosim.regulation.agent_schema import AgentConfig
from cosim.regulation.platform_schema import GainMargin, PlatformConfig


class HourlyCapacity(Model):
    """A capacity for each hour of the day."""

    by_hour: Annotated[Items[NonNegative], AfterValidator(one_an_hour)]
    """24 capacities; the first holds from 00:00 to 01:00 in the scenario's clock [units per step]."""
    by_month: Annotated[Items[NonNegative], AfterValidator(one_a_month)] | None = None
    """12 factors on them, January to December; none by default [1]."""


class CapacityStep(Model):
    """A capacity that holds from an hour on, until the next one."""

    from_h: Hours
    """From when on, since the scenario's start [h]."""
    value: NonNegative
    """The capacity [units per step]."""


class SteppedCapacity(Model):
    """A capacity that changes at given times."""

    steps: Annotated[Items[CapacityStep], Field(min_length=1)]
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
    unit_kwh: KilowattHours = 0.0
    """What one unit takes from a household's device, at its terminals [kWh]; 0 for a resource that no device
    stands behind, as in car sharing."""
    serves: ServiceName = "anything"
    """Which service of the households' devices a unit is. Of a battery, `own_load` follows the household's
    load, less its generation, through the step and delivers what that takes, up to the unit (x of paper A
    section 5.2); `anything` is given evenly, whole or not at all, and may go to the feeder (y)."""

    @property
    def unit(self) -> Unit:
        """What devices are asked for."""
        is_served = self.unit_kwh or services()[self.serves][1].own_unit
        return Unit(self.unit_kwh, self.serves if is_served else "")


class CommunityConfig(Model):
    """Households that are regulated together, and the platform that does it."""

    name: Name
    """Name of the community."""
    resources: Annotated[tuple[ResourceConfig, ...], Field(min_length=1, max_length=MAX_RESOURCES)]
    """What is regulated, in the order in which decisions are drawn."""
    platform: PlatformConfig = PlatformConfig()
    """The controller."""
    agent: AgentConfig = AgentConfig()
    """How its households answer."""
    groups: Annotated[Parts[Name], Field(min_length=1)]
    """The groups of households that belong to it. A group shares a kind of cost function: what paper A's
    section 6 calls Community 1 and Community 2 are two groups of one community."""

    @property
    def units(self) -> list[Unit]:
        """What devices are asked for, by resource."""
        return [resource.unit for resource in self.resources]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [resource.name for resource in self.resources]
        _require_unique("resources", names)
        _require_unique("groups", list(self.groups))
        compensation = self.platform.delay_compensation
        listable = {
            "gain": self.platform.gain,
            "initial_signal": self.platform.initial_signal,
            "delay_compensation.slope": None if compensation is None else compensation.slope,
        }
        for key, given in listable.items():
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
