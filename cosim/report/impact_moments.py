"""What all drew and did when a limit was used most, in sentences: of one run, and of two side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cosim.core.errors import listed
from cosim.core.shown import kw_text, number_text
from cosim.devices.interface import DEVICES, device_title
from cosim.devices.services import offering
from cosim.engine.scenario import Scenario
from cosim.regulation.schema import CommunityConfig, ResourceConfig
from cosim.regulation.units_in_kw import kw_per_unit

_SMALL_KW = 0.05
"""What is less in every run that is looked at is not worth a word."""
_MOST_COMMUNITIES = 2

Summary = Mapping[str, Any]


class _Power(NamedTuple):
    """Something that draws or gives."""

    name: str
    kw: float
    """Drawn; negative where it is given."""
    other_kw: float | None
    """The same in the run beside; None where there is none."""
    is_generation: bool = False

    @property
    def size(self) -> float:
        """The larger of both."""
        return max(abs(self.kw), abs(self.other_kw or 0.0))


def moment_sentence(kind: str, summary: Summary, scenario: Scenario, other: Summary | None = None) -> str:
    """What was drawn, fed in, asked for and done in the interval in which a kind of limit was used most.

    Parameters
    ----------
    kind : str
        The kind of limit, as its numbers begin.
    summary : mapping
        Numbers of the run.
    scenario : Scenario
        What was run.
    other : mapping
        Numbers of another run: each power is told beside that of its own such interval.

    Returns
    -------
    str
        Empty where the run does not say, as those made by older versions.
    """
    powers = list(_powers(kind, summary, scenario, other))
    if not powers:
        return ""
    deeds = [*_limited(kind, summary), *_deeds(kind, summary, scenario)]
    return f" Then {'; '.join([listed([_power_text(each) for each in powers]), *deeds])}."


def _powers(kind: str, summary: Summary, scenario: Scenario, other: Summary | None) -> Iterator[_Power]:
    """Who draws, the largest first, and what is generated; nothing where the run does not say."""
    own, beside = _drawn(kind, summary), None if other is None else _drawn(kind, other)
    if own is None:
        return
    found = [
        _Power(name, own.get(name, 0.0), None if beside is None else beside.get(name, 0.0))
        for name in dict.fromkeys([*own, *(beside or {})])
    ]
    told = [each for each in found if each.size > _SMALL_KW]
    yield from sorted(told, key=lambda each: -each.size)
    generators = generator_words(scenario)
    if generators:
        made = [
            None if each is None else _known(each, f"{kind}_use_max_generated_kw")
            for each in (summary, other)
        ]
        yield _Power(generators, -(made[0] or 0.0), None if made[1] is None else -made[1], True)


def _drawn(kind: str, summary: Summary) -> dict[str, float] | None:
    """What each draws, but for what is generated; None where the run does not say."""
    names = ("load", "generated", "drawn")
    load, made, of_all = (_known(summary, f"{kind}_use_max_{name}_kw") for name in names)
    if load is None or made is None or of_all is None:
        return None
    devices = {
        device_title(name): _known(summary, f"{kind}_use_max_{name}_drawn_kw") or 0.0 for name in DEVICES
    }
    others = of_all - load + made - sum(devices.values())
    return {"households' loads": load, **devices, "others at the feeder": others}


def generator_words(scenario: Scenario) -> str:
    """What generates in a scenario's households: ``PV systems``; empty where nothing does."""
    kinds = dict.fromkeys(
        name
        for group in scenario.groups
        for name, device in group.devices.items()
        if device.has_profile and device.is_generation
    )
    return listed([device_title(name) for name in kinds])


def _power_text(power: _Power) -> str:
    gives = power.kw < 0 or (power.kw == 0 and power.is_generation)
    text = f"{power.name} {'gave' if gives else 'took'} {kw_text(power.kw)}"
    if power.other_kw is None or kw_text(power.other_kw) == kw_text(power.kw):
        return text
    turned = power.kw * power.other_kw < 0
    verb = f"{'taking' if gives else 'giving'} " if turned else ""
    return f"{text} instead of {verb}{kw_text(power.other_kw)}"


def _limited(kind: str, summary: Summary) -> Iterator[str]:
    limited = _known(summary, f"{kind}_use_max_limited_households")
    if limited is not None:
        yield f"the operator's limits held for {number_text(limited, 3)} households"


def _deeds(kind: str, summary: Summary, scenario: Scenario) -> Iterator[str]:
    for community in scenario.communities[:_MOST_COMMUNITIES]:
        parts = []
        for resource in community.resources:
            begin = f"{community.name}_{resource.name}_{kind}_use_max"
            target, done = (_known(summary, f"{begin}_{name}_units") for name in ("target", "done"))
            if target is not None and done is not None:
                unit_kw = _unit_kw(scenario, community, resource)
                parts.append(_deed_text(target, done, resource.name, unit_kw))
        if parts:
            yield f"community {community.name} was asked for {listed(parts)}"


def _deed_text(target: float, done: float, name: str, unit_kw: float | None) -> str:
    """What was asked for and done, in kW where a unit is known in it, and what that is above or below."""
    shown = [number_text(each, 3) for each in (target, done)]
    apart = f"{_amount(abs(done - target), unit_kw)} {'more' if done > target else 'less'} than asked"
    beside = "as asked" if shown[0] == shown[1] else apart
    if unit_kw is None:
        return f"{_amount(target, None)} of {name} and did {_amount(done, None)}, {beside}"
    return (
        f"{_amount(target, unit_kw)} of {name} ({_amount(target, None)} of {kw_text(unit_kw)}) and did "
        f"{_amount(done, unit_kw)} ({shown[1]}), {beside}"
    )


def _amount(units: float, unit_kw: float | None) -> str:
    if unit_kw is not None:
        return kw_text(units * unit_kw)
    text = number_text(units, 3)
    return f"{text} {'unit' if text == '1' else 'units'}"


def _unit_kw(scenario: Scenario, community: CommunityConfig, resource: ResourceConfig) -> float | None:
    """One unit as power; None where it is no energy, or where devices have units of different power."""
    by_energy, service = kw_per_unit(resource, scenario.time.step_ms), resource.unit.service
    if by_energy is not None or not service:
        return by_energy
    powers = {
        group.devices[kind].unit_kw(service)
        for group in scenario.groups
        if group.name in community.groups
        for kind in offering(service, group.devices)
    }
    return powers.pop() if len(powers) == 1 else None


def _known(summary: Summary, name: str) -> float | None:
    """A number; None where there is none: tables of many runs hold NaN for it."""
    value = summary.get(name)
    return None if value is None or value != value else float(value)
