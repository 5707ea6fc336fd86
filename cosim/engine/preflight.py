"""Everything that can be said against a scenario before it runs: errors, and warnings worth a thought."""

from __future__ import annotations

from cosim.core.errors import InputError, Problem
from cosim.engine.builder import build
from cosim.engine.load import LoadedScenario
from cosim.engine.simulation import Simulation
from cosim.results.store import Nowhere


def preflight(loaded: LoadedScenario) -> list[Problem]:
    """Errors and warnings of a scenario, found on the path that a run takes, up to its first event.

    A scenario without a grid loads neither pandapower nor matplotlib.
    """
    try:
        parts = build(loaded)
        Simulation(loaded.scenario, parts, Nowhere(), lambda now_ms, events: None)
    except InputError as error:
        return list(error.problems)
    return list(parts.warnings)
