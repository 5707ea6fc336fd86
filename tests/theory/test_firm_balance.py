"""An island's balance: each limit binds where it must, and what comes in goes out, whatever happens.

Judged by the power flow's own slack, by `runpp` with the firm's bus as slack, and by hand.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.config.yaml_reader import Document
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.firm.dispatch import Limits
from cosim.firm.island_balance import Balanced, Wanted, balance
from cosim.grid.subsystem import Trial
from cosim.results.run_files import read_summary
from cosim.results.store import read_table
from tests.examples import examples

LOSSES_PER_KW2 = 0.002
ALL = [np.arange(4)]


def flow(p_kw: np.ndarray, q_kvar: np.ndarray) -> Trial:
    """A line to each of four homes, whose losses grow with the square of what flows."""
    losses_kw = LOSSES_PER_KW2 * float((p_kw**2 + q_kvar**2).sum())
    return Trial(float(p_kw.sum()) + losses_kw, losses_kw)


def wanted(load: list[float], sun: list[float]) -> Wanted:
    load_kw, sun_kw = np.array(load), np.array(sun)
    return Wanted(load_kw - sun_kw, 0.2 * load_kw, load_kw, sun_kw)


def balanced(load: list[float], sun: list[float], limits: Limits, wants: bool = False) -> Balanced:
    return balance(wanted(load, sun), limits, wants, (ALL, ALL), flow)


DARK, SUNNY, LOAD = [0.0] * 4, [6.0] * 4, [3.0, 1.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("limits", "wants", "sun", "expected"),
    [
        # battery: what it gives at most, what it takes at most
        (Limits(50, 5, 0, 0), False, DARK, {"battery_kw": 5, "unserved": True}),
        (Limits(5, 50, 0, 0), False, SUNNY, {"battery_kw": -5, "curtailed": True}),
        # it is empty, or full: the limits of `Plant` are 0 then
        (Limits(50, 0, 0, 0), False, DARK, {"battery_kw": 0, "unserved": True}),
        (Limits(0, 50, 0, 0), False, SUNNY, {"battery_kw": 0, "curtailed": True}),
        # generator: its rated power, and its least power with more than the battery takes
        (Limits(50, 0, 0, 4), False, DARK, {"generator_kw": 4, "unserved": True}),
        (Limits(0, 5, 12, 20), False, DARK, {"generator_kw": 12, "dumped": True}),
        # wanted, but its least power has no place
        (Limits(1, 50, 12, 20), True, DARK, {"generator_kw": 0}),
        # wanted: as near to its rated power as the battery takes
        (Limits(3, 50, 2, 40), True, DARK, {"battery_kw": -3}),
        # nothing binds
        (Limits(50, 50, 0, 0), False, DARK, {}),
        (Limits(50, 50, 0, 0), False, SUNNY, {}),
    ],
)
def test_each_limit_binds(limits: Limits, wants: bool, sun: list[float], expected: dict[str, Any]) -> None:
    made = balanced(LOAD, sun, limits, wants)
    for name in ("battery_kw", "generator_kw"):
        if name in expected:
            assert getattr(made, name) == pytest.approx(expected[name], abs=1e-9)
    cuts = {
        "unserved": made.unserved_kw.sum(),
        "curtailed": made.curtailed_kw.sum(),
        "dumped": made.dumped_kw,
    }
    assert {name for name, kw in cuts.items() if kw > 0} == {name for name in cuts if expected.get(name)}
    given_kw = made.generator_kw + made.battery_kw - made.dumped_kw
    assert given_kw == pytest.approx(flow(made.p_kw, made.q_kvar).supplied_kw, abs=1e-9)
    if "unserved" in expected:  # by hand: what is missing of load and its losses, and no kW more
        assert given_kw == pytest.approx(limits.discharge_kw + limits.most_kw, abs=1e-9)


def test_priority_says_who_goes_without() -> None:
    classes = [np.array([1, 2]), np.array([0]), np.array([3])]
    made = balance(wanted(LOAD, DARK), Limits(0, 4, 0, 0), False, (classes, ALL), flow)
    assert made.unserved_kw[[1, 2]] == pytest.approx([1, 2])
    assert 0 < made.unserved_kw[0] < 3
    assert made.unserved_kw[3] == 0
    made = balance(
        wanted(LOAD, SUNNY), Limits(14, 0, 0, 0), False, (ALL, [np.array([3]), np.arange(3)]), flow
    )
    assert made.curtailed_kw[3] > 0
    assert not made.curtailed_kw[:3].any()


kilowatts = st.floats(0, 8)


@settings(max_examples=examples(60), deadline=None)
@given(
    load=st.lists(kilowatts, min_size=4, max_size=4),
    sun=st.lists(kilowatts, min_size=4, max_size=4),
    limits=st.tuples(kilowatts, kilowatts, kilowatts, kilowatts),
    wants=st.booleans(),
)
def test_it_always_balances(load: list[float], sun: list[float], limits: Any, wants: bool) -> None:
    charge_kw, discharge_kw, least_kw, more_kw = limits
    can = Limits(
        charge_kw, discharge_kw, least_kw if more_kw else 0.0, least_kw + more_kw if more_kw else 0.0
    )
    made = balanced(load, sun, can, wants)
    given_kw = made.generator_kw + made.battery_kw - made.dumped_kw
    taken_kw = float(made.p_kw.sum()) if made.is_dark else flow(made.p_kw, made.q_kvar).supplied_kw
    assert given_kw == pytest.approx(taken_kw, abs=1e-8)
    assert -charge_kw - 1e-8 <= made.battery_kw <= discharge_kw + 1e-8
    assert made.generator_kw == 0 or can.least_kw <= made.generator_kw <= can.most_kw
    assert (made.unserved_kw >= 0).all()
    assert (made.unserved_kw <= np.array(load) + 1e-9).all()
    assert (made.curtailed_kw <= np.array(sun) + 1e-9).all()
    assert made.is_dark or not (made.unserved_kw.any() and made.curtailed_kw.any())


NOON = "time,sun [kW]\n" + "".join(
    f"2016-06-{13 + day}T{hour:02d}:00:00Z,{max(0.0, math.sin(math.pi * (hour - 6) / 12)) * sky:.4f}\n"
    for day, sky in enumerate([1.0, 1.0, 0.1, 0.05, 0.1, 1.0, 1.0])
    for hour in range(24)
)
"""A week of June in which three days have little sun."""


def island(folder: Path, firm: dict[str, Any], hours: int = 168, **more: Any) -> Path:
    """A week of eight homes on an island."""
    (folder / "sun.csv").write_text(NOON)
    content: dict[str, Any] = {
        "name": "island",
        "time": {"start": "2016-06-13T00:00:00Z", "duration_h": hours, "step_s": 3600},
        "groups": [
            {
                "name": name,
                "households": 4,
                "load": {"kind": "constant", "p_kw": 0.6, "power_factor": 0.95},
                "pv": {"kind": "csv", "file": "sun.csv", "kwp": 2.5},
            }
            for name in ("homes", "shops")
        ],
        "firm": {"kind": "isolated", **firm},
        "grid": {
            "network": "kerber_landnetz_kabel_1",
            "supply": {"bus": 1, "vm_pu": 1.01},
            "background": "none",
            **more.pop("grid", {}),
        },
        "report": {"figures": False},
        **more,
    }
    out = folder / "run"
    loaded = LoadedScenario(Scenario.model_validate(content), folder, "t.yaml", Document(content, "t.yaml"))
    run_scenario(loaded, out)
    return out


SMALL = {"capacity_kwh": 30, "charge_kw": 10, "discharge_kw": 8, "self_discharge_per_day": 0.01}


SCARCE = {
    "battery": SMALL,
    "generator": {"rated_kw": 6, "min_kw": 2, "fuel_l": 40},
    "unserved_first": ["shops"],
}


@pytest.mark.slow
def test_runpp_finds_the_same_voltages_with_the_firm_as_slack(tmp_path: Path) -> None:
    out = island(tmp_path, SCARCE, grid={"verify_power_flow": 168})
    found, flow = read_summary(out), read_table(out, "power_flow")
    n_dark = int(flow.cause.str.startswith("no voltage").sum())
    assert n_dark == 83, "fuel and battery are empty: there is nothing to solve"
    assert found["verified_intervals"] + n_dark == 168
    assert found["verified_voltage_difference_max_pu"] < 1e-9
    assert found["verified_slack_difference_max_kw"] < 1e-5
    assert found["verified_status_differs_intervals"] == 0


def test_a_week_of_little_sun_closes(tmp_path: Path) -> None:
    failure = {"kind": "generator_failure", "from_h": 60, "duration_h": 12}
    out = island(tmp_path, SCARCE, faults=[failure])
    account, slack = read_table(out, "firm"), read_table(out, "power_flow")
    given_kwh = account.generator_kwh + account.discharge_kwh - account.charge_kwh - account.dumped_kwh
    # the feeder was solved anew with what takes place: its slack is what the firm gave
    lit = slack.status == "converged"
    assert 40 < lit.sum() < 168
    assert slack.cause[~lit].str.startswith("no voltage").all()
    assert np.abs(given_kwh - 1000 * slack.p_slack_mw)[lit].sum() < 1e-6
    assert np.abs(given_kwh[~lit]).sum() == 0
    flows = account.drawn_kwh - account.fed_in_kwh + account.losses_kwh
    assert np.abs(given_kwh - flows).sum() < 1e-6
    stored = 15.0
    for row in account.itertuples():
        stored += 0.95 * row.charge_kwh - row.discharge_kwh / 0.95 - row.leaked_kwh
        assert row.stored_kwh == pytest.approx(stored, abs=1e-9)
    assert account.stored_kwh.max() < 30 + 1e-9
    assert (account.stored_kwh[account.discharge_kwh > 0] > 3 - 1e-9).all(), "below it, it only leaks"
    least_l_per_h = 6 * 0.0845 + 2 * 0.246
    assert 0 <= 40 - account.fuel_l.sum() < least_l_per_h, "it burns what it has, but for what is no hour's"
    assert account.generator_kwh[60:72].sum() == 0, "it has failed"
    # what the homes wanted: constant load, and the sun
    meters = read_table(out, "meters")
    assert meters.load_kwh.sum() + account.unserved_kwh.sum() == pytest.approx(168 * 8 * 0.6, abs=1e-6)
    cuts = read_table(out, "firm_cuts")
    assert cuts.unserved_kwh.sum() == pytest.approx(account.unserved_kwh.sum())
    at = cuts[cuts.unserved_kwh > 0].groupby(["time", "prosumer"]).unserved_kwh.sum().unstack(fill_value=0)
    shops, homes = (at[[f"h{n:03d}" for n in numbers]] for numbers in (range(5, 9), range(1, 5)))
    net = meters.pivot(index="time", columns="prosumer", values="net_kwh").loc[at.index]
    assert (homes.sum(axis=1) > 0).any()
    assert (net.loc[homes.sum(axis=1) > 0, shops.columns] < 1e-9).all(axis=None), "shops go first"
    found = read_summary(out)
    assert found["firm_balance_error_kwh"] < 1e-6
    assert found["firm_curtailed_kwh"] > 0


def test_with_ample_storage_everybody_has_everything(tmp_path: Path) -> None:
    battery = {"capacity_kwh": 2000, "charge_kw": 200, "discharge_kw": 200, "soc_initial": 0.5}
    found = read_summary(island(tmp_path, {"battery": battery}))
    assert found["firm_unserved_kwh"] == found["firm_curtailed_kwh"] == found["firm_dumped_kwh"] == 0
    assert found["firm_balance_error_kwh"] < 1e-6


def test_without_anything_that_holds_the_voltage_homes_have_what_is_theirs(tmp_path: Path) -> None:
    generator = {"rated_kw": 6, "fuel_l": 0}
    out = island(tmp_path, {"generator": generator}, hours=24)
    account = read_table(out, "firm")
    assert (account.drawn_kwh.abs() < 1e-12).all()
    assert (account.fed_in_kwh.abs() < 1e-12).all()
    assert account.unserved_kwh[0] == pytest.approx(8 * 0.6)
    assert account.unserved_kwh[12] == 0, "at noon each home lives on its own sun"
    assert account.curtailed_kwh[12] > 0


def test_a_connected_firm_accounts_for_every_kwh_and_eur(tmp_path: Path) -> None:
    firm = {
        "kind": "connected",
        "battery": SMALL,
        "generator": {"rated_kw": 3, "min_kw": 1, "fuel_eur_per_l": 0.5},
        "tariff": {"drawn": {"by_hour": [0.2] * 12 + [0.4] * 12}, "fed_in": 0.07},
        "contract": {"bought": 0.22, "sold": 0.04, "import_kw": 1, "export_kw": 4, "beyond_eur_per_kwh": 0.9},
    }
    out = island(tmp_path, firm, grid={"supply": None})
    account, slack = read_table(out, "firm"), read_table(out, "power_flow")
    exchange = account.grid_import_kwh - account.grid_export_kwh
    assert np.abs(exchange - 1000 * slack.p_slack_mw).max() < 1e-6
    meters, bills = read_table(out, "meters"), read_table(out, "firm_bills")
    hour = (meters.time.dt.hour < 12).map({True: 0.2, False: 0.4})
    by_hand = hour * meters.net_kwh.clip(lower=0) - 0.07 * (-meters.net_kwh).clip(lower=0)
    assert bills.bill_eur.sum() == pytest.approx(by_hand.sum())
    assert account.bills_eur.sum() == pytest.approx(bills.bill_eur.sum())
    beyond = (account.grid_import_kwh - 1).clip(lower=0) + (account.grid_export_kwh - 4).clip(lower=0)
    assert beyond.sum() > 0
    grid_eur = 0.22 * account.grid_import_kwh - 0.04 * account.grid_export_kwh + 0.9 * beyond
    assert account.grid_eur.sum() == pytest.approx(grid_eur.sum())
    fuel_l = (account.generator_kwh > 0) * 3 * 0.0845 + 0.246 * account.generator_kwh
    assert account.fuel_l.sum() == pytest.approx(fuel_l.sum())
    found = read_summary(out)
    assert found["firm_balance_error_kwh"] < 1e-6
    assert found["firm_margin_eur"] == pytest.approx(by_hand.sum() - grid_eur.sum() - 0.5 * fuel_l.sum())


def test_platforms_keep_what_they_were_told_where_the_firm_is_not_heard(tmp_path: Path) -> None:
    def capacities(loss: float) -> list[float]:
        community = {
            "name": "village",
            "groups": ["homes"],
            "resources": [
                {"name": "sale", "capacity": {"kind": "firm_position", "empty": 4, "full": 0}},
            ],
        }
        cost = {"kind": "consumption_only", "linear": 6, "quadratic": 1, "target": 0.1}
        groups = [{"name": "homes", "households": 8, "load": {"kind": "constant", "p_kw": 0.4}, "cost": cost}]
        folder = tmp_path / str(loss)
        folder.mkdir()
        firm = {"battery": SMALL | {"self_discharge_per_day": 0}}
        comms = {
            "overrides": [{"direction": "platform", "loss": {"kind": "bernoulli", "loss_probability": loss}}]
        }
        out = island(folder, firm, 8, groups=groups, communities=[community], comms=comms)
        return list(read_table(out, "regulation").capacity)

    heard, deaf = capacities(0.0), capacities(1.0)
    assert deaf == [2.0] * 8, "half-way, as the controller was designed"
    stored = read_table(tmp_path / "0.0" / "run", "firm").stored_kwh
    told = [4 * (1 - min(max((each / 30 - 0.2) / 0.7, 0), 1)) for each in stored]
    # an order of the end of an interval is heard after the tick of that instant
    assert heard[:2] == [2.0, 2.0]
    assert heard[2:] == pytest.approx(told[:6])
