"""Figures and page of small runs made by hand: which appear, that they repeat, what they are made from.

Laying a figure out and painting it takes nine tenths of its time. Where the test is which figures there are,
they are made up to there with every test, and painted too with the slow ones; every figure of a full run is
painted with every test.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.core.shown import number_text
from cosim.engine.scenario import Scenario
from cosim.grid.named_elements import Element
from cosim.report.decision_data import decision_data, steps_per_point
from cosim.report.figures import FIGURES, fault_figure, figure_files
from cosim.report.figures.energy_figures import community_power
from cosim.report.figures.feeder_figure import feeder_map, worst_voltage
from cosim.report.figures.figure_files import draw_figures
from cosim.report.figures.grid_figures import loading_duration, voltage
from cosim.report.figures.message_figures import latency_data
from cosim.report.figures.prosumer_figures import target_gap
from cosim.report.figures.regulation_figures import averages
from cosim.report.grid_data import ByElement, loadings, voltage_band
from cosim.report.page.run_page import write_report
from cosim.report.regulation_data import resource_series
from cosim.report.run_data import RunData
from cosim.report.style import Print, drawing, new_figure, picture
from cosim.report.summary_table import summary_rows
from tests.unit.small_run import BUSES, LINES, START_MS, SmallRun, full_run

MARKET = {
    "aggregate", "signals", "averages", "averages_by_prosumer", "averages_at_end", "utilisation", "gradients",
    "last_steps", "frequency",
}  # fmt: skip
GRID = {"voltage_band", "feeder", "loading_duration"}
TRADING = {
    "trading_offers", "trading_schedule", "trading_allocation", "trading_hours", "trading_bills",
    "trading_clearing",
}  # fmt: skip
"""These are looked at in `test_report_trading` and `test_report_clearing`."""
LIMITS = {"en50160", "dimming"}
"""These in `test_report_limits`."""
FIRM = {"firm", "ties"}
"""These in `test_report_firm`."""


@pytest.fixture(params=["made", pytest.param("painted", marks=pytest.mark.slow)])
def _painting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether figures are laid out and painted, or their files hold a PNG's signature alone."""
    if request.param == "made":
        monkeypatch.setattr(figure_files, "save", lambda figure, path, how: path.write_bytes(b"\x89PNG"))


either_way = pytest.mark.usefixtures("_painting")


def names(files: list[Path]) -> set[str]:
    for file in files:
        assert file.read_bytes().startswith(b"\x89PNG")
    return {file.stem for file in files}


# --- which figures there are ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """The full run with its figures and its page; and which figures were drawn. Not to be changed."""
    folder = full_run(tmp_path_factory.mktemp("full") / "run")
    figures = draw_figures(folder)
    write_report(folder)
    return folder, figures


def test_every_figure_of_a_full_run(drawn: tuple[Path, list[Path]]) -> None:
    folder, figures = drawn
    expected = {*FIGURES} - TRADING - LIMITS - FIRM - {"power"}
    assert names(figures) == expected
    assert {file.name for file in (folder / "figures").iterdir()} == {f"{name}.png" for name in expected}


@either_way
def test_a_market_without_feeder_has_the_figures_of_paper_a_only(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "run").prosumers().market().messages([0], lost=0).end()
    assert names(draw_figures(run.folder)) == MARKET


