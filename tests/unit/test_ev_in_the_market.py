"""Vehicles that the energy-value market schedules: when they charge, what it costs, who else may be there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cosim.config.yaml_reader import Document
from cosim.core.errors import InputError
from cosim.engine.builder import build
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.results.store import read_table

SESSIONS = """\
vehicle,arrival,departure,energy [kWh]
red,2016-06-13T18:30:00Z,2016-06-14T07:30:00Z,29.7
red,2016-06-14T09:00:00Z,2016-06-15T16:30:00Z,18
"""
NIGHT_PRICES = [0.2] * 6 + [0.3] * 12 + [0.4] * 4 + [0.25] * 2
SCHEDULED = {"scheduled_by": "energy_value"}
START = pd.Timestamp("2016-06-13T00:00:00Z")
NO_TRADING = {"kind": "no_trading"}


def loaded(folder: Path, ev: dict[str, Any], rule: Any = NO_TRADING, **more: Any) -> LoadedScenario:
    """A home with half a kilowatt and a vehicle, and a neighbour with a roof; no appliances."""
    (folder / "sessions.csv").write_text(SESSIONS)
    (folder / "sun.csv").write_text(
        "time,roof [kW/kWp]\n"
        + "".join(
            f"{START + pd.Timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ},{0.8 * (10 <= hour % 24 < 15)}\n"
            for hour in range(72)
        )
    )
    load = {"kind": "constant", "p_kw": 0.5}
    content: dict[str, Any] = {
        "name": "hamlet",
        "time": {"start": f"{START:%Y-%m-%dT%H:%M:%SZ}", "duration_h": 72},
        "groups": [
            {
                "name": "home",
                "households": 1,
                "load": load,
                "ev": {"sessions": {"kind": "csv", "file": "sessions.csv"}, **ev},
            },
            {
                "name": "solar",
                "households": 1,
                "load": load,
                "pv": {"kind": "csv", "file": "sun.csv", "kwp": 5},
            },
        ],
        "energy_value": {
            "prices": {"grid": {"by_hour": NIGHT_PRICES}, "feed_in": {"share": 0.25}},
            "household": {"appliances": {"kind": "none"}, "contracted_power_kw": 10},
            "rules": {"rule": rule},
        },
        "report": {"figures": False},
        **more,
    }
    return LoadedScenario(Scenario.model_validate(content), folder, "t.yaml", Document(content, "t.yaml"))


class Ran:
    """A run's tables and numbers."""

    def __init__(self, folder: Path, ev: dict[str, Any], rule: Any = NO_TRADING, **more: Any) -> None:
        outcome = run_scenario(loaded(folder, ev, rule, **more), folder / "run")
        assert outcome.status == "done", outcome.cause
        self.folder = folder / "run"
        self.summary = pd.read_json(self.folder / "summary.json", typ="series")
        self.evs = read_table(self.folder, "evs")
        self.sessions = read_table(self.folder, "ev_sessions")

    @property
    def charged_kwh(self) -> dict[int, float]:
        """By hour of the run, where it charged."""
        hour = (self.evs["time"] - START) // pd.Timedelta(hours=1)
        taken = self.evs["charge_kwh"].groupby(hour).sum()
        return {int(at): float(kwh) for at, kwh in taken.items() if kwh > 0}

    def bill_eur(self) -> float:
        bills = read_table(self.folder, "bills")
        return float(bills[bills["prosumer"] == "h001"]["total_eur"].sum())


def ran(folder: Path, ev: dict[str, Any], rule: Any = NO_TRADING, **more: Any) -> Ran:
    folder.mkdir()
    return Ran(folder, ev, rule, **more)


def test_across_midnight_in_the_cheapest_hours_and_cheaper_than_at_once(tmp_path: Path) -> None:
    at_once, scheduled = ran(tmp_path / "at_once", {}), ran(tmp_path / "scheduled", SCHEDULED)
    # 33 kWh by half past seven: the hours from midnight, of 9.5 kWh that the contract leaves. Then 20 kWh,
    # from the second midnight on.
    assert scheduled.charged_kwh == pytest.approx(
        {24: 9.5, 25: 9.5, 26: 9.5, 27: 4.5, 48: 9.5, 49: 9.5, 50: 1}
    )
    assert list(at_once.charged_kwh) == [18, 19, 20, 21, 33, 34]
    assert sum(scheduled.charged_kwh.values()) == pytest.approx(sum(at_once.charged_kwh.values()), abs=1e-9)
    # The bill differs by the price of the hours, and by nothing else.
    price = np.tile(NIGHT_PRICES, 3)
    at_prices = [
        sum(price[at] * kwh for at, kwh in each.charged_kwh.items()) for each in (at_once, scheduled)
    ]
    assert at_prices[0] - at_prices[1] > 3
    assert at_once.bill_eur() - scheduled.bill_eur() == pytest.approx(at_prices[0] - at_prices[1], abs=1e-9)


