"""Tap controllers that act, against plain `pp.runpp(net, run_control=True)` on the unchanged net."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest
from pandapower.control import ContinuousTapControl, DiscreteTapControl

import cosim
from cosim.config.yaml_reader import Document
from cosim.engine.load import LoadedScenario
from cosim.engine.run import run_scenario
from cosim.engine.scenario import Scenario
from cosim.results.store import read_table

Change = Callable[[pp.pandapowerNet], Any]


def feeder() -> pp.pandapowerNet:
    """The medium-voltage network of CIGRE with tap changers, its supply far above what is wanted."""
    net = nw.create_cigre_network_mv()
    net.ext_grid["vm_pu"] = 1.08
    taps = {"tap_changer_type": "Ratio", "tap_side": "hv", "tap_neutral": 0, "tap_min": -9, "tap_max": 9}
    for column, value in (taps | {"tap_step_percent": 1.5, "tap_step_degree": 0.0, "tap_pos": 0}).items():
        net.trafo[column] = value
    return net


def three_windings() -> pp.pandapowerNet:
    net = pp.create_empty_network()
    high, middle, low = (pp.create_bus(net, kv) for kv in (110, 20, 10))
    pp.create_ext_grid(net, high, vm_pu=1.02)
    pp.create_transformer3w(net, high, middle, low, "63/25/38 MVA 110/20/10 kV", tap_pos=0)
    pp.create_load(net, middle, 12.0, 4.0)
    pp.create_load(net, low, 9.0, 3.0)
    net.trafo3w["tap_changer_type"] = "Ratio"
    return net


def discrete(net: pp.pandapowerNet) -> None:
    DiscreteTapControl(net, 0, 0.99, 1.01)
    DiscreteTapControl(net, 1, 0.995, 1.015, level=1)


def with_set_point(net: pp.pandapowerNet) -> None:
    DiscreteTapControl.from_tap_step_percent(net, 0, 1.0)


def continuous(net: pp.pandapowerNet) -> None:
    ContinuousTapControl(net, 0, 1.0, tol=1e-6)
    ContinuousTapControl(net, 1, 1.01, tol=1e-4, check_tap_bounds=False)


def both_and_one_off(net: pp.pandapowerNet) -> None:
    DiscreteTapControl(net, 0, 0.99, 1.01)
    ContinuousTapControl(net, 1, 1.0, in_service=False)


def at_the_end(net: pp.pandapowerNet) -> None:
    net.trafo["tap_min"] = -2
    DiscreteTapControl(net, 0, 1.10, 1.12)


def middle_side(net: pp.pandapowerNet) -> None:
    ContinuousTapControl(net, 0, 1.01, side="mv", element="trafo3w", tol=1e-6)


CASES = [
    *((feeder, change) for change in (discrete, with_set_point, continuous, both_and_one_off, at_the_end)),
    (three_windings, middle_side),
]


def scenario(folder: Path, **grid: Any) -> LoadedScenario:
    content = {
        "name": "s",
        "time": {"step_s": 3600, "steps": 2},
        "grid": {"network": "n.json", "run_control": True, **grid},
        "report": {"figures": False},
    }
    return LoadedScenario(Scenario.model_validate(content), folder, "s.yaml", Document(content, "s.yaml"))


def apart(folder: Path, judge: pp.pandapowerNet) -> float:
    """Largest difference of any voltage in any interval."""
    table = read_table(folder, "bus_voltage")
    each = [rows.set_index("bus").vm_pu.loc[judge.bus.index] for _, rows in table.groupby("time")]
    assert len(each) == 2
    return max(float(np.nanmax(np.abs(found.to_numpy() - judge.res_bus.vm_pu.to_numpy()))) for found in each)


@pytest.mark.parametrize(("make", "change"), CASES)
@pytest.mark.slow
def test_taps_move_as_by_runpp(make: Callable[[], pp.pandapowerNet], change: Change, tmp_path: Path) -> None:
    net = make()
    change(net)
    pp.to_json(net, str(tmp_path / "n.json"))
    judge = copy.deepcopy(net)
    pp.runpp(judge, run_control=True, tolerance_mva=1e-11, numba=False)
    alone = copy.deepcopy(net)
    pp.runpp(alone, tolerance_mva=1e-11, numba=False)
    said: list[Any] = []
    outcome = run_scenario(scenario(tmp_path, verify_power_flow=2), tmp_path / "run", warn=said.extend)
    assert apart(tmp_path / "run", judge) < 1e-9
    assert apart(tmp_path / "run", alone) > 1e-3
    assert outcome.summary["verified_voltage_difference_max_pu"] < 1e-9
    assert set(read_table(tmp_path / "run", "power_flow")["route"]) == {"runpp"}
    assert not any("left out" in str(problem) for problem in said)
    account = read_table(tmp_path / "run", "source_elements")
    assert set(account[account.table == "controller"].fate) == {"kept"}


def test_without_the_key_controllers_are_left_out_by_name(tmp_path: Path) -> None:
    net = feeder()
    discrete(net)
    pp.to_json(net, str(tmp_path / "n.json"))
    judge = copy.deepcopy(net)
    pp.runpp(judge, tolerance_mva=1e-11, numba=False)
    said: list[Any] = []
    run_scenario(scenario(tmp_path, run_control=False), tmp_path / "run", warn=said.extend)
    assert apart(tmp_path / "run", judge) < 1e-9
    assert [problem for problem in said if "2 controllers left out (2 DiscreteTapControl)" in problem.message]


@pytest.mark.slow
def test_a_net_given_in_python_and_got_back_has_its_taps_moved() -> None:
    net = feeder()
    discrete(net)
    judge = copy.deepcopy(net)
    pp.runpp(judge, run_control=True, tolerance_mva=1e-11, numba=False)
    content = {"name": "s", "time": {"step_s": 3600, "steps": 2}, "report": {"figures": False}}
    with pytest.warns(UserWarning, match="because of 2 DiscreteTapControl"):
        run = cosim.run(content | {"grid": {"network": net, "run_control": True}})
    back = run.network(at=1)
    assert back.trafo.tap_pos.tolist() == judge.trafo.tap_pos.tolist() != net.trafo.tap_pos.tolist()
    assert np.abs(back.res_bus.vm_pu - judge.res_bus.vm_pu).max() < 1e-9
