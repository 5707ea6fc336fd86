"""A network of one's own: nothing is said of a clean one, one line of what is left out, the verdict first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandapower as pp
import pytest

NETWORK = "name: n\ntitle: t\norigin: o\nlicence: l\nsource: {kind: json, file: n.json}\n"


def save(folder: Path, **limits: float) -> None:
    """A line with two loads, a generator and a storage."""
    net = pp.create_empty_network()
    for k in range(3):
        pp.create_bus(net, 0.4, name=f"b{k}", **limits)
    pp.create_ext_grid(net, 0)
    for k in (0, 1):
        pp.create_line(net, k, k + 1, 0.2, "NAYY 4x150 SE", name=f"l{k}")
        pp.create_load(net, k + 1, 0.01)
    pp.create_sgen(net, 2, 0.002)
    pp.create_storage(net, 2, 0.004, max_e_mwh=0.01)
    pp.to_json(net, str(folder / "n.json"))
    (folder / "n.yaml").write_text(NETWORK)


def grid(keys: str = "") -> tuple[str, str]:
    """Replaces the last line of the good scenario by one with a grid."""
    return "report: {figures: false}", f"report: {{figures: false}}\ngrid: {{network: n.yaml{keys}}}"


HOMES = ("households: 3", "households: 2")


def test_a_clean_network_is_run_without_a_warning(cosim: Callable, write: Callable, folder: Path) -> None:
    save(folder)
    ended = cosim("run", write(HOMES, grid()), "--out", "r")
    assert ended.code == 0, ended.err
    assert ended.problems == []
    verdict = ended.out.splitlines()[0]
    kept = "The feeder kept its limits in all 4 power-flow intervals of 1 h; nearest to a limit: "
    assert verdict.startswith(kept)
    for name in ("run.json", "summary.json"):
        assert json.loads((folder / "r" / name).read_text())["verdict"] == verdict


@pytest.mark.parametrize("command", ["check", "run"])
def test_what_is_left_out_is_one_line_in_check_and_in_run(
    cosim: Callable, write: Callable, folder: Path, command: str
) -> None:
    save(folder)
    source = write(HOMES, grid(", background: none"))
    ended = cosim(command, source, *(["--out", "r"] if command == "run" else []))
    assert ended.code == 0, ended.err
    (line,) = ended.problems
    assert (
        "2 elements of the grid's data (6 kW) are not in the run: 1 static generator of 2 kW left out" in line
    )


def test_a_run_outside_its_limits_says_so_first(cosim: Callable, write: Callable, folder: Path) -> None:
    save(folder, min_vm_pu=0.999)
    ended = cosim("run", write(HOMES, grid(", verify_power_flow: 1")), "--out", "r")
    assert ended.code == 0, ended.err
    first = ended.out.splitlines()[0]
    assert first.startswith(
        "The feeder was outside its limits in 4 of 4 power-flow intervals of 1 h (100 %, 4 h): voltage "
    )
    assert " pu, limit 0.9990 pu) on " in first
