"""What a run does with everything that its grid's source holds, household by household."""

from __future__ import annotations

from cosim.config.devices import FeederLoad
from cosim.config.network import GridConfig
from cosim.config.scenario import Scenario
from cosim.engine.placement import Placement
from cosim.engine.population import Population
from cosim.errors import Problem
from cosim.grid.account import DRAWN, Decisions, Entry, Fate, Key, account, missed_power, unbalanced
from cosim.grid.background import background_mode
from cosim.grid.feeder import Feeder
from cosim.grid.limits import FeederLimits


def account_of(
    scenario: Scenario,
    config: GridConfig,
    population: Population,
    feeder: Feeder,
    placement: Placement,
    limits: FeederLimits,
) -> tuple[tuple[Entry, ...], list[Problem]]:
    """The account of the grid's source, and the warnings that follow from it: at most one of each kind."""
    mode = background_mode(feeder, config)
    silent = "grid.background: none" if mode == "none" else ""
    if not silent and config.background_scaling == 0:
        silent = "grid.background_scaling: 0"
    taken = _taken(scenario, population, placement)
    entries = account(feeder, Decisions(taken, silent, mode == "profile"), limits)
    acting = {
        (entry.table, entry.element)
        for entry in entries
        if entry.fate == "kept" or (entry.fate == "household" and entry.reason.endswith(DRAWN))
    }
    return entries, [*missed_power(entries), *unbalanced(feeder.source.net, acting)]


def _taken(scenario: Scenario, population: Population, placement: Placement) -> dict[Key, tuple[Fate, str]]:
    """What becomes of each element that a household stands for, and why."""
    found: dict[Key, tuple[Fate, str]] = {}
    for household, (load, own) in enumerate(zip(placement.loads, placement.sgens, strict=True)):
        name, group = population.names[household], population.group_of(household).config
        if load is not None:
            fate: tuple[Fate, str] = ("household", f"{name} brings another load in its place")
            if isinstance(group.load, FeederLoad):
                fate = "household", f"{name} has it as a load {DRAWN}"
            elif group.load is None and scenario.energy_value is None:
                fate = "replaced", "a household without any load stands in its place"
            found[load.kind, load.index] = fate
        for sgen in own:
            found[sgen.kind, sgen.index] = "household", f"{name} has it as generation {DRAWN}"
    for replaced in placement.replaced:
        for sgen in replaced:
            found[sgen.kind, sgen.index] = "replaced", "grid.replace_generators"
    return found
