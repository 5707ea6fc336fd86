"""The reader of pandapower JSON files takes tables of plain values and nothing else, and runs nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest

from cosim.core.errors import InputError
from cosim.grid import safe_json
from cosim.grid.intake import take_in
from cosim.grid.safe_json import read_net

Document = dict[str, Any]


@pytest.fixture(scope="module")
def harmless() -> str:
    """A harmless file."""
    return str(pp.to_json(nw.create_cigre_network_lv()))


@pytest.fixture
def document(harmless: str) -> Document:
    """The harmless file, parsed."""
    parsed: Document = json.loads(harmless)
    return parsed


def write(folder: Path, document: Any) -> Path:
    """A file that holds `document`."""
    file = folder / "net.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return file


def refused(folder: Path, document: Any) -> str:
    """What the reader says to `document`."""
    with pytest.raises(InputError) as caught:
        read_net(write(folder, document))
    for problem in caught.value.problems:
        assert problem.file.endswith("net.json")
        assert problem.remedy
    return str(caught.value)


def cell(document: Document, table: str, row: int, column: int, value: Any) -> None:
    """Put `value` into one cell of a table."""
    body = json.loads(document["_object"][table]["_object"])
    body["data"][row][column] = value
    document["_object"][table]["_object"] = json.dumps(body)


def test_a_harmless_file_gives_the_same_net_as_pandapower(tmp_path: Path) -> None:
    source = nw.create_cigre_network_lv()
    file = tmp_path / "net.json"
    pp.to_json(source, str(file))
    net = read_net(file)
    pp.runpp(source, numba=False)
    pp.runpp(net, numba=False)
    np.testing.assert_allclose(net.res_bus.vm_pu, source.res_bus.vm_pu, rtol=0, atol=1e-13)
    np.testing.assert_allclose(net.res_trafo.loading_percent, source.res_trafo.loading_percent, atol=1e-10)
    assert net.bus.index.tolist() == source.bus.index.tolist()
    assert net.bus.geo.tolist() == source.bus.geo.tolist()


def test_a_file_with_results_is_taken_without_them(tmp_path: Path) -> None:
    source = nw.create_kerber_landnetz_kabel_1()
    pp.runpp(source, numba=False)
    file = tmp_path / "net.json"
    pp.to_json(source, str(file))
    assert len(read_net(file).res_bus) == 0


SYSTEM = {"_module": "os", "_class": "function", "_object": "system"}


def put_function(d: Document) -> None:
    """``os.system`` as a value of the net."""
    d["_object"]["name"] = SYSTEM


def put_function_in_cell(d: Document) -> None:
    """``os.system`` in a cell."""
    cell(d, "bus", 3, 0, SYSTEM)


def put_nested_text(d: Document) -> None:
    """``os.system`` in a text within a text in a cell."""
    cell(d, "bus", 3, 0, json.dumps([json.dumps(SYSTEM)]))


def put_module(d: Document) -> None:
    """A module that would be imported."""
    d["_object"]["bus"]["_module"] = "antigravity"


def put_pickle(d: Document) -> None:
    """A class that unpickles."""
    d["_object"]["pickled"] = {"_module": "pickle", "_class": "loads", "_object": "gASVHw=="}


def put_local_file(d: Document) -> None:
    """A table that names a file of this machine."""
    d["_object"]["bus"]["_object"] = "/etc/hosts.json"


def put_solver_options(d: Document) -> None:
    """Options that would change the power flow."""
    d["_object"]["user_pf_options"] = {"max_iteration": 1}


def put_controller(d: Document) -> None:
    """A controller, which is an object with methods."""
    body = {"columns": ["object"], "index": [0], "data": [[{"_module": "m", "_class": "C"}]]}
    d["_object"]["controller"]["_object"] = json.dumps(body)


def put_unknown_key(d: Document) -> None:
    """Something a net does not have."""
    d["_object"]["run_this"] = {"a": 1}


def put_read_option(d: Document) -> None:
    """An argument for pandas."""
    d["_object"]["bus"]["storage_options"] = {"anon": True}


def put_type(d: Document) -> None:
    """A type that is none."""
    d["_object"]["bus"]["dtype"]["vn_kv"] = "datetime64[ns]"


def put_series(d: Document) -> None:
    """Another class that pandapower would build."""
    d["_object"]["line"]["_class"] = "Series"


def put_deep_text(d: Document) -> None:
    """Texts within texts within texts ..."""
    text: Any = SYSTEM
    for _ in range(7):
        text = json.dumps([text])
    cell(d, "bus", 0, 0, text)


def put_object_in_standard_types(d: Document) -> None:
    """``os.system`` among the standard types."""
    d["_object"]["std_types"]["line"]["x"] = SYSTEM


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (put_function, "_object.name"),
        (put_function_in_cell, "_object.bus._object.data[3][0]"),
        (put_nested_text, "_object.bus._object.data[3][0]"),
        (put_module, "_object.bus"),
        (put_local_file, "_object.bus._object"),
        (put_read_option, "_object.bus.storage_options"),
        (put_type, "_object.bus.dtype"),
        (put_series, "_object.line"),
        (put_deep_text, "_object.bus._object.data[0][0]"),
        (put_object_in_standard_types, "_object.std_types.line.x"),
    ],
)
def test_refusals_say_where(
    tmp_path: Path, document: Document, spoil: Callable[[Document], None], where: str
) -> None:
    spoil(document)
    loaded = set(sys.modules)
    assert where in refused(tmp_path, document)
    assert "antigravity" not in set(sys.modules) - loaded


def test_every_problem_at_once(tmp_path: Path, document: Document) -> None:
    put_series(document)
    put_function_in_cell(document)
    put_object_in_standard_types(document)
    put_function(document)
    message = refused(tmp_path, document)
    assert all(key in message for key in ("line", "bus", "std_types", "name"))


def put_imported_object(d: Document) -> None:
    """A class of a module that would be imported, under a key of its own."""
    d["_object"]["my_settings"] = {"_module": "antigravity", "_class": "Flight", "_object": {"x": 1}}


def put_private_key(d: Document) -> None:
    """Something that pandapower keeps to itself."""
    d["_object"]["_secret"] = {"_module": "os", "_class": "function", "_object": "system"}


@pytest.mark.parametrize(
    ("add", "name", "detail"),
    [
        (put_pickle, "unknown keys", "pickled"),
        (put_unknown_key, "unknown keys", "run_this"),
        (put_imported_object, "unknown keys", "my_settings"),
        (put_private_key, "unknown keys", "_secret"),
        (put_solver_options, "user_pf_options", "max_iteration = 1"),
        (put_controller, "controller", "1 C"),
    ],
)
@pytest.mark.fast_cases("put_pickle-unknown keys-pickled", "put_controller-controller-1 C")
def test_what_no_power_flow_needs_stays_text_and_is_left_out_by_name(
    tmp_path: Path, document: Document, add: Callable[[Document], None], name: str, detail: str
) -> None:
    plain = read_net(write(tmp_path, document))
    add(document)
    loaded = set(sys.modules)
    source = safe_json.read_file(write(tmp_path, document))
    assert "antigravity" not in set(sys.modules) - loaded
    assert [(each.name, each.count, each.detail) for each in source.left_out] == [(name, 1, detail)]
    assert source.net.keys() == plain.keys()
    assert len(source.net.controller) == 0
    assert source.net.user_pf_options == {}
    (said,) = take_in(source).warnings
    assert detail in said.message
    assert "left out" in said.message


def test_a_key_that_is_there_twice(tmp_path: Path, document: Document) -> None:
    text = json.dumps(document)
    assert "'load' is given twice" in refused(tmp_path, text.replace('"load":', '"load": {}, "load":', 1))
    body = document["_object"]["line"]["_object"]
    document["_object"]["line"]["_object"] = body.replace('"data":', '"data": [], "data":', 1)
    assert "'data' is given twice" in refused(tmp_path, document)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ('{"_object": "bus', "not JSON: Unterminated string. Save"),
        ('{\n"_class": \n oops}', ":3"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ("[1, 2]", "not a pandapower grid"),
        ('{"_module": "os", "_class": "function", "_object": "system"}', "not a pandapower grid"),
        ('{"_module": "os", "_class": "pandapowerNet", "_object": {"bus": 1}}', "only a pandapowerNet"),
        ("9" * 10_000, "not JSON"),
    ],
)
def test_what_is_no_grid_at_all(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(tmp_path, text)


def test_nesting_inside_a_cell(tmp_path: Path, document: Document) -> None:
    cell(document, "bus", 0, 0, "[" * 100_000)
    assert "nested too deeply" in refused(tmp_path, document)
    cell(document, "bus", 0, 0, json.loads("[" * 60 + "]" * 60))
    assert "nested too deeply" in refused(tmp_path, document)


def test_size_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_json, "MAX_BYTES", 1_000_000)
    assert "larger than 1 MB" in refused(tmp_path, " " * 1_000_001)


def test_no_text_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "net.json").write_bytes(b"\x80\x04\x95pickle")
    with pytest.raises(InputError, match="not UTF-8"):
        read_net(tmp_path / "net.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_net(tmp_path / "absent.json")


def test_tables_that_contradict_themselves(tmp_path: Path, document: Document) -> None:
    body = json.loads(document["_object"]["bus"]["_object"])
    short = dict(body, index=body["index"][:-1])
    document["_object"]["bus"]["_object"] = json.dumps(short)
    assert "do not fit" in refused(tmp_path, document)
    twice = dict(body, index=[body["index"][0], *body["index"][:-1]])
    document["_object"]["bus"]["_object"] = json.dumps(twice)
    assert "twice" in refused(tmp_path, document)
    document["_object"]["bus"]["_object"] = json.dumps(body)
    cell(document, "line", 0, 4, "long")
    assert "line.0.length_km" in refused(tmp_path, document)
    document["_object"]["sn_mva"] = "1"
    assert "sn_mva" in refused(tmp_path, document)
