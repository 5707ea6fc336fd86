"""How far a sweep is: points that ended, those that failed, the time left."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cosim.cli import progress
from cosim.cli.progress import StudyProgress, SweepProgress


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_bar_on_a_terminal() -> None:
    shown = console(terminal=True)
    with SweepProgress("s", 40, quiet=False, console=shown) as bar:
        bar.update(0, 0)
        bar.update(30, 2)
    assert "30 of 40 points, 2 failed" in text(shown)


def test_lines_in_a_log_tell_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    shown = console(terminal=False)
    bar = SweepProgress("s", 1000, quiet=False, console=shown)
    bar.update(400, 0)  # these were done before it was resumed
    now = 160.0
    bar.update(460, 1)
    bar.update(461, 1)
    assert text(shown) == "s: 460 of 1000 points, 1 failed, 9 min left\n"


def test_nothing_when_quiet() -> None:
    for terminal in (True, False):
        shown = console(terminal)
        with SweepProgress("s", 2, quiet=True, console=shown) as bar:
            bar.update(2, 0)
        assert text(shown) == ""


def test_a_study_says_that_it_may_need_fewer_runs_and_its_bar_is_full_where_it_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = console(terminal=True)
    with StudyProgress("s", 30, quiet=False, console=shown) as bar:
        bar.update(18, 0)
        bar.finish()
        assert bar._bar is not None
        assert bar._bar.finished
    assert "18 of at most 30 runs" in text(shown)
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    plain = console(terminal=False)
    bar = StudyProgress("s", 30, quiet=False, console=plain)
    bar.update(0, 0)
    now = 150.0
    bar.update(10, 0)
    bar.finish()
    assert text(plain) == "s: 10 of at most 30 runs, 100 s left at most\n"
