"""Running many points: sweeps, and what they say."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosim.api.given import GivenSweep, given_sweep
from cosim.api.run_results import HeldFolder, Run
from cosim.api.watcher import UnfinishedError, UnfinishedInterrupt, Watcher
from cosim.core.errors import InputError, Problem, count
from cosim.core.plugin_modules import for_workers
from cosim.study.sweep.executors import executor
from cosim.study.sweep.folder import SweepFolder, open_folder, require_empty
from cosim.study.sweep.sweep_check import check_points
from cosim.study.sweep.sweep_plan import SweepPlan, plan_sweep
from cosim.study.sweep.sweep_run import Executor, SweepOutcome, run_sweep

if TYPE_CHECKING:
    import pandas as pd


class Sweep:
    """What a sweep left.

    Attributes
    ----------
    status : str
        ``done`` or ``interrupted``.
    n_points, n_done, n_failed : int
        All points; those that succeeded; those that failed.
    causes : dict
        Cause of failure to the points that failed by it.
    """

    def __init__(self, outcome: SweepOutcome, held: HeldFolder) -> None:
        self._held = held
        self.status: str = outcome.status
        self.n_points, self.n_done, self.n_failed = outcome.n_points, outcome.n_done, outcome.n_failed
        self.causes: Mapping[str, Sequence[int]] = outcome.causes

    @property
    def folder(self) -> Path:
        """Its directory."""
        return self._held.path

    @property
    def doubts(self) -> list[Problem]:
        """Why points failed, a warning for each cause."""
        return [
            Problem(
                f"{count(len(points), 'point')} failed, the first is {points[0]}: {cause}",
                severity="warning",
            )
            for cause, points in self.causes.items()
        ]

    @property
    def points(self) -> pd.DataFrame:
        """A row a point: its place on the axes, its seed, how it went, and the numbers of its summary."""
        import pandas as pd

        return pd.read_parquet(self.folder / "points.parquet")

    def as_data(self) -> dict[str, Any]:
        """How it went, as plain data."""
        return {
            "folder": self.folder,
            "status": self.status,
            "n_points": self.n_points,
            "n_done": self.n_done,
            "n_failed": self.n_failed,
            "causes": {cause: list(points) for cause, points in self.causes.items()},
        }

    def run(self, point: int) -> Run:
        """The run of a point; a sweep that keeps summaries alone has none.

        Raises
        ------
        InputError
            If there is none.
        """
        folder = self.folder / "points" / f"{point:05d}"
        if not folder.is_dir():
            message = "there is no run of this point"
            raise InputError([Problem(message, "Sweep with `keep: runs`.", "point", value=str(point))])
        return Run(self._held.part(folder))

    def __repr__(self) -> str:
        return f"<Sweep of {self.n_points} points: {self.n_done} done, in {self.folder}>"


@dataclass
class Hands:
    """Where the points of a sweep or a study go, and who runs them; see `cosim.sweep`.

    Attributes
    ----------
    out, workers, dask, resume, results
        As for `cosim.sweep`.
    """

    out: str | os.PathLike[str] | None
    workers: int | None
    dask: str | None
    resume: bool
    results: str | os.PathLike[str] | None
    _temporary: HeldFolder | None = None

    def require_room(self) -> None:
        """Refuse a directory that holds something, before anything is built.

        Raises
        ------
        InputError
            If it does.
        """
        if self.out is not None and not self.resume:
            require_empty(Path(self.out))

    @contextmanager
    def open(
        self, plan: SweepPlan, input_files: Sequence[str], told: Watcher
    ) -> Iterator[tuple[SweepFolder, Executor]]:
        """The directory and the executor, for as long as the block lasts."""
        for_workers()
        if self.out is None and self.results is None:
            self._temporary = HeldFolder.temporary()
        target = self._temporary.path if self._temporary else None if self.out is None else Path(self.out)
        with executor(self.dask, self.workers) as hands:
            folder = open_folder(plan, input_files, target, self.resume, Path(self.results or ""))
            if hands.n_workers == 0:
                message = "the scheduler has no workers yet, and nothing runs until one joins"
                remedy = "Start some with `dask worker ADDRESS --nthreads 1`."
                told.doubts([Problem(message, remedy, file="--dask", severity="warning")])
            yield folder, hands

    def held(self, folder: SweepFolder) -> HeldFolder:
        """The directory, for an object that shows what is in it."""
        return self._temporary or HeldFolder(folder.folder)


def sweep(
    sweep: GivenSweep,
    *,
    out: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    dask: str | None = None,
    resume: bool = False,
    results: str | os.PathLike[str] | None = None,
    watcher: Watcher | None = None,
) -> Sweep:
    """Run a scenario at many points.

    Parameters
    ----------
    sweep : str, path or mapping
        A built-in name, a YAML file, or the same content as a mapping, whose ``base`` may be all that
        `cosim.run` takes.
    out : path, optional
        The sweep's directory, new or empty; by default a temporary one, which is there as long as the object
        that is returned.
    workers : int, optional
        Processes of this machine; one a core by default.
    dask : str, optional
        Address of a Dask scheduler whose workers run the points, or ``local`` for one that is started here.
    resume : bool
        Go on with the sweep in `out`, or with the newest of the same sweep under `results`.
    results : path, optional
        A directory in which the sweep gets one of its own, ``SWEEP/TIME-HASH``; in place of `out`.
    watcher : Watcher, optional
        Is told how it goes; by default doubts become Python warnings, and nothing else is shown.

    Returns
    -------
    Sweep
        Also where some points failed: their rows say why.

    Raises
    ------
    InputError
        If the sweep is wrong, with every problem found; nothing is written then.
    SimulationError
        If no point succeeded; what there is of the sweep is in the error's `result`.
    KeyboardInterrupt
        If it was interrupted, likewise; `resume` goes on from there.
    """
    told = watcher or Watcher()
    hands = Hands(out, workers, dask, resume, results)
    hands.require_room()
    with given_sweep(sweep) as loaded:
        plan = plan_sweep(loaded)
        checked = check_points(plan)
        if checked.errors:
            raise InputError(checked.problems)
        told.doubts(checked.problems)
        with hands.open(plan, checked.input_files, told) as (folder, executor):
            told.begins(plan.sweep.config.name, folder.folder, len(plan.points))
            outcome = run_sweep(folder, executor, told.reached)
    finished = Sweep(outcome, hands.held(folder))
    told.ends(finished)
    if outcome.status == "interrupted":
        raise UnfinishedInterrupt(finished)
    if not outcome.n_done:
        raise UnfinishedError(f"no point succeeded; {folder.folder / 'points.parquet'} says why", finished)
    return finished


def sweep_lines(sweep: GivenSweep) -> Iterator[str]:
    """Every point of a sweep with its place on the axes and the command that runs it alone.

    Raises
    ------
    InputError
        If the sweep is wrong.
    """
    with given_sweep(sweep) as loaded:
        plan = plan_sweep(loaded)
        checked = check_points(plan)
        if checked.errors:
            raise InputError(checked.problems)
        yield from plan.lines()


def robustness(
    folder: str | os.PathLike[str],
    quantities: Sequence[str] = (),
    baseline: str = "",
    out: str | os.PathLike[str] | None = None,
) -> list[Path]:
    """Say what a sweep found, as a page with its figures and tables; gives the files.

    Parameters
    ----------
    folder : path
        Directory of the sweep.
    quantities : sequence of str
        Numbers of the summaries to look at; tracking, cost, feeder and trade by default, as far as they vary.
    baseline : str
        Case that others are compared with; none or baseline by default.
    out : path, optional
        Directory for the files; ``robustness`` in that of the sweep by default.

    Raises
    ------
    InputError
        If it is no directory of a sweep, or has nothing of the kind.
    """
    from cosim.report.page.robustness_report import write_robustness
    from cosim.results.run_files import made_from
    from cosim.results.safe_files import require_plain
    from cosim.study.robustness.analysis import analyse

    source = Path(folder)
    target = source / "robustness" if out is None else Path(out)
    if out is None:
        require_plain(source, (), ("robustness",))
    with made_from(source, "the analysis"):
        analysis = analyse(source, list(quantities), baseline)
    target.mkdir(parents=True, exist_ok=True)
    with made_from(source, "the page"):
        return write_robustness(analysis, target)
