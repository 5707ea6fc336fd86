"""A feeder from the cache is the one that was read: same values, warnings, bytes of a run."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pytest

import cosim
from cosim.core import kept_values
from cosim.grid import solvers
from cosim.grid.grid_source import LaterNet
from cosim.grid.kept_feeder import solver_from_cache
from cosim.grid.network_file import load_network
from cosim.grid.power_flow import PowerFlow
from cosim.grid.schema import SupplyConfig

BUILT_IN = "kerber_extreme_landnetz_freileitung_trafo"
SCENARIO: dict[str, Any] = {
    "name": "kept",
    "time": {"start": "2016-01-11T12:00:00Z", "duration_h": 4, "step_s": 3600},
    "groups": [{"name": "homes", "households": 2, "load": {"kind": "constant", "p_kw": 1.5}}],
    "grid": {"network": "net.json", "placement": {"kind": "list", "buses": [3, 4]}},
    "report": {"figures": False},
}


def doubtful_net() -> pp.pandapowerNet:
    """Small, and with much that is warned of: limits, a rating, phases, a profile that nobody follows."""
    net = pp.create_empty_network()
    mv = pp.create_bus(net, 20.0)
    lv = [pp.create_bus(net, 0.4, name=f"place {k}", max_vm_pu=1.6) for k in range(4)]
    pp.create_ext_grid(net, mv)
    pp.create_transformer(net, mv, lv[0], "0.25 MVA 20/0.4 kV")
    for first, second in itertools.pairwise(lv):
        pp.create_line(net, first, second, 0.1, "NAYY 4x150 SE", max_loading_percent=80.0)
    pp.create_load(net, lv[1], 0.004, 0.001, const_z_p_percent=30.0, name="shop")
    pp.create_load(net, lv[2], 0.004, in_service=False)
    pp.create_asymmetric_load(net, lv[0], p_a_mw=0.002)
    pp.create_sgen(net, lv[3], 0.003)
    pp.create_shunt(net, lv[3], q_mvar=-0.001)
    net.shunt["profile"] = "sun"
    net.line.loc[2, "max_i_ka"] = 99.0
    return net


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With that net in a file; nothing kept of it yet, neither in a cache nor in this process."""
    monkeypatch.setenv("COSIM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(solvers, "_solvers", {})
    monkeypatch.chdir(tmp_path)
    pp.to_json(doubtful_net(), str(tmp_path / "net.json"))
    return tmp_path


def solver(folder: Path, run_control: bool = False, supply: SupplyConfig | None = None) -> PowerFlow:
    network, place = load_network("net.json", folder)
    return solver_from_cache(network, place, run_control, supply)


def is_from_cache(flow: PowerFlow) -> bool:
    return isinstance(flow.feeder.given, LaterNet)


def values(made: Any) -> tuple[str, list[bytes]]:
    arrays: list[np.ndarray] = []
    return json.dumps(kept_values._packed(made, arrays)), [each.tobytes() for each in arrays]


def everything(flow: PowerFlow) -> Any:
    feeder = flow.feeder
    tables = feeder.bus, feeder.line, feeder.trafo, feeder.trafo3w
    source = feeder.source.warnings, feeder.source.left_out, feeder.source.file, feeder.source.knows_ratio
    rest = feeder.elements, feeder.candidate_buses, feeder.coordinates, feeder.facts, feeder.warnings
    return values((tables, source, rest, flow.matrices))


@pytest.mark.fast_cases("None")
@pytest.mark.parametrize("supply", [None, SupplyConfig(bus=1)])
def test_what_is_kept_is_what_was_read(folder: Path, supply: SupplyConfig | None) -> None:
    read, kept = solver(folder, supply=supply), solver(folder, supply=supply)
    assert (is_from_cache(read), is_from_cache(kept)) == (False, True)
    assert everything(kept) == everything(read)
    power = np.full((3, read.feeder.n_bus), 0.001) * read.feeder.bus.supplied
    assert kept.solve(power, 0.2 * power).vm_pu.tobytes() == read.solve(power, 0.2 * power).vm_pu.tobytes()
    for table in ("bus", "line", "load", "ext_grid"):
        assert kept.feeder.net[table].equals(read.feeder.net[table])
        assert kept.feeder.source.net[table].equals(read.feeder.source.net[table])
    assert kept.feeder.net is kept.feeder.net


def test_a_run_and_a_check_are_the_same_from_the_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for name in ("read", "kept"):
        monkeypatch.setattr(solvers, "_solvers", {})
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            run = cosim.run(SCENARIO, out=folder / name)
        (flow,) = solvers._solvers.values()
        assert is_from_cache(flow) == (name == "kept")
        tables = {file.name: file.read_bytes() for file in (folder / name / "tables").glob("*.parquet")}
        problems = [str(problem) for problem in cosim.check(SCENARIO)]
        assert [str(each.message) for each in said] == problems
        net = run.network(at="2016-01-11T13:00:00Z")
        found.append((tables, dict(run.summary), problems, net.res_bus.vm_pu.tolist()))
    assert found[0] == found[1]
    assert len(found[0][2]) == 4  # limits, the rating, phases, the profile


def test_another_source_another_code_or_another_wish_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [is_from_cache(solver(folder)) for _ in range(2)] == [False, True]
    assert not is_from_cache(solver(folder, run_control=True))
    assert not is_from_cache(solver(folder, supply=SupplyConfig(bus=1)))
    monkeypatch.setattr("cosim.grid.kept_feeder._code", lambda: b"changed")
    assert not is_from_cache(solver(folder))
    monkeypatch.undo()
    monkeypatch.setenv("COSIM_CACHE_DIR", str(folder / "cache"))
    net = doubtful_net()
    net.line.length_km *= 2
    pp.to_json(net, str(folder / "net.json"))
    changed = solver(folder)
    assert not is_from_cache(changed)
    assert changed.feeder.line.length_km.tolist() == [0.2] * 3


def damaged(file: Path) -> bytes:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    return bytes(content)


@pytest.mark.fast_cases("damaged")
@pytest.mark.parametrize("damage", [damaged, lambda file: b"", lambda file: file.read_bytes()[:-9]])
def test_what_is_damaged_or_not_the_users_own_is_read_anew(
    folder: Path, damage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = everything(solver(folder))
    (file,) = (folder / "cache" / "feeders").iterdir()
    file.write_bytes(damage(file))
    again = solver(folder)
    assert not is_from_cache(again)
    assert everything(again) == expected
    assert is_from_cache(solver(folder))  # it was made anew
    monkeypatch.setattr(os, "getuid", lambda: -2)
    assert not is_from_cache(solver(folder))


def test_without_a_place_for_it_nothing_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_text("no folder")
    monkeypatch.setenv("COSIM_CACHE_DIR", str(folder / "file"))
    assert [is_from_cache(solver(folder)) for _ in range(2)] == [False, False]


def test_what_runpp_solves_or_brings_its_own_series_is_not_kept(folder: Path) -> None:
    net = doubtful_net()
    pp.create_gen(net, 4, p_mw=0.001)
    pp.to_json(net, str(folder / "net.json"))
    assert solver(folder).slow_because
    assert not is_from_cache(solver(folder))


def test_the_oldest_are_forgotten(folder: Path) -> None:
    for number in range(4):
        kept_values.write(folder / "some" / str(number), ("a", number))
        os.utime(folder / "some" / str(number), (number, number))
    kept_values.forget_oldest(folder / "some", 2)
    assert sorted(file.name for file in (folder / "some").iterdir()) == ["2", "3"]
    assert kept_values.read(folder / "some" / "3", tuple[str, int]) == ("a", 3)


@pytest.mark.slow
def test_a_run_on_a_feeder_from_the_cache_imports_neither_pandapower_nor_pandas_nor_numba(
    tmp_path: Path,
) -> None:
    """What a short run would spend most of its time with."""
    program = f"""
import sys
import cosim
cosim.run("small_street", {{"time.duration_h": 2, "report.figures": False, "grid.network": "{BUILT_IN}"}})
print(sorted({{"pandapower", "pandas", "numba", "scipy", "pyarrow.compute"}} & sys.modules.keys()))
"""
    environment = os.environ | {"COSIM_CACHE_DIR": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
        )
    assert done.stdout == "[]\n"
