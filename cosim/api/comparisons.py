"""Runs side by side."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosim.api.run_results import Run
from cosim.core.text import visible
from cosim.results.run_files import made_from
from cosim.results.safe_files import write_whole
from cosim.study.compare import Comparison, compare_runs
from cosim.study.compare_csv import differences_csv, numbers_csv
from cosim.study.scenario_differences import value_text

if TYPE_CHECKING:
    import pandas as pd


class RunComparison:
    """What differs between runs: in their scenarios, and in their numbers.

    Attributes
    ----------
    sides : Comparison
        The runs and their numbers, to read one by one.
    """

    def __init__(self, sides: Comparison) -> None:
        self.sides = sides
        with made_from(sides.runs[0].folder, "the comparison"):
            self._csv = {"numbers.csv": numbers_csv(sides), "differences.csv": differences_csv(sides)}

    @property
    def numbers(self) -> pd.DataFrame:
        """Every number: a row each, a column each run, and the difference to the first run and in percent."""
        import pandas as pd

        first, *others = self.sides.runs
        columns = {run.label: [run.numbers.get(key) for key in self.sides.keys] for run in self.sides.runs}
        for run in others:
            changes = [self.sides.change(key, run) for key in self.sides.keys]
            columns[f"{run.label} minus {first.label}"] = [change.absolute for change in changes]
            columns[f"{run.label} change_percent"] = [change.percent for change in changes]
        return pd.DataFrame(columns, index=pd.Index(self.sides.keys, name="number"), dtype=float)

    @property
    def differences(self) -> pd.DataFrame:
        """The scenario values that differ: a row each, a column each run, as text."""
        import pandas as pd

        rows = [[value_text(value) for value in one.values] for one in self.sides.differences]
        paths = pd.Index([one.path for one in self.sides.differences], name="path")
        return pd.DataFrame(rows, index=paths, columns=[run.label for run in self.sides.runs])

    @property
    def cautions(self) -> tuple[str, ...]:
        """Why differences between the numbers may have other reasons than the values that differ."""
        return self.sides.cautions

    def as_data(self) -> dict[str, Any]:
        """Runs, cautions, differences and numbers as plain data: by name, and within that by run."""
        runs = self.sides.runs
        return {
            "runs": [
                {"label": run.label, "folder": run.folder, "status": run.status, "seed": run.seed}
                for run in runs
            ],
            "cautions": list(self.cautions),
            "differences": self.differences.to_dict(orient="index"),
            "numbers": {key: {run.label: run.numbers.get(key) for run in runs} for key in self.sides.keys},
        }

    def write_csv(self, file: str | os.PathLike[str]) -> None:
        """Write the numbers."""
        Path(file).write_text(self._csv["numbers.csv"], encoding="utf-8")

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the page, numbers, differences and figures into a directory; gives the files."""
        from cosim.report.compare_figure import draw_comparison
        from cosim.report.page.compare_report import write_compare_report

        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name, text in self._csv.items():
            write_whole(target / name, text)
        page = write_compare_report(self.sides, target)
        return [page, *(target / name for name in self._csv), *draw_comparison(self.sides, target)]

    def __repr__(self) -> str:
        return f"<comparison of {', '.join(run.label for run in self.sides.runs)}>"

    def _repr_html_(self) -> str:
        cautions = "".join(f"<p>{escape(visible(caution))}</p>" for caution in self.cautions)
        return f"{cautions}{self.differences.to_html()}{self.numbers.to_html()}"


def compare(*runs: Run | str | os.PathLike[str]) -> RunComparison:
    """Put runs side by side.

    Parameters
    ----------
    *runs : Run or path
        Two runs or more, or their directories; differences are to the first. Runs with the same seed share
        their random draws, so that differences come from the values that differ.

    Raises
    ------
    InputError
        If there are fewer than two or more than 26, one is given twice, or one cannot be read.
    """
    return RunComparison(compare_runs([run.folder if isinstance(run, Run) else Path(run) for run in runs]))
