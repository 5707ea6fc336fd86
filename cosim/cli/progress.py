"""How far a run is, in simulated time, or a sweep, in points: a bar with the time left, or lines in a log."""

from __future__ import annotations

import sys
import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.core.console import PlainConsole

_REFRESH_S = 0.2
_LINE_EVERY_S = 10.0


class _Shown:
    """A bar on a terminal, now and then a line elsewhere, nothing when quiet.

    Parameters
    ----------
    name : str
        Name of the scenario, or of the sweep.
    total : int
        Length of the run (ms), or how many points the sweep has.
    quiet : bool
        Show nothing.
    console : Console, optional
        Where to; the standard error by default.
    """

    speed_estimate_s = 30.0
    """Over how long the speed is measured from which the time left is told."""

    def __init__(self, name: str, total: int, quiet: bool, console: Console | None = None) -> None:
        self._name, self._total, self._quiet = name, total, quiet
        # A notebook's cells ask for colours (FORCE_COLOR) and cannot redraw a line all the same.
        self._console = console or PlainConsole(stderr=True, force_terminal=sys.stderr.isatty())
        self._began = time.monotonic()
        self._bar: Progress | None = None
        if not quiet and self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", style="bold", markup=False),
                BarColumn(),
                *self.columns(),
                TimeRemainingColumn(),
                console=self._console,
                speed_estimate_period=self.speed_estimate_s,
            )
            self._task = self._bar.add_task(name, total=total, events=0, reached="")
        self._next = self._began + (_LINE_EVERY_S if self._bar is None else _REFRESH_S)

    def columns(self) -> list[ProgressColumn]:
        """What the bar says of how far it is."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def finish(self) -> None:
        """Nothing more will come, even where it was less than might have been."""
        if self._bar is not None:
            self._bar.update(self._task, total=self._bar.tasks[0].completed)

    def _say(self, line: str) -> None:
        self._console.print(f"{self._name}: {line}", markup=False, highlight=False, soft_wrap=True)
        self._next = time.monotonic() + _LINE_EVERY_S


class RunProgress(_Shown):
    """How far a run is in simulated time, and how many events a second it takes."""

    def columns(self) -> list[ProgressColumn]:
        """Simulated time and speed."""
        return [_SimulatedTime(), _Speed()]

    def update(self, now_ms: int, events: int) -> None:
        """Show the simulated time and the number of events so far."""
        now = time.monotonic()
        if self._quiet or (now < self._next and (now_ms < self._total or self._bar is None)):
            return
        if self._bar is not None:
            self._bar.update(self._task, completed=now_ms, events=events)
            self._next = now + _REFRESH_S
            return
        speed = f"{events / max(now - self._began, 1e-9):,.0f} events/s"
        self._say(f"{_duration(now_ms)} of {_duration(self._total)}, {speed}")


class SweepProgress(_Shown):
    """How many points of a sweep have ended."""

    # What a point takes is known from the last minutes, not from the last second.
    speed_estimate_s = 300.0
    _had: int | None = None
    of, what, left = "of", "points", "left"

    def columns(self) -> list[ProgressColumn]:
        """Points."""
        return [TextColumn("{task.fields[reached]}", markup=False)]

    def update(self, ended: int, failed: int) -> None:
        """Show how many points have ended, and how many of these failed."""
        if self._had is None:
            self._had = ended  # of an earlier session: they say nothing of the speed of this one
        failures = f", {failed} failed" if failed else ""
        reached = f"{ended} {self.of} {self._total} {self.what}{failures}"
        if self._bar is not None:
            self._bar.update(self._task, completed=ended, reached=reached)
            return
        now = time.monotonic()
        if self._quiet or now < self._next or ended == self._had:
            return
        left_s = (now - self._began) / (ended - self._had) * (self._total - ended)
        self._say(f"{reached}, {_time_left(left_s)} {self.left}")


class StudyProgress(SweepProgress):
    """How many runs of an impact study have ended, whose search may need fewer than it could."""

    of, what, left = "of at most", "runs", "left at most"


def _time_left(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


class _SimulatedTime(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{_duration(task.completed)} of {_duration(task.total or 0)}")


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        events = task.fields["events"]
        return Text(f"{events / task.elapsed:,.0f} events/s" if task.elapsed else "")


def _duration(ms: float) -> str:
    if ms >= 2 * MS_PER_DAY:
        return f"{ms / MS_PER_DAY:.1f} d"
    return f"{ms / MS_PER_HOUR:.1f} h"
