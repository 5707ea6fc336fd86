"""Dimming over links: the feeder meter, the operator, and the control boxes of the households.

    feeder --meter link--> operator (limits after a reading out of bounds, lifts it with hysteresis)
                              |
                              v an order after each reading
                   control boxes --> vehicles --> feeder

Eight homes on a rural feeder, whose vehicles all charge from 18 h on; with the load of other homes on the
feeder that is too much for its line.
"""

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
from cosim.results.store import read_table

START = pd.Timestamp("2016-01-11T12:00:00Z")
SESSIONS = "vehicle,arrival,departure,energy [kWh]\n" + "".join(
    f"v{n},2016-01-11T18:0{n}:00Z,2016-01-12T11:00:00Z,{20 + n}\n" for n in range(8)
)
RULES = {"from_loading_percent": 60, "until_loading_percent": 10, "from_vm_pu": 0.85, "until_vm_pu": 0.85}


def loaded(folder: Path, dimming: dict[str, Any] | None, comms: Any = None, **grid: Any) -> LoadedScenario:
    (folder / "sessions.csv").write_text(SESSIONS)
    content: dict[str, Any] = {
        "name": "dimmed",
        "time": {"start": START.isoformat(), "duration_h": 24, "step_s": 900},
        "groups": [
            {
                "name": "homes",
                "households": 8,
                "load": {"kind": "constant", "p_kw": 0.5},
                "ev": {"charger_kw": 22, "sessions": {"kind": "csv", "file": "sessions.csv"}},
            }
        ],
        "grid": {
            "network": "kerber_landnetz_freileitung_2",
            "interval_min": 15,
            "feedback": True,
            "limits": {"vm_min_pu": 0.8},
            **grid,
        },
        "comms": comms or {"default": {"latency": {"kind": "constant", "latency_ms": 0}}},
        "dimming": dimming,
        "report": {"figures": False},
    }
    return LoadedScenario(Scenario.model_validate(content), folder, "t.yaml", Document(content, "t.yaml"))


class Ran:
    """A run's tables and numbers."""

    def __init__(self, made: LoadedScenario, folder: Path) -> None:
        run_scenario(made, folder)
        self.evs = read_table(folder, "evs")
        self.limits = read_table(folder, "power_limits") if made.scenario.dimming else None
        self.summary = pd.read_json(folder / "summary.json", typ="series")
        loadings = [
            read_table(folder, f"{kind}_loading").groupby("time")["loading_percent"].max()
            for kind in ("line", "trafo")
        ]
        self.loading = pd.concat(loadings, axis=1).max(axis=1)

    def of(self, prosumer: str) -> pd.DataFrame:
        """When its limit changed, and to what."""
        assert self.limits is not None
        return self.limits[self.limits["prosumer"] == prosumer].set_index("time")


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("at_once")
    return Ran(loaded(folder, None), folder / "run")


def lossy(direction: str) -> dict[str, Any]:
    loss = {"kind": "bernoulli", "loss_probability": 1.0}
    return {
        "default": {"latency": {"kind": "constant", "latency_ms": 0}},
        "overrides": [{"direction": direction, "loss": loss}],
    }


def test_orders_follow_the_readings_and_vehicles_the_orders(tmp_path: Path, at_once: Ran) -> None:
    ran = Ran(loaded(tmp_path, RULES), tmp_path / "run")
    assert at_once.loading.max() > 60
    # The operator once more, from the loadings that the run has written; it reads as an interval ends.
    limited, expected = False, []
    for time, loading in ran.loading.items():
        before, limited = limited, loading > 60 or (limited and loading > 10)
        if before != limited:
            expected.append((time + pd.Timedelta(minutes=15), 4.2 if limited else None))
    assert expected
    for home in ("h001", "h008"):
        changes = ran.of(home)["max_kw"]
        found = [(time, None if pd.isna(kw) else kw) for time, kw in changes.items()]
        assert found == [each for each in expected if each[0] < START + pd.Timedelta(hours=24)]
    assert ran.summary["dimming_orders"] == sum(kw is not None for _, kw in expected)
    for time, kw in expected:
        if kw is not None:
            after = ran.evs[ran.evs["time"] == time]
            assert (after["charge_kwh"] <= 4.2 / 4 + 1e-9).all()
    assert ran.loading.mean() < at_once.loading.mean() + 1
    assert ran.summary["ev_missing_kwh"] == 0  # there is time until noon
    assert (ran.loading > 60).sum() < (at_once.loading > 60).sum()


def test_latency_delays_an_order(tmp_path: Path) -> None:
    at = []
    for latency_ms in (0, 1_200_000):
        comms = {"default": {"latency": {"kind": "constant", "latency_ms": latency_ms}}}
        ran = Ran(loaded(tmp_path, RULES, comms), tmp_path / f"run_{latency_ms}")
        at.append(ran.of("h001").index[0])
    assert at[1] - at[0] == pd.Timedelta(minutes=40)  # from the meter to the operator, and to the household


@pytest.mark.parametrize("direction", ["meter", "downlink"])
@pytest.mark.parametrize("max_kw", [None, 4.2])
def test_a_silent_network(tmp_path: Path, at_once: Ran, direction: str, max_kw: float | None) -> None:
    silence = {"after_s": 3600, "max_kw": max_kw}
    ran = Ran(loaded(tmp_path, {**RULES, "in_silence": silence}, lossy(direction)), tmp_path / "run")
    assert ran.limits is not None
    if max_kw is None:
        assert len(ran.limits) == 0
        pd.testing.assert_frame_equal(ran.evs, at_once.evs)
    else:
        assert set(ran.limits["cause"]) == {"silence"}
        assert set(ran.limits["time"]) == {START + pd.Timedelta(hours=1)}
        assert ran.evs["charge_kwh"].max() <= 4.2 / 4 + 1e-9
        assert ran.summary["dimming_silence_household_h"] == pytest.approx(8 * 23)
    assert ran.summary["dimming_household_h"] == 0


