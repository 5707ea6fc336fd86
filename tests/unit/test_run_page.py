"""The page of a run: what it holds, that it stands alone, and that thinning and packing keep what matters."""

from __future__ import annotations

import json
import re
import shutil
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.engine.wings import tables
from cosim.report.page import feeder_data
from cosim.report.page.feeder_data import episodes, feeder_map
from cosim.report.page.packing import kept_rows, low_and_high, packed, packed_times
from cosim.report.page.run_charts import time_charts
from cosim.report.page.run_page import write_report
from cosim.report.page.signal_data import signal_charts, silent_ticks
from cosim.report.run_data import RunData
from tests.unit.small_run import BUSES, LINES, START_MS, SmallRun, full_run, hours, scenario_text


class Page(HTMLParser):
    """Collects a page's elements and checks that every one is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.data = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" not in self.open:
            self.text += data
        elif self.elements[-1][1].get("id") == "data":
            self.data += data


HOSTILE = "<script>alert('a & b')</script> </script> \"quoted\" $x_1$"


def test_it_stands_alone_escapes_what_it_shows_and_is_the_same_for_the_same_run(tmp_path: Path) -> None:
    run = full_run(tmp_path / "run")
    (run / "scenario.yaml").write_text(scenario_text(4, 48, True, HOSTILE), encoding="utf-8")
    record = {"status": "failed", "cause": f"OSError: {HOSTILE}\x1b[2J", "seed": 7, "verdict": "One. Two."}
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (run / "summary.json").write_text('{"village_cost_gap_end": 1.5, "<b>_kwh": null}', encoding="utf-8")
    text = write_report(run).read_text(encoding="utf-8")
    page = Page(text)
    assert {tag for tag, _ in page.elements} & {"link", "iframe", "b"} == set()
    assert page.text.count("<script>alert('a & b')</script>") == 4  # the title twice, the cause, the scenario
    assert "\x1b" not in text
    assert page.text.index("One.") < page.text.index("failed")
    assert (
        "Downlink is what platforms and operators send to households; too late is what arrived" in page.text
    )
    assert "no table says in which hour a message was lost" in page.text
    own = text.replace("\n".join(re.findall(r"<script>.*?</script>", text, re.S)), "")
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", own)
    assert json.loads(page.data)["map"]["buses"]["id"] == BUSES
    again = write_report(Path(shutil.copytree(run, tmp_path / "again"))).read_text(encoding="utf-8")
    assert again == text


def test_a_run_of_which_little_was_written_has_a_page(tmp_path: Path) -> None:
    assert "has no summary" in write_report(SmallRun(tmp_path / "none").end().folder).read_text()
    data = json.loads(Page(write_report(SmallRun(tmp_path / "some").meters().end().folder).read_text()).data)
    assert [chart["id"] for chart in data["charts"]] == ["power"]
    unsolved = SmallRun(tmp_path / "not", n_hours=3, grid=True).feeder((0, 1, 2)).topology().end()
    assert json.loads(Page(write_report(unsolved.folder).read_text()).data)["map"]["n"] == 3


def unpacked(found: dict[str, Any]) -> np.ndarray[Any, Any]:
    levels = np.frombuffer(b64decode(found["levels"]), "<u2")
    return np.where(levels == 65535, np.nan, found["low"] + found["step"] * levels)


def test_packing_keeps_numbers_to_a_65534th_of_their_range() -> None:
    values = np.append(np.random.default_rng(1).normal(size=999), np.nan)
    np.testing.assert_allclose(unpacked(packed(values)), values, atol=np.ptp(values[:-1]) / 65534 / 1.99)
    for constant in (np.full(3, 7.5), np.full(3, np.nan), np.zeros(0)):
        np.testing.assert_array_equal(unpacked(packed(constant)), constant)
    assert packed_times(START_MS + np.arange(5) * 900_000, START_MS) == {"first": 0, "gap": 900, "n": 5}
    uneven = packed_times(START_MS + np.array([-1000, 5000, 6000]), START_MS)
    assert np.frombuffer(b64decode(uneven["seconds"]), "<i4").tolist() == [-1, 5, 6]


def test_thinning_keeps_the_extremes_of_every_stretch() -> None:
    values = np.random.default_rng(2).normal(size=(100_000, 2))
    values[500:900] = np.nan
    rows = kept_rows(values, 1000)
    assert len(rows) <= 1000
    for column in values.T:
        for stretch in np.array_split(np.arange(100_000), 100):
            kept = column[rows[(rows >= stretch[0]) & (rows <= stretch[-1])]]
            if stretch[0] >= 1000:  # stretches of a hundredth hold several of those that were thinned
                assert abs(np.nanmax(kept) - np.nanmax(column[stretch])) < 1.2
        assert np.nanmin(column[rows]) == np.nanmin(column)
        assert np.nanmax(column[rows]) == np.nanmax(column)
    thin, gap = low_and_high(values, 1000)
    assert len(thin) <= 1000
    assert gap == 100_000 // (len(thin) - 1) or gap * len(thin) >= 100_000
    np.testing.assert_array_equal(np.nanmax(thin, axis=0), np.nanmax(values, axis=0))
    np.testing.assert_array_equal(np.nanmin(thin, axis=0), np.nanmin(values, axis=0))


def test_a_thinned_map_keeps_every_elements_own_worst(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = SmallRun(tmp_path / "run", n_hours=500, grid=True).feeder().topology()
    run = small.end()
    monkeypatch.setattr(feeder_data, "MOST_VALUES", 6 * 100)
    found = feeder_map(run)
    assert found is not None
    assert found["n"] <= 115 < found["n_all"] == 500
    vm_pu = unpacked(found["buses"]["vm_pu"]).reshape(len(BUSES), -1)
    np.testing.assert_allclose(vm_pu.max(axis=1), small.vm_pu.max(axis=0), atol=1e-5)
    np.testing.assert_allclose(vm_pu.min(axis=1), small.vm_pu.min(axis=0), atol=1e-5)
    percent = unpacked(found["branches"]["percent"]).reshape(3, -1)[: len(LINES)]
    np.testing.assert_allclose(percent.max(axis=1), small.percent.max(axis=0), atol=1e-2)


def test_violations_are_told_as_stretches_with_their_worst_moment(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run", grid=True)
    small.store.writer(tables()["violations"]).append(
        {
            "time": hours(48)[[1, 2, 2, 3, 7]],
            "kind": ["vm_max_pu", "vm_max_pu", "line_loading_max_percent", "vm_max_pu", "vm_max_pu"],
            "element": [4, 4, 2, 4, 4],
            "value": [1.11, 1.15, 130.0, 1.12, 1.105],
            "limit": [1.1, 1.1, 100.0, 1.1, 1.1],
        }
    )
    found = episodes(RunData(small.end().folder))
    assert found["n"] == 3
    assert [row["what"] for row in found["rows"]] == ["line overloaded", *2 * ["voltage too high"]]
    assert [round(row["use"], 3) for row in found["rows"]] == [1.3, 1.045, 1.005]
    first = found["rows"][1]
    assert (first["what"], first["element"], first["start"], first["end"]) == (
        "voltage too high",
        4,
        3600,
        14400,
    )
    assert (first["moment"], first["worst"], first["hours"]) == (7200, "1.1500 pu", "3")


def test_what_devices_gave_and_took_makes_up_what_meters_show_beside_load_and_generation(
    tmp_path: Path,
) -> None:
    small = SmallRun(tmp_path / "run").prosumers().meters().batteries()
    run = small.end()
    power = next(each for each in time_charts(run) if each["id"] == "power")
    shown = {each["name"]: unpacked(each["y"]) for each in power["series"]}
    taken, given = shown["taken by their devices"], shown["given by their devices"]
    meters, batteries = run.tables["meters"], run.tables["batteries"]
    sums = meters.groupby("time")[["load_kwh", "pv_kwh", "net_kwh"]].sum()
    np.testing.assert_allclose(taken - given, sums.net_kwh - sums.load_kwh + sums.pv_kwh, atol=2e-3)
    least = batteries.groupby("time").discharge_kwh.sum()
    assert taken.min() >= 0
    assert (given >= least - 1e-3).all()
    assert np.count_nonzero(np.abs(given - least) < 1e-3) > len(least) / 2


def test_households_without_a_new_signal_are_counted_step_by_step_across_batches(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run", n_homes=2)
    # By step, of both homes; in 4 nobody decides.
    heard = {1: (1, 1), 2: (2, 1), 3: (2, 3), 5: (5, 3), 6: (6, 6)}
    rows = [
        (step, home, heard[step][n]) for step in heard for n, home in enumerate(small.names) for _ in "ab"
    ]
    blank = {"requested": 1, "delivered": 1.0, "average": 0.5, "gradient": 1.0, "probability": 0.5}
    for part in (rows[:7], rows[7:]):  # a step is split between two batches
        step, home, signal = map(list, zip(*part, strict=True))
        small.store.writer(tables()["decisions"]).append(
            {
                "step": step, "time": hours(48)[step], "prosumer": home, "signal_step": signal,
                "resource": ["own_use"] * len(part), "signal_age_ms": [0] * len(part),
                **{name: [value] * len(part) for name, value in blank.items()},
            }
        )  # fmt: skip
    (chart,) = signal_charts(small.end())
    assert unpacked(chart["series"][0]["y"]).round(2).tolist() == [0, 50, 50, 50, 0]


def test_all_who_hear_each_signal_need_no_figure(tmp_path: Path) -> None:
    assert list(signal_charts(SmallRun(tmp_path / "run").market().end())) == []


def test_signals_that_a_platform_did_not_send_are_told_beside_its_messages(tmp_path: Path) -> None:
    small = SmallRun(tmp_path / "run").messages([5])
    for resource in ("own_use", "sale"):
        nothing = {
            name: [0.0] * 5
            for name in ("signal", "capacity", "aggregate", "average_sum", "optimum_gap", "distance")
        }
        small.store.writer(tables()["regulation"]).append(
            {
                "step": range(5), "time": hours(5), "community": ["village"] * 5, "resource": [resource] * 5,
                "members": [4, 4, 4, 3, 3], "measured": [1.0, np.nan, np.nan, np.nan, 1.0],
                "gradient_mean": [0.0] * 5, "gradient_spread": [0.0] * 5, **nothing,
            }
        )  # fmt: skip
    run = small.end()
    assert silent_ticks(run) == {"village": (3, 11)}
    said = "community village was not sent the signals of 3 steps: 11 messages that the table does not count"
    assert said in write_report(run.folder).read_text(encoding="utf-8")


def test_the_page_says_what_its_moments_were_and_which_of_them_the_answer_tells(tmp_path: Path) -> None:
    run = full_run(tmp_path / "run")
    use = {"trafo_overload_use_max": 1.5, "trafo_overload_use_max_trafo": 0, "trafo_overload_intervals": 1}
    numbers = use | {"trafo_overload_use_max_time_h": 6.0}
    (run / "summary.json").write_text(json.dumps(numbers), encoding="utf-8")
    record = {
        "status": "done",
        "seed": 7,
        "verdict": "In the hour from 2016-07-04 06:00 UTC on, all was well.",
    }
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    data = json.loads(Page(write_report(run).read_text(encoding="utf-8")).data)
    assert (data["told"], data["moments"][0]["value"]) == (21600, "150 % by current")
    (run / "run.json").write_text(json.dumps(record | {"verdict": ""}), encoding="utf-8")
    assert json.loads(Page(write_report(run).read_text(encoding="utf-8")).data)["told"] == -1
