"""Figures of plugins: drawn of a run's tables, shown after cosim's own, and named when they fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

import cosim
from cosim.report.figures import FIGURES
from cosim.report.run_data import RunData

SHORT = {"time.steps": 5}
pytestmark = pytest.mark.filterwarnings("ignore:.*Assumption 1 of paper A:UserWarning")


@pytest.fixture
def register(registered_here: Callable[[], None]) -> Callable[[Any], None]:
    """Registers a figure that is drawn by a function; of cosim's own there is one, so that it is fast."""
    FIGURES._classes = {"signals": FIGURES["signals"]}

    def take(draw: Any) -> None:
        members = {
            "title": "My signal",
            "caption": "Ω of both <resources>.",
            "draw": lambda self, run: draw(run),
        }
        cosim.plugins.figure("my_signal")(type("MySignal", (cosim.plugins.RunFigure,), members))

    return take


def test_it_is_drawn_of_the_tables_and_shown_after_cosims_own(
    tmp_path: Path, register: Callable[[Any], None]
) -> None:
    drawn: list[list[float]] = []

    def draw(run: RunData) -> Figure:
        signals = run.tables.regulation.query("resource == 'consumption'").signal
        drawn.append(signals.tolist())
        figure = Figure(figsize=(2, 1))
        figure.patch.set_facecolor("red")
        figure.subplots().plot(signals)
        return figure

    register(draw)
    run = cosim.run("section6", SHORT, out=str(tmp_path / "run"))
    assert run.tables.regulation.query("resource == 'consumption'").signal.tolist() == drawn[0]
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert page.index("My signal") > page.index("<h2")
    assert "Ω of both &lt;resources&gt;." in page
    own, mine = run.write_figures()
    assert (own.name, mine.name) == ("signals.png", "my_signal.png")
    picture = imread(mine)
    assert picture[0, 0, :3].tolist() == [1, 0, 0]
    assert len(drawn) == 2


def test_nothing_to_show_is_no_figure(tmp_path: Path, register: Callable[[Any], None]) -> None:
    register(lambda run: None)
    run = cosim.run("section6", SHORT, out=str(tmp_path / "run"))
    assert [file.name for file in run.write_figures()] == ["signals.png"]
    assert "My signal" not in (run.folder / "report.html").read_text(encoding="utf-8")


def test_one_that_fails_is_named_and_the_tables_are_there(
    tmp_path: Path, register: Callable[[Any], None]
) -> None:
    register(lambda run: Figure(figsize=(1 / 0, 1)))
    with pytest.raises(
        cosim.SimulationError, match=r"the tables are complete; `cosim report .*` makes it again"
    ):
        cosim.run("section6", SHORT, out=str(tmp_path / "run"))
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["status"] == "done"
    said = f"failed: the figure 'my_signal' cannot be produced: the plugin {__name__} failed ({__file__}:"
    assert record["report"].startswith(said)
    assert "ZeroDivisionError: division by zero" in record["report"]
    assert (tmp_path / "run" / "tables" / "regulation.parquet").exists()
