"""`cosim robustness` as a user meets it: a small sweep in; page, figures and tables out; refusals."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pandas as pd
import pytest

SWEEP = """\
name: small
title: "A small one"
base: good.yaml
set: {time.steps: 12, comms.default.loss: {kind: bernoulli, loss_probability: 0}}
axes:
  - {name: loss, path: comms.default.loss.loss_probability, values: [0, 0.4, 0.8]}
  - {name: households, path: groups.homes.households, values: [3, 6]}
  - name: missing
    cases:
      none: {}
      scale: {communities.village.platform.missing: scale}
      more: {communities.village.resources.use.capacity: 2}
seeds: 3
keep: summary
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sweep is kept for the next test."""
    return tmp_path_factory.mktemp("kept") / "swept"


@pytest.fixture
def swept(
    cosim: Callable,
    write: Callable,
    folder: Path,
    kept: Path,
    points_here: Callable[[], AbstractContextManager[None]],
) -> str:
    """A sweep of the good scenario, made once."""
    write(name="good.yaml")
    (folder / "small.yaml").write_text(SWEEP, encoding="utf-8")
    if not kept.exists():
        with points_here():
            ended = cosim("sweep", "small.yaml", "--quiet", "--out", str(kept))
        assert ended.code == 0, ended.err
    shutil.copytree(kept, "swept")
    return "swept"


def test_page_figures_and_tables(cosim: Callable, swept: str, folder: Path) -> None:
    ended = cosim("robustness", swept)
    assert (ended.code, ended.err) == (0, "swept: drawing figures and writing the page\n")
    target = folder / "swept" / "robustness"
    assert sorted(ended.out.split()) == sorted(f"swept/robustness/{path.name}" for path in target.iterdir())
    assert ended.out.split()[0] == "swept/robustness/robustness.md"
    page = (target / "robustness.md").read_text(encoding="utf-8")
    assert page.startswith("# Robustness: small\n\nA small one.\n")
    assert "\n54 of 54 points succeeded (3 seeds at each place).\n" in page
    assert "| use: error (RMS) | scale against none | better beyond chance | at " in page
    # Every mean is that of the points.
    points = pd.read_parquet(folder / "swept" / "points.parquet")
    key = "village_use_tracking_rmse_units"
    means = points.groupby(["loss", "households", "missing"])[key].mean()
    cells = pd.read_csv(target / "cells.csv").query("quantity == @key")
    assert len(cells) == len(means) == 18
    for row in cells.itertuples():
        assert row.mean == pytest.approx(means[row.loss, row.households, row.missing])


@pytest.mark.slow
def test_again_into_the_same_place_the_files_are_the_same(cosim: Callable, swept: str, folder: Path) -> None:
    written = []
    for _ in range(2):
        assert cosim("robustness", swept).code == 0
        target = folder / "swept" / "robustness"
        written.append({path.name: path.read_bytes() for path in target.iterdir()})
    assert written[0] == written[1]


def test_one_quantity_another_baseline_another_place(cosim: Callable, swept: str, folder: Path) -> None:
    ended = cosim(
        "robustness", swept, "--quantity", "messages_lost", "--baseline", "scale", "--out", "elsewhere"
    )
    assert ended.code == 0, ended.err
    assert {path.name for path in (folder / "elsewhere").iterdir()} == {
        "robustness.md",
        "report.html",
        "messages_lost.png",
        "effect_messages_lost.png",
        "findings.csv",
        "cells.csv",
        "break_even.csv",
        "effects.csv",
    }
    assert (
        "| Messages lost | more against scale | better"
        in (folder / "elsewhere" / "robustness.md").read_text()
    )


def test_bad_input_writes_nothing(cosim: Callable, swept: str, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    for arguments, said in (
        (["nowhere"], "not a sweep directory"),
        (
            [swept, "--quantity", "village_use_tracking_rms_units"],
            "Did you mean 'village_use_tracking_rmse_units'?",
        ),
        ([swept, "--baseline", "scaled"], "Did you mean 'scale'?"),
        ([swept, "--out", swept], "this directory holds a run or a sweep"),
        ([swept, "--out", "small.yaml"], "this is not a directory"),
    ):
        ended = cosim("robustness", *arguments)
        assert ended.code == 2
        assert len(ended.problems) == 1
        assert said in ended.problems[0]
    assert sorted(folder.rglob("*")) == before
