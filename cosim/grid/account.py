"""What became of everything that a grid's source holds: kept, taken by a household, replaced, or left out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

from cosim.core.errors import Problem, count, listed
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder import Feeder
from cosim.grid.limits import KINDS as LIMITS
from cosim.grid.limits import FeederLimits
from cosim.grid.source_facts import Uneven
from cosim.grid.tap_control import reasons

Fate = Literal["kept", "household", "replaced", "left out"]
Key = tuple[str, int]
"""Table and index of an element."""


DRAWN = "of its own"
"""How the reason ends where a household draws the very power of the element that it stands for."""


class Entry(NamedTuple):
    """One thing that the source holds."""

    table: str
    """pandapower's table; ``bus.min_vm_pu`` and the like for a limit, ``profiles.load`` for a profile."""
    element: int
    """Index in that table; -1 for what has none."""
    name: str
    """Its name."""
    bus: int
    """Index of its bus; -1 for what has none."""
    p_kw: float
    q_kvar: float
    """Nominal power, scaling included, in load convention; NaN for what carries none."""
    fate: Fate
    """What became of it."""
    reason: str
    """Why, or how it acts."""
    is_missed: bool = False
    """Whether it carries power that the run lacks."""


class Decisions(NamedTuple):
    """What the scenario does with the feeder's own elements."""

    households: Mapping[Key, tuple[Fate, str]]
    """What became of the elements that a household stands for, and why."""
    silent: str
    """Why all others draw nothing; empty where they act."""
    follows_profiles: bool
    """Whether the others follow their profiles."""


def account(feeder: Feeder, decisions: Decisions, limits: FeederLimits) -> tuple[Entry, ...]:
    """Everything that the feeder's source holds, in the order of pandapower's tables.

    Parameters
    ----------
    feeder : Feeder
        The feeder, with its source.
    decisions : Decisions
        What the scenario does with its elements.
    limits : FeederLimits
        The limits in force.
    """
    return (
        *_powers(feeder, decisions),
        *_in_the_net(feeder),
        *_limits(feeder, limits),
        *_profiles(feeder, decisions),
        *(
            Entry("controller", -1, name, -1, math.nan, math.nan, "kept", "grid.run_control")
            for name in reasons(feeder.source.controls)
        ),
        *(
            Entry(each.name, -1, each.detail, -1, math.nan, math.nan, "left out", f"{each.count} of it")
            for each in feeder.source.left_out
        ),
    )


def _powers(feeder: Feeder, decisions: Decisions) -> Iterator[Entry]:
    """Loads, generators and storages, those out of service too."""
    acting = {(element.kind, element.index): element for element in feeder.elements}
    for record, in_service in feeder.facts.own:
        fate, reason = _fate(acting.get((record.kind, record.index)), in_service, decisions)
        carries = (record.p_mw, record.q_mvar) != (0, 0)
        missed = fate in ("replaced", "left out") and in_service and carries
        p_kw, q_kvar = record.p_mw * 1000, record.q_mvar * 1000
        yield Entry(record.kind, record.index, record.name, record.bus, p_kw, q_kvar, fate, reason, missed)


def _fate(element: ElementRecord | None, in_service: bool, decisions: Decisions) -> tuple[Fate, str]:
    """What became of a load, generator or storage; None for one that the feeder does not have."""
    if element is None:
        return "left out", "its bus has no supply" if in_service else "out of service"
    taken = decisions.households.get((element.kind, element.index))
    if taken is not None:
        return taken
    if decisions.silent:
        return "left out", decisions.silent
    if decisions.follows_profiles and element.p_profile:
        return "kept", f"follows its profile {element.profile}"
    return "kept", "its nominal power"


def _in_the_net(feeder: Feeder) -> Iterator[Entry]:
    """Shunts, generators that hold a voltage, and others that the power flow solves as they are."""
    supplied = set(feeder.bus.index[feeder.bus.supplied].tolist())
    for each in feeder.facts.in_the_net:
        fate: tuple[Fate, str] = ("kept", "the power flow solves it")
        if not each.in_service:
            fate = "left out", "out of service"
        elif each.bus not in supplied:
            fate = "left out", "its bus has no supply"
        missed = fate[1] == "its bus has no supply" and (abs(each.p_kw) > 0 or abs(each.q_kvar) > 0)
        where = each.table, each.element, each.name, each.bus
        yield Entry(*where, each.p_kw, each.q_kvar, *fate, missed)


