"""The account of a grid's source: what acts, what a household stands for, what is replaced or left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandapower as pp
import pandas as pd
import pytest

from cosim.engine.builder import Parts, build
from cosim.engine.explain import explain_lines
from cosim.engine.load import LoadedScenario
from cosim.engine.run import preflight, run_scenario
from cosim.grid.account import unbalanced
from cosim.grid.source_facts import facts_of
from cosim.grid.subsystem import PowerGrid
from cosim.results.store import read_table

NAMED = {"sgen": "static generator"}
"""What warnings call tables whose names are no words."""

OnNet = Callable[..., LoadedScenario]
OWN_PV = {"name": "homes", "households": 2, "load": {"kind": "feeder"}} | {
    "pv": {"kind": "csv", "file": "sun.csv", "kwp": 1}
}
CONSTANT = {"name": "homes", "households": 1, "load": {"kind": "constant", "p_kw": 3, "power_factor": 1}}
MISSED = "not in the run: "


def net() -> pp.pandapowerNet:
    """A transformer and three lines in a row, with a load of 10 kW and 2 kvar at the end of each line."""
    made = pp.create_empty_network()
    buses = [pp.create_bus(made, 20, name="mv"), *(pp.create_bus(made, 0.4, name=f"b{k}") for k in range(4))]
    pp.create_ext_grid(made, buses[0])
    pp.create_transformer(made, buses[0], buses[1], "0.4 MVA 20/0.4 kV")
    for k in (1, 2, 3):
        pp.create_line(made, buses[k], buses[k + 1], 0.2, "NAYY 4x150 SE")
        pp.create_load(made, buses[k + 1], 0.01, 0.002, name=f"load{k}")
    return made


def missed(parts: Parts) -> list[str]:
    """The warnings about power that does not act."""
    return [str(problem) for problem in parts.warnings if MISSED in problem.message]


def fates(parts: Parts, *tables: str) -> list[tuple[str, int, float, str, str]]:
    """Table, index, kW, fate and reason of the entries of some tables."""
    connected = parts.of(PowerGrid).connected
    assert connected is not None
    return [
        (e.table, e.element, round(e.p_kw, 9), e.fate, e.reason)
        for e in connected.account
        if e.table in tables
    ]


def injected(loaded: LoadedScenario, name: str = "run") -> Any:
    """MW and Mvar at each bus in the first interval; where intervals are verified, they must agree."""
    outcome = run_scenario(loaded, loaded.folder / name)
    assert outcome.summary["intervals_diverged"] == 0
    assert (outcome.summary.get("verified_voltage_difference_max_pu") or 0) < 1e-9
    injections = read_table(outcome.folder, "injections")
    first = injections[injections["time"] == injections["time"].min()]
    return first.set_index("bus")[["p_mw", "q_mvar"]]


def sun(loaded: LoadedScenario) -> LoadedScenario:
    """The scenario with a file of 4 kW/kWp beside it."""
    rows = [f"2016-07-04T{hour:02d}:00:00Z,0.4\n" for hour in range(8, 16)]
    (loaded.folder / "sun.csv").write_text("time,roof [kW/kWp]\n" + "".join(rows))
    return loaded


def test_a_clean_network_gives_no_warning_and_everything_acts(on_net: OnNet) -> None:
    made = net()
    pp.create_sgen(made, 3, 0.02, 0.001)
    pp.create_storage(made, 4, 0.005, max_e_mwh=0.01)
    pp.create_shunt(made, 2, q_mvar=-0.004)
    pp.create_load(made, 2, 0.5, in_service=False)
    pp.create_sgen(made, 2, 0.5, in_service=False)
    parts = build(on_net(made, groups=[CONSTANT]))
    assert parts.warnings == ()
    assert fates(parts, "load", "sgen", "storage", "shunt") == [
        ("load", 0, 10, "household", "h001 brings another load in its place"),
        ("load", 1, 10, "kept", "its nominal power"),
        ("load", 2, 10, "kept", "its nominal power"),
        ("load", 3, 500, "left out", "out of service"),
        ("sgen", 0, -20, "kept", "its nominal power"),
        ("sgen", 1, -500, "left out", "out of service"),
        ("storage", 0, 5, "kept", "its nominal power"),
        ("shunt", 0, 0, "kept", "the power flow solves it"),
    ]


@pytest.mark.parametrize(("p_mw", "scaling"), [(0.02, 1.0), (-0.008, 0.5), (0.0, 1.0)])
@pytest.mark.fast_cases("-0.008-0.5")
def test_a_storage_acts_by_its_power(on_net: OnNet, p_mw: float, scaling: float) -> None:
    made = net()
    pp.create_storage(made, 3, p_mw, max_e_mwh=0.1, q_mvar=0.003, scaling=scaling)
    pp.create_storage(made, 3, 0.4, max_e_mwh=0.1, in_service=False)
    loaded = on_net(made, verify_power_flow=2)
    at_bus = injected(loaded).loc[3]
    assert at_bus["p_mw"] == pytest.approx(0.01 + p_mw * scaling, abs=1e-15)
    assert at_bus["q_mvar"] == pytest.approx(0.002 + 0.003 * scaling, abs=1e-15)
    assert missed(build(loaded)) == []


@pytest.mark.parametrize("table", ["sgen", "asymmetric_sgen"])
@pytest.mark.fast_cases("sgen")
def test_a_generator_stays_where_a_household_has_photovoltaics(on_net: OnNet, table: str) -> None:
    made = net()
    if table == "sgen":
        pp.create_sgen(made, 3, 0.1, -0.01, name="plant")
    else:
        pp.create_asymmetric_sgen(made, 3, p_a_mw=0.1 / 3, p_b_mw=0.1 / 3, p_c_mw=0.1 / 3, q_a_mvar=-0.01)
    loaded = sun(on_net(made, groups=[OWN_PV], verify_power_flow=2))
    at_bus = injected(loaded).loc[3]
    assert at_bus["p_mw"] == pytest.approx(0.01 - 0.1 - 0.0004, abs=1e-12)
    assert at_bus["q_mvar"] == pytest.approx(0.002 + 0.01, abs=1e-12)
    parts = build(loaded)
    assert missed(parts) == []
    assert fates(parts, table) == [(table, 0, -100, "kept", "its nominal power")]


def test_a_generator_is_replaced_if_the_scenario_says_so_and_that_is_said(on_net: OnNet) -> None:
    made = net()
    pp.create_sgen(made, 3, 0.1)
    pp.create_sgen(made, 4, 0.05)
    loaded = sun(on_net(made, groups=[OWN_PV], replace_generators=True, verify_power_flow=2))
    power = injected(loaded)["p_mw"]
    assert power.loc[3] == pytest.approx(0.01 - 0.0004, abs=1e-12)
    assert power.loc[4] == pytest.approx(0.01 - 0.05, abs=1e-12)  # no household stands there
    parts = build(loaded)
    (warning,) = missed(parts)
    said = "(100 kW) is not in the run: replaced by the households' own generation (grid.replace_generators)"
    assert said in warning


def test_a_household_whose_generation_is_the_feeders_has_the_generators_at_its_bus(on_net: OnNet) -> None:
    made = net()
    pp.create_sgen(made, 2, 0.006, -0.001)
    pp.create_sgen(made, 2, 0.002, 0.0)
    pp.create_sgen(made, 3, 0.004)
    home = CONSTANT | {"pv": {"kind": "feeder"}}
    loaded = on_net(made, groups=[home], verify_power_flow=2)
    parts = build(loaded)
    assert parts.warnings == ()
    assert [row[3:] for row in fates(parts, "sgen")] == [
        ("household", "h001 has it as generation of its own"),
        ("household", "h001 has it as generation of its own"),
        ("kept", "its nominal power"),
    ]
    at_bus = injected(loaded).loc[2]
    assert at_bus["p_mw"] == pytest.approx(0.003 - 0.008, abs=1e-12)
    assert at_bus["q_mvar"] == pytest.approx(
        0.001, abs=1e-12
    )  # the generators' own; the home's load has none
    # The same of the scenario as a run writes it down, every key with its value.
    written = loaded.scenario.groups[0].model_dump(mode="json", exclude={"name", "households"})
    kept = {key: value for key, value in written.items() if key in ("load", "pv")}
    assert injected(on_net(made, groups=[CONSTANT | kept]), "again").loc[2]["q_mvar"] == at_bus["q_mvar"]
    given = CONSTANT | {"pv": {"kind": "feeder", "cos_phi": 0.8}}
    at_bus = injected(on_net(made, groups=[given]), "given").loc[2]
    assert at_bus["q_mvar"] == pytest.approx(0.75 * 0.008, abs=1e-12)


def test_generators_of_several_profiles_stay_apart(on_net: OnNet) -> None:
    """A household follows one profile: a generator with another stays in the background, and none is lost."""
    made = net()
    for p_mw, profile in ((0.006, "A"), (0.002, "B"), (0.001, "A")):
        pp.create_sgen(made, 2, p_mw)
        made.sgen.loc[made.sgen.index[-1], "profile"] = profile
    parts = build(on_net(made, groups=[CONSTANT | {"pv": {"kind": "feeder"}}]))
    # without profiles in the file all draw their nominal power, and so are alike
    assert {row[3] for row in fates(parts, "sgen")} == {"household"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"background": "none"}, "3 elements of the grid's data (35 kW) are not in the run: 2 loads of 20 kW "
         "left out (grid.background: none) and 1 storage of 15 kW left out (grid.background: none)"),
        ({"background_scaling": 0}, "2 loads of 20 kW left out (grid.background_scaling: 0)"),
    ],
)  # fmt: skip
def test_what_the_scenario_switches_off_is_counted(on_net: OnNet, change: dict[str, Any], said: str) -> None:
    made = net()
    pp.create_storage(made, 3, -0.015, max_e_mwh=0.1)
    (warning,) = missed(build(on_net(made, **change)))
    assert said in warning


def test_a_household_without_a_load_leaves_the_feeders_out(on_net: OnNet) -> None:
    parts = build(on_net(net(), groups=[{"name": "empty", "households": 2}]))
    (warning,) = missed(parts)
    said = "2 loads of the grid's data (20 kW) are not in the run: replaced (a household without any load"
    assert said in warning


@pytest.mark.parametrize("kind", ["load", "sgen", "storage", "asymmetric_load"])
@pytest.mark.fast_cases("load", "asymmetric_load")
def test_power_at_a_bus_without_supply_is_counted(on_net: OnNet, kind: str) -> None:
    made = net()
    lonely = pp.create_bus(made, 0.4)
    match kind:
        case "load":
            pp.create_load(made, lonely, 0.007)
        case "sgen":
            pp.create_sgen(made, lonely, 0.007)
        case "storage":
            pp.create_storage(made, lonely, 0.007, max_e_mwh=1)
        case _:
            pp.create_asymmetric_load(made, lonely, p_a_mw=0.003, p_b_mw=0.003, p_c_mw=0.001)
    (warning,) = missed(build(on_net(made)))
    said = f"1 {NAMED.get(kind, kind)} of the grid's data (7 kW) is not in the run: left out (its bus has no"
    assert said in warning


@pytest.mark.parametrize("kind", ["sgen", "shunt", "ward"])
def test_reactive_power_alone_is_power_too(on_net: OnNet, kind: str) -> None:
    made = net()
    lonely = pp.create_bus(made, 0.4)
    match kind:
        case "sgen":
            pp.create_sgen(made, lonely, 0.0, 0.03)
        case "shunt":
            pp.create_shunt(made, lonely, q_mvar=-0.03)
        case _:
            pp.create_ward(made, lonely, 0, 0.01, 0, 0.02)
    (warning,) = missed(build(on_net(made)))
    said = f"1 {NAMED.get(kind, kind)} of the grid's data (30 kvar) is not in the run: left out (its bus has"
    assert said in warning


def test_what_holds_a_voltage_follows_no_profile_and_that_is_said(on_net: OnNet) -> None:
    made = net()
    pp.create_gen(made, 3, 0.01, 1.0)
    pp.create_ward(made, 4, 0.002, 0, 0, 0)
    made.gen["profile"], made.ward["profile"] = "G", "W"
    said = [str(each) for each in build(on_net(made)).warnings if "profile" in each.message]
    assert len(said) == 1
    assert (
        "gen.0.profile: 12 kW in 2 elements whose profile is not followed: gen 0 (G) and ward 0 (W)"
        in said[0]
    )
    nominal = build(on_net(made, background="nominal")).warnings
    assert not [each for each in nominal if "profile" in each.message]


@pytest.mark.parametrize(
    ("phases", "q_kvar", "is_said"),
    [((3, 0, 0), (0, 0, 0), True), ((1, 1, 0.9), (0, 0, 0), True), ((1, 1, 1), (0.2, 0, 0), True),
     ((1, 1, 1), (0.3, 0.3, 0.3), False)],
)  # fmt: skip
@pytest.mark.parametrize("table", ["asymmetric_load", "asymmetric_sgen"])
def test_unbalanced_elements_are_named_as_taken_for_balanced(
    table: str, phases: tuple[float, ...], q_kvar: tuple[float, ...], is_said: bool
) -> None:
    made = net()
    create = pp.create_asymmetric_load if table == "asymmetric_load" else pp.create_asymmetric_sgen
    powers = {f"p_{p}_mw": value / 1000 for p, value in zip("abc", phases, strict=True)}
    create(made, 3, **powers, **{f"q_{p}_mvar": v / 1000 for p, v in zip("abc", q_kvar, strict=True)})
    create(made, 3, p_a_mw=1.0, in_service=False)
    uneven = facts_of(made).uneven
    said = [str(problem) for problem in unbalanced(uneven, {(table, 0)})]
    assert unbalanced(uneven, ()) == []
    text = f"1 single-phase or unbalanced element of {sum(phases):.4g} kW is taken as balanced"
    assert [text in line for line in said] == ([True] if is_said else [])


@pytest.mark.parametrize("share", ["const_z_p_percent", "const_i_p_percent", "const_z_q_percent"])
@pytest.mark.fast_cases("const_i_p_percent")
def test_a_load_that_no_longer_follows_the_voltage_as_a_households_is_named(
    on_net: OnNet, share: str
) -> None:
    made = net()
    made.load.loc[[0, 2], share] = 40.0
    text = (
        "1 load of 10 kW that follows the voltage in the grid's data (const_z, const_i) is of constant power"
    )
    (said,) = [str(problem) for problem in preflight(on_net(made)) if "const_z" in problem.message]
    assert text in said
    assert "load 0." in said
    made.load.loc[0, share] = 0.0
    assert not [problem for problem in preflight(on_net(made)) if "const_z" in problem.message]


def test_a_run_says_that_it_takes_phases_together(on_net: OnNet) -> None:
    made = net()
    pp.create_asymmetric_load(made, 3, p_a_mw=0.003)
    loaded = on_net(made, groups=[CONSTANT], verify_power_flow=2)
    assert injected(loaded)["p_mw"].loc[3] == pytest.approx(0.013, abs=1e-12)
    (said,) = build(loaded).warnings
    assert "1 single-phase or unbalanced element of 3 kW" in str(said)


def test_the_table_and_explain_tell_of_limits_and_loads(on_net: OnNet) -> None:
    made = net()
    made.bus["min_vm_pu"] = [0.9, np.nan, 0.93, 0.93, 0.93]
    made.line["max_loading_percent"] = 80.0
    loaded = on_net(made, limits={"line_loading_max_percent": 70})
    parts = build(loaded)
    assert [row[1:] for row in fates(parts, "bus.min_vm_pu")] == [
        (k, pytest.approx(np.nan, nan_ok=True), "kept", text)
        for k, text in ((0, "0.9"), (2, "0.93"), (3, "0.93"), (4, "0.93"))
    ]
    assert {row[3:] for row in fates(parts, "line.max_loading_percent")} == {
        ("replaced", "80, by line_loading_max_percent of the scenario")
    }
    lines = list(explain_lines(loaded, parts))
    assert "load  household: 1  10 kW" in lines
    assert "load 0  load1  bus=2  10 kW  2 kvar  household: h001 has it as a load of its own" in lines
    assert "limit vm_min_pu = 0.93 [grid data] of 3" in lines
    assert "limit line_loading_max_percent = 70 [scenario] of 3" in lines
    outcome = run_scenario(loaded, loaded.folder / "run")
    table = read_table(outcome.folder, "source_elements")
    assert len(table) == len(parts.of(PowerGrid).connected.account)
    kept = table[(table["table"] == "load") & (table["fate"] == "kept")]
    assert kept["p_kw"].sum() == pytest.approx(20)
    assert kept["name"].tolist() == ["load2", "load3"]


def test_elements_that_stay_in_the_net_are_told_with_their_power(on_net: OnNet) -> None:
    made = net()
    pp.create_shunt(made, 2, q_mvar=-0.004, p_mw=0.001, step=2)
    pp.create_ward(made, 3, ps_mw=0.002, qs_mvar=0.001, pz_mw=0.003, qz_mvar=0.0)
    pp.create_gen(made, 4, p_mw=0.005, vm_pu=1.0)
    pp.create_motor(made, 2, pn_mech_mw=0.008, cos_phi=0.9, efficiency_percent=80)
    parts = build(on_net(made, groups=[CONSTANT]))
    assert fates(parts, "shunt", "ward", "gen", "motor") == [
        ("shunt", 0, 2, "kept", "the power flow solves it"),
        ("gen", 0, -5, "kept", "the power flow solves it"),
        ("ward", 0, 5, "kept", "the power flow solves it"),
        ("motor", 0, 10, "kept", "the power flow solves it"),
    ]
    assert missed(parts) == []


@pytest.mark.parametrize(
    ("background", "load", "followed"),
    [(None, "feeder", 2), (None, "constant", 1), ("nominal", "feeder", 1), ("nominal", "constant", 0),
     ("none", "constant", 0)],
)  # fmt: skip
@pytest.mark.fast_cases("None-feeder-2", "nominal-constant-0")
def test_profiles_of_the_file_are_told_with_how_many_follow_them(
    on_net: OnNet, background: str | None, load: str, followed: int
) -> None:
    made = net()
    made.load["profile"] = ["A", "A", None]
    time = [f"04.07.2016 {hour:02d}:00" for hour in range(24)]
    rows = {"time": time, "A_pload": np.linspace(0, 1, 24), "A_qload": 0.5, "B_pload": 1.0}
    made["profiles"] = {"load": pd.DataFrame(rows), "storage": pd.DataFrame({"time": time})}
    group = CONSTANT if load == "constant" else {"name": "homes", "households": 1, "load": {"kind": "feeder"}}
    parts = build(on_net(made, groups=[group], background=background))
    word = {0: "no element follows it", 1: "1 element follows it", 2: "2 elements follow it"}[followed]
    told = [
        (entry.name, entry.fate, entry.reason)
        for entry in parts.of(PowerGrid).connected.account
        if "profiles" in entry.table
    ]
    fate = "kept" if followed else "left out"
    assert told == [
        ("A_pload", fate, word), ("A_qload", fate, word), ("B_pload", "left out", "no element follows it")
    ]  # fmt: skip


@pytest.mark.parametrize("buses", [[2, 3], [2, 2], [4, 3]])
@pytest.mark.fast_cases("buses2")
def test_a_household_with_the_feeders_generation_where_it_has_none_is_named(
    on_net: OnNet, buses: list[int]
) -> None:
    made = net()
    pp.create_sgen(made, 2, 0.006)
    home = CONSTANT | {"households": 2, "pv": {"kind": "feeder"}}
    (warning,) = build(on_net(made, groups=[home], placement={"kind": "list", "buses": buses})).warnings
    without = [(k, bus) for k, bus in enumerate(buses, 1) if bus != 2 or 2 in buses[: k - 1]]
    assert f"no generator for {len(without)} of 2 households" in warning.message
    assert all(f"h{k:03} at bus {bus}" in warning.message for k, bus in without)
    assert warning.path == "groups.0.pv"
