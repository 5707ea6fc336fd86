"""What a run does with everything that its grid's source holds, household by household."""

from __future__ import annotations

from collections.abc import Sequence

from cosim.core.errors import Problem, count, listed
from cosim.core.population import Population
from cosim.grid.account import DRAWN, Decisions, Entry, Fate, Key, account, missed_power, unbalanced
from cosim.grid.background import background_mode
from cosim.grid.feeder import Feeder
from cosim.grid.limits import FeederLimits
from cosim.grid.profile_factors import factor_doubts, unfollowed
from cosim.grid.schema import GridConfig
from cosim.grid.voltage_dependence import CONSTANT_POWER
from cosim.households.ownership import Owned, standing_for
from cosim.households.placement import Placement

_NAMED = 5


def account_of(
    owned: Sequence[Owned],
    brings_load: bool,
    config: GridConfig,
    population: Population,
    feeder: Feeder,
    placement: Placement,
    limits: FeederLimits,
) -> tuple[tuple[Entry, ...], list[Problem]]:
    """The account of the grid's source, and the warnings that follow from it: at most one of each kind.

    `brings_load` says that households have load besides that of their group: appliances that they schedule.
    """
    mode = background_mode(feeder, config)
    silent = "grid.background: none" if mode == "none" else ""
    if not silent and config.background_scaling == 0:
        silent = "grid.background_scaling: 0"
    taken = _taken(owned, brings_load, population, placement)
    entries = account(feeder, Decisions(taken, silent, mode == "profile"), limits)
    kept = {(entry.table, entry.element) for entry in entries if entry.fate == "kept"}
    drawn = {
        (entry.table, entry.element)
        for entry in entries
        if entry.fate == "household" and entry.reason.endswith(DRAWN)
    }
    said = [*missed_power(entries), *unbalanced(feeder.facts.uneven, kept | drawn)]
    followers = drawn | kept if mode == "profile" else drawn
    said += factor_doubts(feeder.elements, followers, feeder.profiles)
    if config.background in (None, "profile"):
        said += unfollowed(feeder.facts.in_the_net, entries)
    return entries, said + _no_longer_dependent(owned, placement)


def _no_longer_dependent(owned: Sequence[Owned], placement: Placement) -> list[Problem]:
    """One warning for loads that follow the voltage in the data, and no longer do as a household's."""
    found = [
        load
        for household, load in enumerate(placement.loads)
        if load is not None and load.shares != CONSTANT_POWER and _keeps(owned[household], "load")
    ]
    if not found:
        return []
    named = [str(load.index) for load in found[:_NAMED]]
    named += [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    total_kw = sum(load.p_mw for load in found) * 1000
    follow, are = ("follows", "is") if len(found) == 1 else ("follow", "are")
    message = (
        f"{count(len(found), 'load')} of {total_kw:.4g} kW that {follow} the voltage in the grid's data "
        f"(const_z, const_i) {are} of constant power as a household's: load {listed(named)}"
    )
    remedy = "let no household take their place (grid.placement) if they are to follow the voltage"
    return [Problem(message, remedy, "grid.placement", severity="warning")]


def _keeps(owned: Owned, table: str) -> bool:
    """Whether a household has the feeder's own elements of a table as its own."""
    return any(device.keeps_element for device in standing_for(owned, table))


def _taken(
    owned: Sequence[Owned], brings_load: bool, population: Population, placement: Placement
) -> dict[Key, tuple[Fate, str]]:
    """What becomes of each element that a household stands for, and why."""
    found: dict[Key, tuple[Fate, str]] = {}
    for household, (load, own) in enumerate(zip(placement.loads, placement.sgens, strict=True)):
        name, has = population.names[household], owned[household]
        if load is not None:
            fate: tuple[Fate, str] = ("household", f"{name} brings another load in its place")
            if _keeps(has, "load"):
                fate = "household", f"{name} has it as a load {DRAWN}"
            elif not standing_for(has, "load") and not brings_load:
                fate = "replaced", "a household without any load stands in its place"
            found[load.kind, load.index] = fate
        for sgen in own:
            found[sgen.kind, sgen.index] = "household", f"{name} has it as generation {DRAWN}"
    for replaced in placement.replaced:
        for sgen in replaced:
            found[sgen.kind, sgen.index] = "replaced", "grid.replace_generators"
    return found
