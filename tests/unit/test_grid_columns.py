"""Every cell that a power flow reads is looked at before anything is built: type, sign, bus, truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pandas as pd
import pytest

from cosim.core.errors import InputError, Problem
from cosim.grid.column_facts import FACTS, Kind, modern_name
from cosim.grid.feeder import feeder_from_net
from cosim.grid.grid_source import source_of
from cosim.grid.intake import take_in
from cosim.grid.power_flow import PowerFlow
from cosim.grid.safe_json import read_file
from tests.theory.grid_judge import NETWORK

TABLES = ("bus", "load", "line", "trafo", "switch", "ext_grid", "sgen", "shunt", "gen")


@pytest.fixture(scope="module")
def text() -> str:
    """A small grid with an element of many kinds, as a file."""
    net = nw.create_kerber_landnetz_kabel_2()
    pp.create_sgen(net, 5, p_mw=0.01)
    pp.create_shunt(net, 5, q_mvar=-0.001)
    pp.create_gen(net, 7, p_mw=0.001)
    pp.create_switch(net, int(net.line.from_bus[0]), 0, "l")
    return str(pp.to_json(net))


def spoiled(text: str, table: str, column: str, value: Any, row: int = 0) -> dict[str, Any]:
    """The file, parsed, with one cell changed."""
    document: dict[str, Any] = json.loads(text)
    entry = document["_object"][table]
    body = json.loads(entry["_object"])
    body["data"][row][body["columns"].index(column)] = value
    entry["_object"] = json.dumps(body)
    return document


def problems_of(folder: Path, document: dict[str, Any]) -> tuple[Problem, ...]:
    """What is said against a file; nothing where it is taken."""
    file = folder / "net.json"
    file.write_text(json.dumps(document))
    try:
        take_in(read_file(file))
    except InputError as error:
        return error.problems
    return ()


def test_facts_are_well_formed() -> None:
    net = pp.create_empty_network()
    kinds = get_args(Kind)
    for table, facts in FACTS.items():
        assert len({fact.column for fact in facts}) == len(facts), table
        for fact in facts:
            assert fact.kind in kinds, (table, fact)
            assert not (fact.may_be_missing and fact.default is not None), (table, fact)
        if table in net and not table.endswith("characteristic_table"):
            known = set(net[table].columns)
            needed = {fact.column for fact in facts if not fact.may_be_missing and fact.default is None}
            assert needed <= known, table


def test_every_truth_value_of_every_table_is_looked_at(text: str, tmp_path: Path) -> None:
    seen = set()
    for table in TABLES:
        body = json.loads(json.loads(text)["_object"][table]["_object"])
        for fact in FACTS[table]:
            if fact.kind != "truth" or fact.column not in body["columns"]:
                continue
            (problem,) = problems_of(tmp_path, spoiled(text, table, fact.column, "False"))
            row = body["index"][0]
            assert problem.path == f"{table}.{row}.{fact.column}"
            assert problem.value == "'False'"
            assert problem.file.endswith("net.json")
            seen.add((table, fact.column))
    assert {("load", "in_service"), ("switch", "closed"), ("gen", "slack"), ("bus", "in_service")} <= seen
    assert ("trafo", "tap_dependency_table") in seen


@pytest.mark.parametrize("value", ["False", "true", "0", "", "no", 2, -1, 0.5, None, [True], float("nan")])
def test_what_is_no_truth_value(text: str, tmp_path: Path, value: Any) -> None:
    (problem,) = problems_of(tmp_path, spoiled(text, "load", "in_service", value, row=3))
    assert problem.path == "load.3.in_service"


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0])
def test_0_and_1_are_truth_values_in_their_exact_sense(text: str, tmp_path: Path, value: float) -> None:
    file = tmp_path / "net.json"
    file.write_text(json.dumps(spoiled(text, "load", "in_service", value)))
    net = take_in(read_file(file)).net
    assert net.load.in_service.dtype == bool
    assert bool(net.load.in_service[0]) is bool(value)


@pytest.mark.parametrize(
    ("table", "column", "value", "says"),
    [
        ("load", "p_mw", "0.003", "a number"),
        ("load", "q_mvar", None, "missing"),
        ("load", "scaling", None, "missing"),
        ("load", "scaling", -1.0, "not negative"),
        ("load", "p_mw", float("inf"), "a number"),
        ("load", "p_mw", True, "a number"),
        ("load", "p_mw", 10**400, "a number"),
        ("load", "bus", 999, "not a bus"),
        ("load", "bus", 2.5, "index of a bus"),
        ("load", "bus", None, "missing"),
        ("line", "to_bus", 999, "not a bus"),
        ("line", "length_km", 0.0, "positive number"),
        ("line", "r_ohm_per_km", "0,2", "a number"),
        ("line", "parallel", 0, "whole number from 1"),
        ("line", "parallel", 1.5, "whole number from 1"),
        ("line", "max_i_ka", 0, "positive number"),
        ("line", "df", None, "missing"),
        ("trafo", "vk_percent", 0.0, "other than 0"),
        ("trafo", "vn_lv_kv", -0.4, "positive number"),
        ("trafo", "tap_side", "HV", "hv or lv"),
        ("trafo", "tap_side", "mv", "hv or lv"),
        ("trafo", "tap_changer_type", "ratio", "Ratio"),
        ("trafo", "tap_pos", "1", "a number"),
        ("switch", "et", "L", "b, l, t or t3"),
        ("switch", "z_ohm", None, "missing"),
        ("ext_grid", "vm_pu", "1.0", "positive number"),
        ("bus", "vn_kv", [0.4], "positive number"),
        ("sgen", "p_mw", {"p": 1}, "a number"),
        ("shunt", "step", None, "missing"),
        ("gen", "vm_pu", None, "missing"),
    ],
)
def test_what_cannot_stand_in_a_column(
    text: str, tmp_path: Path, table: str, column: str, value: Any, says: str
) -> None:
    problems = problems_of(tmp_path, spoiled(text, table, column, value))
    assert len(problems) == 1
    row = json.loads(json.loads(text)["_object"][table]["_object"])["index"][0]
    assert problems[0].path == f"{table}.{row}.{column}"
    assert says in f"{problems[0].message}. {problems[0].remedy}"


@pytest.mark.parametrize("label", [-1, 0.5, "7", None, [1], {"a": 1}, True, 2**63, 1])
def test_what_is_no_index(text: str, tmp_path: Path, label: Any) -> None:
    document = json.loads(text)
    body = json.loads(document["_object"]["load"]["_object"])
    body["index"][0] = label
    document["_object"]["load"]["_object"] = json.dumps(body)
    (problem,) = problems_of(tmp_path, document)
    assert problem.path == "_object.load"
    assert "an index is" in problem.message


def test_all_problems_at_once(text: str, tmp_path: Path) -> None:
    document = spoiled(text, "load", "in_service", "False")
    document = spoiled(json.dumps(document), "line", "length_km", -1)
    document = spoiled(json.dumps(document), "trafo", "sn_mva", None)
    document = spoiled(json.dumps(document), "switch", "closed", 2)
    paths = [problem.path for problem in problems_of(tmp_path, document)]
    assert set(paths) == {"load.0.in_service", "line.0.length_km", "trafo.0.sn_mva", "switch.0.closed"}


def test_many_of_the_same_are_counted(text: str, tmp_path: Path) -> None:
    document = json.loads(text)
    body = json.loads(document["_object"]["load"]["_object"])
    column = body["columns"].index("scaling")
    for row in body["data"]:
        row[column] = None
    document["_object"]["load"]["_object"] = json.dumps(body)
    problems = problems_of(tmp_path, document)
    assert len(problems) == 6
    assert f"the same in {len(body['data']) - 5} more" in problems[-1].message


@pytest.mark.parametrize(
    ("table", "column"), [("line", "r_ohm_per_km"), ("load", "p_mw"), ("shunt", "q_mvar")]
)
def test_numbers_of_what_is_out_of_service_may_be_missing(
    text: str, tmp_path: Path, table: str, column: str
) -> None:
    document = spoiled(text, table, "in_service", False)
    file = tmp_path / "net.json"
    file.write_text(json.dumps(spoiled(json.dumps(document), table, column, None)))
    net = take_in(read_file(file)).net
    pp.runpp(net, numba=False)  # what is out of service does not spread NaN
    assert np.isfinite(net.res_ext_grid.p_mw).all()


def test_a_net_made_in_python_goes_the_same_way() -> None:
    net = nw.create_kerber_landnetz_kabel_2()
    net.load["in_service"] = net.load["in_service"].astype(object)
    net.load.at[2, "in_service"] = "False"
    net.switch = pd.DataFrame(
        {"bus": [1], "element": [0], "et": ["l"], "closed": pd.array([None], dtype="boolean"), "z_ohm": [0.0]}
    )
    net.line = net.line.drop(columns="r_ohm_per_km")
    with pytest.raises(InputError) as caught:
        take_in(source_of(net))
    paths = {problem.path for problem in caught.value.problems}
    assert {"load.2.in_service", "switch.0.closed", "line"} <= paths


def test_a_column_that_is_not_there_has_its_default_and_that_is_said() -> None:
    net = nw.create_kerber_landnetz_kabel_2()
    net.line = net.line.drop(columns=["df", "parallel"])
    net.load = net.load.drop(columns="scaling")
    taken = take_in(source_of(net))
    assert {warning.path for warning in taken.warnings} == {"line.df", "line.parallel", "load.scaling"}
    assert (taken.net.load.scaling == 1).all()
    assert "df" not in net.line


@pytest.mark.parametrize("column", ["name", "max_i_ka"])
def test_a_grid_without_names_or_without_ratings(tmp_path: Path, column: str) -> None:
    net = nw.create_kerber_landnetz_kabel_2()
    for table in ("bus", "line", "trafo", "load", "ext_grid"):
        net[table] = net[table].drop(columns=column, errors="ignore")
    pp.to_json(net, str(tmp_path / "net.json"))
    feeder = feeder_from_net(read_file(tmp_path / "net.json").net, NETWORK)
    result = PowerFlow(feeder).solve(np.zeros((1, feeder.n_bus)), np.zeros((1, feeder.n_bus)))
    assert result.converged.all()
    missing = [w.message for w in feeder.warnings if "max_i_ka is missing" in w.message]
    assert len(missing) == len(feeder.warnings) == (column == "max_i_ka")
    assert np.isnan(result.line_loading_percent).all() == (column == "max_i_ka")


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("trafo", "tp_pos", "tap_pos"),
        ("trafo", "tp_st_percent", "tap_step_percent"),
        ("trafo", "vscr_percent", "vkr_percent"),
        ("trafo3w", "tp_mid", "tap_neutral"),
        ("line", "imax_ka", "max_i_ka"),
        ("load", "p_kw", "p_mw"),
        ("load", "q_kvar", "q_mvar"),
        ("trafo", "sn_kva", "sn_mva"),
        ("trafo", "pfe_kw", "pfe_kw"),
        ("load", "p_mw", "p_mw"),
    ],
)
def test_names_of_older_versions(table: str, old: str, new: str) -> None:
    assert modern_name(table, old) == new


@pytest.mark.parametrize(
    ("table", "new", "old"),
    [("trafo", "tap_pos", "tp_pos"), ("line", "max_i_ka", "imax_ka"), ("trafo", "tap_neutral", "tp_mid")],
)
def test_an_old_name_in_a_new_file_would_not_be_read(table: str, new: str, old: str) -> None:
    net = nw.create_kerber_landnetz_kabel_2()
    net.trafo[["tap_pos", "tap_neutral"]] = 0.0
    net[table] = net[table].rename(columns={new: old})
    with pytest.raises(InputError, match=f"its name is {new}"):
        take_in(source_of(net))


@pytest.mark.parametrize("kind", ["line", "trafo"])
def test_a_switch_at_no_end_of_its_element(kind: str) -> None:
    net = nw.create_kerber_landnetz_kabel_2()
    pp.create_switch(net, 1, 0, kind[0], closed=False)
    net.switch.loc[net.switch.index[-1], "bus"] = 9
    with pytest.raises(InputError, match="at neither end of"):
        take_in(source_of(net))


@pytest.mark.parametrize("column", ["leakage_resistance_ratio_hv", "leakage_reactance_ratio_hv"])
@pytest.mark.parametrize("value", [-0.1, 1.5, None, float("nan"), "0.5", float("inf")])
@pytest.mark.fast_cases("-0.1-leakage_resistance_ratio_hv", "None-leakage_reactance_ratio_hv")
def test_how_leakage_is_shared_between_the_sides(tmp_path: Path, column: str, value: Any) -> None:
    net = nw.create_kerber_landnetz_kabel_2()
    net.trafo[column] = 0.3
    text = pp.to_json(net)
    assert problems_of(tmp_path, json.loads(text)) == ()
    (problem,) = problems_of(tmp_path, spoiled(text, "trafo", column, value))
    assert problem.path == f"trafo.{net.trafo.index[0]}.{column}"
    assert "a number from 0 to 1" in f"{problem.message} {problem.remedy}"
