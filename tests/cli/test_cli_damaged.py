"""A directory of a run or a sweep that was damaged, edited or planted: refused by name, followed nowhere."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cosim.cli import main

Damage = Callable[[Path], None]

SCENARIO = """\
name: small
time: {step_s: 3600, steps: 3}
groups:
  - {name: homes, households: 2, cost: {kind: separable, linear: 6, own_quadratic: 1, target: 0.5}}
communities:
  - {name: village, groups: [homes], resources: [{name: use, capacity: 1}, {name: sale, capacity: 1}]}
report: {figures: false}
"""
SWEEP = """\
name: small
base: base.yaml
axes: [{name: steps, path: time.steps, values: [2, 3]}]
seeds: 2
keep: summary
"""


def cosim(*arguments: str) -> int:
    """The exit code of a command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["cosim", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
    return int(left.value.code or 0)


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, points_here: Callable[[], AbstractContextManager[None]]
) -> Path:
    """A folder with a run that has its report, and a sweep."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "base.yaml").write_text(SCENARIO)
    (folder / "sweep.yaml").write_text(SWEEP)
    assert cosim("run", str(folder / "base.yaml"), "--out", str(folder / "run"), "--quiet") == 0
    with points_here():
        sweep = ("sweep", str(folder / "sweep.yaml"), "--out", str(folder / "swept"), "--quiet")
        assert cosim(*sweep) == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def replaced(file: str, content: str | bytes) -> Damage:
    def damage(folder: Path) -> None:
        (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)

    return damage


def changed(file: str, **values: Any) -> Damage:
    """Some values of a JSON file are others; as Python writes them, NaN and Infinity too."""

    def damage(folder: Path) -> None:
        content = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps({**content, **values}))

    return damage


def cut(file: str, share: float) -> Damage:
    def damage(folder: Path) -> None:
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content[: int(len(content) * share)])

    return damage


def column(file: str, name: str, values: Callable[[pa.ChunkedArray], Any] | None) -> Damage:
    """A column of a table is another, or gone."""

    def damage(folder: Path) -> None:
        table = pq.read_table(folder / file)
        at = table.schema.get_field_index(name)
        column = table.column(name)
        table = table.remove_column(at)
        if values is not None:
            table = table.add_column(at, name, values(column))
        pq.write_table(table, folder / file)

    return damage


def filled(value: Any, type_: Any) -> Callable[[pa.ChunkedArray], Any]:
    return lambda column: pa.array([value] * len(column), type_)


JSON_DAMAGES: dict[str, Callable[[str], Damage]] = {
    "empty": lambda file: replaced(file, ""),
    "a list": lambda file: replaced(file, "[1, 2]"),
    "a number": lambda file: replaced(file, "1e400"),
    "a bare NaN": lambda file: replaced(file, "NaN"),
    "cut off": lambda file: cut(file, 0.5),
    "other bytes": lambda file: replaced(file, b'{"status": "\xff\xfe"}'),
    "another encoding": lambda file: replaced(file, '{"status": "done"}'.encode("utf-16")),
    "deep": lambda file: replaced(file, '{"status": ' + "[" * 100_000),
    "an absurd number": lambda file: replaced(file, '{"x": 1e400, "points": 1e400, "seed": -1e400}'),
    "a long number": lambda file: replaced(file, '{"status": 9' + "9" * 5000 + "}"),
}  # fmt: skip
RUN_DAMAGES: dict[str, tuple[str, Damage]] = {
    **{f"run.json {name}": ("run.json", make("run/run.json")) for name, make in JSON_DAMAGES.items()},
    **{f"summary {name}": ("summary.json", make("run/summary.json")) for name, make in JSON_DAMAGES.items()},
    "status": ("run.json", changed("run/run.json", status="fine")),
    "seed": ("run.json", changed("run/run.json", seed=10**400)),
    "reached": ("run.json", changed("run/run.json", simulated_until_ms=-5)),
    "seconds": ("run.json", changed("run/run.json", seconds=[1])),
    "a stage": ("run.json", changed("run/run.json", seconds={"build": float("nan")})),
    "packages": ("run.json", changed("run/run.json", packages="none")),
    "NaN": ("summary.json", changed("run/summary.json", x_kwh=float("nan"))),
    "infinity": ("summary.json", changed("run/summary.json", x_kwh=float("-inf"))),
    "a huge integer": ("summary.json", changed("run/summary.json", messages_sent=10**30)),
    "a huge number": ("summary.json", changed("run/summary.json", x_kwh=1e300)),
    "text": ("summary.json", changed("run/summary.json", x_kwh="=1+1")),
    "true": ("summary.json", changed("run/summary.json", x_kwh=True)),
    "nested": ("summary.json", changed("run/summary.json", x_kwh={"a": 1})),
    "broken scenario": ("scenario.yaml", replaced("run/scenario.yaml", "name: [")),
    "bytes as scenario": ("scenario.yaml", replaced("run/scenario.yaml", b"\xff\xfe\x00")),
    "an empty scenario": ("scenario.yaml", replaced("run/scenario.yaml", "")),
}
TIME = pa.timestamp("ms", "UTC")
TABLE = "run/tables/regulation.parquet"
TABLE_DAMAGES: dict[str, tuple[str, Damage]] = {
    "empty": ("regulation.parquet", replaced(TABLE, b"")),
    "text": ("regulation.parquet", replaced(TABLE, "step,time\n1,2\n")),
    "cut at the end": ("regulation.parquet", cut(TABLE, 0.9)),
    "cut at the beginning": ("regulation.parquet", cut(TABLE, 0.1)),
    "no times": ("regulation.parquet", column(TABLE, "time", filled(None, TIME))),
    "times as text": ("regulation.parquet", column(TABLE, "time", filled("today", pa.string()))),
    "times beyond all": ("regulation.parquet", column(TABLE, "time", filled(2**62, TIME))),
    "numbers as text": ("regulation.parquet", column(TABLE, "aggregate", filled("1", pa.string()))),
    "lists": ("regulation.parquet", column(TABLE, "signal", filled([1.0], pa.list_(pa.float64())))),
    "infinite": ("regulation.parquet", column(TABLE, "aggregate", filled(math.inf, pa.float64()))),
    "names as numbers": ("regulation.parquet", column(TABLE, "resource", filled(1, pa.int64()))),
    "no column": ("regulation.parquet", column(TABLE, "aggregate", None)),
}  # fmt: skip


@pytest.mark.parametrize(("file", "damage"), RUN_DAMAGES.values(), ids=RUN_DAMAGES.keys())
@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_damaged_run_is_refused_by_the_name_of_the_file(
    command: str, file: str, damage: Damage, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder / "run", folder / "other")
    damage(folder)
    before = everything(folder)
    arguments = [str(folder / "run")] + [str(folder / "other")] * (command == "compare")
    assert cosim(command, *arguments) == 2
    told = capsys.readouterr()
    assert re.search(rf"^error \S*/run/{re.escape(file)}:", told.err, re.MULTILINE), told.err
    assert "Traceback" not in told.err
    assert everything(folder) == before


@pytest.mark.parametrize(("file", "damage"), TABLE_DAMAGES.values(), ids=TABLE_DAMAGES.keys())
def test_a_damaged_table_is_refused_by_its_name(
    file: str, damage: Damage, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder)
    code, told = cosim("report", str(folder / "run")), capsys.readouterr()
    assert code == 2, told.err
    assert re.search(rf"^error \S*/{re.escape(file)}:", told.err, re.MULTILINE), told.err


@pytest.mark.parametrize("what", ["nothing", "empty", "a file", "its tables", "a folder for run.json"])
def test_what_is_no_run_is_refused(what: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = folder / "no"
    if what == "empty":
        place.mkdir()
    elif what == "a file":
        place.write_text("{}")
    elif what == "its tables":
        place = folder / "run" / "tables"
    elif what == "a folder for run.json":
        (place / "run.json").mkdir(parents=True)
    assert cosim("report", str(place)) == 2
    assert cosim("compare", str(place), str(folder / "run")) == 2
    assert cosim("robustness", str(place)) == 2
    assert str(place) in capsys.readouterr().err


PLANTED = ["report.html", "report.html.partial", "figures", "figures/signals.png", "figures/deep/y",
           "tables", "tables/regulation.parquet", "run.json", "summary.json", "scenario.yaml"]  # fmt: skip


@pytest.mark.parametrize("kind", ["link", "broken link", "pipe"])
@pytest.mark.parametrize("name", PLANTED)
def test_report_follows_and_opens_nothing_that_was_planted(
    name: str, kind: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, outside = folder / "run", folder / "outside"
    target = run / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.move(target, outside)
    elif name == "figures":
        outside.mkdir()
    else:
        outside.write_text("precious")
    if kind == "pipe":
        os.mkfifo(target)
    else:
        target.symlink_to(outside if kind == "link" else folder / "nowhere")
    before = everything(folder)
    assert cosim("report", str(run)) == 2
    assert str(target if name != "run.json" or kind == "link" else run) in capsys.readouterr().err
    assert everything(folder) == before
    assert not (folder / "nowhere").exists()


def test_report_writes_through_no_second_name_of_a_file(folder: Path) -> None:
    outside = folder / "outside"
    outside.write_text("precious")
    (folder / "run" / "figures").mkdir(exist_ok=True)
    for name in ("report.html", "report.html.partial", "figures/signals.png", "figures/signals.png.partial"):
        os.link(outside, folder / "run" / name)
    assert cosim("report", str(folder / "run")) == 0
    assert outside.read_text() == "precious"


def test_compare_replaces_links_in_its_folder(folder: Path) -> None:
    shutil.copytree(folder / "run", folder / "other")
    outside, out = folder / "outside", folder / "out"
    outside.write_text("precious")
    out.mkdir()
    for name in ("numbers.csv", "differences.csv", "differences.csv.partial", "numbers.png"):
        (out / name).symlink_to(outside)
    assert cosim("compare", str(folder / "run"), str(folder / "other"), "--out", str(out)) == 0
    assert outside.read_text() == "precious"
    assert not (out / "numbers.csv").is_symlink()


POINTS = "swept/points.parquet"
SWEEP_DAMAGES: dict[str, tuple[str, Damage]] = {
    **{f"sweep.json {name}": ("sweep.json", make("swept/sweep.json")) for name, make in JSON_DAMAGES.items()},
    "points": ("sweep.json", changed("swept/sweep.json", points=10**40)),
    "seconds": ("sweep.json", changed("swept/sweep.json", seconds=float("nan"))),
    "hash": ("sweep.json", changed("swept/sweep.json", hash=5)),
    "done": ("sweep.json", changed("swept/sweep.json", done="4")),
}
POINTS_DAMAGES: dict[str, tuple[str, Damage]] = {
    **SWEEP_DAMAGES,
    "broken sweep": ("sweep.yaml", replaced("swept/sweep.yaml", "name: [")),
    "another sweep": ("sweep.yaml", replaced("swept/sweep.yaml", "name: a\naxes: 5\n")),
    "no table": ("points.parquet", replaced(POINTS, "x")),
    "half a table": ("points.parquet", cut(POINTS, 0.7)),
    "no seeds": ("points.parquet", column(POINTS, "seed", None)),
    "seeds missing": ("points.parquet", column(POINTS, "seed", filled(None, pa.int64()))),
    "one point": ("points.parquet", column(POINTS, "point", filled(1, pa.int64()))),
    "another status": ("points.parquet", column(POINTS, "status", filled("fine", pa.string()))),
    "status as number": ("points.parquet", column(POINTS, "status", filled(1, pa.int64()))),
    "an axis of lists": ("points.parquet", column(POINTS, "steps", filled([1], pa.list_(pa.int64())))),
    "numbers as text": ("points.parquet", column(POINTS, "messages_sent", filled("9", pa.string()))),
    "infinite numbers": ("points.parquet", column(POINTS, "messages_sent", filled(math.inf, pa.float64()))),
}  # fmt: skip


@pytest.mark.parametrize(("file", "damage"), POINTS_DAMAGES.values(), ids=POINTS_DAMAGES.keys())
def test_robustness_refuses_a_damaged_sweep_by_the_name_of_the_file(
    file: str, damage: Damage, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder)
    before = everything(folder)
    assert cosim("robustness", str(folder / "swept")) == 2
    told = capsys.readouterr().err
    assert re.search(rf"^error \S*/swept/{re.escape(file)}:", told, re.MULTILINE), told
    assert everything(folder) == before


LINES: dict[str, str] = {
    "a list": "[1]",
    "another key": '{"point": 1, "status": "done", "cause": "", "summary": {}, "more": 1}',
    "a status": '{"point": 1, "status": "fine", "cause": "", "summary": {}}',
    "a huge number of a point": f'{{"point": {10**30}, "status": "done", "cause": "", "summary": {{}}}}',
    "NaN": '{"point": 1, "status": "done", "cause": "", "summary": {"a": NaN}}',
    "an absurd number": '{"point": 1, "status": "done", "cause": "", "summary": {"a": 1e400}}',
    "text": '{"point": 1, "status": "done", "cause": "", "summary": {"a": "=1"}}',
    "no point of this sweep": '{"point": 99, "status": "done", "cause": "", "summary": {}}',
}


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        *SWEEP_DAMAGES.values(),
        *(("finished.jsonl", replaced("swept/finished.jsonl", f"{line}\n")) for line in LINES.values()),
    ],
    ids=[*SWEEP_DAMAGES, *LINES],
)
def test_resume_refuses_a_damaged_sweep_by_the_name_of_the_file(
    file: str, damage: Damage, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder)
    before = everything(folder)
    own = str(folder / "sweep.yaml")
    assert cosim("sweep", own, "--out", str(folder / "swept"), "--resume", "--workers", "1") == 2
    told = capsys.readouterr().err
    assert re.search(rf"^error \S*/swept/{re.escape(file)}", told, re.MULTILINE), told
    assert everything(folder) == before


@pytest.mark.parametrize("line", ['{"point": 1, "sta', "", "\x00" * 50, "{" * 50])
def test_resume_runs_again_what_was_cut_off(
    line: str, folder: Path, points_here: Callable[[], AbstractContextManager[None]]
) -> None:
    table = (folder / POINTS).read_bytes()
    finished = folder / "swept" / "finished.jsonl"
    finished.write_text(finished.read_text().splitlines()[0] + f"\n{line}")
    own = str(folder / "sweep.yaml")
    with points_here():
        assert cosim("sweep", own, "--out", str(folder / "swept"), "--resume", "--quiet") == 0
    assert (folder / POINTS).read_bytes() == table


@pytest.mark.parametrize(
    "name",
    ["sweep.json", "sweep.json.partial", "finished.jsonl", "points.parquet", "points", "points/.unfinished"],
)
@pytest.mark.parametrize("command", ["sweep", "robustness"])
def test_no_link_in_a_sweep_is_followed(
    command: str, name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swept, outside = folder / "swept", folder / "outside"
    (swept / name).parent.mkdir(exist_ok=True)
    if (swept / name).exists():
        shutil.move(swept / name, outside)
    else:
        outside.mkdir()
        (outside / "precious").write_text("precious")
    (swept / name).symlink_to(outside)
    if command == "robustness":
        (swept / "robustness").symlink_to(outside)
    before = everything(folder)
    arguments = ["robustness", str(swept)]
    if command == "sweep":
        arguments = ["sweep", str(folder / "sweep.yaml"), "--out", str(swept), "--resume", "--workers", "1"]
    assert cosim(*arguments) == 2
    assert "link" in capsys.readouterr().err
    assert everything(folder) == before
