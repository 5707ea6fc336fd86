"""Which controllers act where the scenario asks for it, and what is refused of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandapower as pp
import pandapower.networks as nw
import pandas as pd
import pytest
from pandapower.control import ConstControl, ContinuousTapControl, DiscreteTapControl
from pandapower.timeseries import DFData

from cosim.core.errors import InputError, Problem
from cosim.grid.feeder import feeder_from_net
from cosim.grid.grid_source import GridSource, source_of
from cosim.grid.intake import take_in
from cosim.grid.power_flow import PowerFlow
from cosim.grid.safe_json import read_file
from cosim.grid.schema import NetworkConfig
from tests.unit.old_formats import old_file


def net() -> pp.pandapowerNet:
    made = nw.create_kerber_landnetz_kabel_1()
    made.trafo["tap_changer_type"], made.trafo["tap_side"] = "Ratio", "hv"
    made.trafo["tap_neutral"], made.trafo["tap_pos"] = 0.0, 0.0
    made.trafo["tap_min"], made.trafo["tap_max"], made.trafo["tap_step_percent"] = -2.0, 2.0, 2.5
    return made


def changed(folder: Path, **state: Any) -> GridSource:
    """A file with one tap controller, some of its attributes changed."""
    made = net()
    DiscreteTapControl(made, int(made.trafo.index[0]), 0.99, 1.01)
    document = json.loads(pp.to_json(made))
    entry = document["_object"]["controller"]
    body = json.loads(entry["_object"])
    cell = body["data"][0][body["columns"].index("object")]
    for key, value in state.items():
        if key.startswith("_"):
            cell[key] = value
        else:
            cell["_object"] = json.dumps(json.loads(cell["_object"]) | {key: value})
    entry["_object"] = json.dumps(body)
    (folder / "n.json").write_text(json.dumps(document))
    return read_file(folder / "n.json")


def refused(source: GridSource) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        take_in(source, run_control=True)
    return caught.value.problems


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"element_index": 77}, "exactly one transformer"),
        ({"element_index": [0, 1]}, "exactly one transformer"),
        ({"element_index": None}, "exactly one transformer"),
        ({"element": "line"}, "something other than a transformer"),
        ({"side": "mv"}, "no side mv"),
        ({"side": ["lv"]}, "no side"),
        ({"vm_lower_pu": None}, "vm_lower_pu is not a finite number"),
        ({"vm_upper_pu": "1.01"}, "vm_upper_pu is not a finite number"),
        ({"vm_lower_pu": 1.2}, "above vm_upper_pu"),
        ({"tol": -1.0}, "negative"),
        ({"tol": float("inf")}, "tol is not a finite number"),
        ({"_class": "StationController"}, "and not StationController"),
        ({"_module": "mine.trafo"}, "and not DiscreteTapControl"),
    ],
)
@pytest.mark.fast_cases("state5-no side", "state8-above vm_upper_pu")
def test_what_cannot_act_is_refused_where_it_is_asked_for(
    tmp_path: Path, state: dict[str, Any], words: str
) -> None:
    source = changed(tmp_path, **state)
    (problem,) = refused(source)
    assert words in problem.message
    assert problem.path == "controller.0"
    assert len(take_in(source).warnings) == 1  # left out otherwise, by name


@pytest.mark.parametrize(
    "column", ["tap_neutral", "tap_min", "tap_max", "tap_step_percent", "tap_changer_type"]
)
def test_a_tap_changer_that_would_not_move_is_refused(column: str) -> None:
    made = net()
    ContinuousTapControl(made, int(made.trafo.index[0]), 1.0)
    made.trafo[column] = None
    assert column in " ".join(problem.message for problem in refused(source_of(made)))


def test_nothing_that_a_file_names_is_imported(tmp_path: Path) -> None:
    (tmp_path / "evil_module.py").write_text("raise SystemExit('imported')\n")
    source = changed(tmp_path, _module="evil_module", _class="DiscreteTapControl")
    refused(source)
    assert "evil_module" not in sys.modules


def test_a_controller_that_writes_profiles_is_refused() -> None:
    made = net()
    ConstControl(made, "load", "p_mw", [0], data_source=DFData(pd.DataFrame({0: [0.1]})), profile_name=[0])
    (problem,) = refused(source_of(made))
    assert "DiscreteTapControl and ContinuousTapControl" in problem.message
    assert "not ConstControl" in problem.message
    made.controller["in_service"] = False
    taken = take_in(source_of(made), run_control=True)
    assert [problem.path for problem in taken.warnings] == ["grid.run_control"]


def test_a_network_without_controllers_says_that_none_acts() -> None:
    (warning,) = take_in(source_of(net()), run_control=True).warnings
    assert "no controller in service" in warning.message


def test_a_controller_of_version_2_acts(tmp_path: Path) -> None:
    (control,) = take_in(read_file(old_file("2.14.0", tmp_path)), run_control=True).controls
    assert (control.name, control.element, control.index, control.position) == (
        "DiscreteTapControl",
        "trafo",
        1,
        -2,
    )
    assert dict(control.settings) == {"side": "lv", "tol": 0.001, "vm_lower_pu": 1.01, "vm_upper_pu": 1.04}


def test_an_interval_does_not_depend_on_those_before_it() -> None:
    made = net()
    DiscreteTapControl(made, int(made.trafo.index[0]), 0.98, 1.01)
    made.ext_grid["vm_pu"] = 1.04
    network = NetworkConfig.model_validate(
        {
            "name": "n",
            "title": "t",
            "origin": "o",
            "licence": "l",
            "source": {"kind": "json", "file": "n.json"},
        }
    )
    feeder = feeder_from_net(made, network, run_control=True)
    flow, fresh = PowerFlow(feeder), PowerFlow(feeder)
    p_mw = feeder.bus.supplied * [[0.001], [0.004], [0.0]]
    together = flow.solve(p_mw, 0 * p_mw)
    assert together.converged.all()
    for row in (2, 1, 0):
        alone = fresh.solve(p_mw[row : row + 1], 0 * p_mw[:1])
        assert alone.vm_pu.tolist() == together.vm_pu[row : row + 1].tolist()
    assert flow.slow_because == ("1 DiscreteTapControl (one more for each step of a tap)",)
