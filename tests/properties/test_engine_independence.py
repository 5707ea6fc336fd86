"""Who else takes part changes nobody's draws; several communities run side by side; members come and go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.config.yaml_reader import Document
from cosim.engine.builder import build
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.households.subsystem import Households
from cosim.regulation.subsystem import Regulation
from cosim.results.store import read_table

PAIR = {
    "kind": "separable",
    "linear": {"normal": {"mean": 6, "std": 1}, "low": 4},
    "own_quadratic": {"uniform": [0.5, 2]},
    "target": 1.2,
    "alpha": {"uniform": [0.4, 0.6]},
}
SINGLE = {"kind": "consumption_only", "linear": {"uniform": [4, 6]}, "target": 0.5}


def group(name: str, n: int, cost: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "households": n, "cost": cost, **more}


def community(name: str, groups: list[str], capacities: dict[str, Any], **agent: Any) -> dict[str, Any]:
    return {
        "name": name,
        "groups": groups,
        "resources": [{"name": resource, "capacity": capacity} for resource, capacity in capacities.items()],
        "agent": {"phase": {"kind": "uniform"}, **agent},
        "platform": {"gain": 0.02, "initial_signal": 6.0},
    }


def loaded(folder: Path, groups: list[Any], communities: list[Any], **more: Any) -> LoadedScenario:
    content: dict[str, Any] = {
        "name": "together",
        "seed": 11,
        "time": {"step_s": 600, "steps": 60},
        "groups": groups,
        "communities": communities,
        "comms": {
            "default": {
                "latency": {"kind": "exponential", "mean_ms": 20_000},
                "loss": {"kind": "bernoulli", "loss_probability": 0.1},
            }
        },
    }
    content.update(more)
    return LoadedScenario(Scenario.model_validate(content), folder, "t.yaml", Document(content, "t.yaml"))


def _table(run: Path, name: str, **where: str) -> pd.DataFrame:
    table = read_table(run, name)
    for column, value in where.items():
        table = table[table[column] == value]
    return table.reset_index(drop=True)


FIRST = community("first", ["a"], {"x": 5, "y": 6})
SECOND = community("second", ["b"], {"z": 3})


def test_a_second_community_changes_nothing_in_the_first(tmp_path: Path) -> None:
    groups = [group("a", 9, PAIR), group("b", 7, SINGLE)]
    run_scenario(loaded(tmp_path, groups[:1], [FIRST]), tmp_path / "alone")
    run_scenario(loaded(tmp_path, groups, [FIRST, SECOND]), tmp_path / "both")
    alone, both = tmp_path / "alone", tmp_path / "both"
    pd.testing.assert_frame_equal(_table(alone, "regulation"), _table(both, "regulation", community="first"))
    names = [f"h{k:03d}" for k in range(1, 10)]
    decisions = read_table(both, "decisions")
    of_first = decisions[decisions["prosumer"].isin(names)].reset_index(drop=True)
    order = ["step", "prosumer", "resource"]
    pd.testing.assert_frame_equal(
        read_table(alone, "decisions").sort_values(order, ignore_index=True),
        of_first.sort_values(order, ignore_index=True),
    )
    messages = read_table(both, "messages")
    links = [f"{direction}/{name}" for direction in ("downlink", "uplink") for name in names]
    pd.testing.assert_frame_equal(
        read_table(alone, "messages"), messages[messages["link"].isin(links)].reset_index(drop=True)
    )


def test_communities_with_different_resources_stand_side_by_side(tmp_path: Path) -> None:
    groups = [group("a", 9, PAIR), group("b", 7, SINGLE)]
    run_scenario(loaded(tmp_path, groups, [FIRST, SECOND]), tmp_path / "run")
    regulation, decisions = (
        read_table(tmp_path / "run", "regulation"),
        read_table(tmp_path / "run", "decisions"),
    )
    assert regulation.groupby(["community", "resource"]).size().to_dict() == {
        ("first", "x"): 60,
        ("first", "y"): 60,
        ("second", "z"): 60,
    }
    assert set(decisions["resource"]) == {"x", "y", "z"}
    assert set(decisions[decisions["resource"] == "z"]["prosumer"]) == {f"h{k:03d}" for k in range(10, 17)}
    summary = pd.read_json(tmp_path / "run" / "summary.json", typ="series")
    assert summary["second_z_tracking_rmse_units"] > 0


def test_one_household_more_draws_nothing_else_for_the_others(tmp_path: Path) -> None:
    def parts(n: int) -> Any:
        battery = {"capacity_kwh": {"uniform": [2, 9]}, "soc_initial": {"uniform": [0.2, 0.8]}}
        homes = group("a", n, PAIR, battery=battery, membership={"joins_h": {"uniform": [0, 3]}})
        made = loaded(tmp_path, [homes], [community("first", ["a"], {"x": 5, "y": 6}, jitter_ms=500)])
        return made, build(made)

    (_, small), (_, large) = parts(9), parts(10)
    run_scenario(parts(9)[0], tmp_path / "small")
    run_scenario(parts(10)[0], tmp_path / "large")
    drawn = read_table(tmp_path / "large", "prosumers")
    pd.testing.assert_frame_equal(read_table(tmp_path / "small", "prosumers"), drawn.iloc[:9])
    assert drawn.drop(columns=["prosumer", "group", "community", "bus"]).nunique().max() == 10
    first, second = small.of(Regulation), large.of(Regulation)
    few, many = first.communities[0], second.communities[0]
    assert np.array_equal(first.membership.joins_ms, second.membership.joins_ms[:9])
    installed = [made.of(Households).equipment for made in (small, large)]
    stored_kwh, same_kwh = (
        {owner: device.stored_kwh for owner, device in equipment.devices["battery"]}
        for equipment in installed
    )
    assert stored_kwh == {owner: same_kwh[owner] for owner in stored_kwh}
    for member in range(9):
        agent, same = few.agents[member], many.agents[member]
        assert agent.slopes == same.slopes
        for step in (1, 2, 40):
            assert agent.rules.draws[step][member] == same.rules.draws[step][member]
            assert agent.clock.wake_ms(step, member) == same.clock.wake_ms(step, member)


@pytest.mark.parametrize("phase", [{"kind": "zero"}, {"kind": "uniform"}])
def test_members_come_and_go(tmp_path: Path, phase: dict[str, Any]) -> None:
    """Two of six join after 2 h, two others leave after 6 h; a step is 10 minutes."""
    groups = [
        group("stays", 2, SINGLE),
        group("comes", 2, SINGLE, membership={"joins_h": 2}),
        group("goes", 2, SINGLE, membership={"leaves_h": 6}),
    ]
    market = community("market", ["stays", "comes", "goes"], {"x": 2}, phase=phase)
    run_scenario(loaded(tmp_path, groups, [market], comms={}), tmp_path / "run")
    regulation = read_table(tmp_path / "run", "regulation").set_index("step")
    members = regulation["members"].to_numpy()
    assert members.tolist() == [4] * 12 + [6] * 24 + [4] * 24
    decisions = read_table(tmp_path / "run", "decisions")
    at = (decisions["time"] - decisions["time"].min().floor("h")) / pd.Timedelta(hours=1)
    hours = at.groupby(decisions["prosumer"]).agg(["min", "max"])
    assert hours.loc[["h003", "h004"], "min"].between(2, 2 + 1 / 6).all()
    assert (hours.loc[["h005", "h006"], "max"] < 6).all()
    assert (hours.loc[["h001", "h002", "h003", "h004"], "max"] > 9.6).all()
    messages = read_table(tmp_path / "run", "messages").set_index("link")["sent"]
    signals = {name: messages[f"downlink/{name}"] for name in ("h001", "h003", "h005")}
    assert signals == {"h001": 60, "h003": 48, "h005": 36}
    made = decisions.groupby("prosumer").size()
    assert all(messages[f"uplink/{name}"] == made[name] for name in made.index)
    # What the community did in each step, from the decisions alone.
    start_ms = (
        (decisions["time"] - pd.Timestamp("2016-01-01", tz="UTC")) / pd.Timedelta(milliseconds=1)
    ).to_numpy()
    expected = np.zeros(60)
    for name, rows in decisions.groupby("prosumer"):
        begins = start_ms[rows.index].astype(int)
        joined, left = (
            (7_200_000 if name in ("h003", "h004") else 0),
            (21_600_000 if name > "h004" else 36_000_000),
        )
        values = [1, *rows["delivered"]]  # x(0) = 1 until the first decision
        for value, first, last in zip(values, [joined, *begins], [*begins, left], strict=True):
            for k in range(1, 60):
                overlap = min(last, k * 600_000) - max(first, (k - 1) * 600_000)
                expected[k] += value * max(0, overlap) / 600_000
    assert np.allclose(regulation["aggregate"].to_numpy()[1:], expected[1:])
    if phase["kind"] == "zero":
        same = np.ones(60, bool)
        same[[0, 12, 36]] = False  # when somebody comes or goes, who is counted is not who acted
        assert np.array_equal(regulation["measured"][same], regulation["aggregate"][same])


def test_who_leaves_takes_his_battery_out_of_the_market(tmp_path: Path) -> None:
    battery = {"capacity_kwh": 20, "soc_initial": 1.0, "discharge_efficiency": 1.0}
    homes = group("a", 1, SINGLE, battery=battery, membership={"leaves_h": 1.25})
    market = community("market", ["a"], {"x": 1}, phase={"kind": "zero"}, initial_decision=0)
    market["resources"][0]["unit_kwh"] = 0.5
    market["platform"]["initial_signal"] = 100.0  # always wanted
    time = {"step_s": 3600, "duration_h": 4}
    run_scenario(loaded(tmp_path, [homes], [market], time=time, comms={}), tmp_path / "run")
    given = read_table(tmp_path / "run", "batteries")["discharge_kwh"].to_numpy()
    assert given.tolist() == [0.5, 0.125, 0.0, 0.0]
    assert read_table(tmp_path / "run", "regulation")["aggregate"].to_numpy().tolist() == [
        0.0,
        1.0,
        0.25,
        0.0,
    ]


def test_capacities_follow_the_clock(tmp_path: Path) -> None:
    by_hour = {"kind": "hourly", "by_hour": list(range(24))}
    steps = {
        "kind": "stepped",
        "steps": [{"from_h": 0, "value": 4}, {"from_h": 1.5, "value": 7}, {"from_h": 3, "value": 0}],
    }
    market = community("market", ["a"], {"hourly": by_hour, "stepped": steps})
    time = {"start": "2016-03-01T22:30:00Z", "step_s": 1800, "duration_h": 4}
    run_scenario(loaded(tmp_path, [group("a", 30, PAIR)], [market], time=time), tmp_path / "run")
    run = tmp_path / "run"
    assert _table(run, "regulation", resource="hourly")["capacity"].tolist() == [22, 23, 23, 0, 0, 1, 1, 2]
    assert _table(run, "regulation", resource="stepped")["capacity"].tolist() == [4, 4, 4, 7, 7, 7, 0, 0]


def test_a_platform_that_is_down_hears_nothing_and_says_nothing(tmp_path: Path) -> None:
    market = community("market", ["a"], {"x": 5, "y": 6})
    faults = [{"kind": "platform_crash", "from_h": 2, "duration_h": 1}]
    run_scenario(loaded(tmp_path, [group("a", 9, PAIR)], [market], comms={}, faults=faults), tmp_path / "run")
    regulation = _table(tmp_path / "run", "regulation", resource="x")
    is_down = regulation["measured"].isna().to_numpy()
    assert np.flatnonzero(is_down).tolist() == list(range(12, 18))
    # The signal of the last tick before it stays in force to the first tick after it.
    assert regulation["signal"][12:19].nunique() == 1
    messages = read_table(tmp_path / "run", "messages").groupby("kind")["sent"].sum()
    assert messages.to_dict() == {"report": 9 * 60, "signal": 9 * 54}
    decisions = read_table(tmp_path / "run", "decisions")
    late = decisions[decisions["step"] == 18]
    assert (late["signal_step"] == 12).all()
    assert (late["signal_age_ms"] > 3_000_000).all()
    # What came in meanwhile is lost: the tick at 18 works with the newest reports from before and just now.
    assert regulation["aggregate"][13:18].nunique() > 1


@pytest.mark.parametrize(
    ("drift_ppm", "phase_ms"), [(0.0, 0), (0.0, 599_999), (-2000.0, 300_000), (2000.0, 1)]
)
def test_who_joins_late_keeps_the_rhythm_of_his_own_clock(
    tmp_path: Path, drift_ppm: float, phase_ms: int
) -> None:
    """With a clock a fifth of a percent off for five hours, it joins 36 s beside the beat of the others."""
    homes = group("a", 2, SINGLE, membership={"joins_h": {"each": [0, 5]}})
    phase = {"kind": "given", "phase_ms": phase_ms}
    market = community("market", ["a"], {"x": 1}, phase=phase, drift_ppm=drift_ppm)
    run_scenario(loaded(tmp_path, [homes], [market], comms={}), tmp_path / "run")
    decisions = read_table(tmp_path / "run", "decisions")
    times = {name: rows["time"].tolist() for name, rows in decisions.groupby("prosumer")}
    joined = pd.Timestamp("2016-01-01T05:00Z")
    assert times["h002"] == [time for time in times["h001"] if time >= joined]
