"""The same feeder many times: each copy is solved as it would be alone, and rows say of which they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cosim
from cosim.engine.builder import build
from cosim.engine.load import load_scenario, scenario_of_data
from cosim.engine.run import run_scenario
from cosim.grid.copies import CopiedFlow, copied
from cosim.grid.flow_result import FlowResult
from cosim.grid.network_file import load_network
from cosim.grid.reference import RunppSolver
from cosim.grid.solvers import solver_of
from cosim.grid.subsystem import PowerGrid
from cosim.grid.voltage_dependence import DependentPower
from cosim.report.run_data import RunData

N = 3
LOADS_KW = [1.5, 2.0, 7.5, 3.0, 0.5, 4.0, 6.0, 9.0, 2.5, 1.0, 8.0, 5.5]
FARMS_KW = [3.0, 9.0, 2.0]


def _scenario(homes_kw: list[float], farms_kw: list[float], **grid: Any) -> dict[str, Any]:
    return {
        "name": "copies",
        "time": {"start": "2016-07-04T00:00:00Z", "duration_h": 3, "step_s": 3600},
        "groups": [
            {"name": name, "households": len(kw), "load": {"kind": "constant", "p_kw": {"each": kw}}}
            for name, kw in (("homes", homes_kw), ("farms", farms_kw))
        ],
        "grid": {"network": "kerber_landnetz_kabel_1", **grid},
        "report": {"figures": False},
    }


def _own(table: pd.DataFrame, element: str, number: int) -> pd.DataFrame:
    """The rows of one copy, with the indices of the feeder itself."""
    rows = table[table[element] // 100 == number].reset_index(drop=True)
    return rows.assign(**{element: rows[element] - 100 * number})


def test_copies_are_that_many_runs_of_one(tmp_path: Path) -> None:
    """Each copy has the bytes of a run of its own, with the households that were dealt to it."""
    whole = cosim.run(_scenario(LOADS_KW, FARMS_KW, copies=N), out=tmp_path / "whole")
    copies = whole.tables.feeder_copies
    imported = losses = 0.0
    for number in range(1, N + 1):
        homes, farms = LOADS_KW[4 * number - 4 : 4 * number], FARMS_KW[number - 1 : number]
        alone = cosim.run(_scenario(homes, farms), out=tmp_path / str(number))
        for table, element in (
            ("injections", "bus"),
            ("bus_voltage", "bus"),
            ("line_loading", "line"),
            ("trafo_loading", "trafo"),
        ):
            mine = _own(whole.tables[table], element, number)
            pd.testing.assert_frame_equal(mine, alone.tables[table], check_exact=True)
        row = copies[copies["copy"] == number].iloc[0]
        assert row["households"] == 5
        assert row["vm_min_pu"] == alone.summary["voltage_min_pu"]
        assert row["vm_min_bus"] - 100 * number == alone.summary["voltage_min_bus"]
        assert row["trafo_loading_max_percent"] == alone.summary["trafo_loading_max_percent"]
        assert row["imported_kwh"] == pytest.approx(alone.summary["energy_feeder_imported_kwh"], rel=1e-12)
        imported += alone.summary["energy_feeder_imported_kwh"]
        losses += alone.summary["energy_lost_in_feeder_kwh"]
    assert whole.summary["energy_feeder_imported_kwh"] == pytest.approx(imported, rel=1e-12)
    assert whole.summary["energy_lost_in_feeder_kwh"] == pytest.approx(losses, rel=1e-12)
    worst = copies["limit_use_max"].argmax() + 1
    assert (whole.summary["feeders"], whole.summary["feeder_worst"]) == (N, worst)
    assert whole.verdict.startswith(f"All {N} feeders kept their limits")
    assert f"feeder {worst} · " in whole.verdict
    prosumers = whole.tables.prosumers
    assert (prosumers["bus"] // 100).tolist() == [1] * 4 + [2] * 4 + [3] * 4 + [1, 2, 3]
    assert RunData(tmp_path / "whole").copy.number == worst


def test_some_copies_are_recorded_and_all_are_summed_up(tmp_path: Path) -> None:
    scenario = _scenario([8 * kw for kw in LOADS_KW], FARMS_KW, copies=N, limits={"vm_min_pu": 0.97})
    whole = cosim.run(scenario, out=tmp_path / "whole")
    some = cosim.run({**scenario, "record": {"grid": {"copies": [1]}}}, out=tmp_path / "some")
    assert dict(some.summary) == dict(whole.summary)
    for table, element in (("bus_voltage", "bus"), ("line_loading", "line"), ("violations", "element")):
        rows = whole.tables[table]
        expected = rows[rows[element] // 100 == 1].reset_index(drop=True)
        pd.testing.assert_frame_equal(some.tables[table], expected)
    pd.testing.assert_frame_equal(some.tables.overloads, whole.tables.overloads)
    assert some.tables.feeder_copies["recorded"].tolist() == [True, False, False]
    outside = whole.tables.violations.groupby(whole.tables.violations["element"] // 100)["time"].nunique()
    assert whole.tables.feeder_copies["intervals_outside_limits"].tolist() == [
        outside.get(number, 0) for number in range(1, N + 1)
    ]
    shown = RunData(tmp_path / "some")
    assert (shown.copy.number, shown.copy.is_worst) == (1, whole.summary["feeder_worst"] == 1)
    assert set(shown.distinct("bus_voltage", "bus")) == set(range(100, 118))


def test_a_page_shows_the_worst_copy(tmp_path: Path) -> None:
    scenario = _scenario(LOADS_KW, FARMS_KW, copies=N) | {"report": {"figures": True}}
    run = cosim.run(scenario, out=tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert f"shown is feeder {run.summary['feeder_worst']}, the worst of {N}" in page
    with pytest.raises(cosim.InputError, match=f"{N} copies of its feeder, and a network holds one"):
        run.network(at=0)


def _solvers(name: str) -> tuple[CopiedFlow, Any]:
    network, folder = load_network(name, Path())
    one = solver_of(network, folder, run_control=False)
    return CopiedFlow(one, copied(one.feeder, N)), one


def test_each_copy_is_solved_as_runpp_solves_it() -> None:
    together, one = _solvers("kerber_landnetz_kabel_1")
    random = np.random.default_rng(5)
    p_mw = random.uniform(0, 0.008, (4, N, one.feeder.n_bus)) * one.feeder.bus.supplied
    q_mvar = 0.3 * p_mw
    flow = together.solve(p_mw.reshape(4, -1), q_mvar.reshape(4, -1))
    judge = RunppSolver(one.feeder)
    for row in range(4):
        for number in range(N):
            alone = judge.solve(p_mw[row, number], q_mvar[row, number], None, None)
            assert flow.vm_pu[row].reshape(N, -1)[number] == pytest.approx(alone.vm_pu[0], abs=1e-9)
            assert flow.of_copies_mw[row, number] == pytest.approx(
                [alone.p_slack_mw[0], alone.losses_mw[0]], abs=1e-8
            )


def test_what_follows_the_voltage_and_what_is_not_solved_stays_in_its_copy() -> None:
    together, one = _solvers("kerber_landnetz_kabel_1")
    n_bus = one.feeder.n_bus
    p_mw = np.full((2, N, n_bus), 0.002) * one.feeder.bus.supplied
    p_mw[1, 2, 5] = np.nan
    q_mvar = np.zeros_like(p_mw)
    columns = np.array([4, n_bus + 6, n_bus + 8])  # of copies 1 and 2
    parts = [np.array([[1e-3, 2e-3, 3e-3]] * 2) * factor for factor in (0.4, 0.3, 0.2, 0.1)]
    flow = together.solve(p_mw.reshape(2, -1), q_mvar.reshape(2, -1), DependentPower(columns, *parts))
    assert flow.status.tolist() == ["converged", "skipped"]
    assert flow.cause[1].startswith("feeder 3: the power at bus")
    assert np.isnan(flow.p_slack_mw[1])
    of_copy = {0: (0, np.array([4])), 1: (slice(1, 3), np.array([6, 8]))}
    for number in range(2):
        which, own = of_copy[number]
        part = DependentPower(own, *(each[:, which].reshape(2, -1) for each in parts))
        alone: FlowResult = one.solve(p_mw[:, number], q_mvar[:, number], part)
        np.testing.assert_array_equal(flow.vm_pu.reshape(2, N, -1)[:, number], alone.vm_pu)
    assert np.isnan(flow.vm_pu.reshape(2, N, -1)[1, 2]).all()


def test_inverters_that_follow_the_voltage_do_so_in_their_own_copy(tmp_path: Path) -> None:
    """Homes with and without generation, so that copies have different numbers of inverters."""
    pv = {
        "kind": "csv", "file": "sun.csv", "kwp": 12, "share": 0.5,
        "control": {"reactive": {"kind": "q_of_v", "points": [[0.98, -0.4], [0.99, 0.0], [1.01, 0.4]]}},
    }  # fmt: skip
    (tmp_path / "sun.csv").write_text(
        "time,sun [kW/kWp]\n" + "".join(f"2016-07-04T{h:02d}:00Z,{0.3 * h}\n" for h in range(4))
    )
    scenario = _scenario(LOADS_KW, FARMS_KW, copies=N)
    scenario["groups"][0]["pv"] = pv
    run_scenario(scenario_of_data(scenario, tmp_path).varied(), tmp_path / "run")
    run = cosim.open(tmp_path / "run")
    assert (run.tables.power_flow["status"] == "converged").all()
    inverters, prosumers = run.tables.inverters, run.tables.prosumers.set_index("prosumer")
    assert inverters["drawn_kvarh"].abs().max() > 0
    # What each bus drew gives the voltages, copy by copy.
    _, one = _solvers("kerber_landnetz_kabel_1")
    drawn = run.tables.injections
    for number in range(1, N + 1):
        mine = _own(drawn, "bus", number)
        p_mw, q_mvar = (mine[name].to_numpy().reshape(3, -1) for name in ("p_mw", "q_mvar"))
        solved = _own(run.tables.bus_voltage, "bus", number)["vm_pu"].to_numpy().reshape(3, -1)
        np.testing.assert_allclose(one.solve(p_mw, q_mvar).vm_pu, solved, atol=1e-9)
    assert len({int(bus) // 100 for bus in prosumers.loc[inverters["prosumer"].unique(), "bus"]}) > 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"copies": 4}, r"groups\.1\.households: 3 households cannot be dealt out evenly to 4 feeders"),
        ({"feedback": True}, "feedback does not go with 3 copies"),
        ({"verify_power_flow": 1}, "verify_power_flow does not go with 3 copies"),
        ({"run_control": True}, "run_control does not go with 3 copies"),
        ({"tap_changers": [{"vm_min_pu": 0.9, "vm_max_pu": 1.1}]}, "tap_changers does not go with 3 copies"),
        ({"supply": {"bus": 1}}, "an island has one source"),
        ({"placement": {"kind": "list", "buses": [3, 4]}}, "2 buses listed for 5 households in each feeder"),
    ],
)
def test_what_is_about_one_feeder_is_refused(change: dict[str, Any], said: str) -> None:
    scenario = _scenario(LOADS_KW, FARMS_KW, **{"copies": N, **change})
    assert any(pd.Series([str(p) for p in cosim.check(scenario)]).str.contains(said)), said


def test_wings_that_look_into_a_feeder_are_refused_and_copies_that_are_not_there() -> None:
    loaded = load_scenario("firm_village", ["grid.copies=2", "record.grid={copies: [3]}"])
    with pytest.raises(cosim.InputError) as caught:
        build(loaded)
    said = [str(problem) for problem in caught.value.problems]
    assert any("firm is about one feeder, and there are 2" in one for one in said)
    assert any("there is no feeder 3: the scenario has 2 feeders" in one for one in said)


def test_explain_tells_of_all_and_shows_the_first() -> None:
    loaded = scenario_of_data(_scenario(LOADS_KW, FARMS_KW, copies=N), Path()).varied()
    lines = build(loaded).of(PowerGrid).explain()
    text = "\n".join(lines)
    assert "3 copies; element i of copy k has the index 100 * k + i" in text
    assert "bus 101  feeder 1 · " in text
    assert "feeder 2 · " not in text
