"""Names that a run's directory, a summary or a file system needs for itself are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.core.errors import InputError
from cosim.engine.check import check_configuration
from cosim.engine.load import load_scenario

SCENARIO = """\
name: {scenario}
time: {{step_s: 3600, steps: 3}}
groups:
  - {{name: {group}, households: 2, cost: {{kind: separable, linear: 6, own_quadratic: 1, target: 0.5}}}}
  - {{name: others, households: 2, cost: {{kind: separable, linear: 6, own_quadratic: 1, target: 0.5}}, load: {{kind: csv, file: {file}}}}}
communities:
  - {{name: {one}, groups: [{group}], resources: [{{name: {resource}, capacity: 1}}, {{name: sale, capacity: 1}}]}}
  - {{name: {two}, groups: [others], resources: [{{name: use, capacity: 1}}, {{name: sale, capacity: 1}}]}}
"""  # noqa: E501
PLAIN = {"scenario": "s", "group": "homes", "file": "a.csv", "one": "a", "two": "b", "resource": "use"}


def told(folder: Path, **names: str) -> str:
    """All that is wrong with a scenario in which some names are these."""
    (folder / "a.csv").write_text("time,a [kW]\n2016-01-01T00:00:00Z,1\n2016-01-01T01:00:00Z,1\n")
    (folder / "scenario_.yaml").write_text(SCENARIO.format(**{**PLAIN, **names}))
    try:
        return "\n".join(map(str, check_configuration(load_scenario(str(folder / "scenario_.yaml")))))
    except InputError as error:
        return str(error)


def test_other_names_are_taken(tmp_path: Path) -> None:
    assert told(tmp_path) == ""
    assert told(tmp_path, one="energy_village", two="lines", scenario="console", group="auxiliary") == ""


@pytest.mark.parametrize(
    "file",
    ["run.json", "./run.json", "RUN.JSON", "scenario.yaml", "summary.json", "report.html",
     "report.html.partial", "tables/x.csv",
     "Tables/meters.parquet", "figures/power.png", "'tables\\\\x.csv'"],
)  # fmt: skip
def test_no_input_has_a_name_of_what_a_run_writes(file: str, tmp_path: Path) -> None:
    assert "writes a file of this name there itself" in told(tmp_path, file=file)


@pytest.mark.parametrize("name", ["con", "CON", "nul", "aux", "prn", "com1", "LPT9"])
def test_no_name_is_that_of_a_device(name: str, tmp_path: Path) -> None:
    for key in ("scenario", "group", "one", "resource"):
        assert "for a device" in told(tmp_path, **{key: name})
    for file in (f"{name}.csv", f"data/{name}", f"{name}/a.csv", f"'{name} .csv'"):
        assert "for a device" in told(tmp_path, file=file)


@pytest.mark.parametrize("file", ['"a\\e[31m.csv"', '"a\\n.csv"', '"a\\u202Evsc.exe"', '"\\x07"'])
def test_no_input_has_characters_that_are_not_seen(file: str, tmp_path: Path) -> None:
    assert "invisible characters" in told(tmp_path, file=file)


@pytest.mark.parametrize("name", ["energy", "voltage", "messages", "line", "fault"])
def test_no_community_has_the_name_of_other_numbers(name: str, tmp_path: Path) -> None:
    assert "that belong to no community" in told(tmp_path, one=name)


@pytest.mark.parametrize(
    ("one", "resource", "two"), [("a", "b_use", "a_b"), ("x", "y", "x_y"), ("m", "n_o_sale", "m_n_o")]
)
def test_no_two_numbers_have_one_name(one: str, resource: str, two: str, tmp_path: Path) -> None:
    assert "Rename one of them" in told(tmp_path, one=one, resource=resource, two=two)
