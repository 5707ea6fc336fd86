"""A run of which nothing is wanted but its summary."""

from __future__ import annotations

from dataclasses import replace

from cosim.core.numbers import Summary
from cosim.engine.builder import build
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import RecordConfig
from cosim.engine.simulation import Simulation
from cosim.results.store import Nowhere

_NO_TABLES = RecordConfig(decisions=False, devices=False, meters=False, grid=False)


def summarise(loaded: LoadedScenario) -> Summary:
    """Run a scenario and keep no table of it.

    Returns
    -------
    dict
        What ``summary.json`` of a run of the same scenario holds.

    Raises
    ------
    InputError
        If the scenario cannot be built.
    Exception
        Whatever made the run fail.
    """
    scenario = loaded.scenario.model_copy(update={"record": _NO_TABLES})
    parts = build(replace(loaded, scenario=scenario))
    simulation = Simulation(scenario, parts, Nowhere(), lambda now_ms, events: None)
    simulation.run()
    simulation.close()
    return simulation.summary()
