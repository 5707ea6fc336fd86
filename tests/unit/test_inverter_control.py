"""Controlled inverters in a run: meters, tables, energy balance, limits, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandapower as pp
import pandas as pd
import pytest

import cosim
from cosim.core.inverters import Characteristic, Inverter, Inverters

HOURS = 24
SUN = np.clip(np.sin((np.arange(HOURS) - 6) / 12 * np.pi), 0.0, None)
Q_OF_V = {"kind": "q_of_v", "points": [[0.97, -0.3], [1.0, 0.0], [1.005, 0.0], [1.04, 0.44]]}
P_OF_V = {"points": [[1.01, 1.0], [1.05, 0.1]]}


def line_of_homes() -> pp.pandapowerNet:
    """A transformer, and four homes along 600 m of cable."""
    net = pp.create_empty_network()
    top = pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, top, vm_pu=1.0)
    bus = pp.create_bus(net, 0.4)
    pp.create_transformer(net, top, bus, "0.25 MVA 20/0.4 kV", tap_changer_type="Ratio")
    for _ in range(4):
        last, bus = bus, pp.create_bus(net, 0.4)
        pp.create_line(net, last, bus, 0.15, "NAYY 4x50 SE")
        pp.create_load(net, bus, 0.002, 0.0005)
    return net


def scenario(control: Any, grid: Any = None, unit: str = "kW/kWp", **more: Any) -> dict[str, Any]:
    """Four homes with generation as measured, in a day."""
    stamps = pd.date_range("2016-06-20", periods=HOURS, freq="h", tz="UTC")
    roof = pd.DataFrame({f"roof [{unit}]": SUN}, index=stamps)
    pv = {"kind": "csv", "file": roof, "kwp": {"each": [5, 10, 15, 20]}}
    if control is not None:
        pv["control"] = control
    home = {"name": "homes", "households": 4, "load": {"kind": "constant", "p_kw": 2.0}, "pv": pv}
    return {
        "name": "s",
        "time": {"start": "2016-06-20T00:00:00Z", "duration_h": HOURS, "step_s": 3600},
        "groups": [home | more],
        "report": {"figures": False},
        "grid": {"network": line_of_homes(), "verify_power_flow": 6} if grid is None else grid,
    }


def ran(control: Any, **more: Any) -> cosim.Run:
    return cosim.run(scenario(control, **more))


def without_grid(control: Any, **more: Any) -> dict[str, Any]:
    content = scenario(control, **more)
    del content["grid"]
    return content


@pytest.fixture(scope="module")
def both() -> cosim.Run:
    return ran({"reactive": Q_OF_V, "p_of_v": P_OF_V, "rating_kva": {"each": [5, 9, 14, 18]}})


def test_energy_closes_at_every_meter_and_on_the_feeder(both: cosim.Run) -> None:
    meters, inverters = both.tables.meters, both.tables.inverters
    gap = meters.load_kwh - meters.pv_kwh - meters.net_kwh
    assert gap.abs().max() < 1e-9
    gap = inverters.available_kwh - inverters.generated_kwh - inverters.curtailed_kwh
    assert gap.abs().max() < 1e-12
    np.testing.assert_allclose(meters.pv_kwh, inverters.generated_kwh, rtol=0, atol=1e-9)
    flow = both.tables.power_flow
    drawn_kw = 1000 * both.tables.injections.groupby("time").p_mw.sum().to_numpy()
    fed_kw = 1000 * (flow.p_slack_mw - flow.losses_mw).to_numpy()
    np.testing.assert_allclose(fed_kw, drawn_kw, rtol=0, atol=1e-5)
    np.testing.assert_allclose(meters.groupby("time").net_kwh.sum(), drawn_kw, rtol=0, atol=1e-9)
    summary = both.summary
    assert summary["pv_curtailed_kwh"] == pytest.approx(inverters.curtailed_kwh.sum())
    assert summary["pv_curtailed_kwh"] > 5
    assert summary["energy_generated_kwh"] == pytest.approx(inverters.generated_kwh.sum())
    assert summary["pv_reactive_drawn_kvarh"] > 1
    assert summary["energy_generated_kwh"] + summary["pv_curtailed_kwh"] == pytest.approx(
        summary["pv_available_kwh"]
    )


def test_set_points_are_those_of_the_characteristics_at_the_written_voltages(both: cosim.Run) -> None:
    buses = both.tables.prosumers.set_index("prosumer").bus
    voltage = both.tables.bus_voltage.set_index(["time", "bus"]).vm_pu
    rows = both.tables.inverters
    vm = voltage.loc[list(zip(rows.time, rows.prosumer.map(buses), strict=True))].to_numpy()
    rating = rows.prosumer.map(both.tables.prosumers.set_index("prosumer").pv_rating_kva).to_numpy()
    points = np.array(Q_OF_V["points"]).T
    q = np.where(rows.available_kwh > 0, rating * np.interp(vm, *points), 0.0)
    np.testing.assert_allclose(rows.drawn_kvarh, q, rtol=0, atol=1e-9)
    p = np.minimum(rows.available_kwh, rating * np.interp(vm, *np.array(P_OF_V["points"]).T))
    np.testing.assert_allclose(rows.generated_kwh, np.minimum(p, np.sqrt(rating**2 - q**2)), atol=1e-9)
    assert (q > 0).any()


def test_verification_agrees_and_the_network_comes_back(both: cosim.Run) -> None:
    assert both.summary["verified_intervals"] == 6
    assert both.summary["verified_voltage_difference_max_pu"] < 1e-9
    assert both.summary["intervals_diverged"] == 0
    assert both.tables.power_flow.residual_mva.max() < 1e-8
    assert both.network(at="2016-06-20T12:00Z").converged


def test_solved_one_by_one_gives_the_same_bytes(both: cosim.Run) -> None:
    control = {"reactive": Q_OF_V, "p_of_v": P_OF_V, "rating_kva": {"each": [5, 9, 14, 18]}}
    grid = {"network": line_of_homes(), "verify_power_flow": 6, "feedback": True}
    again = ran(control, grid=grid)
    for name in ("meters", "inverters", "bus_voltage", "injections", "power_flow"):
        assert again.tables[name].equals(both.tables[name]), name


def test_without_a_grid_limits_and_power_factors_act() -> None:
    control = {
        "reactive": {"kind": "cos_phi_of_p", "standard": "vde_ar_n_4105"},
        "feed_in_limit": {"at": "connection_point", "share": 0.6},
    }
    content = without_grid(control)
    run = cosim.run(content)
    shown = run.tables.inverters
    kwp = shown.prosumer.map({"h001": 5.0, "h002": 10.0, "h003": 15.0, "h004": 20.0})
    np.testing.assert_allclose(shown.generated_kwh, np.minimum(shown.available_kwh, 0.6 * kwp + 2.0))
    assert -run.tables.meters.net_kwh.min() == pytest.approx(0.6 * 20)
    cos_phi = np.interp(shown.generated_kwh / kwp, [0.5, 1.0], [1.0, 0.9])
    np.testing.assert_allclose(shown.drawn_kvarh, shown.generated_kwh * np.tan(np.arccos(cos_phi)), atol=1e-9)


def test_a_limit_at_the_inverter_counts_no_load() -> None:
    content = without_grid({"feed_in_limit": {"at": "inverter", "limit_kw": 4}})
    shown = cosim.run(content).tables.inverters
    np.testing.assert_allclose(shown.generated_kwh, np.minimum(shown.available_kwh, 4.0))


def test_a_battery_charges_from_what_there_is_and_the_rest_is_drawn() -> None:
    """It takes 3 of 5 kW, though only 2 are generated: the load and the rest come from the grid."""
    battery = {"capacity_kwh": 100, "charge_kw": 3, "discharge_kw": 3, "soc_initial": 0.0}
    content = without_grid({"feed_in_limit": {"at": "inverter", "limit_kw": 2}}, battery=battery)
    run = cosim.run(content)
    noon = run.tables.meters[run.tables.meters.time.dt.hour == 12].iloc[0]
    assert (noon.load_kwh, noon.pv_kwh, noon.net_kwh) == pytest.approx((2.0, 2.0, 3.0))


def test_at_night_an_inverter_is_off_unless_it_is_to_help() -> None:
    helps = ran({"reactive": Q_OF_V | {"at_night": True}}).tables.inverters
    midnight = helps[helps.time.dt.hour == 0]
    assert (midnight.drawn_kvarh < -0.01).all()
    assert (midnight.generated_kwh == 0).all()


def test_what_was_not_solved_is_nothing_in_meters_and_left_out_of_sums(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cosim.grid.zbus_controlled.MIXED_STEPS", 7)
    monkeypatch.setattr("cosim.grid.zbus_controlled.DAMPED", ())
    with pytest.warns(UserWarning, match="did not converge"):
        run = ran({"reactive": Q_OF_V})
    status = run.tables.power_flow.set_index("time").status
    lost = status[status == "diverged"].index
    assert 0 < len(lost) < HOURS
    meters, shown = run.tables.meters, run.tables.inverters
    for table, columns in ((meters, ["pv_kwh", "net_kwh"]), (shown, ["generated_kwh", "curtailed_kwh"])):
        assert table[table.time.isin(lost)][columns].isna().all().all()
        assert table[~table.time.isin(lost)].notna().all().all()
    assert run.summary["energy_generated_kwh"] == pytest.approx(meters.pv_kwh.sum())
    assert run.summary["intervals_diverged"] == len(lost)


def test_without_control_tables_are_as_before() -> None:
    run = ran(None)
    assert "inverters" not in list(run.tables)
    assert not [name for name in run.summary if name.startswith("pv_")]
    assert "pv_rating_kva" not in run.tables.prosumers


NO_SHARES = {"reactive": {"kind": "q_of_v", "standard": "ieee_1547_b"}}
REFUSED = {
    "reactive": ({"reactive": {"kind": "q_of_v"}}, "one of standard and points"),
    "both": (
        {"reactive": {"kind": "q_of_v", "standard": "ieee_1547_b", "points": [[0.9, 0], [1, 0.1]]}},
        "one of standard and points",
    ),
    "sign": (
        {"reactive": {"kind": "q_of_v", "points": [[0.92, 0.44], [1.08, -0.44]]}},
        "positive is drawn, so give negative shares first",
    ),
    "order": ({"p_of_v": {"points": [[1.1, 1], [1.06, 0]]}}, "a point at 1.06 follows one at 1.1"),
    "rises": ({"p_of_v": {"points": [[1.06, 0.2], [1.1, 1]]}}, "give the largest share first"),
    "cos_phi": (
        {"reactive": {"kind": "cos_phi_of_p", "points": [[0, 0.9], [1, 1]]}},
        "cos φ must not rise with the power",
    ),
    "limit": ({"feed_in_limit": {"at": "inverter"}}, "one of share and limit_kw"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    control, said = REFUSED[name]
    content = scenario(control)
    problems = [problem for problem in cosim.check(content) if problem.severity == "error"]
    assert len(problems) == 1
    assert said in f"{problems[0].message}; {problems[0].remedy}"
    assert ".control." in problems[0].path


def test_voltage_control_without_a_grid_and_two_power_factors_are_refused_together() -> None:
    content = without_grid({"reactive": Q_OF_V})
    content["groups"][0]["pv"]["cos_phi"] = 0.95
    errors = {problem.path: problem for problem in cosim.check(content)}
    assert "the scenario has no grid" in errors["groups.0.pv.control.reactive"].message
    assert "both say" in errors["groups.0.pv.cos_phi"].message


def test_a_share_of_an_unknown_installed_power_is_refused() -> None:
    content = scenario(NO_SHARES | {"feed_in_limit": {"at": "inverter", "share": 0.7}}, unit="kW")
    errors = [problem for problem in cosim.check(content) if problem.severity == "error"]
    assert [problem.path for problem in errors] == [
        "groups.0.pv.control",
        "groups.0.pv.control.feed_in_limit.share",
    ]
    assert all("installed power is not known" in problem.message for problem in errors)


@pytest.mark.parametrize("active_first", [True, False])
def test_no_set_point_leaves_its_rating(active_first: bool) -> None:
    rng = np.random.default_rng(3)
    each = [
        Inverter(
            rating,
            rating,
            active_first=active_first,
            q_of_v=Characteristic((0.95, 1.05), (-0.9, 0.9)),
            p_of_v=Characteristic((1.0, 1.1), (1.0, 0.3)),
        )
        for rating in rng.uniform(1, 10, 40)
    ]
    inverters = Inverters(each)
    available = rng.uniform(0, 12, (40, 50))
    met = inverters.conditions(available, 0 * available, 0 * available)
    p, q = inverters.set_points(met, rng.uniform(0.85, 1.15, (40, 50)))
    ratings = np.array([[one.rating_kva] for one in each])
    assert (np.hypot(p, q) <= ratings * (1 + 1e-12)).all()
    assert (p <= available).all()
    assert (np.hypot(p, q) > ratings * 0.999).any()
