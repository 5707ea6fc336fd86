"""Files of older pandapower versions are read as pandapower reads them; and a file's time series."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pandas as pd
import pytest

from cosim.core.errors import InputError
from cosim.grid.intake import take_in
from cosim.grid.safe_json import read_file
from tests.unit.old_formats import old_file
from tests.unit.old_grid import VERSIONS, grid


def solved(net: pp.pandapowerNet) -> pp.pandapowerNet:
    """The net with results."""
    net.user_pf_options = {}
    pp.runpp(net, tolerance_mva=1e-11, numba=False)
    return net


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.fast_cases("1.2.0", "2.14.0")
def test_old_files_give_what_pandapower_makes_of_them(version: str, tmp_path: Path) -> None:
    file = old_file(version, tmp_path)
    taken = take_in(read_file(file))
    ours, judge = solved(taken.net), solved(pp.from_json(str(file)))
    for table in ("bus", "line", "trafo", "trafo3w"):
        column = "vm_pu" if table == "bus" else "loading_percent"
        expected = judge[f"res_{table}"][column].sort_index()
        np.testing.assert_allclose(ours[f"res_{table}"][column].sort_index(), expected, rtol=0, atol=1e-9)
    written = grid(version)  # the judge itself, and with it the file, give the grid that was to be written
    np.testing.assert_allclose(judge.res_bus.vm_pu.sort_index(), written.res_bus.vm_pu, rtol=0, atol=1e-9)
    assert [each.name for each in taken.left_out] == (["controller"] if version == "2.14.0" else [])
    assert len(taken.warnings) == len(taken.left_out)
    assert all("DiscreteTapControl" in warning.message for warning in taken.warnings)


def tap_at(position: float, folder: Path) -> Path:
    """The file of 2.14 with its transformer at another tap position; its characteristic has -2, 0 and 2."""
    document = json.loads(old_file("2.14.0", folder).read_text())
    entry = document["_object"]["trafo"]
    body = json.loads(entry["_object"])
    body["data"][1][body["columns"].index("tap_pos")] = position
    entry["_object"] = json.dumps(body)
    file = folder / "moved.json"
    file.write_text(json.dumps(document))
    return file


@pytest.mark.parametrize(("position", "vk_percent"), [(-2, 3.5), (0, 4.0), (2, 4.5)])
def test_a_characteristic_is_read_at_its_points(position: int, vk_percent: float, tmp_path: Path) -> None:
    assert read_file(tap_at(position, tmp_path)).net.trafo.vk_percent[1] == vk_percent


@pytest.mark.parametrize("position", [-1, 1, 0.5, 7])
@pytest.mark.fast_cases("0.5")
def test_between_its_points_it_is_refused(position: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no point at the tap position") as caught:
        read_file(tap_at(position, tmp_path))
    assert caught.value.problems[0].path == "trafo.1.vk_percent"


@pytest.mark.parametrize("version", [None, 7, "four", "99.0.0", True])
def test_a_version_that_nobody_knows(version: Any, tmp_path: Path) -> None:
    document = json.loads(old_file("2.14.0", tmp_path).read_text())
    document["_object"] |= {"version": version, "format_version": version}
    (tmp_path / "old.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="format"):
        read_file(tmp_path / "old.json")


def with_profiles(profiles: dict[str, Any], file: Path) -> Path:
    """A grid that brings profiles, as `simbench` leaves them in its nets, saved by pandapower."""
    net = pp.create_empty_network()
    pp.create_bus(net, 0.4)
    pp.create_ext_grid(net, 0)
    net["profiles"] = profiles
    net["loadcases"] = pd.DataFrame({"pload": [1.0]}, index=["hL"])
    pp.to_json(net, str(file))
    return file


def test_profiles_of_a_file_come_as_they_are(tmp_path: Path) -> None:
    time = [f"01.01.2016 00:{minute:02}" for minute in (0, 15, 30, 45)]
    load = pd.DataFrame({"time": time, "H0-A_pload": [0.1, 0.25, 1 / 3, 1.0], "H0-A_qload": [0, 1, 0, 1]})
    empty = pd.DataFrame({"time": time})
    source = take_in(read_file(with_profiles({"load": load, "powerplants": empty}, tmp_path / "n.json")))
    assert source.profiles is not None
    pd.testing.assert_frame_equal(source.profiles["load"], load)
    pd.testing.assert_frame_equal(source.profiles["powerplants"], empty)
    assert source.warnings == ()


@pytest.mark.parametrize("value", ["0.5", None, float("inf"), True])
def test_profiles_hold_numbers(value: Any, tmp_path: Path) -> None:
    load = pd.DataFrame({"time": ["a", "b"], "H0-A_pload": [0.1, 0.2]})
    file = with_profiles({"load": load}, tmp_path / "n.json")
    document = json.loads(file.read_text())
    entry = document["_object"]["profiles"]["load"]
    body = json.loads(entry["_object"])
    body["data"][1][1] = value
    entry["_object"] = json.dumps(body)
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"profiles\.load\.H0-A_pload"):
        read_file(file)


def test_a_file_without_profiles_brings_none(tmp_path: Path) -> None:
    assert read_file(old_file("2.14.0", tmp_path)).profiles is None


@pytest.mark.parametrize("version", ["3.99.0", "4.0.0", "99.0.0.dev1"])
def test_a_newer_format_is_named_with_what_to_do(version: str, tmp_path: Path) -> None:
    document = json.loads(old_file("2.14.0", tmp_path).read_text())
    document["_object"] |= {"version": version, "format_version": version}
    (tmp_path / "new.json").write_text(json.dumps(document))
    with pytest.raises(
        InputError, match=f"its format {version} is newer than {pp.__format_version__}"
    ) as caught:
        read_file(tmp_path / "new.json")
    assert caught.value.problems[0].remedy == f"save the grid with pandapower {pp.__version__} or older"


def test_the_installed_format_is_read(tmp_path: Path) -> None:
    pp.to_json(nw.create_kerber_landnetz_freileitung_1(), str(tmp_path / "n.json"))
    document = json.loads((tmp_path / "n.json").read_text())
    assert document["_object"]["format_version"] == pp.__format_version__
    assert len(read_file(tmp_path / "n.json").net.bus) > 2
