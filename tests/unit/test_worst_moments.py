"""What a summary tells of the interval in which each kind of limit is used most, against the run's tables."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

import cosim
from cosim.engine.load import load_scenario
from cosim.report.impact_moments import moment_sentence

STREET: dict[str, Any] = {
    "name": "street",
    "time": {"start": "2016-01-11T12:00:00Z", "duration_h": 54, "step_s": 7200},
    "groups": [
        {
            "name": "homes",
            "households": 8,
            "load": {"kind": "simbench", "profile": "H0-A", "peak_kw": 6},
            "pv": {"kind": "simbench", "kwp": 5},
            "ev": {"charger_kw": 11, "sessions": {"kind": "drawn", "distance_scaling": 3}},
            "cost": {"kind": "consumption_only", "linear": 6, "quadratic": 1, "target": 0.1},
        }
    ],
    "communities": [
        {"name": "street", "groups": ["homes"], "resources": [{"name": "rides", "capacity": 3}],
         "platform": {"gain": {"margin": 0.5}}}
    ],
    "dimming": {"from_loading_percent": 20, "until_loading_percent": 10, "max_kw": 5},
    "grid": {"network": "kerber_landnetz_kabel_1", "interval_min": 15, "feedback": True},
}  # fmt: skip
"""Steps are longer than intervals, and the run than a day, after which what is worst so far alone is kept."""


@pytest.fixture(scope="module")
def run() -> cosim.Run:
    """One with a load, generation, vehicles, a community and an operator."""
    return cosim.run(STREET)


def at(run: cosim.Run, table: str, key: str) -> pd.DataFrame:
    """A table's rows of the interval in which a limit is used most."""
    start = pd.Timestamp(run.scenario.time.start) + timedelta(hours=run.summary[f"{key}_use_max_time_h"])
    rows = run.tables[table]
    return rows[rows["time"] == start]


@pytest.mark.parametrize("key", ["voltage_low", "voltage_high", "trafo_overload"])
def test_powers_are_those_of_the_tables_then(run: cosim.Run, key: str) -> None:
    meters, vehicles, told = at(run, "meters", key), at(run, "evs", key), run.summary
    assert told[f"{key}_use_max_load_kw"] == pytest.approx(4 * meters["load_kwh"].sum())
    assert told[f"{key}_use_max_generated_kw"] == pytest.approx(4 * meters["pv_kwh"].sum())
    assert told[f"{key}_use_max_ev_drawn_kw"] == pytest.approx(4 * vehicles["charge_kwh"].sum())
    injected = at(run, "injections", key)["p_mw"].sum()
    assert told[f"{key}_use_max_drawn_kw"] == pytest.approx(1000 * injected)


def test_the_moments_of_the_limits_differ_and_the_worst_is_not_on_the_last_day(run: cosim.Run) -> None:
    hours = {key: run.summary[f"{key}_use_max_time_h"] for key in ("voltage_low", "voltage_high")}
    assert hours["voltage_low"] != hours["voltage_high"]
    assert min(hours.values()) < 24, "else nothing would be kept over a day's end"


def test_target_and_deed_are_means_of_the_steps_then(run: cosim.Run) -> None:
    rows = run.tables.regulation.set_index("step")
    step = int(run.summary["trafo_overload_use_max_time_h"] // 2)
    assert run.summary["street_rides_trafo_overload_use_max_target_units"] == rows["capacity"][step] == 3
    assert run.summary["street_rides_trafo_overload_use_max_done_units"] == rows["aggregate"][step + 1]


def test_households_that_are_limited_then_are_counted_in_the_mean(run: cosim.Run) -> None:
    start = pd.Timestamp(run.scenario.time.start) + timedelta(
        hours=run.summary["line_overload_use_max_time_h"]
    )
    end, limited = start + timedelta(minutes=15), 0.0
    for _, changes in run.tables.power_limits.groupby("prosumer"):
        until = [*changes["time"].iloc[1:], end]
        for since, max_kw, to in zip(changes["time"], changes["max_kw"], until, strict=True):
            within = (min(to, end) - max(since, start)).total_seconds() / 900
            limited += max(within, 0.0) * (max_kw == 5)
    told = run.summary["line_overload_use_max_limited_households"]
    assert told == pytest.approx(limited)
    assert any(run.summary[f"{key}_use_max_limited_households"] for key in ("voltage_low", "voltage_high"))


def test_a_moment_is_a_sentence_and_beside_another_one_says_what_was_instead(run: cosim.Run) -> None:
    numbers = {"load_kw": 85.0, "generated_kw": 0.0, "ev_drawn_kw": 97.0, "drawn_kw": 182.0}
    before = numbers | {
        "ev_drawn_kw": 212.0,
        "drawn_kw": 294.01,
        "generated_kw": 3.0,
        "battery_drawn_kw": 0.01,
    }
    here, there = ({f"trafo_overload_use_max_{n}": v for n, v in each.items()} for each in (numbers, before))
    scenario = run.scenario.model_copy(update={"communities": ()})
    assert moment_sentence("trafo_overload", there, scenario) == (
        " Then electric vehicles took 212 kW, households' loads took 85 kW and PV systems gave 3 kW."
    )
    assert moment_sentence("trafo_overload", here, scenario, there) == (
        " Then electric vehicles took 97 kW instead of 212 kW, households' loads took 85 kW and PV systems "
        "gave 0 kW instead of 3 kW."
    )
    here |= {
        "trafo_overload_use_max_drawn_kw": 162.0,
        "street_rides_trafo_overload_use_max_target_units": 3.0,
    }
    here |= {"street_rides_trafo_overload_use_max_done_units": 4.5}
    assert moment_sentence("trafo_overload", here, run.scenario).endswith(
        " others at the feeder gave 20 kW and PV systems gave 0 kW; community street was asked for 3 units "
        "of rides and did 4.5 units, 1.5 units more than asked."
    )
    assert moment_sentence("line_overload", here, run.scenario) == ""


@pytest.mark.parametrize(
    ("charger_kw", "done", "said"),
    [
        (11, 4.0, "22 kW of charging (2 units of 11 kW) and did 44 kW (4), 22 kW more than asked."),
        (11, 1.0, "22 kW of charging (2 units of 11 kW) and did 11 kW (1), 11 kW less than asked."),
        (11, 2.0, "22 kW of charging (2 units of 11 kW) and did 22 kW (2), as asked."),
        ({"uniform": [3.7, 11]}, 4.0, "2 units of charging and did 4 units, 2 units more than asked."),
    ],
)
def test_what_a_community_did_is_told_in_kw_where_all_its_units_are_the_same(
    charger_kw: Any, done: float, said: str
) -> None:
    settings = ["groups.homes.ev.charger_kw=" + json.dumps(charger_kw)]
    scenario = load_scenario("small_street", settings).scenario
    summary = {f"trafo_overload_use_max_{name}_kw": 1.0 for name in ("load", "generated", "drawn")}
    begin = "street_charging_trafo_overload_use_max"
    summary |= {f"{begin}_target_units": 2.0, f"{begin}_done_units": done}
    assert moment_sentence("trafo_overload", summary, scenario).endswith(
        f"; community street was asked for {said}"
    )
