"""How far a run is, in simulated time, or a sweep, in points: a bar with the time left, or lines in a log."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from cosim.core.clock import MS_PER_DAY, MS_PER_HOUR
from cosim.core.console import PlainConsole

_REFRESH_S = 0.2
_LINE_EVERY_S = 10.0


class RunProgress:
    """Shows how far a run is: a bar on a terminal, now and then a line elsewhere, nothing when quiet.

    Parameters
    ----------
    name : str
        Name of the scenario.
    duration_ms : int
        Length of the run.
    quiet : bool
        Show nothing.
    console : Console, optional
        Where to; the standard error by default.
    """

    def __init__(self, name: str, duration_ms: int, quiet: bool, console: Console | None = None) -> None:
        self._name, self._duration_ms, self._quiet = name, duration_ms, quiet
        self._console = console or PlainConsole(stderr=True)
        self._began = time.monotonic()
        self._next = self._began + (_REFRESH_S if self._console.is_terminal else _LINE_EVERY_S)
        self._progress: Progress | None = None
        if not quiet and self._console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.description}", style="bold", markup=False),
                BarColumn(),
                _SimulatedTime(),
                _Speed(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._task = self._progress.add_task(name, total=duration_ms, events=0)

    def __enter__(self) -> RunProgress:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def update(self, now_ms: int, events: int) -> None:
        """Show the simulated time and the number of events so far."""
        now = time.monotonic()
        if self._quiet or (now < self._next and (now_ms < self._duration_ms or self._progress is None)):
            return
        if self._progress is not None:
            self._progress.update(self._task, completed=now_ms, events=events)
            self._next = now + _REFRESH_S
            return
        speed = f"{events / max(now - self._began, 1e-9):,.0f} events/s"
        reached = f"{_duration(now_ms)} of {_duration(self._duration_ms)}"
        self._console.print(
            f"{self._name}: {reached}, {speed}", markup=False, highlight=False, soft_wrap=True
        )
        self._next = now + _LINE_EVERY_S


class SweepProgress:
    """Shows how many points of a sweep have ended: a bar on a terminal, now and then a line elsewhere.

    Parameters
    ----------
    name : str
        Name of the sweep.
    n_points : int
        How many points it has.
    quiet : bool
        Show nothing.
    console : Console, optional
        Where to; the standard error by default.
    """

    def __init__(self, name: str, n_points: int, quiet: bool, console: Console | None = None) -> None:
        self._name, self._n_points, self._quiet = name, n_points, quiet
        self._console = console or PlainConsole(stderr=True)
        self._began = time.monotonic()
        self._next = self._began + _LINE_EVERY_S
        self._had: int | None = None
        self._progress: Progress | None = None
        if not quiet and self._console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.description}", style="bold", markup=False),
                BarColumn(),
                TextColumn("{task.fields[reached]}", markup=False),
                TimeRemainingColumn(),
                console=self._console,
                # What a point takes is known from the last minutes, not from the last second.
                speed_estimate_period=300.0,
            )
            self._task = self._progress.add_task(name, total=n_points, reached="")

    def __enter__(self) -> SweepProgress:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def update(self, ended: int, failed: int) -> None:
        """Show how many points have ended, and how many of these failed."""
        if self._had is None:
            self._had = ended  # of an earlier session: they say nothing of the speed of this one
        reached = f"{ended} of {self._n_points} points{f', {failed} failed' if failed else ''}"
        if self._progress is not None:
            self._progress.update(self._task, completed=ended, reached=reached)
            return
        now = time.monotonic()
        if self._quiet or now < self._next or ended == self._had:
            return
        left_s = (now - self._began) / (ended - self._had) * (self._n_points - ended)
        line = f"{self._name}: {reached}, {_time_left(left_s)} left"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._next = now + _LINE_EVERY_S


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
