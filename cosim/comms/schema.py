"""Configuration of links: what delays, loses, repeats, reorders and cuts messages, and where."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator

from cosim.comms.latency import ConstantLatency, LatencyConfig
from cosim.comms.loss import LossConfig, NoLoss
from cosim.config.added_keys import left_out_at_will, set_keys
from cosim.config.base import (
    LARGEST,
    Count,
    Hours,
    Items,
    Model,
    Name,
    Number,
    PositiveCount,
    PositiveHours,
    Probability,
    Range,
    Repeats,
    WholeMilliseconds,
)
from cosim.core.errors import Problem, suggest

Direction = Literal["downlink", "uplink", "peer", "meter", "platform"]
"""Platform to household, household to platform, household to household, feeder meter to platform; between
the platforms of communities, and between a local firm and a platform."""

DIRECTIONS: tuple[Direction, ...] = ("downlink", "uplink", "peer", "meter", "platform")
"""All directions."""

OF_NO_HOUSEHOLD: tuple[Direction, ...] = ("meter", "platform")
"""Those whose links belong to no household."""

Ordering = Literal["free", "in_order"]
Delivery = Literal["at_most_once", "at_least_once", "exactly_once"]


class OutageWindow(Model):
    """A time in which the link takes no message."""

    start_h: Hours
    """Start, in hours since the scenario's start (h)."""
    duration_h: PositiveHours
    """Length (h)."""


class LinkConfig(Model):
    """What a link does to its messages.

    In this order: outage windows, loss, duplication, bandwidth with a finite queue, latency, ordering.
    """

    latency: LatencyConfig = ConstantLatency()
    """How long a message travels."""
    loss: LossConfig = NoLoss()
    """How messages get lost."""
    duplication_probability: Probability = 0
    """Probability that a message which is not lost is carried twice, each copy with its own latency."""
    ordering: Ordering = "free"
    """`free`: a later message may overtake an earlier one; `in_order`: it waits for it. A retransmission
    counts as a later message."""
    bandwidth_kbit_per_s: Annotated[Number, Range(0.001, LARGEST)] | None = None
    """Rate of the transmitter (kbit/s); without one, transmission takes no time and there is no queue."""
    queue_messages: Count = 100
    """How many messages may wait, not counting the one in transmission; one more is lost."""
    outages: Items[OutageWindow] = ()
    """Times in which every message that is sent is lost; what is already on its way still arrives."""
    delivery: Delivery = "at_most_once"
    """`at_most_once`: sent and forgotten; `at_least_once`: acknowledged and repeated, the receiver may see a
    message twice; `exactly_once`: acknowledged and repeated, the receiver sees a message once."""
    timeout_ms: WholeMilliseconds = 5000
    """How long the sender waits for an acknowledgement before it repeats a message (ms)."""
    retries: Repeats = 3
    """How often a message is repeated before the sender gives up."""
    lifetime_ms: WholeMilliseconds | None = None
    """A message older than this on arrival expires and is not handed over (ms); without one, none does."""
    message_bytes: PositiveCount = 64
    """Size of every message on the wire, acknowledgements too (bytes)."""


class LinkOverride(Model):
    """Other values for some links, by the keys of a link; one that is not given (or null) keeps its value.

    `latency`, `loss` and `outages` are replaced as a whole; an empty list of outages removes them.
    """

    direction: Direction | None = None
    """Only links of this direction; without it, all."""
    group: Name | None = None
    """Only links of households in this group (a peer link belongs to its sender); without it, all."""
    household: Name | None = None
    """Only links of this household (a peer link belongs to its sender); without it, all."""

    @model_validator(mode="after")
    def _applies_to_something(self) -> Self:
        if self.direction in OF_NO_HOUSEHOLD and (self.group is not None or self.household is not None):
            whose = "the meter's link belongs" if self.direction == "meter" else "links of platforms belong"
            raise ValueError(f"{whose} to no household; leave out group and household, or the direction")
        if not self.changes():
            raise ValueError(
                "this override changes nothing; give at least one of: " + ", ".join(LinkConfig.model_fields)
            )
        return self

    def changes(self) -> dict[str, Any]:
        """The link keys that this override sets, with their values."""
        return {
            name: value
            for name in LinkConfig.model_fields
            if name in self.model_fields_set and (value := getattr(self, name)) is not None
        }

    def applies_to(self, direction: Direction, group: str | None, household: str | None) -> bool:
        """Whether the override covers the link of this direction, group and household."""
        return (
            self.direction in (None, direction)
            and self.group in (None, group)
            and self.household in (None, household)
        )

    def specificity(self) -> tuple[bool, bool, bool]:
        """Sort key: a household beats a group, a group beats a direction, a direction beats nothing."""
        return (self.household is not None, self.group is not None, self.direction is not None)


set_keys(LinkOverride, {**LinkOverride.model_fields, **left_out_at_will(LinkConfig)})


class CommsConfig(Model):
    """The network: a default link, and what is different where."""

    default: LinkConfig = LinkConfig()
    """The link that holds wherever no override says otherwise."""
    overrides: Items[LinkOverride] = ()
    """Applied from the least to the most specific (direction, group, household); of two equally specific
    ones, the later wins."""


def resolve(
    config: CommsConfig, direction: Direction, group: str | None, household: str | None
) -> LinkConfig:
    """The configuration of one link: the default, then every override that covers it.

    Parameters
    ----------
    config : CommsConfig
        The network's configuration.
    direction : {"downlink", "uplink", "peer", "meter", "platform"}
        Direction of the link.
    group, household : str or None
        Names of the household the link belongs to and of its group; None for links of no household.

    Returns
    -------
    LinkConfig
        Overrides apply from the least to the most specific; later ones win among equals. A key counts
        only where it was given; `latency`, `loss` and `outages` are replaced as a whole.
    """
    merged: dict[str, Any] = {}
    for override in sorted(config.overrides, key=LinkOverride.specificity):
        if override.applies_to(direction, group, household):
            merged.update(override.changes())
    # Every value was validated in its override by the same type, so copying loses no check.
    return config.default.model_copy(update=merged) if merged else config.default


def unmatched_overrides(
    config: CommsConfig, groups: Iterable[str], households: Collection[str]
) -> list[Problem]:
    """Problems with overrides that name a group or a household which is not among these."""
    known = {"group": list(dict.fromkeys(groups)), "household": list(households)}
    problems = []
    for index, override in enumerate(config.overrides):
        for key, names in known.items():
            name = getattr(override, key)
            if name is not None and name not in names:
                problems.append(
                    Problem(
                        f"no {key} has this name, so the override would never apply",
                        suggest(name, names) or f"Give the name of an existing {key}.",
                        f"comms.overrides.{index}.{key}",
                        value=name,
                    )
                )
    return problems
