"""Electric vehicles in a scenario: tables and numbers, sessions from a file, bad files, who else is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cosim.config.yaml_reader import Document
from cosim.core.errors import InputError
from cosim.engine.builder import build
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.households.subsystem import Households
from cosim.results.store import read_table

SESSIONS = """\
vehicle,arrival,departure,energy [kWh]
red,2016-01-10T20:00:00Z,2016-01-11T06:00:00Z,9.9
red,2016-01-11T18:00:00Z,2016-01-12T07:30:00Z,19.8
blue,2016-01-11T17:15:00Z,2016-01-11T17:45:00Z,9.9
"""


def loaded(folder: Path, ev: dict[str, Any], hours: int = 48, homes: int = 2, **more: Any) -> LoadedScenario:
    """Some homes with a load of half a kilowatt and a vehicle each."""
    content: dict[str, Any] = {
        "name": "street",
        "time": {"start": "2016-01-11T00:00:00Z", "duration_h": hours, "step_s": 900},
        "groups": [
            {"name": "homes", "households": homes, "load": {"kind": "constant", "p_kw": 0.5}, "ev": ev}
        ],
        "report": {"figures": False},
        **more,
    }
    return LoadedScenario(Scenario.model_validate(content), folder, "t.yaml", Document(content, "t.yaml"))


def from_csv(folder: Path, text: str = SESSIONS, **keys: Any) -> dict[str, Any]:
    (folder / "sessions.csv").write_text(text)
    return {"sessions": {"kind": "csv", "file": "sessions.csv"}, **keys}


def test_sessions_of_a_file(tmp_path: Path) -> None:
    made = loaded(tmp_path, from_csv(tmp_path, charger_kw=11, charge_efficiency=0.9))
    warnings = [str(problem) for problem in build(made).warnings]
    # 9.9 kWh are an hour's charge, and blue stays half an hour.
    assert len(warnings) == 1
    assert warnings[0].startswith("sessions.csv:4: energy: 1 session is too short for the energy")
    assert "4.95 kWh will be missing" in warnings[0]
    run_scenario(made, tmp_path / "run")
    sessions, evs = read_table(tmp_path / "run", "ev_sessions"), read_table(tmp_path / "run", "evs")
    assert sessions["prosumer"].tolist() == ["h001", "h002", "h001"]  # as they left
    # What is charged at once since 20 h before the run began is full by then.
    assert sessions["needed_kwh"].tolist() == pytest.approx([0.0, 9.9, 19.8])
    assert sessions["charged_kwh"].tolist() == pytest.approx([0.0, 4.95, 19.8])
    assert sessions["missing_kwh"].tolist() == pytest.approx([0.0, 4.95, 0.0])
    assert sessions["arrival"][0] == pd.Timestamp("2016-01-10T20:00:00Z")
    red = evs[evs["prosumer"] == "h001"].set_index("time")
    assert red["charge_kwh"][red["charge_kwh"] > 0].to_dict() == {
        pd.Timestamp("2016-01-11T18:00:00Z"): 11.0,
        pd.Timestamp("2016-01-11T19:00:00Z"): 11.0,
    }
    assert red["used_kwh"].sum() == pytest.approx(19.8)
    assert red["plugged_h"].sum() == pytest.approx(6 + 13.5)
    meters = read_table(tmp_path / "run", "meters")
    assert meters["net_kwh"].sum() == pytest.approx(2 * 48 * 0.5 + evs["charge_kwh"].sum(), abs=1e-9)
    summary = pd.read_json(tmp_path / "run" / "summary.json", typ="series")
    assert summary[["ev_sessions", "ev_sessions_incomplete"]].tolist() == [3, 1]
    assert summary[["ev_needed_kwh", "ev_charged_kwh", "ev_missing_kwh"]].tolist() == pytest.approx(
        [29.7, 24.75, 4.95]
    )


def test_the_warm_up_does_not_count(tmp_path: Path) -> None:
    time = {"start": "2016-01-11T00:00:00Z", "duration_h": 48, "step_s": 900, "warm_up_h": 24}
    run_scenario(loaded(tmp_path, from_csv(tmp_path), time=time), tmp_path / "run")
    summary = pd.read_json(tmp_path / "run" / "summary.json", typ="series")
    assert summary["ev_sessions"] == 1
    assert summary["ev_missing_kwh"] == 0
    assert summary["ev_still_needed_kwh"] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            SESSIONS.replace("07:30:00Z,19.8", "07:30:00Z,-1"),
            "sessions.csv:3: energy: the energy of a session",
        ),
        (
            SESSIONS.replace("2016-01-12T07:30", "2016-01-11T07:30"),
            "sessions.csv:3: departure: the departure is",
        ),
        (SESSIONS.replace("2016-01-11T18:00", "soon"), "sessions.csv:3: no time stamp"),
        (SESSIONS.replace("blue", "red").replace("17:45", "18:45"), "red arrives before its session"),
        (SESSIONS.replace("blue", ""), "sessions.csv:4: vehicle: a session without a vehicle"),
        (SESSIONS.replace("[kWh]", "[kW]"), "sessions.csv:1: energy: unknown unit [kW]"),
        (SESSIONS.replace("departure", "end"), "sessions.csv:1: there is no column 'departure'"),
        (SESSIONS.replace("19.8", "60.5"), "sessions.csv:3: energy: 60.5 kWh are more than"),
        (SESSIONS.splitlines()[0] + "\n", "holds no session"),
    ],
)
def test_bad_sessions_are_refused_with_their_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        build(loaded(tmp_path, from_csv(tmp_path, text)))
    assert any(said in str(problem) for problem in refused.value.problems), refused.value


def test_a_vehicle_that_the_file_does_not_have(tmp_path: Path) -> None:
    ev = from_csv(tmp_path)
    ev["sessions"]["vehicles"] = ["rot"]
    with pytest.raises(InputError, match="there is no vehicle 'rot'"):
        build(loaded(tmp_path, ev))


def test_a_file_of_another_year_is_doubtful(tmp_path: Path) -> None:
    ev = from_csv(tmp_path, SESSIONS.replace("2016", "2017"))
    assert any("no session of the file" in str(problem) for problem in build(loaded(tmp_path, ev)).warnings)


def sessions_of(made: LoadedScenario) -> list[Any]:
    equipment = build(made).of(Households).equipment
    assert equipment is not None
    return [vehicle.sessions for _, vehicle in equipment.devices["ev"]]


def test_neither_neighbours_nor_the_length_of_the_run_change_a_session(tmp_path: Path) -> None:
    few = sessions_of(loaded(tmp_path, {}, hours=48, homes=3))
    more = sessions_of(loaded(tmp_path, {}, hours=480, homes=5))
    end_ms = 48 * 3_600_000
    for one, other in zip(few, more, strict=False):
        assert one == [session for session in other if session.arrival_ms < end_ms]


def test_a_unit_of_charging_is_no_energy(tmp_path: Path) -> None:
    cost = {"kind": "consumption_only", "linear": 6, "quadratic": 1, "target": 0.1}
    community = {
        "name": "street",
        "groups": ["homes"],
        "resources": [{"name": "charging", "serves": "ev_charging", "unit_kwh": 1, "capacity": 1}],
        "agent": {"initial_decision": 0},
    }
    group = {"name": "homes", "households": 2, "cost": cost, "ev": {}}
    made = loaded(tmp_path, {}, groups=[group], communities=[community])
    with pytest.raises(InputError, match="a unit of ev_charging is the power of a vehicle's charger"):
        build(made)


@pytest.mark.parametrize("when_due", ["charge", "wait"])
def test_regulation_without_loss_and_latency(tmp_path: Path, when_due: str) -> None:
    """Who charges when it is due is full where it can be; of those that wait energy may be missing."""
    cost = {"kind": "consumption_only", "linear": 6, "quadratic": 1, "target": 0.1}
    ev = {"when_due": when_due, "charger_kw": 3.7, "sessions": {"kind": "drawn", "distance_scaling": 2}}
    community = {
        "name": "street",
        "groups": ["homes"],
        "resources": [{"name": "charging", "serves": "ev_charging", "capacity": 2}],
        "agent": {
            "initial_decision": 0,
            "initial_average": 0.1,
            "policy": {"kind": "additive", "kappa": 0.2},
        },
        "platform": {"gain": 0.05, "signal_limits": [5, 7]},
    }
    group = {"name": "homes", "households": 20, "cost": cost, "ev": ev}
    summaries = []
    for name, communities in (("at_once", []), ("regulated", [community])):
        made = loaded(tmp_path, {}, hours=72, groups=[group], communities=communities)
        run_scenario(made, tmp_path / name)
        summaries.append(pd.read_json(tmp_path / name / "summary.json", typ="series"))
    at_once, regulated = summaries
    assert regulated["ev_needed_kwh"] == pytest.approx(at_once["ev_needed_kwh"])  # the same sessions
    if when_due == "charge":
        assert regulated["ev_sessions_incomplete"] == at_once["ev_sessions_incomplete"]
        assert regulated["ev_missing_kwh"] == pytest.approx(at_once["ev_missing_kwh"], abs=1e-3)
    else:
        assert regulated["ev_missing_kwh"] > at_once["ev_missing_kwh"]
    evs = read_table(tmp_path / "regulated", "evs")
    decisions = read_table(tmp_path / "regulated", "decisions")
    # Every unit that was delivered is the charger's power for a quarter hour; who comes amid a step waits.
    assert decisions["delivered"].sum() * 3.7 / 4 == pytest.approx(evs["charge_kwh"].sum(), rel=0.02)


@pytest.mark.parametrize("request_in_silence", [None, 0, 1])
def test_a_silent_network(tmp_path: Path, request_in_silence: int | None) -> None:
    """All signals are lost from the start on: vehicles wait, charge at once, or go on with what they knew."""
    silence = (
        {} if request_in_silence is None else {"in_silence": {"after_s": 3600, "request": request_in_silence}}
    )
    community = {
        "name": "street",
        "groups": ["homes"],
        "resources": [{"name": "charging", "serves": "ev_charging", "capacity": 1}],
        "agent": {"initial_decision": 0, "policy": {"kind": "additive", "kappa": 0.0001}, **silence},
        "platform": {"gain": 0.05, "initial_signal": 6.0},
    }
    cost = {"kind": "consumption_only", "linear": 6, "quadratic": 1, "target": 0.1}
    group = {"name": "homes", "households": 8, "cost": cost, "ev": {"when_due": "wait", "charger_kw": 3.7}}
    comms = {"default": {"loss": {"kind": "bernoulli", "loss_probability": 1.0}}}
    made = loaded(tmp_path, {}, groups=[group], communities=[community], comms=comms)
    run_scenario(made, tmp_path / "run")
    decisions = read_table(tmp_path / "run", "decisions")
    later = decisions[decisions["signal_age_ms"] >= 3_600_000]
    assert len(later) == 8 * (192 - 4)
    evs = read_table(tmp_path / "run", "evs")
    afterwards = evs[evs["time"] >= pd.Timestamp("2016-01-11T01:00:00Z")]["charge_kwh"].sum()
    if request_in_silence is None:
        assert later["requested"].sum() == 0  # an average of 0, and a signal that is the gradient
    else:
        assert set(later["requested"]) == {request_in_silence}
    assert (afterwards > 20) == (request_in_silence == 1)


def test_silence_within_a_step_is_refused(tmp_path: Path) -> None:
    community = {
        "name": "street",
        "groups": ["homes"],
        "resources": [{"name": "charging", "serves": "ev_charging", "capacity": 1}],
        "agent": {"initial_decision": 0, "in_silence": {"after_s": 900, "request": 1}},
    }
    cost = {"kind": "consumption_only", "linear": 6, "quadratic": 1, "target": 0.1}
    group = {"name": "homes", "households": 2, "cost": cost, "ev": {}}
    with pytest.raises(InputError, match="signals come only every 900 s"):
        build(loaded(tmp_path, {}, groups=[group], communities=[community]))