def test_without_a_rule_for_silence_the_newest_order_stands(tmp_path: Path) -> None:
    """The meter's link breaks while a limit is in force: it stays until the end."""
    comms = {
        "default": {"latency": {"kind": "constant", "latency_ms": 0}},
        "overrides": [{"direction": "meter", "outages": [{"start_h": 6.6, "duration_h": 24}]}],
    }
    ran = Ran(loaded(tmp_path, RULES, comms), tmp_path / "run")
    assert ran.of("h001")["cause"].tolist() == ["order"]
    healed = {**RULES, "in_silence": {"after_s": 3600, "max_kw": None}}
    again = Ran(loaded(tmp_path, healed, comms), tmp_path / "again")
    assert again.of("h001")["cause"].tolist() == ["order", "none"]
    began, ended = again.of("h001").index
    assert ended - began <= pd.Timedelta(hours=1.5)


@pytest.mark.parametrize(
    ("dimming", "grid", "said"),
    [
        (RULES, {"feedback": False}, "nothing measures it"),
        ({**RULES, "groups": ["hoems"]}, {}, "there is no group of this name"),
        ({**RULES, "in_silence": {"after_s": 600}}, {}, "orders come only every 900 s"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, dimming: Any, grid: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        build(loaded(tmp_path, dimming, **grid))


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "stuck_meter", "meter": "feeder", "from_h": 2},
        {"kind": "loss_burst", "directions": ["meter"], "from_h": 2, "loss_probability": 1},
        {"kind": "partition", "from_h": 2},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_faults_of_meter_and_links_keep_orders_away(
    tmp_path: Path, at_once: Ran, fault: dict[str, Any]
) -> None:
    made = loaded(tmp_path, RULES)
    content = {**made.document.data, "faults": [fault]}
    broken = LoadedScenario(Scenario.model_validate(content), tmp_path, "t.yaml", Document(content, "t.yaml"))
    ran = Ran(broken, tmp_path / "run")
    assert ran.limits is not None
    assert len(ran.limits) == 0
    pd.testing.assert_frame_equal(ran.evs, at_once.evs)


def sunny(folder: Path, dimming: dict[str, Any] | None, comms: Any = None, **pv: Any) -> LoadedScenario:
    """The same homes at noon in June, with more sun than the feeder takes."""
    made = loaded(folder, dimming, comms)
    homes = {
        "name": "homes",
        "households": 8,
        "load": {"kind": "constant", "p_kw": 0.5},
        "pv": {"kind": "simbench", "profile": "PV3", "kwp": 30, "control": {}, **pv},
    }
    content = {
        **made.document.data,
        "time": {"start": "2016-06-06T06:00:00Z", "duration_h": 12, "step_s": 900},
        "groups": [homes],
    }
    return LoadedScenario(Scenario.model_validate(content), folder, "t.yaml", Document(content, "t.yaml"))


FEED_IN = {"feed_in": {"max_kw": 5, "from_vm_pu": 1.014, "until_vm_pu": 1.002}}


def test_feed_in_is_limited_while_a_voltage_is_too_high(tmp_path: Path) -> None:
    run_scenario(sunny(tmp_path, FEED_IN), tmp_path / "run")
    meters, limits, voltages = (
        read_table(tmp_path / "run", name) for name in ("meters", "power_limits", "bus_voltage")
    )
    highest = voltages.groupby("time")["vm_pu"].max()
    assert highest.max() > 1.014
    limited, expected, allowed = False, [], {}
    for time, voltage in highest.items():
        allowed[time] = 5.0 if limited else None
        before, limited = limited, voltage > 1.014 or (limited and voltage > 1.002)
        if before != limited:
            expected.append((time + pd.Timedelta(minutes=15), 5.0 if limited else None))
    of_one = limits[limits["prosumer"] == "h003"]
    assert [
        (time, None if pd.isna(kw) else kw)
        for time, kw in zip(of_one["time"], of_one["feed_in_kw"], strict=True)
    ] == expected
    assert of_one["max_kw"].isna().all()
    fed_in = -meters.groupby("time")["net_kwh"].min() * 4
    assert any(allowed.values())
    for time, limit in allowed.items():
        if limit is not None:
            assert fed_in[time] <= limit + 1e-9
    summary = pd.read_json(tmp_path / "run" / "summary.json", typ="series")
    assert summary["dimming_feed_in_orders"] == sum(kw is not None for _, kw in expected)
    assert summary["pv_curtailed_kwh"] > 0


def test_feed_in_of_a_silent_household(tmp_path: Path) -> None:
    silence = {"after_s": 3600, "feed_in_kw": 0}
    run_scenario(sunny(tmp_path, {**FEED_IN, "in_silence": silence}, lossy("meter")), tmp_path / "run")
    meters = read_table(tmp_path / "run", "meters")
    later = meters[meters["time"] >= pd.Timestamp("2016-06-06T07:00:00Z")]
    assert later["net_kwh"].min() >= -1e-12
    assert meters["net_kwh"].min() < -0.1


def test_nobody_obeys_without_an_inverter_that_is_controlled(tmp_path: Path) -> None:
    warnings = build(sunny(tmp_path, FEED_IN, control=None)).warnings
    assert any(
        "no household of these groups has a device that can be limited" in str(each) for each in warnings
    )
