"""The progress bar of a run: simulated time, speed in events per second, time left."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from cosim.clock import MS_PER_DAY, MS_PER_HOUR

_REFRESH_S = 0.2


class RunProgress:
    """Shows how far a run is; does nothing when quiet, and no bar where there is no terminal.

    Parameters
    ----------
    name : str
        Name of the scenario.
    duration_ms : int
        Length of the run.
    quiet : bool
        Show nothing.
    """

    def __init__(self, name: str, duration_ms: int, quiet: bool) -> None:
        self._next = 0.0
        self._progress: Progress | None = None
        if not quiet:
            self._progress = Progress(
                TextColumn("[bold]{task.description}"),
                BarColumn(),
                _SimulatedTime(),
                _Speed(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
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
        if self._progress is None:
            return
        now = time.monotonic()
        if now >= self._next or now_ms >= (self._progress.tasks[0].total or 0):
            self._progress.update(self._task, completed=now_ms, events=events)
            self._next = now + _REFRESH_S


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
