"""Impact studies: what a feeder can host, and what they say."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cosim.api.given import GivenSweep, Overrides, given_study
from cosim.api.run_results import HeldFolder
from cosim.api.sweeps import Hands, Sweep
from cosim.api.watcher import UnfinishedError, UnfinishedInterrupt, Watcher
from cosim.core.errors import InputError, count
from cosim.results.run_files import made_from
from cosim.results.safe_files import require_plain
from cosim.study.impact.impact_plan import ImpactSearch, check_impact, plan_impact
from cosim.study.sweep.sweep_run import SweepOutcome, run_sweep

if TYPE_CHECKING:
    import pandas as pd

    from cosim.study.impact.impact_analysis import ImpactAnalysis


class Impact(Sweep):
    """What an impact study left.

    Attributes
    ----------
    status : str
        ``done`` or ``interrupted``.
    n_points, n_done, n_failed : int
        Every penetration of every mode, quality and seed; those that were run; those that failed.
    """

    def __init__(self, outcome: SweepOutcome, held: HeldFolder) -> None:
        super().__init__(outcome, held)
        self._analysis: ImpactAnalysis | None = None

    @property
    def analysis(self) -> ImpactAnalysis:
        """Everything that was found."""
        from cosim.study.impact.impact_analysis import analyse_impact

        if self._analysis is None:
            self._analysis = analyse_impact(self.folder)
        return self._analysis

    @property
    def hosting_capacities(self) -> pd.DataFrame:
        """A row a mode, quality of communication and seed: the hosting capacity, and which limit binds."""
        return self.analysis.hosting_capacities()

    @property
    def probabilities(self) -> pd.DataFrame:
        """A row a mode, quality of communication and penetration: the probability of a violation."""
        return self.analysis.probabilities()

    def answer(self) -> list[str]:
        """What each mode hosts, in sentences."""
        from cosim.report.impact_page import answer

        return answer(self.analysis)

    def runs(self) -> str:
        """How many runs it took, and of how many: ``26 runs (of 45 that the whole grid takes; ...)``."""
        from cosim.report.impact_page import runs_text

        if self.status == "interrupted":
            return f"{self.n_done} of at most {count(self.n_points, 'run')}"
        return runs_text(self.n_done, self.n_points)

    def __repr__(self) -> str:
        return f"<Impact study of {self.n_points} points: {self.n_done} run, in {self.folder}>"


def impact(
    study: GivenSweep,
    *,
    out: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    dask: str | None = None,
    resume: bool = False,
    full: bool = False,
    seeds: int | None = None,
    overrides: Overrides | None = None,
    results: str | os.PathLike[str] | None = None,
    watcher: Watcher | None = None,
) -> Impact:
    """Find what a feeder can host, by seed, mode of control and quality of communication.

    Parameters
    ----------
    study : str, path or mapping
        A built-in name, a YAML file, or the same content as a mapping.
    out, workers, dask, resume, results, watcher
        As for `cosim.sweep`.
    full : bool
        Run every penetration, and not only those that the search needs.
    seeds : int, optional
        How many seeds, in place of the study's.
    overrides : mapping or sequence of str, optional
        What is set in all runs, as for `cosim.run`, beside what the study sets.

    Returns
    -------
    Impact
        Also where some runs failed: their rows say why, and seeds with such a run count nowhere.

    Raises
    ------
    InputError
        If the study is wrong, with every problem found; nothing is written then.
    SimulationError
        If no run succeeded.
    KeyboardInterrupt
        If it was interrupted; `resume` goes on from there.
    """
    from cosim.report.page.impact_report import write_impact
    from cosim.study.impact.impact_folder import open_study

    told = watcher or Watcher()
    hands = Hands(out, workers, dask, resume, results)
    hands.require_room()
    with given_study(study, seeds, overrides) as loaded:
        plan = plan_impact(loaded, full)
        checked = check_impact(plan)
        if checked.errors:
            raise InputError(checked.problems)
        told.doubts(checked.problems)
        with hands.open(plan.sweep, checked.input_files, told) as (folder, executor):
            open_study(plan, folder)
            told.begins(plan.config.name, folder.folder, plan.n_expected)
            outcome = run_sweep(folder, executor, told.reached, ImpactSearch(plan))
    finished = Impact(replace(outcome, n_points=plan.n_grid), hands.held(folder))
    if outcome.n_done:
        require_plain(finished.folder, (), ("impact",))
        told.draws()
        write_impact(finished.analysis, finished.folder / "impact")
    told.ends(finished)
    if outcome.status == "interrupted":
        raise UnfinishedInterrupt(finished)
    if not outcome.n_done:
        raise UnfinishedError(f"no run succeeded; {folder.folder / 'points.parquet'} says why", finished)
    return finished


def evaluate_impact(folder: str | os.PathLike[str], out: str | os.PathLike[str] | None = None) -> list[Path]:
    """Write what a study found anew: page, figures and tables; gives the files, the page first.

    Raises
    ------
    InputError
        If it is no directory of an impact study.
    """
    from cosim.report.page.impact_report import write_impact
    from cosim.study.impact.impact_analysis import analyse_impact

    source = Path(folder)
    if out is None:
        require_plain(source, (), ("impact",))
    with made_from(source, "the analysis"):
        analysis = analyse_impact(source)
    with made_from(source, "the page"):
        return write_impact(analysis, source / "impact" if out is None else Path(out))
