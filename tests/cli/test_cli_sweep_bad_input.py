"""What is wrong with a sweep is said all at once, before anything is written, and what is there stays."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

GOOD = """
name: s
base: section6_additive
set: {time.steps: 2, comms.default.latency: {kind: constant, latency_ms: 0}}
axes:
  - path: comms.default.latency.latency_ms
    values: [0, 1000]
seeds: 2
keep: summary
"""
AXIS = """  - path: comms.default.latency.latency_ms
    values: [0, 1000]
"""


@pytest.fixture
def refused(refused_sweep: Callable) -> Callable[..., str]:
    """The errors told of the good sweep with some texts exchanged."""

    def check(*exchanges: tuple[str, str]) -> str:
        text = GOOD
        for old, new in exchanges:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return "\n".join(refused_sweep(text))

    return check


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("exchange", "told"),
    [
        (
            ("latency.latency_ms", "latency.latencyms"),
            "s.yaml:7: comms.default.latency.latencyms: unknown key",
        ),
        (("latency.latency_ms", "latency.latencyms"), "Did you mean 'latency_ms'?"),
        (("path: comms.default", "path: com.default"), "unknown key 'com'"),
        (
            ("path: comms.default.latency.latency_ms", "path: groups.nobody.households"),
            "this list has no item",
        ),
        (("time.steps: 2", "seed: 2"), "List the seeds under `seeds:`"),
        (("[0, 1000]", "[0, fast]"), "s.yaml:7: comms.default.latency.latency_ms: a number is expected"),
        (("[0, 1000]", "[0, -1]"), "must be at least 0 ms"),
        (("[0, 1000]", "[]"), "s.yaml:7: axes.0.values: the list is empty"),
        (("[0, 1000]", "[1, 1]"), "values has 1 twice"),
        (("    values: [0, 1000]\n", "    range: {start: 0, stop: 1, count: 0}\n"), "must be at least 1"),
        (("    values: [0, 1000]\n", "    range: {start: 0, stop: 1, count: 3, scale: log}\n"), "above 0"),
        (("    values: [0, 1000]\n", ""), "an axis has one of values, range, between and cases"),
        (("    values: [0, 1000]\n", "    between: [0, 1]\n"), "there is no sample to draw from"),
        (("    values: [0, 1000]\n", "    values: [0, 1]\n    column_values: [1]\n"), "Give one for each"),
        ((AXIS, AXIS + AXIS), "two axes have the same column"),
        (
            (AXIS, AXIS + AXIS.replace("- path", "- name: again\n    path")),
            "another axis sets this path already",
        ),
        ((AXIS, "  - name: c\n    cases: {}\n"), "there are no cases"),
        ((AXIS, "  - name: seed\n    path: time.steps\n    values: [1]\n"), "has a column 'seed' already"),
        ((AXIS, "  - cases: {a: {time.steps: 1}}\n"), "an axis of cases has a name"),
        (("axes:", "axis:"), "Did you mean 'axes'?"),
        (
            (
                AXIS,
                AXIS + "  - path: comms.default.latency\n    values: [{kind: constant, latency_ms: 5}]\n",
            ),
            "s.yaml:7: comms.default.latency.latency_ms: what is set here is replaced by what is set",
        ),
        (
            (
                AXIS,
                "  - {path: groups.0.households, values: [50]}\n"
                "  - {path: groups.community_1.households, values: [52]}\n",
            ),
            "s.yaml:6: groups.0.households: what is set here is replaced",
        ),
        (
            (AXIS, "  - {path: time.steps, values: [2]}\n  - {path: time.duration_h, values: [48]}\n"),
            "s.yaml:6: time.steps: what is set here is replaced",
        ),
        (
            ("    values: [0, 1000]\n", "    range: {start: 3, stop: 3, count: 2}\n"),
            "2 numbers from 3 to 3 are not all different",
        ),
        (
            ("    values: [0, 1000]\n", "    range: {start: 0, stop: .nan, count: 2}\n"),
            "axes.0.range.stop: not a finite number",
        ),
        (("seeds: 2", "seeds: []"), "s.yaml:8: seeds: the list is empty"),
        (("seeds: 2", "seeds: -2"), "s.yaml:8: seeds: must be at least 1"),
        (("seeds: 2", "seeds: [3, -2]"), "s.yaml:8: seeds.1: must be at least 0"),
        (("seeds: 2", "seeds: {first: -1, count: 2}"), "s.yaml:8: seeds.first: must be at least 0"),
        (("seeds: 2", f"seeds: {{first: {2**63 - 1}, count: 2}}"), "the last seed is above"),
        (("seeds: 2", "seeds: [1, 1]"), "the seed 1 is listed twice"),
        (("seeds: 2", "seeds: 0"), "s.yaml:8: seeds: must be at least 1"),
        (("seeds: 2", "seeds: 900000"), "1,800,000 points are more than cosim accepts"),
        (("seeds: 2", "sample: {method: sobol, points: 6}"), "Write 4 or 8"),
        (("base: section6_additive", "base: section_6"), "Did you mean"),
        (("base: section6_additive", "base: nowhere.yaml"), "s.yaml:3: base: there is no such file"),
        (("base: section6_additive", "base: sweep_example"), "this is a sweep, not a scenario"),
        (("base: section6_additive\n", ""), "base: this key is missing"),
        (("time.steps: 2", "time.steps: many"), "s.yaml:4: time.steps: a whole number is expected"),
        (("time.steps: 2", "base: section6"), "'base' cannot be set by a sweep"),
        (("keep: summary", "keep: all"), "Choices: runs, summary"),
    ],
)
def test_refused(refused: Callable[..., str], exchange: tuple[str, str], told: str) -> None:
    assert told in refused(exchange)


def test_a_form_that_only_the_axis_sets_stands_in_the_sweep(refused: Callable[..., str]) -> None:
    told = refused((", comms.default.latency: {kind: constant, latency_ms: 0}", ""))
    assert told.startswith("s.yaml:7: comms.default.latency: the key 'kind' is missing")


def test_all_problems_of_all_points_at_once(refused: Callable[..., str]) -> None:
    errors = refused(("[0, 1000]", "[0, -1, fast]"), ("steps: 2", "steps: 0")).splitlines()
    assert len(errors) == 3, errors
    assert "time.steps" in errors[0]
    assert "(with comms.default.latency.latency_ms=-1)" in errors[1]


def test_a_scenario_is_no_sweep_and_a_sweep_no_scenario(cosim: Callable, folder: Path) -> None:
    (folder / "s.yaml").write_text(GOOD)
    assert "`cosim run` runs it" in cosim("sweep", "section6").err
    assert "`cosim sweep` runs it" in cosim("run", "sweep_example").err
    assert "`cosim sweep` runs it" in cosim("run", "s.yaml").err
    assert "neither a built-in sweep nor a file" in cosim("sweep", "sweep_exmple").err
    (folder / "t.yaml").write_text("name: t\nbase: section6\noverride: {time.steps: 3}\n")
    assert "this is a scenario" in cosim("sweep", "t.yaml").err


def test_the_folder_of_another_sweep_is_left_alone(
    cosim: Callable, folder: Path, points_here: Callable[[], AbstractContextManager[None]]
) -> None:
    (folder / "s.yaml").write_text(GOOD)
    with points_here():
        assert cosim("sweep", "s.yaml", "--out", "out", "--workers", "1", "--quiet").code == 0
    (folder / "s.yaml").write_text(GOOD.replace("1000", "2000"))
    before = content(folder / "out")
    other = cosim("sweep", "s.yaml", "--out", "out", "--resume")
    anew = cosim("sweep", "s.yaml", "--out", "out")
    no_sweep = cosim("sweep", "s.yaml", "--out", ".", "--resume")
    none_yet = cosim("sweep", "s.yaml", "--resume")
    assert [ended.code for ended in (other, anew, no_sweep, none_yet)] == [2, 2, 2, 2]
    assert content(folder / "out") == before
    assert "another sweep" in other.err
    assert "never overwrites anything" in anew.err
    assert "there is no sweep to resume here" in no_sweep.err
    assert "nothing to resume" in none_yet.err
    # Its own sweep lies in it, and what is done is not done again.
    lines = (folder / "out" / "finished.jsonl").read_bytes()
    assert cosim("sweep", "out/sweep.yaml", "--out", "out", "--resume", "--quiet").code == 0
    assert (folder / "out" / "finished.jsonl").read_bytes() == lines
    record = json.loads((folder / "out" / "sweep.json").read_text())
    (folder / "out" / "sweep.json").write_text(json.dumps({**record, "cosim": "0.0.1"}))
    older = cosim("sweep", "out/sweep.yaml", "--out", "out", "--resume")
    assert older.code == 2
    assert "made by cosim 0.0.1" in older.err


@pytest.mark.slow
def test_unreachable_scheduler(cosim: Callable, folder: Path) -> None:
    (folder / "s.yaml").write_text(GOOD)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        before = content(folder)
        ended = cosim("sweep", "s.yaml", "--out", "out", "--dask", address)
    assert ended.code == 2
    assert content(folder) == before
    assert f"no Dask scheduler answers at '{address}' within 5 s" in ended.err
    assert "not the address of a scheduler" in cosim("sweep", "s.yaml", "--dask", "http://x").err
    assert "Leave out --workers" in cosim("sweep", "s.yaml", "--dask", address, "--workers", "2").err


def test_every_problem_of_every_axis_is_told_at_once(cosim: Callable, write: Callable, folder: Path) -> None:
    write(name="good.yaml")
    (folder / "bad.yaml").write_text(
        "name: bad\n"
        "base: good.yaml\n"
        "axes:\n"
        "  - {path: comms.default.los.loss_probability, values: [0, 0.1]}\n"
        "  - {path: groups.homes.households, values: [3, -1, abc]}\n"
        "  - {name: e, path: time.steps, values: []}\n"
        "keep: all\n",
        encoding="utf-8",
    )
    ended = cosim("sweep", "bad.yaml", "--out", "out")
    assert ended.code == 2
    expected = [
        "error bad.yaml:4: comms.default.los: unknown key 'los'",
        "error bad.yaml:5: groups.0.households: a whole number is expected",
        "error bad.yaml:5: groups.0.households: must be at least 1",
        "error bad.yaml:6: axes.2.values: the list is empty",
        "error bad.yaml:7: keep: ",
    ]
    assert len(ended.problems) == len(expected)
    for line, beginning in zip(sorted(ended.problems), expected, strict=True):
        assert line.startswith(beginning)
    assert not (folder / "out").exists()
