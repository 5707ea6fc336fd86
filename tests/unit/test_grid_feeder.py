"""Feeders: what a net becomes, what is refused, and where households stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from cosim.core.errors import InputError
from cosim.core.streams import Streams
from cosim.grid.background import Background
from cosim.grid.bus_positions import Edge, shortest_tree, tree_layout
from cosim.grid.bus_selection import background_elements, place_households
from cosim.grid.feeder import Feeder, feeder_from_net, load_feeder
from cosim.grid.power_flow import PowerFlow
from cosim.grid.schema import GridConfig, LimitsConfig, NetworkConfig

NETWORKS = Path(__file__).resolve().parents[2] / "networks"
PLAIN = {
    "name": "n",
    "title": "t",
    "source": {"kind": "json", "file": "n.json"},
    "origin": "o",
    "licence": "l",
}


def read(file: Path) -> NetworkConfig:
    """A network file, checked."""
    return NetworkConfig.model_validate(YAML(typ="safe").load(file))


def feeder(net: pp.pandapowerNet, **changes: Any) -> Feeder:
    """The feeder of a net."""
    return feeder_from_net(net, NetworkConfig.model_validate(PLAIN | changes))


@pytest.mark.parametrize("file", sorted(NETWORKS.glob("*.yaml")), ids=lambda file: file.stem)
def test_built_in_networks_are_well_formed(file: Path) -> None:
    network = read(file)
    assert network.name == file.stem
    assert len(network.origin) > 40
    assert len(network.licence) > 20


@pytest.mark.parametrize(
    "name", sorted(f.stem for f in NETWORKS.glob("*.yaml") if not f.stem.startswith("simbench"))
)
@pytest.mark.fast_cases("kerber_landnetz_kabel_1", "cigre_lv")
def test_built_in_networks_converge_at_nominal_load(name: str) -> None:
    built = load_feeder(read(NETWORKS / f"{name}.yaml"), NETWORKS)
    assert built.bus.supplied.all()
    assert np.isfinite(built.bus.xy).all()
    grid = GridConfig.model_validate({"network": name})
    from datetime import UTC, datetime

    p_mw, q_mvar = Background(built, built.elements, grid, datetime(2016, 1, 1, tzinfo=UTC), 1).power(0, 1)
    result = PowerFlow(built).solve(p_mw, q_mvar)
    assert result.status.tolist() == ["converged"]
    assert result.route.tolist() == ["zbus"]
    assert p_mw.sum() == pytest.approx(sum(e.p_mw for e in built.elements))


def test_all_families_are_there() -> None:
    names = {file.stem for file in NETWORKS.glob("*.yaml")}
    grids = ("rural1", "rural2", "rural3", "semiurb4", "semiurb5", "urban6")
    assert {f"simbench_{code}" for code in grids} < names
    assert {"cigre_lv", "ieee_european_lv", "kerber_dorfnetz", "kerber_vorstadtnetz_kabel_2"} < names


def test_layout_of_a_tree() -> None:
    edges = [Edge(0, 1, 0, is_trafo=True), Edge(1, 2, 0.3), Edge(1, 3, 0.1), Edge(3, 4, 0.1), Edge(4, 2, 0.2)]
    tree = shortest_tree(6, edges, [0])
    assert tree.parent.tolist() == [-1, 0, 1, 1, 3, -1]
    assert tree.depth.tolist() == [0, 1, 2, 2, 3, -1]
    np.testing.assert_allclose(tree.distance_km[:5], [0, 0, 0.3, 0.1, 0.2])
    assert np.isnan(tree.distance_km[5])
    xy = tree_layout(tree.parent, tree.distance_km)
    assert np.isnan(xy[5]).all()
    assert len({tuple(point) for point in xy[:5]}) == 5
    assert (np.diff(xy[[0, 1, 3, 4], 0]) > 0).all()  # away from the supply
    assert xy[1, 1] == pytest.approx((xy[2, 1] + xy[3, 1]) / 2)


def test_own_coordinates_are_kept_and_missing_ones_laid_out() -> None:
    assert feeder(nw.create_cigre_network_lv()).coordinates == "own"
    kerber = feeder(nw.create_kerber_dorfnetz())
    assert kerber.coordinates == "layout"
    assert len({tuple(point) for point in kerber.bus.xy}) == kerber.n_bus


def test_records_are_in_load_convention_with_scaling() -> None:
    net = nw.create_kerber_landnetz_kabel_1()
    pp.create_sgen(net, net.load.bus.iloc[2], p_mw=0.005, q_mvar=0.001, scaling=0.5)
    pp.create_storage(net, net.load.bus.iloc[3], p_mw=-0.003, max_e_mwh=0.01)
    net.load.loc[0, "in_service"] = False
    net.load.loc[1, "scaling"] = 2.0
    made = feeder(net)
    assert [load.index for load in made.loads] == list(range(1, 8))
    assert made.loads[0].p_mw == pytest.approx(2 * net.load.p_mw[1])
    assert made.sgens[0].p_mw == pytest.approx(-0.0025)
    assert made.sgens[0].q_mvar == pytest.approx(-0.0005)
    assert made.elements[-1].kind == "storage"
    assert made.elements[-1].p_mw == pytest.approx(-0.003)
    assert not made.has_profiles


def test_single_phase_loads_are_summed() -> None:
    net = nw.ieee_european_lv_asymmetric()
    made = feeder(net)
    expected = net.asymmetric_load[["p_a_mw", "p_b_mw", "p_c_mw"]].to_numpy().sum()
    assert len(made.loads) == 55
    assert sum(load.p_mw for load in made.loads) == pytest.approx(expected)


def spoil_zip(net: pp.pandapowerNet) -> None:
    """A load of which more than all follows the voltage."""
    net.load.loc[3, ["const_z_q_percent", "const_i_q_percent"]] = 40.0, 70.0


def spoil_share(net: pp.pandapowerNet) -> None:
    """A load of which less than nothing follows the voltage."""
    net.load.loc[3, "const_i_p_percent"] = -1.0


def spoil_length(net: pp.pandapowerNet) -> None:
    """A line without length."""
    net.line.loc[2, "length_km"] = np.nan


def spoil_bus(net: pp.pandapowerNet) -> None:
    """A line that ends nowhere."""
    net.line.loc[2, "to_bus"] = 999


def spoil_supply(net: pp.pandapowerNet) -> None:
    """No external grid."""
    net.ext_grid["in_service"] = False


def spoil_power(net: pp.pandapowerNet) -> None:
    """A load without a number."""
    net.load.loc[1, "p_mw"] = np.inf


def spoil_switch(net: pp.pandapowerNet) -> None:
    """A switch on a line that is not there."""
    pp.create_switch(net, net.line.from_bus[0], 0, "l")
    net.switch.loc[0, "element"] = 777


@pytest.mark.parametrize(
    ("spoil", "path", "says"),
    [
        (spoil_zip, "load.3.const_z_q_percent", "more than 100 together"),
        (spoil_share, "load.3.const_i_p_percent", "from 0 to 100"),
        (spoil_length, "line.2.length_km", "positive number"),
        (spoil_bus, "line.2.to_bus", "not a bus"),
        (spoil_supply, "ext_grid", "no external grid"),
        (spoil_power, "load.1.p_mw", "a number"),
        (spoil_switch, "switch.0", "not there"),
    ],
)
def test_what_cannot_be_calculated_is_refused(spoil: Any, path: str, says: str) -> None:
    net = nw.create_kerber_landnetz_kabel_2()
    spoil(net)
    with pytest.raises(InputError) as caught:
        feeder(net)
    assert any(problem.path.startswith(path) for problem in caught.value.problems)
    assert says in str(caught.value)


def test_a_json_network_is_read_from_its_folder_and_not_from_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "scenario"
    folder.mkdir()
    pp.to_json(nw.create_kerber_landnetz_kabel_1(), str(tmp_path / "outside.json"))
    pp.to_json(nw.create_kerber_landnetz_kabel_1(), str(folder / "n.json"))
    made = load_feeder(NetworkConfig.model_validate(PLAIN), folder)
    assert len(made.loads) == 8
    assert PowerFlow(made).solve(np.zeros((1, made.n_bus)), np.zeros((1, made.n_bus))).converged.all()
    (folder / "n.json").unlink()
    (folder / "n.json").symlink_to(tmp_path / "outside.json")
    with pytest.raises(InputError, match="points outside"):
        load_feeder(NetworkConfig.model_validate(PLAIN), folder)
    with pytest.raises(ValidationError, match="points outside"):
        NetworkConfig.model_validate(PLAIN | {"source": {"kind": "json", "file": "../outside.json"}})


@pytest.mark.parametrize("function", ["from_json", "os.system", "create_cigre_network_mv", "rd"])
def test_functions_off_the_list_are_refused(function: str) -> None:
    with pytest.raises(ValidationError):
        NetworkConfig.model_validate(PLAIN | {"source": {"kind": "pandapower", "function": function}})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [({"path": "/etc"}, "no such argument"), ({"scenario": "noon"}, "refuses"), ({"kwargs": 1}, "no such")],
)
def test_arguments_of_functions(arguments: dict[str, Any], says: str) -> None:
    source = {"kind": "pandapower", "function": "ieee_european_lv_asymmetric", "arguments": arguments}
    with pytest.raises(InputError, match=says):
        load_feeder(NetworkConfig.model_validate(PLAIN | {"source": source}), Path())


def place(made: Feeder, placement: dict[str, Any], n: int, seed: int = 1) -> list[int]:
    """Buses of `n` households."""
    grid = GridConfig.model_validate({"network": "n", "placement": placement})
    return [household.bus for household in place_households(made, grid.placement, n, Streams(seed))]


@pytest.mark.parametrize("kind", ["loads", "spread"])
def test_a_feeder_without_a_load_that_is_supplied_has_no_place(kind: str) -> None:
    net = nw.create_kerber_landnetz_kabel_2()
    net.load["in_service"] = False
    with pytest.raises(
        InputError, match=r"1 household, but no place on n, which has no load that is supplied"
    ):
        place(feeder(net), {"kind": kind}, 1)


def test_placements() -> None:
    net = nw.create_kerber_landnetz_kabel_2()
    made = feeder(net)
    buses = net.load.bus.tolist()
    assert place(made, {"kind": "loads"}, 9) == buses[:9]
    assert (
        place(made, {"kind": "list", "buses": [buses[4], buses[4], "main_busbar"]}, 3)[:2] == [buses[4]] * 2
    )
    spread = place(made, {"kind": "spread"}, 14)
    assert sorted(spread) == sorted(buses)
    assert spread != buses
    assert place(made, {"kind": "spread"}, 6) == spread[:6]  # one household more moves none of the others
    assert place(made, {"kind": "spread"}, 14, seed=2) != spread
    with pytest.raises(InputError, match="14 places"):
        place(made, {"kind": "spread"}, 15)
    with pytest.raises(InputError, match="no such bus"):
        place(made, {"kind": "list", "buses": [9999]}, 1)


def test_a_network_may_name_the_places() -> None:
    made = feeder(nw.create_kerber_landnetz_kabel_2(), households=["main_busbar", 5, 5])
    assert made.candidate_buses == (1, 5, 5)
    with pytest.raises(InputError, match=r"households\.0.*no such bus"):
        feeder(nw.create_kerber_landnetz_kabel_2(), households=["main_busbbar"])


def test_background_is_what_no_household_took() -> None:
    from datetime import UTC, datetime

    net = nw.create_kerber_landnetz_kabel_2()
    pp.create_load(net, net.load.bus.iloc[0], p_mw=0.001)
    made = feeder(net)
    grid = GridConfig.model_validate({"network": "n", "background_scaling": 0.5})
    households = place_households(made, grid.placement, 14, Streams(1))
    left = background_elements(made, households)
    assert [element.index for element in left] == [14]
    p_mw, _ = Background(made, left, grid, datetime(2020, 1, 1, tzinfo=UTC), 3).power(0, 3)
    assert p_mw.sum(axis=1) == pytest.approx([0.0005] * 3)
    assert np.flatnonzero(p_mw[0]).tolist() == made.bus_positions([net.load.bus.iloc[0]]).tolist()
    with pytest.raises(InputError, match="no profiles"):
        Background(
            made,
            left,
            GridConfig.model_validate({"network": "n", "background": "profile"}),
            datetime(2016, 1, 1, tzinfo=UTC),
            3,
        ).power(0, 3)


def test_limits_override() -> None:
    own = LimitsConfig(vm_max_pu=1.1, line_loading_max_percent=80)
    assert LimitsConfig(vm_max_pu=1.05).over(own) == LimitsConfig(vm_max_pu=1.05, line_loading_max_percent=80)
    assert LimitsConfig().over(own) == own
    with pytest.raises(InputError, match="not below"):
        LimitsConfig(vm_min_pu=1.2).over(own)


def test_config_schema_describes_every_attribute() -> None:
    for model in (NetworkConfig, GridConfig):
        schema = json.dumps(model.model_json_schema())
        for part in json.loads(schema).get("$defs", {}).values():
            for key, value in part.get("properties", {}).items():
                assert "description" in value, key