@either_way
def test_without_decisions_only_what_the_platform_sees(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run").prosumers()
    small.decisions = lambda: small  # type: ignore[method-assign]
    run = small.market().end()
    assert names(draw_figures(run.folder)) == {"aggregate", "signals", "averages", "last_steps", "frequency"}


@either_way
def test_a_feeder_without_market_or_battery(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "run", grid=True).meters().feeder().topology().end()
    assert names(draw_figures(run.folder)) == GRID | {"power"}


@either_way
def test_a_feeder_without_topology_has_no_map(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "run", grid=True).feeder().end()
    assert names(draw_figures(run.folder)) == GRID - {"feeder"}


def test_a_run_with_no_tables_has_no_figures(tmp_path: Path) -> None:
    assert draw_figures(SmallRun(tmp_path / "run").end().folder) == []


@either_way
def test_a_figure_that_no_longer_applies_goes(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "run").meters().end()
    old = run.folder / "figures" / "feeder.png"
    old.parent.mkdir()
    old.write_bytes(b"old")
    assert names(draw_figures(run.folder)) == {"power"}
    assert not old.exists()


@either_way
def test_one_household_and_few_steps(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run", n_homes=1, n_hours=3).prosumers().market().messages([200]).meters()
    run = small.batteries().end()
    expected = MARKET - {"last_steps", "frequency"} | {"storage", "devices", "latencies"}
    assert names(draw_figures(run.folder)) == expected


@either_way
def test_a_single_step(tmp_path: Path) -> None:
    run = (
        SmallRun(tmp_path / "run", n_homes=2, n_hours=1, grid=True)
        .prosumers()
        .market()
        .meters()
        .feeder()
        .end()
    )
    assert {"aggregate", "gradients", "power", "voltage_band"} <= names(draw_figures(run.folder))


@either_way
def test_a_long_run_is_gathered_by_day(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run", n_homes=2, n_hours=1600, grid=True).prosumers().market()
    run = small.meters().batteries().feeder(diverged=tuple(range(24, 48))).end()
    assert MARKET | {"storage", "voltage_band"} <= names(draw_figures(run.folder))


@either_way
def test_numbers_that_are_not_positive_or_not_known(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run").prosumers()
    small.rng = type("Flat", (), {"random": staticmethod(lambda n: np.full(n, np.nan))})()  # type: ignore[assignment]
    run = small.market().end()
    assert MARKET - {"utilisation"} <= names(draw_figures(run.folder))


# --- runs that did not end well ------------------------------------------------------------------------


@either_way
def test_diverged_intervals_leave_gaps(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run", grid=True).feeder(diverged=(0, 5, 6)).topology()
    run = small.end()
    assert names(draw_figures(run.folder)) == GRID
    band, _ = voltage_band(run)
    assert np.flatnonzero(np.isnan(band.quantiles[:, 2])).tolist() == [0, 5, 6]


@either_way
def test_a_run_of_which_nothing_converged(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run", grid=True).feeder(diverged=tuple(range(48))).topology()
    assert names(draw_figures(small.end().folder)) == {"voltage_band", "loading_duration"}


@either_way
def test_a_killed_run_shows_the_parts_it_had_written(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run", grid=True).market().meters().feeder()
    for writer in small.store._writers.values():
        writer._pending = [rows.slice(0, len(rows) // 2) for rows in writer._pending]
        writer.save()  # the rest was in memory only
    small.store.write_json("run.json", {"status": "running", "seed": 7})
    assert not list((small.folder / "tables").glob("*.parquet"))
    drawn = names(draw_figures(small.folder))
    assert {"aggregate", "gradients", "voltage_band", "loading_duration", "power"} <= drawn
    assert "utilisation" not in drawn  # the T of the costs was not written yet
    text = write_report(small.folder).read_text(encoding="utf-8")
    assert "it was killed" in text
    assert "has no summary" in text


@either_way
@pytest.mark.parametrize(
    "table",
    [
        "regulation",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("power_flow", "bus_voltage", "line_loading", "meters", "decisions")
        ),
    ],
)
def test_a_killed_run_without_one_of_its_tables_is_drawn(tmp_path: Path, table: str) -> None:
    """A table of few rows an hour is written later than one of many."""
    small = (
        SmallRun(tmp_path / "run", grid=True).prosumers().market().meters().batteries().feeder().topology()
    )
    for name, writer in small.store._writers.items():
        if name != table:
            writer.save()
    small.store.write_json("run.json", {"status": "running", "seed": 7})
    assert names(draw_figures(small.folder))
    assert "it was killed" in write_report(small.folder).read_text(encoding="utf-8")


@either_way
def test_an_interrupted_run_says_so(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run").prosumers().market()
    small.end()
    record = {"status": "interrupted", "cause": "interrupted by the user", "simulated_until_ms": 7_200_000}
    small.store.write_json("run.json", record)
    text = write_report(small.folder).read_text(encoding="utf-8")
    assert "Cause: interrupted by the user" in text
    assert "2 h of 2 days" in text


# --- drawing leaves no trace but the files ----------------------------------------------------------------


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_the_same_run_gives_the_same_bytes_whatever_the_users_settings(
    drawn: tuple[Path, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    import matplotlib

    folder = Path(shutil.copytree(drawn[0], tmp_path / "first"))
    figures = [folder / file.relative_to(drawn[0]) for file in drawn[1]][::every]
    for file in {*(folder / "figures").iterdir()} - {*figures}:
        file.unlink()
    chosen = {name: each for name, each in FIGURES.items() if folder / f"figures/{name}.png" in figures}
    monkeypatch.setattr(FIGURES, "_classes", chosen)
    write_report(folder)
    again = full_run(tmp_path / "run")
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "lines.linewidth": 7}):
        before = dict(matplotlib.rcParams)
        assert [file.name for file in draw_figures(again)] == [file.name for file in figures]
        write_report(again)
        assert dict(matplotlib.rcParams) == before
    for file in [*figures, folder / "report.html"]:
        assert file.read_bytes() == (again / file.relative_to(folder)).read_bytes()


@pytest.mark.parametrize(("format_", "begins"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_a_figure_has_the_format_width_and_resolution_that_is_asked_for(format_: str, begins: bytes) -> None:
    def written() -> bytes:
        with drawing():
            figure, (ax,) = new_figure(4.0)
            ax.plot([0, 1], [0, 1], label="a")
            ax.set_title("A title")
            return picture(figure, Print(format_, 10.0, 254))

    found = written()
    assert found.startswith(begins)
    assert found == written()
    if format_ == "svg":
        assert b"A title</text>" in found
        assert f'width="{10 / 2.54 * 72:.4f}'.encode()[:10] in found
    if format_ == "png":
        assert struct.unpack(">II", found[16:24]) == (1000, 500)


def test_nothing_that_draws_imports_pyplot_or_pandapower() -> None:
    """Both would keep figures or take seconds to load; that none of it loads them, the slow test shows."""
    folder = Path(figure_files.__file__).parent.parent
    for file in folder.rglob("*.py"):
        assert not re.search(r"^\s*(from|import) .*(pyplot|pandapower)", file.read_text(), re.M), file.name


@pytest.mark.slow
def test_a_page_loads_neither_matplotlib_nor_bokeh_nor_pandapower(tmp_path: Path) -> None:
    """All figures are made and painted."""
    run = SmallRun(tmp_path / "run", grid=True).prosumers().market().feeder().topology().end()
    code = (
        "import sys; from pathlib import Path\n"
        "import cosim.report.page.run_page\n"
        f"cosim.report.page.run_page.write_report(Path({str(run.folder)!r}))\n"
        "assert not {'matplotlib', 'bokeh', 'pandapower'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_nothing_is_cut_off(tmp_path: Path, every: int) -> None:
    """Every text of every figure lies within its canvas."""
    from cosim.report.style import drawing

    small = (
        SmallRun(tmp_path / "run", n_hours=1600, grid=True).prosumers().market().messages([1, 5000]).meters()
    )
    run = small.batteries().feeder(diverged=(3,)).topology().end()
    with drawing():
        for name, each in FIGURES.items()[::every]:
            figure = each().draw(run)
            if figure is None:
                continue
            figure.canvas.draw()  # type: ignore[no-untyped-call]
            box = figure.get_tightbbox()
            width, height = figure.get_size_inches()
            assert box.x0 > -0.02, name
            assert box.y0 > -0.02, name
            assert box.x1 < width + 0.02, name
            assert box.y1 < height + 0.02, name
            assert any(ax.get_xlabel() for ax in figure.axes), name
            assert any(ax.get_ylabel() for ax in figure.axes), name


@pytest.mark.parametrize("highest", [0, 1])
def test_no_household_is_above_its_panel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, highest: int
) -> None:
    """Panels that share an axis reach as far as the highest point of any of them."""
    from cosim.report.figures import prosumer_figures

    run = SmallRun(tmp_path / "run").prosumers().market().end()
    data = decision_data(run)
    assert data is not None
    data.last_average[:, highest] = 0.9
    data.last_average[:, 1 - highest] = 0.1
    monkeypatch.setattr(prosumer_figures, "decision_data", lambda run: data)
    for draw in (prosumer_figures.averages_at_end, prosumer_figures.utilisation):
        figure = draw(run)
        assert figure is not None
        for ax in figure.axes:
            low, high = ax.get_ylim()
            for line in ax.lines:
                heights = np.asarray(line.get_ydata(), dtype=float)
                assert low == 0
                assert np.nanmax(heights) < high


def test_units_that_differ_are_not_given_as_the_first_ones(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "run").prosumers().market().end()
    series = resource_series(run)
    first = series[0]._replace(unit="units of 1 kWh")
    for unit, label in (("units of 1 kWh", "units of 1 kWh"), ("units of 2 kWh", "units of each")):
        series[:] = [first, first._replace(unit=unit)]
        figure = averages(run)
        assert figure is not None
        assert figure.axes[0].get_ylabel() == f"Σ of averages [{label}]"


# --- what they are made from -----------------------------------------------------------------------------


def test_voltage_band_of_intervals_and_of_days(tmp_path: Path) -> None:
    short = SmallRun(tmp_path / "short", grid=True).feeder()
    band, by_bus = voltage_band(short.end())
    levels = [0, 0.05, 0.5, 0.95, 1]
    np.testing.assert_allclose(band.quantiles, np.quantile(short.vm_pu, levels, axis=1).T, atol=1e-14)
    assert by_bus.elements == BUSES
    np.testing.assert_array_equal(by_bus.high, short.vm_pu.max(axis=0))
    long = SmallRun(tmp_path / "long", n_hours=24 * 70, grid=True).feeder()
    band, by_bus = voltage_band(long.end())
    by_day = long.vm_pu.reshape(70, -1)
    assert band.width_ms == MS_PER_DAY
    np.testing.assert_allclose(band.quantiles, np.quantile(by_day, levels, axis=1).T, atol=1e-14)
    np.testing.assert_array_equal(by_bus.low, long.vm_pu.min(axis=0))
    assert band.time_ms[0] == START_MS + MS_PER_DAY // 2


def test_loadings_follow_the_busiest(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run", grid=True).feeder(diverged=(2,))
    found = loadings(small.end(), "line", 1)
    busiest = int(np.nanargmax(np.nanmax(small.percent, axis=0)))
    assert list(found.busiest) == [LINES[busiest]]
    np.testing.assert_array_equal(found.busiest[LINES[busiest]], small.percent[:, busiest])
    assert np.isnan(found.largest[2])
    np.testing.assert_array_equal(
        np.delete(found.largest, 2), np.delete(small.percent, 2, axis=0).max(axis=1)
    )


def test_the_map_takes_each_elements_own_worst(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run", grid=True).feeder(diverged=(2,)).topology()
    found = feeder_map(small.end())
    farthest = np.nanargmax(np.abs(small.vm_pu - 1), axis=0)
    np.testing.assert_array_equal(found.vm_pu, small.vm_pu[farthest, [0, 1, 2]])
    assert found.line == {2: (1, 2), 7: (1, 2)}
    assert found.trafo == [("trafo", 0, (0, 1))]
    assert ("line", 7) not in found.closed
    assert found.percent["line", 2] == np.nanmax(small.percent[:, 0])
    assert found.usage["line", 7] == np.nanmax(small.percent[:, 1]) / 60
    low, high = np.nanmin(small.vm_pu, axis=0), np.nanmax(small.vm_pu, axis=0)
    middle, half = np.array([1.01, 1, 1]), np.array([0.045, 0.1, 0.1])
    np.testing.assert_allclose(found.bus_usage, np.maximum(middle - low, high - middle) / half, rtol=1e-12)


def test_figures_draw_the_limit_of_most_elements_and_name_the_others(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "run", grid=True).feeder().topology().end()
    (ax,) = [ax for ax in voltage(run).axes]
    texts = [ax.get_title(), *(line.get_label() for line in ax.get_lines())]
    for limit in ("0.9 pu", "1.1 pu"):
        assert any(f"limit {limit} (another at 1 of 3)" in text for text in texts)
    lines, _ = loading_duration(run).axes
    texts = [lines.get_title(), *(line.get_label() for line in lines.get_lines())]
    assert any("limit 100 % (another at 1 of 2)" in text for text in texts)
    assert any(text.endswith(", limit 60 %") for text in texts)


def test_worst_voltage_is_the_one_farther_from_nominal() -> None:
    extremes = ByElement([1, 2, 3], np.array([0.9, 0.99, np.nan]), np.array([1.05, 1.05, np.nan]))
    np.testing.assert_array_equal(worst_voltage(extremes), [0.9, 1.05, np.nan])


def test_community_power_is_in_kilowatts_of_all_households(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "run").meters().batteries().end()
    data = community_power(run)
    table = run.read("meters", ["load_kwh", "net_kwh"])
    np.testing.assert_allclose(data.load, table["load_kwh"].reshape(48, 4).sum(axis=1))
    np.testing.assert_allclose(data.net, table["net_kwh"].reshape(48, 4).sum(axis=1))
    charge = run.read("batteries", ["charge_kwh"])["charge_kwh"].reshape(48, 4).sum(axis=1)
    np.testing.assert_allclose(data.charge, charge)


def test_decisions_of_a_short_run_are_kept_as_they_are(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "run").prosumers().market().end()
    data = decision_data(run)
    assert data is not None
    table = run.read("decisions", ["average", "gradient"])
    np.testing.assert_array_equal(data.average, table["average"].reshape(48, 4, 2))
    np.testing.assert_array_equal(data.gradient, table["gradient"].reshape(48, 4, 2))
    np.testing.assert_array_equal(data.last_average, data.average[-1])
    assert data.target.tolist() == [0.5] * 4
    assert [group.name for group in data.groups] == ["homes"]


def test_decisions_of_a_long_run_are_daily_means(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "run", n_homes=2, n_hours=24 * 60).prosumers().market().end()
    data = decision_data(run)
    assert data is not None
    assert data.steps_per_point == 24
    table = run.read("decisions", ["average"])["average"].reshape(60, 24, 2, 2)
    np.testing.assert_allclose(data.average, table.mean(axis=1), rtol=1e-12)
    assert (data.time_ms[0] - START_MS) / MS_PER_HOUR == pytest.approx(11.5)


@pytest.mark.parametrize(
    ("last_step", "numbers", "step_ms", "expected"),
    [
        (1000, 200, MS_PER_DAY, 1),
        (100_000, 200, MS_PER_DAY, 100),
        (8760, 200, MS_PER_HOUR, 24),
        (8760 * 4, 200, MS_PER_HOUR // 4, 96),
        (1000, 40_000, MS_PER_DAY, 10),
    ],
)
def test_steps_of_a_point(last_step: int, numbers: int, step_ms: int, expected: int) -> None:
    assert steps_per_point(last_step, numbers, step_ms) == expected


def test_target_gap_leaves_out_what_a_household_does_not_take() -> None:
    average = np.array([[0.9, 0.8], [0.3, np.nan], [np.nan, np.nan]])
    np.testing.assert_allclose(target_gap(average, np.array([1.74, 1.0, 1.0])), [0.04, 0.7, np.nan])


def test_latencies_and_losses_by_direction(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "run").messages([7, 3]).end()
    ((key, one),) = latency_data(run).items()
    assert key == ("downlink", "signal")
    assert one.latency_ms.tolist() == [3, 7]
    assert (one.sent, one.lost) == (4 * 48, 4)


def test_summary_rows_name_value_and_unit() -> None:
    summary = {
        "energy_load_kwh": 8410.498634749998,
        "voltage_min_pu": 1.0188836689478364,
        "voltage_min_time_h": 224.0,
        "village_own_use_tracking_rmse_units": 13.4234287,
        "village_use_tracking_rmse_units": 1.5,
        "voltage_min_bus": 7,
        "voltage_max_bus": 8,
        "voltage_max_time_h": None,
        "trafo_overload_use_max": 1.418,
        "messages_sent": 66528,
        "self_consumption_fraction": 0.29676220783080287,
        "line_loading_max_percent": None,
        "something_new": 2.5,
    }
    homes = {"name": "g", "households": 9, "cost": {"kind": "separable", "linear": 1, "target": 0.5}}
    resources = [{"name": "use", "capacity": 3}, {"name": "own_use", "unit_kwh": 0.5, "capacity": 3}]
    scenario = Scenario.model_validate({
        "name": "s",
        "time": {"start": "2016-07-04T00:00:00Z", "duration_h": 24, "step_s": 900},
        "communities": [{"name": "village", "groups": ["g"], "resources": resources}],
        "groups": [homes],
    })  # fmt: skip
    rows = summary_rows(summary, scenario, {("bus", 7): Element("North\x1b[31m end", {})})
    assert rows[4].meaning == "transmissions, repeated ones too; the warm-up counts"
    assert [tuple(row)[:4] for row in rows] == [
        ("Community village", "own_use: error (RMS)", "26.85", "kW (13.42 units)"),
        ("Community village", "use: error (RMS)", "1.5", "units"),
        ("Energy", "Load", "8\u2009410", "kWh"),
        ("Energy", "Self-consumption", "29.68", "%"),
        ("Messages", "Messages sent", "66\u2009528", ""),
        ("Feeder", "Lowest voltage", "1.0189", "pu"),
        ("Feeder", "Time of the lowest voltage", "2016-07-13 08:00 UTC", "224 h after the start"),
        ("Feeder", "Bus of the lowest voltage", "North\\x1b[31m end", "index 7"),
        ("Feeder", "Bus of the highest voltage", "8", ""),
        ("Feeder", "Time of the highest voltage", "–", ""),
        ("Feeder", "Limit used most, transformer loading", "141.8", "%"),
        ("Feeder", "Highest line loading", "–", "%"),
        ("Others", "something_new", "2.5", ""),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (3, "3"), (0.1, "0.1"), (-2.5, "-2.5"), (123456.789, "123\u2009457"),
        (9.99999, "10"), (1e-7, "1.000e-07"), (1e12, "1.000e+12"), (0.00012345, "0.0001234"), (100.0, "100"),
    ],
)  # fmt: skip
def test_numbers_as_text(value: float, text: str) -> None:
    assert number_text(value) == text


def test_the_figure_of_faults_shades_their_times_and_counts_who_is_hit(tmp_path: Path) -> None:
    events = [("storm", 3, 9, 2), ("storm", 5, 12, 1), ("storm", 20, 22, 3), ("crash", 30, 31, 0)]
    run = RunData(SmallRun(tmp_path / "run").market().faults(*events).end().folder)
    with drawing():
        figure = fault_figure.faults(run)
    assert figure is not None
    error, _, count = figure.axes
    # Two of the storm overlap and are one stretch: three in all, each with two edges.
    assert len(error.patches) == 3
    lines = {line.get_label(): line.get_ydata().tolist() for line in count.lines}
    assert lines["storm"] == [0, 2, 3, 1, 0, 3, 0]
    assert lines["crash"] == [0, 1, 0]
