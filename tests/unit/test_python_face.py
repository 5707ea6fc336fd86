"""`import cosim`: what it gives, how it refuses, and what a run shows of itself."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import cosim

HAMLET: dict[str, Any] = {
    "name": "hamlet",
    "title": "three homes",
    "time": {"step_s": 3600, "steps": 4},
    "groups": [
        {
            "name": "homes",
            "households": 3,
            "cost": {"kind": "separable", "linear": 6, "own_quadratic": 1, "target": 0.5},
            "load": {"kind": "constant", "p_kw": 0.4},
        }
    ],
    "communities": [
        {
            "name": "village",
            "groups": ["homes"],
            "resources": [{"name": "use", "capacity": 1}, {"name": "sale", "capacity": 1}],
        }
    ],
    "report": {"figures": False},
}
LOST = {"kind": "bernoulli", "loss_probability": 1.0}
FUNCTIONS = {"check", "compare", "impact", "open", "run", "sweep"}
PUBLIC = FUNCTIONS | {
    "Impact",
    "InputError",
    "Problem",
    "Run",
    "Scenario",
    "SimulationError",
    "Sweep",
    "Watcher",
    "__version__",
    "plugins",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def hamlet() -> cosim.Run:
    return cosim.run(HAMLET)


def test_the_import_is_quick_and_loads_nothing_heavy() -> None:
    code = "import cosim, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert loaded.isdisjoint(
        {"numpy", "pandas", "pyarrow", "pydantic", "scipy", "simpy", "pandapower", "typer"}
    )

    # Of the processor, so that what else the machine does is not counted.
    code = "import time; began = time.process_time(); import cosim; print(time.process_time() - began)"
    took = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True) for _ in range(3)]
    assert min(float(done.stdout) for done in took) < 0.2


def test_what_it_gives() -> None:
    assert set(cosim.__all__) == PUBLIC
    assert set(dir(cosim)) >= PUBLIC
    for name in PUBLIC:
        assert getattr(cosim, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'walk'"):
        _ = cosim.walk


def test_a_run_says_what_it_is(hamlet: cosim.Run) -> None:
    assert (hamlet.status, hamlet.cause, hamlet.warnings) == ("done", "", ())
    assert hamlet.verdict.startswith("Community village was off its target by ")
    assert hamlet.scenario == cosim.Scenario.model_validate(HAMLET)
    assert hamlet.record["scenario"] == "hamlet"
    assert repr(hamlet) == f"<Run of hamlet: done, in {hamlet.folder}>"
    page = hamlet._repr_html_()
    assert "three homes" in page
    assert "Energy" in page


def test_what_is_refused_never_begins(folder: Path) -> None:
    """Nobody is told of a directory that is written to while the run may still be refused."""
    begun = []

    class Listening(cosim.Watcher):
        def begins(self, name: str, folder: Path, total: int) -> None:
            begun.append(name)

    with pytest.raises(cosim.InputError, match="a household takes one unit at most"):
        cosim.run(HAMLET, {"communities.village.resources.use.capacity": 7}, watcher=Listening())
    assert not begun
    cosim.run(HAMLET, watcher=Listening())
    assert begun == ["hamlet"]


def test_numbers_are_a_mapping(hamlet: cosim.Run) -> None:
    stored = json.loads((hamlet.folder / "summary.json").read_text())
    assert stored.pop("verdict") == hamlet.verdict
    assert dict(hamlet.summary) == stored
    assert list(hamlet.summary) == list(stored)
    with pytest.raises(KeyError, match="Did you mean 'energy_load_kwh'"):
        _ = hamlet.summary["energy_loda_kwh"]


def test_numbers_are_described(hamlet: cosim.Run) -> None:
    described = hamlet.summary.describe()
    assert list(described.index) == list(hamlet.summary)
    row = described.loc["energy_load_kwh"]
    assert (row.value, row.unit, row.section) == (pytest.approx(4.8), "kWh", "Energy")
    assert (described.meaning != "").all()
    assert "Community village" in set(described.section)


def test_tables_are_items_and_attributes(hamlet: cosim.Run) -> None:
    files = sorted(file.stem for file in (hamlet.folder / "tables").glob("*.parquet"))
    assert list(hamlet.tables) == files
    assert len(hamlet.tables) == len(files)
    assert "meters" in hamlet.tables
    assert "meters" in dir(hamlet.tables)
    assert hamlet.tables.meters.equals(hamlet.tables["meters"])
    assert len(hamlet.tables.meters) == 12
    with pytest.raises(AttributeError, match="Did you mean 'meters'"):
        _ = hamlet.tables.metres
    with pytest.raises(KeyError, match="no table 'metres'"):
        _ = hamlet.tables["metres"]


def test_a_temporary_folder_lives_as_long_as_what_reads_from_it() -> None:
    run = cosim.run(HAMLET)
    folder, tables = run.folder, run.tables
    del run
    gc.collect()
    assert len(tables.meters) == 12
    del tables
    gc.collect()
    assert not folder.exists()


@pytest.mark.parametrize("form", ["mapping", "model", "file", "path"])
def test_a_scenario_in_whatever_form_gives_the_same(form: str, hamlet: cosim.Run, folder: Path) -> None:
    (folder / "hamlet.yaml").write_text(json.dumps(HAMLET))
    given: dict[str, Any] = {
        "mapping": HAMLET,
        "model": cosim.Scenario.model_validate(HAMLET),
        "file": "hamlet.yaml",
        "path": folder / "hamlet.yaml",
    }
    run = cosim.run(given[form], out=folder / "run")
    assert run.folder == folder / "run"
    assert (run.folder / "scenario.yaml").read_bytes() == (hamlet.folder / "scenario.yaml").read_bytes()
    assert dict(run.summary) == dict(hamlet.summary)
    assert dict(cosim.open(folder / "run").summary) == dict(hamlet.summary)


def test_a_mapping_may_build_on_a_scenario(folder: Path) -> None:
    (folder / "hamlet.yaml").write_text(json.dumps(HAMLET))
    data = {"base": "hamlet.yaml", "time": {"steps": 2}, "override": {"groups.homes.households": 5}}
    run = cosim.run(data)
    assert (run.scenario.time.steps, run.scenario.n_households) == (2, 5)


def test_overrides_and_seed_are_those_of_the_command_line(hamlet: cosim.Run) -> None:
    by_mapping = cosim.run(HAMLET, {"time.steps": 2, "groups.homes.load.p_kw": 1.5}, seed=7)
    by_text = cosim.run(HAMLET, ["time.steps=2", "groups.homes.load.p_kw=1.5"], seed=7)
    assert by_mapping.scenario == by_text.scenario
    assert (by_mapping.scenario.seed, by_mapping.scenario.time.steps) == (7, 2)
    assert by_mapping.scenario.groups[0].load.p_kw == 1.5  # type: ignore[union-attr]


def test_problems_name_their_path() -> None:
    with pytest.raises(cosim.InputError) as caught:
        cosim.run(HAMLET, {"time.steps": -1, "groups.homes.hosueholds": 2})
    assert {problem.path for problem in caught.value.problems} == {"time.steps", "groups.0.hosueholds"}
    assert all(problem.file == "" for problem in caught.value.problems)
    assert cosim.check(HAMLET, {"time.steps": -1, "groups.homes.hosueholds": 2}) == list(
        caught.value.problems
    )


@pytest.mark.parametrize(
    ("scenario", "overrides", "said"),
    [
        (7, None, "this is not a scenario"),
        ("hamelt", None, "there is neither a built-in scenario nor a file of this name"),
        (HAMLET, {"time.start": object()}, "a scenario cannot hold such an object"),
        (HAMLET, {"base": "section6"}, "'base' cannot be set from outside a file"),
        (HAMLET | {"axes": []}, None, "this is a sweep, not a scenario"),
    ],
)
def test_what_is_no_scenario_is_refused(scenario: Any, overrides: Any, said: str) -> None:
    with pytest.raises(cosim.InputError, match=said):
        cosim.run(scenario, overrides)


def test_check_gives_problems_and_raises_nothing() -> None:
    assert cosim.check(HAMLET) == []
    assert [problem.severity for problem in cosim.check("no_such_scenario")] == ["error"]
    doubtful = cosim.check(HAMLET, {"comms.default.loss": LOST})
    assert {problem.severity for problem in doubtful} == {"warning"}


def test_doubts_are_warnings_of_python_and_stay_with_the_run() -> None:
    with pytest.warns(UserWarning, match="lose every message|every message is lost|all messages"):
        run = cosim.run(HAMLET, {"comms.default.loss": LOST})
    assert run.warnings


def test_a_folder_that_holds_something_is_refused(folder: Path) -> None:
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(cosim.InputError, match="this path is already in use"):
        cosim.run(HAMLET, out=folder)
    with pytest.raises(cosim.InputError, match="not a run directory"):
        cosim.open(folder)


def test_a_sweep_is_a_table(folder: Path, points_here: Callable[[], AbstractContextManager[None]]) -> None:
    data = {
        "name": "peaks",
        "base": HAMLET,
        "axes": [{"path": "groups.homes.load.p_kw", "values": [0.4, 0.8]}],
        "seeds": 2,
    }
    with points_here():
        swept = cosim.sweep(data)
    assert (swept.status, swept.n_points, swept.n_failed) == ("done", 4, 0)
    points = swept.points
    assert points["groups.homes.load.p_kw"].tolist() == [0.4, 0.4, 0.8, 0.8]
    assert points.energy_load_kwh.tolist() == pytest.approx([4.8, 4.8, 9.6, 9.6])
    assert swept.run(3).summary["energy_load_kwh"] == pytest.approx(9.6)
    assert cosim.check(data) == []


def test_a_comparison_is_two_tables(hamlet: cosim.Run) -> None:
    other = cosim.run(HAMLET, {"groups.homes.load.p_kw": 0.8})
    compared = cosim.compare(hamlet, other.folder)
    first, second = (run.label for run in compared.sides.runs)
    row = compared.numbers.loc["energy_load_kwh"]
    assert row.tolist() == pytest.approx([4.8, 9.6, 4.8, 100.0])
    assert compared.differences.to_numpy().tolist() == [["0.4", "0.8"]]
    assert first in compared._repr_html_()
    assert second in compared._repr_html_()
