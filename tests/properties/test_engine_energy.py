"""A run's tables agree: energy, state of charge, promises, injections, with feedback and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.config.yaml_reader import Document
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.results.store import read_table

UNIT_KWH = 0.2
N_HOURS = 48


def village(folder: Path, **changes: Any) -> LoadedScenario:
    """Five homes with sun and storage on a Kerber feeder, stepping every 20 minutes."""
    hours = np.arange(N_HOURS)
    sun = np.maximum(0.0, np.sin((hours % 24 - 6) / 12 * np.pi))
    rows = [
        f"{pd.Timestamp(2016, 7, 4) + pd.Timedelta(hours=int(h))}Z,{s:.6f}\n"
        for h, s in zip(hours, sun, strict=True)
    ]
    (folder / "sun.csv").write_text("time,roof [kW/kWp]\n" + "".join(rows))
    content: dict[str, Any] = {
        "name": "village",
        "seed": 3,
        "time": {"start": "2016-07-04T00:00:00Z", "duration_h": N_HOURS, "step_s": 1200},
        "groups": [
            {
                "name": "homes",
                "households": 5,
                "cost": {"kind": "separable", "linear": 6, "own_quadratic": 1.0, "target": 0.5},
                "load": {"kind": "constant", "p_kw": {"uniform": [0.2, 0.8]}},
                "pv": {"kind": "csv", "file": "sun.csv", "kwp": {"uniform": [3, 6]}, "cos_phi": 0.95},
                "battery": {
                    "capacity_kwh": {"uniform": [2, 6]},
                    "charge_kw": 2,
                    "discharge_kw": 1,
                    "charge_efficiency": 0.9,
                    "discharge_efficiency": 0.8,
                    "self_discharge_per_day": 0.02,
                },
            },
            {"name": "idle", "households": 1, "load": {"kind": "constant", "p_kw": 1.0}},
        ],
        "communities": [
            {
                "name": "village",
                "groups": ["homes"],
                "resources": [
                    {"name": "own_use", "unit_kwh": UNIT_KWH, "capacity": 2, "serves": "own_load"},
                    {
                        "name": "sale",
                        "unit_kwh": UNIT_KWH,
                        "capacity": {"kind": "hourly", "by_hour": [1] * 12 + [2] * 12},
                    },
                ],
                "agent": {
                    "policy": {"kind": "additive", "kappa": 0.15},
                    "averages": {"kind": "exponential", "time_constant_steps": 20},
                    "initial_decision": 0,
                    "initial_average": 0.3,
                },
            }
        ],
        "comms": {
            "default": {
                "latency": {"kind": "exponential", "mean_ms": 500},
                "loss": {"kind": "bernoulli", "loss_probability": 0.05},
            }
        },
        "grid": {"network": "kerber_landnetz_kabel_1", "background": "nominal"},
    }
    content.update(changes)
    return LoadedScenario(
        Scenario.model_validate(content), folder, "village.yaml", Document(content, "village.yaml")
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("village")
    outcome = run_scenario(village(folder), folder / "run")
    assert outcome.status == "done"
    return folder / "run"


def _wide(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.pivot(index="time", columns="prosumer", values=column)


def test_net_energy_is_load_minus_generation_plus_battery(run: Path) -> None:
    meters, batteries = read_table(run, "meters"), read_table(run, "batteries")
    battery = _wide(batteries, "charge_kwh") - _wide(batteries, "discharge_kwh")
    rest = _wide(meters, "load_kwh") - _wide(meters, "pv_kwh")
    expected = rest.add(battery, fill_value=0.0)
    assert np.allclose(_wide(meters, "net_kwh"), expected, rtol=0, atol=1e-12)
    assert len(meters) == 6 * N_HOURS
    assert len(batteries) == 5 * N_HOURS


def test_the_state_of_charge_closes_from_interval_to_interval(run: Path) -> None:
    batteries = read_table(run, "batteries")
    prosumers = read_table(run, "prosumers").set_index("prosumer").loc[batteries["prosumer"].unique()]
    soc = _wide(batteries, "soc_kwh")
    before = soc.shift(1)
    before.iloc[0] = 0.5 * prosumers["battery_capacity_kwh"]
    change = 0.9 * _wide(batteries, "charge_kwh") - _wide(batteries, "discharge_kwh") / 0.8
    assert np.allclose(soc, before + change - _wide(batteries, "leaked_kwh"), rtol=0, atol=1e-9)
    assert (soc <= prosumers["battery_capacity_kwh"] + 1e-9).all().all()
    assert batteries["charge_kwh"].sum() > 10  # something happened
    assert batteries["discharge_kwh"].sum() > 10


def test_batteries_give_what_was_promised(run: Path) -> None:
    """Every step ends within the run, so all that was delivered in it was discharged."""
    decisions, batteries = read_table(run, "decisions"), read_table(run, "batteries")
    assert (decisions["delivered"] <= decisions["requested"]).all()
    promised = decisions.groupby("prosumer")["delivered"].sum() * UNIT_KWH
    discharged = batteries.groupby("prosumer")["discharge_kwh"].sum()
    assert np.allclose(promised, discharged, rtol=0, atol=1e-9)
    assert (decisions["delivered"] < decisions["requested"]).any()  # some could not be kept, and it says so


def test_own_use_stays_in_the_home(run: Path) -> None:
    """What a battery gives beyond what it sells is at most the load less the generation, hour by hour."""
    decisions, meters = read_table(run, "decisions"), read_table(run, "meters")
    decisions["hour"] = decisions["time"].dt.floor("h")
    kwh = decisions.groupby(["hour", "prosumer", "resource"])["delivered"].sum().unstack() * UNIT_KWH
    meters = meters.set_index(["time", "prosumer"])
    residual = (meters["load_kwh"] - meters["pv_kwh"]).clip(lower=0.0).reindex(kwh.index)
    assert (kwh["own_use"] <= residual + 1e-9).all()
    assert kwh["own_use"].sum() > 10
    own = decisions[decisions["resource"] == "own_use"]
    is_fraction = (own["delivered"] > 0) & (own["delivered"] < 1)
    assert is_fraction.sum() > 10
    assert set(decisions.loc[decisions["resource"] == "sale", "delivered"]) == {0.0, 1.0}
    batteries = _wide(read_table(run, "batteries"), "discharge_kwh")
    assert np.allclose(batteries, kwh.sum(axis=1).unstack(), rtol=0, atol=1e-9)


def test_averages_follow_what_was_delivered(run: Path) -> None:
    decisions = read_table(run, "decisions")
    weight = -np.expm1(-1 / 20)
    for _, rows in decisions.groupby(["prosumer", "resource"]):
        average, delivered = rows["average"].to_numpy(), rows["delivered"].to_numpy()
        assert np.allclose(average[1:], average[:-1] + weight * (delivered[:-1] - average[:-1]), atol=1e-12)


def test_injections_are_meters_and_background(run: Path) -> None:
    meters, prosumers = read_table(run, "meters"), read_table(run, "prosumers")
    injections = read_table(run, "injections").pivot(index="time", columns="bus", values="p_mw")
    bus_of = prosumers.set_index("prosumer")["bus"]
    at_buses = meters.assign(bus=meters["prosumer"].map(bus_of)).groupby(["time", "bus"])["net_kwh"].sum()
    households = at_buses.unstack().reindex(columns=injections.columns, fill_value=0.0) / 1000
    background = injections - households
    # The feeder's own loads that no household took draw their nominal power, the same in all intervals.
    assert np.allclose(background, background.iloc[0], rtol=0, atol=1e-12)
    assert np.allclose(background[sorted(set(bus_of))], 0.0, atol=1e-12)
    assert background.iloc[0].max() > 0.001


def test_slack_power_is_injections_and_losses(run: Path) -> None:
    flow = read_table(run, "power_flow").set_index("time")
    assert (flow["status"] == "converged").all()
    drawn = read_table(run, "injections").groupby("time")["p_mw"].sum()
    assert np.allclose(flow["p_slack_mw"], drawn + flow["losses_mw"], rtol=0, atol=1e-8)


def test_the_summary_is_the_sum_of_the_tables(run: Path) -> None:
    import json

    summary = json.loads((run / "summary.json").read_text())
    meters, batteries = read_table(run, "meters"), read_table(run, "batteries")
    messages = read_table(run, "messages")
    assert summary["energy_load_kwh"] == pytest.approx(meters["load_kwh"].sum())
    assert summary["energy_imported_kwh"] == pytest.approx(meters["net_kwh"].clip(lower=0).sum())
    assert summary["energy_battery_discharged_kwh"] == pytest.approx(batteries["discharge_kwh"].sum())
    assert summary["messages_lost"] == messages["lost"].sum() > 0
    parts = messages["delivered"] + messages["lost"] + messages["expired"] + messages["in_flight"]
    assert (messages["sent"] + messages["duplicated"] == parts).all()


def test_solving_in_the_loop_gives_the_same_tables(run: Path, tmp_path: Path) -> None:
    grid = {"network": "kerber_landnetz_kabel_1", "background": "nominal", "feedback": True}
    run_scenario(village(tmp_path, grid=grid), tmp_path / "run")
    for file in sorted((run / "tables").glob("*.parquet")):
        if file.stem in ("messages", "message_latency"):
            continue  # with feedback there are measurements to send
        assert file.read_bytes() == (tmp_path / "run" / "tables" / file.name).read_bytes(), file.stem


def test_a_capacity_gives_way_while_the_feeder_is_outside_its_limits(tmp_path: Path) -> None:
    """Overvoltage at noon halves the share of 'sale'; a quiet step gives a tenth of it back (AIMD)."""
    base = village(tmp_path).document.data
    rule = {
        "resource": "sale",
        "reacts_to": ["overvoltage"],
        "vm_max_pu": 1.0,
        "decrease_factor": 0.5,
        "increase_per_step": 0.1,
        "min_share": 0.2,
    }
    communities = [base["communities"][0] | {"platform": {"grid_aware": [rule]}}]
    grid = {"network": "kerber_landnetz_kabel_1", "background": "none", "feedback": True}
    time = base["time"] | {"step_s": 3600}
    comms: dict[str, Any] = {}
    run_scenario(
        village(tmp_path, communities=communities, grid=grid, time=time, comms=comms), tmp_path / "run"
    )
    regulation = read_table(tmp_path / "run", "regulation")
    sale = regulation[regulation["resource"] == "sale"]
    share = (sale["capacity"].to_numpy()) / np.array(([1] * 12 + [2] * 12) * 2)
    highest = read_table(tmp_path / "run", "bus_voltage").groupby("time")["vm_pu"].max().to_numpy()
    # The power flow of the hour before tick k comes right after that tick, so tick k+1 reacts to it.
    expected, current = [1.0, 1.0], 1.0
    for outside in highest[:-2] > 1.0:
        current = max(0.2, current * 0.5) if outside else min(1.0, current + 0.1)
        expected.append(current)
    assert np.allclose(share, expected)
    assert share.min() == pytest.approx(0.2)
    assert (share == 1.0).sum() > 5
    own_use = regulation[regulation["resource"] == "own_use"]
    assert (own_use["capacity"] == 2).all()


def test_batteries_that_no_market_regulates_serve_their_homes(tmp_path: Path) -> None:
    """Whether there is no community, or one that asks nothing of batteries: surplus in, own load out."""
    without_batteries = [
        {"name": "village", "groups": ["homes"], "resources": [{"name": "x", "capacity": 2}]},
    ]
    tables = []
    for number, communities in enumerate([[], without_batteries]):
        folder = tmp_path / str(number)
        outcome = run_scenario(village(tmp_path, communities=communities), folder)
        tables.append(read_table(folder, "batteries"))
        meters = read_table(folder, "meters")
        meters = meters[meters["prosumer"].isin(tables[-1]["prosumer"].unique())]
        rest = _wide(meters, "load_kwh") - _wide(meters, "pv_kwh")
        taken, given = _wide(tables[-1], "charge_kwh"), _wide(tables[-1], "discharge_kwh")
        assert (taken.to_numpy() <= rest.clip(upper=0).abs().to_numpy() + 1e-9).all()
        assert (given.to_numpy() <= rest.clip(lower=0).to_numpy() + 1e-9).all()
        # Every battery is used, both ways: it is not full all the time.
        assert (taken.sum() > 1).all()
        assert (given.sum() > 1).all()
        # An hour that draws from the feeder has emptied the battery or needs more than its 1 kW.
        left = _wide(meters, "net_kwh") > 1e-9
        soc, floor = _wide(tables[-1], "soc_kwh"), 0.1
        capacity = read_table(folder, "prosumers").set_index("prosumer").loc[soc.columns]
        empty = soc <= floor * capacity[next(c for c in capacity if "capacity" in c)] + 1e-9
        assert (~left | empty | (given >= 1.0 - 1e-9)).to_numpy().all()
        summary = outcome.summary
        conversion = summary["energy_battery_lost_kwh"]
        assert conversion >= 0  # type: ignore[operator]
    pd.testing.assert_frame_equal(*tables)


def test_a_battery_serves_its_home_before_it_joins_and_after_it_leaves(tmp_path: Path) -> None:
    """A member from 30 h to 40 h only; else it does what it would do if there were no market."""
    content = village(tmp_path).scenario.model_dump(mode="json")
    content["groups"][0]["membership"] = {"joins_h": 30, "leaves_h": 40}
    run_scenario(village(tmp_path, groups=content["groups"]), tmp_path / "member")
    run_scenario(village(tmp_path, communities=[]), tmp_path / "alone")
    member, alone = (
        _wide(read_table(tmp_path / one, "batteries"), "discharge_kwh").to_numpy()
        for one in ("member", "alone")
    )
    assert np.array_equal(member[:30], alone[:30])
    assert alone[:30].sum() > 10
    decisions = read_table(tmp_path / "member", "decisions")
    promised = UNIT_KWH * decisions["delivered"].sum()
    # The last step of each is cut off by leaving.
    assert promised - 10 * UNIT_KWH <= member[30:40].sum() <= promised
    meters = read_table(tmp_path / "member", "meters")
    meters = meters[meters["prosumer"] != "h006"]
    rest = (_wide(meters, "load_kwh") - _wide(meters, "pv_kwh")).to_numpy()
    dusk = np.minimum(rest[42], 1.0)  # the limit of power; every battery has that much left
    assert (dusk > 0.1).all()
    assert np.allclose(member[42], dusk)
