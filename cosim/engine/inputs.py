"""The files that a scenario names, and their copies in a run's directory, so that it can be run again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from cosim.config.dump import to_yaml
from cosim.config.library import names
from cosim.engine.load import LoadedScenario
from cosim.engine.scenario import Scenario
from cosim.engine.wings import files
from cosim.grid.network_file import load_network
from cosim.grid.schema import JsonSource
from cosim.results.store import RunStore

_NETWORK_FOLDER = "network"
"""Where a run keeps a network's file that lies outside the scenario's folder."""


def scenario_hash(scenario: Scenario) -> str:
    """Twelve hexadecimal digits that two scenarios share only if they are the same."""
    text = json.dumps(_portable(scenario).model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def input_files(loaded: LoadedScenario) -> list[str]:
    """Files that a scenario names, relative to its folder, sorted; absolute where they lie elsewhere."""
    return sorted(_kept(loaded))


def keep_inputs(loaded: LoadedScenario, store: RunStore) -> None:
    """The scenario as resolved, and the files it names beside it, so that it can be run again as it is."""
    for file, kept in sorted(_kept(loaded).items()):
        target = store.folder / kept
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(loaded.folder / file, target)
    store.write_text("scenario.yaml", to_yaml(_portable(loaded.scenario)))


def _portable(scenario: Scenario) -> Scenario:
    """The scenario as a run keeps it: a network from elsewhere is named by its copy."""
    grid = scenario.grid
    if grid is None or not Path(grid.network).is_absolute():
        return scenario
    network = f"{_NETWORK_FOLDER}/{Path(grid.network).name}"
    return scenario.model_copy(update={"grid": grid.model_copy(update={"network": network})})


def _kept(loaded: LoadedScenario) -> dict[str, str]:
    """The files of a scenario, each with the path of its copy below the run's directory."""
    scenario = loaded.scenario
    kept = {file: file for file in files(scenario)}
    if scenario.grid is not None and scenario.grid.network not in names("networks"):
        kept |= _network_files(loaded.folder, scenario.grid.network)
    return kept


def _network_files(folder: Path, file: str) -> dict[str, str]:
    """The file of a network and that of its grid, likewise."""
    network, network_folder = load_network(file, folder)
    files = {folder / file}
    if isinstance(network.source, JsonSource):
        files.add(network_folder / network.source.file)
    if Path(file).is_absolute():
        return {str(each): f"{_NETWORK_FOLDER}/{os.path.relpath(each, network_folder)}" for each in files}
    return {name: name for name in (os.path.relpath(each, folder) for each in files)}
