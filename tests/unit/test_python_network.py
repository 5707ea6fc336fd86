"""`run.network(at=...)`, judged by a plain `runpp` on what it gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandapower as pp
import pandas as pd
import pytest

import cosim

START = datetime(2016, 7, 4, tzinfo=UTC)
NEAR_PU = 1e-7
"""How far pandapower's default tolerance lets voltages be off."""


@pytest.fixture(scope="module")
def village() -> cosim.Run:
    """A day of the demo: profiles of the feeder, photovoltaics, batteries."""
    return cosim.run("storage_village", ["time.duration_h=24", "report.figures=false"], watcher=Silent())


class Silent(cosim.Watcher):
    def doubts(self, problems: Any) -> None:
        """Nothing is said."""

    def ends(self, result: Any) -> None:
        """Nothing is said."""


def row(run: cosim.Run, table: str, element: str, column: str, moment: datetime) -> Any:
    rows = run.tables[table]
    rows = rows[rows.time == pd.Timestamp(moment)]
    return rows.set_index(element)[column]


@pytest.mark.parametrize("hour", [0, 11, 23])
@pytest.mark.fast_cases("11")
def test_runpp_gives_the_tables_of_the_run(village: cosim.Run, hour: int) -> None:
    net = village.network(at=hour)
    given = {name: net[name].copy() for name in ("res_bus", "res_line", "res_trafo")}
    pp.runpp(net, numba=False)
    moment = START + timedelta(hours=hour)
    for table, element, column, place in (
        ("bus_voltage", "bus", "vm_pu", "res_bus"),
        ("line_loading", "line", "loading_percent", "res_line"),
        ("trafo_loading", "trafo", "loading_percent", "res_trafo"),
    ):
        stored = row(village, table, element, column, moment).to_numpy()
        for result in (net[place], given[place]):
            assert np.allclose(result[column], stored, rtol=1e-6, atol=NEAR_PU, equal_nan=True)
    balance = row(village, "power_flow", "status", "p_slack_mw", moment).iloc[0]
    assert net.res_ext_grid.p_mw.sum() == pytest.approx(balance, abs=1e-7)


@pytest.mark.parametrize(
    "at",
    [
        "2016-07-04T12:00Z",
        "2016-07-04 12:59:59",
        "2016-07-04T14:30:00+02:00",
        START + timedelta(hours=12, minutes=30),
        datetime(2016, 7, 4, 14, 0, tzinfo=timezone(timedelta(hours=2))),
        datetime(2016, 7, 4, 12, 0),
        pd.Timestamp("2016-07-04T12:00Z"),
    ],
    ids=["UTC", "within it", "a text with offset", "a datetime", "its zone", "no zone", "a timestamp"],
)
@pytest.mark.fast_cases("a text with offset", "no zone")
def test_every_way_to_name_an_interval(village: cosim.Run, at: Any) -> None:
    assert village.network(at=at).res_bus.vm_pu.equals(village.network(at=12).res_bus.vm_pu)


def test_households_have_their_names(village: cosim.Run) -> None:
    net = village.network(at=12)
    households = set(village.tables.prosumers.prosumer)
    named = {
        name
        for text in net.load.name
        if set(str(text).split(", ")) <= households
        for name in text.split(", ")
    }
    assert named == households


@pytest.mark.parametrize("at", [24, -1, "2016-07-05T00:00Z", "2016-07-03T23:59Z"])
def test_an_interval_outside_the_run_is_refused(village: cosim.Run, at: Any) -> None:
    with pytest.raises(cosim.InputError, match=r"the run has no such interval.*0 to 23"):
        village.network(at=at)


def test_no_instant_is_refused(village: cosim.Run) -> None:
    with pytest.raises(cosim.InputError, match="this is not a date and time"):
        village.network(at="noon")


def test_a_run_without_a_feeder_or_its_tables_is_refused() -> None:
    alone = cosim.run("section6_additive", {"time.steps": 3, "report.figures": False}, watcher=Silent())
    with pytest.raises(cosim.InputError, match="this run has no feeder"):
        alone.network(at=0)


def pliant(scale: float = 1.0) -> dict[str, Any]:
    """A street whose second load follows the voltage, alone at its node, and a third beside another."""
    net = pp.create_empty_network(name="pliant")
    mv, lv, *ends = (pp.create_bus(net, vn_kv=vn_kv) for vn_kv in (20, 0.4, 0.4, 0.4))
    pp.create_ext_grid(net, mv)
    pp.create_transformer(net, mv, lv, "0.25 MVA 20/0.4 kV")
    for start, end in ((lv, ends[0]), (ends[0], ends[1])):
        pp.create_line(net, start, end, 0.3, "NAYY 4x150 SE")
    pp.create_load(net, ends[0], 0.004 * scale)
    pp.create_load(net, ends[1], 0.02 * scale, 0.006, const_z_p_percent=60, const_i_p_percent=40)
    pp.create_load(net, lv, 0.02, 0.006, const_z_p_percent=100, const_z_q_percent=50)
    pp.create_load(net, lv, 0.01)
    return {
        "name": "pliant",
        "time": {"step_s": 3600, "steps": 3},
        "groups": [{"name": "home", "households": 1, "load": {"kind": "constant", "p_kw": 4.0 * scale}}],
        "grid": {"network": net},
        "report": {"figures": False},
    }


def test_loads_that_follow_the_voltage() -> None:
    run = cosim.run(pliant(), watcher=Silent())
    stored = run.tables.bus_voltage.set_index("time").vm_pu.groupby("time").apply(list)
    assert min(stored.iloc[1]) < 0.99
    net = run.network(at=1)
    assert np.allclose(net.res_bus.vm_pu, stored.iloc[1], rtol=0, atol=NEAR_PU)
    pp.runpp(net, numba=False)
    assert np.allclose(net.res_bus.vm_pu, stored.iloc[1], rtol=0, atol=NEAR_PU)


def test_an_interval_that_was_not_solved_is_there_without_results() -> None:
    scenario = pliant()
    scenario["grid"]["network"].load.loc[
        :, ["const_z_p_percent", "const_i_p_percent", "const_z_q_percent"]
    ] = 0.0
    scenario["groups"][0]["load"]["p_kw"] = 5000.0
    run = cosim.run(scenario, watcher=Silent())
    assert set(run.tables.power_flow.status) == {"diverged"}
    net = run.network(at=1)
    assert not net.converged
    assert net.load.p_mw.max() == pytest.approx(5.0)


@pytest.mark.slow
def test_files_changed_since_are_found_out(tmp_path: Any) -> None:
    run = cosim.run(pliant(), out=tmp_path / "run", watcher=Silent())
    file = run.folder / "inputs/grid_network.json"
    other = pliant()["grid"]["network"]
    other.line["length_km"] *= 2
    pp.to_json(other, str(file))
    with pytest.raises(cosim.InputError, match="gives voltages that differ from those of this run"):
        cosim.open(run.folder).network(at=1)
