"""What a platform took back because of the feeder, and that a page's moments are those of the answer."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.engine.moment import read_moment, read_reductions
from cosim.engine.wings import tables
from cosim.regulation.reductions import reduction_text
from cosim.report.page.run_charts import time_charts
from cosim.report.page.run_page import page
from cosim.report.run_data import RunData
from tests.unit.small_run import START_MS, SmallRun, scenario_text

SHARES = [1, 1, 0.5, 0.25, 0.5, 1, 1, 1, 0.75, 1] + 20 * [1] + [1, 0.5]


def quarters(folder: Path) -> SmallRun:
    """Eight hours of a feeder, with a platform that ticks every quarter hour and gives way to it."""
    text = scenario_text(4, 8, True).replace("step_s: 3600", "step_s: 900")
    rule = "{resource: sale, loading_max_percent: 100, decrease_factor: 0.5, increase_per_step: 0.25}"
    sale = "{name: sale, capacity: 4, unit_kwh: 0.5}"
    text = text.replace("{name: sale, capacity: 1}", f"{sale}\n    platform: {{grid_aware: [{rule}]}}")
    small = SmallRun(folder, n_hours=8, grid=True).feeder().topology().meters()
    (folder / "scenario.yaml").write_text(text.replace("cigre_lv}", "cigre_lv, interval_min: 60}"), "utf-8")
    n, rng = len(SHARES), np.random.default_rng(5)
    columns = [each.name for each in tables()["regulation"].columns]
    rows: dict[str, Any] = {name: rng.random(n) for name in columns}
    for resource, capacity in (("own_use", np.full(n, 2.0)), ("sale", 4 * np.array(SHARES, float))):
        small.store.writer(tables()["regulation"]).append(rows | {
            "step": np.arange(n), "members": np.full(n, 4), "resource": [resource] * n, "capacity": capacity,
            "community": ["village"] * n, "aggregate": rng.integers(0, 5, n).astype(float),
            "time": np.datetime64(START_MS, "ms") + np.arange(n) * np.timedelta64(15, "m")})  # fmt: skip
    return small


def test_it_says_when_a_platform_gave_way_how_far_and_when_the_plan_was_whole_again(tmp_path: Path) -> None:
    run = RunData(quarters(tmp_path / "run").end().folder)
    (found,) = read_reductions(run.folder, run.scenario)
    assert (found.n, found.first_h, found.least_h, found.last_h) == (3, 0.5, 0.75, 1.25)
    assert reduction_text(found, run.scenario.time.start, run.scenario.time.step_ms) == (
        "Because of the feeder, the platform of village lowered its target for sale 3 times, first from "
        "2016-07-04 00:30 UTC on; the whole plan was back on 2016-07-04 01:15 UTC. At its lowest it left "
        "25 % of the plan (2 kW of 8 kW), on 2016-07-04 00:45 UTC."
    )
    assert "platform of village lowers sale" in page(run)
    assert read_reductions(run.folder, run.scenario.model_copy(update={"communities": ()})) == []


def test_a_moment_on_the_page_is_the_mean_that_the_answer_tells(tmp_path: Path) -> None:
    run = RunData(quarters(tmp_path / "run").end().folder)
    charts = {chart["title"]: {each["name"]: each for each in chart["series"]} for chart in time_charts(run)}

    def then(title: str, name: str, hour: int) -> float:
        held = charts[title][name]["then"]
        return float(held["low"] + held["step"] * np.frombuffer(b64decode(held["levels"]), "<u2")[hour])

    for hour in range(7):
        moment = read_moment(run.folder, run.scenario, hour)
        for resource, kw in (("own_use", 1.0), ("sale", 2.0)):
            did, target = moment.sums["village", resource]
            title = f"village: {resource}"
            assert then(title, "what the community did", hour) == pytest.approx(kw * did, abs=2e-4)
            assert then(title, "target", hour) == pytest.approx(kw * target, abs=2e-4)
        assert then("village: sale", "planned target", hour) == 8
        assert moment.metered is not None
        powers = {
            "load of the households": moment.metered.load,
            "their generation": moment.metered.generated,
            "taken by their devices": moment.metered.taken,
            "given by their devices": moment.metered.given,
            "other loads of the feeder (its generators: negative)": moment.own_kw,
            "lost in lines and transformers": moment.losses_kw,
        }
        for name, value in powers.items():
            assert then("Power", name, hour) == pytest.approx(value, abs=2e-3), name
        gives = ("their generation", "given by their devices")
        told = sum(then("Power", name, hour) * (-1) ** (name in gives) for name in powers)
        assert told == pytest.approx(then("Power", "from the grid above (into it: negative)", hour), abs=1e-2)