def _limits(feeder: Feeder, limits: FeederLimits) -> Iterator[Entry]:
    """The elements' own limits: in force, or replaced by the scenario's or the network file's."""
    index_of = {
        "bus": feeder.bus.index,
        "line": feeder.line.index,
        "trafo": feeder.trafo.index,
        "trafo3w": feeder.trafo3w.index,
    }
    for name, (key, table, column, *_) in LIMITS.items():
        for row, label, shown in feeder.facts.limits[name].cells:
            origin, index = limits.origins[name][row], int(index_of[table][row])
            fate: Fate = "kept" if origin == "grid data" else "replaced"
            reason = shown if fate == "kept" else f"{shown}, by {key} of the {origin}"
            bus = index if table == "bus" else -1
            yield Entry(f"{table}.{column}", index, label, bus, math.nan, math.nan, fate, reason)


def _profiles(feeder: Feeder, decisions: Decisions) -> Iterator[Entry]:
    """The time series that the source brings along: followed by how many elements, or by none."""
    followed: Counter[str] = Counter()
    for element in feeder.elements:
        fate, reason = decisions.households.get((element.kind, element.index), ("kept", ""))
        in_background = fate == "kept" and decisions.follows_profiles and not decisions.silent
        if in_background or (fate == "household" and reason.endswith(DRAWN)):
            followed.update({element.p_profile, element.q_profile} - {""})
    for table, frame in (feeder.source.profiles or {}).items():
        for name in map(str, frame.columns):
            if name == "time":
                continue
            n = followed[name]
            fate = "kept" if n else "left out"
            reason = (
                f"{count(n, 'element')} {'follows' if n == 1 else 'follow'} it"
                if n
                else "no element follows it"
            )
            yield Entry(f"profiles.{table}", -1, name, -1, math.nan, math.nan, fate, reason)


def missed_power(entries: Collection[Entry]) -> list[Problem]:
    """One warning for everything that carries power in the source and is replaced or left out in the run."""
    missed = [entry for entry in entries if entry.is_missed]
    if not missed:
        return []
    groups: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in missed:
        groups.setdefault((entry.table, entry.fate, entry.reason), []).append(entry)
    parts = [
        f"{count(len(group), _PLAIN.get(table, table))} of {power_text(group)} {_fate_text(fate, reason)}"
        for (table, fate, reason), group in groups.items()
    ]
    if len(parts) > _SHOWN:
        parts = [*parts[:_SHOWN], f"{len(parts) - _SHOWN} more kinds"]
    ((table, fate, reason), *others) = groups
    noun, why = (
        (_PLAIN.get(table, table), _fate_text(fate, reason)) if not others else ("element", listed(parts))
    )
    is_or_are = "is" if len(missed) == 1 else "are"
    message = (
        f"{count(len(missed), noun)} of the grid's data ({power_text(missed)}) {is_or_are} not in the run"
    )
    remedy = (
        "Everything else that draws or feeds in power is. The run's table source_elements lists each, and so "
        "does `cosim explain`"
    )
    return [Problem(f"{message}: {why}", remedy, "grid.network", severity="warning")]


def _fate_text(fate: str, reason: str) -> str:
    """What became of elements, and why; generators are replaced only where a household has its own."""
    by = " by the households' own generation" if reason == "grid.replace_generators" else ""
    return f"{fate}{by} ({reason})"


_SHOWN = 6
_PLAIN = {"sgen": "static generator", "gen": "generator", "xward": "extended ward equivalent"}
"""Tables of pandapower whose names are no words."""


def power_text(entries: Collection[Entry]) -> str:
    """The sum of their powers, whatever their sign; of reactive power where there is no other."""
    p_kw = math.fsum(abs(entry.p_kw) for entry in entries if entry.p_kw == entry.p_kw)
    if p_kw:
        return f"{p_kw:.4g} kW"
    return f"{math.fsum(abs(e.q_kvar) for e in entries if e.q_kvar == e.q_kvar):.4g} kvar"


def unbalanced(uneven: Collection[Uneven], acting: Collection[Key]) -> list[Problem]:
    """One warning for single-phase and unbalanced elements, which the balanced power flow takes as balanced.

    Parameters
    ----------
    uneven : collection of Uneven
        Those of the source.
    acting : collection of Key
        Elements that act in the run.
    """
    found = [each for each in uneven if (each.table, each.element) in acting]
    if not found:
        return []
    shown = [f"{table} {index}" for table, index, _ in found[:_SHOWN]]
    shown += [f"{len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    total = math.fsum(p_kw for _, _, p_kw in found)
    message = (
        f"{count(len(found), 'single-phase or unbalanced element')} of {total:.4g} kW "
        f"{'is' if len(found) == 1 else 'are'} taken as balanced, a third on each phase: {listed(shown)}"
    )
    remedy = "voltages of single phases are not calculated and can be worse"
    return [Problem(message, remedy, f"{found[0][0]}.{found[0][1]}", severity="warning")]
