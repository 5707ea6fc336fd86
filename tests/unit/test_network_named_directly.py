"""A grid is named by its file alone: inside a scenario's folder, or anywhere on the command line."""

from __future__ import annotations

import functools
from pathlib import Path

import pandapower as pp
import pytest

from cosim.core.errors import InputError
from cosim.engine.inputs import scenario_hash
from cosim.engine.load import load_scenario
from cosim.engine.run import run_scenario
from cosim.grid.network_file import load_network
from cosim.grid.schema import NetworkConfig

SCENARIO = """name: s
time: {start: 2016-01-01T00:00:00Z, step_s: 3600, steps: 2}
groups:
  - {name: homes, households: 2, load: {kind: constant, p_kw: 1}}
grid: {network: cigre_lv}
report: {figures: false}
"""
WRAPPER = "name: mine\ntitle: t\nsource: {kind: json, file: sub/grid.json}\norigin: o\nlicence: l\n"


@functools.cache
def grid_text() -> str:
    """A grid of two loads."""
    net = pp.create_empty_network()
    supply, end = pp.create_bus(net, 0.4), pp.create_bus(net, 0.4)
    pp.create_ext_grid(net, supply)
    pp.create_line(net, supply, end, 0.1, "NAYY 4x150 SE")
    pp.create_load(net, end, 0.001)
    pp.create_load(net, end, 0.001)
    return str(pp.to_json(net))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three folders: a scenario's, one with grids, and the working directory with a grid."""
    for name in ("scenario", "grids/sub", "here"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "scenario" / "s.yaml").write_text(SCENARIO)
    for file in ("scenario/own.json", "grids/far.json", "grids/sub/grid.json", "here/near.json"):
        (tmp_path / file).write_text(grid_text())
    (tmp_path / "grids" / "wrapper.yaml").write_text(WRAPPER)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def network_of(scenario: str, *options: str) -> tuple[NetworkConfig, Path]:
    """The network that a scenario names."""
    loaded = load_scenario(scenario, options)
    assert loaded.scenario.grid is not None
    return load_network(loaded.scenario.grid.network, loaded.folder)


def tables(folder: Path) -> dict[str, bytes]:
    """The tables of a run."""
    return {file.name: file.read_bytes() for file in sorted((folder / "tables").glob("*.parquet"))}


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        ("own.json", ["own.json"]),
        ("../scenario/own.json", ["own.json"]),
        ("near.json", ["network/near.json"]),
        ("./near.json", ["network/near.json"]),
        ("../grids/far.json", ["network/far.json"]),
        ("{place}/grids/far.json", ["network/far.json"]),
        ("../grids/wrapper.yaml", ["network/wrapper.yaml", "network/sub/grid.json"]),
    ],
)
@pytest.mark.fast_cases("own.json-kept0")
def test_named_with_set_and_run_again_from_its_directory(place: Path, named: str, kept: list[str]) -> None:
    value = named.replace("{place}", str(place))
    loaded = load_scenario("../scenario/s.yaml", [f"grid.network={value}"])
    first = run_scenario(loaded, place / "first")
    assert first.status == "done"
    files = {
        str(f.relative_to(first.folder)) for f in first.folder.rglob("*") if f.suffix in (".json", ".yaml")
    }
    assert set(kept) <= files
    assert str(place) not in (first.folder / "scenario.yaml").read_text()
    (place / "grids").rename(place / "gone")  # the copy is enough
    (place / "here" / "near.json").unlink()
    again = load_scenario(str(first.folder / "scenario.yaml"))
    assert scenario_hash(again.scenario) == scenario_hash(loaded.scenario)
    second = run_scenario(again, place / "second")
    assert tables(second.folder) == tables(first.folder)


@pytest.mark.parametrize("option", ["grid={network: near.json}", "grid.network=near.json"])
def test_a_built_in_scenario_takes_a_file_of_the_working_directory(place: Path, option: str) -> None:
    network, folder = network_of("storage_village", option)
    assert folder == place / "here"
    assert (network.name, network.households) == ("near", "loads")


@pytest.mark.parametrize("file", ["own.json", "deep/own.json"])
def test_named_in_the_scenario(place: Path, file: str) -> None:
    (place / "scenario" / "deep").mkdir()
    (place / "scenario" / file).write_text(grid_text())
    (place / "scenario" / "s.yaml").write_text(SCENARIO.replace("cigre_lv", file))
    loaded = load_scenario("../scenario/s.yaml")
    run = run_scenario(loaded, place / "out")
    assert run.status == "done"
    assert (run.folder / file).exists()


@pytest.mark.parametrize(
    "file", ["{place}/grids/far.json", "../grids/far.json", "/etc/hosts.json", "linked.json"]
)
def test_a_scenario_names_no_file_outside_its_folder(place: Path, file: str) -> None:
    (place / "scenario" / "linked.json").symlink_to(place / "grids" / "far.json")
    text = SCENARIO.replace("cigre_lv", file.replace("{place}", str(place)))
    (place / "scenario" / "s.yaml").write_text(text)
    with pytest.raises(InputError, match="points outside the folder"):
        network_of("../scenario/s.yaml")


def test_a_base_names_a_grid_beside_it(place: Path) -> None:
    (place / "scenario" / "deep").mkdir()
    (place / "scenario" / "deep" / "below.yaml").write_text(SCENARIO.replace("cigre_lv", "grid.json"))
    (place / "scenario" / "deep" / "grid.json").write_text(grid_text())
    (place / "scenario" / "s.yaml").write_text("name: above\nbase: deep/below.yaml\n")
    loaded = load_scenario("../scenario/s.yaml")
    assert loaded.scenario.grid is not None
    assert loaded.scenario.grid.network == "deep/grid.json"


@pytest.mark.parametrize(
    "named", ["absent.json", "../absent.json", "/absent.json", "here", "a\0b.json", "x" * 5000]
)
def test_files_that_are_not_there(place: Path, named: str) -> None:
    with pytest.raises(InputError) as caught:
        network_of("../scenario/s.yaml", f"grid.network={named}")
    assert caught.value.problems


@pytest.mark.parametrize(
    ("stem", "name"), [("my grid", "my_grid"), ("2016-net", "network_2016-net"), ("Nürnberg", "N_rnberg")]
)
def test_the_name_of_a_grid_is_its_files(tmp_path: Path, stem: str, name: str) -> None:
    (tmp_path / f"{stem}.json").write_text("{}")
    assert load_network(f"{stem}.json", tmp_path)[0].name == name
