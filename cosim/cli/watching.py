"""What a command says while a run or a sweep goes on, and at its end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from cosim.api.watcher import Watcher
from cosim.cli.progress import RunProgress, SweepProgress
from cosim.cli.terminal import print_problems
from cosim.cli.voice import err, voice
from cosim.core.errors import Problem


class CommandWatcher(Watcher):
    """Shows problems, how far it is, and what came of it, for as long as its ``with`` block lasts.

    Parameters
    ----------
    progress : type
        Shows how far it is.
    show : callable
        Shows what came of it.
    """

    def __init__(
        self, progress: type[RunProgress] | type[SweepProgress], show: Callable[[Any], None]
    ) -> None:
        self._progress, self._show = progress, show
        self._bar: RunProgress | SweepProgress | None = None
        self._stack = ExitStack()
        self._name = ""

    def __enter__(self) -> CommandWatcher:
        signal.signal(signal.SIGTERM, _interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def begins(self, name: str, folder: Path, total: int) -> None:
        """Say where it runs, and begin to show how far it is."""
        if not voice.quiet:
            err.print(f"{name}: writing to {folder}")
        self._name = name
        self._bar = self._progress(name, total, voice.quiet)
        self._stack.enter_context(self._bar)

    def reached(self, so_far: int, count: int) -> None:
        """Show it."""
        if self._bar is not None:
            self._bar.update(so_far, count)

    def draws(self) -> None:
        """Say so, for it takes a while."""
        if self._bar is not None:
            self._bar.finish()
        self._stack.close()
        if not voice.quiet:
            err.print(f"{self._name}: drawing figures and writing the page")

    def doubts(self, problems: Sequence[Problem]) -> None:
        """One a line."""
        print_problems(problems)

    def ends(self, result: Any) -> None:
        """Show what came of it."""
        self._stack.close()
        self._show(result)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A request to end (SIGTERM) is treated as Ctrl-C."""
    raise KeyboardInterrupt
