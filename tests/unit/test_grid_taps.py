"""Tap changers, whose fields count only together: applied in full, refused, or assumed with a warning."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest

from cosim.core.errors import InputError
from cosim.grid.grid_source import GridSource, source_of
from cosim.grid.intake import take_in
from cosim.grid.safe_json import read_file

grid = functools.cache(nw.create_cigre_network_lv)
COMPLETE = {
    "tap_side": "hv",
    "tap_neutral": 0.0,
    "tap_min": -2.0,
    "tap_max": 2.0,
    "tap_step_percent": 2.5,
    "tap_step_degree": 0.0,
    "tap_pos": 2.0,
    "tap_changer_type": "Ratio",
}


NEUTRAL = {"tap_pos": 0.0, "tap_neutral": 0.0, "tap_changer_type": "Ratio", "tap_side": "hv"}
"""Fields of the other transformers, whose taps stand in the middle."""


def tapped(prefix: str = "tap", **fields: Any) -> pp.pandapowerNet:
    """A feeder whose transformer has these fields of a tap changer over complete ones."""
    net = copy.deepcopy(grid())
    for field, value in (COMPLETE | fields).items():
        net.trafo[field.replace("tap", prefix, 1)] = [value] + [NEUTRAL.get(field, value)] * 2
    return net


def voltages(net: pp.pandapowerNet) -> Any:
    """What plain pandapower makes of a net."""
    pp.runpp(net, tolerance_mva=1e-11, numba=False)
    return net.res_bus.vm_pu.to_numpy()


@pytest.mark.parametrize("side", ["hv", "lv"])
@pytest.mark.parametrize("pos", [-2.0, 1.0])
@pytest.mark.parametrize("prefix", ["tap", "tap2"])
@pytest.mark.fast_cases("tap--2.0-hv", "tap2-1.0-lv")
def test_a_position_without_a_type_is_applied_as_a_ratio(side: str, pos: float, prefix: str) -> None:
    net = tapped(prefix, tap_changer_type=None, tap_side=side, tap_pos=pos)
    taken = take_in(source_of(net))
    (warning,) = taken.warnings
    assert warning.path == f"trafo.0.{prefix}_pos"
    assert "applied as 'Ratio'" in warning.message
    expected = voltages(tapped(prefix, tap_side=side, tap_pos=pos))
    np.testing.assert_array_equal(voltages(taken.net), expected)
    assert np.abs(voltages(net) - expected).max() > 0.01  # pandapower leaves the tap out without a word


def test_the_type_need_not_even_be_a_column() -> None:
    net = tapped()
    net.trafo = net.trafo.drop(columns="tap_changer_type")
    np.testing.assert_array_equal(voltages(take_in(source_of(net)).net), voltages(tapped()))


def test_a_source_that_knows_its_ratios_assumes_nothing() -> None:
    taken = take_in(GridSource(tapped(tap_changer_type=None), knows_ratio=True))
    assert taken.warnings == ()
    np.testing.assert_array_equal(voltages(taken.net), voltages(tapped()))


@pytest.mark.parametrize(
    "fields",
    [
        {"tap_phase_shifter": True, "tap_step_degree": 5.0, "tap_step_percent": 0.0},
        {"tap_phase_shifter": False, "tap_step_degree": 5.0, "tap_step_percent": np.nan},
        {"tap_phase_shifter": True, "tap_step_degree": np.nan, "tap_step_percent": 4.0},
    ],
)
def test_phase_shifters_without_a_type(fields: dict[str, Any]) -> None:
    taken = take_in(source_of(tapped(tap_changer_type=None, **fields)))
    assert "applied as 'Ideal'" in taken.warnings[0].message
    del fields["tap_phase_shifter"]
    np.testing.assert_array_equal(voltages(taken.net), voltages(tapped(tap_changer_type="Ideal", **fields)))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tap_changer_type": None},
        {"tap_neutral": 1.0},
        {"tap_side": "lv"},
        {"tap_changer_type": "Symmetrical", "tap_step_degree": 90.0},
    ],
)
def test_a_missing_position_is_the_neutral_one(fields: dict[str, Any]) -> None:
    taken = take_in(source_of(tapped(tap_pos=np.nan, **fields)))
    (warning,) = taken.warnings
    assert warning.path == "trafo.0.tap_pos"
    assert "neutral position is taken" in warning.message
    neutral = float(fields.get("tap_neutral", 0.0))
    assert taken.net.trafo.tap_pos[0] == neutral
    np.testing.assert_array_equal(voltages(taken.net), voltages(tapped(tap_pos=neutral, **fields)))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"tap_neutral": np.nan}, "without tap_neutral"),
        ({"tap_side": None}, "without tap_side"),
        ({"tap_step_percent": np.nan}, "without tap_step_percent"),
        ({"tap_step_percent": 0.0}, "without tap_step_percent"),
        ({"tap_side": None, "tap_neutral": np.nan}, "without tap_neutral and tap_side"),
        ({"tap_changer_type": None, "tap_side": None}, "without tap_side"),
        ({"tap_changer_type": None, "tap_neutral": np.nan}, "without tap_neutral"),
        ({"tap_changer_type": "Ideal", "tap_step_degree": 5.0}, "not both"),
        ({"tap_changer_type": "Tabular"}, "follows a table"),
        ({"tap_dependency_table": True, "id_characteristic_table": 3}, "is missing from"),
        ({"tap_dependency_table": True, "id_characteristic_table": None}, "is missing from"),
    ],
)
def test_what_has_no_meaning_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        take_in(source_of(tapped(**fields)))
    assert caught.value.problems[0].path.startswith("trafo.0.tap_")


@pytest.mark.parametrize(
    "fields", [{"tap_side": None}, {"tap_step_percent": np.nan}, {"tap_changer_type": None}]
)
def test_at_the_neutral_position_nothing_is_missing(fields: dict[str, Any]) -> None:
    net = tapped(tap_pos=0.0, **fields)
    taken = take_in(source_of(net))
    assert taken.warnings == ()
    np.testing.assert_array_equal(voltages(taken.net), voltages(net))


def three_winding(**fields: Any) -> pp.pandapowerNet:
    """A small grid with a three-winding transformer."""
    net = pp.create_empty_network()
    buses = [pp.create_bus(net, vn_kv) for vn_kv in (110.0, 20.0, 10.0)]
    pp.create_ext_grid(net, buses[0])
    pp.create_transformer3w(net, *buses, std_type="63/25/38 MVA 110/20/10 kV")
    for bus in buses[1:]:
        pp.create_load(net, bus, p_mw=10, q_mvar=2)
    for field, value in fields.items():
        net.trafo3w[field] = [value]
    return net


@pytest.mark.parametrize("side", ["hv", "mv", "lv"])
@pytest.mark.parametrize("none", [None, "nan", False])  # as pandapower itself writes "none"
@pytest.mark.fast_cases("None-hv", "nan-mv")
def test_three_winding_transformers_likewise(side: str, none: Any) -> None:
    fields = {"tap_side": side, "tap_neutral": 0.0, "tap_pos": 3.0, "tap_step_percent": 1.2}
    taken = take_in(source_of(three_winding(tap_changer_type=none, **fields)))
    assert taken.warnings[0].path == "trafo3w.0.tap_pos"
    expected = voltages(three_winding(tap_changer_type="Ratio", **fields))
    np.testing.assert_array_equal(voltages(taken.net), expected)
    with pytest.raises(InputError, match="without tap_side"):
        take_in(source_of(three_winding(**fields | {"tap_side": None})))


def old_file(folder: Path, version: str, flags: dict[str, Any]) -> Path:
    """A file of a version before the type: the columns of that time, and the flag of a phase shifter."""
    net = tapped(**{key: value for key, value in flags.items() if key != "tap_phase_shifter"})
    document = json.loads(pp.to_json(net))
    entry = document["_object"]["trafo"]
    body = json.loads(entry["_object"])
    drop = [body["columns"].index(c) for c in ("tap_changer_type", "tap_dependency_table")]
    keep = [k for k in range(len(body["columns"])) if k not in drop]
    body["columns"] = [body["columns"][k] for k in keep] + ["tap_phase_shifter"]
    body["data"] = [[row[k] for k in keep] + [flags.get("tap_phase_shifter", False)] for row in body["data"]]
    entry["_object"] = json.dumps(body)
    document["_object"] |= {"version": version, "format_version": version}
    file = folder / "old.json"
    file.write_text(json.dumps(document))
    return file


@pytest.mark.parametrize("version", ["2.2.0", "2.8.0", "2.14.0"])
@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        ({}, "Ratio"),
        ({"tap_phase_shifter": True, "tap_step_percent": 0.0, "tap_step_degree": 4.0}, "Ideal"),
        ({"tap_phase_shifter": True, "tap_step_percent": 4.0, "tap_step_degree": np.nan}, "Ideal"),
    ],
)
@pytest.mark.fast_cases("flags0-Ratio-2.2.0", "flags2-Ideal-2.14.0")
def test_files_from_before_the_type(tmp_path: Path, version: str, flags: dict[str, Any], kind: str) -> None:
    taken = take_in(read_file(old_file(tmp_path, version, flags)))
    assert taken.net.trafo.tap_changer_type[0] == kind
    fields = {key: value for key, value in flags.items() if key != "tap_phase_shifter"}
    np.testing.assert_allclose(
        voltages(taken.net), voltages(tapped(**fields | {"tap_changer_type": kind})), rtol=0, atol=1e-12
    )
