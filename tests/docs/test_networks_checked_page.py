"""docs/networks_checked.md holds: networks saved and named directly are solved as by `runpp`."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pandapower as pp
import pandapower.networks as nw
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("networks_checked", DOCS / "networks_checked.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["networks_checked"] = module
    spec.loader.exec_module(module)
    return module


def page_rows() -> dict[str, list[str]]:
    """Cells of each row of the page, by network."""
    text = (DOCS / "networks_checked.md").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line.startswith("| `"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_page_has_every_network_and_none_that_differs(script: ModuleType) -> None:
    rows = page_rows()
    assert set(rows) == set(script.networks())
    assert len(rows) > 70
    for name, (_, route, *differences, said) in rows.items():
        if route in ("zbus", "runpp"):
            for found, limit in zip(differences, (-9, -6, -6), strict=True):
                assert found == "0" or int(found.removeprefix("1e")) <= limit, name
        else:
            assert re.search("not solved by runpp either|refused: ", said), name


def test_how_many_are_solved_and_how_is_what_the_rows_say() -> None:
    said = " ".join((DOCS / "networks_checked.md").read_text(encoding="utf-8").split())
    routes = [row[1] for row in page_rows().values()]
    fast, slow = routes.count("zbus"), routes.count("runpp")
    assert f"in {fast + slow} of {len(routes)} networks: {fast} by the fast fixed point, {slow} by" in said


KINDS = {
    "create_kerber_landnetz_kabel_1": "zbus",
    "create_cigre_network_mv": "zbus",
    "mv_oberrhein": "zbus",
    "ieee_european_lv_asymmetric": "zbus",
    "example_multivoltage": "runpp",
    "case118": "runpp",
    "case145": "runpp",
    "create_cigre_network_hv": "runpp",
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.fast_cases("create_cigre_network_hv")
def test_networks_of_each_kind(script: ModuleType, name: str, tmp_path: Path) -> None:
    row = script.checked(name, script.networks()[name], tmp_path)
    assert row.route == KINDS[name]
    assert row.agrees, row


def shifted_load() -> Any:
    """A network that loses a load on the way to its file."""
    net = nw.create_cigre_network_lv()
    net.load.loc[0, "p_mw"] += 1e-4
    return net


def test_a_network_that_differs_is_found(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = pp.to_json
    monkeypatch.setattr(script.pp, "to_json", lambda net, file: write(nw.create_cigre_network_lv(), file))
    row = script.checked("shifted", shifted_load, tmp_path)
    assert row.route == "zbus"
    assert not row.agrees


@pytest.mark.slow
def test_every_network(script: ModuleType) -> None:
    for row in script.check_all([]):
        assert row.agrees or (not row.route and row.said), row
