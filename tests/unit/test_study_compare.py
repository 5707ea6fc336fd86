"""Runs made by hand side by side: differences, peaks and cautions against what was put in."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.core.clock import MS_PER_HOUR
from cosim.core.errors import InputError
from cosim.engine.wings import tables
from cosim.results.store import RunStore, read_table
from cosim.study.compare import Change, compare_runs
from cosim.study.compare_csv import differences_csv, numbers_csv
from cosim.study.peaks import peaks
from cosim.study.scenario_differences import ABSENT, UNKNOWN, Difference, scenario_differences, value_text

SCENARIO = """\
name: small
seed: 1
time: {start: '2016-07-04T00:00:00Z', step_s: 900.0, steps: null, duration_h: 3.0}
communities:
- name: village
grid: {network: cigre_lv, interval_min: 15}
"""


def make_run(
    folder: Path, numbers: dict[str, Any] | None = None, scenario: str = SCENARIO, **record: Any
) -> RunStore:
    """A run's directory without tables."""
    store = RunStore(folder)
    store.write_json("run.json", {"status": "done", "seed": 1, "scenario": "small", "cosim": "1", **record})
    store.write_text("scenario.yaml", scenario)
    if numbers is not None:
        store.write_json("summary.json", numbers)
    return store


def write_meters(store: RunStore, net_kwh: list[list[float]]) -> None:
    """Rows of intervals by columns of households."""
    n_intervals, n_homes = np.shape(net_kwh)
    times = np.datetime64(0, "ms") + np.arange(n_intervals) * np.timedelta64(900_000, "ms")
    store.writer(tables()["meters"]).append(
        {
            "time": np.repeat(times, n_homes),
            "prosumer": [f"h{home}" for home in range(n_homes)] * n_intervals,
            "load_kwh": np.zeros(n_intervals * n_homes),
            "pv_kwh": np.zeros(n_intervals * n_homes),
            "net_kwh": np.ravel(net_kwh),
        }
    )


def write_power_flow(store: RunStore, p_slack_mw: list[float]) -> None:
    n = len(p_slack_mw)
    times = np.datetime64(0, "ms") + np.arange(n) * np.timedelta64(900_000, "ms")
    store.writer(tables()["power_flow"]).append(
        {
            "time": times,
            "p_slack_mw": p_slack_mw,
            **{name: ["x"] * n for name in ("status", "cause", "route")},
            **{name: np.zeros(n) for name in ("residual_mva", "q_slack_mvar", "losses_mw")},
        }
    )


class TestScenarioDifferences:
    """Paths are the highest at which values part, with the names of list items."""

    def test_same(self) -> None:
        one = {"a": 1, "b": [{"name": "x", "c": [1, 2]}]}
        assert scenario_differences([one, json.loads(json.dumps(one))]) == []

    def test_items_go_by_name_whatever_their_order(self) -> None:
        first = {"groups": [{"name": "x", "n": 1}, {"name": "y", "n": 2}]}
        other = {"groups": [{"name": "y", "n": 3}, {"name": "x", "n": 1}]}
        assert scenario_differences([first, other]) == [Difference("groups.y.n", (2, 3))]

    def test_the_order_alone_is_a_difference(self) -> None:
        first = {"groups": [{"name": "x"}, {"name": "y"}]}
        other = {"groups": [{"name": "y"}, {"name": "x"}]}
        assert [one.path for one in scenario_differences([first, other])] == ["groups"]

    def test_items_without_names_go_by_number(self) -> None:
        first, other = {"overrides": [{"p": 1}, {"p": 2}]}, {"overrides": [{"p": 1}, {"p": 4}]}
        assert scenario_differences([first, other]) == [Difference("overrides.1.p", (2, 4))]

    def test_lists_of_numbers_are_one_value(self) -> None:
        assert scenario_differences([{"c": [1, 2]}, {"c": [1, 3]}]) == [Difference("c", ([1, 2], [1, 3]))]

    def test_what_differs_inside_a_part_that_one_lacks_is_still_found(self) -> None:
        grids = [{"grid": {"n": 1, "m": 5}}, {"grid": None}, {"grid": {"n": 2, "m": 5}}]
        whole, inside = scenario_differences(grids)
        assert whole == Difference("grid", ({"n": 1, "m": 5}, None, {"n": 2, "m": 5}))
        assert inside == Difference("grid.n", (1, UNKNOWN, 2))

    def test_a_missing_key_and_an_unknown_scenario(self) -> None:
        assert scenario_differences([{"a": 1, "b": 2}, {"a": 1}]) == [Difference("b", (2, ABSENT))]
        assert scenario_differences([{"a": 1}, UNKNOWN]) == []
        assert scenario_differences([{"a": 1}, UNKNOWN, {"a": 2}]) == [Difference("a", (1, UNKNOWN, 2))]

    def test_ignored_keys_count_at_the_top_alone(self) -> None:
        first, other = {"name": "x", "sub": {"name": "x"}}, {"name": "y", "sub": {"name": "y"}}
        assert [one.path for one in scenario_differences([first, other], ["name"])] == ["sub.name"]

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, "null"),
            (True, "true"),
            (3.0, "3"),
            (0.25, "0.25"),
            ("proportional", "proportional"),
            ([1.0, {"a": None}], "[1, {a: null}]"),
            (ABSENT, "–"),
        ],
    )
    def test_values_read_as_in_yaml(self, value: Any, text: str) -> None:
        assert value_text(value) == text

    def test_long_values_are_cut(self) -> None:
        assert value_text(list(range(50)), 10) == "[0, 1, 2,…"


