"""Figures of dimming and of EN 50160, from tables that are made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.engine.wings import tables
from cosim.report.dimming_data import limited
from cosim.report.figures import FIGURES
from cosim.report.figures.dimming_figure import dimming
from cosim.report.figures.en50160_figure import bus_weeks, en50160
from cosim.report.run_data import RunData
from cosim.report.style import drawing
from tests.unit.small_run import START_MS, SmallRun, hours, scenario_text

DIMMING = """
dimming: {from_loading_percent: 30, until_loading_percent: 20, in_silence: {after_s: 7200, max_kw: 2}}
"""
HOUR = 3_600_000


@pytest.fixture
def dimmed(tmp_path: Path) -> RunData:
    """Two homes are ordered at 3 h; one goes silent at 5 h; an order lifts all at 9 h, and limits feed-in."""
    small = SmallRun(tmp_path / "run", grid=True).meters().feeder().topology()
    text = scenario_text(4, 48, True).replace("cigre_lv}", "cigre_lv, feedback: true}") + DIMMING
    small.store.write_text("scenario.yaml", text)
    small.store.writer(tables()["power_limits"]).append(
        {
            "time": hours(48)[[3, 3, 5, 9, 9]],
            "prosumer": ["h001", "h002", "h002", "h001", "h002"],
            "max_kw": [4.2, 4.2, 2.0, np.nan, np.nan],
            "feed_in_kw": [np.nan, np.nan, np.nan, 5.0, 5.0],
            "cause": ["order", "order", "silence", "order", "order"],
        }
    )
    return small.end()


def test_who_was_limited_and_what_the_operator_saw(dimmed: RunData) -> None:
    found = limited(dimmed)
    assert ((found.time_ms - START_MS) / HOUR).tolist() == [0, 3, 5, 9, 48]
    assert found.households.tolist() == [[0, 0, 0], [2, 0, 0], [1, 1, 0], [0, 0, 2], [0, 0, 2]]
    with drawing():
        figure = FIGURES["dimming"]().draw(dimmed)
    assert figure is not None
    homes, loading, voltage, power = figure.axes
    assert len(homes.lines) == 3
    highest = loading.lines[0].get_ydata()
    # The second line's own limit is 60 %.
    kinds = ("line", [2, 7], [100, 60]), ("trafo", [0], [100])
    used = [
        dimmed.tables[f"{kind}_loading"].pivot(index="time", columns=kind, values="loading_percent")[elements]
        / limits
        for kind, elements, limits in kinds
    ]
    assert highest == pytest.approx(100 * np.hstack(used).max(axis=1))
    assert [line.get_ydata()[0] for line in loading.lines[1:]] == [30, 20]
    assert len(voltage.lines) == 3
    meters = dimmed.tables.meters
    devices = (meters.net_kwh - meters.load_kwh + meters.pv_kwh).groupby(meters.time).sum()
    assert power.lines[0].get_ydata() == pytest.approx(devices)


def test_buses_by_their_worst_week_and_weeks_by_broken_buses(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run", grid=True)
    week = np.timedelta64(7, "D")
    start = np.datetime64(START_MS, "ms")
    small.store.writer(tables()["en50160"]).append(
        {
            "time": np.repeat([start, start + week], 3),
            "bus": [0, 4, 9] * 2,
            "within_10_percent_share": [1.0, 0.97, 0.99, 1.0, 0.9, 0.98],
            "within_wide_share": [1.0, 1.0, 1.0, 1.0, 1.0, 0.999],
            "kept": [True, True, True, True, False, False],
        }
    )
    run = small.end()
    found = bus_weeks(run)
    assert found.buses.tolist() == [4, 9, 0]
    assert found.outside == pytest.approx(np.array([[0.03, 0.01, 0], [0.1, 0.02, 0]]))
    with drawing():
        figure = FIGURES["en50160"]().draw(run)
    assert figure is not None
    above, below = figure.axes
    assert above.get_title(loc="left") == "2 buses of 3 break EN 50160 in some week"
    assert [bar.get_height() for bar in below.patches] == [0, 2]


def test_without_limits_or_whole_weeks_there_is_no_such_figure(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "run", grid=True).feeder().end()
    assert dimming(run) is None
    assert en50160(run) is None
