"""All figures that a run has data for, as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cosim.report.figures.interface import FIGURES
from cosim.report.run_data import RunData
from cosim.report.style import Print, drawing, save
from cosim.results.run_files import made_from, require_run


def draw_figures(
    run_folder: Path, how: Print | None = None, on_file: Callable[[Path], None] = lambda path: None
) -> list[Path]:
    """Draw every figure that a run has data for into its ``figures`` folder.

    Parameters
    ----------
    run_folder : Path
        The run's directory; the run may have been interrupted or killed.
    how : Print
        Format, width and resolution; a PNG as drawn by default.
    on_file : callable
        Told of each file when it is there.

    Returns
    -------
    list of Path
        The files written, in the order of `FIGURES`. A figure of an earlier drawing that no longer applies
        is taken away.
    """
    require_run(run_folder)
    run, how = RunData(run_folder), how or Print()
    run.check()
    folder = run_folder / "figures"
    folder.mkdir(exist_ok=True)
    written = []
    with drawing():
        for name, each in FIGURES.items():
            path = folder / f"{name}.{how.format}"
            with made_from(run_folder / "tables", f"the figure '{name}'"):
                figure = each().draw(run)
            if figure is None:
                path.unlink(missing_ok=True)
                continue
            with made_from(run_folder / "tables", f"the figure '{name}'"):
                save(figure, path, how)
            written.append(path)
            on_file(path)
    return written
