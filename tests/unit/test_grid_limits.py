"""Limits: whose they are, which intervals leave them, where, and for how many."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandas as pd
import pytest

from cosim.core.errors import InputError
from cosim.core.streams import Streams
from cosim.engine.builder import build
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.grid.element_limits import feeder_limits
from cosim.grid.feeder import Feeder, feeder_from_net
from cosim.grid.limits import FeederLimits, band_exceedance, loading_factors, usages
from cosim.grid.named_elements import Element, limit_use
from cosim.grid.reference import run
from cosim.grid.schema import LimitsConfig, NetworkConfig
from cosim.grid.verdict import LimitWatch
from cosim.regulation.capacity_rule_doubts import rule_doubts
from cosim.results.store import read_table

NAN = np.nan
VM = np.array([[1.0, 0.9, NAN], [0.89, 1.11, 1.0], [NAN, NAN, NAN], [1.1, 1.2, 1.2]])
LINE = np.array([[100.0, 5.0], [100.1, 101.0], [NAN, NAN], [0.0, 0.0]])
TRAFO = np.array([[99.0], [120.0], [NAN], [1.0]])
OnNet = Callable[..., LoadedScenario]
TRAFO3W = np.array([[80.0], [80.0], [NAN], [81.0]])
START = datetime(2016, 1, 1, tzinfo=UTC)


def limits(vm_min: Any = 0.9, vm_max: Any = 1.1, line: Any = 100.0, trafo: Any = 100.0) -> FeederLimits:
    """Limits of three buses, two lines and a transformer."""
    shapes = ((vm_min, 3), (vm_max, 3), (line, 2), (trafo, 1), (80.0, 1))
    return FeederLimits(*(np.broadcast_to(np.asarray(v, float), n) for v, n in shapes), origins={})


def net(**limit_columns: Any) -> pp.pandapowerNet:
    """A transformer, two lines one after the other, 20 kW at each end; `bus_min_vm_pu=...` sets columns."""
    made = pp.create_empty_network()
    buses = [pp.create_bus(made, 20, name="mv"), *(pp.create_bus(made, 0.4, name=f"b{k}") for k in (1, 2, 3))]
    pp.create_ext_grid(made, buses[0])
    pp.create_transformer(made, buses[0], buses[1], "0.25 MVA 20/0.4 kV", name="t")
    for k in (1, 2):
        line_type = "NAYY 4x150 SE"
        pp.create_line(made, buses[k], buses[k + 1], 0.3, line_type, name=f"l{k}")
        pp.create_load(made, buses[k + 1], 0.02, 0.005, name=f"load{k}")
    for name, values in limit_columns.items():
        table, _, column = name.partition("_")
        made[table][column] = values
    return made


def feeder(made: pp.pandapowerNet, **network_limits: float) -> Feeder:
    """Its feeder, with the limits of a network file."""
    content = {"name": "n", "title": "t", "origin": "o", "licence": "l", "limits": network_limits}
    content["source"] = {"kind": "json", "file": "n.json"}
    return feeder_from_net(made, NetworkConfig.model_validate(content))


def three_windings() -> Feeder:
    """The feeder with a three-winding transformer beside its own."""
    made = net()
    middle = pp.create_bus(made, 10, name="m")
    pp.create_transformer3w(made, pp.create_bus(made, 110), middle, 0, "63/25/38 MVA 110/20/10 kV", name="t3")
    return feeder(made)


def ran(loaded: LoadedScenario) -> tuple[dict[str, Any], str, Path]:
    """Summary, verdict and folder of its run."""
    outcome = run_scenario(loaded, loaded.folder / "run")
    return dict(outcome.summary), outcome.verdict, outcome.folder


def test_what_is_just_reached_is_kept_and_what_is_unknown_is_not_counted() -> None:
    found = usages(VM, LINE, TRAFO, TRAFO3W, limits())
    outside = {name: usage.outside.any(axis=1).tolist() for name, usage in found.items()}
    assert outside == {
        "vm_min_pu": [False, True, False, False],
        "vm_max_pu": [False, True, False, True],
        "line_loading_max_percent": [False, True, False, False],
        "trafo_loading_max_percent": [False, True, False, False],
        "trafo3w_loading_max_percent": [False, False, False, True],
    }
    held = usages(np.nextafter(VM, 2), LINE, TRAFO, TRAFO3W, limits(vm_max=[1.1, 1.2, 1.2]))
    assert not held["vm_max_pu"].outside[3].any()  # one bit above is a matter of rounding


def test_each_element_is_held_to_its_own_limit() -> None:
    own = limits(vm_min=[0.9, 0.95, 0.9], vm_max=[1.1, 1.25, 1.15], line=[200, 4], trafo=130)
    found = usages(VM, LINE, TRAFO, TRAFO3W, own)
    assert found["vm_min_pu"].outside[0].tolist() == [False, True, False]
    assert found["vm_max_pu"].outside[3].tolist() == [False, False, True]
    assert found["line_loading_max_percent"].outside[:2].tolist() == [[False, True], [False, True]]
    assert not found["trafo_loading_max_percent"].outside.any()
    assert loading_factors(own).tolist() == [0.5, 25.0, 100 / 130, 1.25]


def test_band_exceedance_adds_up() -> None:
    whole = band_exceedance(VM, 0.9, 1.1)
    assert whole.below.tolist() == [1, 0, 0]
    assert whole.above.tolist() == [0, 2, 1]
    assert whole.known.tolist() == [3, 3, 2]
    parts = band_exceedance(VM[:1], 0.9, 1.1) + band_exceedance(VM[1:], 0.9, 1.1)
    assert parts.above.tolist() == whole.above.tolist()
    np.testing.assert_allclose(whole.share, [1 / 3, 2 / 3, 1 / 2])
    assert np.isnan(band_exceedance(VM[2:3], 0.9, 1.1).share).all()
    own = band_exceedance(VM, np.array([0.9, 0.95, 0.9]), np.array([1.1, 1.25, 1.15]))
    assert (own.below.tolist(), own.above.tolist()) == ([1, 1, 0], [0, 0, 1])


def test_the_scenario_comes_before_the_network_file_before_the_element_before_the_usual() -> None:
    made = net(bus_min_vm_pu=[NAN, 0.93, NAN, 0.94], line_max_loading_percent=[80.0, None])
    own, doubts = feeder_limits(feeder(made, trafo_loading_max_percent=110), LimitsConfig(vm_max_pu=1.07))
    assert own.vm_min_pu.tolist() == [0.9, 0.93, 0.9, 0.94]
    assert own.origins["vm_min_pu"] == ("default", "grid data", "default", "grid data")
    assert own.vm_max_pu.tolist() == [1.07] * 4
    assert set(own.origins["vm_max_pu"]) == {"scenario"}
    assert own.line_loading_max_percent.tolist() == [80, 100]
    assert own.trafo_loading_max_percent.tolist() == [110]
    assert own.origins["trafo_loading_max_percent"] == ("network file",)
    assert doubts == []
    over, _ = feeder_limits(
        feeder(made, line_loading_max_percent=70), LimitsConfig(line_loading_max_percent=60)
    )
    assert over.line_loading_max_percent.tolist() == [60, 60]


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"line_max_loading_percent": [0.0, 100.0]}, r"line\.0\.max_loading_percent: a limit must be"),
        ({"trafo_max_loading_percent": [-5.0]}, r"trafo\.0\.max_loading_percent: a limit must be"),
        ({"bus_max_vm_pu": [1.1, 0.0, 1.1, 1.1]}, r"bus\.1\.max_vm_pu: a limit must be"),
        ({"bus_min_vm_pu": [0.9, "low", 0.9, 0.9]}, r"bus\.1\.min_vm_pu: a limit must be a number"),
        (
            {"bus_min_vm_pu": [0.9, "1461e4007615600", 0.9, 0.9]},
            r"bus\.1\.min_vm_pu: a limit must be a number \(given: '1461",
        ),
        ({"bus_min_vm_pu": [1.2] * 4}, r"bus\.0\.min_vm_pu: the lowest permitted voltage is above"),
        (
            {"bus_min_vm_pu": [0.9, 1.06, 0.9, 0.9], "bus_max_vm_pu": [1.05] * 4},
            r"bus\.1\.min_vm_pu: .*highest, 1\.05 pu",
        ),
    ],
)
def test_impossible_limits_are_refused_unless_overridden(columns: dict[str, Any], match: str) -> None:
    made = feeder(net(**columns))
    with pytest.raises(InputError, match=match):
        feeder_limits(made, LimitsConfig())
    every = LimitsConfig(
        vm_min_pu=0.9, vm_max_pu=1.1, line_loading_max_percent=100, trafo_loading_max_percent=100
    )
    assert feeder_limits(made, every)[0].vm_min_pu.tolist() == [0.9] * 4


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"bus_min_vm_pu": 0.0}, r"4 limits can hardly be exceeded \[pu\]: bus 0 \(mv\): 0"),
        ({"bus_max_vm_pu": [1.1, 2.0, 1.1, 1.1]}, r"1 limit can hardly be exceeded \[pu\]: bus 1 \(b1\): 2"),
        ({"line_max_loading_percent": [1e9, 100]}, r"hardly be exceeded \[%\]: line 0 \(l1\): 1e\+09"),
        ({"line_max_loading_percent": [100, 0.8]}, r"hardly be kept \[%\]: line 1 \(l2\): 0.8"),
        ({"trafo_max_loading_percent": np.inf}, r"hardly be exceeded \[%\]: trafo 0 \(t\): inf"),
    ],
)
def test_limits_that_cannot_be_meant_are_doubted(columns: dict[str, Any], match: str) -> None:
    _, doubts = feeder_limits(feeder(net(**columns)), LimitsConfig())
    assert [doubt.severity for doubt in doubts] == ["warning"]
    with pytest.raises(InputError, match=match):
        raise InputError(doubts)


@pytest.mark.parametrize("table", ["line", "trafo", "trafo3w"])
@pytest.mark.parametrize("given", [None, "80", True])
@pytest.mark.fast_cases("80-line", "True-trafo", "None-trafo3w")
def test_permitted_loadings_of_any_type_leave_the_power_flow_alone(table: str, given: Any) -> None:
    made = three_windings().source.net
    plain = copy.deepcopy(made)
    assert run(plain) == ""
    made[table]["max_loading_percent"] = pd.Series(given, index=made[table].index, dtype=object)
    assert run(made) == ""
    pd.testing.assert_series_equal(made.res_bus.vm_pu, plain.res_bus.vm_pu, check_exact=True)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("gen", "min_q_mvar"),
        ("gen", "max_p_mw"),
        ("gen", "slack_weight"),
        ("ext_grid", "slack_weight"),
        ("switch", "in_ka"),
    ],
)
@pytest.mark.parametrize("given", [None, "x", True])
@pytest.mark.fast_cases(
    "None-gen-min_q_mvar",
    "x-gen-max_p_mw",
    "True-gen-slack_weight",
    "x-ext_grid-slack_weight",
    "None-switch-in_ka",
)
def test_what_no_power_flow_reads_leaves_it_alone(table: str, column: str, given: Any) -> None:
    made = net()
    pp.create_gen(made, 3, 0.01, vm_pu=1.0)
    pp.create_switch(made, 2, 1, "l")
    pp.create_switch(made, 2, pp.create_bus(made, 0.4), "b", z_ohm=0.01)
    plain = copy.deepcopy(made)
    assert run(plain) == ""
    made[table][column] = pd.Series(given, index=made[table].index, dtype=object)
    assert run(made) == ""
    pd.testing.assert_series_equal(made.res_bus.vm_pu, plain.res_bus.vm_pu, check_exact=True)


def test_what_is_out_of_service_has_no_limit_to_be_wrong() -> None:
    made = net(line_max_loading_percent=[100.0, 0.0])
    made.line.loc[1, "in_service"] = False
    made.load.loc[1, "in_service"] = False
    assert feeder_limits(feeder(made), LimitsConfig())[1] == []


@pytest.mark.parametrize(
    ("column", "values", "said", "where"),
    [
        ("bus_min_vm_pu", [0.9, 0.9, 0.9, 0.999], "voltage too low", "bus 3 (b3)"),
        ("bus_max_vm_pu", [1.1, 0.985, 1.1, 1.1], "voltage too high", "bus 1 (b1)"),
        ("line_max_loading_percent", [100, 5], "line overloaded", "line 1 (l2)"),
        ("trafo_max_loading_percent", [10], "transformer overloaded", "transformer 0 (t)"),
    ],
)
@pytest.mark.fast_cases(
    "bus_max_vm_pu-values1-voltage too high-bus 1 (b1)",
    "trafo_max_loading_percent-values3-transformer overloaded-transformer 0 (t)",
)
def test_a_run_is_held_to_the_limits_of_its_elements(
    on_net: OnNet, column: str, values: list[float], said: str, where: str
) -> None:
    made = net(**{column: values})
    summary, verdict, folder = ran(on_net(made))
    pp.runpp(made, tolerance_mva=1e-11, numba=False)
    element = int(where.split()[1])
    if column.startswith("bus"):
        worst = f"{made.res_bus.vm_pu.loc[element]:.4f} pu"
        ours = {"bus_min_vm_pu": "vm_min_pu", "bus_max_vm_pu": "vm_max_pu"}[column]
        written = read_table(folder, "feeder_buses")[ours]
    else:
        table = column.partition("_")[0]
        worst = f"{made[f'res_{table}'].loading_percent.loc[element]:.4g} %"
        branches = read_table(folder, "feeder_branches")
        written = branches[branches["kind"] == table]["loading_max_percent"]
    assert written.tolist() == values
    assert summary["intervals_outside_limits"] == 2
    limit = values[element] if len(values) == 4 else values[-1]
    limit_text = f"{limit:.4f} pu" if column.startswith("bus") else f"{limit:.4g} %"
    if column.startswith("trafo"):
        worst, limit_text = f"{worst} by current", f"{limit_text} of 250 kVA"
    assert verdict.startswith(
        "The feeder was outside its limits in 2 of 2 power-flow intervals of 1 h (100 %, 2 h): "
        f"{said} in 2, worst at {where.split()[0]} {where.split('(')[1][:-1]} ({worst}, limit {limit_text}) "
        "on 2016-07-04 10:00 UTC. "
    )


def test_the_scenario_overrides_what_the_elements_say(on_net: OnNet) -> None:
    made = net(bus_min_vm_pu=[0.9, 0.9, 0.9, 0.999], line_max_loading_percent=[100, 5])
    every = {"vm_min_pu": 0.9, "line_loading_max_percent": 100}
    summary, verdict, _ = ran(on_net(made, limits=every))
    pp.runpp(made, tolerance_mva=1e-11, numba=False)
    assert summary["intervals_outside_limits"] == 0
    voltage = made.res_bus.vm_pu.loc[3]
    way = f"{100 * (1 - voltage) / 0.1:.3g} % of the way from the middle of its band to the limit, 0.9000 pu"
    nearest = f"bus b3 ({voltage:.4f} pu, {way}) on 2016-07-04 10:00 UTC"
    busiest = f"line l1 ({made.res_line.loading_percent.max():.4g} %, limit 100 %) on 2016-07-04 10:00 UTC"
    assert verdict.startswith(
        "The feeder kept its limits in all 2 power-flow intervals of 1 h; nearest to a limit: "
        f"{nearest}, next {busiest}. "
    )


def test_a_warning_about_a_limit_reaches_the_run(on_net: OnNet) -> None:
    parts = build(on_net(net(bus_max_vm_pu=2.0)))
    assert any("hardly be exceeded" in str(problem) for problem in parts.warnings)


@pytest.mark.parametrize("factor", [1e3, 1e4, 1e6])
@pytest.mark.fast_cases("10000.0")
def test_where_nothing_is_solved_sums_are_null_and_the_verdict_says_so(on_net: OnNet, factor: float) -> None:
    made = net()
    made.load.loc[1, "p_mw"] *= factor
    summary, verdict, _ = ran(on_net(made))
    assert summary["intervals_diverged"] == 2
    for name in ("feeder_imported", "feeder_exported", "lost_in_feeder"):
        assert summary[f"energy_{name}_kwh"] is None
    for name in ("intervals_outside_limits", "voltage_min_pu", "voltage_outside_band_share_max"):
        assert summary[name] is None
    assert verdict.startswith("None of 2 intervals was solved (2 diverged): nothing can be said about the ")


def test_each_kind_of_limit_has_its_worst_with_where_and_when() -> None:
    watch = LimitWatch(np.array(False))
    found = usages(VM, LINE, TRAFO, TRAFO3W, limits())
    for rows in (slice(0, 3), slice(3, 4)):
        part = {
            name: each._replace(values=each.values[rows], share=each.share[rows])
            for name, each in found.items()
        }
        status = ["converged", "converged", "diverged", "converged"][rows]
        watch.add(part, status, np.arange(4)[rows] * 3_600_000, 10.0 + np.arange(4)[rows])
    made = three_windings()
    numbers = watch.summary(made)
    assert (numbers["voltage_low_use_max_time_h"], numbers["voltage_high_use_max_time_h"]) == (1, 3)
    assert (numbers["voltage_low_use_max_drawn_kw"], numbers["voltage_high_use_max_drawn_kw"]) == (11, 13)
    assert watch.worst_ms["voltage_high"] == 3 * 3_600_000
    assert numbers["voltage_low_intervals"] == 1
    assert numbers["voltage_low_use_max"] == pytest.approx(0.9 / 0.89)
    assert numbers["voltage_low_use_max_bus"] == 0
    assert (numbers["voltage_high_intervals"], numbers["voltage_high_use_max_bus"]) == (2, 1)
    assert numbers["voltage_high_use_max"] == pytest.approx(1.2 / 1.1)
    assert (numbers["trafo3w_overload_intervals"], numbers["trafo3w_overload_use_max_trafo3w"]) == (1, 0)
    assert set(LimitWatch(np.array(False)).summary(made).values()) == {None}


@pytest.mark.parametrize(("held_pu", "bus"), [(1.099, 1), (1.2, 0)], ids=["within", "beyond"])
def test_a_bus_that_the_grid_above_holds_counts_only_where_it_exceeds_its_limit(
    held_pu: float, bus: int
) -> None:
    watch = LimitWatch(np.array([True, False, False]))
    vm = np.array([[held_pu, 1.05, 1.04]])
    found = usages(vm, LINE[:1], TRAFO[:1], TRAFO3W[:1], limits())
    watch.add(found, ["converged"], np.array([0]), np.zeros(1))
    numbers = watch.summary(three_windings())
    assert numbers["voltage_high_use_max_bus"] == bus
    assert numbers["voltage_high_intervals"] == int(bus == 0)


def test_of_buses_with_several_bands_that_is_worst_which_a_map_shows_as_worst() -> None:
    watch = LimitWatch(np.array(False))
    own = limits(vm_min=[0.8, 0.99, 0.8], vm_max=[1.1, 1.1, 1.1])
    found = usages(np.array([[1.08, 1.085, 1.0]]), LINE[:1], TRAFO[:1], TRAFO3W[:1], own)
    watch.add(found, ["converged"], np.array([0]), np.zeros(1))
    numbers = watch.summary(three_windings())
    assert numbers["voltage_high_use_max"] == pytest.approx(1.08 / 1.1)
    assert numbers["voltage_high_use_max_bus"] == 0
    element = Element("", {"voltage_low": 0.8, "voltage_high": 1.1})
    assert limit_use("voltage_high", 1.08, element) == pytest.approx(0.13 / 0.15)
    assert limit_use("voltage_low", 0.8, element) == pytest.approx(1)
    assert limit_use("voltage_low", 1.08, element) == pytest.approx(-0.13 / 0.15)
    assert limit_use("line_overload", 60.0, Element("", {"line_overload": 80.0})) == 0.75


def test_draws_of_limits_agree_with_counting_element_by_element() -> None:
    """Random values and limits: the vectorised comparison against plain loops."""
    draw = Streams(1).field("test").row(0, 400)
    vm, line = 0.85 + 0.3 * draw[:30].reshape(10, 3), 150 * draw[30:50].reshape(10, 2)
    trafo, low, high = 150 * draw[50:60].reshape(10, 1), 0.85 + 0.1 * draw[60:63], 1.02 + 0.1 * draw[63:66]
    own = limits(low, high, 50 + 60 * draw[66:68], 50 + 60 * draw[68:69])
    found = usages(vm, line, trafo, trafo, own)
    for name, values, worse in (
        ("vm_min_pu", vm, -1), ("vm_max_pu", vm, 1),
        ("line_loading_max_percent", line, 1), ("trafo_loading_max_percent", trafo, 1),
    ):  # fmt: skip
        limit = getattr(own, name)
        expected = [[worse * (row[k] - limit[k]) > 0 for k in range(len(limit))] for row in values]
        assert found[name].outside.tolist() == expected
        assert np.any(expected)


@pytest.mark.parametrize(
    ("limit_columns", "rule", "said"),
    [
        ({"bus_max_vm_pu": [1.1, 1.1, 1.03, 1.1]}, {}, "1.05 pu, when bus b2 is already beyond its own"),
        ({"bus_max_vm_pu": [1.03, 1.1, 1.1, 1.1]}, {}, ""),  # the grid above holds it
        ({"bus_min_vm_pu": [0.9, 0.9, 0.9, 0.97]}, {"reacts_to": ["undervoltage"]},
         "0.95 pu, when bus b3 is already beyond its own"),
        ({"bus_min_vm_pu": [0.9, 0.9, 0.9, 0.97]}, {}, ""),
        ({"bus_max_vm_pu": [1.1, 1.1, 1.03, 1.1]}, {"vm_max_pu": 1.03}, ""),
        ({}, {"reacts_to": ["overvoltage", "undervoltage", "overload"]}, ""),
    ],
)  # fmt: skip
def test_a_rule_that_reacts_after_a_limit_is_left_is_doubted(
    limit_columns: dict[str, Any], rule: dict[str, Any], said: str
) -> None:
    cost = {"kind": "separable", "linear": 1, "own_quadratic": 1, "target": 0.5}
    content = {
        "name": "s",
        "time": {"start": "2016-07-04T10:00:00Z", "step_s": 3600, "steps": 2},
        "groups": [{"name": "homes", "households": 2, "cost": cost}],
        "communities": [
            {
                "name": "village",
                "groups": ["homes"],
                "resources": [{"name": "use", "capacity": 1}],
                "platform": {"grid_aware": [{"resource": "use"} | rule]},
            }
        ],
        "grid": {"network": "kerber_landnetz_kabel_1", "feedback": True},
    }
    made = feeder(net(**limit_columns))
    own, _ = feeder_limits(made, LimitsConfig())
    found = [str(problem) for problem in rule_doubts(Scenario.model_validate(content).communities, made, own)]
    assert [said in text for text in found] == ([True] if said else [])
