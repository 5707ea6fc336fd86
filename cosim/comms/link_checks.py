"""What is doubtful about links: messages that can never arrive, and values that no link has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cosim.comms.schema import (
    DIRECTIONS,
    BernoulliLoss,
    CommsConfig,
    Direction,
    GilbertElliottLoss,
    LinkConfig,
    LinkOverride,
    LossConfig,
)
from cosim.core.errors import Problem, count, listed
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario

_DEFAULT = -1
"""Stands for the default link where overrides are numbered."""


class Links(NamedTuple):
    """Links of one direction that messages are sent over and that all have the same configuration.

    Attributes
    ----------
    direction : {"downlink", "uplink", "peer", "meter"}
        Where they lead.
    group, household : str or None
        Whose they are; no household for those of a group that no override names, neither for the meter's.
    n_households : int
        How many households they belong to; 0 for the meter's.
    """

    direction: Direction
    group: str | None
    household: str | None
    n_households: int


def link_doubts(loaded: LoadedScenario) -> Iterator[Problem]:
    """Warnings about links that lose everything, overrides without effect, and a default that none has."""
    comms, links = loaded.scenario.comms, links_in_use(loaded.scenario)
    if not links:
        return
    origins = {link: _origins(comms, link) for link in links}
    yield from _that_lose_everything(loaded, origins)
    yield from _without_effect(loaded, origins)
    yield from _that_no_link_has(loaded, origins)


def links_in_use(scenario: Scenario) -> list[Links]:
    """All links over which a run of the scenario sends messages."""
    members = {name for community in scenario.communities for name in community.groups}
    market, grid = scenario.energy_value, scenario.grid
    who: dict[Direction, set[str]] = {
        "downlink": members,
        "uplink": members,
        "peer": {group.name for group in scenario.groups}
        if market is not None and market.rules.regime.trades
        else set(),
        "meter": set(),
    }
    named = {override.household for override in scenario.comms.overrides}
    found: list[Links] = []
    for direction in DIRECTIONS:
        first = 0
        for group in scenario.groups:
            names = scenario.household_names[first : first + group.households]
            first += group.households
            if group.name in who[direction]:
                own = [name for name in names if name in named]
                found += [Links(direction, group.name, name, 1) for name in own]
                if len(names) > len(own):
                    found.append(Links(direction, group.name, None, len(names) - len(own)))
    is_measured = any(community.platform.measurement == "meter" for community in scenario.communities)
    if is_measured or (scenario.communities and grid is not None and grid.feedback):
        found.append(Links("meter", None, None, 0))
    return found


def always_loses(loss: LossConfig) -> bool:
    """Whether not a single message gets through."""
    if isinstance(loss, BernoulliLoss):
        return loss.loss_probability == 1
    return (
        isinstance(loss, GilbertElliottLoss)
        and loss.loss_probability_good == 1
        and (loss.loss_probability_bad == 1 or loss.probability_good_to_bad == 0)
    )


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


def _that_lose_everything(loaded: LoadedScenario, origins: dict[Links, dict[str, int]]) -> Iterator[Problem]:
    comms = loaded.scenario.comms
    losses: list[tuple[int, LossConfig | None]] = [(_DEFAULT, comms.default.loss)]
    losses += [(number, override.loss) for number, override in enumerate(comms.overrides)]
    for number, loss in losses:
        if loss is None or not always_loses(loss):
            continue
        having = [link for link, origin in origins.items() if origin["loss"] == number]
        if having:
            message = f"every message is lost on {_named(having)}"
            remedy = "Lower the loss, or override it for some of these links."
            yield loaded.problem(f"{_path(number)}.loss", message, remedy, warning=True)
        elif number == _DEFAULT:
            message = "the default link loses every message, and overrides undo that on all links in use"
            remedy = "Give the loss that is meant as the default; a link without an override would be dead."
            yield loaded.problem(f"{_path(number)}.loss", message, remedy, warning=True)


def _without_effect(loaded: LoadedScenario, origins: dict[Links, dict[str, int]]) -> Iterator[Problem]:
    scenario = loaded.scenario
    group_of = _groups_by_household(scenario)
    for number, override in enumerate(scenario.comms.overrides):
        if override.household not in (None, *group_of):
            continue  # it is refused already
        if any(number in origin.values() for origin in origins.values()):
            continue
        own = group_of.get(override.household or "", override.group)
        if override.group is not None and own != override.group:
            message = f"{override.household} is in the group '{own}', so this override never applies"
            remedy = "Leave out the group or the household."
        elif any(override.applies_to(link.direction, link.group, link.household) for link in origins):
            message = "this override has no effect: others, more specific or later, replace all that it sets"
            remedy = "Remove it, or put it after them."
        else:
            message = "this override has no effect: no message is sent over a link that it covers"
            used = dict.fromkeys(link.direction for link in origins)
            remedy = f"Remove it; messages go over {listed([_PLURAL[each] for each in used])}."
        yield loaded.problem(f"comms.overrides.{number}", message, remedy, warning=True)


def _that_no_link_has(loaded: LoadedScenario, origins: dict[Links, dict[str, int]]) -> Iterator[Problem]:
    default = loaded.scenario.comms.default
    for key, field in LinkConfig.model_fields.items():
        value = getattr(default, key)
        if value == field.default or any(origin[key] == _DEFAULT for origin in origins.values()):
            continue
        if key == "loss" and always_loses(value):
            continue  # it is said already
        message = "overrides replace this on every link in use, so that no link has it"
        yield loaded.problem(
            f"comms.default.{key}", message, "Remove it, or one of the overrides.", warning=True
        )


def _groups_by_household(scenario: Scenario) -> dict[str, str]:
    owners = [group.name for group in scenario.groups for _ in range(group.households)]
    return dict(zip(scenario.household_names, owners, strict=True))


def _path(number: int) -> str:
    return "comms.default" if number == _DEFAULT else f"comms.overrides.{number}"


_PLURAL: dict[Direction, str] = {
    "downlink": "downlinks",
    "uplink": "uplinks",
    "peer": "links between households",
    "meter": "the meter's link",
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
