"""Figures of a local firm and of a tie: what they show is what the tables say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cosim
from cosim.report.figures.firm_figure import firm
from cosim.report.figures.tie_figure import ties
from cosim.report.run_data import RunData

SHORT = {"time.duration_h": 6, "report.figures": False, "record.decisions": False}

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of the scenarios, six hours long


def test_an_island(tmp_path: Path) -> None:
    cosim.run("island_village", SHORT, out=tmp_path / "run")
    run = RunData(tmp_path / "run")
    figure = firm(run)
    assert figure is not None
    gives, stored, cut = figure.axes
    by_label = {line.get_label(): line for line in gives.lines}
    assert {"battery", "households"} <= set(by_label)
    table = run.tables["firm"]
    hours = run.scenario.interval_ms / 3_600_000
    drawn = (table.fed_in_kwh - table.drawn_kwh).to_numpy() / hours
    assert by_label["households"].get_ydata() == pytest.approx(drawn, abs=1e-9)
    assert np.all(stored.lines[0].get_ydata() <= 100)
    assert cut.get_title() == "What the island could not serve or take"
    assert ties(run) is None


def test_a_tie(tmp_path: Path) -> None:
    cosim.run("tied_villages", SHORT, out=tmp_path / "run")
    run = RunData(tmp_path / "run")
    figure = ties(run)
    assert figure is not None
    assert all(ax.get_title() for ax in figure.axes)
    assert any(len(line.get_ydata()) == len(run.tables["ties"]) for line in figure.axes[0].lines)
    assert firm(run) is None
