# ruff: noqa: E501 - messages stand on one line, as a user reads them
"""What is refused of a local firm before a run."""

from __future__ import annotations

from typing import Any

import pytest

from cosim.api.checking import check

HOME = {"name": "homes", "households": 2, "load": {"kind": "constant", "p_kw": 0.4}}
BATTERY = {"capacity_kwh": 10, "charge_kw": 5, "discharge_kw": 5}
GRID = {"network": "kerber_landnetz_kabel_1", "background": "none"}
ISLAND = {"firm": {"kind": "isolated", "battery": BATTERY}, "grid": GRID | {"supply": {"bus": 1}}}
POSITION = {"kind": "firm_position", "empty": 2, "full": 0}
COST = {"kind": "consumption_only", "linear": 6, "quadratic": 1, "target": 0.1}


def told(**parts: Any) -> list[str]:
    content = {"name": "f", "time": {"duration_h": 2}, "groups": [HOME], **parts}
    return [f"{each.path}: {each.message}" for each in check(content) if each.severity == "error"]


def test_an_island_that_is_right_is_accepted() -> None:
    assert told(**ISLAND) == []


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"firm": {"kind": "connected"}}, "firm: the firm has nothing to give energy with"),
        ({"firm": {"kind": "isolated", "battery": BATTERY}}, "firm.kind: an island is a feeder whose voltage the firm holds, and there is no grid"),
        (ISLAND | {"grid": GRID}, "grid: an island with a second supply: the feeder is still connected to the grid above"),
        (ISLAND | {"firm": {"kind": "connected", "battery": BATTERY}}, "grid.supply: the feeder is cut off from the grid above, and nothing there gives energy"),
        (ISLAND | {"grid": GRID | {"supply": {"bus": 0}}}, "grid.supply.bus: this bus is above the feeder's transformer, where the grid that is cut off begins"),
        (ISLAND | {"grid": GRID | {"supply": {"bus": "nowhere"}}}, "grid.supply.bus: the feeder has no such bus"),
        (ISLAND | {"grid": ISLAND["grid"] | {"background": "nominal"}}, "grid.background: the feeder has 6 elements of its own that no household took, and an island must know which load it may leave unserved"),
        (ISLAND | {"groups": [HOME | {"ev": {}}]}, "groups.0.ev: an island cannot switch this off when energy is short"),
        (ISLAND | {"firm": ISLAND["firm"] | {"unserved_first": ["home"]}}, "firm.unserved_first.0: there is no group of this name"),
        (ISLAND | {"firm": ISLAND["firm"] | {"start_soc": 0.9}}, "firm: start_soc is not below stop_soc"),
        (
            {"groups": [HOME | {"cost": COST}], "communities": [{"name": "c", "groups": ["homes"], "resources": [{"name": "x", "capacity": POSITION}]}]},
            "communities.0.resources.0.capacity: a capacity that a firm sets, in a scenario without one",
        ),
        (ISLAND | {"energy_value": {"prices": {"grid": 0.3}}}, "firm: the firm and the energy-value market would both bill the households"),
        (
            ISLAND | {"firm": ISLAND["firm"] | {"tariff": {"drawn": -0.3, "fed_in": {"by_hour": [-0.1] * 24}}}},
            "firm.tariff.fed_in: the price is below 0 in every hour of the run, -0.1 EUR/kWh at most",
        ),
        (ISLAND | {"firm": ISLAND["firm"] | {"tariff": {"drawn": -0.3}}}, "firm.tariff.drawn: the price is below 0 in every hour of the run, -0.3 EUR/kWh at most"),
        (ISLAND | {"firm": {"kind": "isolated", "generator": {"rated_kw": 2, "min_kw": 3}}}, "firm.generator: min_kw is above rated_kw, so it could never run"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(parts: dict[str, Any], expected: str) -> None:
    assert expected in told(**parts)


@pytest.mark.parametrize(("vm_pu", "expected"), [(1.02, []), (1.9, ["grid.supply.vm_pu"])])
def test_a_voltage_that_the_source_itself_may_not_have_is_doubted(vm_pu: float, expected: list[str]) -> None:
    grid = GRID | {"supply": {"bus": 1, "vm_pu": vm_pu}}
    found = check({"name": "f", "time": {"duration_h": 2}, "groups": [HOME], **ISLAND | {"grid": grid}})
    assert [each.path for each in found if each.path.startswith("grid.supply")] == expected


def test_who_names_an_unknown_bus_is_told_what_names_there_are() -> None:
    grid = GRID | {"supply": {"bus": "nowhere"}}
    found = check({"name": "f", "time": {"duration_h": 2}, "groups": [HOME], **ISLAND | {"grid": grid}})
    (remedy,) = [each.remedy for each in found if each.path == "grid.supply.bus"]
    assert "main_busbar" in remedy


def test_a_network_with_a_second_supply_is_no_island(tmp_path: Any) -> None:
    import pandapower as pp
    import pandapower.networks as nw

    net = nw.create_kerber_landnetz_kabel_1()
    pp.create_ext_grid(net, bus=5)
    file = tmp_path / "two.json"
    pp.to_json(net, str(file))
    found = told(**ISLAND | {"grid": ISLAND["grid"] | {"network": str(file)}})
    assert any(
        "the network has a second supply (2 external grids), and an island has one" in each for each in found
    )
