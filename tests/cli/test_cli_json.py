"""`--json` of the commands of many runs: what it says is what is in their directories."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

SWEEP = """\
name: small
base: good.yaml
axes: [{name: loss, path: comms.default.loss.loss_probability, values: [0, 0.9]}]
set: {comms.default.loss: {kind: bernoulli, loss_probability: 0}}
seeds: 2
keep: summary
"""
STUDY = """\
name: vehicles
base: my.yaml
set: {time.duration_h: 1}
technologies: [{group: homes, device: ev}]
penetrations: [0, 1]
modes: {alone: {communities: []}}
seeds: 2
"""
Told = Callable[..., Any]


@pytest.fixture
def told(cosim: Callable, points_here: Callable[[], AbstractContextManager[None]]) -> Told:
    """Called with a command: the result that it tells, which is all that it writes to the standard output."""

    def run(*arguments: str) -> Any:
        with points_here():
            ended = cosim(*arguments, "--json")
        said = json.loads(ended.out)
        assert (ended.code, said["exit_code"], said["command"]) == (0, 0, arguments[0]), ended.err
        return said["result"]

    return run


def test_of_a_sweep(told: Told, write: Callable, folder: Path) -> None:
    write(name="good.yaml")
    (folder / "small.yaml").write_text(SWEEP, encoding="utf-8")
    assert told("sweep", "small.yaml", "--dry-run")["points"][0] == "# small: 4 points"
    result = told("sweep", "small.yaml", "--out", "swept")
    assert result == {
        "folder": "swept",
        "status": "done",
        "n_points": 4,
        "n_done": 4,
        "n_failed": 0,
        "causes": {},
        "table": "swept/points.parquet",
    }
    assert pd.read_parquet(result["table"]).loss.tolist() == [0, 0, 0.9, 0.9]


@pytest.mark.slow  # it draws
def test_of_an_evaluation(told: Told, write: Callable, folder: Path) -> None:
    write(name="good.yaml")
    (folder / "small.yaml").write_text(SWEEP, encoding="utf-8")
    told("sweep", "small.yaml", "--out", "swept")
    files = told("robustness", "swept")["files"]
    assert {Path(file) for file in files} == set(Path("swept/robustness").iterdir())


@pytest.mark.slow  # it draws
def test_of_a_study_and_its_evaluation(told: Told, folder: Path) -> None:
    told("new", "my.yaml", "--network", "kerber_landnetz_kabel_1")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    result = told("impact", "study.yaml", "--out", "studied")
    answer = result.pop("answer")
    assert result == {
        "folder": "studied",
        "status": "done",
        "n_points": 4,
        "n_done": 3,  # the search needs no more
        "n_failed": 0,
        "causes": {},
    }
    page = Path("studied/impact/impact.md").read_text(encoding="utf-8")
    assert len(answer) == 1
    assert answer[0].removeprefix("alone: ") in page
    files = told("impact", "studied")["files"]
    assert {Path(file) for file in files} == set(Path("studied/impact").iterdir())
