"""Running a scenario, and opening what a run left."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cosim.api.given import GivenScenario, Overrides, given
from cosim.api.run_results import HeldFolder, Run
from cosim.api.watcher import UnfinishedError, UnfinishedInterrupt, Watcher
from cosim.core.errors import InputError, Problem
from cosim.core.plugin_modules import blaming_plugins
from cosim.engine.run import default_folder, run_scenario
from cosim.results.run_files import require_run


def run(
    scenario: GivenScenario,
    overrides: Overrides | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    results: str | os.PathLike[str] | None = None,
    watcher: Watcher | None = None,
) -> Run:
    """Run a scenario.

    Parameters
    ----------
    scenario : str, path, mapping or Scenario
        A built-in name, a YAML file, the same content as a mapping (pandapower nets and DataFrames may stand
        where it names their files; other files are relative to the working directory), or a model.
    overrides : mapping, optional
        Paths to values, ``{"time.duration_h": 48}``: keys joined by dots, list items by number or by name.
    out : path, optional
        The run's directory, new or empty; by default a temporary one, which is there as long as the object
        that is returned.
    seed : int, optional
        Replaces the scenario's seed.
    results : path, optional
        A directory in which the run gets one of its own, ``SCENARIO/TIME-HASH``; in place of `out`.
    watcher : Watcher, optional
        Is told how it goes; by default doubts become Python warnings, and nothing else is shown.

    Returns
    -------
    Run
        Of a run that came to its end.

    Raises
    ------
    InputError
        If the scenario is wrong, with every problem found; nothing is written then.
    SimulationError
        If the run could not go on; what there is of it is in the error's `result`.
    KeyboardInterrupt
        If it was interrupted, likewise.
    """
    told = watcher or Watcher()
    if out is not None:
        _require_empty(Path(out))
    with given(scenario, overrides, seed) as loaded:
        config = loaded.scenario
        held = HeldFolder.temporary() if out is None and results is None else None
        if held is None:
            held = HeldFolder(Path(out) if out is not None else default_folder(config, Path(results or "")))

        def built(problems: Sequence[Problem]) -> None:
            told.begins(config.name, held.path, config.time.duration_ms)
            told.doubts(problems)

        after = _draw if config.report.figures else None
        with blaming_plugins():
            outcome = run_scenario(loaded, held.path, told.reached, after, built)
    finished = Run(held)
    told.ends(finished)
    if outcome.status == "failed":
        raise UnfinishedError(f"{outcome.cause}; the run up to that point is in {held.path}", finished)
    if "interrupted" in (outcome.status, outcome.report):
        raise UnfinishedInterrupt(finished)
    if outcome.report.startswith("failed"):
        remedy = f"the tables are complete; `cosim report {held.path}` makes it again"
        raise UnfinishedError(f"the report could not be made ({outcome.report}); {remedy}", finished)
    return finished


def open(folder: str | os.PathLike[str]) -> Run:
    """What a run left in its directory, whichever way it ended.

    Raises
    ------
    InputError
        If it is no directory of a run.
    """
    require_run(Path(folder))
    return Run(HeldFolder(Path(folder)))


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = "this path is already in use, and a run never overwrites anything"
        raise InputError([Problem(message, "Choose an empty or new directory with --out.", file=str(folder))])


def _draw(folder: Path) -> None:
    from cosim.report.page.run_page import write_report

    write_report(folder)
