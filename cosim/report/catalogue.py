"""All figures of a run: their names, what each shows, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cosim.report import market_figures, prosumer_figures
from cosim.report.run_data import RunData
from cosim.report.style import drawing, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Entry(NamedTuple):
    """One figure.

    Attributes
    ----------
    name : str
        File name under ``figures/``, without ``.png``.
    title : str
        A few words.
    caption : str
        One sentence: what it shows.
    draw : callable
        Gives the figure, or None where the run has nothing to show in it.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[RunData], Figure | None]


FIGURES: tuple[Entry, ...] = (
    Entry("aggregate", "Aggregate and capacity", "c", market_figures.aggregate),
    Entry("signals", "Signals", "c", market_figures.signals),
    Entry("averages", "Averages and optimum", "c", market_figures.averages),
    Entry("averages_by_prosumer", "A", "c", prosumer_figures.averages_by_prosumer),
    Entry("averages_at_end", "A", "c", prosumer_figures.averages_at_end),
    Entry("utilisation", "A", "c", prosumer_figures.utilisation),
    Entry("gradients", "A", "c", prosumer_figures.gradients),
    Entry("last_steps", "A", "c", market_figures.last_steps),
    Entry("frequency", "A", "c", market_figures.frequency),
)


def draw_figures(run_folder: Path) -> list[Path]:
    """Draw every figure that a run has data for into its ``figures`` folder.

    Parameters
    ----------
    run_folder : Path
        The run's directory; the run may have been interrupted or killed.

    Returns
    -------
    list of Path
        The files written, in the order of `FIGURES`. A figure from an earlier drawing that no longer applies is
        taken away.
    """
    run = RunData(run_folder)
    folder = run_folder / "figures"
    folder.mkdir(exist_ok=True)
    written = []
    with drawing():
        for entry in FIGURES:
            path = folder / f"{entry.name}.png"
            figure = entry.draw(run)
            if figure is None:
                path.unlink(missing_ok=True)
                continue
            save(figure, path)
            written.append(path)
    return written