def test_what_is_metered_is_what_is_charged_and_billed(tmp_path: Path) -> None:
    run = ran(tmp_path / "run", SCHEDULED, {"kind": "trading"})
    meters = read_table(run.folder, "meters")
    home = meters[meters["prosumer"] == "h001"]
    assert home["net_kwh"].sum() == pytest.approx(72 * 0.5 + run.evs["charge_kwh"].sum(), abs=1e-9)
    change = run.evs["stored_kwh"].diff().fillna(run.evs["stored_kwh"].iloc[0])
    closing = run.evs["charge_kwh"] - change - run.evs["lost_kwh"] - run.evs["used_kwh"]
    assert closing.abs().max() < 1e-9
    assert run.summary["ev_missing_kwh"] == 0
    assert run.summary["ev_sessions"] == 2
    assert run.summary["bills_imbalance_max_eur"] < 1e-9


def test_what_is_planned_at_gate_closure_is_bought(tmp_path: Path) -> None:
    """From 9 h on day 1 to half past 16 on day 2: the night at 0.2, until the roof offers noon at 0.15."""
    run = ran(
        tmp_path / "run",
        SCHEDULED,
        {"kind": "trading"},
        energy_value={
            "prices": {"grid": {"by_hour": NIGHT_PRICES}, "feed_in": {"share": 0.25}},
            "household": {
                "appliances": {"kind": "none"},
                "bidding": {"kind": "fixed", "kappa": 0.5},
            },
            "rules": {"rule": {"kind": "trading"}},
        },
    )
    trades = read_table(run.folder, "trades")
    bought = trades[(trades["buyer"] == "h001") & (trades["day"] == 2) & (trades["status"] == "delivered")]
    # The roof offers 4 kWh an hour from 10 to 15 h, and its own home asks first for half a one.
    by_hour = bought.groupby("hour")["delivered_kwh"].sum()
    assert by_hour.to_dict() == pytest.approx(dict.fromkeys(range(10, 15), 3.5), abs=1e-5)
    # Half a kWh of that is the load's. What could not be bought is planned anew, for the night.
    charged = {hour - 48: kwh for hour, kwh in run.charged_kwh.items() if hour >= 33}
    assert charged == pytest.approx({0: 5.0, **dict.fromkeys(range(10, 15), 3.0)}, abs=1e-5)


def test_without_coordination_it_charges_at_once(tmp_path: Path) -> None:
    """No hour is dearer than another there: within the contract the first ones are taken."""
    ev = {"charger_kw": 3.7}
    at_once = ran(tmp_path / "at_once", ev)
    scheduled = ran(tmp_path / "scheduled", {**ev, **SCHEDULED}, {"kind": "no_coordination"})
    assert scheduled.charged_kwh == pytest.approx(at_once.charged_kwh, abs=1e-9)


@pytest.mark.parametrize(("when_due", "missing_kwh"), [("charge", 0.0), ("wait", 29.7 - 0.9 * 1.5 * 13)])
def test_a_contract_that_is_too_small(tmp_path: Path, when_due: str, missing_kwh: float) -> None:
    """Plans keep to 2 kW with the load of 0.5; who charges when due goes beyond, else energy is missing."""
    market = {
        "prices": {"grid": 0.3},
        "household": {"appliances": {"kind": "none"}, "contracted_power_kw": 2},
        "rules": {"rule": NO_TRADING},
    }
    run = ran(tmp_path / "run", {**SCHEDULED, "when_due": when_due}, energy_value=market)
    assert run.sessions["missing_kwh"][0] == pytest.approx(missing_kwh, abs=1e-6)
    assert run.summary["ev_missing_kwh"] == pytest.approx(missing_kwh, abs=1e-6)
    first = [kwh for hour, kwh in run.charged_kwh.items() if 18 <= hour < 32]
    assert (max(first) > 5) == (when_due == "charge")


def test_what_is_not_charged_when_the_run_ends_is_told(tmp_path: Path) -> None:
    """After a day the one that came home at half past six is full, or waits for the cheap hours."""
    time = {"start": f"{START:%Y-%m-%dT%H:%M:%SZ}", "duration_h": 24}
    at_once, scheduled = (
        ran(tmp_path / name, ev, time=time) for name, ev in (("at_once", {}), ("scheduled", SCHEDULED))
    )
    assert at_once.summary["ev_still_needed_kwh"] == 0
    assert scheduled.summary["ev_still_needed_kwh"] == pytest.approx(29.7, abs=1e-9)


def test_two_runs_are_the_same_to_the_byte(tmp_path: Path) -> None:
    runs = [ran(tmp_path / name, SCHEDULED, {"kind": "trading"}) for name in ("one", "two")]
    for table in ("evs", "trades", "bills"):
        one, two = ((run.folder / "tables" / f"{table}.parquet").read_bytes() for run in runs)
        assert one == two


def test_a_market_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        build(loaded(tmp_path, SCHEDULED, energy_value=None))
    (problem,) = refused.value.problems
    assert problem.path == "groups.0.ev.scheduled_by"
    assert "scheduled by the energy-value market, but the scenario has none" in problem.message


def test_two_masters_are_refused(tmp_path: Path) -> None:
    community = {
        "name": "street",
        "groups": ["home"],
        "resources": [{"name": "charging", "serves": "ev_charging", "capacity": 1}],
        "agent": {"initial_decision": 0},
    }
    with pytest.raises(InputError, match="has its ev scheduled by a market already"):
        build(loaded(tmp_path, SCHEDULED, communities=[community]))