class TestPeaks:
    """Against a plain reduction over the numbers written."""

    def test_of_feeder_household_and_all(self, tmp_path: Path) -> None:
        store = RunStore(tmp_path)
        write_meters(store, [[1.0, 0.5], [-2.0, 0.25], [0.75, 0.9]])
        write_power_flow(store, [0.006, float("nan"), -0.007])
        store.finish_tables()
        assert peaks(tmp_path, MS_PER_HOUR // 4) == {
            "peak_feeder_import_kw": 6.0,
            "peak_feeder_export_kw": 7.0,
            "peak_household_import_kw": 4.0,
            "peak_household_export_kw": 8.0,
            "peak_all_households_import_kw": pytest.approx(6.6),
            "peak_all_households_export_kw": 7.0,
        }

    def test_never_negative(self, tmp_path: Path) -> None:
        store = RunStore(tmp_path)
        write_power_flow(store, [0.003, 0.002])
        store.finish_tables()
        assert peaks(tmp_path, MS_PER_HOUR) == {"peak_feeder_import_kw": 3.0, "peak_feeder_export_kw": 0.0}

    def test_nothing_without_tables(self, tmp_path: Path) -> None:
        assert peaks(tmp_path, MS_PER_HOUR) == {}

    def test_a_killed_run_with_an_interval_split_between_chunks(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(5)
        net_kwh = rng.normal(size=(8, 3))
        whole = RunStore(tmp_path / "whole")
        write_meters(whole, net_kwh.tolist())
        whole.finish_tables()
        rows = read_table(tmp_path / "whole", "meters").assign(
            time=lambda rows: rows.time.dt.tz_localize(None)
        )
        store = RunStore(tmp_path / "killed")  # not finished
        for first in range(0, len(rows), 4):
            some = rows.iloc[first : first + 4]
            store.writer(tables()["meters"]).append({name: some[name].to_numpy() for name in some})
            store.save()
        found = peaks(tmp_path / "killed", MS_PER_HOUR)
        together = net_kwh.sum(axis=1)
        assert found["peak_all_households_import_kw"] == pytest.approx(together.max())
        assert found["peak_all_households_export_kw"] == pytest.approx(-together.min())
        assert found["peak_household_import_kw"] == net_kwh.max()

    def test_the_interval_is_the_scenario_s(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            store = make_run(tmp_path / name)
            write_meters(store, [[1.0]])
            store.finish_tables()
        found = compare_runs([tmp_path / "a", tmp_path / "b"])
        assert found.runs[0].numbers["peak_household_import_kw"] == 4.0


class TestCompareRuns:
    """Numbers, changes, labels and cautions."""

    def test_changes_to_the_first(self, tmp_path: Path) -> None:
        first = {"loss_kwh": -4.0, "n": 0, "gone": 1, "null": None, "voltage_min_bus": 3, "same": 5}
        make_run(tmp_path / "a", first)
        make_run(
            tmp_path / "b", {"loss_kwh": -3.0, "n": 2, "null": 1.0, "voltage_min_bus": 9, "same": 5, "x": 1}
        )
        found = compare_runs([tmp_path / "a", tmp_path / "b"])
        assert found.keys == ("loss_kwh", "n", "gone", "null", "voltage_min_bus", "same", "x")
        changes = {key: found.change(key, found.runs[1]) for key in found.keys}
        assert changes == {
            "loss_kwh": Change(1.0, 25.0),
            "n": Change(2, None),
            "gone": Change(None, None),
            "null": Change(None, None),
            "voltage_min_bus": Change(None, None),
            "same": Change(0, 0.0),
            "x": Change(None, None),
        }
        assert found.cautions == ()
        assert found.differences == ()

    def test_labels(self, tmp_path: Path) -> None:
        def labels(*names: str) -> list[str]:
            for name in names:
                if not (tmp_path / name).exists():
                    make_run(tmp_path / name, scenario="name: small\n")
            return [run.label for run in compare_runs([tmp_path / name for name in names]).runs]

        assert labels("a", "b") == ["a", "b"]
        assert labels("x/a", "y/a") == ["x/a", "y/a"]
        assert labels("small/2016-abc", "b") == ["small", "b"]
        assert labels("small/2016-abc", "small/2017-abc") == ["2016-abc", "2017-abc"]
        assert [len(set(labels("p/x/a", "q/x/a"))), labels("p/x/a", "q/x/a")[0][-6:]] == [2, "/p/x/a"]

    def test_cautions(self, tmp_path: Path) -> None:
        make_run(tmp_path / "a")
        hour = {"simulated_until_ms": MS_PER_HOUR}
        make_run(tmp_path / "b", status="interrupted", seed=2, **hour)
        make_run(tmp_path / "c", scenario=SCENARIO.replace("duration_h: 3.0", "duration_h: 4.0"), cosim="2")
        make_run(tmp_path / "d", status="running")
        (tmp_path / "d" / "scenario.yaml").unlink()
        found = compare_runs([tmp_path / name for name in "abcd"])
        assert found.cautions == (
            "The seeds differ (A 1, B 2, C 1 and D 1): part of every difference is chance.",
            "B is not complete (interrupted after 1 h of 3 h): its sums are of what it had reached.",
            "D is still running, or was killed: its numbers are missing or partial.",
            "The runs cover different times: sums over a run (energy, bills, messages) cannot be compared.",
            "The runs were made by different versions of cosim (A 1, B 1, C 2 and D 1).",
            "D has no scenario.yaml: how its scenario differs is unknown.",
        )
        assert [one.path for one in found.differences] == ["time.duration_h"]
        assert found.differences[0].values == (3.0, 3.0, 4.0, UNKNOWN)

    def test_steps_and_hours_are_the_same_length(self, tmp_path: Path) -> None:
        make_run(tmp_path / "a")
        steps = SCENARIO.replace("steps: null, duration_h: 3.0", "steps: 12, duration_h: null")
        make_run(tmp_path / "b", scenario=steps)
        found = compare_runs([tmp_path / "a", tmp_path / "b"])
        assert found.cautions == ()
        assert [one.path for one in found.differences] == ["time.steps", "time.duration_h"]

    def test_csv_reads_back(self, tmp_path: Path) -> None:
        make_run(tmp_path / "a", {"x_kwh": 0.1, "gone": None})
        make_run(tmp_path / "b, c", {"x_kwh": 0.30000000000000004}, SCENARIO.replace("cigre_lv", "other"))
        found = compare_runs([tmp_path / "a", tmp_path / "b, c"])
        header, row, empty = csv.reader(io.StringIO(numbers_csv(found)))
        assert header == ["number", "a", "b, c", "b, c minus a", "b, c change_percent"]
        assert [row[0], *map(float, row[1:4])] == [
            "x_kwh",
            0.1,
            0.30000000000000004,
            0.30000000000000004 - 0.1,
        ]
        assert float(row[4]) == pytest.approx(200)
        assert empty == ["gone", "", "", "", ""]
        assert list(csv.reader(io.StringIO(differences_csv(found)))) == [
            ["path", "a", "b, c"],
            ["grid.network", "cigre_lv", "other"],
        ]

    @pytest.mark.parametrize(
        ("name", "text", "what"),
        [
            ("run.json", "{", "not a JSON object"),
            ("run.json", "[1]", "not a JSON object"),
            ("summary.json", '{"x": "much"}', "never writes such a value"),
            ("scenario.yaml", "a: !!python/object:x 1", "tag"),
            ("tables/meters.parquet", "no parquet", "cannot be read"),
        ],
    )
    def test_every_broken_file_is_named_at_once(
        self, tmp_path: Path, name: str, text: str, what: str
    ) -> None:
        for run in ("a", "b"):
            make_run(tmp_path / run)
            (tmp_path / run / name).write_text(text, encoding="utf-8")
        with pytest.raises(InputError) as caught:
            compare_runs([tmp_path / "a", tmp_path / "b"])
        assert len(caught.value.problems) == 2
        assert all(what in str(problem) and problem.remedy for problem in caught.value.problems)

    def test_a_changed_scenario_of_odd_types_is_no_fault(self, tmp_path: Path) -> None:
        make_run(tmp_path / "a")
        make_run(tmp_path / "b", scenario="time: 5\ngrid: [1]\ncommunities: {a: 1}\n")
        assert compare_runs([tmp_path / "a", tmp_path / "b"]).runs[1].duration_ms is None
