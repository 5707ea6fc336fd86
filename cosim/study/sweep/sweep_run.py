"""Running a sweep into its directory."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from cosim.engine.load import ScenarioSource
from cosim.study.sweep.folder import SweepFolder
from cosim.study.sweep.point import PointResult, PointTask

Progress = Callable[[int, int], None]
"""Called with the number of points that have ended, and of those that failed."""
More = Callable[[PointResult], Sequence[PointTask]]
"""What is to be run besides, now that a result has been kept."""


def nothing_more(result: PointResult) -> Sequence[PointTask]:
    """Whatever comes of a point, no other is needed for it."""
    return ()


class Search(Protocol):
    """Which points of a sweep are needed, where what comes of some decides about others."""

    def first(self, results: Mapping[int, PointResult]) -> Collection[int]:
        """Numbers of the points that are needed as far as the results tell; with or without a result."""

    def after(self, index: int, results: Mapping[int, PointResult]) -> Collection[int]:
        """Numbers of those that are needed since point `index` has ended."""


class Executor(Protocol):
    """Who runs the points."""

    @property
    def n_workers(self) -> int:
        """How many workers there are."""

    @property
    def where(self) -> str:
        """What and where they are, in words."""

    def run(self, base: ScenarioSource, tasks: Sequence[PointTask], more: More) -> Iterator[PointResult]:
        """Run points, in any order.

        Parameters
        ----------
        base : ScenarioSource
            The scenario that is varied.
        tasks : sequence of PointTask
            The points.
        more : callable
            Says of each result, once it has been taken, which points are to be run besides.

        Yields
        ------
        PointResult
            As they come. Closing the generator ends the work.
        """


@dataclass(frozen=True)
class SweepOutcome:
    """How a sweep went."""

    folder: Path
    """Its directory."""
    status: Literal["done", "interrupted"]
    """``done``, or ``interrupted``."""
    n_points: int
    n_done: int
    n_failed: int
    """All points; those that succeeded; those that failed."""
    causes: dict[str, list[int]]
    """Cause of failure to the points that failed by it."""


def run_sweep(
    sweep: SweepFolder,
    executor: Executor,
    progress: Progress = lambda ended, failed: None,
    search: Search | None = None,
) -> SweepOutcome:
    """Run the points that are left.

    Parameters
    ----------
    sweep : SweepFolder
        The directory, new or resumed.
    executor : Executor
        Who runs them.
    progress : callable
        Told after each point.
    search : Search, optional
        Which points are needed; all by default.

    Returns
    -------
    SweepOutcome
        Also of a sweep that was interrupted: what it had is kept.

    Raises
    ------
    Exception
        If the executor cannot go on; what there is is kept, and the sweep can be resumed.
    """
    began, status = time.monotonic(), "failed"
    tasks = sweep.tasks(None if search is None else search.first(sweep.results))
    retried = {task.index for task in tasks} & sweep.results.keys()
    begun = {task.index for task in tasks}
    ended, failed = len(sweep.results) - len(retried), 0

    def more(result: PointResult) -> list[PointTask]:
        if search is None:
            return []
        needed = set(search.after(result.index, sweep.results)) - begun - sweep.results.keys()
        begun.update(needed)
        return sweep.tasks(needed)

    progress(ended, failed)
    try:
        sweep.begin(executor.n_workers, executor.where)
        with closing(executor.run(sweep.plan.sweep.base, tasks, more)) as results:  # type: ignore[type-var]
            for result in results:
                sweep.add(result)
                ended, failed = ended + 1, failed + (result.status == "failed")
                progress(ended, failed)
        status = "done"
    except KeyboardInterrupt:
        status = "interrupted"
    finally:
        sweep.close(status, time.monotonic() - began)
    causes: dict[str, list[int]] = {}
    for index, result in sorted(sweep.results.items()):
        if result.status == "failed":
            causes.setdefault(result.cause, []).append(index)
    return SweepOutcome(
        sweep.folder,
        "done" if status == "done" else "interrupted",
        len(sweep.plan.points),
        len(sweep.results) - sweep.n_failed,
        sweep.n_failed,
        causes,
    )
