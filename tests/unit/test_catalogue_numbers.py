"""The catalogue of summary numbers: it knows what runs give, and runs give what it knows."""

from __future__ import annotations

import math
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cosim.config.library import names
from cosim.core.numbers import COMMUNITY, OTHERS, Catalogue, Number, Summary
from cosim.engine.load import load_scenario
from cosim.engine.run import summarise
from cosim.engine.wings import catalogue, describe
from cosim.grid.agreement import Disagreement
from cosim.grid.extremes import Extreme, GridMetrics
from cosim.grid.verdict import LimitWatch
from cosim.report.compare_figure import KEY_NUMBERS
from cosim.study.peaks import PEAKS
from cosim.study.robustness.quantities import _LOOKED_AT

TRADED = [
    name
    for name in names("scenarios")
    if name.startswith(("trading", "lotfi", "village", "peers", "bidding"))
]
MORE = {
    "measured delay": (
        "lossy_community",
        ["time.steps=3", "communities.market.platform.mitigations=[measured_gain]"],
    ),
    "faults, 10 minutes, verified, Q(V)": (
        "storage_village",
        [
            "time.duration_h=3",
            "grid.interval_min=10",
            "grid.verify_power_flow=2",
            "grid.tap_changers=[{vm_min_pu: 0.98, vm_max_pu: 1.02, positions: [-2, 2], step_percent: 2.5}]",
            "groups.homes.pv.control={reactive: {kind: q_of_v, standard: ieee_1547_b}}",
            "faults=[{kind: platform_crash, from_h: 1, duration_h: 1}]",
        ],
    ),
    "copies": ("storage_village", ["time.duration_h=2", "groups.homes.households=100", "grid.copies=2"]),
    "dimming": ("storage_village", ["time.duration_h=2", "grid.feedback=true", "dimming={}"]),
    "heat pumps": (
        "storage_village",
        [
            "time.duration_h=3",
            "groups.homes.heat_pump={power_kw: 3, heat: {kind: building, "
            "temperature: {kind: constant, degrees_c: 0}}}",
        ],
    ),
}
"""Scenarios with what no built-in one has in its first hours."""


@cache
def summary(case: str) -> Summary:
    """Numbers of a built-in scenario, as short as it can be, or of one of `MORE`."""
    name, settings = MORE.get(case) or (case, [])
    if not settings:
        full = load_scenario(name).scenario
        hours = 48 if name in TRADED else 2
        settings = [
            "time.warm_up_h=0",
            f"time.duration_h={hours}" if full.time.duration_h else "time.steps=3",
        ]
        if name in TRADED and name not in ("lotfi_case", "village_combined"):
            settings += [f"groups.{group.name}.households=3" for group in full.groups]
    return summarise(load_scenario(name, settings))


@pytest.mark.parametrize("case", [*names("scenarios"), *MORE])
@pytest.mark.fast_cases(
    "faulty_community",
    "regulation_loop",
    "section6",
    "storage_village_lossy",
    "trading_village_lossy",
    "trading_village_net_metering",
    "faults, 10 minutes, verified, Q(V)",
    "measured delay",
)
def test_every_number_of_a_run_is_declared_and_within_its_bounds(case: str) -> None:
    for key, value in summary(case).items():
        number = catalogue().find(key)
        assert number is not None, key
        assert value is None or number.least - 1e-9 <= value <= number.most + 1e-9, key


@pytest.mark.slow
def test_every_number_that_is_declared_is_given() -> None:
    given = {describe(key).number.pattern for case in [*names("scenarios"), *MORE] for key in summary(case)}
    # No built-in network has a three-winding transformer, and only one element differs most.
    given |= set(GridMetrics(1.0, trafo3w_max=Extreme(1)).result())
    tables = ("bus", "line", "trafo", "trafo3w")
    one_of_each: Any = SimpleNamespace(**{table: SimpleNamespace(index=[0]) for table in tables})
    given |= set(LimitWatch(np.array(False)).summary(one_of_each))
    of_moments = [each for each in given if each.endswith(("_kw", "_units", "_households"))]
    given |= {each.replace("trafo_overload_use_max", "trafo3w_overload_use_max") for each in of_moments}
    for element in ("line 1", "trafo 1", "trafo3w 1"):
        given |= set(Disagreement(1, (1.0, "bus 1"), (1.0, element)).result())
    assert {number.pattern for number in catalogue().numbers} == given


def test_declarations_are_whole() -> None:
    every = (*catalogue().numbers, *PEAKS)
    assert len({number.pattern for number in every}) == len(every)
    for number in every:
        assert all((number.label, number.meaning, number.source, number.section)), number
        assert number.kind in ("amount", "share", "ratio") or number.better == "neither", number


def test_what_is_ranked_has_a_better_side() -> None:
    known = {number.pattern: number for number in (*catalogue().numbers, *PEAKS)}
    assert {known[pattern].better for pattern in _LOOKED_AT} == {"less", "more"}
    assert all(key in known for key in KEY_NUMBERS)


def test_a_number_is_shown_without_what_its_section_says() -> None:
    found = describe("new_village_own_use_tracking_rmse_units", ["village", "new", "new_village"])
    assert found[1:] == ("Community new_village", "own_use: error (RMS)", "units", 1)
    assert describe("new_village_cost_gap_end", ["new_village"]).name == "Cost above the optimum"
    assert describe("voltage_min_pu")[1:] == ("Feeder", "lowest voltage", "pu", 1)
    assert describe("voltage_min_pu").name == "Lowest voltage"
    assert describe("self_consumption_fraction")[1:] == ("Energy", "self-consumption", "%", 100)
    assert describe("fault_storm_a_b_recovery_h", ["a"])[1:3] == ("Faults", "storm_a_b: slowest recovery")


def test_without_the_communities_nothing_is_guessed() -> None:
    found = describe("new_village_own_use_tracking_rmse_units")
    assert found[1:3] == (COMMUNITY, "new_village_own_use: error (RMS)")


def test_the_longer_ending_is_meant() -> None:
    assert describe("a_b_loop_gain_units_per_signal").number.label == "loop gain"
    assert describe("a_b_measured_loop_delay_end_steps").number.label == "measured loop delay"
    assert describe("a_loop_delay_steps").number.label == "loop delay"


def test_of_what_nobody_declares_nothing_is_known() -> None:
    found = describe("unheard_of_kwh")
    assert (*found[1:], found.name) == (OTHERS, "unheard_of_kwh", "", 1, "unheard_of_kwh")
    assert found.number.least == -math.inf
    assert found.is_comparable


def test_places_and_times_are_not_compared() -> None:
    keys = ("voltage_min_bus", "voltage_min_time_h", "line_loading_max_line", "voltage_min_pu")
    assert [describe(key).is_comparable for key in keys] == [False, False, False, True]


def test_sections_come_in_the_order_of_the_declarations() -> None:
    numbers = Catalogue([Number("{community}_x", "x", "", "", section=COMMUNITY), Number("y", "y", "", "")])
    assert numbers.sections(["b", "a"]) == ["Community b", "Community a", COMMUNITY, OTHERS]
