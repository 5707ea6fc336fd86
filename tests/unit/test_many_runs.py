"""What takes long to load is loaded for one long run, or for many short ones in a worker of a sweep."""

from __future__ import annotations

import pytest

from cosim.config.settings import option_settings
from cosim.core import many_runs
from cosim.core.many_runs import is_enough, one_of_many
from cosim.engine.load import read_scenario
from cosim.regulation import route
from cosim.study.sweep.point import PointTask, run_point


def test_work_adds_up_among_many_runs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_runs, "_before", 0)
    assert [is_enough(n, 10) for n in (9, 9, 10)] == [False, False, True]
    with one_of_many():
        assert [is_enough(n, 10) for n in (4, 4, 4, 1)] == [False, False, True, True]
    assert not is_enough(9, 10)


def test_points_are_the_same_whichever_way_they_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first point of a worker goes one household at a time, the second by arrays."""
    ways = []
    original = route.against_arrays
    monkeypatch.setattr(
        "cosim.regulation.subsystem.against_arrays",
        lambda *given: ways.append(original(*given)) or ways[-1],
    )
    monkeypatch.setattr(many_runs, "_before", 0)
    monkeypatch.setattr(route, "FEWEST_DECISIONS", 3000)
    settings, problems = option_settings(["time.steps=20", "report.figures=false"])
    assert not problems
    task = PointTask(0, tuple(settings), 3)
    first, second = (run_point(read_scenario("section6_additive"), task) for _ in range(2))
    assert [bool(way) for way in ways] == [True, False]
    assert first.line() == second.line()
    assert first.status == "done"
