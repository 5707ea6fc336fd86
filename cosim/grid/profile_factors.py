"""Doubtful factors among the profiles of a network file, and who names a profile without following it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.core.errors import Problem, count, listed
from cosim.grid.account import Entry, Key, power_text
from cosim.grid.elements import ElementRecord
from cosim.grid.feeder_profiles import FeederProfiles, FileProfiles
from cosim.grid.source_facts import NetworkElement

FloatArray = NDArray[np.float64]

LARGEST_FACTOR = 10.0
"""More than a profile has as a factor; SimBench's reach 1, its reactive powers 1.3."""
_NIGHT = 0.02
"""What an inverter draws at night, as a share of the largest value."""
_NAMED = 5


class _Doubt(NamedTuple):
    """The row in which a factor is doubtful, what is said of it, and what would be right."""

    row: int
    message: str
    remedy: str


def factor_doubts(
    elements: Collection[ElementRecord], followers: Collection[Key], profiles: FeederProfiles | None
) -> list[Problem]:
    """Warnings of profiles that are followed: one a kind of doubt, naming the first profile and its row.

    Parameters
    ----------
    elements : collection of ElementRecord
        The feeder's own.
    followers : collection of Key
        Those that follow their profiles in the run.
    profiles : FeederProfiles or None
        What they follow; SimBench's own profiles are not doubted.
    """
    if not isinstance(profiles, FileProfiles):
        return []
    followed = [element for element in elements if (element.kind, element.index) in followers]
    loads = _names(element.p_profile for element in followed if element.is_load)
    sgens = _names(element.p_profile for element in followed if element.is_sgen)
    every = _names(name for each in followed for name in (each.p_profile, each.q_profile))
    kinds = ((_generates, loads), (_draws, sgens), (_too_large, every))
    return [problem for judge, names in kinds for problem in _first(profiles, names, judge)]


def _names(names: Iterator[str]) -> list[str]:
    """Each name once; the empty one stands for none."""
    return [name for name in dict.fromkeys(names) if name]


def _first(
    profiles: FileProfiles, names: Sequence[str], judge: Callable[[FloatArray], _Doubt | None]
) -> Iterator[Problem]:
    """One warning for all profiles that are doubted in the same way."""
    found = [(name, doubt) for name in names if (doubt := judge(profiles.factors(name))) is not None]
    if not found:
        return
    name, (row, message, remedy) = found[0]
    if len(found) > 1:
        message += f"; likewise in {count(len(found) - 1, 'other profile')}"
    path = f"profiles.{profiles.table_of(name)}.{name}, row {row}"
    yield Problem(message, remedy, path, profiles.file, severity="warning")


def _generates(factors: FloatArray) -> _Doubt | None:
    """A load that is negative on the whole is generation, or has the other sign."""
    if not np.nanmean(factors) < 0:
        return None
    message = f"the loads that follow this profile generate: it is {np.nanmean(factors):.3g} on average"
    return _Doubt(int(np.flatnonzero(factors < 0)[0]), message, "reverse its sign, or correct it")


def _draws(factors: FloatArray) -> _Doubt | None:
    """Generation is positive; an inverter draws next to nothing at night."""
    below = np.flatnonzero(factors < -_NIGHT * np.nanmax(np.abs(factors)))
    if not below.size:
        return None
    message = (
        f"the generators that follow this profile draw power: it is below 0 in {count(below.size, 'row')}"
    )
    return _Doubt(int(below[0]), message, "reverse its sign, or correct it")


def _too_large(factors: FloatArray) -> _Doubt | None:
    """A power, or the mark of a missing value, in place of a factor."""
    row = int(np.nanargmax(np.abs(factors)))
    if not abs(factors[row]) > LARGEST_FACTOR:
        return None
    message = f"a factor of {factors[row]:,.6g} on the nominal power of what follows it"
    remedy = "give factors on p_mw and q_mvar, not powers; enter what is missing"
    return _Doubt(row, message, remedy)


def unfollowed(in_the_net: Collection[NetworkElement], entries: Collection[Entry]) -> list[Problem]:
    """One warning for elements that name a profile, but are a part of the network and act as its data say.

    Parameters
    ----------
    in_the_net : collection of NetworkElement
        What of the source is a part of the network.
    entries : collection of Entry
        The account of it.
    """
    named = {(each.table, each.element): each.profile for each in in_the_net if each.profile}
    kept = [entry for entry in entries if entry.fate == "kept"]
    found = [(each, named[each.table, each.element]) for each in kept if (each.table, each.element) in named]
    if not found:
        return []
    shown = [f"{entry.table} {entry.element} ({name})" for entry, name in found[:_NAMED]]
    shown += [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    one = len(found) == 1
    message = (
        f"{power_text([entry for entry, _ in found])} in {count(len(found), 'element')} whose profile is not "
        f"followed: {listed(shown)}; {'it holds its' if one else 'each holds its'} nominal power"
    )
    remedy = "only loads, static generators (sgen) and storages follow profiles"
    path = f"{found[0][0].table}.{found[0][0].element}.profile"
    return [Problem(message, remedy, path, severity="warning")]
