"""Running one point of a sweep, in whatever process."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from cosim.config.settings import Setting
from cosim.core.errors import InputError, Problem, SimulationError
from cosim.core.many_runs import one_of_many
from cosim.core.numbers import Summary
from cosim.core.plugin_modules import blamed
from cosim.engine.load import LoadedScenario, ScenarioSource
from cosim.engine.run import run_scenario, summarise
from cosim.results.metrics import METRICS
from cosim.results.run_files import FinishedPoint

MOST_KILLS = 3
"""A point is given up when this many workers were killed while they ran it."""
KILLED = (
    f"{MOST_KILLS} workers were killed while running this point; most often the machine has run out of memory"
)
"""Cause of a point that was given up."""


@dataclass(frozen=True)
class PointTask:
    """What a worker is told."""

    index: int
    """Number of the point."""
    settings: tuple[Setting, ...]
    """What it sets in the base scenario."""
    seed: int | None
    """None for the base scenario's own."""
    folder: str = ""
    """Where the run's directory goes, with an ending of the worker's own; empty where only the summary is
    wanted."""


@dataclass(frozen=True)
class PointResult:
    """How a point went."""

    index: int
    """Number of the point."""
    status: Literal["done", "failed"]
    """``done`` or ``failed``."""
    cause: str = ""
    """Why it failed."""
    summary: Mapping[str, float | int | None] = field(default_factory=dict)
    """The numbers of its ``summary.json``; empty where it failed."""
    folder: str = ""
    """Where its run was written; empty where nothing was."""

    def line(self) -> str:
        """As one line of JSON, from which `from_line` makes the same numbers to the bit."""
        content = {
            "point": self.index,
            "status": self.status,
            "cause": self.cause,
            "summary": self.summary,
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False)

    @staticmethod
    def from_line(line: str) -> PointResult:
        """Read a line back.

        Raises
        ------
        pydantic.ValidationError
            If it is not whole, or not such a line.
        """
        content = FinishedPoint.model_validate_json(line)
        return PointResult(content.point, content.status, content.cause, content.summary)


def run_point(base: ScenarioSource, task: PointTask) -> PointResult:
    """Run one point; whatever goes wrong with it is in what comes back.

    Parameters
    ----------
    base : ScenarioSource
        The scenario that is varied.
    task : PointTask
        The point.
    """
    folder = _own_folder(task.folder) if task.folder else ""
    try:
        with one_of_many():
            summary = _summary(base.varied(task.settings, task.seed), folder)
        json.dumps(summary, allow_nan=False)
    except Exception as error:
        return PointResult(task.index, "failed", _cause(error), folder=folder)
    return PointResult(task.index, "done", "", summary, folder)


def _summary(loaded: LoadedScenario, folder: str) -> Summary:
    """The numbers of a run, which goes into a folder where one is named."""
    if folder:
        return _run(loaded, Path(folder))
    if not len(METRICS):
        return summarise(loaded)
    with TemporaryDirectory(prefix="cosim-") as temporary:  # metrics need the tables
        return _run(loaded, Path(temporary) / "run")


def _own_folder(folder: str) -> str:
    """A place that no other worker writes to, should two have the point, one of them given up too soon."""
    own = f"{folder}-{platform.node()}-{os.getpid()}"
    shutil.rmtree(own, ignore_errors=True)
    return own


def _run(loaded: LoadedScenario, folder: Path) -> Summary:
    """Run into a directory, which is kept also where the run failed."""
    outcome = run_scenario(loaded, folder)
    if outcome.status == "interrupted":  # the worker is asked to end: the point is another's then
        raise KeyboardInterrupt
    if outcome.status != "done":
        raise SimulationError(outcome.cause)
    return outcome.summary


def _cause(error: Exception) -> str:
    """What went wrong, in one line that does not depend on where the sweep was started."""
    if isinstance(error, InputError):
        return "; ".join(_without_place(problem) for problem in error.problems)
    text = (
        str(error)
        if isinstance(error, SimulationError)
        else blamed(error) or f"{type(error).__name__}: {error}"
    )
    return " ".join(text.split())


def _without_place(problem: Problem) -> str:
    at = f"{problem.path}: " if problem.path else ""
    return f"{at}{problem.message}{f' (given: {problem.value})' if problem.value else ''}"
