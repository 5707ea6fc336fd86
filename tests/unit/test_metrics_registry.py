"""Metrics of plugins: their numbers join the summary, and a bad one is named."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosim.core.numbers import Number, Summary
from cosim.core.registry import PluginError
from cosim.engine.load import load_scenario
from cosim.engine.run import Outcome, run_scenario
from cosim.engine.wings import describe
from cosim.report.summary_table import summary_rows
from cosim.results.metrics import METRICS, CompleteRun, Metric
from cosim.results.run_files import read_summary

NUMBER = Number(
    "signal_changes",
    "changes of the signal",
    "",
    "steps at which it changed",
    "less",
    section="My own",
    source="table `regulation`",
)


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Registers a metric that gives what a function does; there is no other."""
    monkeypatch.setattr(METRICS, "_classes", {})

    def take(compute: Any) -> None:
        made = type("Changes", (Metric,), {"NUMBERS": (NUMBER,), "compute": lambda self, run: compute(run)})
        METRICS.register("changes")(made)

    return take


def run(folder: Path) -> Outcome:
    return run_scenario(load_scenario("section6", ["time.steps=5", "report.figures=false"]), folder)


def changes(complete: CompleteRun) -> Summary:
    """Computed of a table; what the run knows of itself is at hand too."""
    table = complete.tables.regulation
    assert complete.scenario.name == "section6"
    assert complete.summary["messages_sent"]
    return {"signal_changes": int((table.groupby("resource")["signal"].diff().fillna(0) != 0).sum())}


def test_its_numbers_join_the_summary_and_the_catalogue(
    tmp_path: Path, register: Callable[[Any], None]
) -> None:
    before = run(tmp_path / "before").summary
    register(changes)
    outcome = run(tmp_path / "run")
    assert outcome.status == "done"
    assert outcome.summary == before | {"signal_changes": 8}
    assert read_summary(tmp_path / "run") == outcome.summary
    assert describe("signal_changes").number is NUMBER
    assert tuple(summary_rows(outcome.summary)[-1]) == (
        *("My own", "Changes of the signal", "8", ""),
        "steps at which it changed",
    )


@pytest.mark.parametrize(
    ("compute", "said"),
    [
        (lambda run: {"signal_changes": 1 / 0}, "failed: ZeroDivisionError: division by zero"),
        (
            lambda run: {"signal_changes": math.nan},
            "gives signal_changes = nan, which its declaration does not",
        ),
        (lambda run: {"signal_changes": -1}, "gives signal_changes = -1, which its declaration does not"),
        (lambda run: {"other": 1}, "does not give signal_changes, which it declares"),
        (
            lambda run: {"signal_changes": 1, "other": 1},
            "gives a number that it does not declare: other",
        ),
        (lambda run: run.tables["nothing"], "failed: KeyError: \"the run has no table 'nothing'."),
    ],
)
def test_a_bad_metric_is_named_and_the_run_failed(
    tmp_path: Path, register: Callable[[Any], None], compute: Any, said: str
) -> None:
    register(compute)
    outcome = run(tmp_path / "run")
    assert outcome.status == "failed"
    assert outcome.cause.startswith("the metric 'changes' (")
    assert said in outcome.cause
    assert "signal_changes" not in outcome.summary
    assert "messages_sent" in outcome.summary, "what the run had is kept"


def test_a_metric_says_which_numbers_it_gives(register: Callable[[Any], None]) -> None:
    with pytest.raises(PluginError, match="has no compute"):
        METRICS.register("empty")(type("Empty", (Metric,), {"NUMBERS": ()}))
