"""What a comparison shows: texts of changes, which numbers are drawn, the curves against plain sorting."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from cosim.engine.wings import describe, tables
from cosim.report.compare_figure import draw_comparison, drawn_keys, durations, key_numbers
from cosim.report.compare_table import _change_texts
from cosim.report.page.compare_report import write_compare_report
from cosim.results.store import RunStore
from cosim.study.compare import Change, Comparison, compare_runs

SCENARIO = "name: small\ncommunities:\n- name: village\n"


def comparison(folder: Path, *numbers: dict[str, float | int | None], voltages: bool = False) -> Comparison:
    """Runs with these numbers; with voltages of two buses in four hours."""
    names = []
    for letter, summary in zip("abcdefgh", numbers, strict=False):
        store = RunStore(folder / letter)
        store.write_json("run.json", {"status": "done", "seed": 1})
        store.write_json("summary.json", summary)
        store.write_text("scenario.yaml", SCENARIO)
        if voltages:
            time = np.datetime64(0, "ms") + np.arange(4) * np.timedelta64(1, "h")
            low = np.array([0.99, 0.97, np.nan, 0.98])
            store.writer(tables()["bus_voltage"]).append(
                {
                    "time": np.repeat(time, 2),
                    "bus": [4, 7] * 4,
                    "vm_pu": np.column_stack([low, low + 0.05]).ravel(),
                }
            )
            store.finish_tables()
        names.append(folder / letter)
    return compare_runs(names)


@pytest.mark.parametrize(
    ("key", "change", "texts"),
    [
        ("x_kwh", Change(None, None), ("", "")),
        ("x_kwh", Change(0.0, 0.0), ("=", "")),
        ("x_kwh", Change(1234.56, 12.345), ("+1 235", "+12.3")),
        ("x_kwh", Change(-0.5, -1234.4), ("-0.5", "-1234")),
        ("x_kwh", Change(2, None), ("+2", "")),
        ("x_kwh", Change(1e-3, 1e-5), ("+0.001", "<0.01")),
        ("x_kwh", Change(1.0, 1e5), ("+1", ">9999")),
        ("self_consumption_fraction", Change(0.125, 50.0), ("+12.5", "+50")),
    ],
)
def test_change_texts(key: str, change: Change, texts: tuple[str, str]) -> None:
    assert _change_texts(change, describe(key)) == texts


def test_drawn_are_money_key_numbers_and_what_communities_share(tmp_path: Path) -> None:
    first = {
        "messages_sent": 3,
        "voltage_min_pu": None,
        "bills_households_eur": 1.0,
        "village_cost_gap_end": 1.0,
    }
    other = {"self_consumption_fraction": 0.5, "messages_sent": 4}
    found = comparison(tmp_path, first | {"village_x_tracking_rmse_units": 1.0}, other | first, other)
    assert drawn_keys(found) == [
        "bills_households_eur", "self_consumption_fraction", "messages_sent", "village_cost_gap_end",
    ]  # fmt: skip


def test_on_the_page_numbers_stand_section_by_section_whatever_their_order_in_the_summaries(
    tmp_path: Path,
) -> None:
    mixed = {"energy_load_kwh": 1, "trafo_overload_use_max_load_kw": 2, "energy_imported_kwh": 3}
    runs = comparison(
        tmp_path, mixed, mixed | {"trafo_overload_use_max_drawn_kw": 4, "energy_exported_kwh": 5}
    )
    page = write_compare_report(runs, tmp_path).read_text("utf-8")
    sections = re.findall("(?<=>)(Energy|When a limit is used most)(?=<)", page)
    assert len(sections) == 5
    assert len(list(groupby(sections))) == 2, "each section stands together"


def test_a_bar_for_each_run_from_zero_and_of_voltages_from_nominal(tmp_path: Path) -> None:
    numbers = (
        {"voltage_min_pu": 0.97, "bills_households_eur": -3.0},
        {"voltage_min_pu": None, "bills_households_eur": 5.0},
    )
    figure = key_numbers(comparison(tmp_path, *numbers))
    assert figure is not None
    money, voltage = figure.axes[:2]
    assert [bar.get_height() for bar in money.patches] == [-3.0, 5.0]
    assert [(bar.get_y(), bar.get_height()) for bar in voltage.patches] == [
        (1.0, pytest.approx(-0.03)),
        (1.0, 0.0),
    ]
    assert [text.get_text() for text in voltage.texts] == ["0.97", "–"]
    for ax, low, high in ((money, -3.0, 5.0), (voltage, 0.97, 1.0)):
        assert ax.get_ylim()[0] < low
        assert ax.get_ylim()[1] > high


def test_durations_fall_and_leave_out_what_was_not_solved(tmp_path: Path) -> None:
    figure = durations(comparison(tmp_path, {}, {}, voltages=True))
    assert figure is not None
    highest, lowest = figure.axes[0].lines[:2]
    assert len(figure.axes[0].lines) == 4
    assert np.asarray(lowest.get_ydata()) == pytest.approx([0.99, 0.98, 0.97, 0.97])
    assert np.asarray(highest.get_ydata()) == pytest.approx([1.04, 1.03, 1.02, 1.02])
    assert np.asarray(lowest.get_xdata()) == pytest.approx([0, 100 / 3, 200 / 3, 100])


def test_files_of_an_earlier_drawing_go(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "durations.png").write_bytes(b"old")
    found = comparison(tmp_path, {"messages_sent": 1}, {"messages_sent": 2})
    assert draw_comparison(found, target) == [target / "numbers.png"]
    assert [path.name for path in target.iterdir()] == ["numbers.png"]
    assert durations(found) is None
    assert key_numbers(comparison(tmp_path / "empty", {}, {})) is None
