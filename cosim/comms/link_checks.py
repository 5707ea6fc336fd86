"""What is doubtful about links: messages that can never arrive, and values that no link has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from cosim.comms.latency import LatencyModel
from cosim.comms.loss import LossModel
from cosim.comms.schema import (
    DIRECTIONS,
    OF_NO_HOUSEHOLD,
    CommsConfig,
    Direction,
    LinkConfig,
    LinkOverride,
    resolve,
)
from cosim.config.base import MAX_MS
from cosim.core.context import Context
from cosim.core.errors import Problem, count, listed
from cosim.core.population import Population

MOST_MESSAGES = 2_000_000
"""Most messages under way at one time: at some 400 bytes each they leave a computer of 2 GiB working."""
_DEFAULT = -1
"""Stands for the default link where overrides are numbered."""


class Links(NamedTuple):
    """Links of one direction that messages are sent over and that all have the same configuration."""

    direction: Direction
    """Where they lead."""
    group: str | None
    household: str | None
    """Whose they are; no household for those of a group that no override names, neither for the meter's."""
    n_households: int
    """How many households they belong to; 0 for the meter's."""


Used = Mapping[str, Collection[str]]
"""Over which links messages are sent: by direction, those of which groups; of the meter's, whether at all."""


def link_doubts(comms: CommsConfig, used: Used, context: Context) -> Iterator[Problem]:
    """Warnings about links that lose everything, overrides without effect, and a default that none has."""
    links = links_in_use(comms, used, context.population)
    if not links:
        return
    origins = {link: _origins(comms, link) for link in links}
    yield from _that_lose_everything(comms, context, origins)
    yield from _without_effect(comms, context, origins)
    yield from _that_no_link_has(comms, context, origins)


def links_in_use(comms: CommsConfig, used: Used, population: Population) -> list[Links]:
    """All links over which messages are sent."""
    named = {override.household for override in comms.overrides}
    found: list[Links] = []
    for direction in DIRECTIONS:
        if direction in OF_NO_HOUSEHOLD:
            found += [Links(direction, None, None, 0)] if direction in used else []
            continue
        for group in population.named(used.get(direction, ())):
            names = population.names[group.first : group.last]
            own = [name for name in names if name in named]
            found += [Links(direction, group.name, name, 1) for name in own]
            if len(names) > len(own):
                found.append(Links(direction, group.name, None, len(names) - len(own)))
    return found


def _origins(comms: CommsConfig, link: Links) -> dict[str, int]:
    """For each key of a link the number of the override that it has its value from, or `_DEFAULT`."""
    origins = dict.fromkeys(LinkConfig.model_fields, _DEFAULT)
    covering = [
        (number, override)
        for number, override in enumerate(comms.overrides)
        if override.applies_to(link.direction, link.group, link.household)
    ]
    for number, override in sorted(covering, key=lambda each: LinkOverride.specificity(each[1])):
        origins |= dict.fromkeys(override.changes(), number)
    return origins


def _that_lose_everything(
    comms: CommsConfig, context: Context, origins: dict[Links, dict[str, int]]
) -> Iterator[Problem]:
    losses: list[tuple[int, LossModel | None]] = [(_DEFAULT, comms.default.loss)]
    losses += [(number, override.changes().get("loss")) for number, override in enumerate(comms.overrides)]
    for number, loss in losses:
        if loss is None or not loss.loses_everything():
            continue
        having = [link for link, origin in origins.items() if origin["loss"] == number]
        if having:
            message = f"every message is lost on {_named(having)}"
            remedy = "Lower the loss, or override it for some of these links."
            yield context.problem(f"{_path(number)}.loss", message, remedy, warning=True)
        elif number == _DEFAULT:
            message = "the default link loses every message, and overrides undo that on all links in use"
            remedy = "Set the intended loss as the default: links without an override would lose everything."
            yield context.problem(f"{_path(number)}.loss", message, remedy, warning=True)


def _without_effect(
    comms: CommsConfig, context: Context, origins: dict[Links, dict[str, int]]
) -> Iterator[Problem]:
    population = context.population
    group_of = {
        population.names[member]: group.name for group in population.groups for member in group.members
    }
    for number, override in enumerate(comms.overrides):
        if override.household not in (None, *group_of):
            continue  # it is refused already
        if any(number in origin.values() for origin in origins.values()):
            continue
        own = group_of.get(override.household or "", override.group)
        if override.group is not None and own != override.group:
            message = f"{override.household} is in the group '{own}', so this override never applies"
            remedy = "Leave out the group or the household."
        elif any(override.applies_to(link.direction, link.group, link.household) for link in origins):
            message = "this override has no effect: more specific or later ones replace all that it sets"
            remedy = "Remove it, or put it after them."
        else:
            message = "this override has no effect: no message is sent over a link that it covers"
            used = dict.fromkeys(link.direction for link in origins)
            remedy = f"Remove it; messages go over {listed([_PLURAL[each] for each in used])}."
        yield context.problem(f"comms.overrides.{number}", message, remedy, warning=True)


def _that_no_link_has(
    comms: CommsConfig, context: Context, origins: dict[Links, dict[str, int]]
) -> Iterator[Problem]:
    default = comms.default
    for key, field in LinkConfig.model_fields.items():
        value = getattr(default, key)
        if value == field.default or any(origin[key] == _DEFAULT for origin in origins.values()):
            continue
        if key == "loss" and value.loses_everything():
            continue  # it is said already
        message = "overrides replace this on every link in use, so that no link has it"
        yield context.problem(
            f"comms.default.{key}", message, "Remove it, or one of the overrides.", warning=True
        )


def _path(number: int) -> str:
    return "comms.default" if number == _DEFAULT else f"comms.overrides.{number}"


_PLURAL: dict[Direction, str] = {
    "downlink": "downlinks",
    "uplink": "uplinks",
    "peer": "links between households",
    "meter": "the meter's link",
    "platform": "links between platforms",
}


def _named(links: list[Links]) -> str:
    """Links in words, by direction."""
    households: dict[Direction, int] = {}
    for link in links:
        households[link.direction] = households.get(link.direction, 0) + link.n_households
    return listed(
        [
            _PLURAL[direction] + (f" of {count(n, 'household')}" if n else "")
            for direction, n in households.items()
        ]
    )


def longest_held(comms: CommsConfig) -> tuple[str, float]:
    """Which link holds its messages longest on the mean: its path in the scenario, and for how long, ms."""
    held_ms = [("comms.default", _held_ms(comms.default))]
    for number, override in enumerate(comms.overrides):
        link = resolve(comms, override.direction or "uplink", override.group, override.household)
        held_ms.append((_path(number), _held_ms(link)))
    return max(held_ms, key=lambda place: place[1])


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
