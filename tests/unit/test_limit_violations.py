"""Violations as data: the tables `violations`, `overloads` and `en50160`, and the numbers beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandapower as pp
import pandas as pd
import pytest

import cosim

pytestmark = pytest.mark.filterwarnings("ignore:.*far more than a household draws")

LOAD_KW = [10, 40, 60, 92, 96, 30, 70, 20, 108, 15]
"""Of a home at the end of a cable, hour by hour: the cable is overloaded in hours 3, 4 and 8."""


def net() -> pp.pandapowerNet:
    made = pp.create_empty_network()
    top, low, end = pp.create_bus(made, 20.0), pp.create_bus(made, 0.4), pp.create_bus(made, 0.4)
    pp.create_ext_grid(made, top)
    pp.create_transformer(made, top, low, "0.25 MVA 20/0.4 kV", tap_changer_type="Ratio")
    pp.create_line(made, low, end, 0.25, "NAYY 4x50 SE")
    pp.create_load(made, end, 0.001)
    made.trafo["max_loading_percent"] = 40.0
    return made


def run(interval_min: int = 60, hours: int = 10, **grid: Any) -> cosim.Run:
    stamps = pd.date_range("2016-06-20", periods=hours, freq="h", tz="UTC")
    load = pd.DataFrame({"home [kW]": np.resize(LOAD_KW, hours)}, index=stamps)
    return cosim.run(
        {
            "name": "s",
            "time": {"start": "2016-06-20T00:00:00Z", "duration_h": hours, "step_s": 3600},
            "groups": [
                {"name": "h", "households": 1, "load": {"kind": "csv", "file": load, "power_factor": 1}}
            ],
            "grid": {"network": net(), "interval_min": interval_min, "limits": {"vm_min_pu": 0.94}} | grid,
            "report": {"figures": False},
        }
    )


@pytest.fixture(scope="module")
def loaded() -> cosim.Run:
    return run()


def test_each_exceeded_limit_is_a_row(loaded: cosim.Run) -> None:
    tables = loaded.tables
    expected = []
    for kind, table, element, column, limit in (
        ("vm_min_pu", "bus_voltage", "bus", "vm_pu", 0.94),
        ("line_loading_max_percent", "line_loading", "line", "loading_percent", 100.0),
        ("trafo_loading_max_percent", "trafo_loading", "trafo", "loading_percent", 40.0),
    ):
        rows = tables[table]
        outside = rows[column] < limit if kind == "vm_min_pu" else rows[column] > limit
        assert outside.any(), kind
        expected += [
            (row.time, kind, getattr(row, element), getattr(row, column), limit)
            for row in rows[outside].itertuples()
        ]
    found = [tuple(row) for row in tables.violations.itertuples(index=False)]
    assert sorted(found) == sorted(expected)
    assert tables.violations.time.is_monotonic_increasing


def test_overloads_say_for_how_long_and_by_how_much(loaded: cosim.Run) -> None:
    table = loaded.tables.overloads.set_index("kind")
    assert table.index.tolist() == ["line", "trafo"]
    line = loaded.tables.line_loading.loading_percent
    assert np.flatnonzero(line > 100).tolist() == [3, 4, 8]
    assert table.loc["line", ["intervals", "longest_h"]].tolist() == [3, 2.0]
    rating_kva = np.sqrt(3) * 0.4 * 142.0  # NAYY 4x50 SE carries 142 A
    above = float((line[line > 100] / 100 - 1).sum()) * rating_kva
    assert table.loc["line", "above_rating_kvah"] == pytest.approx(above, rel=1e-12)
    assert table.loc["line", "loading_max_percent"] == line.max()
    assert table.loc["trafo", "above_rating_kvah"] == 0  # above its limit of 40 %, not above its rating
    summary = loaded.summary
    assert summary["line_overload_longest_h"] == 2.0
    assert summary["line_energy_above_rating_kvah"] == pytest.approx(above, rel=1e-12)
    assert summary["trafo_energy_above_rating_kvah"] == 0
    assert summary["trafo_overload_longest_h"] == table.loc["trafo", "longest_h"]


def test_solved_one_by_one_it_is_the_same(loaded: cosim.Run) -> None:
    again = run(feedback=True)
    for name in ("violations", "overloads"):
        assert again.tables[name].equals(loaded.tables[name])


def test_where_all_is_kept_the_tables_are_empty() -> None:
    kept = run(limits={"vm_min_pu": 0.5, "line_loading_max_percent": 400, "trafo_loading_max_percent": 400})
    assert len(kept.tables.violations) == 0
    assert kept.tables.overloads.kind.tolist() == ["line"]  # above its rating, within its limit
    assert kept.tables.overloads.intervals.tolist() == [0]
    assert kept.summary["line_overload_longest_h"] == 0


def test_each_bus_and_week_is_judged_by_the_standard() -> None:
    judged = run(interval_min=10, hours=2 * 168).tables.en50160
    assert judged.time.drop_duplicates().tolist() == [
        pd.Timestamp("2016-06-20", tz="UTC"),
        pd.Timestamp("2016-06-27", tz="UTC"),
    ]
    assert judged.groupby("time").bus.apply(list).tolist() == [[0, 1, 2]] * 2
    end = judged[judged.bus == 2]
    assert (end.within_10_percent_share < 1).all()
    assert end.kept.tolist() == (end.within_10_percent_share >= 0.95).tolist()
    assert judged[judged.bus < 2].kept.all()
