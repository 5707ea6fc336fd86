"""Configuration of communities (paper A: Alam et al., 2019): communities and their resources.

A community is a set of households that are regulated together. It has resources (paper A has two,
consumption and production), each with a capacity, a broadcast signal and a gain.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Field, Tag, model_validator

from cosim.config.base import MAX_RESOURCES, KilowattHours, Model, Name, NonNegative, Parts
from cosim.config.choice import Choice
from cosim.core.delivery import Unit
from cosim.devices.services import ServiceName, services
from cosim.regulation.agent_schema import AgentConfig
from cosim.regulation.capacities import CAPACITIES, Capacity
from cosim.regulation.gain_schema import GainMargin
from cosim.regulation.mitigations import AgainstDelay
from cosim.regulation.platform_schema import PlatformConfig


def _capacity_form(raw: Any) -> str:
    return "rule" if isinstance(raw, dict | str | Capacity) and not _is_number(raw) else "number"


def _is_number(raw: Any) -> bool:
    try:
        float(raw)
    except (TypeError, ValueError):
        return False
    return True


CapacityConfig = Annotated[
    Annotated[NonNegative, Tag("number")] | Annotated[Capacity, Choice(CAPACITIES), Tag("rule")],
    Discriminator(_capacity_form),
]
"""A capacity: a number, or a rule by its `kind`."""


class ResourceConfig(Model):
    """Something each household takes one unit of, or none, in a step."""

    name: Name
    """Name of the resource: `consumption`, `production`."""
    capacity: CapacityConfig
    """C of paper A (1), (2): how many units the community takes together [units per step]."""
    unit_kwh: KilowattHours = 0.0
    """What one unit takes from a household's device, at its terminals [kWh]; 0 for a resource that no device
    stands behind, as in car sharing, and where a device says itself what its unit is."""
    serves: ServiceName = "anything"
    """Which service of the households' devices a unit is. Of a battery, `own_load` follows the household's
    load, less its generation, through the step and delivers what that takes, up to the unit (x of paper A
    section 5.2); `anything` is given evenly, whole or not at all, and may go to the feeder (y). A unit of
    `ev_charging` or `heat_pump` is the device's own power for a step, and has no `unit_kwh`."""

    @property
    def unit(self) -> Unit:
        """What devices are asked for."""
        is_served = self.unit_kwh or services()[self.serves].own_unit
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
        control, decision = self.platform.control, self.agent.decision
        if control.is_event != decision.needs_events:
            raise ValueError(
                f"platform.control '{control.kind}' and agent.decision '{decision.kind}' do not go together: "
                "capacity events are answered by aimd, and aimd answers nothing else; change one of them"
            )
        if control.is_event and (mitigation := self.platform.against(AgainstDelay).kind):
            raise ValueError(f"a capacity event has no delay to compensate; remove mitigation '{mitigation}'")
        served = [resource.name for resource in self.resources if resource.unit.service]
        if decision.takes_parts and served:
            raise ValueError(
                f"agent.decision '{decision.kind}' takes parts of a unit, and devices deliver '{served[0]}' "
                "whole; regulate a resource without unit_kwh, or choose `drawn`"
            )
        listable: dict[str, object] = {
            "gain": self.platform.gain,
            "initial_signal": self.platform.initial_signal,
        }
        for number, each in enumerate(self.platform.mitigations):
            listable |= {f"mitigations.{number}.{key}": getattr(each, key) for key in each.each_resource}
        for key, given in listable.items():
            if isinstance(given, tuple) and len(given) != len(names):
                raise ValueError(
                    f"platform.{key} lists {len(given)} values for {len(names)} resources; "
                    "give one value, or one for each resource"
                )
        strangers = [rule.resource for rule in self.platform.grid_aware if rule.resource not in names]
        if strangers:
            raise ValueError(
                f"platform.grid_aware names '{strangers[0]}', which is not a resource of this "
                f"community; use one of {', '.join(names)}"
            )
        return self


def greatest_capacity(capacity: float | Capacity) -> float:
    """The largest value that a configured capacity takes."""
    return capacity.greatest() if isinstance(capacity, Capacity) else float(capacity)


def capacities_over(
    capacity: float | Capacity, elapsed_ms: NDArray[np.int64], start: datetime
) -> NDArray[np.float64]:
    """A configured capacity at many instants, shape (n,)."""
    if isinstance(capacity, Capacity):
        return capacity.over(elapsed_ms, start)
    return np.full(len(elapsed_ms), float(capacity))


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
