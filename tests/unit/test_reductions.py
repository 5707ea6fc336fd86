"""What a platform took back because of the feeder, and that a page's moments are those of the answer."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.engine.moment import read_beyond, read_moment, read_reductions
from cosim.engine.wings import tables
from cosim.regulation.reductions import reductions_text
from cosim.report.page.run_charts import time_charts
from cosim.report.page.run_page import page
from cosim.report.run_data import RunData
from tests.unit.small_run import START_MS, SmallRun, hours, scenario_text

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


def test_a_platform_that_gave_way_is_told_evening_by_evening(tmp_path: Path) -> None:
    small = quarters(tmp_path / "run")
    # The transformer was above its limit in the hour of the second reduction, and in two before it.
    rows = {"time": hours(8)[[1, 2, 6]], "kind": ["trafo_loading_max_percent"] * 3, "element": [0] * 3}
    small.store.writer(tables()["violations"]).append(rows | {"value": [130.0] * 3, "limit": [100.0] * 3})
    run = RunData(small.end().folder)
    start, step_ms = run.scenario.time.start, run.scenario.time.step_ms
    (found,) = read_reductions(run.folder, run.scenario)
    assert [(each.hours[0], each.hours[each.least], each.whole_h) for each in found[:2]] == [
        (0.5, 0.75, 1.25),
        (2, 2, 2.25),
    ]
    assert (found[2].hours[0], np.isnan(found[2].whole_h)) == (7.75, True)

    beyond = read_beyond(run.folder, run.scenario, "trafo_overload", 0, 2)
    assert beyond == ("transformer", 1, 3)
    assert read_beyond(run.folder, run.scenario, "trafo_overload", 0, 5) is None
    assert read_beyond(run.folder, run.scenario, "voltage_low", 0, 2) is None

    found = [each._replace(did=each.reduced + over) for each, over in zip(found, (1, 1.5, 3), strict=True)]
    others = "It lowered it 2 more times, from"
    assert reductions_text(found, start, step_ms) == (
        "Because of the feeder, the platform of village lowered its target for sale from 2016-07-04 00:30 "
        "UTC on, at the lowest to 2 kW of the planned 8 kW (25 %), at 00:45 UTC; until then, the community "
        "did up to 2 kW more than the lowered target; the whole plan (8 kW by then) was in force again at "
        f"01:15 UTC. {others} 2016-07-04 02:00 UTC and 2016-07-04 07:45 UTC on. Of all steps with a lowered "
        "target, the community was furthest above it in that from 2016-07-04 07:45 UTC on, by 6 kW."
    )
    told = [each for each in found if each.hours[0] != 0.5]
    assert reductions_text(told, start, step_ms, beyond) == (
        "Because of the feeder, the platform of village lowered its target for sale from 2016-07-04 02:00 "
        "UTC on, at the lowest to 6 kW of the planned 8 kW (75 %), at 02:00 UTC; until the transformer was "
        "within its limit again (03:00 UTC), the community did up to 3 kW more than the lowered target; "
        "the whole plan (8 kW by then) was in force again at 02:15 UTC. It lowered it 1 more time, from "
        "2016-07-04 07:45 UTC on. Of all steps with a lowered target, the community was furthest above it in "
        "that from 2016-07-04 07:45 UTC on, by 6 kW."
    )
    lasting = beyond._replace(end_h=float("nan"))
    said = "; until the run ended, with the transformer still beyond its limit, the community did up to 6 kW"
    assert said in reductions_text(found[2:], start, step_ms, lasting)
    less = [each._replace(did=each.reduced - 1) for each in told]
    assert "; the transformer was within its limit again at 03:00 UTC; the whole" in reductions_text(
        less, start, step_ms, beyond
    )


def test_the_page_goes_to_what_a_platform_took_back(tmp_path: Path) -> None:
    run = RunData(quarters(tmp_path / "run").end().folder)
    assert page(run).count("platform of village lowers sale") == 3
    assert read_reductions(run.folder, run.scenario.model_copy(update={"communities": ()})) == []


def test_a_moment_on_the_page_is_the_mean_that_the_answer_tells(tmp_path: Path) -> None:
    run = RunData(quarters(tmp_path / "run").end().folder)
    charts = {chart["title"]: {each["name"]: each for each in chart["series"]} for chart in time_charts(run)}

    def then(title: str, name: str, hour: int) -> float:
        held = charts[title][name]["then"]
        return float(held["low"] + held["step"] * np.frombuffer(b64decode(held["levels"]), "<u2")[hour])

    def title_of(power: str) -> str:
        return next(title for title in charts if title.startswith("Power of the") and power in charts[title])

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
            assert then(title_of(name), name, hour) == pytest.approx(value, abs=2e-3), name
        gives = ("their generation", "given by their devices")
        told = sum(then(title_of(name), name, hour) * (-1) ** (name in gives) for name in powers)
        above = "from the grid above (into it: negative)"
        assert told == pytest.approx(then("Power of the feeder", above, hour), abs=1e-2)
