"""`cosim compare` as a user meets it: real runs in; table, CSV and figures out; bad input refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cosim.results.store import read_table

FEEDER = "report: {figures: false}\ngrid: {network: kerber_landnetz_kabel_1}\n"


@pytest.fixture
def runs(cosim: Callable, write: Callable, folder: Path) -> Callable[..., list[str]]:
    """Make runs of the good scenario by name, each with its options."""

    def make(**options: list[str]) -> list[str]:
        source = write(("report: {figures: false}\n", FEEDER))
        for name, given in options.items():
            ended = cosim("run", source, "--out", name, "--quiet", *given)
            assert ended.code == 0, ended.err
        return list(options)

    return make


def test_two_runs(cosim: Callable, runs: Callable, folder: Path) -> None:
    runs(base=[], heavy=["--set", "groups.homes.load.p_kw=0.8"])
    ended = cosim("compare", "base", "heavy")
    assert (ended.code, ended.err) == (0, "")
    assert "Same seed (1): the runs share their draws. All are done and cover the same time." in ended.out
    assert "groups.homes.load.p_kw:  A 0.4   B 0.8\n" in ended.out
    line = next(line for line in ended.out.splitlines() if line.startswith(" Load "))
    assert line.split() == ["Load", "kWh", "4.8", "9.6", "+4.8", "+100"]
    line = next(line for line in ended.out.splitlines() if line.startswith(" Peak import, a household"))
    assert line.split()[4:] == ["kW", "0.4", "0.8", "+0.4", "+100"]
    feeder_kw = [
        1000 * read_table(folder / name, "power_flow").p_slack_mw.max() for name in ("base", "heavy")
    ]
    line = next(line for line in ended.out.splitlines() if line.startswith(" Peak import, feeder"))
    assert [float(word) for word in line.split()[4:6]] == pytest.approx(feeder_kw, rel=1e-3)
    assert all(len(line) <= 80 for line in ended.out.splitlines()[4:-2])
    assert "\x1b" not in ended.out
    assert cosim("compare", "base", "heavy").out == ended.out


def test_four_runs_fit_into_100_columns_and_more_go_below(cosim: Callable, runs: Callable) -> None:
    names = runs(a=[], b=["--seed", "2"], c=["--seed", "3"], d=["--seed", "4"], e=["--seed", "5"])
    four, five = cosim("compare", *names[:4]), cosim("compare", *names)
    assert all(len(line) <= 100 for line in four.out.splitlines() if not line.startswith("caution"))
    assert "The seeds differ (A 1, B 2, C 3, D 4 and E 5)" in five.out
    heads = [line.split() for line in five.out.splitlines() if line.strip().startswith("unit")]
    assert heads == [["unit", "A", "B", "C", "D"], ["unit", "A", "E", "E", "-", "A", "%"]]
    assert "Their scenarios have the same values." in four.out


def test_a_run_without_a_feeder_has_no_such_numbers(cosim: Callable, runs: Callable, write: Callable) -> None:
    runs(grid=[])
    assert cosim("run", write(), "--out", "plain", "--quiet").code == 0
    ended = cosim("compare", "grid", "plain")
    assert ended.code == 0
    line = next(line for line in ended.out.splitlines() if line.startswith(" Lowest voltage"))
    assert line.split()[-1] == "–"
    assert "grid:" in ended.out


def test_files(cosim: Callable, runs: Callable, folder: Path) -> None:
    names = runs(base=[], heavy=["--set", "groups.homes.load.p_kw=0.8"])
    ended = cosim("compare", *names, "--out", "new/cmp", "--csv", "n.csv")
    assert ended.code == 0, ended.err
    written = sorted(path.name for path in (folder / "new/cmp").iterdir())
    assert written == ["differences.csv", "durations.png", "numbers.csv", "numbers.png", "report.html"]
    assert all(f"new/cmp/{name}\n" in ended.out for name in written)
    numbers = pd.read_csv("n.csv", index_col="number", float_precision="round_trip")
    summary = json.loads((folder / "heavy/summary.json").read_text())
    assert summary.pop("verdict")
    assert numbers.loc["energy_imported_kwh", "heavy"] == summary["energy_imported_kwh"]
    assert set(summary) < set(numbers.index)
    assert (folder / "n.csv").read_bytes() == (folder / "new/cmp/numbers.csv").read_bytes()


@pytest.mark.slow
def test_again_into_the_same_folder_the_files_are_the_same(
    cosim: Callable, runs: Callable, folder: Path
) -> None:
    names = runs(base=[], heavy=["--set", "groups.homes.load.p_kw=0.8"])
    written = []
    for _ in range(2):
        assert cosim("compare", *names, "--out", "cmp").code == 0
        written.append({path.name: path.read_bytes() for path in (folder / "cmp").iterdir()})
    assert written[0] == written[1]


@pytest.mark.slow
def test_the_table_alone_loads_neither_pandapower_nor_matplotlib(runs: Callable, folder: Path) -> None:
    runs(base=[], heavy=["--set", "groups.homes.load.p_kw=0.8"])
    program = (
        "import sys; sys.argv = ['cosim', 'compare', 'base', 'heavy', '--csv', 'n.csv']\n"
        "from cosim.cli import main\n"
        "try: main()\n"
        "except SystemExit as left: assert not left.code\n"
        "assert {'pandapower', 'matplotlib', 'simbench'}.isdisjoint(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "n.csv").exists()


def test_an_unfinished_run_is_marked(cosim: Callable, runs: Callable, folder: Path) -> None:
    runs(base=[], cut=[])
    record = json.loads((folder / "cut/run.json").read_text())
    record |= {"status": "interrupted", "simulated_until_ms": 7_200_000}
    (folder / "cut/run.json").write_text(json.dumps(record))
    out = cosim("compare", "base", "cut").out
    assert "B is not complete (interrupted after 2 h of 4 h)" in out
    assert "All are done" not in out


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["base"], ["there is nothing to compare with: 1 run given"]),
        (["base", "base/"], ["base: this run is given twice"]),
        (["base", "other/../base"], ["this is the run base again"]),
        (
            ["base", "nowhere", "s.yaml"],
            ["nowhere: this is not a run directory", "s.yaml: this is not a run directory"],
        ),
        (["base", "second", "--out", "s.yaml"], ["s.yaml: this is not a directory"]),
        (["base", "second", "--out", "base"], ["base: this directory holds a run"]),
        (["base", "second", "--csv", "no/x.csv"], ["no/x.csv: its directory does not exist"]),
        (["base", "second", "--csv", "base"], ["base: this is a directory"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_bad_input(
    cosim: Callable, write: Callable, folder: Path, arguments: list[str], what: list[str]
) -> None:
    write()
    (folder / "other").mkdir()
    for name in ("base", "second"):
        (folder / name).mkdir()
        (folder / name / "run.json").write_text('{"status": "done", "seed": 1}')
    before = sorted(folder.rglob("*"))
    ended = cosim("compare", *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert len(ended.problems) == len(what), ended.err
    for problem, part in zip(ended.problems, what, strict=True):
        assert part in problem
        assert problem[-1] in ".!?`"
    assert sorted(folder.rglob("*")) == before
