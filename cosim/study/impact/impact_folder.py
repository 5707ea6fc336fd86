"""The directory of an impact study: that of its sweep, with the study itself beside it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cosim.core.errors import InputError, Problem
from cosim.results.run_files import REMEDY
from cosim.results.safe_files import require_plain, write_whole
from cosim.study.impact.impact_plan import ImpactPlan, plan_impact
from cosim.study.impact.load_impact import load_impact
from cosim.study.robustness.points_file import read_points_table
from cosim.study.sweep.folder import SweepFolder

STUDY = "impact.yaml"


def open_study(plan: ImpactPlan, sweep: SweepFolder) -> None:
    """Write the study beside its sweep."""
    write_whole(sweep.folder / STUDY, plan.study.as_yaml())


def read_impact(folder: Path) -> tuple[ImpactPlan, pd.DataFrame]:
    """The study in a directory, and the runs that have ended, a row each.

    Raises
    ------
    InputError
        If it is no directory of a study, or damaged.
    """
    if not (folder / STUDY).is_file():
        message = "this is not the directory of an impact study"
        raise InputError([Problem(message, "Name one that `cosim impact` wrote.", file=str(folder))])
    require_plain(folder, (STUDY, "points.parquet", "sweep.json"), ("points",))
    plan = plan_impact(load_impact(str(folder / STUDY)))
    table = read_points_table(folder / "points.parquet", plan.study.sweep.config)
    beyond = table["point"] >= len(plan.sweep.points)
    if beyond.any():
        message = f"it has a point {int(table['point'].max())}, and the study has {len(plan.sweep.points)}"
        raise InputError([Problem(message, REMEDY, file=str(folder / "points.parquet"))])
    return plan, table
